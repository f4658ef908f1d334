"""Curves: within their room, highest on top, with the true ends on the axes."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from papertrade.render.charts import Point, Size, curve, sparkline

AT = 1_795_168_800_000
HOUR = 3_600_000


def points(*values: int | str) -> list[Point]:
    return [Point(AT + hour * HOUR, Decimal(value)) for hour, value in enumerate(values)]


def test_a_curve_in_ascii() -> None:
    assert curve(points(100, 100, 102, 101), Size(60, 5, is_unicode=False)) == [
        "102.00 |                                  *****************",
        "101.00 |                                  *                *",
        "100.00 |**********************************",
        "       +----------------------------------------------------",
        "        2026-11-20 10:00 UTC            2026-11-20 13:00 UTC",
    ]


def test_a_curve_in_dots() -> None:
    lines = curve(points(0, 4), Size(15, 4))
    assert lines[0].startswith("4.00 │")
    assert lines[1].startswith("0.00 │")
    assert lines[2] == "     └" + "─" * 9
    assert set("".join(lines[:2])) - set("4.0 │") <= {chr(code) for code in range(0x2801, 0x2900)}


def test_times_are_in_the_zone_asked_for() -> None:
    assert "2026-11-20 11:00 CET" in curve(points(1, 2), Size(), ZoneInfo("Europe/Berlin"))[-1]


@pytest.mark.parametrize("is_unicode", [True, False])
def test_a_flat_curve_has_one_amount_twice_and_no_middle(is_unicode: bool) -> None:
    lines = curve(points(5, 5, 5), Size(60, 7, is_unicode))
    assert [line.split()[0] for line in lines if line.startswith("5.00")] == ["5.00", "5.00"]


def test_one_point_has_one_time() -> None:
    assert curve(points(5), Size(60, 5))[-1].strip() == "2026-11-20 10:00 UTC"


def test_nothing_to_draw_draws_nothing() -> None:
    assert curve([], Size()) == []
    assert sparkline([]) == ""


@given(
    st.lists(st.decimals(min_value=-(10**7), max_value=10**7, places=2), min_size=1, max_size=40),
    st.integers(60, 140),
    st.integers(3, 20),
    st.booleans(),
)
def test_a_curve_stays_in_its_room(values: list[Decimal], width: int, height: int, is_unicode: bool) -> None:
    drawn = curve([Point(AT + n * HOUR, value) for n, value in enumerate(values)], Size(width, height, is_unicode))
    assert len(drawn) == max(height, 4)
    assert max(map(cell_len, drawn)) <= width


@pytest.mark.parametrize(("is_unicode", "drawn"), [(True, "▁▄█▄"), (False, "_-^-")])
def test_a_sparkline(is_unicode: bool, drawn: str) -> None:
    assert sparkline([Decimal(value) for value in (9, 0, 5, 10, 5)], 4, is_unicode=is_unicode) == drawn


def test_a_flat_sparkline_is_flat() -> None:
    assert sparkline([Decimal(1)] * 3) == "▅▅▅"
