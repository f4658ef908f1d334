"""Walking forward: the best of each stretch of time, traded in the next one, and what all of that adds up to.

Stretches begin at UTC midnights, so that their day ends join without a seam. The rule to keep: what is chosen in
a stretch is chosen from candles and signals of that stretch alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np

from papertrade.engine.market import DAY_MS, floor_ms
from papertrade.engine.money import UNITS_PER_ONE, to_units
from papertrade.engine.trade import Status
from papertrade.engine.values import dataclass, replace
from papertrade.errors import Refused
from papertrade.reports.closed_trade import closed_trade
from papertrade.reports.metric import Metric
from papertrade.reports.metrics import MetricsReport
from papertrade.reports.ratios import sharpe
from papertrade.reports.returns import Series, day_returns
from papertrade.reports.trade_statistics import TradeStatistics, outcomes_of, trade_statistics
from papertrade.runs.backtest import BacktestRequest
from papertrade.runs.sweeps.entries import find_entries
from papertrade.runs.sweeps.grid import Combination, Grid
from papertrade.runs.sweeps.legs import Ranked
from papertrade.runs.sweeps.rank import RankBy
from papertrade.runs.sweeps.rerun import ExactRun, run_fixed

WINDOWS_MAX: Final = 100

Rank: TypeAlias = Callable[[BacktestRequest], Ranked]
"""Computes the figures of every combination over one stretch."""


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch that was traded with the best of the stretch before it.

    Times are UTC ms; `chosen` and `trained` (its net profit in units of 1e-8 there) are None, and nothing was
    traded, where no combination closed a trade to be judged by. `report` is what came of it, fixed sizes.
    """

    train_from_ms: int
    from_ms: int
    to_ms: int
    chosen: Combination | None
    trained: int | None
    report: MetricsReport | None


@dataclass(frozen=True, slots=True)
class WalkForward:
    """All windows, and the statistics of all their trades together. `open_trades` were cut off by a window's end.

    The Sharpe ratio is that of one account that went through the windows one after another; what a trade was worth
    when its window ended is in it.
    """

    windows: tuple[Window, ...]
    statistics: TradeStatistics
    sharpe: Metric
    open_trades: int


def borders_of(base: BacktestRequest, windows: int) -> tuple[int, ...]:
    """Return where the stretches begin: `windows` + 1 midnights, and the midnight after the last signal.

    Raises Refused for fewer days of signals than stretches.
    """
    made = [signal.made_at_ms for signal in base.signals if _is_wanted(signal.made_at_ms, base)]
    first = floor_ms(min(made, default=0), DAY_MS)
    days = (floor_ms(max(made, default=0), DAY_MS) + DAY_MS - first) // DAY_MS
    if days < windows + 1:
        raise Refused(
            f"`{windows}` windows need signals of `{windows + 1}` days or more, there are `{days}`",
            hint="fewer windows, or more signals",
            code="too_few_days",
        )
    return tuple(first + days * number // (windows + 1) * DAY_MS for number in range(windows + 2))


def walk_forward(base: BacktestRequest, grid: Grid, by: RankBy, windows: int, rank: Rank) -> WalkForward:
    """Choose in each stretch, trade in the next."""
    borders = borders_of(base, windows)
    found: list[Window] = []
    runs: list[ExactRun] = []
    for number in range(windows):
        train_from, begin, end = borders[number : number + 3]
        trained = rank(replace(base, from_ms=max(train_from, base.from_ms or 0), to_ms=begin))
        best = int(trained.figures.order(by)[0])
        if trained.figures.trades[best] == 0 or np.isnan(trained.figures.by(by)[best]):
            found.append(Window(train_from, begin, end, None, None, None))
            continue
        # The last stretch goes on to the end of the candles, so that its trades can end.
        test = replace(base, from_ms=begin, to_ms=end if number < windows - 1 else base.to_ms)
        run = run_fixed(test, find_entries(test), grid, grid.combination(best))
        net = int(trained.figures.net_profit[best])
        found.append(Window(train_from, begin, end, grid.combination(best), net, run.report))
        runs.append(run)
    return _joined(base, found, runs)


def _joined(base: BacktestRequest, windows: Sequence[Window], runs: Sequence[ExactRun]) -> WalkForward:
    closed = [closed_trade(trade) for run in runs for trade in run.result.trades if trade.status is Status.CLOSED]
    returns = day_returns(_chained(base, [run.series for run in runs])).returns
    return WalkForward(
        tuple(windows),
        trade_statistics(outcomes_of(closed)),
        sharpe(returns, 365 if not runs else runs[0].report.risk.periods),
        sum(run.report.open_trades for run in runs),
    )


def _chained(base: BacktestRequest, parts: Sequence[Series]) -> Series:
    """Join equity curves that each begin with the account's cash into one account's."""
    cash = to_units(base.cash) / UNITS_PER_ONE
    at_ms, equity, gained = [np.empty(0, np.int64)], [np.empty(0)], 0.0
    for part in parts:
        at_ms.append(part.at_ms)
        equity.append(part.equity + gained)
        gained += float(part.equity[-1]) - cash if len(part.equity) > 0 else 0.0
    points = np.concatenate(equity)
    return Series(np.concatenate(at_ms), points, np.full(len(points), cash))


def _is_wanted(made_at_ms: int, base: BacktestRequest) -> bool:
    is_late_enough = base.from_ms is None or made_at_ms >= base.from_ms
    return is_late_enough and (base.to_ms is None or made_at_ms < base.to_ms)
