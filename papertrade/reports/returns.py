"""From equity points to float series: growth per point, and the day-end returns that the ratios are made of.

Floats begin here and never go back into money. Days are UTC. The rule to keep: deposits and withdrawals are no
returns: r_t = E_t / (E_{t-1} + F_t) - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from operator import attrgetter
from typing import TYPE_CHECKING

from papertrade.engine.instants import from_ms
from papertrade.engine.market import DAY_MS
from papertrade.engine.values import dataclass
from papertrade.reports.equity import EquityPoint

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Instants: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Equity points as arrays, oldest first; `capital` is deposits - withdrawals so far.

    The opening values are those of the point before the first one; without one the series begins with the account,
    and `opening_ms` is None.
    """

    at_ms: Instants
    equity: Floats
    capital: Floats
    opening_equity: float = 0.0
    opening_capital: float = 0.0
    opening_ms: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DayReturns:
    """One return per UTC day that has ended, and the first and last of these days (None without any)."""

    returns: Floats
    first_day: date | None
    last_day: date | None


def series_of(points: Sequence[EquityPoint], opening: EquityPoint | None = None) -> Series:
    """Turn exact points into arrays; `opening` is the point before a window that starts later than the account."""
    import numpy as np

    count = len(points)
    return Series(
        np.fromiter(map(attrgetter("at_ms"), points), np.int64, count),
        np.fromiter(map(float, map(attrgetter("equity"), points)), np.float64, count),
        np.fromiter(map(float, map(attrgetter("capital"), points)), np.float64, count),
        0.0 if opening is None else float(opening.equity),
        0.0 if opening is None else float(opening.capital),
        None if opening is None else opening.at_ms,
    )


def growth_index(series: Series) -> Floats:
    """Return what 1 at the opening has become at each point, flows removed.

    Stretches without capital do not change it; a loss beyond all capital counts as all of it. Between two flows
    the index is the equity times a constant, so equal equity is an equal index. O(points + flows).
    """
    import numpy as np

    equity = series.equity
    index = np.empty_like(equity)
    if len(equity) == 0:
        return index
    changes = np.flatnonzero(np.diff(series.capital, prepend=series.opening_capital))
    starts = [0, *(int(at) for at in changes if at > 0)]
    level = 1.0
    for start, end in zip(starts, [*starts[1:], len(equity)], strict=True):
        base = _base(series, start)
        stretch = index[start:end]
        if base > 0:
            np.divide(equity[start:end], base, out=stretch)
            np.maximum(stretch, 0.0, out=stretch)
            stretch *= level
        else:
            stretch[:] = level
        level = float(stretch[-1])
    return index


def day_returns(series: Series) -> DayReturns:
    """Return r_t of each UTC day whose end the series has reached; days that had no capital have none.

    A day's end is the last point at or before midnight; the day that is still running does not count, nor does
    a midnight at which the series only begins.
    """
    import numpy as np

    midnights = _midnights(series)
    ends = np.searchsorted(series.at_ms, midnights, side="right") - 1
    factors = _factors(series.equity[ends], series.capital[ends], series)
    has_capital = ~np.isnan(factors)
    days = midnights[has_capital] - DAY_MS
    if len(days) == 0:
        return DayReturns(factors[:0], None, None)
    return DayReturns(factors[has_capital] - 1.0, _day(int(days[0])), _day(int(days[-1])))


def _midnights(series: Series) -> Instants:
    import numpy as np

    if len(series.at_ms) == 0:
        return np.empty(0, np.int64)
    start = int(series.at_ms[0]) if series.opening_ms is None else series.opening_ms
    first = max((start // DAY_MS + 1) * DAY_MS, -(-int(series.at_ms[0]) // DAY_MS) * DAY_MS)
    return np.arange(first, int(series.at_ms[-1]) + 1, DAY_MS, dtype=np.int64)


def _factors(equity: Floats, capital: Floats, series: Series) -> Floats:
    """Return E_t / (E_{t-1} + F_t), NaN where there was no capital to earn with; never below 0."""
    import numpy as np

    base = np.concatenate(([series.opening_equity], equity))[:-1]
    base += np.diff(capital, prepend=series.opening_capital)
    factors = np.divide(equity, base, out=np.full_like(equity, np.nan), where=base > 0)
    return np.maximum(factors, 0.0, out=factors)


def _base(series: Series, at: int) -> float:
    """Return E_{t-1} + F_t of one point: the capital that its growth is measured against."""
    if at == 0:
        return series.opening_equity + float(series.capital[0]) - series.opening_capital
    return float(series.equity[at - 1] + (series.capital[at] - series.capital[at - 1]))


def _day(at_ms: int) -> date:
    return from_ms(at_ms).date()
