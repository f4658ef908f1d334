"""Where a trade as recorded and as told again differ, field by field, and which candle explains it.

The first fill or ending that differs decides the reason, or the stop that was moved before it; whatever follows has
the same one. The rule to keep: a reason is only given with evidence: the candle as it decided then, a stored price,
a known hole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest
from typing import TypeAlias

from papertrade.engine.market import Candle
from papertrade.engine.messages import CostCharged, EntryFilled, ExitFilled, StopMoved, TradeEnded, TradeEvent
from papertrade.engine.money import plain
from papertrade.engine.trade import Flag, Trade
from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import CandleSeries
from papertrade.store.rows import Coverage, PricePoint


class Reason(StrEnum):
    """What explains a difference."""

    CANDLE_CORRECTED = "candle_corrected"  # the venue shows another candle than it did
    CANDLE_MISSING = "candle_missing"  # the venue does not show it any more
    CANDLE_ADDED = "candle_added"  # there was a hole when it was watched
    RESOLVED_LIVE = "resolved_live"  # finer candles, gone by now, told the watch what came first
    NOT_SEEN = "not_seen"  # a candle touches the trade, and nothing was recorded of it
    RULE = "rule"  # the same candle was decided otherwise


@dataclass(frozen=True, slots=True)
class Instant:
    """A field that is a time: UTC ms."""

    at_ms: int


Value: TypeAlias = Decimal | str | bool | Instant | None
Moment: TypeAlias = EntryFilled | ExitFilled | CostCharged | TradeEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a trade differs: in words, and the candle concerned as it was then and as it is now, where known."""

    reason: Reason
    hint: str
    candle_ms: int | None = None
    then: Candle | None = None
    now: Candle | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one trade."""

    trade_id: int
    symbol: str
    field: str
    recorded: Value
    replayed: Value
    explanation: Explanation

    @property
    def reason(self) -> Reason:
        """What explains it."""
        return self.explanation.reason


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a trade's candles: as they are now, holes seen when it was watched, prices kept then."""

    series: CandleSeries
    holes: Sequence[Coverage]
    prices: Sequence[PricePoint]

    def now(self, open_ms: int) -> Candle | None:
        """Return the candle that opens then, None where there is none."""
        index = self.series.index_from(open_ms)
        is_there = index < len(self.series) and int(self.series.open_ms[index]) == open_ms
        return self.series.candle(index) if is_there else None

    def is_in_hole(self, candle: Candle) -> bool:
        """Whether there was no candle then."""
        return any(hole.from_ms <= candle.open_ms and candle.end_ms <= hole.to_ms for hole in self.holes)

    def price_then(self, candle: Candle) -> str | None:
        """Return in words how a price that was kept differs from the candle of now, None if none does."""
        for point in self.prices:
            if point.at_ms == candle.last_ms and point.price != candle.close:
                return f"its close was `{plain(point.price)}`, is `{plain(candle.close)}`"
            if point.at_ms == candle.open_ms and point.price != candle.open:
                return f"its open was `{plain(point.price)}`, is `{plain(candle.open)}`"
        return None


def compare(
    recorded: tuple[Trade, Sequence[TradeEvent]],
    replayed: tuple[Trade, Sequence[TradeEvent]],
    evidence: Callable[[], Evidence],
) -> list[Difference]:
    """Return each field in which two tellings of a trade differ; `evidence` is asked only if some does."""
    (then, events_then), (now, events_now) = recorded, replayed
    fields = [
        *_differing(_facts(then), _facts(now)),
        *_differing_fills(_fills(events_then), _fills(events_now)),
        *_differing_charges(_charges(events_then), _charges(events_now)),
    ]
    if not fields:
        return []
    explanation = _explained(events_then, events_now, evidence())
    return [Difference(then.id, then.order.symbol, name, old, new, explanation) for name, old, new in fields]


def _differing(
    old: Iterable[tuple[str, Value]], new: Iterable[tuple[str, Value]], prefix: str = ""
) -> list[tuple[str, Value, Value]]:
    return [(f"{prefix}{name}", was, is_) for (name, was), (_, is_) in zip(old, new, strict=True) if was != is_]


def _differing_fills(
    old: Sequence[EntryFilled | ExitFilled], new: Sequence[EntryFilled | ExitFilled]
) -> list[tuple[str, Value, Value]]:
    """Compare fills one by one, from 1 on; one that only one side has is told in words."""
    found: list[tuple[str, Value, Value]] = []
    for number, (was, is_) in enumerate(zip_longest(old, new), start=1):
        if was is None or is_ is None:
            found.append((f"fills[{number}]", _in_words(was), _in_words(is_)))
        else:
            found += _differing(_fill_facts(was), _fill_facts(is_), f"fills[{number}].")
    return found


