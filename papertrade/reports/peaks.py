"""The peak of an equity curve as it goes, and the first time that the equity had fallen by a limit below it.

Deposits and withdrawals move the peak by their amount: what is kept is the best gain, equity − capital. The rule to
keep: a point is seen in the order of time, and a trip is never forgotten but by beginning anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from decimal import Decimal

from papertrade.engine.guards import AccountFacts, Trip, has_fallen
from papertrade.engine.money import CONTEXT, ZERO
from papertrade.engine.values import dataclass, replace
from papertrade.reports.equity import EquityPoint


@dataclass(slots=True)
class Peaks:
    """The best gain so far, and the trips of the limits (in percent) that are watched."""

    limits: tuple[Decimal, ...] = ()
    best: Decimal = ZERO
    trips: dict[Decimal, Trip] = field(default_factory=dict)

    def see(self, point: EquityPoint) -> None:
        """Take a point of the curve in."""
        self.best = max(self.best, _gain(point))
        self._trip(point, self.peak(point))

    def judged(self, point: EquityPoint) -> Decimal:
        """Take in an instant at which an order was judged, which is no point of the curve; returns the peak then."""
        peak = max(self.peak(point), point.equity)
        self._trip(point, peak)
        return peak

    def peak(self, point: EquityPoint) -> Decimal:
        """Return the peak with the capital of an instant."""
        return CONTEXT.add(self.best, point.capital)

    def add_trips(self, trips: Iterable[Trip]) -> None:
        """Take in trips that were recorded; of one limit the earliest counts."""
        for trip in trips:
            known = self.trips.get(trip.percent)
            if known is None or trip.at_ms < known.at_ms:
                self.trips[trip.percent] = trip

    def copied(self) -> Peaks:
        """Return the same peak with trips of its own."""
        return replace(self, trips=dict(self.trips))

    def _trip(self, point: EquityPoint, peak: Decimal) -> None:
        for percent in self.limits:
            if percent not in self.trips and has_fallen(point.equity, peak, percent):
                self.trips[percent] = Trip(percent, point.at_ms, point.equity, peak)


def _gain(point: EquityPoint) -> Decimal:
    return CONTEXT.subtract(point.equity, point.capital)


def with_equity(
    facts: AccountFacts, now: EquityPoint, day: EquityPoint, peak: Decimal, trips: Iterable[Trip]
) -> AccountFacts:
    """Add what the equity says: of now, of the day since `day` (just before it began), and below its peak."""
    return replace(
        facts,
        day_base=CONTEXT.add(now.capital, day.realized),
        day_profit=CONTEXT.subtract(_gain(now), _gain(day)),
        equity=now.equity,
        peak=peak,
        trips=tuple(trips),
    )
