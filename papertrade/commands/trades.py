"""`papertrade trades`: the list of trades, filtered and paged; never asks the network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.filters import Words, trade_filter
from papertrade.commands.freshness import lag_of, oldest_mark_ms, say_lag, standpoint
from papertrade.commands.options import (
    Before,
    Csv,
    EpochFilter,
    ExitFilter,
    Limit,
    SideFilter,
    SinceFilter,
    SourceFilter,
    StatusFilter,
    SymbolFilter,
    TagFilter,
    UntilFilter,
    invocation,
)
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import listing
from papertrade.render.numbers import age
from papertrade.render.trade_json import trade_json
from papertrade.render.trade_table import doubts, show_trades
from papertrade.reports.trade_view import TradeView
from papertrade.runs.reporting import Standpoint
from papertrade.runs.views import trade_views
from papertrade.store.rows import AccountRow


def trades(
    ctx: typer.Context,
    status: StatusFilter = None,
    exit_reason: ExitFilter = None,
    symbol: SymbolFilter = None,
    side: SideFilter = None,
    source: SourceFilter = None,
    tag: TagFilter = None,
    since: SinceFilter = None,
    until: UntilFilter = None,
    epoch: EpochFilter = None,
    limit: Limit = 50,
    before: Before = None,
    csv: Csv = False,
) -> Answer:
    """List trades of all states, the newest first.

    P/L and R of an open trade are what closing it at the last stored price would leave; the venue is not asked.

    papertrade trades --status live

    papertrade trades --exit stop_loss --since 7d --csv
    """
    words = Words(
        status=status,
        exit_reason=exit_reason,
        symbol=symbol,
        side=side,
        source=source,
        tag=tag,
        since=since,
        until=until,
        epoch=epoch,
        limit=limit,
        before=before,
    )
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            view = standpoint(books, reader)
            page = reader.trades_page(trade_filter(words, books, view.now_ms))
            views = trade_views(reader, page.trades, view.now_ms)
            sheet = _sheet(views, books.account) if csv else None
            lag = lag_of(books, reader, view) if any(trade.status.is_live for trade in page.trades) else None
        say_lag(books, lag, view)
    return Answer(
        data=listing([trade_json(shown) for shown in views], page.total),
        show=partial(_show, views, page.total, view, is_filtered=words != Words(limit=limit)),
        sheet=sheet,
    )


def _sheet(views: Sequence[TradeView], account: AccountRow) -> Sheet:
    """Return the trades under the columns of `export trades`."""
    from papertrade.render.export_columns import TRADES, Owned, sheetful
    from papertrade.render.export_formats import sheet_of

    return sheet_of(sheetful(TRADES, (Owned(view, account) for view in views)))


def _show(views: Sequence[TradeView], total: int, view: Standpoint, screen: Screen, *, is_filtered: bool) -> None:
    if not views:
        screen.line(
            "no trades match" if is_filtered or total else "no trades yet: papertrade long BTCUSDT --sl 2% --tp 2R"
        )
        return
    show_trades(views, view.zone, screen)
    parts = [f"{len(views)} of {total} trades" if total > len(views) else _counted(total)]
    oldest = oldest_mark_ms([None if shown.mark is None else shown.mark.at_ms for shown in views])
    if oldest is not None:
        parts.append(f"marks {age(oldest, view.now_ms)} old")
    parts.append(f"times in {view.zone}")
    screen.line("; ".join([*parts, *doubts(views)]))
    if views[-1].trade.id > 1 and total > len(views):
        screen.line(f"older ones: papertrade trades --before {views[-1].trade.id}")


def _counted(count: int) -> str:
    return "1 trade" if count == 1 else f"{count} trades"
