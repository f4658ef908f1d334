"""Opening trades: from stored signals, or on the spot. Prices first, then one transaction a trade.

The engine decides; the partial unique index is the second, independent guard against a second live trade
for one signal. The rule to keep: a refusal leaves nothing behind but a `refused` event, a dry run not even that.
"""

from __future__ import annotations

from dataclasses import dataclass

from papertrade.engine.account import AccountBook, posted
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Quote, floor_ms
from papertrade.engine.messages import Refusal, Refused, SignalAdded
from papertrade.engine.signal import Signal, Size
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.trade import Trade
from papertrade.errors import DuplicateTrade, NotFound, PapertradeError
from papertrade.errors import Refused as RefusedError
from papertrade.runs.catch_up import Present
from papertrade.runs.instruments import instrument_of
from papertrade.runs.signals import Kept, differs, keep
from papertrade.runs.world import Change, World
from papertrade.store.rows import PricePoint, Recorded, SetAside, StoredQuote, Watermark
from papertrade.store.store import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """One signal to trade in one account; `signal_id` None makes a new signal of it. `size` beats the signal's."""

    signal: Signal
    signal_id: int | None = None
    size: Size | None = None
    is_dry: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a request: the trade and the account after it, or why not.

    Of a dry run both are as they would be.
    """

    request: OpenRequest
    change: Change | None
    account: AccountBook | None
    error: PapertradeError | None = None


def open_one(world: World, account: str, request: OpenRequest, present: Present) -> Opened:
    """Open one trade, or say why not; no refusal and no failure of one trade is raised."""

    def write(writer: Writer) -> Opened:
        book = book_of(writer, account)
        _check_caught_up(writer, book, present)
        opening, is_new = _opening(writer, book, request, instrument, quote, present)
        decided = open_trade(opening, world.rules)
        if isinstance(decided, Refusal):
            if not request.is_dry:
                writer.record([Recorded(_refused(opening, decided), present.at_ms)])
            return Opened(request, None, book, refusal_error(decided))
        after = evolve(None, decided)
        if not request.is_dry:
            added = [SignalAdded(signal_id=opening.signal_id, signal=opening.signal)] if is_new else []
            writer.record([Recorded(event, present.at_ms) for event in (*added, decided)])
            _watch_from(writer, after, quote, world.rules)
        return Opened(request, Change(None, after, (decided,)), posted(book, decided))

    try:
        instrument = instrument_of(world, request.signal.symbol)
        quote = present.quote(request.signal.symbol)
        return world.store.write(write)
    except PapertradeError as error:
        return Opened(request, None, None, error)


def book_of(writer: Writer, account: str) -> AccountBook:
    """Return the books of an account by name. Raises NotFound."""
    row = writer.account_named(account)
    if row is None:
        raise NotFound(f"account `{account}` does not exist", hint="papertrade account list")
    return writer.account_book(row)


def refusal_error(refusal: Refusal) -> PapertradeError:
    """Return the error that a command ends with when the engine refuses."""
    kind = DuplicateTrade if refusal.code == "duplicate_trade" else RefusedError
    return kind(refusal.message, code=refusal.code, hint=refusal.hint, details=refusal.details)


def _check_caught_up(writer: Writer, book: AccountBook, present: Present) -> None:
    """Raise the error of a symbol whose live trades of this account may have ended unseen: cash is not known then."""
    for symbol in present.failures:
        if writer.live_trades(account_id=book.account_id, symbol=symbol):
            present.needs(symbol)


def _opening(
    writer: Writer, book: AccountBook, request: OpenRequest, instrument: Instrument, quote: Quote, present: Present
) -> tuple[Opening, bool]:
    """Return the engine's request, and whether its signal is new. Raises Refused for an id taken by another idea."""
    kept = keep(writer, request.signal) if request.signal_id is None else _stored(request.signal_id, request.signal)
    live = None if kept.is_new else writer.live_trade_of(book.account_id, kept.id)
    if live is None and not kept.is_same:
        raise differs(kept.signal)
    opening = Opening(
        trade_id=writer.next_trade_id(),
        signal_id=kept.id,
        signal=kept.signal,
        account=book,
        instrument=instrument,
        at_ms=present.at_ms,
        quote=quote,
        size=request.size,
        live=live,
        flags=present.flags,
    )
    return opening, kept.is_new


def _stored(signal_id: int, signal: Signal) -> Kept:
    return Kept(signal_id, signal, is_new=False)


def _refused(opening: Opening, refusal: Refusal) -> Refused:
    signal = opening.signal
    return Refused(
        account_id=opening.account.account_id,
        code=refusal.code,
        message=refusal.message,
        symbol=signal.symbol,
        side=str(signal.side),
        signal_key=signal.key,
    )


def _watch_from(writer: Writer, trade: Trade, quote: Quote, rules: Rules) -> None:
    """Make sure that every candle from the one of the placing on reaches the trade.

    Another process may just have moved the watermark past that candle; then the trade is caught up from a
    mark of its own.
    """
    order = trade.order
    began = floor_ms(order.placed_at, rules.candle_ms)
    known = writer.watermark(order.venue, order.symbol)
    if known is None or (known.end_ms < began and not _has_others(writer, trade)):
        mark = Watermark(venue=order.venue, symbol=order.symbol, end_ms=began, close=quote.last)
        writer.move_watermarks([mark])
    else:
        watch_again(writer, trade, began)
    writer.put_quotes([StoredQuote(venue=order.venue, symbol=order.symbol, quote=quote)])
    price = trade.entry_price if trade.entry_price is not None else quote.last
    writer.put_prices([PricePoint(venue=order.venue, symbol=order.symbol, at_ms=order.placed_at, price=price)])


def watch_again(writer: Writer, trade: Trade, from_ms: int) -> None:
    """Have a trade caught up from `from_ms`, or its own earlier mark, if others have passed that instant."""
    known = writer.watermark(trade.order.venue, trade.order.symbol)
    if known is None or known.end_ms <= from_ms:
        return
    if all(aside.trade_id != trade.id or aside.from_ms > from_ms for aside in writer.trades_set_aside()):
        writer.set_trade_aside(SetAside(trade_id=trade.id, from_ms=from_ms, error="", ticks=0))


def _has_others(writer: Writer, trade: Trade) -> bool:
    """Whether the instrument has other live trades, which the watermark must not leave behind."""
    order = trade.order
    return any(number != trade.id for number in writer.live_numbers(order.venue, order.symbol))
