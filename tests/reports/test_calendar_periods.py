"""Days, weeks and months of a zone: bounds around clock changes, and sums that lose no trade."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.instants import parse_time, to_iso
from papertrade.engine.money import ZERO
from papertrade.reports.calendar_periods import (
    Performance,
    Period,
    PeriodProfit,
    daily_profits,
    performance,
    period_profit,
    period_start,
)
from tests.reports.builders import DAY, a_closed_trade

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = parse_time("2026-03-29T12:00:00Z"), parse_time("2026-10-25T12:00:00Z")

STARTS = [
    ("a day of 23 hours", Period.TODAY, "2026-03-29T20:00:00Z", BERLIN, "2026-03-28T23:00:00.000Z"),
    ("the day after it", Period.TODAY, "2026-03-29T22:00:00Z", BERLIN, "2026-03-29T22:00:00.000Z"),
    ("a day of 25 hours", Period.TODAY, "2026-10-25T22:59:59Z", BERLIN, "2026-10-24T22:00:00.000Z"),
    ("the day after that", Period.TODAY, "2026-10-25T23:00:00Z", BERLIN, "2026-10-25T23:00:00.000Z"),
    ("a week begins on Monday", Period.WEEK, "2026-11-22T10:00:00Z", UTC, "2026-11-16T00:00:00.000Z"),
    ("a week over the change", Period.WEEK, "2026-03-29T20:00:00Z", BERLIN, "2026-03-22T23:00:00.000Z"),
    ("a month over the change", Period.MONTH, "2026-03-31T20:00:00Z", BERLIN, "2026-02-28T23:00:00.000Z"),
    ("half an hour off", Period.TODAY, "2026-11-20T10:00:00Z", ZoneInfo("Asia/Kolkata"), "2026-11-19T18:30:00.000Z"),
    (
        "far east of UTC",
        Period.TODAY,
        "2026-11-20T12:00:00Z",
        ZoneInfo("Pacific/Kiritimati"),
        "2026-11-20T10:00:00.000Z",
    ),
    ("a skipped midnight", Period.TODAY, "2026-04-24T12:00:00Z", ZoneInfo("Africa/Cairo"), "2026-04-23T22:00:00.000Z"),
]


@pytest.mark.parametrize(("case", "period", "now", "zone", "expected"), STARTS, ids=[start[0] for start in STARTS])
def test_period_start(case: str, period: Period, now: str, zone: ZoneInfo, expected: str) -> None:
    assert to_iso(period_start(period, parse_time(now), zone)) == expected


def test_a_trade_counts_on_the_day_it_closed_in_the_zone() -> None:
    late = parse_time("2026-11-20T23:30:00Z")
    trades = [a_closed_trade(1, "5", late), a_closed_trade(2, "-2", late - 3_600_000)]
    now = parse_time("2026-11-21T08:00:00Z")
    assert performance(trades, now, UTC) == Performance(
        "UTC", PeriodProfit(ZERO, 0), PeriodProfit(Decimal(3), 2), PeriodProfit(Decimal(3), 2)
    )
    assert performance(trades, now, BERLIN).today == PeriodProfit(Decimal(5), 1)
    assert performance(trades, now, BERLIN).zone == "Europe/Berlin"


def test_a_close_after_now_does_not_count() -> None:
    assert period_profit([a_closed_trade(1, "5", 100)], 0, 99) == PeriodProfit(ZERO, 0)


def test_no_trade_no_day() -> None:
    assert daily_profits([], BERLIN) == ()


def test_f24_days_of_23_and_25_hours_hold_their_hours() -> None:
    hours = [n * 3_600_000 for n in range(-24, 24)]
    spring = daily_profits([a_closed_trade(n, "1", SPRING + at) for n, at in enumerate(hours)], BERLIN)
    autumn = daily_profits([a_closed_trade(n, "1", AUTUMN + at) for n, at in enumerate(hours)], BERLIN)
    assert {day.day: day.trades for day in spring}[date(2026, 3, 29)] == 23
    assert {day.day: day.trades for day in autumn}[date(2026, 10, 25)] == 25


closings = st.lists(
    st.tuples(
        st.one_of(*(st.integers(noon - 3 * DAY, noon + 3 * DAY) for noon in (SPRING, AUTUMN))),
        st.decimals(-1000, 1000, places=8),
    ),
    max_size=30,
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "Africa/Cairo", "Asia/Kolkata", "Pacific/Apia", "America/Havana"])


@given(closings, zones)
def test_the_sum_of_the_days_is_the_total(closed: list[tuple[int, Decimal]], name: str) -> None:
    trades = [a_closed_trade(n, str(net), at) for n, (at, net) in enumerate(closed)]
    days = daily_profits(trades, ZoneInfo(name))
    assert sum((day.pnl for day in days), ZERO) == sum((net for _, net in closed), ZERO)
    assert sum(day.trades for day in days) == len(closed)


@given(closings, zones)
def test_each_day_sums_what_closed_between_its_midnight_and_the_next(
    closed: list[tuple[int, Decimal]], name: str
) -> None:
    zone = ZoneInfo(name)
    trades = [a_closed_trade(n, str(net), at) for n, (at, net) in enumerate(closed)]
    by_start: dict[int, Decimal] = {}
    for trade in trades:
        start = period_start(Period.TODAY, trade.closed_at, zone)
        by_start[start] = by_start.get(start, ZERO) + trade.net
    assert [day.pnl for day in daily_profits(trades, zone)] == [by_start[start] for start in sorted(by_start)]
