"""When each trade of a sweep would leave at each single level, and what that earns: one pass for all levels.

A level is touched first at one candle whatever the other levels are, so a combination needs no search of its own:
the earliest of its legs is its exit. The order inside a candle is a part of each leg's `key`. The rule to keep:
sections 3 and 4 of docs/semantics.md, step by step as `engine.touch` walks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, assert_never

import numpy as np

from papertrade.engine.conventions import Convention, GapFill, LimitFill, SameCandle
from papertrade.engine.messages import Liquidity
from papertrade.engine.money import CONTEXT
from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import CandleSeries, IntColumn
from papertrade.runs.sweeps.entries import Beginning, Entry
from papertrade.runs.sweeps.fills import FillTable, Level
from papertrade.runs.sweeps.grid import Grid
from papertrade.runs.sweeps.integers import Flags, Floats, Whole, column, lowered, product, raised, within_64_bits
from papertrade.runs.sweeps.own import own_decimals, own_limit_ms, own_stop, own_target
from papertrade.runs.touch_scan import NEVER_ABOVE, NEVER_BELOW, TouchIndex

NEVER: Final = 2**62
"""The key of a leg that is not reached."""

REFUSED: Final = -1
"""The key of a leg that the engine refuses: the trade is not taken with it."""

# A key is eight times the number of the candle, plus the place inside it.
_PLACES: Final = 8
_AT_THE_OPEN: Final = 0
_STOP_FIRST: Final = 3
_TARGET: Final = 4
_STOP_LATER: Final = 5

_NO_LIMIT: Final = 2**61
_SEARCHES_AT_ONCE: Final = 131_072


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One kind of exit: a row a trade, a column a value.

    `key` orders exits in time, `net` is in units of 1e-8 (0 where the leg is not reached), `day` is the number of
    the first day end that comes at or after the exit. Of a time limit, `at_target` is what it earns where its open
    is beyond the target: the price of the open, but a maker's costs.
    """

    key: IntColumn
    net: Floats
    day: IntColumn
    at_target: Floats | None = None

    def columns(self, part: slice) -> Leg:
        """Return some of the values."""
        return Leg(self.key[:, part], self.net[:, part], self.day[:, part])


