"""The ledger's arithmetic: which postings an event makes, and what an account's books add up to.

Double entry over six books; every event's postings sum to zero, so cash is a sum and never stored.
Assets are positive (cash, reserved); capital and profit are booked with the opposite sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from papertrade.engine.messages import CashMoved, EntryFilled, Event, ExitFilled, TradeEnded, TradePlaced
from papertrade.engine.money import CONTEXT, ZERO, exact


class Book(StrEnum):
    """The accounts of the ledger."""

    CASH = "cash"
    RESERVED = "reserved"
    REALIZED_PNL = "realized_pnl"
    FEES = "fees"
    FUNDING = "funding"
    CAPITAL = "capital"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of the ledger: an amount in account currency on the money grid."""

    book: Book
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBook:
    """An account and what its books add up to. `realized` is net of all fees paid, also of open trades."""

    account_id: int
    name: str
    currency: str
    epoch: int = 1
    cash: Decimal = ZERO
    reserved: Decimal = ZERO
    capital: Decimal = ZERO
    realized: Decimal = ZERO

    @property
    def balance(self) -> Decimal:
        """Deposits − withdrawals + realised: what sizes are a percentage of."""
        return CONTEXT.add(self.capital, self.realized)


def postings(event: Event) -> tuple[Posting, ...]:
    """Return the non-zero postings of an event; they sum to zero. Most events make none."""
    with exact():
        return tuple(Posting(book, amount) for book, amount in _lines(event) if amount != 0)


def posted(book: AccountBook, event: Event) -> AccountBook:
    """Return an account's books after an event of its present epoch."""
    cash, reserved, capital, realized = book.cash, book.reserved, book.capital, book.realized
    with exact():
        for name, amount in _lines(event):
            if name is Book.CASH:
                cash += amount
            elif name is Book.RESERVED:
                reserved += amount
            elif name is Book.CAPITAL:
                capital -= amount
            else:
                realized -= amount
    return AccountBook(
        account_id=book.account_id,
        name=book.name,
        currency=book.currency,
        epoch=book.epoch,
        cash=cash,
        reserved=reserved,
        capital=capital,
        realized=realized,
    )


def _lines(event: Event) -> tuple[tuple[Book, Decimal], ...]:
    """Return what an event moves, book by book; a line may be 0."""
    match event:
        case CashMoved():
            return (Book.CASH, event.amount), (Book.CAPITAL, -event.amount)
        case TradePlaced():
            tied = event.reserve + event.fee
            return (Book.CASH, -tied), (Book.RESERVED, tied)
        case EntryFilled() if event.order is not None:
            spent = event.reserve + event.fee
            return (Book.CASH, -spent), (Book.RESERVED, event.reserve), (Book.FEES, event.fee)
        case EntryFilled():
            used = event.fee + event.released
            return (Book.CASH, event.released), (Book.RESERVED, -used), (Book.FEES, event.fee)
        case ExitFilled():
            back = event.reserve_released + event.gross - event.fee
            return (
                (Book.CASH, back),
                (Book.RESERVED, -event.reserve_released),
                (Book.REALIZED_PNL, -event.gross),
                (Book.FEES, event.fee),
            )
        case TradeEnded():
            return (Book.CASH, event.released), (Book.RESERVED, -event.released)
        case _:
            return ()
