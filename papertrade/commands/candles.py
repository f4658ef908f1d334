"""`papertrade candles`: the newest candles of a symbol, as the venue has them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Annotated

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.answer import Answer
from papertrade.commands.options import Csv, SymbolArgument, invocation
from papertrade.commands.symbols import symbol_of
from papertrade.engine.market import INTERVALS, Candle
from papertrade.errors import UsageProblem
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable, listing
from papertrade.render.numbers import exact_number, iso_z, local_second
from papertrade.render.tables import Column, number
from papertrade.render.text import Cell, Tone, safe
from papertrade.runs.lookups import candles_of
from papertrade.runs.reporting import Standpoint

_MOST = 5000
_HEADER = ("time", "open", "high", "low", "close", "volume")


def candles(
    ctx: typer.Context,
    symbol: SymbolArgument,
    interval: Annotated[str, typer.Option("--interval", metavar="SPAN", help=f"One of {', '.join(INTERVALS)}.")] = "1m",
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=_MOST, help=f"At most so many, the newest; up to {_MOST}.")
    ] = 20,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Show recent candles of a symbol, oldest first; the last one may still be forming.

    --csv writes final candles only, under time,open,high,low,close,volume: the form of a candle file.

    papertrade candles BTCUSDT --interval 1h --limit 24
    """
    if interval not in INTERVALS:
        raise UsageProblem(f"--interval `{safe(interval)[:20]}` is not known", hint=f"one of {', '.join(INTERVALS)}")
    name = symbol_of(symbol)
    with open_world(invocation(ctx)) as desk:
        found = candles_of(desk.world, name, interval, limit)
        now = Standpoint(found.now_ms, desk.books.settings.display.zone)
    shown = found.candles[-limit:]
    items = [_item(candle, found.now_ms) for candle in shown]
    return Answer(
        data={"symbol": name, "interval": interval, **listing(items, len(items))},
        show=partial(_show, name, interval, shown, now),
        sheet=Sheet(_HEADER, [_record(candle) for candle in found.final[-limit:]]),
    )


def _show(symbol: str, interval: str, shown: Sequence[Candle], now: Standpoint, screen: Screen) -> None:
    if not shown:
        screen.line(f"the venue has no {interval} candles of {symbol} in this time")
        return
    columns = (
        Column(f"{symbol} {interval}, {now.zone}"),
        number("Open"),
        number("High"),
        number("Low"),
        number("Close"),
        number("Volume", drop=1),
        Column("", drop=2),
    )
    screen.table(columns, [_row(candle, now) for candle in shown])


def _row(candle: Candle, now: Standpoint) -> tuple[str | Cell, ...]:
    return (
        local_second(candle.open_ms, now.zone)[:19],
        exact_number(candle.open),
        exact_number(candle.high),
        exact_number(candle.low),
        exact_number(candle.close),
        exact_number(candle.volume),
        Cell("forming" if candle.end_ms > now.now_ms else "", Tone.DIM),
    )


def _record(candle: Candle) -> tuple[str | Decimal, ...]:
    return (iso_z(candle.open_ms), candle.open, candle.high, candle.low, candle.close, candle.volume)


def _item(candle: Candle, now_ms: int) -> dict[str, Encodable]:
    return {
        "time": iso_z(candle.open_ms),
        "close_time": iso_z(candle.last_ms),
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "final": candle.end_ms <= now_ms,
    }
