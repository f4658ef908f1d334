"""`cancel`: take back an entry that still waits for its price."""

from __future__ import annotations

from typing import Annotated

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.acting import act_on, one_or_all
from papertrade.commands.answer import Answer
from papertrade.commands.options import NoCatchUp, OptionalTradeArgument, Reason, SymbolFilter, invocation
from papertrade.engine.trade import Status
from papertrade.runs.closing import cancel_one

All = Annotated[bool, typer.Option("--all", help="Cancel every waiting entry of the account.")]


def cancel(
    ctx: typer.Context,
    trade: OptionalTradeArgument = None,
    all_trades: All = False,
    symbol: SymbolFilter = None,
    reason: Reason = None,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Cancel an entry that waits for its price; what it had tied up is free again.

    papertrade cancel 7

    papertrade cancel --all
    """
    call = invocation(ctx)
    one_or_all(trade, all_trades, symbol)
    why = "" if reason is None else reason.strip()
    with open_world(call) as desk:
        return act_on(
            desk,
            trade,
            symbol,
            Status.PENDING,
            lambda number, present: cancel_one(desk.world, number, present, why),
            forced=no_catch_up,
        )
