"""Opening trades: from stored signals, or on the spot. Prices first, then one transaction a trade.

The engine decides; the partial unique index is the second, independent guard against a second live trade
for one signal. The rule to keep: a refusal leaves nothing behind but a `refused` event, a dry run not even that.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from papertrade.engine.account import AccountBook, posted
from papertrade.engine.guard_events import GuardActed
from papertrade.engine.guards import NO_GUARDS, GuardRules
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Quote, floor_ms
from papertrade.engine.messages import EntryFilled, Refusal, Refused, SignalAdded, TradePlaced
from papertrade.engine.money import plain
from papertrade.engine.order_book import OrderBook
from papertrade.engine.signal import Signal, Size
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, duplicate_refusal, is_passed, open_trade
from papertrade.engine.trade import Flag, Trade
from papertrade.engine.values import dataclass, replace
from papertrade.errors import DuplicateTrade, NotFound, PapertradeError
from papertrade.errors import Refused as RefusedError
from papertrade.runs.catch_up import Present
from papertrade.runs.instruments import instrument_of
from papertrade.runs.signals import NEW_ID, Kept, differs, keep
from papertrade.runs.world import Change, World
from papertrade.store.rows import PricePoint, Recorded, SetAside, StoredQuote, Watermark
from papertrade.store.store import Writer

BOOK_DEPTH: Final = 1_000
"""How many levels a side are asked for where an order walks the book."""

SLIP_MS: Final = 60_000
"""How long the same trade asked for twice is taken for a slip of the hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """One signal to trade in one account; `signal_id` None makes a new signal of it. `size` beats the signal's.

    `guards` are asked beside those of the configuration. A signal made on the spot that says what another said
    within the last minute is taken for a slip of the hand, unless it `is_again`.
    """

    signal: Signal
    signal_id: int | None = None
    size: Size | None = None
    is_dry: bool = False
    is_again: bool = False
    guards: GuardRules = NO_GUARDS


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a request: the trade and the account after it, or why not; and what guards and caps did.

    Of a dry run all is as it would be.
    """

    request: OpenRequest
    change: Change | None
    account: AccountBook | None
    error: PapertradeError | None = None
    acts: tuple[GuardActed, ...] = ()


def open_one(world: World, account: str, request: OpenRequest, present: Present) -> Opened:
    """Open one trade, or say why not; no refusal and no failure of one trade is raised."""

    def write(writer: Writer) -> Opened:
        book = book_of(writer, account)
        _check_caught_up(writer, book, present)
        if not request.is_again and request.signal.external_id == NEW_ID:
            _check_said_once(writer, book, request.signal, world.rules.leverage, present.at_ms)
        opening, is_new = _opening(writer, book, request, (instrument, quote, depth), present)
        decided, acts = _decided(writer, world, opening, request.guards, present)
        told = [Recorded(act, present.at_ms) for act in acts]
        if isinstance(decided, Refusal):
            if not request.is_dry:
                writer.record([Recorded(_refused(opening, decided), present.at_ms), *told])
            return Opened(request, None, book, refusal_error(decided), acts)
        after = evolve(None, decided)
        if not request.is_dry:
            added = [SignalAdded(signal_id=opening.signal_id, signal=opening.signal)] if is_new else []
            writer.record([*(Recorded(event, present.at_ms) for event in (*added, decided)), *told])
            _watch_from(writer, after, quote, world.rules)
        return Opened(request, Change(None, after, (decided,)), posted(book, decided), acts=acts)

    try:
        instrument = instrument_of(world, request.signal.symbol)
        quote = present.quote(request.signal.symbol)
        depth = book_now(world, request.signal.symbol, present) if is_passed(request.signal, quote) else None
        return world.store.write(write)
    except PapertradeError as error:
        return Opened(request, None, None, error)


def book_now(world: World, symbol: str, present: Present) -> OrderBook | None:
    """Return the order book of now where the rules walk it, None where they do not. Raises FeedError."""
    if not world.rules.walks_book:
        return None
    answer = world.wait(world.feed.books([symbol], BOOK_DEPTH, present.at_ms))[symbol]
    if isinstance(answer, PapertradeError):
        raise answer
    return answer


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


def _decided(
    writer: Writer, world: World, opening: Opening, more: GuardRules, present: Present
) -> tuple[TradePlaced | EntryFilled | Refusal, tuple[GuardActed, ...]]:
    """Decide an order under the guards and caps of the configuration and `more`; returns what they did to it."""
    guards = world.rules.guards.with_more(more)
    row = writer.account(opening.account.account_id)
    if row is None or (guards.are_off and world.rules.caps.are_off):
        return open_trade(opening, world.rules), ()
    from papertrade.runs.guard_acts import acts_of
    from papertrade.runs.guarding import Guarded

    guarded = Guarded(
        reader=writer, account=row, rules=guards, zone=world.zone, at_ms=present.at_ms, memory=present.memory
    )
    held = replace(opening, restraint=guarded.restraint(opening.signal, world.rules))
    decided = open_trade(held, world.rules)
    return decided, acts_of(held, decided, world.rules, guarded.figures)


def _check_caught_up(writer: Writer, book: AccountBook, present: Present) -> None:
    """Raise the error of a symbol whose live trades of this account may have ended unseen: cash is not known then."""
    for symbol in present.failures:
        if writer.live_trades(account_id=book.account_id, symbol=symbol):
            present.needs(symbol)


def _check_said_once(writer: Writer, book: AccountBook, signal: Signal, leverage: Decimal, at_ms: int) -> None:
    """Raise DuplicateTrade if the account traded the very same, at the same leverage, within the last minute."""
    for trade in writer.trades_placed_since(book.account_id, signal.symbol, at_ms - SLIP_MS):
        row = writer.signal(trade.order.signal_id)
        if row is None or Flag.VOID in trade.flags or not _says_the_same(signal, row.signal):
            continue
        if trade.order.terms.leverage != leverage:
            continue
        refusal = duplicate_refusal(trade)
        seconds = max(at_ms - trade.order.placed_at, 0) // 1_000
        raise DuplicateTrade(
            f"the same was traded {seconds} s ago: trade `{trade.id}`, {trade.status}"
            + ("" if trade.entry_price is None else f" from `{plain(trade.entry_price)}`"),
            hint="--again trades it once more",
            details=refusal.details,
        )


def _says_the_same(signal: Signal, other: Signal) -> bool:
    """Whether two signals ask for the same trade, whatever their names, when they were made, and why."""
    expires_ms = other.expires_at_ms
    if expires_ms is not None and signal.expires_at_ms is not None:
        later_ms = signal.made_at_ms - other.made_at_ms
        expires_ms += later_ms if expires_ms + later_ms == signal.expires_at_ms else 0
    return signal == replace(
        other,
        external_id=signal.external_id,
        made_at_ms=signal.made_at_ms,
        expires_at_ms=expires_ms,
        confidence=signal.confidence,
        reason=signal.reason,
        tags=signal.tags,
    )


def _opening(
    writer: Writer,
    book: AccountBook,
    request: OpenRequest,
    seen: tuple[Instrument, Quote, OrderBook | None],
    present: Present,
) -> tuple[Opening, bool]:
    """Return the engine's request, and whether its signal is new. Raises Refused for an id taken by another idea."""
    instrument, quote, book_seen = seen
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
        book=book_seen,
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
    price = quote.last if trade.entry_price is None else quote.entry_price(order.side)
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
