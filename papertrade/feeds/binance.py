"""Binance spot's public market data as a Feed: which endpoint is asked for what, in which batches.

No keys, no orders. How to ask is `http.py`, what the answers say is `binance_answers.py`. The rule to
keep: one symbol that the venue or we cannot read is a value in the answer, never the end of a batch.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from papertrade.engine.market import INTERVALS, Candle
from papertrade.engine.order_book import OrderBook
from papertrade.errors import FeedError, UnknownSymbol
from papertrade.feeds.answer import Answer, excerpt, read_time_ms
from papertrade.feeds.binance_answers import (
    VENUE,
    Item,
    bad_answer,
    pick_instruments,
    pick_items,
    read_book,
    read_candles,
    read_instrument,
    read_moves,
    read_quote,
    unknown_symbol,
)
from papertrade.feeds.feed import Books, CandleAnswer, CandleRequest, Closure, DayMove, Instruments, Quotes
from papertrade.feeds.http import Ambient, HttpSettings, VenueHttp, VenueRefused

if TYPE_CHECKING:
    import httpx

MARKET_DATA_URL: Final = "https://data-api.binance.vision"
"""The venue's host for market data only; it also serves places where the general one answers 451."""

_TIME: Final = "/api/v3/time"
_INFO: Final = "/api/v3/exchangeInfo"
_PRICE: Final = "/api/v3/ticker/price"
_BOOK: Final = "/api/v3/ticker/bookTicker"
_DEPTH: Final = "/api/v3/depth"
_DAY: Final = "/api/v3/ticker/24hr"
_KLINES: Final = "/api/v3/klines"

_BATCH_MAX: Final = 100
_PAGE_MAX: Final = 1000
_REMEMBERED_SECONDS: Final = 3600.0
_LANES: Final = 4
_STREAK_MAX: Final = 2 * _LANES

_BAD_SYMBOL_CODES: Final = frozenset({-1121, -1100})
_BAD_INTERVAL_CODE: Final = -1120
_VENUE_WIDE: Final = frozenset(
    {"feed_timeout", "feed_unreachable", "feed_unavailable", "feed_banned", "feed_rate_limited", "feed_restricted"}
)

T = TypeVar("T")


