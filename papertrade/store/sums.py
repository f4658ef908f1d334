"""Sums over the ledger and over closed trades as the database adds them up, without loading a row of them.

What reports need of the past when only its total matters: yesterday's books, today's profit. The rule to
keep: sums are of whole units of 1e-8, so the database's integers are exact.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from papertrade.engine.account import Book, Posting
from papertrade.engine.money import from_units
from papertrade.engine.trade import Status
from papertrade.store.rows import AccountRow, FillRow
from papertrade.store.snapshot import Snapshot
from papertrade.store.tables import FILL, TRADE
from papertrade.store.trades import read_fill

_BEFORE = (
    "SELECT l.book, SUM(l.amount_u) FROM ledger AS l JOIN event AS e ON e.seq = l.event_seq "
    "WHERE l.account_id = ? AND l.event_seq > ? AND e.effective_ms < ? "
    "AND (l.trade_id IS NULL OR l.trade_id NOT IN (SELECT id FROM trade WHERE is_void = 1)) GROUP BY l.book"
)
_CLOSED = (
    "SELECT COUNT(*), COALESCE(SUM(realized_u), 0) FROM trade "
    "WHERE account_id = ? AND epoch = ? AND status = ? AND closed_ms >= ? AND closed_ms <= ? AND is_void = 0"
)
_COUNTS = "SELECT status, COUNT(*) FROM trade WHERE account_id = ? AND epoch = ? AND is_void = 0 GROUP BY status"
_VOID = "SELECT id FROM trade WHERE account_id = ? AND epoch = ? AND is_void = 1 ORDER BY id"


class SumReads(Snapshot):
    """Reading totals."""

    def postings_before(self, account: AccountRow, at_ms: int) -> tuple[Posting, ...]:
        """Return what each book of the present epoch had added up to just before an instant (effective time).

        Trades that were taken back since count as if they had never been, here and in every sum below.
        """
        rows = self._connection.exec_driver_sql(_BEFORE, (account.id, account.epoch_seq, at_ms))
        return tuple(Posting(Book(book), from_units(int(total))) for book, total in rows)

    def closed_profit(self, account: AccountRow, since_ms: int, until_ms: int) -> tuple[int, Decimal]:
        """Return how many trades of the present epoch closed in a time, both ends included, and their net profit."""
        parameters = (account.id, account.epoch, Status.CLOSED.value, since_ms, until_ms)
        count, total = self._connection.exec_driver_sql(_CLOSED, parameters).one()
        return int(count), from_units(int(total))

    def trade_counts(self, account: AccountRow) -> dict[Status, int]:
        """Return how many trades of the present epoch stand in each status; those without any are left out."""
        rows = self._connection.exec_driver_sql(_COUNTS, (account.id, account.epoch))
        return {Status(status): int(count) for status, count in rows}

    def void_trades(self, account: AccountRow, epoch: int) -> tuple[int, ...]:
        """Return the numbers of an epoch's trades that were taken back."""
        rows = self._connection.exec_driver_sql(_VOID, (account.id, epoch))
        return tuple(number for (number,) in rows)

    def fills_held_at(self, account: AccountRow, at_ms: int) -> tuple[FillRow, ...]:
        """Return the fills before an instant of the trades of the present epoch that were open then."""
        held = select(TRADE.c.id).where(
            TRADE.c.account_id == account.id,
            TRADE.c.epoch == account.epoch,
            TRADE.c.opened_ms < at_ms,
            TRADE.c.is_void == 0,
            TRADE.c.closed_ms.is_(None) | (TRADE.c.closed_ms >= at_ms),
        )
        query = select(FILL).where(FILL.c.trade_id.in_(held), FILL.c.at_ms < at_ms)
        return self._values(query.order_by(FILL.c.event_seq), read_fill)
