"""The scripted venue: shows the random market at the true time, and fails as the seed wants it to.

It never lies about what is final: a candle shown after its end has its last values. Failures are of the whole
venue, of one symbol, of time (slow answers, beyond the deadline too), or garbage where a price should be.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import MINUTE_MS, Candle, Quote
from papertrade.errors import FeedError, UnknownSymbol
from papertrade.feeds.answer import Answer
from papertrade.feeds.binance_answers import read_candles, read_quote
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
from tests.simulation.audit import Unsound
from tests.simulation.clock import SimulatedClock
from tests.simulation.market import VENUE, Tape

_NO_PRICES: tuple[Answer, ...] = (
    "NaN",
    "sNaN",
    "Infinity",
    "-1",
    "0",
    "1e5",
    "",
    "12,5",
    "\u0663",
    None,
    True,
    100,
    [],
)
"""What is sent instead of a price: none of them may ever decide a trade."""


@dataclass
class Trouble:
    """How likely each kind of failure is, per request; nothing fails while it is quiet."""

    chance: random.Random
    whole: float = 0.0
    symbol: float = 0.0
    quotes: float = 0.0
    finer: float = 0.0
    slow: float = 0.0
    garbage: float = 0.0
    is_quiet: bool = False
    struck: dict[str, int] = field(default_factory=dict)

    def strikes(self, kind: str, odds: float) -> bool:
        """Whether a failure happens now."""
        if self.is_quiet or odds == 0.0 or self.chance.random() >= odds:
            return False
        self.struck[kind] = self.struck.get(kind, 0) + 1
        return True

    @classmethod
    def drawn(cls, chance: random.Random) -> Trouble:
        """Draw which kinds are active: each with a chance of its own, and then often."""

        def some(odds: float, amount: float) -> float:
            return amount if chance.random() < odds else 0.0

        return cls(
            chance,
            whole=some(0.35, 0.06),
            symbol=some(0.35, 0.1),
            quotes=some(0.2, 0.1),
            finer=some(0.5, 0.5),
            slow=some(0.3, 0.1),
            garbage=some(0.3, 0.1),
        )


class ScriptedFeed:
    """A `Feed` over random tapes."""

    venue = VENUE
    closure: Closure | None = None
    has_candles = True

    def __init__(
        self, tapes: Mapping[str, Tape], clock: SimulatedClock, trouble: Trouble, *, has_seconds: bool
    ) -> None:
        self._tapes = tapes
        self._clock = clock
        self._trouble = trouble
        self._has_seconds = has_seconds
        self._has_refused = False

    def begin_turn(self) -> None:
        """Forget what was refused: somebody acts anew."""
        self._has_refused = False

    async def time_ms(self) -> int:
        """Tell the time; whoever could not be told asks no more in his turn, or he would ask a venue to death."""
        if self._has_refused:
            raise Unsound("the venue was asked again in a turn that had failed")
        self._has_refused = True
        await self._ask()
        at_ms = self._clock.true_ms
        await self._wait()
        self._has_refused = False
        return at_ms

    async def instruments(self, symbols: Sequence[str]) -> Instruments:
        await self._ask()
        return {symbol: self._instrument(symbol) for symbol in symbols}

    async def quotes(self, symbols: Sequence[str], at_ms: int, *, with_book: bool = True) -> Quotes:
        await self._ask()
        return {symbol: self._quote(symbol) for symbol in symbols}

    async def books(self, symbols: Sequence[str], depth: int, at_ms: int) -> Books:
        await self._ask()
        return {symbol: no_book(self.venue, symbol) for symbol in symbols}

    async def movers(self) -> Sequence[DayMove]:
        raise FeedError("nobody asks this venue what moved")

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        await self._ask()
        return {request: self._candles(request) for request in requests}

    async def aclose(self) -> None:
        return None

    async def _ask(self) -> None:
        await self._wait()
        if self._trouble.strikes("whole", self._trouble.whole):
            raise FeedError("the venue is down", code="feed_unreachable")

    async def _wait(self) -> None:
        if self._trouble.strikes("slow", self._trouble.slow):
            await asyncio.sleep(self._trouble.chance.choice([0.4, 3, 11, 30]))

    def _instrument(self, symbol: str) -> Instrument | FeedError:
        tape = self._tapes.get(symbol)
        if tape is None:
            return UnknownSymbol(f"`{symbol}` is not listed")
        return replace(tape.instrument, is_trading=not tape.is_halted(self._clock.true_ms))

    def _quote(self, symbol: str) -> Quote | FeedError:
        tape = self._tapes.get(symbol)
        if tape is None:
            return UnknownSymbol(f"`{symbol}` is not listed")
        if self._trouble.strikes("quotes", self._trouble.quotes):
            return FeedError(f"no price of `{symbol}`", code="feed_bad_answer")
        quote = tape.quote(self._clock.true_ms)
        if quote is not None and self._trouble.strikes("garbage", self._trouble.garbage):
            return read_quote(symbol, {"price": self._trouble.chance.choice(_NO_PRICES)}, None, quote.at_ms)
        return FeedError(f"no price of `{symbol}` yet", code="no_price") if quote is None else quote

    def _candles(self, request: CandleRequest) -> CandleAnswer:
        tape = self._tapes.get(request.symbol)
        if tape is None:
            return UnknownSymbol(f"`{request.symbol}` is not listed")
        if request.interval == "1s":
            return self._seconds(tape, request)
        if self._trouble.strikes("symbol", self._trouble.symbol):
            return FeedError(f"no candles of `{request.symbol}`", code="feed_unavailable")
        candles = tape.candles(request.start_ms, request.end_ms, self._clock.true_ms)[: request.most]
        if candles and self._trouble.strikes("garbage", self._trouble.garbage):
            return self._garbled(candles, request)
        return tuple(candles)

    def _garbled(self, candles: Sequence[Candle], request: CandleRequest) -> CandleAnswer:
        """Send the candles as a venue does, one price of them being none, through the reader of a real feed."""
        rows: list[Answer] = [
            [c.open_ms, *(format(p, "f") for p in (c.open, c.high, c.low, c.close, c.volume))] for c in candles
        ]
        row = rows[self._trouble.chance.randrange(len(rows))]
        if isinstance(row, list):
            row[self._trouble.chance.randint(1, 4)] = self._trouble.chance.choice(_NO_PRICES)
        try:
            return read_candles(rows, request, request.start_ms, MINUTE_MS)
        except FeedError as error:
            return error

    def _seconds(self, tape: Tape, request: CandleRequest) -> CandleAnswer:
        if not self._has_seconds:
            return FeedError("there are no seconds here", code="no_such_interval")
        if self._trouble.strikes("finer", self._trouble.finer):
            return FeedError(f"no seconds of `{request.symbol}`", code="feed_timeout")
        opens = range(request.start_ms, request.end_ms, MINUTE_MS)
        return tuple(second for o in opens if o in tape.minutes for second in tape.minutes[o].seconds())
