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
from typing import TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from papertrade.store.database import raw
from papertrade.store.store import Reader, Store, Writer

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


class SimulatedStore(Store):
    """The real store; before a transaction others may run, and inside one fate may strike."""

    fate: Fate
    others: Callable[[], None]
    audit: Callable[[], None]

    def haunt(self, fate: Fate, others: Callable[[], None], audit: Callable[[], None]) -> None:
        """Let fate, the other actors and the auditor take part from now on."""
        self.fate, self.others, self.audit = fate, others, audit
        connection = self._connection
        event.listen(connection, "before_cursor_execute", lambda *_: fate.at_statement(connection))
        event.listen(connection, "commit", fate.at_commit)

    def write(self, change: Callable[[Writer], T]) -> T:
        self.others()
        self.fate.decide()
        result = super().write(change)
        self.audit()
        self.fate.after_commit(self._connection)
        return result

    @contextmanager
    def read(self) -> Iterator[Reader]:
        self.others()
        with super().read() as reader:
            yield reader

    def bury(self) -> None:
        """Let go of what a death left behind."""
        with suppress(SQLAlchemyError, sqlite3.Error):
            self._connection.invalidate()
        with suppress(SQLAlchemyError, sqlite3.Error):
            self._connection.close()
