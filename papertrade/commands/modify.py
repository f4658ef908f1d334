"""`modify`: move, add or take away the exits of a live trade."""

from __future__ import annotations

from typing import Annotated

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.acting import act_on
from papertrade.commands.answer import Answer
from papertrade.commands.options import NoCatchUp, Reason, TradeArgument, invocation
from papertrade.commands.wishes import ExitWords, read_exit_change
from papertrade.engine.trade import Status
from papertrade.runs.closing import modify_one

NewStop = Annotated[
    str | None, typer.Option("--sl", metavar="LEVEL", help="New stop loss: 95, 2% or be; `none` takes it away.")
]
NewTargets = Annotated[
    list[str] | None,
    typer.Option("--tp", metavar="LEVEL[:FRACTION]", help="New targets, instead of the old; `none` takes them away."),
]

NewTrail = Annotated[
    str | None, typer.Option("--trail", metavar="DISTANCE[@LEVEL]", help="New trail: 2%, 150, 1R, 2%@+4%; `none`.")
]
NewBreakEven = Annotated[
    str | None, typer.Option("--break-even", metavar="LEVEL", help="The stop to break-even from here on: 1R; `none`.")
]
NewTimeLimit = Annotated[
    str | None, typer.Option("--time-limit", metavar="TIME", help="Leave 4h after the entry, or at a time; `none`.")
]


def modify(
    ctx: typer.Context,
    trade: TradeArgument,
    sl: NewStop = None,
    tp: NewTargets = None,
    trail: NewTrail = None,
    break_even: NewBreakEven = None,
    time_limit: NewTimeLimit = None,
    reason: Reason = None,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Change a trade's exits from the next whole minute on; until then the old ones rule.

    Relative levels count from the entry; the result is checked against the price of now. Fractions are of what is
    still open. A new trail without a level follows from the price of now on; `none` takes an exit away, and the stop
    stays where a trail had brought it.

    papertrade modify 7 --sl 98

    papertrade modify BTCUSDT --tp 110:0.5 --tp 120:0.5

    papertrade modify 7 --sl be --trail 2% --reason "news at noon"
    """
    call = invocation(ctx)
    words = ExitWords(command="modify", sl=sl, tp=tp, trail=trail, break_even=break_even, time_limit=time_limit)
    change = read_exit_change(words)
    with open_world(call) as desk:
        return act_on(
            desk,
            trade,
            None,
            Status.OPEN,
            lambda number, present: modify_one(
                desk.world, number, change, present, reason="" if reason is None else reason.strip()
            ),
            forced=no_catch_up,
        )
