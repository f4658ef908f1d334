"""`papertrade db`: copies of the database, and bringing an older one up to date.

The rule to keep: a copy never takes the place of the database that it is a copy of, nor of its lock files.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from papertrade.bootstrap import open_file
from papertrade.commands.answer import Answer, say
from papertrade.commands.check import counted, differences_json, found
from papertrade.commands.options import Force, invocation
from papertrade.commands.out_file import refuse_unless_free
from papertrade.engine.instants import to_iso
from papertrade.errors import Refused
from papertrade.render.console import Screen
from papertrade.render.json import Encodable
from papertrade.store.migrations import present_version


def backup(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where the copy goes; beside the database if not named.")
    ] = None,
    force: Force = False,
) -> Answer:
    """Write a consistent copy of the database, also while a watch runs, and check the copy.

    The copy is a database like any other: use it with --db, or put it in the place of a broken one.

    papertrade db backup

    papertrade db backup ~/backups/papertrade-monday.db
    """
    call = invocation(ctx)
    with open_file(call) as store:
        target = file if file is not None else _beside(store.path, call.clock.now_ms())
        _refuse_own_files(store.path, target)
        refuse_unless_free(target, is_forced=force)
        report = store.backup(target, is_forced=force)
    if report.is_sound:
        say(call, f"wrote {target}: {counted(report)}; everything agrees")
    data: Mapping[str, Encodable] = {
        "file": str(target),
        "sound": report.is_sound,
        "events": report.events,
        "trades": report.trades,
        "postings": report.postings,
        "differences": differences_json(report),
    }
    failure = None if report.is_sound else found(report, target)
    lines = [str(difference) for difference in report.differences]
    return Answer(data=data, show=partial(_show_lines, lines), failure=failure)


def migrate(ctx: typer.Context) -> Answer:
    """Bring a database of an older papertrade up to date, after a backup beside it.

    Every command does this by itself; this one only says what was done.

    papertrade db migrate
    """
    call = invocation(ctx)
    with open_file(call) as store:
        path, before, now = store.path, store.migrated_from, present_version()
    copy = None if before is None else path.with_name(f"{path.name}.v{before}.bak")
    data: Mapping[str, Encodable] = {
        "database": str(path),
        "schema": now,
        "migrated_from": before,
        "backup": None if copy is None else str(copy),
    }
    return Answer(data=data, show=partial(_show_lines, [migration_line(path, before, now, copy)]))


def migration_line(path: Path, before: int | None, now: int, copy: Path | None) -> str:
    """Say what a migration did; `before` None means that there was nothing to do."""
    if before is None:
        return f"{path} is up to date (schema {now})"
    return f"{path} was brought from schema {before} to {now}; backup: {copy}"


def _refuse_own_files(database: Path, target: Path) -> None:
    """Keep a copy from replacing the database, or what SQLite and the locks keep beside it."""
    place, own = target.absolute(), database.resolve()
    real = place.parent.resolve() / place.name
    is_same = real == own or (target.exists() and target.samefile(database))
    beside = real.parent == own.parent and real.name.startswith(f"{own.name}-")
    is_lock = real.parent == own.parent and real.name.startswith(f"{own.name}.") and real.name.endswith(".lock")
    if is_same or beside or is_lock:
        raise Refused(f"`{target}` is the database itself, or belongs to it", hint="give another name", code="own_file")


def _show_lines(lines: list[str], screen: Screen) -> None:
    for line in lines:
        screen.line(line)


def _beside(database: Path, at_ms: int) -> Path:
    """Name a copy after the database and the moment: `papertrade.db.20261120T100000Z.bak`."""
    stamp = to_iso(at_ms).partition(".")[0].replace("-", "").replace(":", "")
    return database.with_name(f"{database.name}.{stamp}Z.bak")
