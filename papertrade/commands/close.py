"""`close`: end a trade by hand, or a part of it, at the market or at a price of one's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.acting import act_on, one_or_all
from papertrade.commands.answer import Answer
from papertrade.commands.options import NoCatchUp, OptionalTradeArgument, Reason, SymbolFilter, invocation
from papertrade.engine.money import HUNDRED, ONE, ZERO, exact, parse_decimal
from papertrade.engine.trade import Status
from papertrade.errors import UsageProblem
from papertrade.runs.closing import close_one

All = Annotated[bool, typer.Option("--all", help="Close every open trade of the account.")]
Fraction = Annotated[
    str | None, typer.Option("--fraction", metavar="F", help="Close this part of what is open: 0.5 or 50%.")
]
OwnPrice = Annotated[
    str | None,
    typer.Option("--price", metavar="P", help="Close at this price of your own, marked off market: halted symbols."),
]


def close(
    ctx: typer.Context,
    trade: OptionalTradeArgument = None,
    all_trades: All = False,
    symbol: SymbolFilter = None,
    fraction: Fraction = None,
    price: OwnPrice = None,
    reason: Reason = None,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Close a trade, or a part of it, at the market's price of now, after catching up.

    A minute that has not ended yet goes after a close by hand, even if it has touched a level: the answer says so.

    papertrade close 7

    papertrade close BTCUSDT --fraction 50%

    papertrade close --all --symbol ETHUSDT
    """
    call = invocation(ctx)
    part = ONE if fraction is None else _fraction(fraction)
    own_price = None if price is None else _price(price)
    one_or_all(trade, all_trades, symbol)
    if all_trades and own_price is not None and symbol is None:
        raise UsageProblem("--price with --all needs --symbol", hint="one price cannot be that of several symbols")
    with open_world(call) as desk:
        return act_on(
            desk,
            trade,
            symbol,
            Status.OPEN,
            lambda number, present: close_one(
                desk.world, number, part, present, own_price, reason="" if reason is None else reason.strip()
            ),
            forced=no_catch_up,
        )


def _fraction(word: str) -> Decimal:
    try:
        with exact():
            value = parse_decimal(word.removesuffix("%")) / (HUNDRED if word.endswith("%") else ONE)
    except ValueError as error:
        raise UsageProblem(f"--fraction: {error}", hint="write it like 0.5 or 50%") from None
    if not ZERO < value <= ONE:
        raise UsageProblem(f"--fraction `{word}` must be above 0 and at most 1", hint="write it like 0.5 or 50%")
    return value


def _price(word: str) -> Decimal:
    try:
        price = parse_decimal(word)
    except ValueError as error:
        raise UsageProblem(f"--price: {error}") from None
    if price <= ZERO:
        raise UsageProblem(f"--price `{word}` must be above 0")
    return price
