"""Ending and changing live trades by hand, each atomic and after catching up: close, cancel, modify, sell.

Nothing is decided here: the engine is asked inside the transaction, about the trade as it is there. The rule to
keep: what could not be done is an error in the answer, so that one trade never hides what became of another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from papertrade.engine.account import AccountBook, posted
from papertrade.engine.changes import ExitChange, cancel_trade, close_trade, ended_refusal, modify_trade
from papertrade.engine.messages import (
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    NoteAdded,
    Refusal,
    TradeEvent,
    TradeFlagged,
    effective_ms,
)
from papertrade.engine.orders import Selling, SellOrder, sell
from papertrade.engine.state import evolve
from papertrade.engine.touch import touch
from papertrade.engine.trade import Flag, Status, Trade
from papertrade.errors import NotFound, PapertradeError
from papertrade.runs.catch_up import Present
from papertrade.runs.opening import book_of, refusal_error, watch_again
from papertrade.runs.world import Change, World
from papertrade.store.rows import PricePoint, Recorded, StoredQuote
from papertrade.store.store import Writer


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one trade that somebody wanted to change, and the account after it.

    `touched` is what the minute still forming would have done to it: it goes after what was done by hand.
    """

    trade_id: int
    change: Change | None
    account: AccountBook | None
    error: PapertradeError | None = None
    touched: EntryFilled | ExitFilled | None = None


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

    A `reason` is kept as a note on the trade.
    """

    def decide(trade: Trade, at_ms: int) -> TradeEvent | Refusal:
        if price is not None:
            return close_trade(trade, fraction, price, None, at_ms, (Flag.OFF_MARKET, *present.flags))
        quote = present.known_quote(trade.order.symbol)
        return close_trade(trade, fraction, quote.mark(trade.side), quote, at_ms, present.flags)

    return _change(world, trade_id, present, decide, reason)


def cancel_one(world: World, trade_id: int, present: Present, why: str = "") -> Done:
    """Cancel a waiting entry."""
    return _change(world, trade_id, present, lambda trade, at_ms: cancel_trade(trade, why, at_ms))


def modify_one(world: World, trade_id: int, change: ExitChange, present: Present) -> Done:
    """Change a live trade's exits; an open trade's are checked against the price of now."""

    def decide(trade: Trade, at_ms: int) -> TradeEvent | Refusal:
        is_open = trade.status is Status.OPEN
        price = present.known_quote(trade.order.symbol).mark(trade.side) if is_open else trade.order.waiting_price
        try:
            return modify_trade(trade, change, price, at_ms, world.rules)
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
        selling = Selling(order=order, trades=live, quote=quote, at_ms=at_ms, flags=present.flags)
        decided = sell(selling, world.rules)
        if isinstance(decided, Refusal):
            raise refusal_error(decided)
        before = {trade.id: trade for trade in live}
        changes = [_changed(before[event.trade_id], event, present) for event in decided]
        for event in decided:
            book = posted(book, event)
        if not is_dry:
            writer.record([Recorded(e, at_ms) for change in changes for e in change.events], before)
            for change in changes:
                _keep_price(writer, change, present)
        return Sold(tuple(changes), book)

    return world.store.write(write)


def _change(
    world: World,
    trade_id: int,
    present: Present,
    decide: Callable[[Trade, int], TradeEvent | Refusal],
    note: str = "",
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
        decided = decide(trade, at_ms) if trade.status.is_live else ended_refusal(trade)
        if isinstance(decided, Refusal):
            return Done(trade_id, None, book, refusal_error(decided))
        change = _changed(trade, decided, present)
        remarks = [_note(writer, trade, note)] if note else []
        events = [Recorded(event, effective_ms(decided, present.at_ms)) for event in (*change.events, *remarks)]
        writer.record(events, {trade_id: trade})
        if isinstance(decided, LevelsChanged):
            watch_again(writer, trade, decided.ruling.from_ms)
        _keep_price(writer, change, present)
        after = None if book is None else posted(book, decided)
        return Done(trade_id, change, after, touched=_touched(trade, present))

    try:
        return world.store.write(write)
    except PapertradeError as error:
        return Done(trade_id, None, None, error)


def _changed(trade: Trade, event: TradeEvent, present: Present) -> Change:
    """Return the change; a fill carries the marks of the present itself, anything else gets them beside it."""
    after = evolve(trade, event)
    if not present.flags or isinstance(event, ExitFilled):
        return Change(trade, after, (event,))
    flagged = TradeFlagged(trade_id=trade.id, flags=present.flags, at_ms=present.at_ms)
    return Change(trade, evolve(after, flagged), (event, flagged))


def _note(writer: Writer, trade: Trade, text: str) -> NoteAdded:
    return NoteAdded(note_id=writer.next_note_id(), account_id=trade.order.account_id, text=text, trade_id=trade.id)


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
    fill = change.events[0]
    if isinstance(fill, ExitFilled):
        price = quote.mark(change.after.side)
        writer.put_prices([PricePoint(venue=order.venue, symbol=order.symbol, at_ms=fill.at_ms, price=price)])
