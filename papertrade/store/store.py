"""The store as the rest of the program sees it: one file, opened; snapshots to read, one way to write.

`write` takes the writers' lock file, begins IMMEDIATE, runs a function and commits; whatever that function
raises undoes all of it. The rule to keep: no network, prompt, sleep or print inside `read` or `write`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection

from papertrade.engine.values import dataclass
from papertrade.store import backup, check, database, failures, locks, migrations, schema
from papertrade.store.accounts import AccountReads
from papertrade.store.database import BEGIN, DEFERRED, IMMEDIATE
from papertrade.store.guard_reads import GuardReads
from papertrade.store.journal import JournalReads, JournalWriter
from papertrade.store.market import MarketReads, MarketWrites
from papertrade.store.migrations import STEPS, Step
from papertrade.store.rows import CheckReport
from papertrade.store.run_state import RunReads, RunWrites
from papertrade.store.saved_runs import SavedRunReads, SavedRunWrites
from papertrade.store.seen_candles import SeenCandleReads, SeenCandleWrites
from papertrade.store.signals import SignalReads
from papertrade.store.streams import StreamReads
from papertrade.store.sums import SumReads
from papertrade.store.trades import TradeReads

T = TypeVar("T")

WAL_LIMIT_BYTES: Final = 4 * 1024 * 1024


class Reader(
    AccountReads,
    SignalReads,
    TradeReads,
    JournalReads,
    MarketReads,
    RunReads,
    SavedRunReads,
    SumReads,
    StreamReads,
    GuardReads,
    SeenCandleReads,
):
    """Everything that can be asked, on one snapshot of the database."""


class Writer(JournalWriter, Reader, MarketWrites, RunWrites, SavedRunWrites, SeenCandleWrites):
    """Everything that can be asked and changed, inside one transaction."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A rebuild: where the database was copied to before, and what was different then."""

    backup: Path
    before: CheckReport


