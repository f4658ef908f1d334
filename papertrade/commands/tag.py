"""`tag`: put words on a trade, or take them off."""

from __future__ import annotations

from typing import Annotated

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.freshness import standpoint
from papertrade.commands.note import check_tag
from papertrade.commands.options import TradeArgument, invocation
from papertrade.commands.records import find_trade
from papertrade.errors import UsageProblem
from papertrade.render.text import safe
from papertrade.runs.remarks import change_tags

Signed = Annotated[list[str], typer.Argument(metavar="+TAG -TAG...", help="Tags to put on (+) and to take off (-).")]


def tag(ctx: typer.Context, trade: TradeArgument, changes: Signed) -> Answer:
    """Put tags on a trade with +, take them off with -. Tags never change a number.

    papertrade tag 7 +breakout -late
    """
    call = invocation(ctx)
    add, remove = _signed(changes, "+"), _signed(changes, "-")
    stray = next((word for word in changes if word[:1] not in ("+", "-")), None)
    if stray is not None:
        raise UsageProblem(f"`{safe(stray)}` has no sign", hint=f"papertrade tag {trade} +{stray}")
    with open_books(call) as books:
        with books.store.read() as reader:
            found = find_trade(reader, books.account, trade)
            at_ms = standpoint(books, reader).now_ms
        after = change_tags(books.store, found.id, add, remove, at_ms)
    shown = ", ".join(after.tags) if after.tags else "no tags"
    return Answer(
        data={"trade_id": after.id, "tags": list(after.tags)},
        show=lambda screen: screen.line(f"#{after.id} tagged {after.side} {after.order.symbol}: {shown}"),
    )


def _signed(words: list[str], sign: str) -> list[str]:
    return [check_tag(word[1:]) for word in words if word.startswith(sign)]
