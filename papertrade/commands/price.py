"""`papertrade price`: what the venue pays for symbols now."""

from __future__ import annotations

from functools import partial

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.answer import Answer
from papertrade.commands.lookup import failure_of, failures_json, max_age_ms, symbols_in
from papertrade.commands.options import Csv, MaxAge, SymbolsArgument, invocation
from papertrade.engine.market import Quote
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable, listing
from papertrade.render.numbers import age, exact_number, iso_z, percent
from papertrade.render.tables import Column, number
from papertrade.runs.lookups import Prices, prices_of, spread_percent

_COLUMNS = (
    Column("Symbol"),
    number("Last"),
    number("Bid"),
    number("Ask"),
    number("Spread"),
    number("Age"),
)
_HEADER = ("symbol", "venue", "price", "bid", "ask", "at")


def price(
    ctx: typer.Context,
    symbols: SymbolsArgument,
    max_age: MaxAge = None,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Show the last price of each symbol, with bid and ask.

    A symbol that fails is named and does not hide the others (exit 10); if all fail the exit code is 8.

    papertrade price BTCUSDT ETHUSDT --max-age 30s
    """
    wanted = symbols_in(symbols)
    youngest = max_age_ms(max_age)
    with open_world(invocation(ctx)) as desk:
        venue = desk.world.feed.venue
        seen = prices_of(desk.world, wanted, youngest)
    quotes = {symbol: seen.quotes[symbol] for symbol in wanted if symbol in seen.quotes}
    items = [_item(symbol, venue, quote, seen.now_ms) for symbol, quote in quotes.items()]
    return Answer(
        data={**listing(items, len(items)), "failures": failures_json(seen.failures)},
        show=partial(_show, quotes, seen),
        sheet=Sheet(_HEADER, [(s, venue, q.last, q.bid, q.ask, iso_z(q.at_ms)) for s, q in quotes.items()]),
        failure=failure_of(seen.failures, len(wanted)),
    )


def _show(quotes: dict[str, Quote], seen: Prices, screen: Screen) -> None:
    if quotes:
        screen.table(_COLUMNS, [_row(symbol, quote, seen.now_ms) for symbol, quote in quotes.items()])


def _row(symbol: str, quote: Quote, now_ms: int) -> tuple[str, ...]:
    return (
        symbol,
        exact_number(quote.last),
        exact_number(quote.bid),
        exact_number(quote.ask),
        percent(spread_percent(quote), 3),
        age(quote.at_ms, now_ms),
    )


def _item(symbol: str, venue: str, quote: Quote, now_ms: int) -> dict[str, Encodable]:
    return {
        "symbol": symbol,
        "venue": venue,
        "price": quote.last,
        "bid": quote.bid,
        "ask": quote.ask,
        "at": iso_z(quote.at_ms),
        "age_seconds": max(0, now_ms - quote.at_ms) // 1000,
    }
