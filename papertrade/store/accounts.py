"""Accounts, their books and their postings, as read from the views."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from sqlalchemy import select

from papertrade.engine.account import AccountBook, Book
from papertrade.engine.money import from_units
from papertrade.store.rows import AccountRow, LedgerRow
from papertrade.store.snapshot import Snapshot
from papertrade.store.tables import ACCOUNT, EVENT, LEDGER, AccountTable

_SUMS = (
    "SELECT book, event_seq > ? AS is_current, SUM(amount_u) FROM ledger WHERE account_id = ? "
    "GROUP BY book, event_seq > ?"
)
_RESULTS = (Book.REALIZED_PNL, Book.FEES, Book.FUNDING)

POSTINGS = select(LEDGER, EVENT.c.kind, EVENT.c.effective_ms, EVENT.c.recorded_ms).join(
    EVENT, EVENT.c.seq == LEDGER.c.event_seq
)
"""Every posting with the times of its event."""


class _PostingRow(Protocol):
    """A posting joined with its event."""

    event_seq: int
    account_id: int
    trade_id: int | None
    book: str
    amount_u: Decimal
    kind: str
    effective_ms: int
    recorded_ms: int


class AccountReads(Snapshot):
    """Reading accounts and the ledger."""

    def accounts(self) -> tuple[AccountRow, ...]:
        """Return all accounts, oldest first."""
        return self._values(select(ACCOUNT).order_by(ACCOUNT.c.id), _account)

    def account(self, account_id: int) -> AccountRow | None:
        """Return an account by its number, None if there is none."""
        return self._one(select(ACCOUNT).where(ACCOUNT.c.id == account_id), _account)

    def account_named(self, name: str) -> AccountRow | None:
        """Return an account by its name, None if there is none."""
        return self._one(select(ACCOUNT).where(ACCOUNT.c.name == name), _account)

    def account_book(self, account: AccountRow) -> AccountBook:
        """Return what an account's books add up to, in its present epoch.

        Realised counts from the epoch's beginning; what an earlier epoch left behind is capital.
        """
        sums = self.book_sums(account)
        earlier = {book: amount for (book, is_current), amount in sums.items() if not is_current}
        current = {book: amount for (book, is_current), amount in sums.items() if is_current}

        def both(book: Book) -> int:
            return earlier.get(book, 0) + current.get(book, 0)

        carried = -sum(earlier.get(book, 0) for book in _RESULTS)
        return AccountBook(
            account_id=account.id,
            name=account.name,
            currency=account.currency,
            epoch=account.epoch,
            cash=from_units(both(Book.CASH)),
            reserved=from_units(both(Book.RESERVED)),
            capital=from_units(carried - both(Book.CAPITAL)),
            realized=from_units(-sum(current.get(book, 0) for book in _RESULTS)),
        )

    def book_sums(self, account: AccountRow) -> dict[tuple[Book, bool], int]:
        """Return the sums of the ledger in units, by book and by whether they belong to the present epoch."""
        parameters = (account.epoch_seq, account.id, account.epoch_seq)
        rows = self._connection.exec_driver_sql(_SUMS, parameters)
        return {(Book(book), bool(is_current)): int(total) for book, is_current, total in rows}

    def ledger(
        self, *, account_id: int | None = None, trade_id: int | None = None, after_seq: int = 0
    ) -> tuple[LedgerRow, ...]:
        """Return postings in the order of the journal, each with the times of its event."""
        query = POSTINGS.where(LEDGER.c.event_seq > after_seq).order_by(LEDGER.c.event_seq, LEDGER.c.book)
        if account_id is not None:
            query = query.where(LEDGER.c.account_id == account_id)
        if trade_id is not None:
            query = query.where(EVENT.c.trade_id == trade_id)
        return self._values(query, read_posting)


def _account(row: AccountTable) -> AccountRow:
    return AccountRow(
        id=row.id,
        name=row.name,
        currency=row.currency,
        epoch=row.epoch,
        epoch_seq=row.epoch_seq,
        created_ms=row.created_ms,
    )


def read_posting(row: _PostingRow) -> LedgerRow:
    """Return the posting of a row. Raises ValueError or TypeError if it cannot be one."""
    return LedgerRow(
        event_seq=row.event_seq,
        account_id=row.account_id,
        trade_id=row.trade_id,
        book=Book(row.book),
        amount=row.amount_u,
        kind=row.kind,
        effective_ms=row.effective_ms,
        recorded_ms=row.recorded_ms,
    )
