"""Profit by the calendar of the display zone: today, this week, this month, and each day.

A trade counts, with all of its net, on the day it closed; parts closed of a trade that is still open do not
count yet. The rule to keep: days are those of the zone, 23 or 25 hours long where it says so, and every trade
falls into exactly one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from papertrade.engine.instants import EPOCH, from_ms
from papertrade.engine.money import ZERO, exact
from papertrade.engine.values import dataclass
from papertrade.reports.closed_trade import ClosedTrade


class Period(StrEnum):
    """The running period of the calendar; a week is ISO's, from Monday."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class PeriodProfit:
    """Net profit and number of the trades that closed in a period."""

    pnl: Decimal
    trades: int


@dataclass(frozen=True, slots=True)
class Performance:
    """The running periods; `zone` names the display zone whose days these are."""

    zone: str
    today: PeriodProfit
    week: PeriodProfit
    month: PeriodProfit


@dataclass(frozen=True, slots=True)
class DayProfit:
    """Net profit and number of the trades that closed on one day of the zone."""

    day: date
    pnl: Decimal
    trades: int


def period_start(period: Period, now_ms: int, zone: tzinfo) -> int:
    """Return the first UTC millisecond of the running period in the zone."""
    today = _day_of(now_ms, zone)
    match period:
        case Period.TODAY:
            return _midnight(today, zone)
        case Period.WEEK:
            return _midnight(today - timedelta(days=today.weekday()), zone)
        case Period.MONTH:
            return _midnight(today.replace(day=1), zone)
        case _:
            assert_never(period)


def period_profit(trades: Sequence[ClosedTrade], start_ms: int, now_ms: int) -> PeriodProfit:
    """Sum the trades that closed from `start_ms` up to and including `now_ms`; none closed is profit 0."""
    nets = [trade.net for trade in trades if start_ms <= trade.closed_at <= now_ms]
    with exact():
        return PeriodProfit(sum(nets, ZERO), len(nets))


def performance(trades: Sequence[ClosedTrade], now_ms: int, zone: tzinfo) -> Performance:
    """Sum the running day, week and month of the zone."""
    today, week, month = (period_profit(trades, period_start(period, now_ms, zone), now_ms) for period in Period)
    return Performance(str(zone), today, week, month)


def daily_profits(trades: Sequence[ClosedTrade], zone: tzinfo) -> tuple[DayProfit, ...]:
    """Sum by the day of closing, oldest first; only days on which something closed."""
    if not trades:
        return ()
    closes = [trade.closed_at for trade in trades]
    first, last = _day_of(min(closes), zone), _day_of(max(closes), zone)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    starts = [_midnight(day, zone) for day in days]
    sums: dict[date, tuple[Decimal, int]] = {}
    with exact():
        for trade in trades:
            day = days[bisect_right(starts, trade.closed_at) - 1]
            pnl, count = sums.get(day, (ZERO, 0))
            sums[day] = (pnl + trade.net, count + 1)
    return tuple(DayProfit(day, *sums[day]) for day in sorted(sums))


def _day_of(at_ms: int, zone: tzinfo) -> date:
    return from_ms(at_ms).astimezone(zone).date()


def _midnight(day: date, zone: tzinfo) -> int:
    """Return the first instant of the day in the zone; a midnight that the zone skips is the jump itself."""
    return (datetime.combine(day, time(), zone) - EPOCH) // timedelta(milliseconds=1)
