"""`papertrade instruments`: what can be traded, with steps and minimums; also into a file for backtests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from papertrade.bootstrap import open_books, open_world
from papertrade.commands.answer import Answer, say
from papertrade.commands.lookup import failure_of, failures_json, max_age_ms, symbols_in
from papertrade.commands.options import Csv, Force, MaxAge, invocation
from papertrade.commands.out_file import refuse_unless_free, written
from papertrade.engine.money import plain
from papertrade.errors import PapertradeError, Refused
from papertrade.feeds.instrument_files import FIELDS
from papertrade.invocation import Invocation
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import listing
from papertrade.render.numbers import UNKNOWN, age, iso_z
from papertrade.render.tables import Column, number
from papertrade.render.text import Cell, Tone, safe
from papertrade.runs.instruments import FRESH_MS
from papertrade.runs.lookups import Instruments, instruments_of
from papertrade.store.rows import StoredInstrument

SaveOption: TypeAlias = Annotated[
    Path | None, typer.Option("--save", metavar="FILE", help="Also write them into this file, for backtests.")
]

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


def instruments(
    ctx: typer.Context,
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="[SYMBOL...]", help="Left out: all that were ever looked up.")
    ] = None,
    max_age: MaxAge = None,
    save: SaveOption = None,
    force: Force = False,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Show what can be traded, with price and quantity steps and minimums.

    Answers are kept for an hour, or as --max-age says. Without a symbol: what is stored, without asking. With
    --save they are also written into a file, for `backtest --instruments FILE` and `sweep --instruments FILE`.

    papertrade instruments BTCUSDT ETHUSDT

    papertrade instruments --save instruments.json
    """
    call = invocation(ctx)
    if save is not None:
        refuse_unless_free(save, is_forced=force)
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
    failure = failure_of(found.failures, len(wanted))
    if save is not None:
        _save(call, save, rows, failure, is_forced=force)
    return Answer(
        data={**listing(items, len(items)), "failures": failures_json(found.failures)},
        show=partial(_show, rows, call.clock.now_ms()),
        sheet=Sheet(FIELDS, [_record(row) for row in rows]),
        failure=failure,
    )


def _save(
    call: Invocation, path: Path, rows: Sequence[StoredInstrument], failure: PapertradeError | None, *, is_forced: bool
) -> None:
    """Write the instruments into a file, one a line; nothing where one of them could not be had."""
    shown = safe(str(path))
    if failure is not None:
        say(call, f"{shown} was not written: not all of them are known")
        return
    if not rows:
        raise Refused(
            "no instrument was looked up yet, so there is nothing to save",
            hint=f"papertrade instruments BTCUSDT --save {shown}",
            code="nothing_to_save",
        )
    with written(path, is_forced=is_forced) as stream:
        lines = ",\n".join(json.dumps(_item(row), ensure_ascii=True) for row in rows)
        stream.write(f"[\n{lines}\n]\n")
    say(call, f"saved {len(rows)} {'instrument' if len(rows) == 1 else 'instruments'} in {shown}")


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


def _item(row: StoredInstrument) -> dict[str, str | bool | None]:
    return dict(zip(FIELDS, _record(row), strict=True))


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
