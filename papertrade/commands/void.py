"""`void`: take a trade back as if it had never been; the journal keeps it for ever."""

from __future__ import annotations

from typing import Annotated

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.acting import void_that
from papertrade.commands.answer import Answer
from papertrade.commands.options import NoCatchUp, TradeArgument, invocation
from papertrade.errors import UsageProblem

VoidReason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the journal for ever.")]


def void(ctx: typer.Context, trade: TradeArgument, reason: VoidReason, no_catch_up: NoCatchUp = False) -> Answer:
    """Take a trade back, waiting, open or closed: its cash returns, and it counts in no statistics.

    For orders that were a mistake, not for trades that went wrong: it stays in the journal, in the lists with the
    mark `void`, and `metrics` counts it.

    papertrade void 7 --reason "ten times the size I meant"
    """
    call = invocation(ctx)
    why = reason.strip()
    if not why:
        raise UsageProblem("--reason is empty", hint="say why: it is kept in the journal for ever")
    with open_world(call) as desk:
        return void_that(desk, trade, why, forced=no_catch_up)
