"""`papertrade check`: whether the books are what the journal says, to the last column.

Replays in memory and compares; `--rebuild` writes the views anew. The rule to keep: without `--rebuild` nothing
is written, not even an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from papertrade.bootstrap import configure, open_file
from papertrade.commands.answer import Answer, say
from papertrade.commands.freshness import allowed_lag_ms, lag_text
from papertrade.commands.options import invocation
from papertrade.config.settings import Settings
from papertrade.engine.values import dataclass
from papertrade.errors import DifferenceFound
from papertrade.invocation import Invocation
from papertrade.render.console import Screen
from papertrade.render.json import Encodable
from papertrade.runs.reporting import Standpoint, live_lag, present_ms
from papertrade.store.rows import CheckReport
from papertrade.store.store import Store

_JOURNAL: Final = frozenset({"hash_chain", "sequence", "replay", "integrity"})
"""What a rebuild cannot mend: the truth itself is damaged."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, in which file, and where its copy is if it was rebuilt."""

    path: Path
    report: CheckReport
    backup: Path | None = None
    mended: int = 0


def check(
    ctx: typer.Context,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Write every view anew from the journal, after a backup.")
    ] = False,
) -> Answer:
    """Replay the journal in memory and compare every book, trade and fill with it.

    Says in one line what was checked (nothing with -q); differences are listed one a line, with exit code 13.
    --rebuild writes the views anew and says where the backup is.

    papertrade check

    papertrade check --rebuild
    """
    call = invocation(ctx)
    _, configuration = configure(call)
    with open_file(call) as store:
        if rebuild:
            rebuilt = store.rebuild()
            mended = len(rebuilt.before.differences)
            checked = Checked(store.path, store.check(), rebuilt.backup, mended)
        else:
            checked = Checked(store.path, store.check())
        if checked.report.is_sound:
            _say_lag(call, configuration.settings, store)
    show = partial(_show, checked, is_quiet=call.is_quiet)
    return Answer(data=check_json(checked), show=show, failure=_failure(checked))


def check_json(checked: Checked) -> Mapping[str, Encodable]:
    """Return the fields of `check --json`."""
    report = checked.report
    return {
        "database": str(checked.path),
        "sound": report.is_sound,
        "events": report.events,
        "trades": report.trades,
        "postings": report.postings,
        "differences": differences_json(report),
        "backup": None if checked.backup is None else str(checked.backup),
        "mended": checked.mended,
    }


def differences_json(report: CheckReport) -> list[Mapping[str, Encodable]]:
    """Return each difference as an object."""
    return [
        {"invariant": d.invariant, "record": d.record, "expected": d.expected, "actual": d.actual}
        for d in report.differences
    ]


def counted(report: CheckReport) -> str:
    """Say how much was checked."""
    return (
        f"{_number(report.events, 'event')}, {_number(report.trades, 'trade')}, {_number(report.postings, 'posting')}"
    )


def found(report: CheckReport, path: Path) -> DifferenceFound:
    """Return the error of books that do not agree; the hint depends on what is damaged."""
    is_journal = any(difference.invariant in _JOURNAL for difference in report.differences)
    hint = (
        "the journal itself is damaged: restore a backup"
        if is_journal
        else "`papertrade check --rebuild` writes the views anew from the journal, after a backup"
    )
    number = _number(len(report.differences), "difference")
    return DifferenceFound(
        f"{number} in `{path}`", hint=hint, details={"differences": len(report.differences), "database": str(path)}
    )


def _show(checked: Checked, screen: Screen, *, is_quiet: bool) -> None:
    report = checked.report
    for difference in report.differences:
        screen.line(str(difference))
    if is_quiet:
        return
    if checked.backup is not None:
        screen.line(f"rebuilt {checked.path}: {_number(checked.mended, 'difference')} before; backup: {checked.backup}")
    if report.is_sound:
        screen.line(f"checked {checked.path}: {counted(report)}; everything agrees")


def _failure(checked: Checked) -> DifferenceFound | None:
    return None if checked.report.is_sound else found(checked.report, checked.path)


def _say_lag(call: Invocation, settings: Settings, store: Store) -> None:
    with store.read() as reader:
        now_ms = present_ms(reader, settings.feed.value, call.clock.now_ms())
        lag = live_lag(reader, now_ms, allowed_lag_ms(settings))
    if lag is not None:
        say(call, lag_text(lag, Standpoint(now_ms, settings.display.zone)))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
