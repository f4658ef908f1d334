"""`papertrade book`: what waits in the venue's order book of a symbol now."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from itertools import accumulate, zip_longest
from typing import Annotated

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.answer import Answer
from papertrade.commands.options import Csv, SymbolArgument, invocation
from papertrade.commands.symbols import symbol_of
from papertrade.engine.money import CONTEXT, HUNDRED, exact, to_grid
from papertrade.engine.order_book import BookLevel, OrderBook
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable
from papertrade.render.numbers import exact_number, iso_z, percent
from papertrade.render.tables import number
from papertrade.runs.lookups import book_of

_MOST = 1000
_HEADER = ("side", "level", "price", "quantity", "total")


def book(
    ctx: typer.Context,
    symbol: SymbolArgument,
    depth: Annotated[
        int, typer.Option("--depth", metavar="N", min=1, max=_MOST, help=f"Levels a side, up to {_MOST}.")
    ] = 10,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Show the venue's order book: what waits to be bought and sold, best prices first, with running totals.

    papertrade book BTCUSDT --depth 20
    """
    name = symbol_of(symbol)
    with open_world(invocation(ctx)) as desk:
        venue = desk.world.feed.venue
        seen = book_of(desk.world, name, depth)
    bids, asks = _totalled(seen.bids[:depth]), _totalled(seen.asks[:depth])
    return Answer(
        data={
            "symbol": name,
            "venue": venue,
            "at": iso_z(seen.at_ms),
            "bids": _items(bids),
            "asks": _items(asks),
            "spread": seen.spread,
            "spread_percent": _spread_percent(seen),
        },
        show=partial(_show, name, seen, bids, asks),
        sheet=Sheet(_HEADER, [*_records("bid", bids), *_records("ask", asks)]),
    )


_Totalled = Sequence[tuple[BookLevel, Decimal]]


def _totalled(levels: Sequence[BookLevel]) -> _Totalled:
    """Return each level with what stands at it and before it."""
    totals = accumulate((level.quantity for level in levels), CONTEXT.add)
    return list(zip(levels, totals, strict=True))


def _spread_percent(seen: OrderBook) -> Decimal | None:
    spread = seen.spread
    if spread is None:
        return None
    with exact():
        return to_grid(spread * HUNDRED / seen.asks[0].price)


def _items(levels: _Totalled) -> list[Encodable]:
    return [{"price": level.price, "quantity": level.quantity, "total": total} for level, total in levels]


def _records(side: str, levels: _Totalled) -> list[tuple[str | int | Decimal, ...]]:
    return [(side, at, level.price, level.quantity, total) for at, (level, total) in enumerate(levels, 1)]


def _show(name: str, seen: OrderBook, bids: _Totalled, asks: _Totalled, screen: Screen) -> None:
    columns = (number("Total"), number("Bid size"), number("Bid"), number("Ask"), number("Ask size"), number("Total"))
    rows = [(*reversed(_cells(bid)), *_cells(ask)) for bid, ask in zip_longest(bids, asks)]
    if rows:
        screen.table(columns, rows)
    spread = seen.spread
    told = "-" if spread is None else f"{exact_number(spread)} ({percent(_spread_percent(seen), 3)})"
    screen.line(f"{name}: spread {told}")


def _cells(entry: tuple[BookLevel, Decimal] | None) -> tuple[str, str, str]:
    if entry is None:
        return "", "", ""
    level, total = entry
    return exact_number(level.price), exact_number(level.quantity), exact_number(total)
