"""`stop`: ask the running watch to end. It ends by itself, after its tick; nobody is killed."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.options import invocation
from papertrade.errors import NotFound
from papertrade.render.text import safe
from papertrade.runs.watch_state import request_stop, watch_state

StopReason: TypeAlias = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the run and shown by `status`.")
]


def stop(ctx: typer.Context, reason: StopReason = "") -> Answer:
    """Ask the running watch to end after its tick; waits up to three seconds for it.

    Exits with 5 when no watch runs.

        papertrade stop --reason "moving to another machine"
    """
    call = invocation(ctx)
    with open_books(call) as books:
        state = watch_state(books.store, books.settings.feed.value)
        loop = state.loop
        if not state.is_running or loop is None or loop.ended_ms is not None:
            raise NotFound("no watch is running", hint="`papertrade status` tells when the last one ended")
        has_ended = request_stop(books.store, loop.id, reason, call.clock.pause)
    said = "the watch has ended" if has_ended else "the watch was asked to end; it finishes its tick first"
    why = f" ({safe(reason)})" if reason else ""
    return Answer(
        data={"run": loop.id, "pid": loop.pid, "reason": reason or None, "ended": has_ended},
        show=lambda screen: screen.line(f"{said}{why}"),
    )
