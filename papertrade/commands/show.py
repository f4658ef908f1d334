"""`papertrade show`: everything about one trade; never asks the network."""

from __future__ import annotations

from functools import partial

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.options import TradeArgument, invocation
from papertrade.commands.records import find_trade
from papertrade.render.life import show_life
from papertrade.render.life_json import life_json
from papertrade.runs.lives import life_of


def show(ctx: typer.Context, trade: TradeArgument) -> Answer:
    """Show one trade's life: where it stands, its levels, what happened and when, its notes.

    papertrade show 7

    papertrade show BTCUSDT
    """
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)
            found = find_trade(reader, books.account, trade)
            life = life_of(reader, found, now.now_ms)
            lag = lag_of(books, reader, now) if found.status.is_live else None
        say_lag(books, lag, now)
    return Answer(data=life_json(life), show=partial(show_life, life, now))
