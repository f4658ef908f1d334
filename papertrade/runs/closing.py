"""Ending and changing live trades by hand, each atomic and after catching up: close, cancel, modify, sell.

Nothing is decided here: the engine is asked inside the transaction, about the trade as it is there. The rule to
keep: what could not be done is an error in the answer, so that one trade never hides what became of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

from papertrade.engine.account import AccountBook, posted
from papertrade.engine.book_fills import depth_of
from papertrade.engine.changes import (
    ExitChange,
    TooSmall,
    cancel_trade,
    close_trade,
    ended_refusal,
    modify_trade,
    too_small_to_part,
    void_trade,
)
from papertrade.engine.market import Side
from papertrade.engine.messages import (
    CostCharged,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    Refusal,
    TradeEvent,
    TradeFlagged,
    effective_ms,
)
from papertrade.engine.order_book import OrderBook
from papertrade.engine.orders import Selling, SellOrder, sell
from papertrade.engine.state import evolve
from papertrade.engine.touch import touch
from papertrade.engine.trade import Flag, Status, Trade
from papertrade.engine.values import dataclass, replace
from papertrade.errors import NotFound, PapertradeError
from papertrade.runs.catch_up import Present
from papertrade.runs.opening import book_now, book_of, refusal_error, watch_again
from papertrade.runs.world import Change, World
from papertrade.store.rows import PricePoint, Recorded, StoredQuote
from papertrade.store.store import Reader, Writer


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one trade that somebody wanted to change, and the account after it.

    `touched` is what the minute still forming would have done to it: it goes after what was done by hand. `too_small`
    says why all of it was to leave where a part was asked for.
    """

    trade_id: int
    change: Change | None
    account: AccountBook | None
    error: PapertradeError | None = None
    touched: EntryFilled | ExitFilled | None = None
    too_small: TooSmall | None = None


@dataclass(frozen=True, slots=True)
class Sold:
    """What a sell order did to each trade that it took from, and the account after it."""

    changes: tuple[Change, ...]
    account: AccountBook


def close_one(
    world: World,
    trade_id: int,
    fraction: Decimal,
    present: Present,
    price: Decimal | None = None,
    *,
    reason: str = "",
) -> Done:
    """Close a fraction of a trade at the market, or at a `price` of the user's own (flagged off-market).

    A `reason` is kept with the exit.
    """
    try:
        book = None if price is not None else _book_against(world, trade_id, present)
    except PapertradeError as error:
        return Done(trade_id, None, None, error)

    def decide(trade: Trade, at_ms: int) -> tuple[TradeEvent, ...] | Refusal:
        if price is not None:
            return _because(close_trade(trade, fraction, price, None, at_ms, (Flag.OFF_MARKET, *present.flags)), reason)
        quote = present.known_quote(trade.order.symbol)
        depth = None
        if book is not None:
            depth = depth_of(book, trade.side is Side.SHORT, None, is_refusing=world.rules.refuses_thin_book)
        price_seen = quote.mark(trade.side)
        return _because(close_trade(trade, fraction, price_seen, quote, at_ms, present.flags, depth), reason)

    done = _change(world, trade_id, present, decide)
    if done.change is None or done.change.before is None or not isinstance(done.change.deed, ExitFilled):
        return done
    return replace(done, too_small=too_small_to_part(done.change.before, fraction, done.change.deed.quantity))


def _because(
    decided: tuple[CostCharged | ExitFilled, ...] | Refusal, reason: str
) -> tuple[CostCharged | ExitFilled, ...] | Refusal:
    """Return a close with the reason that a person gave."""
    if isinstance(decided, Refusal):
        return decided
    return tuple(replace(event, why=reason) if isinstance(event, ExitFilled) else event for event in decided)


def _book_against(world: World, trade_id: int, present: Present) -> OrderBook | None:
    """Return the order book that an open trade would leave by, None where none is walked or the venue is not there."""
    if not world.rules.walks_book or present.market is None:
        return None
    with world.store.read() as reader:
        trade = reader.trade(trade_id)
    return None if trade is None or trade.status is not Status.OPEN else book_now(world, trade.order.symbol, present)


def cancel_one(world: World, trade_id: int, present: Present, why: str = "") -> Done:
    """Cancel a waiting entry."""
    return _change(world, trade_id, present, lambda trade, at_ms: cancel_trade(trade, why, at_ms))


def void_one(world: World, trade_id: int, present: Present, reason: str) -> Done:
    """Take a trade back, live or ended, as if it had never been; what was live carries the marks of the present."""

    def write(writer: Writer) -> Done:
        trade = writer.trade(trade_id)
        row = None if trade is None else writer.account(trade.order.account_id)
        if trade is None or row is None:
            raise NotFound(f"trade `{trade_id}` does not exist", hint="papertrade trades")
        book = writer.account_book(row)
        if trade.status.is_live:
            present.needs(trade.order.symbol)
        decided = void_trade(trade, book, reason, max(present.at_ms, trade.applied_to))
        if isinstance(decided, Refusal):
            return Done(trade_id, None, book, refusal_error(decided))
        change = _changed(trade, (decided,), present)
        writer.record([Recorded(event, decided.at_ms) for event in change.events], {trade_id: trade})
        return Done(trade_id, change, posted(book, decided))

    try:
        return world.store.write(write)
    except PapertradeError as error:
        return Done(trade_id, None, None, error)


