"""Signals and notes, as read from the views."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select

from papertrade.engine.codec import decode
from papertrade.engine.signal import Signal
from papertrade.engine.trade import Status
from papertrade.store.rows import NoteRow, SignalFilter, SignalPage, SignalRow
from papertrade.store.snapshot import NUMBERS, Snapshot, among
from papertrade.store.tables import NOTE, SIGNAL, TRADE, NoteTable, SignalTable
from papertrade.store.trade_rows import words


class SignalReads(Snapshot):
    """Reading signals and notes."""

    def signal(self, signal_id: int) -> SignalRow | None:
        """Return a signal by its number, None if there is none."""
        return self._one(select(SIGNAL).where(SIGNAL.c.id == signal_id), read_signal)

    def signal_known_as(self, source: str, external_id: str) -> SignalRow | None:
        """Return a signal by its identity, None if there is none."""
        query = select(SIGNAL).where(SIGNAL.c.source == source, SIGNAL.c.external_id == external_id)
        return self._one(query, read_signal)

    def signals(self, wanted: SignalFilter) -> SignalPage:
        """Return the signals that match, newest first."""
        query = select(SIGNAL)
        if wanted.source is not None:
            query = query.where(SIGNAL.c.source == wanted.source)
        if wanted.symbol is not None:
            query = query.where(SIGNAL.c.symbol == wanted.symbol)
        if wanted.is_cancelled is not None:
            query = query.where(SIGNAL.c.status == ("cancelled" if wanted.is_cancelled else "stored"))
        total = self._connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        if wanted.before is not None:
            query = query.where(SIGNAL.c.id < wanted.before)
        newest_first = query.order_by(SIGNAL.c.id.desc()).limit(wanted.limit)
        return SignalPage(self._values(newest_first, read_signal), total)

    def untraded_signals(self, account_id: int, now_ms: int, source: str | None = None) -> tuple[SignalRow, ...]:
        """Return the signals never traded in an account, not expired and not cancelled, oldest first."""
        traded = select(TRADE.c.id).where(TRADE.c.signal_id == SIGNAL.c.id, TRADE.c.account_id == account_id)
        query = select(SIGNAL).where(
            SIGNAL.c.status == "stored",
            or_(SIGNAL.c.expires_ms.is_(None), SIGNAL.c.expires_ms > now_ms),
            ~traded.exists(),
        )
        if source is not None:
            query = query.where(SIGNAL.c.source == source)
        return self._values(query.order_by(SIGNAL.c.id), read_signal)

    def trades_of_signals(
        self, account_id: int, signal_ids: Sequence[int]
    ) -> dict[int, tuple[tuple[int, Status], ...]]:
        """Return the number and state of each signal's trades in an account, oldest first."""
        query = select(TRADE.c.signal_id, TRADE.c.id, TRADE.c.status).where(
            TRADE.c.account_id == account_id, TRADE.c.signal_id.in_(NUMBERS)
        )
        found: dict[int, tuple[tuple[int, Status], ...]] = {}
        rows = self._connection.execute(query.order_by(TRADE.c.id), {"numbers": among(signal_ids)})
        for signal_id, trade_id, status in rows:
            found[signal_id] = (*found.get(signal_id, ()), (trade_id, Status(status)))
        return found

    def notes(
        self,
        *,
        account_id: int | None = None,
        trade_id: int | None = None,
        signal_id: int | None = None,
        symbol: str | None = None,
    ) -> tuple[NoteRow, ...]:
        """Return notes, oldest first; what is None does not restrict."""
        query = select(NOTE).order_by(NOTE.c.id)
        wanted = {"account_id": account_id, "trade_id": trade_id, "signal_id": signal_id, "symbol": symbol}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(NOTE.c[column] == value)
        return self._values(query, read_note)


def read_signal(row: SignalTable) -> SignalRow:
    """Return the signal of a row. Raises ValueError or TypeError if it cannot be one."""
    return SignalRow(
        id=row.id,
        signal=decode(Signal, row.content),
        is_cancelled=row.status == "cancelled",
        added_ms=row.added_ms,
    )


def read_note(row: NoteTable) -> NoteRow:
    """Return the note of a row. Raises ValueError or TypeError if it cannot be one."""
    return NoteRow(
        id=row.id,
        account_id=row.account_id,
        text=row.text,
        trade_id=row.trade_id,
        signal_id=row.signal_id,
        symbol=row.symbol,
        tags=words(row.tags),
        confidence=row.confidence,
        at_ms=row.at_ms,
    )
