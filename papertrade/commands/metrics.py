"""`papertrade metrics`: every figure of the closed trades and of the equity curve; never asks the network."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.filters import Words, trade_filter
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.options import (
    EpochFilter,
    ExitFilter,
    IntervalsOption,
    SideFilter,
    SinceFilter,
    SourceFilter,
    StatusFilter,
    SymbolFilter,
    TagFilter,
    UntilFilter,
    VersusOption,
    invocation,
)
from papertrade.commands.symbols import symbol_of
from papertrade.errors import UsageProblem
from papertrade.render.metrics_json import metrics_json
from papertrade.render.metrics_text import TITLES, show_metrics
from papertrade.render.text import safe
from papertrade.render.trade_json import trade_json
from papertrade.runs.metrics_report import MetricsWish, metrics_of
from papertrade.runs.views import trade_views


def metrics(
    ctx: typer.Context,
    by: Annotated[
        str | None, typer.Option("--by", metavar="KIND", help="Break down by symbol, side, source, tag or exit.")
    ] = None,
    status: StatusFilter = None,
    exit_reason: ExitFilter = None,
    symbol: SymbolFilter = None,
    side: SideFilter = None,
    source: SourceFilter = None,
    tag: TagFilter = None,
    since: SinceFilter = None,
    until: UntilFilter = None,
    epoch: EpochFilter = None,
    intervals: IntervalsOption = False,
    verified: Annotated[
        bool, typer.Option("--verified", help="Leave out trades that not only final candles shaped.")
    ] = False,
    versus: VersusOption = None,
) -> Answer:
    """Show win rate, expectancy, drawdown and the rest, net of fees.

    A trade counts on the day it closed. What cannot be computed is `-`, with the reason below. The defaults are of
    the account's present epoch; filters by symbol, source and the like leave out the ratios of the equity curve.

    --verified leaves out trades with a gap in their life, decided by a quote, closed at a price of your own or acted on
    with --no-catch-up.

    papertrade metrics --by source --since 30d
    """
    words = Words(
        status=status, exit_reason=exit_reason, symbol=symbol, side=side, source=source, tag=tag,
        since=since, until=until, epoch=epoch,
    )  # fmt: skip
    kind = None if by is None else _kind(by)
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)
            wish = MetricsWish(
                wanted=trade_filter(words, books, now.now_ms),
                has_intervals=intervals,
                versus=None if versus is None else symbol_of(versus),
                is_verified_only=verified,
            )
            report = metrics_of(reader, books.account, wish, now)
            newest = reader.trades(report.recent_trades)
            recent = trade_views(reader, [newest[number] for number in report.recent_trades], now.now_ms)
            lag = lag_of(books, reader, now)
        say_lag(books, lag, now)
    return Answer(
        data=metrics_json(report, [trade_json(view) for view in recent], kind),
        show=partial(show_metrics, report, kind, now),
    )


def _kind(word: str) -> str:
    known = {"exit": "exit_reason", "reason": "exit_reason", **{name: name for name in TITLES}}
    kind = known.get(word.strip().lower().replace("-", "_"))
    if kind is None:
        raise UsageProblem(f"--by `{safe(word)}` is not known", hint="one of symbol, side, source, tag, exit")
    return kind
