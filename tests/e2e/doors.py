"""The scenarios of the exit tables through the other two doors: `backtest`, and `watch` over a served tape.

The rule alone is the first door (`tests.engine.tables`). Here each scenario is a symbol of its own: all are opened
in one database and watched together, or tested in as few runs as there are settings. What came out is told in the
words of the tables. The rule to keep: nothing here knows what a scenario should give.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from papertrade.engine.instants import parse_time
from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.engine.money import plain
from tests.cli import NOW_MS, run
from tests.engine.deals import candle_of, dec
from tests.engine.oracle import Bar, Deal, Wish
from tests.engine.tables import deal_of, tape_of
from tests.venue_market import Listing, Market
from tests.venue_server import VenueServer

START_MS = NOW_MS
CASH = "100000000"
HISTORY = 3
"""How many flat minutes lie before the first one: the venue was there before the trade."""
_TOGETHER = 20


@dataclass(frozen=True)
class Scenario:
    """One row of a table: what it says, the deal, its minutes, and what must happen."""

    sentence: str
    deal: Deal
    bars: Sequence[Bar]
    happens: str
    symbol: str

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings it needs, by the names of the environment."""
        deal, options = self.deal, self.deal.choices
        made = {
            "COSTS__MAKER": shown(deal.maker),
            "COSTS__TAKER": shown(deal.taker),
            "COSTS__SLIPPAGE_BPS": shown(deal.slippage_bps),
            "LEVERAGE": shown(deal.leverage),
        }
        for name in ("same_candle", "gap_stop", "gap_target", "gap_limit", "limit_fill", "trail"):
            made[f"CONVENTION__{name.upper()}"] = getattr(options, name)
        return made

    @property
    def listing(self) -> Listing:
        """How the venue describes the symbol."""
        deal = self.deal
        return Listing(
            base=self.symbol.removesuffix("USDT"),
            quote="USDT",
            tick=shown(deal.price_step),
            step=shown(deal.quantity_step),
            quantity_min=shown(deal.quantity_min),
            quantity_max="0",
            notional_min=shown(deal.notional_min),
        )

    @property
    def candles(self) -> list[Candle]:
        """Its minutes."""
        return [moved(candle_of(bar), START_MS) for bar in self.bars]

    @property
    def quote(self) -> Decimal:
        """The price when it is opened: that of a market entry; for one that waits, a price not beyond it."""
        deal = self.deal
        if deal.entry == "market":
            return dec(deal.price)
        is_below = (deal.entry == "limit") == (deal.side == "long")
        return dec(deal.price * (Fraction(101, 100) if is_below else Fraction(99, 100)))


@dataclass(frozen=True)
class Outcome:
    """What became of a scenario: the happenings in the words of the tables, and the money."""

    happens: str
    realized: Decimal
    fees: Decimal


def scenarios(rows: Sequence[tuple[str, str, str, str]]) -> list[Scenario]:
    """Read the rows of the tables, each with a symbol of its own."""
    return [
        Scenario(sentence, deal_of(trade), tape_of(minutes), happens, f"S{number:03}USDT")
        for number, (sentence, trade, minutes, happens) in enumerate(rows)
    ]


def is_for_every_door(scenario: Scenario) -> bool:
    """Whether a signal file can say it: opened as a minute opens, and not changed by hand afterwards."""
    return not scenario.deal.changes and scenario.deal.at_ms % MINUTE_MS == 0


# -- watch -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QuotedMarket(Market):
    """A market whose price of the moment is told where a scenario is about to be opened."""

    quotes: dict[str, Decimal] = field(default_factory=dict)

    def price(self, symbol: str, now_ms: int) -> Decimal:
        told = self.quotes.get(symbol)
        return Market.price(self, symbol, now_ms) if told is None else told


def watched(scenes: Sequence[Scenario], folder: Path, every_ms: int = MINUTE_MS) -> dict[str, Outcome]:
    """Open every scenario by a command of its own, look every so often, and tell what became of each.

    A few at a time share a database: each command to open first catches up everything that lives.
    """
    told: dict[str, Outcome] = {}
    for first in range(0, len(scenes), _TOGETHER):
        (batch := folder / str(first)).mkdir()
        told |= _watched(scenes[first : first + _TOGETHER], batch, every_ms)
    return told


