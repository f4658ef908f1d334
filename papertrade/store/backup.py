"""Copies of a living database: through SQLite's backup, to another name, then moved into place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from papertrade.errors import Refused
from papertrade.store import failures
from papertrade.store.database import connected, raw, sync

T = TypeVar("T")


def copy(connection: Connection, target: Path, *, inspect: Callable[[Connection], T], is_forced: bool = False) -> T:
    """Copy the whole database to `target`, readable for its owner only, and return what `inspect` says of it.

    The copy is looked at before it gets its name, so half a copy is never seen there. Raises Refused if
    `target` exists and the copy is not forced, DatabaseUnusable if it cannot be written.
    """
    if target.exists() and not is_forced:
        raise Refused(f"`{target}` already exists", hint="give another name, or --force", code="file_exists")
    partial = target.with_name(f"{target.name}.part")
    with failures.on_disk(target):
        try:
            partial.unlink(missing_ok=True)
            os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            made = sqlite3.connect(partial, isolation_level=None)
            try:
                raw(connection).backup(made)
            finally:
                made.close()
            with connected(partial) as copied, copied.begin():
                said = inspect(copied)
            sync(partial)
            partial.replace(target)
            sync(target.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    return said
