"""What a command leaves on the disk at every statement it makes, and disks that fail at one of them.

The hooks are SQLAlchemy's own events, on all engines of the process; the program knows nothing of them. A death
needs no signal to be seen: what the kernel has of the files at that moment is what the next process finds.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, event

_GONE = ("-shm",)
"""An index over the log in shared memory: the next process makes it anew."""


@contextmanager
def at_every_statement(act: Callable[[], None]) -> Iterator[None]:
    """Act before each statement and each commit."""

    def before(*_: object) -> None:
        act()

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "commit", before)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "commit", before)


@dataclass
class Deaths:
    """The states in which a process could have died: each different one copied once."""

    watched: Path
    kept: Path
    statements: int = 0
    states: dict[str, Path] = field(default_factory=dict)

    def look(self) -> None:
        """Keep what is on the disk now."""
        self.statements += 1
        found = [path for path in sorted(self.watched.iterdir()) if not path.name.endswith(_GONE)]
        digest = hashlib.sha256()
        for path in found:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        if digest.hexdigest() in self.states:
            return
        copy = self.kept / f"{self.statements}"
        copy.mkdir(parents=True)
        for path in found:
            shutil.copy2(path, copy / path.name)
        self.states[digest.hexdigest()] = copy


@contextmanager
def deaths_of(watched: Path, kept: Path) -> Iterator[Deaths]:
    """Collect the states of a folder at every statement, and the one after the last."""
    deaths = Deaths(watched, kept)
    with at_every_statement(deaths.look):
        yield deaths
    deaths.look()


@dataclass
class Countdown:
    """Acts at the n-th statement or commit, once."""

    number: int
    act: Callable[[], None]
    seen: int = 0

    def step(self) -> None:
        self.seen += 1
        if self.seen == self.number:
            self.act()


def fail() -> None:
    """Raise what SQLite's driver raises where the disk fails."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    error.sqlite_errorname = "SQLITE_IOERR"
    raise error


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def failing_disk(number: int) -> Iterator[Countdown]:
    """Let the n-th statement or commit fail, as the driver would tell SQLAlchemy."""
    countdown = Countdown(number, fail)

    def execute(*_: object) -> None:
        countdown.step()

    def commit(_: Connection) -> None:
        countdown.step()

    event.listen(Engine, "do_execute", execute)
    event.listen(Engine, "commit", commit)
    try:
        yield countdown
    finally:
        event.remove(Engine, "do_execute", execute)
        event.remove(Engine, "commit", commit)
