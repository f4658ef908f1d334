"""The ledger's arithmetic: which postings an event makes, and what an account's books add up to.

Double entry over six books; every event's postings sum to zero, so cash is a sum and never stored.
Assets are positive (cash, reserved); capital and profit are booked with the opposite sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

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
    lines: tuple[tuple[Book, Decimal], ...]
    with exact():
        match event:
            case CashMoved():
                lines = ((Book.CASH, event.amount), (Book.CAPITAL, -event.amount))
            case TradePlaced():
                tied = event.reserve + event.fee
                lines = ((Book.CASH, -tied), (Book.RESERVED, tied))
            case EntryFilled() if event.order is not None:
                spent = event.reserve + event.fee
                lines = ((Book.CASH, -spent), (Book.RESERVED, event.reserve), (Book.FEES, event.fee))
            case EntryFilled():
                used = event.fee + event.released
                lines = ((Book.CASH, event.released), (Book.RESERVED, -used), (Book.FEES, event.fee))
            case ExitFilled():
                back = event.reserve_released + event.gross - event.fee
                lines = (
                    (Book.CASH, back),
                    (Book.RESERVED, -event.reserve_released),
                    (Book.REALIZED_PNL, -event.gross),
                    (Book.FEES, event.fee),
                )
            case TradeEnded():
                lines = ((Book.CASH, event.released), (Book.RESERVED, -event.released))
            case _:
                return ()
        return tuple(Posting(book, amount) for book, amount in lines if amount != 0)


def posted(book: AccountBook, event: Event) -> AccountBook:
    """Return an account's books after an event of its present epoch."""
    cash, reserved, capital, realized = book.cash, book.reserved, book.capital, book.realized
    with exact():
        for line in postings(event):
            match line.book:
                case Book.CASH:
                    cash += line.amount
                case Book.RESERVED:
                    reserved += line.amount
                case Book.CAPITAL:
                    capital -= line.amount
                case Book.REALIZED_PNL | Book.FEES | Book.FUNDING:
                    realized -= line.amount
                case _:
                    assert_never(line.book)
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
