"""The array finder of trailing stops: the first candle that may reach a stop which every better price moves.

The stop is worked out in floats, a little too near to the market, so that no touch is hidden. The rule to keep:
it only says where to look; how a stop moves is `engine.follow`, what happens at it `engine.touch`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from papertrade.engine.market import Side
from papertrade.engine.trade import OPEN, Trade, Trail
from papertrade.engine.values import dataclass, replace
from papertrade.feeds.candle_series import CandleSeries

_FIRST_WINDOW: Final = 256
_LAST_WINDOW: Final = 65_536
_SLACK: Final = 1e-12  # far more than floats can lose of a price, far less than any step


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a trail may be reached, and the candle before it with the best price beyond the peak; None without one."""

    index: int
    best: int | None


def trail_of(trade: Trade) -> Trail | None:
    """Return the trail that follows the market now, if it is all that a candle can move; None for other trades."""
    if trade.status is not OPEN or len(trade.rulings) != 1:
        return None
    levels = trade.rulings[0].levels
    trail = None if levels is None else levels.trail
    return None if trail is None or trail.peak is None else trail


def without_peak(trade: Trade) -> Trade:
    """Return the trade as it would be if nothing followed the market, for finders of all else it reacts to."""
    (ruling,) = trade.rulings
    if ruling.levels is None:
        return trade
    return replace(trade, rulings=(replace(ruling, levels=replace(ruling.levels, trail=None)),))


def first_followed(series: CandleSeries, side: Side, trail: Trail, start: int, end: int) -> Followed:
    """Return the first candle from `start` on, before `end`, in which the trail may be reached; `end` if in none."""
    scale = 10.0**series.decimals
    keeps = 1.0 if not trail.is_percent else 1.0 - side.sign * float(trail.distance) / 100.0
    gives = 0.0 if trail.is_percent else float(trail.distance) * scale
    # Seen from a long: a short's prices are turned round, so that its best price is the highest too.
    peak = side.sign * float(trail.peak or 0) * scale
    best: int | None = None
    window = _FIRST_WINDOW
    at = start
    while at < end:
        stop = min(at + window, end)
        good, bad = (series.high, series.low) if side is Side.LONG else (series.low, series.high)
        highs = side.sign * good[at:stop].astype(np.float64)
        peaks = np.maximum(np.maximum.accumulate(highs), peak)
        levels = peaks * keeps - gives
        levels += np.abs(levels) * _SLACK
        reached = side.sign * bad[at:stop] <= levels
        first = int(reached.argmax())
        skipped = first if reached[first] else stop - at
        if skipped > 0 and peaks[skipped - 1] > peak:
            peak = float(peaks[skipped - 1])
            best = at + int(highs[:skipped].argmax())
        if reached[first]:
            return Followed(at + first, best)
        at, window = stop, min(window * 4, _LAST_WINDOW)
    return Followed(end, best)
