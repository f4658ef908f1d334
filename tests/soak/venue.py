"""A venue whose prices are a function of the minute, so that days of candles cost no memory; it fails now and then."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal

from papertrade.engine.instrument import unknown_instrument
from papertrade.engine.market import MINUTE_MS, Candle, Quote
from papertrade.errors import FeedError
from papertrade.feeds.feed import (
    Books,
    CandleAnswer,
    CandleRequest,
    Closure,
    DayMove,
    Instruments,
    Quotes,
    no_book,
)
from tests.simulation.clock import SimulatedClock

START_MS = 1_700_000_040_000 - 1_700_000_040_000 % MINUTE_MS
_CENT = Decimal("0.01")


def price(symbol: str, minute: int) -> Decimal:
    """Return where a symbol stands at the beginning of a minute: waves of hours, of an hour, and a jitter."""
    phase = sum(map(ord, symbol))
    jitter = (minute * 7_919 + phase * 104_729) % 101 / 500
    wave = 4 * math.sin(minute / 210 + phase) + math.sin(minute / 11 + 2 * phase)
    return (Decimal(100) + Decimal(wave + jitter)).quantize(_CENT)


def candle(symbol: str, minute: int) -> Candle:
    opened, closed = price(symbol, minute), price(symbol, minute + 1)
    return Candle(
        open_ms=START_MS + minute * MINUTE_MS,
        interval_ms=MINUTE_MS,
        open=opened,
        high=max(opened, closed) + _CENT,
        low=min(opened, closed) - _CENT,
        close=closed,
    )


class EndlessFeed:
    """A `Feed` over those prices; a request in so many fails."""

    venue = "binance"
    closure: Closure | None = None
    has_candles = True

    def __init__(self, clock: SimulatedClock, failing: float) -> None:
        self._clock = clock
        self._chance = random.Random(7)
        self._failing = failing
        self.failed = 0

    async def time_ms(self) -> int:
        self._ask()
        return self._clock.true_ms

    async def instruments(self, symbols: Sequence[str]) -> Instruments:
        return {symbol: unknown_instrument(self.venue, symbol, "USDT") for symbol in symbols}

    async def quotes(self, symbols: Sequence[str], at_ms: int, *, with_book: bool = True) -> Quotes:
        self._ask()
        minute = (at_ms - START_MS) // MINUTE_MS
        return {symbol: Quote(at_ms=at_ms, last=price(symbol, minute)) for symbol in symbols}

    async def books(self, symbols: Sequence[str], depth: int, at_ms: int) -> Books:
        return {symbol: no_book(self.venue, symbol) for symbol in symbols}

    async def movers(self) -> Sequence[DayMove]:
        return ()

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        self._ask()
        return {request: self._answer(request) for request in requests}

    async def aclose(self) -> None:
        return None

    def _answer(self, request: CandleRequest) -> CandleAnswer:
        if self._chance.random() < self._failing:
            self.failed += 1
            return FeedError(f"no candles of `{request.symbol}` now", code="feed_bad_answer")
        if request.interval != "1m":
            return ()
        first = -(-(request.start_ms - START_MS) // MINUTE_MS)
        last = min(request.end_ms, self._clock.true_ms + 1) - START_MS
        minutes = range(first, min(-(-last // MINUTE_MS), first + request.most))
        return tuple(candle(request.symbol, minute) for minute in minutes)

    def _ask(self) -> None:
        if self._chance.random() < self._failing:
            self.failed += 1
            raise FeedError("the venue is down", code="feed_unreachable")
