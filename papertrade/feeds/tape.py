"""Recorded candles, and quotes if there are any, played as a venue would have shown them at an instant.

For the demo, tests and work without a network; the instant comes from the clock that is handed in. The
rule to keep: nothing is shown before it could be known. Of the candle still forming only its open is
known, so it is shown flat, with open = high = low = close and no volume.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence

from papertrade.engine.instrument import Instrument, unknown_instrument
from papertrade.engine.market import INTERVALS, Candle, Quote
from papertrade.engine.values import dataclass
from papertrade.errors import FeedError, UnknownSymbol
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """What was recorded: per symbol candles of one interval and quotes, both oldest first.

    Symbols without a description of their own are instruments that nobody knows, priced in `currency`.
    """

    candles: Mapping[str, Sequence[Candle]]
    interval: str = "1m"
    quotes: Mapping[str, Sequence[Quote]] | None = None
    instruments: Mapping[str, Instrument] | None = None
    currency: str = "USDT"
    venue: str = "tape"


class TapeFeed:
    """The Feed that plays a tape; it needs no network and never fails as a whole."""

    def __init__(self, tape: Tape, now_ms: Callable[[], int]) -> None:
        self._tape = tape
        self._now_ms = now_ms
        self._interval_ms = INTERVALS[tape.interval]
        self._quotes: Mapping[str, Sequence[Quote]] = tape.quotes if tape.quotes is not None else {}
        self._instruments: Mapping[str, Instrument] = tape.instruments if tape.instruments is not None else {}

    @property
    def venue(self) -> str:
        """The venue's name."""
        return self._tape.venue

    @property
    def closure(self) -> Closure | None:
        """None: a tape bans nobody."""
        return None

    @property
    def has_candles(self) -> bool:
        """Whether any candles were recorded; a tape of quotes alone is a venue without candles."""
        return len(self._tape.candles) > 0

    async def time_ms(self) -> int:
        """Return the instant that the tape is played at."""
        return self._now_ms()

    async def instruments(self, symbols: Sequence[str]) -> Instruments:
        """Return the recorded descriptions; UnknownSymbol for what is not on the tape."""
        return {symbol: self._instrument(symbol) for symbol in symbols}

    async def quotes(self, symbols: Sequence[str], at_ms: int, *, with_book: bool = True) -> Quotes:  # noqa: ARG002
        """Return the newest price of each symbol at or before now, with the instant it was recorded for."""
        now = self._now_ms()
        return {symbol: self._quote(symbol, now, with_book) for symbol in symbols}

    async def books(self, symbols: Sequence[str], depth: int, at_ms: int) -> Books:  # noqa: ARG002
        """Return that there are none: a tape has prices only."""
        return {symbol: no_book(self.venue, symbol) for symbol in symbols}

    async def movers(self) -> Sequence[DayMove]:
        """Raise FeedError: a tape is no market."""
        raise FeedError("a tape does not tell what moved in 24 hours", code="no_movers")

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        """Return the recorded candles of each range up to now; other intervals than the tape's it has none."""
        now = self._now_ms()
        return {request: self._candles(request, now) for request in requests}

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    def _instrument(self, symbol: str) -> Instrument | FeedError:
        if symbol in self._instruments:
            return self._instruments[symbol]
        if not self._is_recorded(symbol):
            return self._unknown(symbol)
        return unknown_instrument(self._tape.venue, symbol, self._tape.currency)

    def _quote(self, symbol: str, now: int, with_book: bool) -> Quote | FeedError:
        if not self._is_recorded(symbol):
            return self._unknown(symbol)
        recorded = self._quotes.get(symbol, ())
        at = bisect_right(recorded, now, key=_quoted_at)
        seen = recorded[at - 1] if at > 0 else None
        traded = self._traded(symbol, now)
        if traded is not None and (seen is None or traded.at_ms > seen.at_ms):
            return traded
        if seen is None:
            return FeedError(f"the tape has no price of `{symbol}` yet", code="no_price")
        return seen if with_book else Quote(at_ms=seen.at_ms, last=seen.last)

    def _traded(self, symbol: str, now: int) -> Quote | None:
        """Return the price of the newest candle: its close once it has ended, its open while it forms."""
        recorded = self._tape.candles.get(symbol, ())
        at = bisect_right(recorded, now, key=_opened_at)
        if at == 0:
            return None
        newest = recorded[at - 1]
        if newest.end_ms <= now:
            return Quote(at_ms=newest.last_ms, last=newest.close)
        return Quote(at_ms=newest.open_ms, last=newest.open)

    def _candles(self, request: CandleRequest, now: int) -> CandleAnswer:
        if request.symbol not in self._tape.candles:
            return self._unknown(request.symbol)
        if request.interval != self._tape.interval:
            return FeedError(
                f"the tape has no candles of `{request.interval}`, only of `{self._tape.interval}`",
                code="no_such_interval",
            )
        recorded = self._tape.candles[request.symbol]
        first = bisect_left(recorded, request.start_ms, key=_opened_at)
        end = min(bisect_left(recorded, request.end_ms, key=_opened_at), bisect_right(recorded, now, key=_opened_at))
        shown = tuple(recorded[first : min(end, first + request.most)])
        if shown and shown[-1].end_ms > now:
            shown = (*shown[:-1], _forming(shown[-1]))
        return shown

    def _is_recorded(self, symbol: str) -> bool:
        return symbol in self._tape.candles or symbol in self._quotes

    def _unknown(self, symbol: str) -> UnknownSymbol:
        names = ", ".join(f"`{name}`" for name in sorted({*self._tape.candles, *self._quotes})[:8])
        return UnknownSymbol(f"`{symbol}` is not on the tape", hint=f"it has {names}" if names else None)


def _forming(candle: Candle) -> Candle:
    price = candle.open
    return Candle(
        open_ms=candle.open_ms, interval_ms=candle.interval_ms, open=price, high=price, low=price, close=price
    )


def _opened_at(candle: Candle) -> int:
    return candle.open_ms


def _quoted_at(quote: Quote) -> int:
    return quote.at_ms
