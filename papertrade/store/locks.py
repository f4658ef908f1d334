"""The two lock files beside a database: one for every writer, one for the single watch.

Both are `flock`s, never pid files: the kernel frees them however their holder dies. The text inside is for
people only. The rule to keep: a lock file is never deleted, or two holders could lock two files of one name.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from papertrade.errors import WatchRunning
from papertrade.store import failures

WAIT_SECONDS: Final = 5.0
_PAUSE_FIRST: Final = 0.0005
_PAUSE_LONGEST: Final = 0.02
_TAKE_TRIES: Final = 4
_MODE: Final = 0o600


def write_lock_path(database: Path) -> Path:
    """Return the lock file that every writer of a database holds while it writes."""
    return database.with_name(f"{database.name}.write.lock")


def watch_lock_path(database: Path) -> Path:
    """Return the lock file that the watch of a database holds while it lives."""
    return database.with_name(f"{database.name}.watch.lock")


@contextmanager
def write_lock(database: Path, pause: Callable[[float], None]) -> Iterator[None]:
    """Hold the writers' lock; waits at most 5 s, then raises DatabaseBusy. Freed by the kernel if we die."""
    with failures.on_disk(database):
        handle = _opened(write_lock_path(database))
        try:
            waited, next_pause = 0.0, _PAUSE_FIRST
            while not _locked(handle):
                if waited >= WAIT_SECONDS:
                    raise failures.busy(database, WAIT_SECONDS)
                pause(next_pause)
                waited += next_pause
                next_pause = min(next_pause * 2, _PAUSE_LONGEST)
        except BaseException:
            os.close(handle)
            raise
    try:
        yield
    finally:
        os.close(handle)


class WatchLock:
    """The right to be the one watch of a database; held until `release`, or until the process dies."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def take(cls, database: Path, holder: str, pause: Callable[[float], None]) -> WatchLock:
        """Take the lock, leaving `holder` as its description; raises WatchRunning if another watch has it."""
        with failures.on_disk(database):
            handle = _opened(watch_lock_path(database))
            if not _locked_soon(handle, pause):
                os.close(handle)
                other = watch_holder(database) or "its description is not written yet"
                raise WatchRunning(
                    f"another watch already runs on `{database}` ({other})",
                    hint="`papertrade status` shows it, `papertrade stop` ends it",
                    details={"path": str(database), "holder": other},
                )
            os.ftruncate(handle, 0)
            os.pwrite(handle, holder.encode(), 0)
        return cls(handle)

    def release(self) -> None:
        """Let another watch begin; a second call does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def watch_holder(database: Path) -> str | None:
    """Return the description of the living watch of a database, None if none is running."""
    path = watch_lock_path(database)
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        if _locked(handle, fcntl.LOCK_SH):
            return None
        return os.read(handle, 400).decode(errors="replace")
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)


def _locked_soon(handle: int, pause: Callable[[float], None]) -> bool:
    """Lock in a few tries: `watch_holder` asks by locking, for microseconds, so one refusal proves nothing."""
    for _ in range(_TAKE_TRIES):
        if _locked(handle):
            return True
        pause(_PAUSE_LONGEST)
    return False


def _locked(handle: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