class Store:
    """One open database; belongs to the process and the thread that opened it."""

    def __init__(
        self,
        path: Path,
        connection: Connection,
        *,
        now_ms: Callable[[], int],
        run_id: str,
        pause: Callable[[float], None],
        was_created: bool,
        migrated_from: int | None = None,
    ) -> None:
        self.path = path
        self.was_created = was_created
        self.migrated_from = migrated_from
        self._connection = connection
        self._now_ms = now_ms
        self._run_id = run_id
        self._pause = pause
        self._process = os.getpid()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        now_ms: Callable[[], int],
        run_id: str,
        pause: Callable[[float], None],
        can_create: bool = True,
        mounts: Path = database.MOUNTS,
        steps: Sequence[Step] = STEPS,
    ) -> Store:
        """Open a database, made anew where there is none, migrated where it is older.

        `now_ms` is the local clock, `run_id` signs what is recorded, `pause` waits between two tries for a
        lock. Raises DatabaseUnusable for a place or a file that cannot be used.
        """
        path = Path(os.path.realpath(path))  # one file, one name for its locks, whatever links lead to it
        database.check_place(path, mounts)
        was_created, migrated_from = False, None
        if not _exists(path):
            if not can_create:
                raise failures.unusable(path, "it does not exist", "`papertrade init` makes it")
            was_created = _create(path, now_ms, pause, migrations.present_version(steps))
        database.check_header(path, migrations.present_version(steps))
        connection = database.connect(path)
        try:
            with failures.on_disk(path):
                version = migrations.version_of(connection)
                database.check_version(path, version, migrations.present_version(steps))
            if version < migrations.present_version(steps):
                migrations.migrate(connection, path, now_ms, pause, steps)
                migrated_from = version
        except BaseException:
            connection.close()
            raise
        return cls(
            path,
            connection,
            now_ms=now_ms,
            run_id=run_id,
            pause=pause,
            was_created=was_created,
            migrated_from=migrated_from,
        )

    @property
    def run_id(self) -> str:
        """What signs everything that this store records."""
        return self._run_id

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Read on one snapshot: what others commit meanwhile is not seen."""
        with self._transaction(DEFERRED) as connection:
            yield Reader(connection, self.path)

    def write(self, change: Callable[[Writer], T]) -> T:
        """Run `change` in one transaction and return what it returns; any exception undoes all of it.

        Raises DatabaseBusy when other writers keep the lock for more than 5 s.
        """
        self._check_idle()
        with locks.write_lock(self.path, self._pause), self._transaction(IMMEDIATE) as connection:
            return change(Writer(connection, self.path, self._run_id, self._now_ms))

    def checkpoint_if_large(self, limit_bytes: int = WAL_LIMIT_BYTES) -> bool:
        """Fold the write-ahead log into the file if it has grown beyond the limit; returns whether it was.

        Only ever under the writers' lock: SQLite before 3.51.3 may corrupt a file that one process commits
        to while another checkpoints (sqlite.org/wal.html#walresetbug). A reader in the way puts it off.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        if not log.exists() or log.stat().st_size <= limit_bytes:
            return False
        driver = self._driver()
        with locks.write_lock(self.path, self._pause), failures.on_disk(self.path):
            driver.execute("PRAGMA busy_timeout = 0")
            try:
                was_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                driver.execute(f"PRAGMA busy_timeout = {database.BUSY_MS}")
        return bool(was_busy == 0)

    def check(self) -> CheckReport:
        """Replay the journal in memory and compare every view with it; changes nothing."""
        with self._transaction(DEFERRED) as connection:
            return check.check(connection)

    def quick_check(self) -> str | None:
        """Look for damage of the file, without replaying anything; returns the first, None if there is none."""
        with self._transaction(DEFERRED) as connection:
            said = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
        return None if said == "ok" else said

    def backup(self, target: Path, *, is_forced: bool = False) -> CheckReport:
        """Copy the database to `target` and check the copy. Raises Refused if `target` exists and is not forced."""
        self._check_idle()
        return backup.copy(self._connection, target, is_forced=is_forced, inspect=check.check)

    def rebuild(self) -> Rebuilt:
        """Write every view anew from the journal, after a backup beside the file.

        Raises DatabaseUnusable, with the database as it was, if the journal itself is damaged.
        """
        target = self.path.with_name(f"{self.path.name}.{self._now_ms()}.bak")
        before = self.backup(target)
        broken = [d for d in before.differences if d.invariant in ("hash_chain", "sequence", "replay")]
        if broken:
            raise failures.unusable(self.path, f"its journal is damaged ({broken[0]})", "restore a backup")
        with locks.write_lock(self.path, self._pause), self._transaction(IMMEDIATE) as connection:
            check.rebuild(connection)
        return Rebuilt(target, before)

    def close(self) -> None:
        """Close the connection. In a process forked off the opener's, leave it alone: it is not ours."""
        if self._process == os.getpid():
            with failures.mapped(self.path):
                self._connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        self._check_idle()
        self._connection.execution_options(**{BEGIN: begin})
        with failures.mapped(self.path):
            try:
                with self._connection.begin():
                    yield self._connection
            finally:
                self._end()

    def _end(self) -> None:
        """Roll back what a failed COMMIT left open: SQLAlchemy takes that transaction for ended."""
        if database.raw(self._connection).in_transaction:
            database.raw(self._connection).rollback()

    def _check_idle(self) -> None:
        if self._connection.in_transaction():
            raise RuntimeError("a read or a write inside another: finish the first")
        self._driver()

    def _driver(self) -> sqlite3.Connection:
        if self._process != os.getpid():
            raise RuntimeError("the database was opened by another process: open it anew after a fork")
        return database.raw(self._connection)


def _exists(path: Path) -> bool:
    """Whether the file is there; a path that cannot even be asked for is an unusable database."""
    with failures.on_disk(path):
        try:
            path.stat()
        except FileNotFoundError:
            return False
    return True


def _create(path: Path, now_ms: Callable[[], int], pause: Callable[[float], None], version: int) -> bool:
    """Make a new database unless another process has just made it; returns whether it was us."""
    database.make_folder(path)
    with locks.write_lock(path, pause):
        if _exists(path):
            return False
        database.create(path, lambda connection: schema.create_all(connection, version, now_ms()))
    return True
