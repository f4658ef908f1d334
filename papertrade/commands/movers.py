"""`papertrade movers`: what rose and fell most in the last 24 hours."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Annotated

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.answer import Answer
from papertrade.commands.options import Csv, invocation
from papertrade.engine.money import ZERO, parse_decimal
from papertrade.errors import UsageProblem
from papertrade.feeds.feed import DayMove
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable
from papertrade.render.numbers import exact_number, money
from papertrade.render.tables import Column, number
from papertrade.runs.lookups import movers_of

_HEADER = ("symbol", "price", "change_percent", "high", "low", "turnover")


def movers(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="So many risers and so many fallers.")] = 10,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="Priced in this; default: the account's currency.")
    ] = None,
    turnover: Annotated[
        str | None,
        typer.Option("--turnover", metavar="AMOUNT", help="Only what was traded for as much. Default 1000000."),
    ] = None,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Show what rose and what fell most in the last 24 hours, with its turnover.

    papertrade movers --limit 5 --turnover 10000000
    """
    least = _amount(turnover)
    with open_world(invocation(ctx)) as desk:
        code = desk.books.account.currency if currency is None else currency.strip().upper()
        moves = movers_of(desk.world, code, least)
    risers = [move for move in moves if move.change_percent > 0][:limit]
    fallers = [move for move in reversed(moves) if move.change_percent < 0][:limit]
    return Answer(
        data={"currency": code, "risers": _items(risers), "fallers": _items(fallers), "total": len(moves)},
        show=partial(_show, code, risers, fallers, len(moves)),
        sheet=Sheet(_HEADER, [_record(move) for move in (*risers, *reversed(fallers))]),
    )


def _amount(word: str | None) -> Decimal:
    try:
        amount = Decimal(1_000_000) if word is None else parse_decimal(word)
    except ValueError as error:
        raise UsageProblem(f"--turnover: {error}") from None
    if amount < ZERO:
        raise UsageProblem(f"--turnover `{word}` must not be below 0")
    return amount


def _record(move: DayMove) -> tuple[str | Decimal, ...]:
    change = move.change_percent.quantize(Decimal("0.01"))
    return move.symbol, move.last, change, move.high, move.low, move.turnover


def _items(moves: Sequence[DayMove]) -> list[Encodable]:
    return [dict(zip(_HEADER, _record(move), strict=True)) for move in moves]


def _show(code: str, risers: Sequence[DayMove], fallers: Sequence[DayMove], total: int, screen: Screen) -> None:
    columns = (Column("Symbol"), number("24 h"), number("Last"), number("High"), number("Low"), number("Turnover"))
    for title, moves in (("Risers", risers), ("Fallers", fallers)):
        screen.line(f"{title} in {code}, of {total}" if moves else f"{title}: none")
        if moves:
            screen.table(columns, [_row(move) for move in moves])
        screen.blank()


def _row(move: DayMove) -> tuple[str, ...]:
    prices = (exact_number(move.last), exact_number(move.high), exact_number(move.low))
    return (move.symbol, f"{move.change_percent:+.2f}%", *prices, money(move.turnover))
