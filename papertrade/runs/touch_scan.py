"""The array finder: the first candle from an index on that reaches an armed price, for one trade or for all at once.

A pyramid of block extremes (fan-out 16) lies over the lows and highs, so the cost hardly grows with how long a
trade lives. Prices are compared as the whole numbers of the series, floored and ceiled, so no rounding can hide a
touch. The rule to keep: the finder only says where to look; what happens there is decided by `engine.touch`.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Final

import numpy as np

from papertrade.engine.money import CONTEXT
from papertrade.feeds.candle_series import CandleSeries, IntColumn

FAN_OUT: Final = 16
NEVER_BELOW: Final = -1
"""A price that no low reaches."""
NEVER_ABOVE: Final = int(np.iinfo(np.int64).max)
"""A price that no high reaches."""

_COLUMNS: Final = np.arange(FAN_OUT)


class TouchIndex:
    """The pyramid over one series. O(n) to build, O(log n) a search.

    Prices are whole numbers on the series' scale: see `floor_price` and `ceil_price`.
    """

    def __init__(self, series: CandleSeries) -> None:
        self.length = len(series)
        self._decimals = series.decimals
        self._lows: list[IntColumn] = []
        self._highs: list[IntColumn] = []
        lows, highs = series.low, series.high
        while True:
            # Two blocks of padding at the end, so that climbing past the last block stays inside the array.
            blocks = len(lows) // FAN_OUT + 2
            self._lows.append(_in_blocks(lows, blocks, NEVER_ABOVE))
            self._highs.append(_in_blocks(highs, blocks, NEVER_BELOW))
            if len(lows) <= FAN_OUT:
                break
            used = -(-len(lows) // FAN_OUT)
            lows = self._lows[-1][:used].min(axis=1)
            highs = self._highs[-1][:used].max(axis=1)

    def floor_price(self, below: Decimal | None) -> int:
        """Return what a low must not exceed to reach `below`; `NEVER_BELOW` for None."""
        return NEVER_BELOW if below is None else self._whole(below, ROUND_FLOOR)

    def ceil_price(self, above: Decimal | None) -> int:
        """Return what a high must not fall short of to reach `above`; `NEVER_ABOVE` for None."""
        return NEVER_ABOVE if above is None else self._whole(above, ROUND_CEILING)

    def first(self, start: int, below: int, above: int) -> int:
        """Return the first candle at or after `start` with low <= below or high >= above; `length` if none."""
        if start >= self.length:
            return self.length
        at = start // FAN_OUT + 1
        found = self._in_bottom(start, at * FAN_OUT, below, above)
        if found is not None:
            return found
        for level, (lows, highs) in enumerate(self._uppers):
            for block in range(at, (at // FAN_OUT + 1) * FAN_OUT):
                if lows[block] <= below or highs[block] >= above:
                    return self._descended(level, block, below, above)
            at = at // FAN_OUT + 1
        return self.length

    def _descended(self, level: int, at: int, below: int, above: int) -> int:
        """Return the first candle under a block whose extremes reach a price: one of its children does."""
        for lows, highs in reversed(self._uppers[:level]):
            at *= FAN_OUT
            while lows[at] > below and highs[at] < above:
                at += 1
        at *= FAN_OUT
        return self._in_bottom(at, at + FAN_OUT, below, above) or at

    def firsts(self, starts: IntColumn, below: IntColumn, above: IntColumn) -> IntColumn:
        """Return `first` for many searches at once; all three arrays have one entry a search."""
        result = np.full(len(starts), self.length, np.int64)
        live = np.flatnonzero(starts < self.length)
        at = starts[live]
        climbed: list[tuple[IntColumn, IntColumn]] = []
        for lows, highs in zip(self._lows, self._highs, strict=True):
            block = at // FAN_OUT
            reached = (lows[block] <= below[live, None]) | (highs[block] >= above[live, None])
            reached &= (at - block * FAN_OUT)[:, None] <= _COLUMNS
            column = reached.argmax(axis=1)
            is_hit = reached[np.arange(len(live)), column]
            climbed.append((live[is_hit], block[is_hit] * FAN_OUT + column[is_hit]))
            live, at = live[~is_hit], block[~is_hit] + 1
            if len(live) == 0:
                break
        who, where = climbed[-1]
        for level in range(len(climbed) - 2, -1, -1):
            reached = (self._lows[level][where] <= below[who, None]) | (self._highs[level][where] >= above[who, None])
            where = where * FAN_OUT + reached.argmax(axis=1)
            who = np.concatenate((who, climbed[level][0]))
            where = np.concatenate((where, climbed[level][1]))
        result[who] = where
        return result

    def extremes(self, starts: IntColumn, ends: IntColumn) -> tuple[IntColumn, IntColumn]:
        """Return the lowest low and the highest high of the candles from each start to before its end.

        Prices are whole numbers on the series' scale; a stretch without a candle has `NEVER_ABOVE` and `NEVER_BELOW`.
        """
        low = np.full(len(starts), NEVER_ABOVE, np.int64)
        high = np.full(len(starts), NEVER_BELOW, np.int64)
        live = np.flatnonzero(starts < ends)
        start, end = starts[live], ends[live]
        for lows, highs in zip(self._lows, self._highs, strict=True):
            first, last = start // FAN_OUT, end // FAN_OUT
            # The columns of the first block from the start on, and those of the last block before the end.
            is_after = (start - first * FAN_OUT)[:, None] <= _COLUMNS
            is_before = (end - last * FAN_OUT)[:, None] > _COLUMNS
            is_one = (first == last)[:, None]
            for block, is_in in ((first, is_after & (is_before | ~is_one)), (last, is_before & ~is_one)):
                low[live] = np.minimum(low[live], np.where(is_in, lows[block], NEVER_ABOVE).min(axis=1))
                high[live] = np.maximum(high[live], np.where(is_in, highs[block], NEVER_BELOW).max(axis=1))
            goes_on = first + 1 < last
            live, start, end = live[goes_on], first[goes_on] + 1, last[goes_on]
            if len(live) == 0:
                break
        return low, high

    def _in_bottom(self, start: int, end: int, below: int, above: int) -> int | None:
        """Return the first candle of a part of a block; so few are sooner looked at one by one than as an array."""
        lows, highs = self._bottom
        at = start
        for low, high in zip(lows[start:end].tolist(), highs[start:end].tolist(), strict=True):
            if low <= below or high >= above:
                return at
            at += 1
        return None

    @cached_property
    def _bottom(self) -> tuple[IntColumn, IntColumn]:
        return self._lows[0].ravel(), self._highs[0].ravel()

    @cached_property
    def _uppers(self) -> list[tuple[list[int], list[int]]]:
        """The levels above the candles as lists, in which a single search is faster than in arrays."""
        uppers = zip(self._lows[1:], self._highs[1:], strict=True)
        return [(lows.ravel().tolist(), highs.ravel().tolist()) for lows, highs in uppers]

    def _whole(self, price: Decimal, rounding: str) -> int:
        return int(price.scaleb(self._decimals, CONTEXT).to_integral_value(rounding))


def _in_blocks(values: IntColumn, blocks: int, padding: int) -> IntColumn:
    padded = np.full(blocks * FAN_OUT, padding, np.int64)
    padded[: len(values)] = values
    return padded.reshape(blocks, FAN_OUT)
