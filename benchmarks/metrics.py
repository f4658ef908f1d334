"""Metrics of 100,000 trades and 1,000,000 equity points against a NumPy floor, medians of turns in one process.

Run: python benchmarks/metrics.py [turns]. The floor is thirteen figures of one float array, nothing exact.
The budget of 2 is for the statistics, from arrays to `Metric`s; what it takes to get from exact decimals to
arrays, and the whole report, are printed beside it.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from papertrade.engine.account import AccountBook
from papertrade.engine.market import Side
from papertrade.engine.money import from_units
from papertrade.engine.trade import ExitReason
from papertrade.reports.closed_trade import ClosedTrade
from papertrade.reports.drawdown import drawdown
from papertrade.reports.equity import EquityPoint
from papertrade.reports.metrics import MetricsRequest, metrics, risk
from papertrade.reports.returns import DayReturns, Series, day_returns, growth_index, series_of
from papertrade.reports.trade_statistics import outcomes_of, trade_statistics

if TYPE_CHECKING:
    from papertrade.reports.returns import Floats

TRADES = 100_000
POINTS = 1_000_000
MINUTE_MS = 60_000
MINUTES_PER_YEAR = 525_600


def floor(returns: Floats, periods: int) -> dict[str, float]:
    """Compute thirteen figures of a float array of returns, as plainly as NumPy allows."""
    mean, spread = returns.mean(), returns.std(ddof=1)
    downside = np.sqrt((np.minimum(returns, 0) ** 2).mean())
    curve = np.cumprod(1 + returns)
    falls = curve / np.maximum.accumulate(np.maximum(curve, 1.0)) - 1
    deepest = falls.min()
    growth = curve[-1] ** (periods / len(returns)) - 1
    wins = returns > 0
    scores = (returns - mean) / spread
    squares = scores * scores
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (falls < 0).view(np.int8), [0]))))
    return {
        "sharpe": mean / spread * np.sqrt(periods),
        "sortino": mean / downside * np.sqrt(periods),
        "max_drawdown": deepest,
        "cagr": growth,
        "calmar": growth / -deepest,
        "volatility": spread * np.sqrt(periods),
        "profit_factor": returns[wins].sum() / -returns[returns < 0].sum(),
        "win_rate": wins.mean(),
        "expectancy": mean,
        "longest": (edges[1::2] - edges[::2]).max() if len(edges) else 0,
        "value_at_risk": np.partition(returns, len(returns) // 20)[len(returns) // 20],
        "skew": (squares * scores).mean(),
        "kurtosis": (squares * squares).mean() - 3,
    }


@dataclass
class Inputs:
    """One random record, as exact values and as arrays."""

    trades: list[ClosedTrade]
    points: list[EquityPoint]
    point_returns: Floats
    trade_returns: Floats


def made() -> Inputs:
    generator = np.random.Generator(np.random.PCG64(1))
    point_returns = generator.normal(2e-6, 5e-4, POINTS)
    equity = np.rint(1e12 * np.cumprod(1 + point_returns)).astype(np.int64)
    nets = np.rint(generator.normal(0.4, 25, TRADES) * 100).astype(np.int64)
    capital = Decimal(10_000)
    points = []
    for number, units in enumerate(equity.tolist()):
        cash = from_units(units)
        points.append(
            EquityPoint(
                at_ms=number * MINUTE_MS,
                cash=cash,
                reserved=Decimal(0),
                capital=capital,
                realized=cash - capital,
                unrealized=Decimal(0),
            )
        )
    trades = [
        ClosedTrade(
            trade_id=number,
            venue="binance",
            symbol=f"S{number % 50}",
            side=Side.LONG,
            source="bench",
            exit_reason=ExitReason.TAKE_PROFIT if cents > 0 else ExitReason.STOP_LOSS,
            opened_at=number * 5 * MINUTE_MS,
            closed_at=number * 5 * MINUTE_MS + 7 * MINUTE_MS,
            entry_notional=Decimal(1_000),
            exit_notional=Decimal(1_000),
            net=Decimal(cents).scaleb(-2),
            fees=Decimal("0.1"),
            risk=Decimal(20),
        )
        for number, cents in enumerate(nets.tolist())
    ]
    return Inputs(trades, points, point_returns, nets / 1e6)


def ratios_of(series: Series) -> None:
    """Everything the report computes from equity points, plus the ratios of every single point's return."""
    risk(day_returns(series), drawdown(series), 365)
    index = growth_index(series)
    every = DayReturns(index[1:] / index[:-1] - 1.0, None, None)
    risk(every, drawdown(series), MINUTES_PER_YEAR)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def compare(title: str, floor_work: Callable[[], object], ours: dict[str, Callable[[], object]], turns: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in ("floor", *ours)}
    for _ in range(turns):
        taken["floor"].append(milliseconds(floor_work))
        for name, work in ours.items():
            taken[name].append(milliseconds(work))
    base = statistics.median(taken["floor"])
    print(f"{title}: floor {base:.1f} ms")
    for name in ours:
        middle = statistics.median(taken[name])
        print(f"  {name:<34}{middle:9.1f} ms   ratio {middle / base:6.2f}")


def main(turns: int) -> None:
    inputs = made()
    series, outcomes = series_of(inputs.points), outcomes_of(inputs.trades)
    compare(
        f"{POINTS:,} equity points",
        lambda: floor(inputs.point_returns, MINUTES_PER_YEAR),
        {
            "report: days and drawdown": lambda: risk(day_returns(series), drawdown(series), 365),
            "report, and ratios of every point": lambda: ratios_of(series),
            "exact points to arrays": lambda: series_of(inputs.points),
        },
        turns,
    )
    compare(
        f"{TRADES:,} trades",
        lambda: floor(inputs.trade_returns, MINUTES_PER_YEAR),
        {
            "trade statistics": lambda: trade_statistics(outcomes),
            "exact trades to sums and arrays": lambda: outcomes_of(inputs.trades),
        },
        turns,
    )
    book = AccountBook(account_id=1, name="main", currency="USDT", capital=Decimal(10_000), cash=Decimal(10_000))
    request = MetricsRequest(
        book=book,
        closed_trades=inputs.trades,
        open_trades=(),
        series=series_of(inputs.points),
        now_ms=POINTS * MINUTE_MS,
        zone=UTC,
    )
    compare(
        "the whole report, exact values in",
        lambda: (
            floor(inputs.point_returns, MINUTES_PER_YEAR),
            floor(inputs.trade_returns, MINUTES_PER_YEAR),
        ),
        {"metrics()": lambda: metrics(replace(request, series=series_of(inputs.points)))},
        max(turns // 3, 1),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
