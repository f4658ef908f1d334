"""`modify`: move, add or take away the stop and the targets of a live trade."""

from __future__ import annotations

from typing import Annotated

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.acting import act_on
from papertrade.commands.answer import Answer
from papertrade.commands.options import NoCatchUp, TradeArgument, invocation
from papertrade.commands.wishes import read_exit_change
from papertrade.engine.trade import Status
from papertrade.runs.closing import modify_one

NewStop = Annotated[
    str | None, typer.Option("--sl", metavar="LEVEL", help="New stop loss: 95 or 2%; `none` takes it away.")
]
NewTargets = Annotated[
    list[str] | None,
    typer.Option("--tp", metavar="LEVEL[:FRACTION]", help="New targets, instead of the old; `none` takes them away."),
]


def modify(
    ctx: typer.Context,
    trade: TradeArgument,
    sl: NewStop = None,
    tp: NewTargets = None,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Change a trade's stop and targets from the next whole minute on; until then the old ones rule.

    Relative levels count from the entry; the result is checked against the price of now. Fractions are of what is
    still open.

    papertrade modify 7 --sl 98

    papertrade modify BTCUSDT --tp 110:0.5 --tp 120:0.5

    papertrade modify 7 --sl none
    """
    call = invocation(ctx)
    change = read_exit_change(sl, tp)
    with open_world(call) as desk:
        return act_on(
            desk,
            trade,
            None,
            Status.OPEN,
            lambda number, present: modify_one(desk.world, number, change, present),
            forced=no_catch_up,
        )
