"""Day returns, growth, drawdown and ratios: by hand, and against empyrical on shared series."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.money import plain
from papertrade.reports.drawdown import Drawdown, drawdown
from papertrade.reports.equity import EquityPoint
from papertrade.reports.metric import Metric, mean_money, measured, percent, ratio, undefined
from papertrade.reports.ratios import cagr, calmar, periods_per_year, sharpe, sortino, total_return, volatility
from papertrade.reports.returns import Series, day_returns, growth_index, series_of
from tests.reports.builders import DAY, HOUR

if TYPE_CHECKING:
    from papertrade.reports.returns import Floats

FIRST_DAY = 20_000 * DAY


def series(*points: tuple[int, float, float], opening: tuple[float, float] = (0.0, 0.0)) -> Series:
    """Build a series of (hours after the first midnight, equity, deposits so far)."""
    return Series(
        np.array([FIRST_DAY + hours * HOUR for hours, _, _ in points], dtype=np.int64),
        np.array([equity for _, equity, _ in points], dtype=np.float64),
        np.array([capital for _, _, capital in points], dtype=np.float64),
        *opening,
    )


def grown(returns: Floats) -> Series:
    """Build a series of one point a day that earns these returns on a deposit of 10,000."""
    equity: Floats = np.cumprod(1 + returns) * np.float64(10_000)
    at_ms = FIRST_DAY + DAY * np.arange(1, len(returns) + 1, dtype=np.int64)
    return Series(at_ms, equity, np.full(len(returns), 10_000.0), 10_000.0, 10_000.0, FIRST_DAY)


def value(metric: Metric) -> float:
    assert metric.value is not None, metric.reason
    return float(metric.value)


def point(at_ms: int, cash: str, capital: str) -> EquityPoint:
    realized = Decimal(cash) - Decimal(capital)
    return EquityPoint(
        at_ms=at_ms,
        cash=Decimal(cash),
        reserved=Decimal(0),
        capital=Decimal(capital),
        realized=realized,
        unrealized=Decimal(0),
    )


class TestDayReturns:
    def test_a_day_ends_at_its_last_point_up_to_midnight(self) -> None:
        days = day_returns(series((1, 1000, 1000), (24, 1100, 1000), (47, 999, 1000), (48, 990, 1000), (60, 5, 1000)))
        assert days.returns == pytest.approx([0.1, -0.1])
        assert (days.first_day, days.last_day) == (date(2024, 10, 4), date(2024, 10, 5))

    def test_deposits_and_withdrawals_are_no_returns(self) -> None:
        days = day_returns(series((24, 1000, 1000), (48, 1500, 1500), (72, 550, 500), (96, 550, 500)))
        assert days.returns == pytest.approx([0.0, 0.1, 0.0])

    def test_a_first_point_at_midnight_opens_the_first_day(self) -> None:
        assert len(day_returns(series((0, 1000, 1000))).returns) == 0
        assert day_returns(series((0, 1000, 1000), (24, 1010, 1000))).returns == pytest.approx([0.01])

    def test_a_day_without_a_point_earned_nothing(self) -> None:
        assert day_returns(series((1, 1000, 1000), (49, 1000, 1000))).returns == pytest.approx([0.0, 0.0])

    def test_a_day_without_capital_has_no_return(self) -> None:
        days = day_returns(series((1, 100, 100), (24, 110, 100), (48, 0, -10), (72, 0, -10), (96, 55, 40)))
        assert days.returns == pytest.approx([0.1, 0.1])
        assert days.last_day == date(2024, 10, 7)

    def test_a_window_between_two_midnights_ends_at_the_second(self) -> None:
        points = [point(FIRST_DAY + hour * HOUR, cash, "1000") for hour, cash in ((10, "1000"), (24, "900"), (30, "1"))]
        found = day_returns(series_of(points[1:], opening=points[0]))
        assert found.returns == pytest.approx([-0.1])
        assert found.first_day == found.last_day == date(2024, 10, 4)

    def test_no_capital_at_all_has_no_day(self) -> None:
        assert day_returns(series((1, 0, 0), (24, 0, 0))).first_day is None

    def test_no_point_has_no_day(self) -> None:
        days = day_returns(series_of(()))
        assert (len(days.returns), days.first_day, days.last_day) == (0, None, None)

    def test_a_window_is_measured_from_the_point_before_it(self) -> None:
        points = [point(FIRST_DAY + 24 * HOUR, "1000", "900"), point(FIRST_DAY + 48 * HOUR, "1210", "1000")]
        found = series_of(points[1:], opening=points[0])
        assert day_returns(found).returns == pytest.approx([0.1])
        assert growth_index(found) == pytest.approx([1.1])


class TestDrawdown:
    def test_the_peak_starts_at_the_opening_balance(self) -> None:
        found = drawdown(series((1, 900, 1000), (2, 950, 1000)))
        assert found == Drawdown(
            max_drawdown=Metric(Decimal("-0.1")),
            trough_at=FIRST_DAY + HOUR,
            duration_ms=HOUR,
            longest_ms=HOUR,
        )

    def test_peak_trough_and_recovery(self) -> None:
        hours = [(1, 1000), (2, 1200), (3, 900), (5, 1100), (8, 1200), (9, 1190), (10, 1300)]
        found = drawdown(series(*((hour, float(equity), 1000.0) for hour, equity in hours)))
        assert found == Drawdown(
            max_drawdown=Metric(Decimal("-0.25")),
            peak_at=FIRST_DAY + 2 * HOUR,
            trough_at=FIRST_DAY + 3 * HOUR,
            recovered_at=FIRST_DAY + 8 * HOUR,
            duration_ms=6 * HOUR,
            recovery_ms=5 * HOUR,
            longest_ms=6 * HOUR,
        )

    def test_a_withdrawal_is_no_drawdown(self) -> None:
        found = drawdown(series((1, 1000, 1000), (2, 400, 400), (3, 800, 800)))
        assert found == Drawdown(max_drawdown=Metric(Decimal(0)), longest_ms=0)

    def test_a_shallow_fall_may_last_longest(self) -> None:
        hours = [(1, 100), (2, 50), (3, 100), (4, 99), (20, 99), (30, 101), (31, 100), (40, 100)]
        found = drawdown(series(*((hour, float(equity), 100.0) for hour, equity in hours)))
        assert (found.recovery_ms, found.longest_ms) == (HOUR, 27 * HOUR)

    def test_taking_everything_out_and_coming_back_keeps_the_level(self) -> None:
        index = growth_index(series((1, 110, 100), (2, 0, -10), (3, 40, 30), (4, 20, 30)))
        assert index == pytest.approx([1.1, 1.1, 1.1, 0.55])

    def test_losing_more_than_everything_is_losing_everything(self) -> None:
        assert value(drawdown(series((1, 100, 100), (2, -5, 100), (3, 3, 100))).max_drawdown) == -1

    def test_without_points_it_is_undefined(self) -> None:
        assert drawdown(series_of(())) == Drawdown(max_drawdown=undefined("no equity point"))
        assert len(growth_index(series_of(()))) == 0


UNDEFINED: list[tuple[str, Callable[[Floats], Metric], list[float], str]] = [
    ("sharpe of one", lambda r: sharpe(r, 365), [0.1], "needs 2 day ends, has 1"),
    ("sharpe of equals", lambda r: sharpe(r, 365), [0.1, 0.1, 0.1], "the day returns do not vary"),
    ("sortino of none", lambda r: sortino(r, 365), [], "needs 2 day ends, has 0"),
    ("sortino without loss", lambda r: sortino(r, 365), [0.1, 0.0], "no losing day"),
    ("volatility of one", lambda r: volatility(r, 365), [0.1], "needs 2 day ends, has 1"),
    ("return of none", total_return, [], "no full day yet"),
    ("cagr of 89 days", cagr, [0.001] * 89, "needs 90 day ends, has 89"),
    ("cagr beyond numbers", cagr, [1e200] * 90, "too large to be expressed"),
    ("calmar without cagr", lambda r: calmar(cagr(r), measured(-0.1)), [0.1], "needs 90 day ends, has 1"),
    ("calmar without curve", lambda r: calmar(measured(0.1), undefined("no equity point")), [], "no equity point"),
    ("calmar without fall", lambda r: calmar(measured(0.1), measured(0.0)), [], "no drawdown"),
]


@pytest.mark.parametrize(("case", "metric", "returns", "reason"), UNDEFINED, ids=[row[0] for row in UNDEFINED])
def test_what_is_undefined_says_why(
    case: str, metric: Callable[[Floats], Metric], returns: list[float], reason: str
) -> None:
    assert metric(np.array(returns)) == undefined(reason)


def test_volatility_of_equal_returns_is_zero() -> None:
    assert volatility(np.array([0.1, 0.1, 0.1]), 365) == Metric(Decimal(0))


def test_losing_everything_is_a_growth_of_minus_one() -> None:
    assert cagr(np.array([0.0] * 89 + [-1.0])) == Metric(Decimal(-1))


def test_a_risk_free_rate_lowers_sharpe() -> None:
    returns = np.array([0.02, 0.0])
    assert value(sharpe(returns, 365, risk_free=3.65)) == pytest.approx(0, abs=1e-9)


def test_periods_per_year() -> None:
    assert [periods_per_year(hours) for hours in ([], ["24/7"], ["24/7", "xnys"], ["xnys", "xlon"])] == [
        365,
        365,
        365,
        252,
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("days", [90, 365, 2000])
def test_ratios_equal_empyrical(seed: int, days: int) -> None:
    import empyrical

    returns = np.random.default_rng(seed).normal(0.0005 * (seed - 3), 0.02, days)
    shared = day_returns(grown(returns)).returns
    assert shared == pytest.approx(returns, rel=1e-9, abs=1e-12)
    fall = drawdown(grown(returns)).max_drawdown
    pairs = {
        "sharpe": (value(sharpe(shared, 365)), empyrical.sharpe_ratio(shared, annualization=365)),
        "sharpe 252": (value(sharpe(shared, 252)), empyrical.sharpe_ratio(shared, annualization=252)),
        "sortino": (value(sortino(shared, 365)), empyrical.sortino_ratio(shared, annualization=365)),
        "volatility": (value(volatility(shared, 365)), empyrical.annual_volatility(shared, annualization=365)),
        "max drawdown": (value(fall), empyrical.max_drawdown(returns)),
        "return": (value(total_return(shared)), empyrical.cum_returns_final(shared)),
        "cagr": (value(cagr(returns)), empyrical.annual_return(returns, annualization=365.25)),
        "calmar": (value(calmar(cagr(returns), fall)), empyrical.calmar_ratio(returns, annualization=365.25)),
    }
    assert {name: ours for name, (ours, _) in pairs.items()} == pytest.approx(
        {name: theirs for name, (_, theirs) in pairs.items()}, rel=1e-9, abs=1e-12
    )


equities = st.lists(st.integers(1, 10**9), min_size=2, max_size=40)


@given(equities, st.integers(1, 1_000_000))
def test_ratios_do_not_depend_on_the_size_of_the_money(values: list[int], factor: int) -> None:
    def figures(scale: int) -> list[Metric]:
        curve = series(*((24 * day + 1, float(e * scale), float(values[0] * scale)) for day, e in enumerate(values)))
        returns = day_returns(curve).returns
        fall = drawdown(curve)
        return [sharpe(returns, 365), sortino(returns, 365), total_return(returns), fall.max_drawdown]

    once, scaled = figures(1), figures(factor)
    assert [m.reason for m in once] == [m.reason for m in scaled]
    assert [float(m.value or 0) for m in scaled] == pytest.approx(
        [float(m.value or 0) for m in once], rel=1e-6, abs=1e-9
    )


@given(equities, st.integers(0, 38), st.integers(-(10**6), 10**9))
def test_a_flow_changes_no_drawdown_of_a_curve_that_moves_in_proportion(
    values: list[int], at: int, amount: int
) -> None:
    plain_curve = [float(e) for e in values]
    when = 1 + at % (len(values) - 1)
    flow = max(float(amount), -0.9 * plain_curve[when - 1])
    share = (plain_curve[when - 1] + flow) / plain_curve[when - 1]
    moved = [e if n < when else e * share for n, e in enumerate(plain_curve)]
    start = plain_curve[0]
    without = series(*((n, e, start) for n, e in enumerate(plain_curve)))
    with_flow = series(*((n, e, start if n < when else start + flow) for n, e in enumerate(moved)))
    assert value(drawdown(with_flow).max_drawdown) == pytest.approx(value(drawdown(without).max_drawdown), abs=1e-6)


class TestMetric:
    def test_it_has_a_value_or_a_reason(self) -> None:
        with pytest.raises(ValueError, match="either a value or a reason"):
            Metric(Decimal(1), "why")
        with pytest.raises(ValueError, match="either a value or a reason"):
            Metric(None)

    @pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
    def test_no_infinity_gets_out(self, number: float) -> None:
        assert measured(number) == undefined("too large to be expressed")

    def test_twelve_digits(self) -> None:
        metrics = [measured(2 / 3), measured(-1e-20), measured(1e20), ratio(Decimal(2), Decimal(3), "")]
        assert [plain(m.value or Decimal(0)) for m in metrics] == [
            "0.666666666667",
            "-0.00000000000000000001",
            "100000000000000000000",
            "0.666666666667",
        ]

    def test_a_whole_of_nothing(self) -> None:
        assert ratio(Decimal(1), Decimal(0), "no loss") == undefined("no loss")
        assert mean_money(Decimal(1), 0, "none") == undefined("none")
        assert percent(Decimal(1), Decimal(0)) is None
        assert mean_money(Decimal(1), 3, "none") == Metric(Decimal("0.33333333"))
