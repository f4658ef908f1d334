"""Opening trades: from stored signals, or on the spot. Prices first, then one transaction a trade.

The engine decides; the partial unique index is the second, independent guard against a second live trade
for one signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from papertrade.engine.account import AccountBook
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Quote, floor_ms
from papertrade.engine.messages import Refusal, Refused, SignalAdded, TradeEvent
from papertrade.engine.signal import Signal, Size
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.trade import Trade
from papertrade.errors import DuplicateTrade, NotFound, PapertradeError
from papertrade.errors import Refused as RefusedError
from papertrade.runs.catch_up import Present
from papertrade.runs.instruments import instrument_of
from papertrade.runs.world import Change, World
from papertrade.store.rows import PricePoint, Recorded, SetAside, SignalRow, StoredQuote, Watermark
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
    """What became of a request: the trade and the account after it, or why not."""

    request: OpenRequest
    change: Change | None
    account: AccountBook | None
    error: PapertradeError | None = None


def open_one(world: World, account: str, request: OpenRequest, present: Present) -> Opened:
    """Open one trade, or say why not. Nothing but a `refused` event is written for a refusal."""
    signal = request.signal
    try:
        instrument = instrument_of(world, signal.symbol)
        quote = present.quote(signal.symbol)
    except PapertradeError as error:
        return Opened(request, None, None, error)
    rules = world.rules

    def write(writer: Writer) -> Opened:
        book = book_of(writer, account)
        opening, is_new = _opening(writer, book, request, instrument, quote, present)
        if isinstance(opening, PapertradeError):
            return Opened(request, None, book, opening)
        decided = open_trade(opening, rules)
        if isinstance(decided, Refusal):
            if not request.is_dry:
                writer.record([Recorded(_refused(opening, decided), present.at_ms)], {})
            return Opened(request, None, book, refusal_error(decided))
        after = evolve(None, decided)
        change = Change(None, after, (decided,))
        if request.is_dry:
            return Opened(request, change, book)
        added = [SignalAdded(signal_id=opening.signal_id, signal=opening.signal)] if is_new else []
        writer.record([Recorded(event, present.at_ms) for event in (*added, decided)], {})
        _watch_from(writer, after, quote, rules)
        return Opened(request, change, book_of(writer, account))

    try:
        return world.store.write(write)
    except DuplicateTrade as error:
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


def _opening(
    writer: Writer, book: AccountBook, request: OpenRequest, instrument: Instrument, quote: Quote, present: Present
) -> tuple[Opening | PapertradeError, bool]:
    """Return the engine's request, and whether its signal is new; an error for an id taken by another idea."""
    signal, signal_id, is_new = request.signal, request.signal_id, False
    live: Trade | None = None
    if signal_id is None:
        signal_id = writer.next_signal_id()
        if signal.external_id == NEW_ID:
            signal = replace(signal, external_id=str(signal_id))
        known = writer.signal_known_as(signal.source, signal.external_id)
        is_new = known is None
        if known is not None:
            signal_id = known.id
    live = writer.live_trade_of(book.account_id, signal_id)
    if not is_new and request.signal_id is None and live is None:
        known_as = writer.signal(signal_id)
        if known_as is not None and not _same_idea(known_as, signal):
            return _id_taken(signal), False
    return (
        Opening(
            trade_id=writer.next_trade_id(),
            signal_id=signal_id,
            signal=signal,
            account=book,
            instrument=instrument,
            at_ms=present.at_ms,
            quote=quote,
            size=request.size,
            live=live,
            flags=present.flags,
        ),
        is_new,
    )


NEW_ID = "new"
"""The id of a signal made on the spot: it becomes the signal's number when it is stored."""


def _same_idea(known: SignalRow, signal: Signal) -> bool:
    """Whether two signals are equal but for when they were made."""
    return replace(known.signal, made_at_ms=0, expires_at_ms=None).content() == (
        replace(signal, made_at_ms=0, expires_at_ms=None).content()
    )


def _id_taken(signal: Signal) -> PapertradeError:
    return RefusedError(
        f"signal `{signal.key}` already exists with other content",
        code="signal_differs",
        hint=f"papertrade open {signal.key}, or use another --id",
    )


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
    others = [t for t in writer.live_trades(symbol=order.symbol) if t.id != trade.id]
    if known is None or (known.end_ms <= began and not others):
        mark = Watermark(venue=order.venue, symbol=order.symbol, end_ms=began, close=quote.last)
        writer.move_watermarks([mark])
    elif known.end_ms > began:
        writer.set_trade_aside(SetAside(trade_id=trade.id, from_ms=began, error="", ticks=0))
    writer.put_quotes([StoredQuote(venue=order.venue, symbol=order.symbol, quote=quote)])
    price = trade.entry_price if trade.entry_price is not None else quote.last
    writer.put_prices([PricePoint(venue=order.venue, symbol=order.symbol, at_ms=order.placed_at, price=price)])


def changed_events(changes: Sequence[Change]) -> list[tuple[Change, TradeEvent]]:
    """Return each event of some changes with its change, in order."""
    return [(change, event) for change in changes for event in change.events]
