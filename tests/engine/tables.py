"""Trades, tapes and outcomes as short texts, so that a scenario is one line that a person can check.

A trade: `long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5`, or `limit 98`, `stop 102` for entries that wait; then
pairs such as `lev 5`, `fee 0.001`, `slip 10`, `opened 30s`, `expires 2m`, `change 90s sl 97 tp 112`, or an
option by its name. Costs of holding are `fund 0.01 every 2m` and `borrow 0.05`, `keep 0.01` is a maintenance
rate. What moves a stop or ends by time: `trails 2%@+4%`, `even 1R:gross`, `time 90s` (an age), `until 5m` (an
instant), `after be`. It begins at the open of minute 0 unless told otherwise. A tape: `open high low close` of one
minute after the other, split by `|`; `-` is a minute without a candle. An outcome: `stop_loss 1 at 95 end0` is what
the candle of minute 0 does inside, `open1` is what happens at the open of minute 1; `funding 1.02 open1` what holding
cost there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from papertrade.engine.market import Candle
from papertrade.engine.messages import CostCharged, EntryFilled, ExitFilled, StopMoved, TradeEnded, TradeEvent
from papertrade.engine.money import plain
from papertrade.engine.touch import touch
from papertrade.engine.trade import Trade
from tests.engine.deals import MINUTE, candle_of, opened
from tests.engine.oracle import Bar, Choices, Deal, Exits, Wish

_OPTIONS = ("same_candle", "gap_stop", "gap_target", "gap_limit", "limit_fill", "trail")
_NUMBERS: dict[str, Callable[[Deal, Fraction], Deal]] = {
    "lev": lambda deal, value: replace(deal, leverage=value),
    "fee": lambda deal, value: replace(deal, maker=value, taker=value),
    "slip": lambda deal, value: replace(deal, slippage_bps=value),
    "step": lambda deal, value: replace(deal, price_step=value),
    "qstep": lambda deal, value: replace(deal, quantity_step=value),
    "qmin": lambda deal, value: replace(deal, quantity_min=value),
    "nmin": lambda deal, value: replace(deal, notional_min=value),
    "fund": lambda deal, value: replace(deal, funding=value),
    "borrow": lambda deal, value: replace(deal, borrow=value),
    "keep": lambda deal, value: replace(deal, maintenance=value),
}
_UNITS = {"ms": 1, "s": 1_000, "m": MINUTE}


@dataclass
class _Draft:
    exits: list[tuple[int, Exits]] = field(default_factory=lambda: [(0, Exits())])
    choices: Choices = field(default_factory=Choices)

    def add(self, stop: Wish | None, target: tuple[Wish, Fraction] | None) -> None:
        at_ms, old = self.exits[-1]
        targets = old.targets if target is None else (*old.targets, target)
        self.exits[-1] = (at_ms, replace(old, stop=old.stop if stop is None else stop, targets=targets))

    def put(self, **rule: object) -> None:
        at_ms, old = self.exits[-1]
        self.exits[-1] = (at_ms, replace(old, **rule))  # type: ignore[arg-type]


def deal_of(text: str) -> Deal:
    """Read a trade."""
    side, quantity, kind, price, *pairs = text.split()
    entry = "market" if kind == "at" else kind
    deal = Deal(side, entry, Fraction(price), Fraction(quantity), 0, quantity_step=Fraction(1, 100))
    draft = _Draft()
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        deal = _with(deal, draft, name, value)
    (_, exits), *changes = draft.exits
    return replace(deal, exits=exits, changes=tuple(changes), choices=draft.choices)


def _with(deal: Deal, draft: _Draft, name: str, value: str) -> Deal:
    if name in _NUMBERS:
        return _NUMBERS[name](deal, Fraction(value))
    match name:
        case "opened":
            return replace(deal, at_ms=_time(value))
        case "expires":
            return replace(deal, expires_ms=_time(value))
        case "every":
            return replace(deal, funding_every=_time(value))
        case "change":
            draft.exits.append((_time(value), Exits()))
        case "trails":
            distance, at, begins = value.partition("@")
            draft.put(trail=(_wish(distance), _wish(begins) if at else None))
        case "even":
            trigger, colon, _ = value.partition(":")
            draft.put(even=(_wish(trigger), colon != ""))
        case "time":
            draft.put(limit=("age", _time(value)))
        case "until":
            draft.put(limit=("at", _time(value)))
        case "after":
            draft.put(after=Wish(value) if value.startswith("be") else _wish(value))
        case "sl":
            draft.add(_wish(value), None)
        case "tp":
            level, _, share = value.partition(":")
            draft.add(None, (_wish(level), Fraction(share or 1)))
        case _ if name in _OPTIONS:
            draft.choices = replace(draft.choices, **{name: value})
        case _:
            raise ValueError(name)
    return deal


def tape_of(text: str) -> list[Bar]:
    """Read the candles of minutes 0, 1, 2 …"""
    texts = [part.split() for part in text.split("|")]
    return [bar_at(minute, *prices) for minute, prices in enumerate(texts) if prices != ["-"]]


def bar_at(minute: int, opened: str, high: str, low: str, closed: str) -> Bar:
    return Bar(minute * MINUTE, MINUTE, Fraction(opened), Fraction(high), Fraction(low), Fraction(closed))


def trade_of(text: str, minutes: str = "") -> Trade:
    """Return a trade after some minutes."""
    trade = opened(deal_of(text))
    for candle in candles_of(minutes) if minutes else ():
        trade, _ = touch(trade, candle)
    return trade


def candles_of(text: str) -> list[Candle]:
    return [candle_of(bar) for bar in tape_of(text)]


def told(events: Sequence[TradeEvent]) -> str:
    """Tell what happened, but not how stops moved."""
    return "; ".join(_told(event) for event in events if not isinstance(event, StopMoved))


def _told(event: TradeEvent) -> str:
    match event:
        case EntryFilled():
            return " ".join(["entry", *_fill(event.quantity, event.price, event.at_ms), *event.flags])
        case ExitFilled():
            doubt = ["ambiguous"] if event.is_ambiguous else []
            return " ".join([event.reason, *_fill(event.quantity, event.price, event.at_ms), *doubt, *event.flags])
        case CostCharged():
            return f"{event.kind} {plain(event.amount)} {_stamp(event.at_ms)}"
        case TradeEnded():
            return " ".join((str(event.status), _stamp(event.at_ms), *event.flags))
        case _:
            raise ValueError(event)


def _fill(quantity: Decimal, price: Decimal, at_ms: int) -> list[str]:
    return [plain(quantity), "at", plain(price), _stamp(at_ms)]


def _stamp(at_ms: int) -> str:
    minute, rest = divmod(at_ms, MINUTE)
    return {0: f"open{minute}", MINUTE - 1: f"end{minute}"}.get(rest, f"{at_ms}ms")


def _wish(text: str) -> Wish:
    if text.endswith("%"):
        return Wish("percent", Fraction(text[:-1]))
    if text.endswith("R"):
        return Wish("risk", Fraction(text[:-1]))
    return Wish("price", Fraction(text))


def _time(text: str) -> int:
    unit = text.lstrip("0123456789")
    return int(text.removesuffix(unit)) * _UNITS[unit]