class BinanceFeed:
    """The Feed of Binance spot. A symbol it did not know is not asked for again for an hour."""

    def __init__(
        self,
        settings: HttpSettings,
        ambient: Ambient,
        closure: Closure | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = VenueHttp(settings, ambient, closure, transport)
        self._monotonic = ambient.monotonic
        self._unknown_until: dict[str, float] = {}
        self._bookless_until = 0.0

    @property
    def venue(self) -> str:
        """The venue's name."""
        return VENUE

    @property
    def closure(self) -> Closure | None:
        """Until when the venue wants no request; None if it is open."""
        return self._http.closure

    @property
    def has_candles(self) -> bool:
        """True: Binance has candles from 1s on."""
        return True

    async def time_ms(self) -> int:
        """Return the venue's clock. Raises FeedError."""
        answer = await self._http.get(_TIME, {}, self._http.deadline())
        try:
            return read_time_ms(answer.get("serverTime") if isinstance(answer, dict) else answer)
        except ValueError as error:
            raise bad_answer(f"a bad time: {error}") from None

    async def instruments(self, symbols: Sequence[str]) -> Instruments:
        """Ask exchangeInfo in batches of 100: the answer for all symbols is larger than any we would read."""
        until = self._http.deadline()
        asked = self._askable(symbols)
        batches = [asked[at : at + _BATCH_MAX] for at in range(0, len(asked), _BATCH_MAX)]
        wanted = frozenset(asked)
        items: dict[str, Item] = {}
        for answers in await _all(*(self._batch(_INFO, batch, until) for batch in batches)):
            for answer in answers:
                items |= pick_instruments(answer, wanted)
        return {
            symbol: read_instrument(symbol, items[symbol]) if symbol in items else unknown_symbol(symbol)
            for symbol in symbols
        }

    async def quotes(self, symbols: Sequence[str], at_ms: int, *, with_book: bool = True) -> Quotes:
        """Ask for last prices and, at the same time, for best bids and asks; above 100 symbols for all there are.

        Where the venue has no book, bid and ask are None. Binance gives prices no time: `at_ms` is theirs.
        """
        until = self._http.deadline()
        asked = self._askable(symbols)
        prices: dict[str, Item] = {}
        books: dict[str, Item] = {}
        if asked and with_book:
            ticked, booked = await _all(self._tickers(_PRICE, asked, until), self._books(asked, until))
            if booked is None:  # for the symbols that the price batch has just found out to be unknown
                booked = await self._books(self._askable(asked), until)
            prices, books = ticked or {}, booked or {}
        elif asked:
            prices = await self._tickers(_PRICE, asked, until)
        return {
            symbol: read_quote(symbol, prices[symbol], books.get(symbol), at_ms)
            if symbol in prices
            else self._priceless(symbol, len(asked) > _BATCH_MAX)
            for symbol in symbols
        }

    async def books(self, symbols: Sequence[str], depth: int, at_ms: int) -> Books:
        """Ask for the order book of each symbol. Raises FeedError only if the venue failed for all of them."""
        until = self._http.deadline()
        lanes = asyncio.Semaphore(_LANES)
        distinct = list(dict.fromkeys(symbols))

        async def one(symbol: str) -> OrderBook | FeedError:
            if not self._askable([symbol]):
                return unknown_symbol(symbol)
            async with lanes:
                try:
                    answer = await self._http.get(_DEPTH, {"symbol": symbol, "limit": depth}, until)
                except VenueRefused as refused:
                    return self._remember_unknown(symbol) if refused.venue_code in _BAD_SYMBOL_CODES else refused
                except FeedError as error:
                    return error
            return read_book(symbol, answer, at_ms)

        answers = await asyncio.gather(*(one(symbol) for symbol in distinct))
        failures = [answer for answer in answers if isinstance(answer, FeedError) and _is_venue_wide(answer)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        return dict(zip(distinct, answers, strict=True))

    async def movers(self) -> Sequence[DayMove]:
        """Ask for the last 24 hours of everything that is traded. Raises FeedError."""
        return read_moves(await self._http.get(_DAY, {"type": "MINI"}, self._http.deadline()))

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        """Page through the klines of each request. Raises FeedError only if the venue failed for all of them.

        After several failures of the venue in a row the requests that are left are not sent any more.
        """
        until = self._http.deadline()
        lanes = asyncio.Semaphore(_LANES)
        streak = _Streak()
        distinct = list(dict.fromkeys(requests))
        answers = await asyncio.gather(*(self._candles(request, until, lanes, streak) for request in distinct))
        failures = [answer for answer in answers if isinstance(answer, FeedError) and _is_venue_wide(answer)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        return dict(zip(distinct, answers, strict=True))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _candles(
        self, request: CandleRequest, until: float, lanes: asyncio.Semaphore, streak: _Streak
    ) -> CandleAnswer:
        if not self._askable([request.symbol]):
            return unknown_symbol(request.symbol)
        if request.interval not in INTERVALS:
            return _no_such_interval(request)
        async with lanes:
            if streak.last is not None and streak.length >= _STREAK_MAX:
                return streak.last
            try:
                candles = await self._pages(request, until)
            except VenueRefused as refused:
                if refused.venue_code in _BAD_SYMBOL_CODES:
                    return self._remember_unknown(request.symbol)
                return _no_such_interval(request) if refused.venue_code == _BAD_INTERVAL_CODE else refused
            except FeedError as error:
                streak.note(error if _is_venue_wide(error) else None)
                return error
            streak.note(None)
            return candles

    async def _pages(self, request: CandleRequest, until: float) -> tuple[Candle, ...]:
        """Ask page after page; a page shorter than its limit is the last one."""
        interval_ms = INTERVALS[request.interval]
        candles: list[Candle] = []
        start = request.start_ms
        while start < request.end_ms and len(candles) < request.most:
            limit = min(_PAGE_MAX, request.most - len(candles), -(-(request.end_ms - start) // interval_ms))
            query: dict[str, str | int] = {
                "symbol": request.symbol,
                "interval": request.interval,
                "startTime": start,
                "endTime": request.end_ms - 1,
                "limit": limit,
            }
            page = read_candles(await self._http.get(_KLINES, query, until), request, start, interval_ms)
            candles += page
            if len(page) < limit:
                break
            start = page[-1].end_ms
        return tuple(candles)

    async def _tickers(self, path: str, symbols: Sequence[str], until: float) -> dict[str, Item]:
        """Return the ticker of each symbol that the venue lists; unknown ones are found and remembered."""
        wanted = frozenset(symbols)
        if len(wanted) > _BATCH_MAX:
            return pick_items(await self._http.get(path, {}, until), wanted)
        items: dict[str, Item] = {}
        for answer in await self._batch(path, symbols, until):
            items |= pick_items(answer, wanted)
        return items

    async def _books(self, symbols: Sequence[str], until: float) -> dict[str, Item] | None:
        """Return bids and asks, none if the venue has no such endpoint; None if it refused a symbol."""
        if not symbols or self._monotonic() < self._bookless_until:
            return {}
        try:
            answer = await self._http.get(_BOOK, {} if len(symbols) > _BATCH_MAX else _symbols(symbols), until)
        except VenueRefused as refused:
            if refused.status == 404:
                self._bookless_until = self._monotonic() + _REMEMBERED_SECONDS
                return {}
            if refused.venue_code in _BAD_SYMBOL_CODES:
                return None
            raise
        return pick_items(answer, frozenset(symbols))

    async def _batch(self, path: str, symbols: Sequence[str], until: float) -> list[Answer]:
        """Ask for all symbols at once; a batch refused for an unknown one is halved until that one is found."""
        try:
            return [await self._http.get(path, _symbols(symbols), until)]
        except VenueRefused as refused:
            if refused.venue_code not in _BAD_SYMBOL_CODES:
                raise
        if len(symbols) == 1:
            self._remember_unknown(symbols[0])
            return []
        half = len(symbols) // 2
        halves = await _all(self._batch(path, symbols[:half], until), self._batch(path, symbols[half:], until))
        return [answer for answers in halves for answer in answers]

    def _askable(self, symbols: Sequence[str]) -> list[str]:
        """Return the distinct symbols without those that the venue lately did not know."""
        now = self._monotonic()
        self._unknown_until = {symbol: until for symbol, until in self._unknown_until.items() if now < until}
        return [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._unknown_until]

    def _remember_unknown(self, symbol: str) -> UnknownSymbol:
        self._unknown_until[symbol] = self._monotonic() + _REMEMBERED_SECONDS
        return unknown_symbol(symbol)

    def _priceless(self, symbol: str, is_full_list: bool) -> FeedError:
        """Say why a symbol has no price: a list of everything that lacks it means that it is unknown."""
        if is_full_list or symbol in self._unknown_until:
            return unknown_symbol(symbol)
        return FeedError(f"`{VENUE}` gave no price for `{symbol}`", code="no_price", hint="try again in a minute")


class _Streak:
    """Failures of the whole venue in a row, within one call."""

    def __init__(self) -> None:
        self.length = 0
        self.last: FeedError | None = None

    def note(self, failure: FeedError | None) -> None:
        """Count a failure; None, a success or a failure of one symbol only, begins anew."""
        self.length = 0 if failure is None else self.length + 1
        self.last = failure


def _is_venue_wide(error: FeedError) -> bool:
    return error.error_code in _VENUE_WIDE


def _symbols(symbols: Sequence[str]) -> dict[str, str]:
    return {"symbols": json.dumps(list(symbols), separators=(",", ":"))}


def _no_such_interval(request: CandleRequest) -> FeedError:
    return FeedError(
        f"`{VENUE}` has no candles of `{excerpt(request.interval)}` for `{request.symbol}`",
        code="no_such_interval",
        hint=f"intervals are {', '.join(INTERVALS)}",
    )


async def _all(*parts: Awaitable[T]) -> list[T]:
    """Wait for all parts, so that none runs on behind our back; then raise the first failure, if any."""
    results = await asyncio.gather(*parts, return_exceptions=True)
    values: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        values.append(result)
    return values
