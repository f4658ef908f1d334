"""Deaths and disk errors, raised from SQLAlchemy's own events at a statement or a commit of the seed's choice.

A death closes the driver's connection under the code that uses it, as the kernel would: no rollback of ours
runs. The production code knows nothing of this; `SimulatedStore` only stands between it and the scheduler.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from papertrade.errors import DatabaseBusy
from papertrade.store.database import raw
from papertrade.store.store import Reader, Store, Writer
from tests.simulation.audit import Auditor, Unsound

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Fate:
    """What the seed has in store for one actor's transactions, and whether the actor still lives."""

    chance: random.Random
    death: float = 0.0
    disk: float = 0.0
    is_quiet: bool = False
    is_dead: bool = False
    struck: dict[str, int] = field(default_factory=dict)
    _when: tuple[str, int] = ("", 0)
    _statements: int = 0

    @classmethod
    def drawn(cls, chance: random.Random) -> Fate:
        """Draw whether deaths and disk errors happen in this seed, and how often."""
        return cls(
            chance,
            death=chance.choice([0.0, 0.02, 0.08]),
            disk=chance.choice([0.0, 0.0, 0.02, 0.06]),
        )

    def decide(self) -> None:
        """Draw what happens to the transaction that begins now."""
        self.forgive()
        if self.is_quiet:
            return
        draw = self.chance.random()
        place = self.chance.choice(["statement", "statement", "statement", "commit", "after"])
        if draw < self.death:
            self._when = (f"death at {place}", self.chance.randint(1, 12))
        elif draw < self.death + self.disk:
            self._when = ("disk at commit" if place == "commit" else "disk at statement", self.chance.randint(1, 12))

    def forgive(self) -> None:
        """Let what was decided not happen."""
        self._when, self._statements = ("", 0), 0

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Let somebody else live for a while: what is decided for the one who waits keeps until then."""
        before = self._when, self._statements, self.is_dead
        self.forgive()
        self.is_dead = False
        try:
            yield
        finally:
            self._when, self._statements, self.is_dead = before

    def at_statement(self, connection: Connection) -> None:
        """Strike before the chosen statement."""
        self._statements += 1
        if self._when == ("death at statement", self._statements):
            self.die(connection)
        if self._when == ("disk at statement", self._statements):
            self._fail()

    def at_commit(self, connection: Connection) -> None:
        """Strike before the commit."""
        if self._when[0] == "death at commit":
            self.die(connection)
        if self._when[0] == "disk at commit":
            self._fail()

    def after_commit(self, connection: Connection) -> None:
        """Strike once everything is on the disk and nobody was told."""
        if self._when[0] == "death at after":
            self.die(connection)

    def die(self, connection: Connection) -> None:
        """End the process: its connection is gone, whatever it was doing."""
        self._strike()
        self.is_dead = True
        raw(connection).close()
        raise Killed

    def _fail(self) -> None:
        self._strike()
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        error.sqlite_errorname = "SQLITE_IOERR"
        raise OperationalError("", (), error)

    def _strike(self) -> None:
        kind = self._when[0]
        self.struck[kind] = self.struck.get(kind, 0) + 1
        self._when = ("", 0)


class Around(Protocol):
    """What surrounds a process: others who may act before a transaction of its, or amid one."""

    def others(self) -> None:
        """Let somebody else act now, or not."""

    def amid(self, path: Path, *, is_writing: bool) -> None:
        """Let somebody else act while a transaction is under way, or not."""


class SimulatedStore(Store):
    """The real store; before and amid a transaction others may run, and inside one fate may strike."""

    fate: Fate
    around: Around
    auditor: Auditor
    is_writing: bool = False
    known_seq: int = 0

    def haunt(self, fate: Fate, around: Around, auditor: Auditor) -> None:
        """Let fate, the other actors and the auditor take part from now on.

        A lock of SQLite's is refused at once instead of after 5 s: whoever holds it cannot go on meanwhile.
        """
        self.fate, self.around, self.auditor = fate, around, auditor
        connection = self._connection
        raw(connection).execute("PRAGMA busy_timeout = 0").close()
        event.listen(connection, "before_cursor_execute", self._at_statement)
        event.listen(connection, "commit", fate.at_commit)

    def write(self, change: Callable[[Writer], T]) -> T:
        self.around.others()
        self.fate.decide()
        has_begun = False

        def begun(writer: Writer) -> T:
            nonlocal has_begun
            has_begun = self.is_writing = True
            try:
                return change(writer)
            finally:
                self.is_writing = False

        try:
            result = super().write(begun)
        except DatabaseBusy as error:
            self._look_for_remains()
            if has_begun:
                raise Unsound("a transaction that had begun was told to wait for another") from error
            raise
        except Exception:
            self._look_for_remains()
            raise
        self.known_seq = self.auditor.look()
        self.fate.after_commit(self._connection)
        return result

    @contextmanager
    def read(self) -> Iterator[Reader]:
        self.around.others()
        with super().read() as reader:
            yield reader

    def bury(self) -> None:
        """Let go of what a death left behind."""
        with suppress(SQLAlchemyError, sqlite3.Error):
            self._connection.invalidate()
        with suppress(SQLAlchemyError, sqlite3.Error):
            self._connection.close()

    def _at_statement(self, *_: object) -> None:
        self.fate.at_statement(self._connection)
        self.around.amid(self.path, is_writing=self.is_writing)

    def _look_for_remains(self) -> None:
        """What failed must have left nothing: no event of ours, no transaction that goes on."""
        if self.fate.is_dead:
            return
        if raw(self._connection).in_transaction:
            raise Unsound("a write failed and its transaction goes on")
        self.known_seq = self.auditor.look_for_remains(self.run_id, self.known_seq)