def _watched(scenes: Sequence[Scenario], folder: Path, every_ms: int) -> dict[str, Outcome]:
    market = QuotedMarket({s.symbol: served(s) for s in scenes}, {}, {s.symbol: s.listing for s in scenes})
    with VenueServer(market, START_MS) as server:
        common = {
            "PAPERTRADE_DB": str(folder / "doors.db"),
            "PAPERTRADE_FEEDS__BINANCE__BASE_URL": server.base_url,
            "PAPERTRADE_ACCOUNT__CASH": CASH,
            "PAPERTRADE_WATCH__SETTLE": "none",
        }
        for at_ms in sorted({s.deal.at_ms for s in scenes}):
            server.now_ms = START_MS + at_ms
            for scene in (s for s in scenes if s.deal.at_ms == at_ms):
                market.quotes[scene.symbol] = scene.quote
                done = run(order_of(scene), {**common, **environment(scene)})
                assert done.code == 0, (scene.sentence, order_of(scene), done.out, done.err)
                market.quotes.clear()
        last = max(bar.open_ms for s in scenes for bar in s.bars) + MINUTE_MS
        for now_ms in (*range(max(s.deal.at_ms for s in scenes), last, every_ms), last):
            server.now_ms = START_MS + now_ms
            run(["watch", "--once", "-q"], common)
        assert run(["check", "-q"], common).code == 0
        fills = items(["export", "fills", "--format", "json"], common)
        trades = items(["export", "trades", "--format", "json"], common)
    return told_of(trades, fills)


def served(scene: Scenario) -> list[Candle]:
    """Return the scenario's minutes after some flat ones."""
    flat = Bar(0, MINUTE_MS, *[scene.bars[0].open] * 4)
    before = [moved(candle_of(flat), START_MS - n * MINUTE_MS) for n in range(HISTORY, 0, -1)]
    return [*before, *scene.candles]


def order_of(scene: Scenario) -> list[str]:
    """Return the command that opens a scenario."""
    deal = scene.deal
    words = [deal.side, scene.symbol, "--size", shown(deal.quantity), "--source", "doors", "--id", scene.symbol]
    if deal.entry != "market":
        words += [f"--{deal.entry}", shown(deal.price)]
    for name, texts in wishes(deal).items():
        for text in texts:
            words += [f"--{name.replace('_', '-')}", text]
    return words


def environment(scene: Scenario) -> dict[str, str]:
    return {f"PAPERTRADE_{name}": value for name, value in scene.settings.items()}


