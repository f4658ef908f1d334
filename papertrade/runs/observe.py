"""What the venue shows now: its clock, the candles since each watermark, quotes. The network half of a tick.

Everything is fetched before any transaction begins. Which candles are final is decided here, by the
venue's clock and never the local one. A symbol that fails is an entry in `failures`; only a venue that
cannot be asked at all raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import field
from decimal import Decimal

from papertrade.engine.market import INTERVALS, Candle, Quote, floor_ms
from papertrade.engine.values import dataclass
from papertrade.errors import FeedError, PapertradeError, StalePrice
from papertrade.feeds.feed import CandleAnswer, CandleRequest, Feed, Quotes
from papertrade.runs.clock import Clock

_HAS_NONE = ("no_such_interval", "unknown_symbol", "feed_refused")  # what a venue says that never has them
_FEW = 100  # symbols whose bids and asks fit one request
_LOOK_CANDLES = 5_000  # how much one look catches up for a symbol: 3.5 days of minutes, five pages
_RECENT_CANDLES = 60  # how far back a symbol without live trades is asked for its newest candle


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationRules:
    """How the market is watched: candle intervals, when a price is too old, how long a fetch may take.

    `settle` is the finer interval that orders touches, None for none; `max_jump` a fraction (0.2 = 20 %).
    """

    candle: str = "1m"
    settle: str | None = "1s"
    max_age_ms: int = 90_000
    max_jump: Decimal = Decimal("0.2")
    deadline_seconds: float = 20.0

    @property
    def candle_ms(self) -> int:
        """The length of the candles that decide."""
        return INTERVALS[self.candle]


@dataclass(frozen=True, slots=True)
class Need:
    """A symbol to look at, and the first instant that has not been processed yet; None where nothing was."""

    symbol: str
    since_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One look at a venue. `at_ms` is the venue's clock, `offset_ms` what to add to the local one to get it.

    `candles` are final and in time order; a symbol that was not asked for, or failed, has none. Symbols that
    are `behind` have more candles than one look takes.
    """

    at_ms: int
    offset_ms: int
    candles: Mapping[str, tuple[Candle, ...]] = field(default_factory=dict)
    forming: Mapping[str, Candle] = field(default_factory=dict)
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    failures: Mapping[str, PapertradeError] = field(default_factory=dict)
    behind: frozenset[str] = frozenset()

    def fresh_quote(self, symbol: str) -> Quote:
        """Return the price that a command may act on. Raises what went wrong: StalePrice, FeedError."""
        failure = self.failures.get(symbol)
        if failure is not None:
            raise failure
        return self.quotes[symbol]


async def look(
    feed: Feed, needs: Sequence[Need], rules: ObservationRules, clock: Clock, priced: Sequence[str] = ()
) -> Market:
    """Ask the venue for everything a tick needs, within the deadline. Raises FeedError if it cannot be asked.

    Symbols in `priced` always get bids and asks, because a command is about to act on them; the others only
    while there are so few that it costs nothing.
    """
    try:
        async with asyncio.timeout(rules.deadline_seconds):
            before = clock.now_ms()
            at_ms = await feed.time_ms()
            offset_ms = at_ms - (before + clock.now_ms()) // 2
            requests = {need.symbol: _request(need, rules, at_ms, need.symbol in priced) for need in needs}
            asked = [request for request in requests.values() if request is not None] if feed.has_candles else []
            candles, quotes = await asyncio.gather(
                _candles(feed, asked), _all_quotes(feed, [need.symbol for need in needs], priced, at_ms)
            )
    except TimeoutError:
        raise _too_slow(feed, rules) from None
    market = Market(at_ms=at_ms, offset_ms=offset_ms)
    return _sorted_out(market, needs, requests, candles, quotes, rules)


