"""One combination run again by the exact engine: with fixed sizes as the ranking has it, and in the account itself.

The fixed-size run has cash enough for everything, and its equity is counted from the account's own cash as if the
rest were credit. The rule to keep: no figure here comes from the ranking's arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from decimal import Decimal

from papertrade.engine.money import CONTEXT, to_units
from papertrade.engine.signal import Signal
from papertrade.engine.values import dataclass, replace
from papertrade.reports.metrics import MetricsReport
from papertrade.reports.returns import Series
from papertrade.runs.backtest import BacktestRequest, BacktestResult, backtest
from papertrade.runs.backtest_report import equity_of, report_of
from papertrade.runs.sweeps.entries import Entries
from papertrade.runs.sweeps.grid import Combination, Grid
from papertrade.runs.sweeps.own import exits_of


@dataclass(frozen=True, slots=True)
class ExactRun:
    """What the exact engine makes of one combination."""

    result: BacktestResult
    report: MetricsReport
    series: Series


def run_fixed(base: BacktestRequest, entries: Entries, grid: Grid, combination: Combination) -> ExactRun:
    """Run the model of the ranking: every signal taken with its fixed size, cash never short."""
    credit = CONTEXT.multiply(entries.tied_up, Decimal(2))
    request = replace(
        base.unrestrained(),
        signals=_with_exits(entries.fixed, grid, combination),
        cash=CONTEXT.add(base.cash, credit),
        detail={},
        progress=None,
    )
    return _run(request, to_units(credit))


def run_in_account(base: BacktestRequest, grid: Grid, combination: Combination, zone: tzinfo = UTC) -> ExactRun:
    """Run it in the account as given: its cash, its sizes, its limits."""
    request = replace(base, signals=_with_exits(base.signals, grid, combination), progress=None)
    return _run(request, 0, zone)


def _with_exits(signals: Sequence[Signal], grid: Grid, combination: Combination) -> list[Signal]:
    return [replace(signal, exits=exits_of(signal, grid, combination)) for signal in signals]


def _run(request: BacktestRequest, credit: int, zone: tzinfo = UTC) -> ExactRun:
    """Run it, and take from the equity the units that are only credit."""
    result = backtest(request)
    columns = equity_of(result)
    columns = replace(columns, cash=columns.cash - credit, capital=columns.capital - credit)
    return ExactRun(result, report_of(result, columns, zone=zone), columns.series())