def modify_one(world: World, trade_id: int, change: ExitChange, present: Present, *, reason: str = "") -> Done:
    """Change a live trade's exits; an open trade's are checked against the price of now.

    A `reason` is kept with the change.
    """

    def decide(trade: Trade, at_ms: int) -> TradeEvent | Refusal:
        is_open = trade.status is Status.OPEN
        price = present.known_quote(trade.order.symbol).mark(trade.side) if is_open else trade.order.waiting_price
        try:
            changed = modify_trade(trade, change, price, at_ms, world.rules)
            return replace(changed, reason=reason) if isinstance(changed, LevelsChanged) else changed
        except ValueError as error:
            return Refusal("invalid_level", str(error), f"papertrade show {trade_id}")

    return _change(world, trade_id, present, decide)


def sell_holdings(world: World, account: str, order: SellOrder, present: Present, *, is_dry: bool = False) -> Sold:
    """Sell from what plain orders hold, all parts in one transaction. Raises Refused, or why there is no price."""

    def write(writer: Writer) -> Sold:
        book = book_of(writer, account)
        live = writer.live_trades(account_id=book.account_id, venue=world.feed.venue, symbol=order.symbol)
        if live:
            present.needs(order.symbol)
        quote = present.known_quote(order.symbol)
        at_ms = max((present.at_ms, *(trade.applied_to for trade in live)))
        selling = Selling(order=order, trades=live, quote=quote, at_ms=at_ms, flags=present.flags, book=depth)
        decided = sell(selling, world.rules)
        if isinstance(decided, Refusal):
            raise refusal_error(decided)
        before = {trade.id: trade for trade in live}
        changes = [_changed(before[number], fills, present) for number, fills in _by_trade(decided)]
        for event in decided:
            book = posted(book, event)
        if not is_dry:
            writer.record([Recorded(e, at_ms) for change in changes for e in change.events], before)
            for change in changes:
                _keep_price(writer, change, present)
        return Sold(tuple(changes), book)

    depth = None if present.market is None else book_now(world, order.symbol, present)
    return world.store.write(write)


def _change(
    world: World,
    trade_id: int,
    present: Present,
    decide: Callable[[Trade, int], TradeEvent | tuple[TradeEvent, ...] | Refusal],
) -> Done:
    """Decide on the trade as it is inside the transaction, and record what was decided."""

    def write(writer: Writer) -> Done:
        trade = writer.trade(trade_id)
        if trade is None:
            raise NotFound(f"trade `{trade_id}` does not exist", hint="papertrade trades")
        row = writer.account(trade.order.account_id)
        book = None if row is None else writer.account_book(row)
        if trade.status.is_live:
            present.needs(trade.order.symbol)
        # Somebody may have caught the trade up beyond our present: what is done by hand now comes after that.
        at_ms = max(present.at_ms, trade.applied_to)
        decided = decide(trade, at_ms) if trade.status.is_live else refusal_of_ended(writer, trade)
        if isinstance(decided, Refusal):
            return Done(trade_id, None, book, refusal_error(decided))
        events = decided if isinstance(decided, tuple) else (decided,)
        change = _changed(trade, events, present)
        deed = change.deed
        rows = [Recorded(event, effective_ms(deed, present.at_ms)) for event in change.events]
        writer.record(rows, {trade_id: trade})
        if isinstance(deed, LevelsChanged):
            watch_again(writer, trade, deed.ruling.from_ms)
        _keep_price(writer, change, present)
        for event in events:
            book = None if book is None else posted(book, event)
        return Done(trade_id, change, book, touched=_touched(trade, present))

    try:
        return world.store.write(write)
    except PapertradeError as error:
        return Done(trade_id, None, None, error)


def refusal_of_ended(reader: Reader, trade: Trade) -> Refusal:
    """Return the refusal of a change to a trade that has ended, with the price of the exit that ended it."""
    marks = reader.fill_marks([trade.id]).get(trade.id, ())
    return ended_refusal(trade, marks[-1].price if marks and marks[-1].is_exit else None)


def _changed(trade: Trade, events: tuple[TradeEvent, ...], present: Present) -> Change:
    """Return the change; a fill carries the marks of the present itself, anything else gets them beside it."""
    after = trade
    for event in events:
        after = evolve(after, event)
    if not present.flags or not trade.status.is_live or isinstance(events[-1], ExitFilled):
        return Change(trade, after, events)
    flagged = TradeFlagged(trade_id=trade.id, flags=present.flags, at_ms=present.at_ms)
    return Change(trade, evolve(after, flagged), (*events, flagged))


def _by_trade(events: Iterable[TradeEvent]) -> Iterator[tuple[int, tuple[TradeEvent, ...]]]:
    """Yield the events of each trade with its number, in their order."""
    for number, own in groupby(events, key=attrgetter("trade_id")):
        yield number, tuple(own)


def _touched(trade: Trade, present: Present) -> EntryFilled | ExitFilled | None:
    """Return what the rule would do with the minute still forming, if that is a whole candle of the trade."""
    forming = present.forming(trade.order.symbol)
    if forming is None or forming.open_ms < trade.whole_from:
        return None
    _, events = touch(trade, forming)
    return next((event for event in events if isinstance(event, EntryFilled | ExitFilled)), None)


def _keep_price(writer: Writer, change: Change, present: Present) -> None:
    """Remember the price that was acted on: as the instrument's mark, and of a fill for the equity curve."""
    order = change.after.order
    quote = None if present.market is None else present.market.quotes.get(order.symbol)
    if quote is None:
        return
    writer.put_quotes([StoredQuote(venue=order.venue, symbol=order.symbol, quote=quote)])
    fill = change.deed
    if isinstance(fill, ExitFilled):
        price = quote.mark(change.after.side)
        writer.put_prices([PricePoint(venue=order.venue, symbol=order.symbol, at_ms=fill.at_ms, price=price)])
