"""`notify test` and `notify list`: whether the targets of the configuration can be reached, and what waits for them.

The rule to keep: of a target only its name, its sort and its host or program are shown, never the address,
its arguments or its secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

import typer

from papertrade.bootstrap import notify_targets, open_books
from papertrade.commands.answer import Answer
from papertrade.commands.options import Csv, invocation
from papertrade.engine.values import dataclass
from papertrade.errors import NotFound, PartialFailure
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.happening_json import probe_json
from papertrade.render.json import listing
from papertrade.render.numbers import iso_z
from papertrade.render.tables import Column, number, words
from papertrade.render.text import Cell, Tone, safe
from papertrade.runs.notify import BUDGET_SECONDS, GIVEN_UP_MS, Program, Target, deliver
from papertrade.runs.webhook import NotSent
from papertrade.store.store import Reader

TargetName: TypeAlias = Annotated[str | None, typer.Argument(metavar="[TARGET]", help="Only this target.")]

_NONE_HINT = "add one under notify.targets: docs/configuration.md"


@dataclass(frozen=True, slots=True)
class Backlog:
    """A target with what it has had and what waits for it; `next_ms` is its next try."""

    target: Target
    delivered: int
    waiting: int
    given_up: int
    last_error: str | None
    next_ms: int | None


def test(ctx: typer.Context, name: TargetName = None) -> Answer:
    """Send a test event to all targets now, or to one, and say what became of it.

    Exits with 10 if one could not be reached.

        papertrade notify test phone
    """
    call = invocation(ctx)
    with open_books(call) as books:
        targets = notify_targets(books.settings, call.environment)
    chosen = [target for target in targets if name in (None, target.name)]
    if not chosen:
        if name is None:
            raise NotFound("no notification target is configured", hint=_NONE_HINT)
        raise NotFound(f"no notification target `{safe(name)}`", hint="papertrade notify list")
    errors = asyncio.run(_test_all(chosen, call.clock.now_ms()))
    failed = [error for error in errors if error is not None]
    return Answer(
        data=listing(
            [{"name": t.name, "sent": e is None, "error": e} for t, e in zip(chosen, errors, strict=True)], len(chosen)
        ),
        show=partial(_show_test, chosen, errors),
        failure=PartialFailure(f"{len(failed)} of {len(chosen)} targets could not be reached") if failed else None,
    )


def list_targets(ctx: typer.Context, csv: Csv = False) -> Answer:  # noqa: ARG001
    """List the targets of the configuration, and what is undelivered and why.

    The watch delivers: what other commands leave behind is sent with its next tick.
    """
    call = invocation(ctx)
    with open_books(call) as books:
        targets = notify_targets(books.settings, call.environment)
        with books.store.read() as reader:
            backlogs = [_backlog(reader, target) for target in targets]
    rows = [_backlog_json(backlog) for backlog in backlogs]
    fields = ("name", "type", "to", "events", "timeout_seconds", "delivered", "undelivered", "given_up")
    header = (*fields, "last_error", "next_try_at")
    sheet = Sheet(header, [[_flat(row[key]) for key in header] for row in rows])
    return Answer(data=listing(rows, len(rows)), show=partial(_show_list, backlogs), sheet=sheet)


async def _test_all(targets: Sequence[Target], at_ms: int) -> list[str | None]:
    return await asyncio.gather(*(_test(target, at_ms) for target in targets))


async def _test(target: Target, at_ms: int) -> str | None:
    try:
        await deliver(target, probe_json(target, at_ms), BUDGET_SECONDS)
    except NotSent as error:
        return str(error)
    return None


def _backlog(reader: Reader, target: Target) -> Backlog:
    waiting = [d for d in reader.deliveries_waiting() if d.target == target.name]
    open_ones = [d for d in waiting if d.next_ms < GIVEN_UP_MS]
    errors = [d.last_error for d in waiting if d.last_error != ""]
    return Backlog(
        target,
        reader.deliveries_done(target.name),
        len(open_ones),
        len(waiting) - len(open_ones),
        errors[-1] if errors else None,
        open_ones[0].next_ms if open_ones else None,
    )


def _backlog_json(backlog: Backlog) -> dict[str, str | int | list[str] | None]:
    target = backlog.target
    return {
        "name": target.name,
        "type": "command" if isinstance(target.way, Program) else "webhook",
        "to": _to(target),
        "events": list(target.events),
        "timeout_seconds": f"{target.timeout_seconds:g}",
        "delivered": backlog.delivered,
        "undelivered": backlog.waiting,
        "given_up": backlog.given_up,
        "last_error": backlog.last_error,
        "next_try_at": None if backlog.next_ms is None else iso_z(backlog.next_ms),
    }


def _to(target: Target) -> str:
    """Return what may be shown of a target: its program, or its host."""
    if isinstance(target.way, Program):
        return target.way.arguments[0]
    return urlsplit(target.way.url).hostname or ""


def _flat(value: str | int | list[str] | None) -> str | int | None:
    return ";".join(value) if isinstance(value, list) else value


def _show_test(targets: Sequence[Target], errors: Sequence[str | None], screen: Screen) -> None:
    for target, error in zip(targets, errors, strict=True):
        if error is None:
            screen.line(f"{target.name}: sent")
        else:
            screen.line(f"{target.name}: ", Cell(error, Tone.WARNING))


def _show_list(backlogs: Sequence[Backlog], screen: Screen) -> None:
    if not backlogs:
        screen.line(f"no targets; {_NONE_HINT}")
        return
    columns = [Column("Target"), words("To"), number("Delivered"), number("Waiting"), number("Given up"), words("Why")]
    screen.table(
        columns,
        [
            [b.target.name, _to(b.target), str(b.delivered), str(b.waiting), str(b.given_up), b.last_error or ""]
            for b in backlogs
        ],
    )