def items(words: Sequence[str], settings: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the rows of an export."""
    done = run(words, settings)
    assert done.code == 0, done.err
    found: list[dict[str, object]] = json.loads(done.out)
    return found


# -- backtest --------------------------------------------------------------------------------------------


def backtested(scenes: Sequence[Scenario], folder: Path) -> dict[str, Outcome]:
    """Run every scenario through `backtest`, together with those of the same settings, and tell what became of each."""
    told: dict[str, Outcome] = {}
    for number, alike in enumerate(by_settings(scenes)):
        told |= tested_together(alike, folder / str(number))
    return told


def by_settings(scenes: Sequence[Scenario]) -> Iterator[list[Scenario]]:
    """Yield the scenarios that one run can hold."""
    groups: dict[tuple[str, ...], list[Scenario]] = {}
    for scene in scenes:
        groups.setdefault(tuple(scene.settings.values()), []).append(scene)
    yield from groups.values()


def tested_together(scenes: Sequence[Scenario], folder: Path) -> dict[str, Outcome]:
    folder.mkdir(parents=True)
    signals, instruments = folder / "signals.csv", folder / "instruments.json"
    write_signals(signals, scenes)
    instruments.write_text(json.dumps([instrument(scene) for scene in scenes]), encoding="utf-8")
    words = ["backtest", "--signals", str(signals), "--interval", "1m", "--cash", CASH]
    words += ["--instruments", str(instruments), "--out", str(folder / "out"), "-q", "--limit", "0"]
    for scene in scenes:
        path = folder / f"{scene.symbol}.csv"
        write_candles(path, scene.candles)
        words += ["--candles", f"{scene.symbol}={path}"]
    done = run(words, environment(scenes[0]))
    assert done.code == 0, (words, done.out, done.err)
    return told_of(rows_of(folder / "out" / "trades.csv"), rows_of(folder / "out" / "fills.csv"))


def write_signals(path: Path, scenes: Sequence[Scenario]) -> None:
    names = ["id", "source", "time", "symbol", "side", "entry", "entry_type", "expires", "size"]
    names += ["stop_loss", "take_profit", "trail", "break_even", "time_limit"]
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, names)
        table.writeheader()
        for scene in scenes:
            table.writerow(signal(scene))


def signal(scene: Scenario) -> dict[str, str]:
    """Return a scenario as a row of a signal file."""
    deal = scene.deal
    row = {
        "id": scene.symbol,
        "source": "doors",
        "time": str(START_MS + deal.at_ms),
        "symbol": scene.symbol,
        "side": deal.side,
        "entry_type": deal.entry,
        "entry": "" if deal.entry == "market" else shown(deal.price),
        "size": shown(deal.quantity),
    }
    exits = wishes(deal)
    row["take_profit"] = ";".join(exits["tp"])
    row["stop_loss"] = ";".join(exits["sl"] + exits["after_tp1"])
    if exits["after_tp1"] and not exits["sl"]:
        row["stop_loss"] = ";" + row["stop_loss"]
    row["expires"] = "".join(exits["expires"])
    for name in ("trail", "break_even", "time_limit"):
        row[name] = "".join(exits[name])
    return row


def instrument(scene: Scenario) -> dict[str, object]:
    """Return a scenario's instrument as `instruments --json` prints one."""
    listing = scene.listing
    return {
        "venue": "backtest",
        "symbol": scene.symbol,
        "base": listing.base,
        "quote": listing.quote,
        "price_step": listing.tick,
        "quantity_step": listing.step,
        "quantity_min": listing.quantity_min,
        "quantity_max": "0",
        "notional_min": listing.notional_min,
        "notional_max": "0",
    }


def write_candles(path: Path, candles: Sequence[Candle]) -> None:
    lines = ["time,open,high,low,close,volume"]
    for c in candles:
        lines.append(",".join([str(c.open_ms), *(plain(p) for p in (c.open, c.high, c.low, c.close)), "1"]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows_of(path: Path) -> list[dict[str, object]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [dict(row) for row in csv.DictReader(stream)]


_UNSAID = (1, Fraction(1, 3))
"""The shares that targets have without fractions: one of one, and each of three."""


# -- words -----------------------------------------------------------------------------------------------


def wishes(deal: Deal) -> dict[str, list[str]]:
    """Return a deal's exits in the words of flags and signal files."""
    exits = deal.exits
    made: dict[str, list[str]] = {
        "sl": [] if exits.stop is None else [level(exits.stop)],
        "tp": [
            level(wish) if part in (1, Fraction(1, 3)) else f"{level(wish)}:{shown(part)}"
            for wish, part in exits.targets
        ],
        "after_tp1": [] if exits.after is None else [level(exits.after)],
        "trail": [],
        "break_even": [],
        "time_limit": [],
        "expires": [] if deal.expires_ms is None else [str(START_MS + deal.expires_ms)],
    }
    if exits.trail is not None:
        distance, begins = exits.trail
        made["trail"] = [level(distance) + ("" if begins is None else f"@{level(begins)}")]
    if exits.even is not None:
        trigger, is_gross = exits.even
        made["break_even"] = [level(trigger) + (":gross" if is_gross else "")]
    if exits.limit is not None:
        kind, at_ms = exits.limit
        made["time_limit"] = [f"{at_ms // 1000}s" if kind == "age" else str(START_MS + at_ms)]
    return made


def level(wish: Wish) -> str:
    return {"percent": f"{shown(wish.value)}%", "risk": f"{shown(wish.value)}R", "price": shown(wish.value)}.get(
        wish.kind, wish.kind
    )


def told_of(trades: Sequence[Mapping[str, object]], fills: Sequence[Mapping[str, object]]) -> dict[str, Outcome]:
    """Tell by symbol what happened after the opening, in the words of the tables."""
    told: dict[str, list[str]] = {str(trade["symbol"]): [] for trade in trades}
    waits = {str(trade["symbol"]) for trade in trades if trade["entry_type"] != "market"}
    for fill in sorted(fills, key=lambda f: int(str(f["n"]))):
        symbol = str(fill["symbol"])
        if fill["leg"] == "exit" or symbol in waits:
            told[symbol].append(told_fill(fill))
    for trade in trades:
        if trade["status"] in {"expired", "rejected", "cancelled"}:
            told[str(trade["symbol"])].append(f"{trade['status']} {stamp(str(trade['closed_at']))}")
    money = {str(t["symbol"]): (Decimal(str(t["realized_pnl"])), Decimal(str(t["fees"]))) for t in trades}
    return {symbol: Outcome("; ".join(parts), *money[symbol]) for symbol, parts in told.items()}


def told_fill(fill: Mapping[str, object]) -> str:
    word = "entry" if fill["leg"] == "entry" else str(fill["exit_reason"])
    doubt = ["ambiguous"] if fill["ambiguous"] in {True, "true"} else []
    flags = fill["flags"]
    marks = flags if isinstance(flags, list) else [f for f in str(flags or "").split(";") if f]
    return " ".join([word, str(fill["quantity"]), "at", str(fill["price"]), stamp(str(fill["at"])), *doubt, *marks])


def stamp(text: str) -> str:
    """Say an instant as the tables do: `open1`, `end0`."""
    minute, rest = divmod(parse_time(text) - START_MS, MINUTE_MS)
    return {0: f"open{minute}", MINUTE_MS - 1: f"end{minute}"}[rest]


def moved(candle: Candle, by_ms: int) -> Candle:
    return replace(candle, open_ms=candle.open_ms + by_ms)


def shown(value: Fraction) -> str:
    return plain(dec(value))
