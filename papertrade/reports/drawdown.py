"""How far and for how long the equity lay below its peak, from every point, flows removed.

The peak starts at the opening balance. The rule to keep: no point gives no drawdown, a curve that never fell
gives a drawdown of 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from papertrade.engine.values import dataclass
from papertrade.reports.metric import Metric, measured, undefined
from papertrade.reports.returns import Series, growth_index

if TYPE_CHECKING:
    from papertrade.reports.returns import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The deepest fall from a peak: a fraction of the peak, 0 or below. Times UTC ms, durations ms.

    `peak_at` None with a fall means the opening balance. `recovered_at` and `recovery_ms` (from the trough) are
    None while it lasts; `duration_ms` runs from the peak (or the first point) to the recovery or the last point.
    `longest_ms` is the longest time below a peak, of any depth.
    """

    max_drawdown: Metric
    peak_at: int | None = None
    trough_at: int | None = None
    recovered_at: int | None = None
    duration_ms: int | None = None
    recovery_ms: int | None = None
    longest_ms: int | None = None


def drawdown(series: Series) -> Drawdown:
    """Find the deepest fall; the first of equals."""
    import numpy as np

    if len(series.at_ms) == 0:
        return Drawdown(max_drawdown=undefined("no equity point"))
    index = growth_index(series)
    peaks = np.maximum.accumulate(index)
    np.maximum(peaks, 1.0, out=peaks)
    falls = index / peaks
    trough = int(falls.argmin())
    if falls[trough] >= 1.0:
        return Drawdown(max_drawdown=measured(0.0), longest_ms=0)
    at_peak = falls >= 1.0
    before = np.flatnonzero(at_peak[:trough])
    after = np.flatnonzero(at_peak[trough:])
    at_ms = series.at_ms
    peak_at = int(at_ms[before[-1]]) if len(before) else None
    recovered_at = int(at_ms[trough + after[0]]) if len(after) else None
    start = int(at_ms[0]) if peak_at is None else peak_at
    end = int(at_ms[-1]) if recovered_at is None else recovered_at
    return Drawdown(
        max_drawdown=measured(float(falls[trough]) - 1.0),
        peak_at=peak_at,
        trough_at=int(at_ms[trough]),
        recovered_at=recovered_at,
        duration_ms=end - start,
        recovery_ms=None if recovered_at is None else recovered_at - int(at_ms[trough]),
        longest_ms=_longest_below(series, falls),
    )


def _longest_below(series: Series, falls: Floats) -> int:
    """Return the longest span between two consecutive points at a peak, the series' two ends included."""
    import numpy as np

    at_peak = np.flatnonzero(falls >= 1.0)
    marks = np.concatenate(([0], at_peak, [len(falls) - 1]))
    times = series.at_ms[marks]
    is_below = np.diff(marks) > 1
    is_below[0] = falls[0] < 1.0
    is_below[-1] = falls[-1] < 1.0
    return int(np.diff(times)[is_below].max(initial=0))
