"""The journal: reading its events, and the one way to add to it.

`record` numbers and chains events and writes every view row they make, all or nothing. The rule to keep:
nothing else writes the table `event` and its views.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.exc import IntegrityError

from papertrade.engine.account import Book
from papertrade.engine.codec import KIND_OF, KINDS, decode, encode
from papertrade.engine.messages import EpochStarted, Event, TrailsMoved
from papertrade.engine.money import plain
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.errors import DuplicateTrade
from papertrade.store.accounts import AccountReads
from papertrade.store.database import raw
from papertrade.store.rows import AccountRow, EventFilter, JournalRow, Recorded
from papertrade.store.snapshot import Snapshot
from papertrade.store.tables import EVENT, TRADE, TRAIL_MOVE, EventTable
from papertrade.store.trade_rows import RawRow
from papertrade.store.trades import TradeReads
from papertrade.store.views import Moves, Projection, invariant

_COLUMNS: Final = tuple(c.name for c in EVENT.columns)
_INSERT: Final = f"INSERT INTO event ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_LAST: Final = "SELECT seq, recorded_ms, hash FROM event ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the journal."""

    seq: int = 0
    recorded_ms: int = 0
    hash: str = ""


def chained(row: RawRow) -> str:
    """Return the hash of an event: SHA-256 over all other columns, in their order, as one JSON list."""
    text = json.dumps(row, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_event(kind: str, body: str) -> Event:
    """Read the event of a journal row. Raises ValueError or KeyError if it is none."""
    return decode(KINDS[kind], body)


class JournalReads(Snapshot):
    """Reading the journal."""

    def last_seq(self) -> int:
        """Return the number of the newest event, 0 before the first."""
        return self._number("SELECT MAX(seq) FROM event")

    def event_count(self, wanted: EventFilter) -> int:
        """Return how many events match, without `limit` and `last`."""
        query = select(func.count()).select_from(EVENT).where(*_conditions(wanted))
        return self._connection.execute(query).scalar_one()

    def events(self, wanted: EventFilter) -> tuple[JournalRow, ...]:
        """Return the events that match, in the order of the journal."""
        query = select(EVENT).where(*_conditions(wanted))
        if wanted.last is not None:
            return self._values(query.order_by(EVENT.c.seq.desc()).limit(wanted.last), _journal_row)[::-1]
        return self._values(query.order_by(EVENT.c.seq).limit(wanted.limit), _journal_row)


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """Return what an event must be like to match, without limits."""
    every: list[ColumnElement[bool]] = [EVENT.c.seq > wanted.after_seq]
    for column in ("account_id", "trade_id", "signal_id"):
        number: int | None = getattr(wanted, column)
        if number is not None:
            every.append(_is_about(column, number, wanted.kinds))
    if wanted.kinds:
        every.append(EVENT.c.kind.in_(wanted.kinds))
    if wanted.since_ms is not None:
        every.append(EVENT.c.recorded_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        every.append(EVENT.c.recorded_ms < wanted.until_ms)
    return every


def _is_about(column: str, number: int, kinds: Sequence[str]) -> ColumnElement[bool]:
    """Return that an event is about an account, trade or signal, alone or with others."""
    alone = EVENT.c[column] == number
    if kinds and KIND_OF[TrailsMoved] not in kinds:
        return alone
    shared = select(TRAIL_MOVE.c.event_seq)
    if column == "trade_id":
        shared = shared.where(TRAIL_MOVE.c.trade_id == number)
    else:
        shared = shared.join(TRADE, TRADE.c.id == TRAIL_MOVE.c.trade_id).where(TRADE.c[column] == number)
    return alone | EVENT.c.seq.in_(shared)


class JournalWriter(AccountReads, TradeReads, JournalReads):
    """Adding to the journal, inside one transaction."""

    def __init__(self, connection: Connection, path: Path, run_id: str, now_ms: Callable[[], int]) -> None:
        super().__init__(connection, path)
        self._run_id = run_id
        self._now_ms = now_ms
        self._head: Head | None = None
        self._sums: dict[int, dict[tuple[Book, bool], int]] = {}
        self._given: dict[str, int] = {}

    def next_account_id(self) -> int:
        """Return a number that no account has; each call gives another."""
        return self._next("account")

    def next_signal_id(self) -> int:
        """Return a number that no signal has; each call gives another."""
        return self._next("signal")

    def next_trade_id(self) -> int:
        """Return a number that no trade has; each call gives another."""
        return self._next("trade")

    def next_note_id(self) -> int:
        """Return a number that no note has; each call gives another."""
        return self._next("note")

    def book_sums(self, account: AccountRow) -> dict[tuple[Book, bool], int]:
        """Return the sums of the ledger; asked of the database once in a transaction."""
        if account.id not in self._sums:
            self._sums[account.id] = super().book_sums(account)
        return self._sums[account.id]

    def record(self, events: Sequence[Recorded], before: Mapping[int, Trade] | None = None) -> int:
        """Append events and write the views; all or nothing. Returns the last number.

        `before` holds every trade that the events are about and that existed before them. Raises
        DuplicateTrade when a signal would get a second live trade in an account, ValueError for an event
        that cannot follow, InvariantBroken where the books would not balance.
        """
        projection = Projection.of({} if before is None else before)
        with self.savepoint():
            head = self._current_head()
            wall_ms = self._now_ms()
            recorded_ms = max(wall_ms, head.recorded_ms)
            seq, link, rows = head.seq, head.hash, []
            for item in events:
                seq += 1
                about = projection.add(seq, item.effective_ms, item.event)
                row: RawRow = (
                    seq,
                    recorded_ms,
                    wall_ms,
                    item.effective_ms,
                    self._run_id,
                    KIND_OF[type(item.event)],
                    about.account_id,
                    about.trade_id,
                    about.signal_id,
                    encode(item.event),
                    link,
                )
                link = chained(row)
                rows.append((*row, link))
            if rows:
                self._connection.exec_driver_sql(_INSERT, rows)
                self._write_views(projection)
                if any(isinstance(item.event, EpochStarted) for item in events):
                    self._sums.clear()
                self._head = Head(seq, recorded_ms, link)
        return seq

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block wrote if it raises; what was written before stays."""
        self._connection.exec_driver_sql("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._forget()
            if raw(self._connection).in_transaction:  # after a full disk SQLite has undone everything itself
                self._connection.exec_driver_sql("ROLLBACK TO part")
                self._connection.exec_driver_sql("RELEASE part")
            raise
        self._connection.exec_driver_sql("RELEASE part")

    def _write_views(self, projection: Projection) -> None:
        new = [projection.trades[number] for number in sorted(projection.new)]
        try:
            posted = projection.write(self._connection)
        except IntegrityError as error:
            raise self._duplicate(new, error) from error
        for account_id, moves in posted.items():
            self._post(account_id, moves)

    def _post(self, account_id: int, moves: Moves) -> None:
        """Add what was posted to the sums already known; cash that went out must have been there."""
        known = self._sums.get(account_id)
        if known is not None:
            for book, amount in moves.total.items():
                known[book, True] = known.get((book, True), 0) + amount
        if moves.cash_lowest < 0:
            cash = (
                self._cash(account_id) if known is None else known[Book.CASH, True] + known.get((Book.CASH, False), 0)
            )
            lowest = cash - moves.total.get(Book.CASH, 0) + moves.cash_lowest
            invariant(lowest >= 0, f"cash of account {account_id} would fall to {lowest} units")

    def _cash(self, account_id: int) -> int:
        return self._number(
            "SELECT SUM(amount_u) FROM ledger WHERE account_id = ? AND book = ?", (account_id, Book.CASH)
        )

    def _duplicate(self, new: Sequence[Trade], error: IntegrityError) -> Exception:
        """Return the error that names the living trade, or the database's own if it was something else."""
        if "trade.account_id, trade.signal_id" not in str(error.orig):
            return error
        pairs = ((self.live_trade_of(t.order.account_id, t.order.signal_id), t) for t in new)
        return duplicate_trade(next(living for living, t in pairs if living is not None and living.id != t.id))

    def _current_head(self) -> Head:
        if self._head is None:
            row = self._connection.exec_driver_sql(_LAST).one_or_none()
            self._head = Head() if row is None else Head(*row)
        return self._head

    def _next(self, table: str) -> int:
        highest = self._given.get(table)
        if highest is None:
            highest = self._number(f"SELECT MAX(id) FROM {table}")
        self._given[table] = highest + 1
        return highest + 1

    def _forget(self) -> None:
        """Drop what is remembered of the transaction: a part of it is being undone."""
        self._head = None
        self._sums.clear()


def duplicate_trade(living: Trade) -> DuplicateTrade:
    """Return the refusal of a second live trade for one signal, with the numbers of the first."""
    order = living.order
    price = living.entry_price if living.entry_price is not None else order.entry_price
    entry = None if price is None else plain(price)
    return DuplicateTrade(
        f"signal `{order.signal_key}` already has trade `{living.id}`: {living.status}, entry `{entry}`",
        hint=f"`papertrade show {living.id}` shows it; after it has ended the signal may be traded again",
        details={"trade_id": living.id, "status": str(living.status), "entry_price": entry},
    )


def _journal_row(row: EventTable) -> JournalRow:
    return JournalRow(
        seq=row.seq,
        recorded_ms=row.recorded_ms,
        wall_ms=row.wall_ms,
        effective_ms=row.effective_ms,
        run_id=row.run_id,
        kind=row.kind,
        account_id=row.account_id,
        trade_id=row.trade_id,
        signal_id=row.signal_id,
        event=read_event(row.kind, row.body),
    )