async def _candles(feed: Feed, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
    """Ask for candles; a venue that fails for all of them fails each."""
    if not requests:
        return {}
    try:
        return await feed.candles(requests)
    except PapertradeError as error:
        return dict.fromkeys(requests, error)


async def _all_quotes(feed: Feed, symbols: Sequence[str], priced: Sequence[str], at_ms: int) -> Quotes:
    """Ask for the quotes of all symbols, in one request when there are many."""
    if len(symbols) <= _FEW:
        return await _quotes(feed, symbols, at_ms, with_book=True)
    many, few = await asyncio.gather(
        _quotes(feed, symbols, at_ms, with_book=False), _quotes(feed, priced, at_ms, with_book=True)
    )
    return {**many, **few}


async def _quotes(feed: Feed, symbols: Sequence[str], at_ms: int, *, with_book: bool) -> Quotes:
    """Ask for quotes; without them the candles still decide."""
    if not symbols:
        return {}
    try:
        return await feed.quotes(symbols, at_ms, with_book=with_book)
    except PapertradeError as error:
        return dict.fromkeys(symbols, error)


async def look_finer(
    feed: Feed, wanted: Sequence[tuple[str, Candle]], rules: ObservationRules
) -> Mapping[tuple[str, int], CandleAnswer]:
    """Return the finer candles inside each (symbol, candle); empty where the venue has none, which is no failure.

    A venue that could not be asked is one: what a trade becomes must not depend on the hour at which it was.
    """
    if rules.settle is None or not wanted or INTERVALS[rules.settle] >= rules.candle_ms:
        return {(symbol, candle.open_ms): () for symbol, candle in wanted}
    requests = {
        (symbol, candle.open_ms): CandleRequest(symbol, rules.settle, candle.open_ms, candle.end_ms)
        for symbol, candle in wanted
    }
    try:
        async with asyncio.timeout(rules.deadline_seconds):
            answers = await feed.candles(list(requests.values()))
    except TimeoutError:
        return dict.fromkeys(requests, _too_slow(feed, rules))
    except PapertradeError as error:
        return dict.fromkeys(requests, error)
    return {key: _inside(answers.get(request, ()), request) for key, request in requests.items()}


def _request(need: Need, rules: ObservationRules, at_ms: int, is_acted_on: bool) -> CandleRequest | None:
    """Ask where a candle can have become final since, or where a command acts; the forming one comes along."""
    newest = floor_ms(at_ms, rules.candle_ms)
    if need.since_ms is None:
        start = newest - _RECENT_CANDLES * rules.candle_ms
    else:
        start = floor_ms(need.since_ms, rules.candle_ms)
    if newest < start or (newest == start and not is_acted_on):
        return None
    if is_acted_on:  # far enough back that no candle at all means a stale price
        start = min(start, floor_ms(at_ms - rules.max_age_ms, rules.candle_ms) - rules.candle_ms)
    return CandleRequest(need.symbol, rules.candle, start, newest + rules.candle_ms, _LOOK_CANDLES)


def _sorted_out(
    market: Market,
    needs: Sequence[Need],
    requests: Mapping[str, CandleRequest | None],
    answers: Mapping[CandleRequest, CandleAnswer],
    quotes: Quotes,
    rules: ObservationRules,
) -> Market:
    final: dict[str, tuple[Candle, ...]] = {}
    forming: dict[str, Candle] = {}
    prices: dict[str, Quote] = {}
    failures: dict[str, PapertradeError] = {}
    behind: set[str] = set()
    for need in needs:
        symbol = need.symbol
        quote = quotes.get(symbol)
        if isinstance(quote, Quote):
            prices[symbol] = quote
        elif quote is not None:
            failures[symbol] = quote
        request = requests[symbol]
        answer = answers.get(request, ()) if request is not None else ()
        if isinstance(answer, PapertradeError):
            failures[symbol] = answer
            continue
        since_ms = 0 if need.since_ms is None else floor_ms(need.since_ms, rules.candle_ms)
        final[symbol] = tuple(c for c in answer if since_ms <= c.open_ms and c.end_ms <= market.at_ms)
        if answer and answer[-1].end_ms > market.at_ms:
            forming[symbol] = answer[-1]
        if len(answer) == _LOOK_CANDLES and answer[-1].end_ms <= market.at_ms - rules.candle_ms:
            behind.add(symbol)
            continue
        age_ms = 0 if request is None or request not in answers else market.at_ms - _newest_end(answer, request)
        if age_ms > rules.max_age_ms:
            failures[symbol] = _stale(symbol, age_ms, rules)
        elif symbol not in prices and symbol not in failures:
            failures[symbol] = FeedError(f"no price for {symbol}", code="no_price")
    return Market(
        at_ms=market.at_ms,
        offset_ms=market.offset_ms,
        candles=final,
        forming=forming,
        quotes=prices,
        failures=failures,
        behind=frozenset(behind),
    )


def _newest_end(answer: Sequence[Candle], request: CandleRequest) -> int:
    """Return the end of the newest candle known: of those asked for, or the one before them."""
    return answer[-1].end_ms if answer else request.start_ms


def _stale(symbol: str, age_ms: int, rules: ObservationRules) -> StalePrice:
    return StalePrice(
        f"{symbol} is stale: its newest candle ended {age_ms // 1000} s ago, more than {rules.max_age_ms // 1000} s",
        hint="wait for the venue, or close at a price of your own with --price",
        details={"symbol": symbol, "age_seconds": age_ms // 1000},
    )


def _too_slow(feed: Feed, rules: ObservationRules) -> FeedError:
    seconds = f"{rules.deadline_seconds:g}"
    return FeedError(f"`{feed.venue}` did not answer within {seconds} s", code="feed_timeout", hint="papertrade doctor")


def _inside(answer: CandleAnswer, request: CandleRequest) -> CandleAnswer:
    if isinstance(answer, PapertradeError):
        return () if answer.error_code in _HAS_NONE else answer
    return tuple(c for c in answer if request.start_ms <= c.open_ms and c.end_ms <= request.end_ms)
