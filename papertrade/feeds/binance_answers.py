"""The shapes of Binance's answers → engine values, one symbol at a time.

Pure: no network, no memory. The rule to keep: what is wrong with one symbol's item becomes that symbol's
FeedError with the raw text in it; a half-read item is never used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Candle, Quote
from papertrade.engine.money import CONTEXT, HUNDRED, ZERO, plain
from papertrade.engine.order_book import BookLevel, OrderBook
from papertrade.errors import FeedError, UnknownSymbol
from papertrade.feeds.answer import Answer, excerpt, read_amount, read_price, read_time_ms, read_word
from papertrade.feeds.feed import CandleRequest, DayMove

VENUE: Final = "binance"

Item: TypeAlias = Mapping[str, Answer]
T = TypeVar("T")

_REPEATED: Final[Item] = {}
_THINNEST: Final = Decimal("0.00000001")


def bad_answer(what: str) -> FeedError:
    """Say that an answer, or a symbol's part of it, cannot be used."""
    return FeedError(f"`{VENUE}` sent {what}", code="feed_bad_answer")


def unknown_symbol(symbol: str) -> UnknownSymbol:
    """Say that the venue does not know the symbol."""
    return UnknownSymbol(
        f"`{VENUE}` does not know the symbol `{excerpt(symbol)}`",
        hint="write it as the venue does, base then quote, such as `BTCUSDT`",
    )


def pick_items(answer: Answer, wanted: Collection[str]) -> dict[str, Item]:
    """Return the item of each wanted symbol; one that is listed twice comes back empty.

    Raises FeedError if the answer is no list.
    """
    if not isinstance(answer, list):
        raise bad_answer(f"`{excerpt(answer)}` instead of a list")
    items: dict[str, Item] = {}
    for item in answer:
        if isinstance(item, dict):
            symbol = item.get("symbol")
            if isinstance(symbol, str) and symbol in wanted:
                items[symbol] = _REPEATED if symbol in items else item
    return items


def pick_instruments(answer: Answer, wanted: Collection[str]) -> dict[str, Item]:
    """Return the wanted items of exchangeInfo. Raises FeedError for another shape."""
    return pick_items(answer.get("symbols") if isinstance(answer, dict) else answer, wanted)


def read_quote(symbol: str, price: Item, book: Item | None, at_ms: int) -> Quote | FeedError:
    """Join the last price with the best bid and ask, which are None where 0 or not given."""
    text = price.get("price")
    if (
        book is None
        and type(text) is str
        and len(text) < 20
        and text.replace(".", "", 1).isdecimal()
        and text.isascii()
    ):
        last = Decimal(text)  # the common case of a poll of everything, without a detour
        if last > 0:
            return Quote(at_ms=at_ms, last=last)
    try:
        last = _field(price, "price", read_price)
        if book is None:
            return Quote(at_ms=at_ms, last=last)
        bid = _field(book, "bidPrice", read_amount)
        ask = _field(book, "askPrice", read_amount)
        if bid > ask > 0:
            raise ValueError(f"bid `{plain(bid)}` is above ask `{plain(ask)}`")
    except ValueError as error:
        return bad_answer(f"a bad quote of `{symbol}`: {error}")
    return Quote(at_ms=at_ms, last=last, bid=bid if bid > 0 else None, ask=ask if ask > 0 else None)


def read_book(symbol: str, answer: Answer, at_ms: int) -> OrderBook | FeedError:
    """Read bids and asks, best first; a level of quantity 0 is none."""
    try:
        if not isinstance(answer, dict):
            raise ValueError(f"`{excerpt(answer)}` is not an order book")
        return OrderBook(at_ms=at_ms, bids=_field(answer, "bids", _levels), asks=_field(answer, "asks", _levels))
    except ValueError as error:
        return bad_answer(f"a bad order book of `{symbol}`: {error}")


def read_moves(answer: Answer) -> tuple[DayMove, ...]:
    """Read what the symbols did in 24 hours; one that was not traded, or cannot be read, is left out.

    Raises FeedError if the answer is no list, or none of it can be read.
    """
    if not isinstance(answer, list):
        raise bad_answer(f"`{excerpt(answer)}` instead of a list")
    moves = [move for move in map(_move, answer) if move is not None]
    if answer and not moves:
        raise bad_answer(f"`{excerpt(answer[0])}` instead of what a symbol did in 24 hours")
    return tuple(moves)


