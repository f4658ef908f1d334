"""The peak of an equity curve by hand: flows move it, trips are the first of their limit."""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.guards import AccountFacts, Trip
from papertrade.reports.equity import EquityPoint
from papertrade.reports.peaks import Peaks, with_equity

TEN = Decimal(10)


def point(at_ms: int, equity: int, capital: int = 1000) -> EquityPoint:
    realized = Decimal(equity - capital)
    return EquityPoint(
        at_ms=at_ms,
        cash=Decimal(equity),
        reserved=Decimal(0),
        capital=Decimal(capital),
        realized=realized,
        unrealized=Decimal(0),
    )


def test_the_peak_begins_at_the_opening_and_only_rises() -> None:
    peaks = Peaks(limits=(TEN,))
    for one in (point(1, 990), point(2, 1200), point(3, 1100)):
        peaks.see(one)
    assert (peaks.peak(point(4, 1100)), peaks.trips) == (Decimal(1200), {})
    peaks.see(point(5, 1080))
    assert peaks.trips == {TEN: Trip(TEN, 5, Decimal(1080), Decimal(1200))}
    peaks.see(point(6, 500))
    assert peaks.trips[TEN].at_ms == 5


def test_a_deposit_raises_the_peak_and_is_no_gain() -> None:
    peaks = Peaks(limits=(TEN,))
    peaks.see(point(1, 1200))
    assert peaks.peak(point(2, 2200, capital=2000)) == Decimal(2200)
    # a withdrawal of 1100 from 1200: 100 of 1100 + 100 is no fall
    assert peaks.peak(point(3, 100, capital=-100)) == Decimal(100)


def test_an_instant_of_an_order_trips_but_makes_no_peak() -> None:
    peaks = Peaks(limits=(TEN,))
    assert peaks.judged(point(1, 1300)) == Decimal(1300)
    assert peaks.judged(point(2, 950)) == Decimal(1000)
    assert peaks.trips == {}
    assert peaks.judged(point(3, 900)) == Decimal(1000)
    assert peaks.trips[TEN].at_ms == 3


def test_of_recorded_trips_the_earliest_counts() -> None:
    early, late = (Trip(TEN, at_ms, Decimal(900), Decimal(1000)) for at_ms in (1, 9))
    peaks = Peaks(limits=(TEN,))
    peaks.add_trips([late, early, late])
    copy = peaks.copied()
    copy.trips.clear()
    assert peaks.trips == {TEN: early}


def test_the_day_counts_without_what_was_paid_in() -> None:
    facts = with_equity(AccountFacts(at_ms=1), point(2, 1480, capital=1500), point(1, 1010), Decimal(1510), [])
    assert (facts.day_base, facts.day_profit) == (Decimal(1510), Decimal(-30))
