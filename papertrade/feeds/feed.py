"""What a venue can be asked, whatever the venue: time, instruments, quotes and candles.

A feed answers per symbol: one that fails is an error value in the answer and never hides the others.
An error that concerns the whole venue (no connection, a ban) is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Candle, Quote
from papertrade.errors import PapertradeError

Quotes: TypeAlias = Mapping[str, Quote | PapertradeError]
Instruments: TypeAlias = Mapping[str, Instrument | PapertradeError]
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

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        """Return the candles of each request, the forming one included where the range reaches it.

        Minutes that the venue does not have are missing. Which candles are final only its clock can tell.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
