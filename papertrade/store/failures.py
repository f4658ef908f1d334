"""What SQLite and the file system can do to us, mapped once to the errors of the command line.

Busy is exit 11; a file that is corrupt, not ours, read-only or on a full disk is exit 12. What is neither
is a bug and passes through. The rule to keep: no other file of the store catches a database error, except
the journal for the one index that means a duplicate.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from papertrade.errors import DatabaseBusy, DatabaseUnusable, PapertradeError

_RESTORE: Final = "restore a backup, or move the file away to start anew"
_CHECK: Final = "run `papertrade check`, or restore a backup"

_REASONS: Final[dict[int, tuple[str, str]]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space and run the command again"),
    sqlite3.SQLITE_READONLY: ("it is read-only for this user", "make the file and its folder writable"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "look at the permissions of the file and its folder"),
    sqlite3.SQLITE_PERM: ("it cannot be opened", "look at the permissions of the file and its folder"),
    sqlite3.SQLITE_IOERR: ("the disk failed or is full", "look at the free space and the health of the disk"),
    sqlite3.SQLITE_CORRUPT: ("it is corrupt", _RESTORE),
    sqlite3.SQLITE_NOTADB: ("it is not a papertrade database", "give another file with --db"),
}
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGE: Final = ("no such table", "no such column", "no such index", "malformed", "could not decode", "has no column")


def unusable(path: Path, reason: str, hint: str) -> DatabaseUnusable:
    """Return the error that names the database, what is wrong with it and what to do."""
    return DatabaseUnusable(
        f"database `{path}` cannot be used: {reason}", hint=hint, details={"path": str(path), "reason": reason}
    )


def unreadable(path: Path, record: str, error: Exception) -> DatabaseUnusable:
    """Return the error of a row that is there and cannot be what it should be."""
    return unusable(path, f"{record} cannot be read ({error})", _CHECK)


def busy(path: Path, seconds: float) -> DatabaseBusy:
    """Return the error of a write lock that did not become free."""
    return DatabaseBusy(
        f"database `{path}` is busy: another papertrade has been writing for more than {seconds:g} s",
        hint="run the command again",
        details={"path": str(path)},
    )


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn the database's errors into those of the command line; the caller's own pass through."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error) and (known := _known(path, error.orig)) is not None:
            raise known from error
        raise
    except sqlite3.Error as error:
        if (known := _known(path, error)) is not None:
            raise known from error
        raise
    except UnicodeDecodeError as error:  # the driver trips over its own message when it quotes a damaged name
        raise unusable(path, "it is damaged (text that is none)", _CHECK) from error


@contextmanager
def on_disk(path: Path) -> Iterator[None]:
    """Like `mapped`, and for the file system's errors too: for blocks that run no code but the store's."""
    with mapped(path):
        try:
            yield
        except OSError as error:
            raise from_os(path, error) from error


def from_os(path: Path, error: OSError) -> DatabaseUnusable:
    """Map an error of the file system."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            code = sqlite3.SQLITE_FULL
        case errno.EACCES | errno.EPERM | errno.EROFS:
            code = sqlite3.SQLITE_READONLY
        case _:
            return unusable(path, str(error.strerror).lower(), "look at the path and the permissions")
    return unusable(path, *_REASONS[code])


def _known(path: Path, error: sqlite3.Error) -> PapertradeError | None:
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    code = None if extended is None else extended & 0xFF
    if code in _BUSY:
        return busy(path, 5)
    if code in _REASONS:
        return unusable(path, *_REASONS[code])
    if any(word in str(error).lower() for word in _DAMAGE):
        return unusable(path, f"it is damaged ({error})", _CHECK)
    return None
