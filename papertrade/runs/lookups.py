"""What the venue shows of symbols on request: prices, candles, instruments; stored answers where they are young enough.

Nothing here acts on a trade. The rule to keep: a symbol that fails is an entry beside the others, only a venue that
cannot be asked at all raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from decimal import Decimal

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import INTERVALS, Candle, Quote, floor_ms
from papertrade.engine.money import HUNDRED, exact
from papertrade.engine.order_book import OrderBook
from papertrade.engine.values import dataclass
from papertrade.errors import FeedError, PapertradeError
from papertrade.feeds.feed import CandleRequest, DayMove
from papertrade.runs.instruments import save_instruments
from papertrade.runs.world import World
from papertrade.store.rows import StoredInstrument, StoredQuote


@dataclass(frozen=True, slots=True)
class Prices:
    """Quotes by symbol at the venue's time `now_ms`, and an error for each symbol that has none."""

    now_ms: int
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    failures: Mapping[str, PapertradeError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instruments:
    """What is known of instruments, with the local time of each answer, and an error for each that is not known."""

    known: Mapping[str, StoredInstrument] = field(default_factory=dict)
    failures: Mapping[str, PapertradeError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles of one symbol, oldest first; those that end after `now_ms`, the venue's time, are still forming."""

    now_ms: int
    candles: tuple[Candle, ...]

    @property
    def final(self) -> tuple[Candle, ...]:
        """The candles that will not change any more."""
        return tuple(candle for candle in self.candles if candle.end_ms <= self.now_ms)


def spread_percent(quote: Quote) -> Decimal | None:
    """Return what a round trip costs, in percent of the ask; None without a book."""
    if quote.bid is None or quote.ask is None:
        return None
    with exact():
        return (quote.ask - quote.bid) * HUNDRED / quote.ask


def prices_of(world: World, symbols: Sequence[str], max_age_ms: int | None = None) -> Prices:
    """Return what each symbol costs; a stored quote younger than `max_age_ms` is taken instead of asking.

    Raises FeedError if the venue cannot be asked at all and nothing is stored.
    """
    venue = world.feed.venue
    with world.store.read() as reader:
        offset_ms = reader.venue_state(venue).clock_offset_ms or 0
        stored = {symbol: reader.quote(venue, symbol) for symbol in symbols}
    now_ms = world.clock.now_ms() + offset_ms
    young = {
        symbol: row.quote
        for symbol, row in stored.items()
        if row is not None and max_age_ms is not None and now_ms - row.quote.at_ms < max_age_ms
    }
    asked = [symbol for symbol in dict.fromkeys(symbols) if symbol not in young]
    if not asked:
        return Prices(now_ms, young)
    try:
        at_ms = world.wait(world.feed.time_ms())
        answers = world.wait(world.feed.quotes(asked, at_ms))
    except FeedError as error:
        if not young:
            raise
        return Prices(now_ms, young, dict.fromkeys(asked, error))
    quotes = {symbol: answer for symbol, answer in answers.items() if isinstance(answer, Quote)}
    failures = {symbol: answer for symbol, answer in answers.items() if isinstance(answer, PapertradeError)}
    rows = [StoredQuote(venue=venue, symbol=symbol, quote=quote) for symbol, quote in quotes.items()]
    with suppress(PapertradeError):  # a price that cannot be kept is still a price
        world.store.write(lambda writer: writer.put_quotes(rows))
    return Prices(at_ms, {**young, **quotes}, failures)


def instruments_of(world: World, symbols: Sequence[str], max_age_ms: int) -> Instruments:
    """Return what the venue says of each symbol; a stored answer younger than `max_age_ms` is taken instead.

    Older answers serve where the venue cannot be asked. Raises FeedError where nothing is stored either.
    """
    local_ms = world.clock.now_ms()
    with world.store.read() as reader:
        stored = {symbol: reader.instrument(world.feed.venue, symbol) for symbol in symbols}
    known = {symbol: row for symbol, row in stored.items() if row is not None}
    asked = [s for s in dict.fromkeys(symbols) if s not in known or local_ms - known[s].fetched_ms >= max_age_ms]
    if not asked:
        return Instruments(known)
    try:
        answers = world.wait(world.feed.instruments(asked))
    except FeedError as error:
        if not known:
            raise
        return Instruments(known, {symbol: error for symbol in asked if symbol not in known})
    fresh = {symbol: answer for symbol, answer in answers.items() if isinstance(answer, Instrument)}
    failures = {symbol: answer for symbol, answer in answers.items() if isinstance(answer, PapertradeError)}
    with suppress(PapertradeError):
        save_instruments(world, list(fresh.values()))
    rows = {symbol: StoredInstrument(instrument, local_ms) for symbol, instrument in fresh.items()}
    return Instruments({s: row for s, row in {**known, **rows}.items() if s not in failures}, failures)


def book_of(world: World, symbol: str, depth: int) -> OrderBook:
    """Return the order book of a symbol now, at most `depth` levels a side. Raises FeedError."""
    at_ms = world.wait(world.feed.time_ms())
    answer = world.wait(world.feed.books([symbol], depth, at_ms))[symbol]
    if isinstance(answer, PapertradeError):
        raise answer
    return answer


def movers_of(world: World, currency: str, least_turnover: Decimal) -> tuple[DayMove, ...]:
    """Return what moved in 24 hours of what is priced in a currency, the greatest gain first. Raises FeedError."""
    moves = world.wait(world.feed.movers())
    wanted = (m for m in moves if m.symbol.endswith(currency) and m.symbol != currency and m.turnover >= least_turnover)
    return tuple(sorted(wanted, key=lambda move: (-move.change_percent, move.symbol)))


def candles_of(world: World, symbol: str, interval: str, count: int) -> Candles:
    """Return the newest `count` final candles of a symbol, and the one still forming. Raises FeedError."""
    at_ms = world.wait(world.feed.time_ms())
    width = INTERVALS[interval]
    end_ms = floor_ms(at_ms, width) + width
    request = CandleRequest(symbol, interval, end_ms - (count + 1) * width, end_ms)
    answer = world.wait(world.feed.candles([request]))[request]
    if isinstance(answer, PapertradeError):
        raise answer
    return Candles(at_ms, answer)
