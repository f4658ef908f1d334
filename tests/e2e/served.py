"""Real and made tapes behind the loopback venue, driven through the commands, and what they should give.

The expectation comes from `tests.engine.oracle`, which restates the document and knows nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import cast

from papertrade.engine.market import MINUTE_MS, Candle
from tests.cli import Result, run
from tests.engine.oracle import Bar, Deal, Exits, Happening, Wish, judge
from tests.venue_server import VenueServer


@dataclass(frozen=True, slots=True)
class Idea:
    """A trade to open: side and exits as prices, relative to the price at the opening, in percent."""

    side: str
    stop: str
    target: str


IDEAS = tuple(
    Idea(side, stop, target)
    for side in ("long", "short")
    for stop, target in (("0.3", "0.3"), ("0.5", "1"), ("1", "2"), ("2", "1"), ("4", "4"), ("8", "3"))
)


@dataclass(frozen=True, slots=True)
class Desk:
    """One database, one venue, and the commands between them."""

    server: VenueServer
    environment: Mapping[str, str]

    def __call__(self, *args: str) -> Result:
        return run(args, self.environment)

    def data(self, *args: str) -> Mapping[str, object]:
        """Run with `--json` and return the envelope's data; the command must succeed."""
        result = self(*args, "--json")
        assert result.code == 0, (args, result.out, result.err)
        return cast("Mapping[str, object]", result.envelope["data"])

    def trades(self) -> dict[int, Mapping[str, object]]:
        items = cast("Sequence[Mapping[str, object]]", self.data("trades", "--limit", "0", "-q")["items"])
        return {cast(int, trade["id"]): trade for trade in items}


@contextmanager
def served(folder: Path, symbol: str, candles: Sequence[Candle], at_ms: int) -> Iterator[Desk]:
    """Serve a tape at `at_ms` and hand out a desk with a database of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with VenueServer.of({symbol: candles}, at_ms) as server:
        yield Desk(server, environment(folder, server.base_url))


def environment(folder: Path, base_url: str) -> dict[str, str]:
    return {
        "PAPERTRADE_DB": str(folder / "papertrade.db"),
        "PAPERTRADE_FEEDS__BINANCE__BASE_URL": base_url,
        "PAPERTRADE_ACCOUNT__CASH": "1000000",
    }


def open_all(desk: Desk, symbol: str, ideas: Sequence[Idea] = IDEAS) -> None:
    """Open every idea at market, each with a fixed quantity."""
    for idea in ideas:
        desk.data(
            "open",
            "--symbol",
            symbol,
            "--side",
            idea.side,
            "--sl",
            f"{idea.stop}%",
            "--tp",
            f"{idea.target}%",
            "--size",
            "1.5",
        )


def expected(idea: Idea, price: Decimal, at_ms: int, candles: Sequence[Candle]) -> list[Happening]:
    """Return what the oracle says becomes of an idea opened at `price` at `at_ms`."""
    sign = 1 if idea.side == "long" else -1
    stop = Wish("percent", -sign * Fraction(idea.stop))
    target = Wish("percent", sign * Fraction(idea.target))
    deal = Deal(
        side=idea.side,
        entry="market",
        price=Fraction(price),
        quantity=Fraction(3, 2),
        at_ms=at_ms,
        exits=Exits(stop, ((target, Fraction(1)),)),
        maker=Fraction(1, 1000),
        taker=Fraction(1, 1000),
        price_step=Fraction(1, 10**8),
        quantity_step=Fraction(1, 10**8),
    )
    return judge(deal, [bar(c) for c in candles if c.end_ms > at_ms])


def bar(candle: Candle) -> Bar:
    prices = (Fraction(p) for p in (candle.open, candle.high, candle.low, candle.close))
    return Bar(candle.open_ms, MINUTE_MS, *prices)


def outcome(trade: Mapping[str, object]) -> tuple[object, ...]:
    """Return what must not depend on how the tape was polled."""
    names = ("status", "exit_reason", "exit_price", "closed_at", "ambiguous", "realized_pnl", "entry_price", "fees")
    return tuple(trade[name] for name in names)
