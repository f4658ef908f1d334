"""From wishes to prices: the side of a percentage, risks, steps against the trader, and levels on the wrong side."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.changes import as_wish
from papertrade.engine.levels import check_sides, resolve
from papertrade.engine.market import Side
from papertrade.engine.money import exact, floor_to
from papertrade.engine.signal import ExitWish, parse_level, parse_target
from papertrade.engine.trade import Levels, Target

D = Decimal


def wish(stop: str | None, *targets: str) -> ExitWish:
    return ExitWish(None if stop is None else parse_level(stop), tuple(parse_target(text) for text in targets))


@pytest.mark.parametrize(
    ("side", "stop", "target", "prices"),
    [
        (Side.LONG, "95", "110", ("95", "110")),
        (Side.LONG, "2%", "4%", ("98", "104")),
        (Side.SHORT, "2%", "4%", ("102", "96")),
        (Side.LONG, "-2%", "+4%", ("98", "104")),
        (Side.SHORT, "+2%", "-4%", ("102", "96")),
        (Side.LONG, "95", "2R", ("95", "110")),
        (Side.SHORT, "105", "1.5R", ("105", "92.5")),
        (Side.LONG, "94.999", "110.009", ("94.99", "110")),
        (Side.SHORT, "105.001", "89.991", ("105.01", "90")),
        (Side.LONG, "0.333%", "0.5R", ("99.66", "100.17")),
    ],
)
def test_levels_resolve_around_an_entry_of_100(side: Side, stop: str, target: str, prices: tuple[str, str]) -> None:
    levels = resolve(wish(stop, target), side, D(100), D("0.01"), D(1))
    assert (levels.stop, levels.targets[0].price) == (D(prices[0]), D(prices[1]))


def test_targets_come_out_nearest_first_and_share_equally() -> None:
    levels = resolve(wish(None, "120", "110", "130"), Side.LONG, D(100), D(1), D(1))
    assert [target.price for target in levels.targets] == [110, 120, 130]
    with exact():
        assert [round(target.fraction, 20) for target in levels.targets] == [D("0." + "3" * 20)] * 3
        assert sum(target.fraction for target in levels.targets) == 1


@given(
    st.integers(2, 9),
    st.integers(1, 10**20),
    st.sampled_from(["1", "0.1", "0.25", "0.00000001", "0.000000000000000001"]),
)
def test_equal_shares_are_whole_steps_where_the_quantity_has_so_many(count: int, each: int, step: str) -> None:
    """A share cut to some digits would be a step short: of 3 units 0.99999999 would leave, or all of them."""
    levels = resolve(wish(None, *(str(100 + n) for n in range(1, count + 1))), Side.LONG, D(100), D(1), D(1))
    with exact():
        quantity = D(each) * D(step) * count if each * count < 10**20 else D(step) * count
        parts = [floor_to(quantity * target.fraction, D(step)) for target in levels.targets[:-1]]
        assert parts == [quantity / count] * (count - 1)


def test_targets_that_round_to_one_price_are_one() -> None:
    levels = resolve(wish(None, "110.1:0.25", "110.2:0.25", "120:0.5"), Side.LONG, D(100), D(1), D(1))
    assert levels.targets == (Target(D(110), D("0.5")), Target(D(120), D("0.5")))


@pytest.mark.parametrize("count", range(2, 14))
def test_equal_shares_said_as_fractions_are_a_wish_again(count: int) -> None:
    """Changing a stop records the exits that hold as wishes; in 28 digits the sevenths would sum to more than 1."""
    levels = resolve(wish(None, *(str(101 + n) for n in range(count))), Side.LONG, D(100), D(1), D(1))
    assert len(as_wish(levels).targets) == count


def test_targets_without_fractions_that_round_to_one_price_take_all_of_it() -> None:
    levels = resolve(wish(None, "110.1", "110.2", "110.3"), Side.LONG, D(100), D(1), D(1))
    assert levels.targets == (Target(D(110), D(1)),)


def test_a_risk_named_from_outside_beats_the_stops_distance() -> None:
    levels = resolve(wish("99", "2R"), Side.LONG, D(100), D(1), D(1), D(5))
    assert (levels.stop, levels.targets[0].price) == (D(99), D(110))


@given(
    st.sampled_from(list(Side)),
    st.decimals("50", "150", places=4),
    st.decimals("0.1", "20", places=3),
    st.sampled_from(["0.01", "0.5", "0.0001"]).map(D),
)
def test_stops_round_away_from_the_entry_and_targets_towards_it(side: Side, entry: D, percent: D, step: D) -> None:
    text = f"{percent:f}%"
    levels, exactly = (resolve(wish(text, text), side, entry, grid, D(1)) for grid in (step, D("1e-18")))
    assert levels.stop is not None and exactly.stop is not None
    for made, wished in ((levels.stop, exactly.stop), (levels.targets[0].price, exactly.targets[0].price)):
        assert 0 <= (wished - made) * side.sign < step
        assert made % step == 0


@pytest.mark.parametrize(
    ("side", "stop", "target", "message"),
    [
        (Side.LONG, "105", None, "stop `105` is above entry `100` for a long trade"),
        (Side.LONG, "100", None, "stop `100` is at entry `100` for a long trade"),
        (Side.SHORT, "95", None, "stop `95` is below entry `100` for a short trade"),
        (Side.LONG, None, "99", "target `99` is below entry `100` for a long trade"),
        (Side.SHORT, None, "101", "target `101` is above entry `100` for a short trade"),
    ],
)
def test_a_level_on_the_wrong_side_is_refused(side: Side, stop: str | None, target: str | None, message: str) -> None:
    targets = () if target is None else (Target(D(target), D(1)),)
    refusal = check_sides(Levels(None if stop is None else D(stop), targets, D(1)), side, D(100), "entry")
    other = {Side.LONG: Side.SHORT, Side.SHORT: Side.LONG}[side]
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("wrong_side", message)
    assert refusal.hint == f"swap --sl and --tp, or use --side {other}"
    assert refusal.details == {
        "level": stop or target,
        "reference": "100",
        "side": str(side),
        "needed": refusal.details["needed"],
    }


def test_the_hint_against_a_price_says_where_the_level_must_be() -> None:
    refusal = check_sides(Levels(D(105), (), D(1)), Side.LONG, D(100), "the price")
    assert refusal is not None
    assert refusal.message == "stop `105` is above the price `100` for a long trade"
    assert refusal.hint == "the stop of a long trade must be below `100`"


def test_a_filled_target_is_not_asked_about() -> None:
    assert check_sides(Levels(None, (Target(D(90), D(1), True),), D(1)), Side.LONG, D(100), "the price") is None


def test_a_level_that_falls_to_nothing_is_refused() -> None:
    refusal = check_sides(resolve(wish("99.9%"), Side.LONG, D(1), D("0.01"), D(1)), Side.LONG, D(1), "entry")
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("invalid_level", "level `0` is not a price: it must be above 0")
