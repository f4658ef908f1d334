"""How a file of an older schema becomes one of the present: numbered steps, a backup before, all or nothing.

A new file gets the present schema at once. After the steps the views are made and written anew from the journal,
and caches that were not there are made, so that a step concerns other tables only. The rule to keep: a step is never
changed after its release, and the files that it makes equal new ones (a test compares them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import Connection

from papertrade.errors import DifferenceFound
from papertrade.store import backup, failures, locks, schema
from papertrade.store.check import check, rebuild
from papertrade.store.database import BEGIN, IMMEDIATE, raw

Step: TypeAlias = Callable[[Connection], None]

_RUN_SAVED: Final = (
    "CREATE TABLE run_saved (\n"
    "\tid INTEGER NOT NULL, \n"
    "\tname TEXT NOT NULL, \n"
    "\tkind TEXT NOT NULL, \n"
    "\tmade_ms INTEGER NOT NULL, \n"
    "\tversion TEXT NOT NULL, \n"
    "\ttrades INTEGER NOT NULL, \n"
    "\tfigures TEXT NOT NULL, \n"
    "\tcontent TEXT NOT NULL, \n"
    "\tPRIMARY KEY (id), \n"
    "\tCONSTRAINT one_run_of_a_name UNIQUE (name)\n"
    ")\n"
    " STRICT"
)
"""The table as schema 2 had it, letter by letter: SQLite keeps the text."""


def _keep_runs(connection: Connection) -> None:
    """Make the table of saved backtests."""
    connection.exec_driver_sql(_RUN_SAVED)


def _widen_views(connection: Connection) -> None:
    """Do nothing of its own: schema 3 has wider views, which are made and written anew after the steps."""


STEPS: Final[tuple[Step, ...]] = (_keep_runs, _widen_views)
"""STEPS[0] makes schema 2 out of schema 1, and so on."""


def _write_views_anew(connection: Connection, path: Path) -> None:
    """Write the views as this program writes them: an older one had no words for what the engine has learnt since."""
    try:
        rebuild(connection)
    except ValueError as error:
        raise failures.unusable(path, f"its journal cannot be replayed ({error})", "restore a backup") from error


def present_version(steps: Sequence[Step] = STEPS) -> int:
    """Return the schema version that this program writes."""
    return 1 + len(steps)


def version_of(connection: Connection) -> int:
    """Return the schema version of an open file."""
    (version,) = raw(connection).execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(
    connection: Connection, path: Path, now_ms: Callable[[], int], pause: Callable[[float], None], steps: Sequence[Step]
) -> None:
    """Bring an older file to the present schema, after a backup to `<file>.v<N>.bak`.

    Two processes may try at once: the second finds the work done. Raises DifferenceFound, with the file as it
    was, if the books do not agree afterwards.
    """
    with locks.write_lock(path, pause), failures.on_disk(path):
        before = version_of(connection)
        if before >= present_version(steps):
            return
        backup.copy(connection, path.with_name(f"{path.name}.v{before}.bak"), inspect=version_of, is_forced=True)
        connection.execution_options(**{BEGIN: IMMEDIATE})
        with connection.begin():
            for step in steps[before - 1 :]:
                step(connection)
            _write_views_anew(connection, path)
            schema.stamp(connection, present_version(steps), now_ms())
            report = check(connection)
            if not report.is_sound:
                raise DifferenceFound(
                    f"database `{path}` was left at schema {before}: {report.differences[0]}",
                    hint="run `papertrade check` with the version that made it",
                )