def _facts(trade: Trade) -> list[tuple[str, Value]]:
    return [
        ("status", trade.status),
        ("entry_price", trade.entry_price),
        ("opened_at", _instant(trade.opened_at)),
        ("quantity", trade.quantity),
        ("open_quantity", trade.open_quantity),
        ("exit_reason", trade.exit_reason),
        ("exit_price", trade.exit_price),
        ("closed_at", _instant(trade.closed_at)),
        ("fees", trade.fees),
        ("slippage", trade.slippage),
        ("realized_pnl", trade.realized),
        ("funding", trade.funding),
        ("borrow_cost", trade.borrow_cost),
        ("liquidation_price", trade.liquidation_price),
        ("reserve", trade.reserve),
        ("ambiguous", trade.is_ambiguous),
        ("flags", _flags(trade.flags)),
    ]


def _fill_facts(fill: EntryFilled | ExitFilled) -> list[tuple[str, Value]]:
    ends = fill if isinstance(fill, ExitFilled) else None
    return [
        ("leg", "entry" if ends is None else "exit"),
        ("at", Instant(fill.at_ms)),
        ("price", fill.price),
        ("quantity", fill.quantity),
        ("liquidity", fill.liquidity),
        ("fee", fill.fee),
        ("reason", None if ends is None else ends.reason),
        ("realized", None if ends is None else ends.realized),
        ("funding_share", None if ends is None else ends.funding_share),
        ("ambiguous", False if ends is None else ends.is_ambiguous),
        ("flags", _flags(fill.flags)),
    ]


def _differing_charges(old: Sequence[CostCharged], new: Sequence[CostCharged]) -> list[tuple[str, Value, Value]]:
    """Compare what holding the trade cost one by one, from 1 on."""
    found: list[tuple[str, Value, Value]] = []
    for number, (was, is_) in enumerate(zip_longest(old, new), start=1):
        if was is None or is_ is None:
            found.append((f"charges[{number}]", _charge_in_words(was), _charge_in_words(is_)))
        else:
            found += _differing(_charge_facts(was), _charge_facts(is_), f"charges[{number}].")
    return found


def _charge_facts(charge: CostCharged) -> list[tuple[str, Value]]:
    return [
        ("kind", charge.kind),
        ("at", Instant(charge.at_ms)),
        ("for", Instant(charge.to_ms)),
        ("amount", charge.amount),
        ("notional", charge.notional),
    ]


def _charge_in_words(charge: CostCharged | None) -> Value:
    return None if charge is None else f"{charge.kind} of {plain(charge.amount)}"


def _charges(events: Iterable[TradeEvent]) -> list[CostCharged]:
    return [event for event in events if isinstance(event, CostCharged)]


def _in_words(fill: EntryFilled | ExitFilled | None) -> Value:
    if fill is None:
        return None
    what = fill.reason if isinstance(fill, ExitFilled) else "entry"
    return f"{what} of {plain(fill.quantity)} at {plain(fill.price)}"


def _instant(at_ms: int | None) -> Instant | None:
    return None if at_ms is None else Instant(at_ms)


def _flags(flags: Sequence[Flag]) -> str:
    return ", ".join(sorted(flags))


def _fills(events: Iterable[TradeEvent]) -> list[EntryFilled | ExitFilled]:
    return [event for event in events if isinstance(event, EntryFilled | ExitFilled)]


def _moments(events: Iterable[TradeEvent]) -> list[Moment]:
    return [event for event in events if isinstance(event, Moment)]


def _explained(old: Sequence[TradeEvent], new: Sequence[TradeEvent], evidence: Evidence) -> Explanation:
    """Explain the first fill or ending that differs; if its own candle is as it was, by what moved the stop before."""
    found = Explanation(reason=Reason.RULE, hint=_OTHERWISE)
    for was, is_ in zip_longest(_moments(old), _moments(new)):
        if was is None or is_ is None or _essence(was) != _essence(is_):
            found = _explain(was, is_, evidence)
            break
    if found.reason not in _UNEXPLAINED:
        return found
    led = [_of_recorded(move, evidence) for move in _moves(old)] + [
        _of_replayed(move, evidence) for move in _moves(new)
    ]
    return next((one for one in led if one.reason not in _UNEXPLAINED and _is_before(one, found)), found)


_UNEXPLAINED = (Reason.RULE, Reason.NOT_SEEN)


def _moves(events: Iterable[TradeEvent]) -> list[StopMoved]:
    return [event for event in events if isinstance(event, StopMoved) and event.cause.candle is not None]


def _is_before(one: Explanation, other: Explanation) -> bool:
    return one.candle_ms is None or other.candle_ms is None or one.candle_ms <= other.candle_ms


_OTHERWISE = "the same candle was decided otherwise: by another version of papertrade"


