"""Decimals: what is read, what is printed, how steps and the money grid round."""

from __future__ import annotations

from decimal import Decimal, FloatOperation, InvalidOperation, getcontext, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.money import (
    CONTEXT,
    GRID,
    canonical,
    ceil_to,
    exact,
    floor_to,
    from_units,
    parse_decimal,
    plain,
    to_grid,
    to_units,
    up_to_grid,
)

D = Decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.0", "0"),
        ("1.50", "1.5"),
        ("-0.1", "-0.1"),
        ("99999999999999999999", "99999999999999999999"),
        ("0.000000000000000001", "0.000000000000000001"),
    ],
)
def test_plain_decimals_are_read(text: str, value: str) -> None:
    assert parse_decimal(text).as_tuple() == D(value).as_tuple()
    assert plain(parse_decimal(text)) == value


@pytest.mark.parametrize(
    "text",
    (
        *("", " ", "1 ", " 1", "+1", "1.", ".5", "01", "1e3", "1E3", "1_000", "1,5", "NaN", "Infinity", "0x1"),
        *("--1", "1.2.3", "１２", "٣", "1\n", "1\x00", "9" * 21, "0." + "1" * 19, "-", "½"),
    ),
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a plain decimal number"):
        parse_decimal(text)


def test_a_long_text_is_shown_cut() -> None:
    with pytest.raises(ValueError, match=r"^`x{37}\.\.\.` is"):
        parse_decimal("x" * 41)
    with pytest.raises(ValueError, match=r"^`x{40}` is"):
        parse_decimal("x" * 40)


@given(st.text() | st.text("0123456789.-+eE_ \n", max_size=30))
def test_only_value_errors_escape_and_what_is_read_prints_as_itself(text: str) -> None:
    try:
        value = parse_decimal(text)
    except ValueError:
        return
    assert value == D(text)
    assert parse_decimal(plain(value)) == value


@given(st.decimals("-1e19", "1e19", places=18))
def test_printing_and_reading_give_the_number_back(value: D) -> None:
    assert parse_decimal(plain(canonical(value))) == value


def test_no_number_prints_an_exponent_or_a_trailing_zero() -> None:
    assert [plain(D(t)) for t in ("6E+4", "0E-8", "-0.00", "1.500", "1E-8", "100")] == [
        "60000",
        "0",
        "0",
        "1.5",
        "0.00000001",
        "100",
    ]


def test_money_rounds_half_to_even_and_fees_up() -> None:
    assert to_grid(D("0.000000005")) == 0
    assert to_grid(D("0.000000015")) == D("0.00000002")
    assert up_to_grid(D("0.000000001")) == GRID
    assert up_to_grid(D("-0.000000001")) == 0
    assert up_to_grid(GRID) == GRID


def test_units_of_money_are_whole() -> None:
    assert to_units(D("1.5")) == 150_000_000
    assert from_units(-150_000_000) == D("-1.5")
    with pytest.raises(ValueError, match="is not on the money grid"):
        to_units(D("0.000000001"))


@given(st.integers(-(10**25), 10**25))
def test_units_survive_both_ways(units: int) -> None:
    assert to_units(from_units(units)) == units


@given(st.decimals("-1e9", "1e9", places=8), st.sampled_from(["0.01", "0.5", "3", "0.00000001"]).map(D))
def test_steps_round_down_and_up_to_the_nearest_multiples(value: D, step: D) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)
    with exact():
        assert low <= value <= high
        assert high - low in (0, step)
        assert low % step == high % step == 0


@pytest.mark.parametrize("steps", [("0.1", "0.10"), ("0.10", "0.1"), ("10", "1E+1"), ("0.500", "0.5")])
def test_steps_that_are_one_number_round_alike_whichever_came_first(steps: tuple[str, str]) -> None:
    first, then = (D(step) for step in steps)
    assert floor_to(D("46.03"), first) == floor_to(D("46.03"), then)
    assert ceil_to(D("46.03"), first) == ceil_to(D("46.03"), then)
    assert floor_to(D("46.03"), first) % first == 0


@pytest.mark.parametrize(
    ("step", "low", "high"),
    [
        ("0.02", "46.02", "46.04"),
        ("0.2", "46", "46.2"),
        ("0.5", "46", "46.5"),
        ("20", "40", "60"),
        ("0.1", "46", "46.1"),
    ],
)
def test_steps_of_one_digit_are_themselves_and_not_their_power_of_ten(step: str, low: str, high: str) -> None:
    assert (floor_to(D("46.03"), D(step)), ceil_to(D("46.03"), D(step))) == (D(low), D(high))


def test_no_step_rounds_nothing() -> None:
    assert floor_to(D("1.23456789"), D(0)) == ceil_to(D("1.23456789"), D(0)) == D("1.23456789")


def test_the_one_context_traps_floats_and_nonsense() -> None:
    with exact(), pytest.raises(FloatOperation):
        assert D(1) < 1.5
    with exact(), pytest.raises(InvalidOperation):
        D(0) / D(0)
    assert CONTEXT.prec == 60


def test_the_context_from_before_is_back_after_it() -> None:
    with localcontext(prec=3):
        with exact():
            with exact():
                assert D(1) / 8 == D("0.125")
            assert getcontext() is CONTEXT
            assert D(2) / 3 == D("0." + 59 * "6" + "7")
        assert D(2) / 3 == D("0.667")


def test_the_outside_context_does_not_matter() -> None:
    with localcontext(prec=3):
        assert plain(canonical(D("123456.7890"))) == "123456.789"
        assert to_grid(D("123456.789")) == D("123456.789")
        assert floor_to(D("123456.789"), D("0.01")) == D("123456.78")
