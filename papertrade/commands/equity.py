"""`papertrade equity`: the equity curve in the terminal; never asks the network."""

from __future__ import annotations

from functools import partial

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.filters import Words, trade_filter
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.options import Csv, EpochFilter, SinceFilter, UntilFilter, invocation
from papertrade.render.charts import Point, Size, curve
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable, listing
from papertrade.render.numbers import iso_z, money, signed_money, toned
from papertrade.render.sums import share_text
from papertrade.render.text import Cell
from papertrade.reports.equity import EquityPoint
from papertrade.runs.reporting import Curve, Standpoint, epoch_of
from papertrade.runs.reporting import curve as curve_of
from papertrade.store.rows import AccountRow

_HEIGHT = 14


def equity(
    ctx: typer.Context,
    since: SinceFilter = None,
    until: UntilFilter = None,
    epoch: EpochFilter = None,
    csv: Csv = False,
) -> Answer:
    """Draw what the account was worth at each full hour and each fill.

    Points come from final candles, so the curve ends where the live trades were caught up last.

    papertrade equity --since 7d
    """
    words = Words(since=since, until=until, epoch=epoch)
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)
            wanted = trade_filter(words, books, now.now_ms)
            until_ms = now.now_ms if wanted.until_ms is None else min(now.now_ms, wanted.until_ms - 1)
            drawn = curve_of(reader, books.account, epoch_of(reader, books.account, epoch), until_ms, wanted.since_ms)
            sheet = _sheet(drawn, books.account) if csv else None
            lag = lag_of(books, reader, now)
        say_lag(books, lag, now)
        account = books.account
    return Answer(
        data={
            "account": account.name,
            "currency": account.currency,
            "opening": None if drawn.opening is None else _point(drawn.opening),
            **listing([_point(point) for point in drawn.points], len(drawn.points)),
        },
        show=partial(_show, drawn, account, now),
        sheet=sheet,
    )


def _show(drawn: Curve, account: AccountRow, now: Standpoint, screen: Screen) -> None:
    points = drawn.whole
    if not points:
        screen.line("no equity point yet: the first one comes with the first fill or full hour")
        return
    last = points[-1]
    change = drawn.gain
    screen.line(
        Cell(f"{account.name}  {money(last.equity)} {account.currency}  "),
        toned(change, f"{signed_money(change)}{share_text(change, drawn.base)}"),
        Cell(f" without deposits, {len(points)} points, times in {now.zone}"),
    )
    shown = [Point(point.at_ms, point.equity) for point in points]
    size = Size(width=min(screen.width, 100), height=_HEIGHT, is_unicode=screen.is_unicode)
    for line in curve(shown, size, now.zone):
        screen.line(line)


def _point(point: EquityPoint) -> dict[str, Encodable]:
    return {
        "at": iso_z(point.at_ms),
        "equity": point.equity,
        "cash": point.cash,
        "reserved": point.reserved,
        "unrealized_pnl": point.unrealized,
        "realized_pnl": point.realized,
        "capital": point.capital,
        "unpriced_count": point.unpriced,
    }


def _sheet(drawn: Curve, account: AccountRow) -> Sheet:
    """Return the points under the columns of `export equity`."""
    from papertrade.render.export_columns import EQUITY, Owned, sheetful
    from papertrade.render.export_formats import sheet_of

    return sheet_of(sheetful(EQUITY, (Owned(point, account) for point in drawn.points)))
