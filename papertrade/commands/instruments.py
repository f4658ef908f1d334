"""`papertrade instruments`: what can be traded, with steps and minimums."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from papertrade.bootstrap import open_books, open_world
from papertrade.commands.answer import Answer
from papertrade.commands.lookup import failure_of, failures_json, max_age_ms, symbols_in
from papertrade.commands.options import Csv, MaxAge, invocation
from papertrade.engine.money import plain
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable, listing
from papertrade.render.numbers import UNKNOWN, age, iso_z
from papertrade.render.tables import Column, number
from papertrade.render.text import Cell, Tone
from papertrade.runs.instruments import FRESH_MS
from papertrade.runs.lookups import Instruments, instruments_of
from papertrade.store.rows import StoredInstrument

_COLUMNS = (
    Column("Symbol"),
    Column("Base", drop=4),
    Column("Quote"),
    number("Price step"),
    number("Quantity step"),
    number("Min quantity"),
    number("Min notional"),
    Column("Hours", drop=3),
    Column("State"),
    number("Age", drop=2),
)
_FIELDS = (
    "symbol", "venue", "base", "quote", "price_step", "quantity_step", "quantity_min", "quantity_max", "notional_min",
    "notional_max", "hours", "is_trading", "fetched_at",
)  # fmt: skip


def instruments(
    ctx: typer.Context,
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="[SYMBOL...]", help="Left out: all that were ever looked up.")
    ] = None,
    max_age: MaxAge = None,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Show what can be traded, with price and quantity steps and minimums.

    Answers are kept for an hour, or as --max-age says. Without a symbol: what is stored, without asking.

    papertrade instruments BTCUSDT ETHUSDT
    """
    call = invocation(ctx)
    wanted = symbols_in(symbols or [])
    youngest = max_age_ms(max_age)
    if wanted:
        with open_world(call) as desk:
            found = instruments_of(desk.world, wanted, FRESH_MS if youngest is None else youngest)
    else:
        with open_books(call) as books, books.store.read() as reader:
            stored = reader.instruments(books.settings.feed.value)
        found = Instruments({row.instrument.symbol: row for row in stored})
    rows = [found.known[symbol] for symbol in (wanted or found.known) if symbol in found.known]
    items = [_item(row) for row in rows]
    return Answer(
        data={**listing(items, len(items)), "failures": failures_json(found.failures)},
        show=partial(_show, rows, call.clock.now_ms()),
        sheet=Sheet(_FIELDS, [_record(row) for row in rows]),
        failure=failure_of(found.failures, len(wanted)),
    )


def _show(rows: Sequence[StoredInstrument], now_ms: int, screen: Screen) -> None:
    if rows:
        screen.table(_COLUMNS, [_row(row, now_ms) for row in rows])
    else:
        screen.line("no instrument was looked up yet: papertrade instruments BTCUSDT")


def _row(row: StoredInstrument, now_ms: int) -> tuple[str | Cell, ...]:
    one = row.instrument
    steps = (one.price_step, one.quantity_step, one.quantity_min, one.notional_min)
    return (
        one.symbol,
        one.base,
        one.quote,
        *(UNKNOWN if step == 0 else plain(step) for step in steps),
        one.hours,
        Cell("trading") if one.is_trading else Cell("halted", Tone.WARNING),
        age(row.fetched_ms, now_ms),
    )


def _item(row: StoredInstrument) -> dict[str, Encodable]:
    return dict(zip(_FIELDS, _record(row), strict=True))


def _record(row: StoredInstrument) -> tuple[str | bool | None, ...]:
    one = row.instrument
    numbers = (
        one.price_step,
        one.quantity_step,
        one.quantity_min,
        one.quantity_max,
        one.notional_min,
        one.notional_max,
    )
    known = (None if value == 0 else plain(value) for value in numbers)
    return (one.symbol, one.venue, one.base, one.quote, *known, one.hours, one.is_trading, iso_z(row.fetched_ms))