def _move(item: Answer) -> DayMove | None:
    if not isinstance(item, dict):
        return None
    try:
        opened = _field(item, "openPrice", read_price)
        last = _field(item, "lastPrice", read_price)
        return DayMove(
            symbol=_field(item, "symbol", read_word),
            last=last,
            change_percent=CONTEXT.divide(CONTEXT.multiply(CONTEXT.subtract(last, opened), HUNDRED), opened),
            high=_field(item, "highPrice", read_price),
            low=_field(item, "lowPrice", read_price),
            turnover=_field(item, "quoteVolume", read_amount),
        )
    except ValueError:
        return None


def _levels(answer: Answer) -> tuple[BookLevel, ...]:
    if not isinstance(answer, list):
        raise ValueError(f"`{excerpt(answer)}` is not a list")
    return tuple(level for level in map(_level, answer) if level.quantity != 0)


def _level(answer: Answer) -> BookLevel:
    if not isinstance(answer, list) or len(answer) < 2:
        raise ValueError(f"`{excerpt(answer)}` is not a level")
    return BookLevel(read_price(answer[0]), read_amount(answer[1]))


def read_instrument(symbol: str, item: Item) -> Instrument | FeedError:
    """Read names, status and the filters that we obey; filters we do not know are skipped."""
    try:
        filters = _field(item, "filters", _filters)
        prices = filters.get("PRICE_FILTER", {})
        lots = filters.get("LOT_SIZE", {})
        notionals = filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", {}))
        return Instrument(
            venue=VENUE,
            symbol=symbol,
            base=_field(item, "baseAsset", read_word),
            quote=_field(item, "quoteAsset", read_word),
            price_step=_limit(prices, "tickSize"),
            quantity_step=_limit(lots, "stepSize", _THINNEST),
            quantity_min=_limit(lots, "minQty"),
            quantity_max=_limit(lots, "maxQty"),
            notional_min=_limit(notionals, "minNotional"),
            notional_max=_limit(notionals, "maxNotional"),
            is_trading=_field(item, "status", read_word) == "TRADING",
        )
    except ValueError as error:
        return bad_answer(f"a bad description of `{symbol}`: {error}")


def read_candles(answer: Answer, request: CandleRequest, start_ms: int, interval_ms: int) -> tuple[Candle, ...]:
    """Read one page of klines that begins at `start_ms`; rows from the range's end on are dropped.

    Raises FeedError if a row is bad, not on the interval's grid, out of order, repeated or before the page.
    """
    if not isinstance(answer, list):
        raise bad_answer(f"`{excerpt(answer)}` instead of candles of `{request.symbol}`")
    return tuple(_rows(answer, request, start_ms, interval_ms))


def _rows(rows: list[Answer], request: CandleRequest, start_ms: int, interval_ms: int) -> Iterator[Candle]:
    earliest = start_ms
    for number, row in enumerate(rows, start=1):
        try:
            candle = _candle(row, interval_ms)
            if candle.open_ms < earliest:
                raise ValueError(f"open time `{candle.open_ms}` before `{earliest}`")
        except ValueError as error:
            raise bad_answer(f"a bad candle of `{request.symbol}` (row {number}): {error}") from None
        earliest = candle.end_ms
        if candle.open_ms < request.end_ms:
            yield candle


def _candle(row: Answer, interval_ms: int) -> Candle:
    if not isinstance(row, list) or len(row) < 6:
        raise ValueError(f"`{excerpt(row)}` is not a row of candle values")
    open_ms = read_time_ms(row[0])
    if open_ms % interval_ms != 0:
        raise ValueError(f"open time `{open_ms}` is not on the grid of {interval_ms} ms")
    return Candle(
        open_ms=open_ms,
        interval_ms=interval_ms,
        open=read_price(row[1]),
        high=read_price(row[2]),
        low=read_price(row[3]),
        close=read_price(row[4]),
        volume=read_amount(row[5]),
    )


def _field(item: Item, name: str, read: Callable[[Answer], T]) -> T:
    """Read one field; the ValueError of a bad one names it."""
    if name not in item:
        raise ValueError("it is listed twice" if item is _REPEATED else f"{name} is missing")
    try:
        return read(item[name])
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _filters(answer: Answer) -> dict[str, Item]:
    if not isinstance(answer, list):
        raise ValueError(f"`{excerpt(answer)}` is not a list")
    filters: dict[str, Item] = {}
    for entry in answer:
        if not isinstance(entry, dict):
            raise ValueError(f"`{excerpt(entry)}` is not a filter")
        filters[str(entry.get("filterType"))] = entry
    return filters


def _limit(entry: Item, name: str, default: Decimal = ZERO) -> Decimal:
    return _field(entry, name, read_amount) if name in entry else default
