"""Axes and grids of a sweep: what can be written, what is refused, how combinations are numbered."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.runs.sweeps.grid import (
    Combination,
    Grid,
    Holds,
    Percents,
    hold_text,
    parse_holds,
    parse_percents,
    percent_text,
)

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.5:2:0.5", ("0.5", "1", "1.5", "2")),
        ("0.5:1.9:0.5", ("0.5", "1", "1.5")),
        ("0.1:0.3:0.1", ("0.1", "0.2", "0.3")),
        ("3,1,2%", ("1", "2", "3")),
        ("1:2:1,1.5,2", ("1", "1.5", "2")),
        ("2", ("2",)),
    ],
)
def test_percents_are_exact_and_in_order(text: str, values: tuple[str, ...]) -> None:
    assert parse_percents(text) == Percents(tuple(Decimal(value) for value in values))


def test_none_comes_last() -> None:
    assert parse_percents("none,1") == Percents((Decimal(1), None))
    assert parse_holds("none, 4h,90m") == Holds((HOUR * 3 // 2, 4 * HOUR, None))


def test_a_range_of_holding_times_includes_its_end() -> None:
    assert parse_holds("1h:3h:1h").values == (HOUR, 2 * HOUR, 3 * HOUR)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "`` is no range"),
        ("1:2", "`1:2` is no range"),
        ("a", "`a` is no range"),
        ("1:2:x", "`1:2:x` is no range"),
        ("0", "must be above 0"),
        ("1:2:0", "must be above 0"),
        ("-1", "must be above 0"),
        ("5:1:1", "ends before it starts"),
        ("0.0001:100:0.0001", "more than `10000`"),
        ("20000", "at most 10000 percent"),
        ("x" * 80, "x..."),
    ],
)
def test_what_is_no_axis_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"range|above 0|ends before|more than|at most") as refusal:
        parse_percents(text)
    assert problem in str(refusal.value)


@pytest.mark.parametrize("text", ["1", "0h", "1h:2h", "3h:1h:1h"])
def test_what_is_no_holding_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        parse_holds(text)


def test_the_example_for_holding_times_is_one() -> None:
    with pytest.raises(ValueError, match="is no range") as refusal:
        parse_holds("1h:5h")
    assert str(refusal.value) == "`1h:5h` is no range: write `1h:24h:1h` (start:end:step), `30m,4h` or `none`"


@pytest.mark.parametrize(
    "values",
    [(), (Decimal(0),), (Decimal(2), Decimal(1)), (None, Decimal(1)), (Decimal(1), Decimal(1))],
)
def test_percents_must_rise(values: tuple[Decimal | None, ...]) -> None:
    with pytest.raises(ValueError, match="distances"):
        Percents(values)


def test_percents_have_few_decimals() -> None:
    with pytest.raises(ValueError, match="8 decimals"):
        Percents((Decimal("0.123456789"),))


@pytest.mark.parametrize("values", [(), (0,), (2_000, 1_000), (None, 1_000), (1_500,)])
def test_holding_times_must_rise_by_whole_seconds(values: tuple[int | None, ...]) -> None:
    with pytest.raises(ValueError, match="holding times"):
        Holds(values)


def test_combinations_are_numbered_with_the_last_axis_running_fastest() -> None:
    grid = Grid(parse_percents("1,2"), parse_percents("3,none"), parse_holds("1h,2h,none"))
    assert len(grid) == 12
    assert grid.combination(0) == Combination(Decimal(1), Decimal(3), HOUR)
    assert grid.combination(5) == Combination(Decimal(1), None, None)
    assert grid.combination(7) == Combination(Decimal(2), Decimal(3), 2 * HOUR)
    assert [grid.only(number).combination(0) for number in range(12)] == [grid.combination(n) for n in range(12)]


def test_an_axis_that_is_not_swept_has_one_place() -> None:
    grid = Grid(targets=parse_percents("1,2"))
    assert grid.shape == (2, 1, 1)
    assert grid.only(1) == Grid(targets=parse_percents("2"))


def test_a_grid_needs_an_axis_and_an_end() -> None:
    with pytest.raises(ValueError, match="nothing to sweep"):
        Grid()
    many = parse_percents("0.001:2:0.001")
    with pytest.raises(ValueError, match="`4000000` combinations are more than the `1000000`"):
        Grid(many, many)


def test_values_are_written_as_they_were_asked_for() -> None:
    assert [percent_text(value) for value in (Decimal("2.50"), None)] == ["2.5%", "none"]
    assert [hold_text(value) for value in (90 * 60_000, 25 * HOUR, None)] == ["1h30m", "1d1h", "none"]
