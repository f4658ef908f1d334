"""Intervals by resampling: how far a figure could have come out otherwise with the same trades or days.

Percentile bootstrap with replacement; each draw counts as independent. The rule to keep: randomness comes in
as an argument, so that a seed gives the same interval.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Final

from papertrade.engine.values import dataclass
from papertrade.reports.metric import Metric, measured, undefined

if TYPE_CHECKING:
    from papertrade.reports.returns import Floats

SAMPLES: Final = 2_000
_CELLS_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """The bounds within which `level` of the resampled figures lie."""

    low: Metric
    high: Metric
    level: Decimal
    samples: int


def bootstrap(
    values: Floats,
    statistic: Callable[[Floats], Floats],
    random: Random,
    samples: int = SAMPLES,
    level: Decimal = Decimal("0.95"),
) -> Interval:
    """Resample `values` and return the middle `level` of `statistic`, a function of rows to one figure a row.

    Undefined under two values. O(values · samples) time, bounded memory.
    """
    import numpy as np

    count = len(values)
    if count < 2:
        reason = undefined(f"needs 2 values to resample, has {count}")
        return Interval(reason, reason, level, samples)
    generator = np.random.default_rng(random.getrandbits(128))
    rows = max(_CELLS_AT_ONCE // count, 1)
    figures = [
        statistic(values[generator.integers(0, count, size=(min(rows, samples - done), count))])
        for done in range(0, samples, rows)
    ]
    found = np.concatenate(figures)
    found = found[np.isfinite(found)]
    if len(found) == 0:
        reason = undefined("no resample had a defined figure")
        return Interval(reason, reason, level, samples)
    tail = (1.0 - float(level)) / 2.0
    low, high = np.quantile(found, [tail, 1.0 - tail])
    return Interval(measured(float(low)), measured(float(high)), level, samples)


def row_means(rows: Floats) -> Floats:
    """Return the mean of each row: expectancy of nets or R multiples."""
    means: Floats = rows.mean(axis=1)
    return means


def row_sharpes(periods: int) -> Callable[[Floats], Floats]:
    """Return the statistic that gives each row's Sharpe ratio, NaN for a row that does not vary."""

    def sharpes(rows: Floats) -> Floats:
        import numpy as np

        spread = rows.std(axis=1, ddof=1)
        varies = rows.max(axis=1) > rows.min(axis=1)
        out = np.full(len(rows), np.nan)
        np.divide(rows.mean(axis=1) * periods**0.5, spread, out=out, where=varies)
        return out

    return sharpes