def _essence(moment: Moment) -> list[tuple[str, Value]]:
    if isinstance(moment, TradeEnded):
        return [("status", moment.status), ("at", Instant(moment.at_ms)), ("released", moment.released)]
    return _charge_facts(moment) if isinstance(moment, CostCharged) else _fill_facts(moment)


def _explain(was: Moment | None, is_: Moment | None, evidence: Evidence) -> Explanation:
    if _was_settled(was, is_):
        candle = _candle_of(was)
        return Explanation(
            reason=Reason.RESOLVED_LIVE,
            hint="finer candles told the watch which level came first; they are not at hand now",
            candle_ms=None if candle is None else candle.open_ms,
            then=candle,
            now=candle,
        )
    if was is not None and (is_ is None or _begins(was, evidence) <= _begins(is_, evidence)):
        return _of_recorded(was, evidence)
    if is_ is not None:
        return _of_replayed(is_, evidence)
    raise ValueError("nothing to explain")


def _was_settled(was: Moment | None, is_: Moment | None) -> bool:
    """Whether finer candles had ordered what looks ambiguous without them."""
    if not isinstance(was, ExitFilled) or not isinstance(is_, ExitFilled):
        return False
    before, after = was.cause.candle, is_.cause.candle
    is_same = before is not None and after is not None and _prices(before) == _prices(after)
    return is_same and Flag.SETTLED in was.flags and is_.is_ambiguous


def _of_recorded(was: Moment | StopMoved, evidence: Evidence) -> Explanation:
    """Explain what happened then and would not now."""
    then = _candle_of(was)
    open_ms = _opened(was, evidence)
    if open_ms is None:
        return Explanation(reason=Reason.RULE, hint="what was done by hand cannot follow what happened before it")
    now = evidence.now(open_ms)
    if now is None:
        hint = "there is no such candle any more"
        return Explanation(reason=Reason.CANDLE_MISSING, hint=hint, candle_ms=open_ms, then=then)
    changes = None if then is None else _changes(then, now)
    if changes is not None:
        return Explanation(
            reason=Reason.CANDLE_CORRECTED,
            hint=f"the candle was corrected: {changes}",
            candle_ms=open_ms,
            then=then,
            now=now,
        )
    return Explanation(reason=Reason.RULE, hint=_OTHERWISE, candle_ms=open_ms, then=then, now=now)


def _of_replayed(is_: Moment | StopMoved, evidence: Evidence) -> Explanation:
    """Explain what would happen now and did not then; what the candle was like then is hardly ever known."""
    open_ms = _opened(is_, evidence)
    now = None if open_ms is None else evidence.now(open_ms)
    if now is None:
        return Explanation(reason=Reason.RULE, hint="what was done by hand came out otherwise")
    if evidence.is_in_hole(now):
        hint = "there was no candle when it was watched, there is one now"
        return Explanation(reason=Reason.CANDLE_ADDED, hint=hint, candle_ms=open_ms, now=now)
    changed = evidence.price_then(now)
    if changed is not None:
        hint = f"the candle was corrected: {changed}"
        return Explanation(reason=Reason.CANDLE_CORRECTED, hint=hint, candle_ms=open_ms, now=now)
    hint = "nothing was recorded of it: the candle has been corrected since, or was never watched"
    return Explanation(reason=Reason.NOT_SEEN, hint=hint, candle_ms=open_ms, now=now)


def _candle_of(moment: Moment | StopMoved | None) -> Candle | None:
    return None if moment is None or isinstance(moment, TradeEnded) else moment.cause.candle


def _opened(moment: Moment | StopMoved, evidence: Evidence) -> int | None:
    """Return when the candle of a moment opened, None for what was done by hand."""
    candle = _candle_of(moment)
    if candle is not None:
        return candle.open_ms
    return None if moment.applied_to is None else moment.applied_to - evidence.series.interval_ms


def _begins(moment: Moment, evidence: Evidence) -> int:
    """Return where a moment stands: of one candle no stamp comes before another."""
    open_ms = _opened(moment, evidence)
    return moment.at_ms if open_ms is None else open_ms


def _prices(candle: Candle) -> tuple[int, Decimal, Decimal, Decimal, Decimal]:
    return (candle.open_ms, candle.open, candle.high, candle.low, candle.close)


def _changes(then: Candle, now: Candle) -> str | None:
    """Say how a candle's prices have changed, None if they have not."""
    each = (
        ("open", then.open, now.open),
        ("high", then.high, now.high),
        ("low", then.low, now.low),
        ("close", then.close, now.close),
    )
    changed = [f"{name} was `{plain(was)}`, is `{plain(is_)}`" for name, was, is_ in each if was != is_]
    return ", ".join(changed) if changed else None
