"""What a venue can be asked, whatever the venue: time, instruments, quotes and candles.

A feed answers per symbol: one that fails is an error value in the answer and never hides the others.
An error that concerns the whole venue (no connection, a ban) is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol, TypeAlias

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Candle, Quote
from papertrade.engine.order_book import OrderBook
from papertrade.engine.values import dataclass
from papertrade.errors import FeedError, PapertradeError

Quotes: TypeAlias = Mapping[str, Quote | PapertradeError]
Instruments: TypeAlias = Mapping[str, Instrument | PapertradeError]
Books: TypeAlias = Mapping[str, OrderBook | PapertradeError]
CandleAnswer: TypeAlias = tuple[Candle, ...] | PapertradeError


@dataclass(frozen=True, slots=True)
class Closure:
    """A venue that told us to stay away until `until_ms` (UTC, local clock), with its reason."""

    until_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """Candles of one symbol from `start_ms` (an open time, included) to before `end_ms`, oldest first.

    At most `most` of them: the oldest, so that a long absence is caught up piece by piece.
    """

    symbol: str
    interval: str
    start_ms: int
    end_ms: int
    most: int = 100_000


def no_book(venue: str, symbol: str) -> FeedError:
    """Say that a venue shows no order book."""
    return FeedError(f"`{venue}` shows no order book of `{symbol}`", code="no_book")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMove:
    """A symbol's last 24 hours: prices, the change in percent, and the turnover in the quote currency."""

    symbol: str
    last: Decimal
    change_percent: Decimal
    high: Decimal
    low: Decimal
    turnover: Decimal


class Feed(Protocol):
    """One venue. Every method is bounded by the feed's own deadline and may raise FeedError."""

    @property
    def venue(self) -> str:
        """The venue's name, lower case."""
        ...

    @property
    def closure(self) -> Closure | None:
        """Until when the venue wants no request, to be remembered between processes; None if it is open."""
        ...

    @property
    def has_candles(self) -> bool:
        """Whether the venue offers candles at all; without them quotes decide (`observed`)."""
        ...

    async def time_ms(self) -> int:
        """Return the venue's clock."""
        ...

    async def instruments(self, symbols: Sequence[str]) -> Instruments:
        """Return what the venue says of each symbol; UnknownSymbol where it knows none."""
        ...

    async def quotes(self, symbols: Sequence[str], at_ms: int, *, with_book: bool = True) -> Quotes:
        """Return the prices of now; `at_ms` stamps quotes without a time of their own.

        Without the book one request serves any number of symbols, and bid and ask stay unknown.
        """
        ...

    async def books(self, symbols: Sequence[str], depth: int, at_ms: int) -> Books:
        """Return the order books of now, at most `depth` levels a side; `at_ms` stamps them."""
        ...

    async def movers(self) -> Sequence[DayMove]:
        """Return what every symbol that was traded did in the last 24 hours, in no order."""
        ...

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        """Return the candles of each request, the forming one included where the range reaches it.

        Minutes that the venue does not have are missing. Which candles are final only its clock can tell.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
