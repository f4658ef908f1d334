"""Ending and changing live trades by hand, each atomic and after catching up: close, cancel, modify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from papertrade.engine.account import AccountBook
from papertrade.engine.changes import ExitChange, cancel_trade, close_trade, modify_trade
from papertrade.engine.market import Quote
from papertrade.engine.messages import Refusal, TradeEvent, effective_ms
from papertrade.engine.state import evolve
from papertrade.engine.trade import Flag, Status, Trade
from papertrade.errors import NotFound, PapertradeError
from papertrade.errors import Refused as RefusedError
from papertrade.runs.catch_up import Present
from papertrade.runs.opening import refusal_error
from papertrade.runs.world import Change, World
from papertrade.store.rows import PricePoint, Recorded, StoredQuote
from papertrade.store.store import Writer


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one trade that somebody wanted to change, and the account after it."""

    trade_id: int
    change: Change | None
    account: AccountBook | None
    error: PapertradeError | None = None


def close_one(world: World, trade_id: int, fraction: Decimal, present: Present, price: Decimal | None = None) -> Done:
    """Close a fraction of a trade at the market, or at a `price` of the user's own (flagged off-market)."""

    def decide(trade: Trade) -> TradeEvent | Refusal:
        if price is not None:
            return close_trade(trade, fraction, price, None, present.at_ms, (Flag.OFF_MARKET, *present.flags))
        quote = present.quote(trade.order.symbol)
        return close_trade(trade, fraction, quote.mark(trade.side), quote, present.at_ms, present.flags)

    return _change(world, trade_id, present, decide)


def cancel_one(world: World, trade_id: int, present: Present, why: str = "") -> Done:
    """Cancel a waiting entry."""
    return _change(world, trade_id, present, lambda trade: cancel_trade(trade, why, present.at_ms))


def modify_one(world: World, trade_id: int, change: ExitChange, present: Present) -> Done:
    """Change a live trade's exits; an open trade's are checked against the price of now."""

    def decide(trade: Trade) -> TradeEvent | Refusal:
        price = Decimal(1)
        if trade.status is Status.OPEN:
            price = present.quote(trade.order.symbol).mark(trade.side)
        try:
            return modify_trade(trade, change, price, present.at_ms, world.rules)
        except ValueError as error:
            return Refusal("invalid_level", str(error))

    return _change(world, trade_id, present, decide)


def _change(world: World, trade_id: int, present: Present, decide: Callable[[Trade], TradeEvent | Refusal]) -> Done:
    """Decide on the trade as it is inside the transaction, and record what was decided."""

    def write(writer: Writer) -> Done:
        trade = writer.trade(trade_id)
        if trade is None:
            raise NotFound(f"trade `{trade_id}` does not exist", hint="papertrade trades")
        if trade.status.is_live:
            present.needs(trade.order.symbol)
        decided = decide(trade) if trade.status.is_live else _too_late(trade)
        row = writer.account(trade.order.account_id)
        if isinstance(decided, Refusal):
            return Done(trade_id, None, None if row is None else writer.account_book(row), refusal_error(decided))
        after = evolve(trade, decided)
        writer.record([Recorded(decided, effective_ms(decided, present.at_ms))], {trade_id: trade})
        _keep_price(writer, trade, present)
        return Done(trade_id, Change(trade, after, (decided,)), None if row is None else writer.account_book(row))

    try:
        return world.store.write(write)
    except PapertradeError as error:
        if isinstance(error, NotFound | RefusedError) or error.exit_code in (8, 9):
            return Done(trade_id, None, None, error)
        raise


def _too_late(trade: Trade) -> Refusal:
    from papertrade.engine.changes import ended_refusal

    return ended_refusal(trade)


def _keep_price(writer: Writer, trade: Trade, present: Present) -> None:
    """Remember the price that was acted on, for the equity curve and as the instrument's mark."""
    order = trade.order
    quote: Quote | None = None if present.market is None else present.market.quotes.get(order.symbol)
    if quote is not None:
        writer.put_quotes([StoredQuote(venue=order.venue, symbol=order.symbol, quote=quote)])
        price = quote.mark(trade.side)
        writer.put_prices([PricePoint(venue=order.venue, symbol=order.symbol, at_ms=present.at_ms, price=price)])


def live_ids(world: World, account_id: int, symbol: str | None, statuses: Sequence[Status]) -> list[int]:
    """Return the live trades of an account in some states, oldest first."""
    with world.store.read() as reader:
        trades = reader.live_trades(account_id=account_id, symbol=symbol)
    return sorted(t.id for t in trades if t.status in statuses)
