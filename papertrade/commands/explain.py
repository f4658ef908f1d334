"""`papertrade explain`: the arithmetic behind each fill of one trade; never asks the network."""

from __future__ import annotations

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.options import TradeArgument, invocation
from papertrade.commands.records import find_trade
from papertrade.render.console import Screen
from papertrade.render.explained_sight import Vantage
from papertrade.render.explanation import Page, show_explanation
from papertrade.render.life import headline
from papertrade.render.life_json import explanation_json
from papertrade.runs.lives import explanation_of
from papertrade.runs.views import trade_views


def explain(ctx: typer.Context, trade: TradeArgument) -> Answer:
    """Show why and at what price each fill of a trade happened, with the arithmetic written out.

    Sections are those of docs/semantics.md. Every number can be checked by hand.

    papertrade explain 7
    """
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)
            found = find_trade(reader, books.account, trade)
            told = explanation_of(reader, found)
            view = trade_views(reader, [found], now.now_ms)[0]
            lag = lag_of(books, reader, now) if found.status.is_live else None
        say_lag(books, lag, now)
        currency = books.account.currency

    def shown(screen: Screen) -> None:
        screen.line(*headline(view))
        vantage = Vantage(found.order.venue, now.offset_ms)
        page = Page(currency=currency, terms=found.order.terms, zone=now.zone, vantage=vantage, screen=screen)
        show_explanation(told, page)

    return Answer(data=explanation_json(told, view, now.offset_ms), show=shown)
