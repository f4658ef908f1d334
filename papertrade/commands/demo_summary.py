"""The closing lines of the demo: how its trades ended, in words, and whether the books agree.

Figures come from the same reports as `metrics`, `portfolio` and `check`. The rule to keep: nothing is counted
here that a report has not counted.
"""

from __future__ import annotations

from papertrade.bootstrap import open_books
from papertrade.commands.freshness import standpoint
from papertrade.engine.values import dataclass
from papertrade.invocation import Invocation
from papertrade.render.console import Screen
from papertrade.render.numbers import money, signed_money, toned
from papertrade.render.tables import Column, number
from papertrade.render.text import Cell, Tone
from papertrade.reports.metrics import MetricsReport
from papertrade.reports.portfolio import Portfolio
from papertrade.runs.metrics_report import MetricsWish, metrics_of
from papertrade.runs.reporting import portfolio_of
from papertrade.store.rows import CheckReport, TradeFilter


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to."""

    metrics: MetricsReport
    portfolio: Portfolio
    books: CheckReport


def outcome_of(call: Invocation) -> Outcome:
    """Read the reports of the demo's database."""
    with open_books(call) as books:
        with books.store.read() as reader:
            view = standpoint(books, reader)
            report = metrics_of(reader, books.account, MetricsWish(wanted=TradeFilter()), view)
            holdings = portfolio_of(reader, books.account, view)
        return Outcome(report, holdings, books.store.check())


def show_summary(screen: Screen, outcome: Outcome) -> None:
    """Write how the trades ended, the win rate, the equity, and what `check` says."""
    statistics = outcome.metrics.trading_statistics
    groups = outcome.metrics.breakdown.exit_reason
    screen.line(Cell("What it came to", Tone.STRONG))
    screen.table(
        [Column("Closed by"), number("Trades"), number("Net")],
        [
            [(g.name or "").replace("_", " "), str(g.trades), toned(g.net_profit, signed_money(g.net_profit))]
            for g in groups
        ],
        ["all", str(statistics.total_trades), toned(statistics.net_profit, signed_money(statistics.net_profit))],
    )
    equity = money(outcome.portfolio.summary.total_portfolio_value)
    screen.line(
        f"Win rate {statistics.win_rate_percent or '-'}%  ({statistics.winning_trades} won, "
        f"{statistics.losing_trades} lost), {outcome.metrics.open_trades} still open, equity {equity} USDT"
    )
    if outcome.books.is_sound:
        screen.line(f"The books agree: {outcome.books.events} events, {outcome.books.postings} postings, sum 0.")
    else:
        screen.line(Cell(f"The books differ in {len(outcome.books.differences)} places.", Tone.LOSS))
