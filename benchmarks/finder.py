"""P7: the array finder against a plain NumPy pyramid: the first touch of 1,000 / 10,000 / 100,000 pairs of levels.

    python benchmarks/finder.py [--quick] [--wide]

One year of one-minute candles, index build included, both in turn; budget 2 x. The floor is the fastest that plain
NumPy does (block maxima, fan-out 16, all searches at once) on float64; papertrade searches whole numbers, so that no
rounding can hide a touch. `--wide` puts the levels five times further away. The market is that of `backtest.py` too.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from papertrade import CandleSeries, candles_from
from papertrade.runs.touch_scan import TouchIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Whole: TypeAlias = NDArray[np.int64]
    Pyramid: TypeAlias = tuple[list[Floats], list[Floats]]

START_MS = 1_704_067_200_000
MINUTE_MS = 60_000
YEAR = 525_600
FAN_OUT = 16


@dataclass(frozen=True)
class Market:
    """A geometric random walk, prices rounded to cents."""

    time: Whole
    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def series(self, symbol: str) -> CandleSeries:
        return candles_from(symbol, self.time, self.open, self.high, self.low, self.close)


@dataclass(frozen=True)
class Ideas:
    """Signals: entered at the close of candle `index`, watched from the next on; `side` is +1 or -1."""

    index: Whole
    side: Whole
    entry: Floats
    target: Floats
    stop: Floats

    @property
    def below(self) -> Floats:
        return np.where(self.side > 0, self.stop, self.target)

    @property
    def above(self) -> Floats:
        return np.where(self.side > 0, self.target, self.stop)


def walk(count: int, seed: int, begin: float = 40_000.0, spread: float = 0.0006) -> Market:
    random = np.random.Generator(np.random.PCG64(seed))
    close = begin * np.exp(np.cumsum(random.normal(0.0, spread, count)))
    opened = np.empty(count)
    opened[0], opened[1:] = begin, close[:-1]
    close, opened = np.round(close, 2), np.round(opened, 2)
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    high = np.maximum(np.round(top * (1 + np.abs(random.normal(0, spread / 2, count))), 2), top)
    low = np.minimum(np.round(bottom * (1 - np.abs(random.normal(0, spread / 2, count))), 2), bottom)
    return Market(START_MS + MINUTE_MS * np.arange(count, dtype=np.int64), opened, high, low, close)


def ideas(count: int, market: Market, seed: int, wider: float = 1.0) -> Ideas:
    """Spread signals over the market, each with a target and a stop 0.3 to 3 % away, times `wider`."""
    random = np.random.Generator(np.random.PCG64(seed))
    candles = len(market.close)
    index = np.sort(random.choice(candles - 10, size=count, replace=count > candles // 2)).astype(np.int64)
    side = np.where(random.random(count) < 0.5, 1, -1)
    to_target, to_stop = random.uniform(0.003, 0.03, count) * wider, random.uniform(0.003, 0.03, count) * wider
    entry = market.close[index]
    return Ideas(
        index, side, entry, np.round(entry * (1 + side * to_target), 2), np.round(entry * (1 - side * to_stop), 2)
    )


def pyramid(market: Market) -> Pyramid:
    """Build block maxima of the highs and minima of the lows, padded by a block."""
    highs, lows = [market.high], [market.low]
    while len(highs[-1]) > FAN_OUT:
        size = -(-len(highs[-1]) // FAN_OUT) * FAN_OUT
        high, low = np.full(size, -np.inf), np.full(size, np.inf)
        high[: len(highs[-1])], low[: len(lows[-1])] = highs[-1], lows[-1]
        highs.append(high.reshape(-1, FAN_OUT).max(1))
        lows.append(low.reshape(-1, FAN_OUT).min(1))
    return [_in_blocks(level, -np.inf) for level in highs], [_in_blocks(level, np.inf) for level in lows]


def _in_blocks(level: Floats, padding: float) -> Floats:
    rest = FAN_OUT - len(level) % FAN_OUT + FAN_OUT
    return np.concatenate([level, np.full(rest, padding)]).reshape(-1, FAN_OUT)


def first_touches(made: Pyramid, wanted: Ideas) -> Whole:
    """Return the first candle after each entry that reaches a level, -1 if none: climb, then descend."""
    highs, lows = made
    below, above = wanted.below, wanted.above
    found = np.full(len(below), -1, np.int64)
    live, at = np.arange(len(below)), wanted.index + 1
    climbed: list[tuple[Whole, Whole]] = []
    for high, low in zip(highs, lows, strict=True):
        block = at // FAN_OUT
        reached = (low[block] <= below[live, None]) | (high[block] >= above[live, None])
        reached &= np.arange(FAN_OUT) >= (at - block * FAN_OUT)[:, None]
        column = reached.argmax(1)
        is_hit = reached[np.arange(len(live)), column]
        climbed.append((live[is_hit], block[is_hit] * FAN_OUT + column[is_hit]))
        live, at = live[~is_hit], block[~is_hit] + 1
        if len(live) == 0:
            break
    who, where = np.empty(0, np.int64), np.empty(0, np.int64)
    for level in range(len(climbed) - 1, 0, -1):
        who = np.concatenate([who, climbed[level][0]])
        where = np.concatenate([where, climbed[level][1]])
        reached = (lows[level - 1][where] <= below[who, None]) | (highs[level - 1][where] >= above[who, None])
        where = where * FAN_OUT + reached.argmax(1)
    found[climbed[0][0]] = climbed[0][1]
    found[who] = where
    return found


def searched(series: CandleSeries, wanted: Ideas) -> Whole:
    """Do the same with papertrade's index, its build included; levels become whole numbers first."""
    index = TouchIndex(series)
    scale = 10**series.decimals
    below, above = np.rint(wanted.below * scale).astype(np.int64), np.rint(wanted.above * scale).astype(np.int64)
    return index.firsts(wanted.index + 1, below, above)


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def main() -> None:
    turns = 5 if "--quick" in sys.argv else 25
    wider = 5.0 if "--wide" in sys.argv else 1.0
    market = walk(YEAR, 20_240_101)
    series = market.series("BTCUSDT")
    for count in (1_000, 10_000, 100_000):
        wanted = ideas(count, market, 7_000 + count, wider)
        floor_found, found = first_touches(pyramid(market), wanted), searched(series, wanted)
        assert (np.where(floor_found < 0, len(series), floor_found) == found).all()
        floors, ours = [], []
        for _ in range(turns):
            floors.append(milliseconds(lambda wanted=wanted: first_touches(pyramid(market), wanted)))
            ours.append(milliseconds(lambda wanted=wanted: searched(series, wanted)))
        floor, finder = statistics.median(floors), statistics.median(ours)
        print(f"{count:,} signals: floor {floor:.2f} ms, finder {finder:.2f} ms")
        print(f"P7 finder / floor {finder / floor:.2f} (budget 2)")


if __name__ == "__main__":
    main()
