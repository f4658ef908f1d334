"""Prices to value open trades at: the mark of a side, and closes looked up by time.

A mark is the bid for longs, the ask for shorts, else the last price, always with its instant. The rule to
keep: a close is known from the last millisecond of its candle on, never earlier.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from papertrade.engine.market import Quote, Side
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """A price and the UTC millisecond at which it was seen."""

    price: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True, order=True)
class HoldingKey:
    """What one holding is about, within an account: the instrument and the side."""

    venue: str
    symbol: str
    side: Side


def marks_of(quotes: Mapping[tuple[str, str], Quote]) -> dict[HoldingKey, Mark]:
    """Return the marks of both sides for quotes by (venue, symbol)."""
    return {
        HoldingKey(venue, symbol, side): Mark(quote.mark(side), quote.at_ms)
        for (venue, symbol), quote in quotes.items()
        for side in Side
    }


class Prices(Protocol):
    """Closes of final candles, by instrument and time."""

    def at(self, venue: str, symbol: str, at_ms: int) -> Mark | None:
        """Return the newest close at or before the instant; None when none is known."""
        ...


@dataclass(frozen=True, slots=True)
class Closes:
    """Closes of one instrument, oldest first; `at_ms` are the last milliseconds of their candles."""

    at_ms: Sequence[int]
    prices: Sequence[Decimal]

    def __post_init__(self) -> None:
        if len(self.at_ms) != len(self.prices):
            raise ValueError(f"`{len(self.at_ms)}` times for `{len(self.prices)}` prices")


@dataclass(frozen=True, slots=True)
class StoredCloses:
    """`Prices` over closes held in memory, by (venue, symbol)."""

    series: Mapping[tuple[str, str], Closes]

    def at(self, venue: str, symbol: str, at_ms: int) -> Mark | None:
        """Return the newest close at or before the instant; None when none is known. O(log n)."""
        closes = self.series.get((venue, symbol))
        if closes is None:
            return None
        found = bisect_right(closes.at_ms, at_ms) - 1
        return None if found < 0 else Mark(closes.prices[found], closes.at_ms[found])
