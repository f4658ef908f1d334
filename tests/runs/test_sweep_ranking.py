"""The ranking of a sweep against the exact engine: the same trades, to the last digit, in random worlds."""

from __future__ import annotations

import math
from random import Random

import pytest

from papertrade.engine.money import to_units
from papertrade.reports.metric import Metric
from papertrade.reports.metrics import MetricsReport
from papertrade.runs.sweeps.legs import Ranked, rank_all
from papertrade.runs.sweeps.rerun import run_fixed
from tests.runs.sweep_cases import Case, random_case, with_kept_exits, with_long_prices, with_random_holds

COMBINATIONS = 6


def assert_same(ranked: Ranked, number: int, report: MetricsReport) -> None:
    """Compare every figure of one combination."""
    figures, statistics = ranked.figures, report.trading_statistics
    assert int(figures.net_profit[number]) == to_units(statistics.net_profit)
    assert int(figures.gross_profit[number]) == to_units(statistics.gross_profit)
    counts = (figures.trades, figures.open_trades, figures.wins, figures.losses)
    assert tuple(int(count[number]) for count in counts) == (
        statistics.total_trades,
        report.open_trades,
        statistics.winning_trades,
        statistics.losing_trades,
    )
    assert_close(statistics.win_rate, float(figures.win_rate[number]))
    assert_close(statistics.profit_factor, float(figures.profit_factor[number]))
    assert_close(report.risk.sharpe, float(figures.sharpe[number]))


def assert_close(exact: Metric, ranked: float) -> None:
    """Compare a ratio, NaN being none."""
    assert (exact.value is None) == math.isnan(ranked)
    assert exact.value is None or float(exact.value) == pytest.approx(ranked, rel=1e-9, abs=1e-12)


def compare(case: Case, seed: int) -> None:
    """Rank a case and run some of its combinations exactly."""
    ranked = rank_all(case.base, case.grid)
    numbers = range(len(case.grid))
    for number in Random(seed).sample(numbers, min(COMBINATIONS, len(numbers))):
        exact = run_fixed(case.base, ranked.entries, case.grid, case.grid.combination(number))
        assert_same(ranked, number, exact.report)


@pytest.mark.parametrize("seed", range(60))
def test_the_ranking_is_what_the_exact_engine_books(seed: int) -> None:
    compare(random_case(seed), seed)


@pytest.mark.parametrize("seed", range(60, 90))
def test_so_it_is_with_holding_times(seed: int) -> None:
    compare(with_random_holds(random_case(seed), Random(seed)), seed)


@pytest.mark.parametrize("seed", range(90, 110))
def test_so_it_is_where_the_signals_keep_exits_of_their_own(seed: int) -> None:
    compare(with_kept_exits(random_case(seed), Random(seed)), seed)


@pytest.mark.parametrize("seed", range(110, 116))
def test_so_it_is_with_more_digits_than_64_bits_hold(seed: int) -> None:
    compare(with_long_prices(random_case(seed)), seed)