class SymbolExits:
    """The legs of all trades of one symbol. `ends_ms` are the day ends (UTC ms) that the equity is looked at."""

    def __init__(self, entries: Sequence[Entry], series: CandleSeries, grid: Grid, ends_ms: IntColumn) -> None:
        self._entries, self._series, self._grid, self._ends_ms = entries, series, grid, ends_ms
        swept = [axis.values for axis in (grid.targets, grid.stops) if axis is not None]
        percents = [value for values in swept for value in values if value is not None]
        self.table = FillTable(entries, series, percents, own_decimals(entries, grid))
        self._convention: Convention = entries[0].order.terms.convention
        self._index = TouchIndex(series)
        self._is_long = self.table.sign > 0
        self._beginning = np.array([entry.beginning for entry in entries], np.int64)
        self.opened_ms = np.array([entry.fill.at_ms for entry in entries], np.int64)
        self._entered = np.searchsorted(series.open_ms, np.array([entry.candle_open_ms for entry in entries], np.int64))
        self.entry_day = np.searchsorted(ends_ms, self.opened_ms)

    def targets(self) -> Leg:
        """Return the legs of the targets."""
        axis = self._grid.targets
        table = self.table
        level = table.own_levels(own_target, 1) if axis is None else table.levels(axis.values, 1)
        has_to_pass = self._convention.limit_fill is LimitFill.THROUGH
        above = raised(level.price, table.lift) if not has_to_pass else lowered(level.price, table.lift) + 1
        below = lowered(level.price, table.lift) if not has_to_pass else raised(level.price, table.lift) - 1
        price = self._thresholds(below, above, level.is_set, is_below=~self._is_long)
        touched, is_jump = self._touches(price, self._target_in_first(price), is_below=~self._is_long)
        key = touched * _PLACES + np.where(is_jump, _AT_THE_OPEN, _TARGET)
        raw = self._raw(level.price, touched, is_jump & (self._convention.gap_target is GapFill.OPEN))
        return self._leg(key, touched, is_jump, self._nets(raw, Liquidity.MAKER, touched), level)

    def stops(self) -> Leg:
        """Return the legs of the stops; where the liquidation price is nearer, or alone, it stands for the stop."""
        axis = self._grid.stops
        table = self.table
        level = table.own_levels(own_stop, -1) if axis is None else table.levels(axis.values, -1)
        price = self._thresholds(
            lowered(level.price, table.lift), raised(level.price, table.lift), level.is_set, is_below=self._is_long
        )
        touched, is_jump = self._touches(price, self._stop_in_first(price), is_below=self._is_long)
        raw = self._raw(level.price, touched, is_jump & (self._convention.gap_stop is GapFill.OPEN))
        leg = self._leg(
            self._stop_key(touched, is_jump), touched, is_jump, self._nets(raw, Liquidity.TAKER, touched), level
        )
        return self._with_liquidation(leg, level)

    def holds(self) -> Leg | None:
        """Return the legs of the time limits; None where no trade has any."""
        axis = self._grid.holds
        if axis is None:
            limits = [own_limit_ms(entry) for entry in self._entries]
            if all(limit is None for limit in limits):
                return None
            until = np.array([[_NO_LIMIT if limit is None else limit] for limit in limits], np.int64)
        else:
            spans = np.array([_NO_LIMIT if hold is None else hold for hold in axis.values], np.int64)
            until = self.opened_ms[:, None] + spans
        series = self._series
        at = np.searchsorted(series.open_ms, until)
        opens = product(series.open[np.minimum(at, len(series) - 1)], self.table.lift)
        placed_ms = np.array([entry.order.placed_at for entry in self._entries], np.int64)
        is_valid = until > np.maximum(self.opened_ms, placed_ms)[:, None]
        key = np.where(at < len(series), at * _PLACES + _AT_THE_OPEN, NEVER)
        return Leg(
            np.where(is_valid, key, REFUSED),
            np.where(is_valid, self._nets(opens, Liquidity.TAKER, at), 0.0),
            np.where(is_valid, self._days(at, np.ones_like(is_valid)), REFUSED),
            np.where(is_valid, self._nets(opens, Liquidity.MAKER, at), 0.0),
        )

    # -- where a level is touched ------------------------------------------------------------------

    def _thresholds(self, below: Whole, above: Whole, is_set: Flags, *, is_below: Flags) -> IntColumn:
        """Return, on the candles' scale, what a low must not exceed or a high not fall short of."""
        low = np.where(is_set, within_64_bits(below, NEVER_BELOW, NEVER_ABOVE - 1), NEVER_BELOW)
        high = np.where(is_set, within_64_bits(above, 0, NEVER_ABOVE), NEVER_ABOVE)
        return np.where(is_below[:, None], low, high)

    def _touches(self, price: IntColumn, first: Flags, *, is_below: Flags) -> tuple[IntColumn, Flags]:
        """Return the first candle that reaches each price, and whether it jumped there.

        `first` tells which prices the rest of the candle of the entry reaches.
        """
        count, width = price.shape
        length = len(self._series)
        start = self._entered + (self._beginning != Beginning.WHOLE)
        touched = np.full((count, width), length, np.int64)
        step = max(_SEARCHES_AT_ONCE // max(width, 1), 1)
        for begin in range(0, count, step):
            part = slice(begin, begin + step)
            below = np.where(is_below[part, None], price[part], NEVER_BELOW).ravel()
            above = np.where(is_below[part, None], NEVER_ABOVE, price[part]).ravel()
            found = self._index.firsts(np.repeat(start[part], width), below, above)
            touched[part] = found.reshape(-1, width)
        opens = self._series.open[np.minimum(touched, length - 1)]
        is_jump = np.where(is_below[:, None], opens <= price, opens >= price) & (touched < length)
        only_close = (self._beginning == Beginning.CLOSE)[:, None]
        return np.where(first, self._entered[:, None], touched), np.where(first, only_close, is_jump)

    def _target_in_first(self, price: IntColumn) -> Flags:
        """After a limit entry a target needs the close; after a stop entry its candle's best price will do."""
        best = np.where(self._is_long, self._series.high[self._entered], self._series.low[self._entered])
        seen = np.where(self._beginning == Beginning.AFTER_STOP, best, self._series.close[self._entered])
        return self._is_reached(seen, price, ~self._is_long)

    def _stop_in_first(self, price: IntColumn) -> Flags:
        worst = np.where(self._is_long, self._series.low[self._entered], self._series.high[self._entered])
        seen = np.where(self._beginning == Beginning.CLOSE, self._series.close[self._entered], worst)
        return self._is_reached(seen, price, self._is_long)

    def _is_reached(self, seen: IntColumn, price: IntColumn, is_below: Flags) -> Flags:
        is_reached: Flags = np.where(is_below[:, None], seen[:, None] <= price, seen[:, None] >= price)
        is_reached &= (self._beginning != Beginning.WHOLE)[:, None]
        return is_reached

    def _stop_key(self, touched: IntColumn, is_jump: Flags) -> IntColumn:
        """Put a stop before or after a target that the same candle touches, as the convention says."""
        match self._convention.same_candle:
            case SameCandle.STOP_FIRST:
                is_first = np.ones_like(is_jump)
            case SameCandle.TARGET_FIRST:
                is_first = np.zeros_like(is_jump)
            case SameCandle.NEAREST:
                at = np.minimum(touched, len(self._series) - 1)
                to_high = self._series.high[at] - self._series.open[at]
                to_low = self._series.open[at] - self._series.low[at]
                is_first = np.where(self._is_long[:, None], to_low <= to_high, to_high <= to_low)
            case _:
                assert_never(self._convention.same_candle)
        # The rest of an entry's candle is known in this order only.
        is_first |= (touched == self._entered[:, None]) & (self._beginning != Beginning.WHOLE)[:, None]
        return touched * _PLACES + np.where(is_jump, _AT_THE_OPEN, np.where(is_first, _STOP_FIRST, _STOP_LATER))

    # -- what a leg earns --------------------------------------------------------------------------

    def _raw(self, level: Whole, touched: IntColumn, at_seen: Flags) -> Whole:
        """Return the price before costs: the level, or the price seen where the market jumped past it."""
        if not at_seen.any():
            return level
        series = self._series
        seen = series.open[np.minimum(touched, len(series) - 1)]
        only_close = (self._beginning == Beginning.CLOSE)[:, None] & (touched == self._entered[:, None])
        seen = np.where(only_close, series.close[self._entered][:, None], seen)
        return np.where(at_seen, product(seen, self.table.lift), level)

    def _nets(self, raw: Whole, liquidity: Liquidity, touched: IntColumn) -> Floats:
        return np.where(touched < len(self._series), self.table.nets(raw, liquidity), 0.0)

    def _leg(self, key: IntColumn, touched: IntColumn, is_jump: Flags, net: Floats, level: Level) -> Leg:
        is_reached = touched < len(self._series)
        only_close = (self._beginning == Beginning.CLOSE)[:, None] & (touched == self._entered[:, None])
        day = self._days(touched, is_jump & ~only_close)
        return Leg(
            np.where(level.is_valid, np.where(is_reached, key, NEVER), REFUSED),
            np.where(level.is_valid, net, 0.0),
            np.where(level.is_valid, day, REFUSED),
        )

    def _days(self, touched: IntColumn, at_open: Flags) -> IntColumn:
        """Return the first day end at or after each exit; one more than there are where it never comes."""
        series = self._series
        opens = series.open_ms[np.minimum(touched, len(series) - 1)]
        at_ms = opens + np.where(at_open, 0, series.interval_ms - 1)
        return np.where(touched < len(series), np.searchsorted(self._ends_ms, at_ms), len(self._ends_ms) + 1)

    def _with_liquidation(self, leg: Leg, level: Level) -> Leg:
        """Let the liquidation price stand for every stop that is farther away, or missing."""
        prices = [entry.fill.liquidation_price for entry in self._entries]
        if all(price is None for price in prices):
            return leg
        has_one = np.array([price is not None for price in prices])[:, None]
        never = np.where(self._is_long, NEVER_BELOW, NEVER_ABOVE)[:, None]
        armed = self._whole(prices, self._series.decimals, is_up=~self._is_long)
        price = np.where(has_one, within_64_bits(armed, NEVER_BELOW, NEVER_ABOVE), never)
        touched, is_jump = self._touches(price, self._stop_in_first(price), is_below=self._is_long)
        at_seen = is_jump & (self._convention.gap_stop is GapFill.OPEN)
        at_level = np.array([[0 if p is None else self.table.net_at(row, p)] for row, p in enumerate(prices)])
        raw = self._raw(np.ones_like(touched), touched, at_seen)
        net = np.where(at_seen, self._nets(raw, Liquidity.TAKER, touched), at_level.astype(np.float64))
        everywhere = np.ones_like(is_jump)
        key = self._stop_key(touched, is_jump)
        net = np.where(touched < len(self._series), net, 0.0)
        other = self._leg(key, touched, is_jump, net, Level(touched, everywhere, everywhere))
        beyond = self._whole(prices, self.table.decimals, is_up=self._is_long)
        is_nearer = np.where(self._is_long[:, None], beyond > level.price, beyond < level.price)
        takes = (is_nearer | ~level.is_set) & has_one & level.is_valid
        return Leg(
            np.where(takes, other.key, leg.key),
            np.where(takes, other.net, leg.net),
            np.where(takes, other.day, leg.day),
        )

    def _whole(self, prices: Sequence[Decimal | None], decimals: int, *, is_up: Flags) -> Whole:
        """Return prices · 10^decimals in one column, each rounded up or down; 0 where there is none."""
        return column(
            [
                0 if price is None else _to_whole(price, decimals, ROUND_CEILING if up else ROUND_FLOOR)
                for price, up in zip(prices, is_up, strict=True)
            ]
        )[:, None]


def _to_whole(price: Decimal, decimals: int, rounding: str) -> int:
    return int(price.scaleb(decimals, CONTEXT).to_integral_value(rounding))
