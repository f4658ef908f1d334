"""The ledger's arithmetic: which postings an event makes, and what an account's books add up to.

Double entry over six books; every event's postings sum to zero, so cash is a sum and never stored.
Assets are positive (cash, reserved); capital and profit are booked with the opposite sign.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

from papertrade.engine.messages import (
    CashMoved,
    CostCharged,
    EntryFilled,
    Event,
    ExitFilled,
    Refusal,
    TradeEnded,
    TradePlaced,
    TradeVoided,
)
from papertrade.engine.money import CONTEXT, ZERO, exact, plain
from papertrade.engine.values import dataclass


class Book(StrEnum):
    """The accounts of the ledger."""

    CASH = "cash"
    RESERVED = "reserved"
    REALIZED_PNL = "realized_pnl"
    FEES = "fees"
    FUNDING = "funding"
    CAPITAL = "capital"


_CASH: Final = Book.CASH
_RESERVED: Final = Book.RESERVED
_REALIZED_PNL: Final = Book.REALIZED_PNL
_FEES: Final = Book.FEES
_CAPITAL: Final = Book.CAPITAL


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


def withdraw(account: AccountBook, amount: Decimal, note: str) -> CashMoved | Refusal:
    """Take free cash out of an account."""
    if amount > account.cash:
        return Refusal(
            "insufficient_funds",
            f"cannot withdraw `{plain(amount)}` {account.currency}: `{plain(account.cash)}` is free",
            f"papertrade account withdraw {plain(account.cash)}",
            {"need": plain(amount), "have": plain(account.cash), "reserved": plain(account.reserved)},
        )
    return CashMoved(account_id=account.account_id, amount=-amount, note=note)


def postings(event: Event) -> tuple[Posting, ...]:
    """Return the non-zero postings of an event; they sum to zero. Most events make none."""
    with exact():
        return tuple(Posting(book, amount) for book, amount in _lines(event) if amount != 0)


def posted(book: AccountBook, event: Event) -> AccountBook:
    """Return an account's books after an event of its present epoch."""
    cash, reserved, capital, realized = book.cash, book.reserved, book.capital, book.realized
    with exact():
        for name, amount in _lines(event):
            if name is _CASH:
                cash += amount
            elif name is _RESERVED:
                reserved += amount
            elif name is _CAPITAL:
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
            return (_CASH, event.amount), (_CAPITAL, -event.amount)
        case TradePlaced():
            tied = event.reserve + event.fee
            return (_CASH, -tied), (_RESERVED, tied)
        case EntryFilled() if event.order is not None:
            spent = event.reserve + event.fee
            return (_CASH, -spent), (_RESERVED, event.reserve), (_FEES, event.fee)
        case EntryFilled():
            used = event.fee + event.released
            return (_CASH, event.released), (_RESERVED, -used), (_FEES, event.fee)
        case ExitFilled():
            back = event.reserve_released + event.gross - event.fee
            return (
                (_CASH, back),
                (_RESERVED, -event.reserve_released),
                (_REALIZED_PNL, -event.gross),
                (_FEES, event.fee),
            )
        case CostCharged():
            payer = Book.RESERVED if event.amount > 0 else Book.CASH
            return (payer, -event.amount), (Book.FUNDING, event.amount)
        case TradeVoided():
            return (
                (Book.CASH, event.cash_back),
                (Book.RESERVED, -event.reserve),
                (Book.REALIZED_PNL, event.gross),
                (Book.FEES, -event.fees),
                (Book.FUNDING, -event.funding),
            )
        case TradeEnded():
            return (_CASH, event.released), (_RESERVED, -event.released)
        case _:
            return ()
