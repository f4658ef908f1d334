"""All figures of one account or run, put together; each is computed in the module that bears its name.

Imports NumPy only when called. The rule to keep: everything comes in as values, the instant and the randomness
included, so that the same inputs give the same report.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, tzinfo
from decimal import Decimal
from operator import attrgetter
from random import Random
from typing import Final

from papertrade.engine.account import AccountBook
from papertrade.engine.money import CONTEXT, ONE, ZERO, exact
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.reports.activity import Costs, HoldingTimes, costs, exposure, holding_times
from papertrade.reports.ambiguity import AmbiguousExit, Band, band
from papertrade.reports.bootstrap import Interval, bootstrap, row_means, row_sharpes
from papertrade.reports.breakdown import Breakdown, breakdown
from papertrade.reports.calendar_periods import Performance, performance
from papertrade.reports.closed_trade import ClosedTrade
from papertrade.reports.drawdown import Drawdown, drawdown
from papertrade.reports.excursion_statistics import (
    ExcursionStatistics,
    PriceMoves,
    RBin,
    excursion_statistics,
    no_moves,
    r_histogram,
)
from papertrade.reports.metric import Metric, ratio
from papertrade.reports.portfolio import holdings_count
from papertrade.reports.ratios import cagr, calmar, sharpe, sortino, total_return, volatility
from papertrade.reports.returns import DayReturns, Series, day_returns
from papertrade.reports.trade_statistics import Outcomes, TradeStatistics, outcomes_of, trade_statistics

RECENT_TRADES: Final = 10
_SEED: Final = 20_261_120


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsRequest:
    """What metrics are made from.

    `series` is the equity curve; `periods` per year is 365 or 252; `random` asks for bootstrap intervals;
    `until_ms` is where time in the market ends (None: now). `moves` are those of the closed trades, None where
    nobody saw them; `unverified` is how many trades there were with those left out, None: as many as are given;
    `voided` is how many were taken back.
    """

    book: AccountBook
    closed_trades: Sequence[ClosedTrade]
    open_trades: Sequence[Trade]
    series: Series
    now_ms: int
    zone: tzinfo
    periods: int = 365
    ambiguous_exits: Sequence[AmbiguousExit] = ()
    held_instead: Sequence[PriceSpan] = ()
    random: Random | None = None
    until_ms: int | None = None
    moves: PriceMoves | None = None
    unverified: int | None = None
    voided: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWish:
    """What is asked for beside the figures: bootstrap intervals, and a symbol to compare with (None: those traded)."""

    has_intervals: bool = False
    versus: str | None = None

    @property
    def random(self) -> Random | None:
        """The randomness of the intervals, None without them; the same question gives the same intervals."""
        return Random(_SEED) if self.has_intervals else None


@dataclass(frozen=True, slots=True)
class PriceSpan:
    """An instrument's price at the first trade and at the end, for buy-and-hold."""

    symbol: str
    first: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """The account behind the figures; `total_realized_pnl` is the ledger's, entry fees of open trades included."""

    cash_balance: Decimal
    total_realized_pnl: Decimal
    active_holdings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Ratios of day-end returns; `days` of them, from `first_day` to `last_day` (UTC). Drawdown uses every point."""

    sharpe: Metric
    sortino: Metric
    calmar: Metric
    cagr: Metric
    volatility: Metric
    total_return: Metric
    drawdown: Drawdown
    periods: int
    days: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Intervals:
    """Bootstrap intervals of expectancy (money and R) and Sharpe."""

    expectancy: Interval
    expectancy_r: Interval
    sharpe: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsReport:
    """Everything `metrics` shows. `open_trades` are counted apart and in no statistic of closed trades.

    `recent_trades` are trade numbers, the newest close first; `buy_and_hold` is a fraction.
    """

    account_summary: AccountSummary
    trading_statistics: TradeStatistics
    risk: Risk
    performance: Performance
    breakdown: Breakdown
    recent_trades: tuple[int, ...]
    holding_times: HoldingTimes
    exposure: Metric
    costs: Costs
    band: Band
    buy_and_hold: Metric
    intervals: Intervals | None
    open_trades: int
    excursions: ExcursionStatistics
    r_histogram: tuple[RBin, ...]
    unverified: int
    voided: int


def metrics(request: MetricsRequest) -> MetricsReport:
    """Compute the whole report. O(n log n) in trades, linear in points."""
    closed = request.closed_trades
    outcomes = outcomes_of(closed)
    days = day_returns(request.series)
    open_trades = [trade for trade in request.open_trades if trade.open_quantity > 0]
    newest = sorted(closed, key=attrgetter("closed_at", "trade_id"), reverse=True)
    return MetricsReport(
        account_summary=AccountSummary(request.book.cash, request.book.realized, holdings_count(open_trades)),
        trading_statistics=trade_statistics(outcomes),
        risk=risk(days, drawdown(request.series), request.periods),
        performance=performance(closed, request.now_ms, request.zone),
        breakdown=breakdown(closed),
        recent_trades=tuple(trade.trade_id for trade in newest[:RECENT_TRADES]),
        holding_times=holding_times(closed),
        exposure=_exposure(request, open_trades),
        costs=costs(closed),
        band=band(outcomes.net, request.ambiguous_exits),
        buy_and_hold=buy_and_hold(request.held_instead),
        intervals=None if request.random is None else _intervals(outcomes, days, request.periods, request.random),
        open_trades=len(open_trades),
        excursions=excursion_statistics(closed, no_moves(len(closed)) if request.moves is None else request.moves),
        r_histogram=r_histogram(outcomes.multiples),
        voided=request.voided,
        unverified=sum(t.is_unverified for t in closed) if request.unverified is None else request.unverified,
    )


def risk(days: DayReturns, fall: Drawdown, periods: int) -> Risk:
    """Compute the ratios of the day-end returns beside the drawdown of all points."""
    returns = days.returns
    growth_yearly = cagr(returns)
    return Risk(
        sharpe=sharpe(returns, periods),
        sortino=sortino(returns, periods),
        calmar=calmar(growth_yearly, fall.max_drawdown),
        cagr=growth_yearly,
        volatility=volatility(returns, periods),
        total_return=total_return(returns),
        drawdown=fall,
        periods=periods,
        days=len(returns),
        first_day=days.first_day,
        last_day=days.last_day,
    )


def buy_and_hold(spans: Sequence[PriceSpan]) -> Metric:
    """Compute the mean of last / first - 1: equal weights at the first trade. Undefined without a price."""
    with exact():
        gains = sum((CONTEXT.divide(span.last, span.first) - ONE for span in spans), ZERO)
    return ratio(gains, Decimal(len(spans)), "no price to compare with")


def _exposure(request: MetricsRequest, open_trades: Sequence[Trade]) -> Metric:
    until_ms = request.now_ms if request.until_ms is None else request.until_ms
    spans = [(trade.opened_at, trade.closed_at) for trade in request.closed_trades]
    spans += [(trade.opened_at, until_ms) for trade in open_trades if trade.opened_at is not None]
    return exposure(spans, until_ms)


def _intervals(outcomes: Outcomes, days: DayReturns, periods: int, random: Random) -> Intervals:
    return Intervals(
        bootstrap(outcomes.nets, row_means, random),
        bootstrap(outcomes.multiples, row_means, random),
        bootstrap(days.returns, row_sharpes(periods), random),
    )
