"""A run of many trades through the commands: every kind of entry, exit, size and cost over one tape, by one seed.

Symbols differ in their steps and costs, rounds in leverage, slippage and rates. The rule to keep: nothing here knows
what a trade should come to.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import cast

from papertrade.engine.market import MINUTE_MS, Candle
from tests.cli import FixedClock, Result, run
from tests.venue_market import Listing, Market
from tests.venue_server import VenueServer

Node = Mapping[str, object]

CASH = "1000000000"
LISTINGS = {
    "FINEUSDT": Listing(base="FINE", quote="USDT"),
    "CENTUSDT": Listing(base="CENT", quote="USDT", tick="0.01", step="0.00001", notional_min="5"),
    "HALFUSDT": Listing(base="HALF", quote="USDT", tick="0.5", step="0.001", quantity_min="0.01"),
    "WIDEUSDT": Listing(base="WIDE", quote="USDT", tick="2.5", step="0.02", quantity_min="0.02"),
}
_SYMBOL_COSTS = (
    "{CENTUSDT: {maker: 0.0137%, taker: 0.0731%, funding: -0.013%, funding_every: 3600}, HALFUSDT: {slippage_bps: 11}}"
)
_ROUNDS: Sequence[Mapping[str, str]] = (
    {"COSTS__SLIPPAGE_BPS": "3"},
    {"LEVERAGE": "7", "COSTS__FUNDING__RATE": "0.017%", "COSTS__FUNDING__EVERY": "3600", "COSTS__BORROW": "90%"},
    {"COSTS__SLIPPAGE": "book", "COSTS__SLIPPAGE_BPS": "5"},
    {"LEVERAGE": "3", "COSTS__SLIPPAGE_BPS": "2.5", "MAINTENANCE_RATE": "1%", "COSTS__BORROW": "33%"},
    {"LEVERAGE": "100", "COSTS__TAKER": "0.037%", "COSTS__MAKER": "0.011%"},
    {"LEVERAGE": "2", "COSTS__SLIPPAGE": "book", "COSTS__FUNDING__RATE": "-0.021%"},
)
_COLUMNS = ("id", "symbol", "side", "entry_type", "entry", "expires", "stop_loss", "take_profit", "trail", "break_even")
_SIZES = ("size", "notional", "percent", "risk")


@dataclass
class BusyRun:
    """One database, one venue, one seed."""

    server: VenueServer
    environment: Mapping[str, str]
    dice: random.Random
    rounds: int = 0
    symbols: tuple[str, ...] = field(default=tuple(LISTINGS))

    def __call__(self, *words: str, stdin: str = "", settings: Mapping[str, str] | None = None) -> Result:
        own = {f"PAPERTRADE_{name}": value for name, value in (settings or {}).items()}
        return run(words, {**self.environment, **own}, stdin, clock=FixedClock(self.server.now_ms))

    def data(self, *words: str) -> Node:
        """Run with `--json` and return the envelope's data; the command must succeed."""
        done = self(*words, "--json", "-q")
        assert done.code == 0, (words, done.out, done.err)
        return cast(Node, done.envelope["data"])

    def trades(self) -> list[Node]:
        return list(cast("Sequence[Node]", self.data("trades", "--status", "all", "--limit", "0")["items"]))

    def play(self, trades: int, per_round: int, gap_minutes: int) -> None:
        """Open at least so many trades in rounds, and let people and the market do something after each."""
        while len(self.trades()) < trades:
            settings = _ROUNDS[self.rounds % len(_ROUNDS)]
            first = self.rounds * per_round
            self.rounds += 1
            self._set_books()
            text = self._signals(range(first, first + per_round))
            done = self("signal", "import", "-", "--source", "busy", "--open", "-q", stdin=text, settings=settings)
            assert done.code in {0, 10}, (done.code, done.err)
            self._pass(gap_minutes // 3)
            self._act(settings)
            self._pass(gap_minutes - gap_minutes // 3)

    def _pass(self, minutes: int) -> None:
        self.server.now_ms += minutes * MINUTE_MS + self.dice.randrange(0, 40_000)
        done = self("watch", "--once", "-q")
        assert done.code == 0, done.err

    def _act(self, settings: Mapping[str, str]) -> None:
        """Close, change, cancel and take back some of what is live."""
        self._set_books()
        live = [trade for trade in self.trades() if trade["status"] in {"open", "pending"}]
        for trade in self.dice.sample(live, min(len(live), 12)):
            number, waits = str(trade["id"]), trade["status"] == "pending"
            words = self.dice.choice(
                [
                    ["void", number, "--reason", "too large"],
                    ["cancel", number]
                    if waits
                    else ["close", number, "--fraction", f"0.{self.dice.randrange(100, 999)}"],
                    ["cancel", number] if waits else ["close", number],
                    ["modify", number, "--trail", "0.6%"],
                ]
            )
            done = self(*words, "-q", settings=settings)
            assert done.code in {0, 6}, (words, done.code, done.err)

    def _set_books(self) -> None:
        """Give every symbol an order book of uneven levels around its price."""
        for symbol in self.symbols:
            price, step = self.server.market.price(symbol, self.server.now_ms), Decimal(LISTINGS[symbol].tick)
            step = max(step, Decimal("0.01"))
            sides = []
            for sign in (-1, 1):
                first = price + sign * self.server.spread / 2
                level = [first + sign * step * n * self.dice.randrange(1, 3) for n in (0, 2, 5, 11, 23, 47)]
                sides.append([(each, f"{self.dice.randrange(1, 5000) / 1000}") for each in level])
            self.server.depths[symbol] = (sides[0], sides[1])

    def _signals(self, numbers: range) -> str:
        stream = io.StringIO()
        table = csv.DictWriter(stream, (*_COLUMNS, "time_limit", *_SIZES))
        table.writeheader()
        for number in numbers:
            table.writerow(self._signal(number))
        return stream.getvalue()

    def _signal(self, number: int) -> dict[str, str]:
        dice, symbol = self.dice, self.dice.choice(self.symbols)
        side, kind = dice.choice(("long", "short")), dice.choice(("market", "market", "limit", "stop"))
        row = {"id": str(number), "symbol": symbol, "side": side, "entry_type": kind}
        if kind != "market":
            is_below = (kind == "limit") == (side == "long")
            price = self.server.market.price(symbol, self.server.now_ms)
            away = Decimal(dice.randrange(5, 120)) / 10_000
            row["entry"] = f"{price * (1 - away if is_below else 1 + away):.1f}"
            row["expires"] = dice.choice(("", "2h", "5h"))
        stop = f"{dice.randrange(2, 40) / 10}%"
        row["stop_loss"] = dice.choice((stop, stop, f"{stop};be", f"{stop};be:gross"))
        row["take_profit"] = dice.choice(("", "1.5R", "0.4%:0.3;0.9%:0.3", "0.5R;1R;2R", "2%"))
        if ";be" in row["stop_loss"]:
            row["take_profit"] = dice.choice(("0.7R:0.5", "0.4%:0.3;0.9%:0.3", "0.5R;1R;2R"))
        row["trail"] = dice.choice(("", "", "0.8%", "0.5R@0.5R", "1%@0.5%"))
        row["break_even"] = dice.choice(("", "", "0.5R", "0.3%:gross"))
        row["time_limit"] = dice.choice(("", "", "90m", "7h"))
        row |= dice.choice(
            (
                {"size": f"{dice.randrange(20, 4000) / 1000}"},
                {"notional": str(dice.randrange(500, 9000))},
                {"percent": f"0.000{dice.randrange(1, 9)}"},
                {"risk": str(dice.randrange(5, 90))},
            )
        )
        return row


@contextmanager
def busy_run(folder: Path, candles: Sequence[Candle], at_ms: int, seed: int) -> Iterator[BusyRun]:
    """Serve a tape under all the symbols, and hand out a desk with a database of its own."""
    with VenueServer(Market(dict.fromkeys(LISTINGS, candles), {}, LISTINGS), at_ms) as server:
        server.spread = Decimal("0.3")
        environment = {
            "PAPERTRADE_DB": str(folder / "papertrade.db"),
            "PAPERTRADE_FEEDS__BINANCE__BASE_URL": server.base_url,
            "PAPERTRADE_ACCOUNT__CASH": CASH,
            "PAPERTRADE_COSTS__SYMBOLS": _SYMBOL_COSTS,
            "PAPERTRADE_WATCH__SETTLE": "none",
        }
        yield BusyRun(server, environment, random.Random(seed))
