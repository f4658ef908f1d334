"""A sweep of 1,000 combinations over 1,000 signals against a NumPy one-pass floor, medians of turns in one process.

Run: python benchmarks/sweep.py [turns] [slippage bps]. The floor finds, for each signal, the first touch of each
level by running extremes and combines them in floats: no entries, no fees' rounding, no days, no Sharpe ratio.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.signal import Signal
from papertrade.engine.step import Rules
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.backtest import BacktestRequest
from papertrade.runs.sweeps.entries import find_entries
from papertrade.runs.sweeps.grid import Grid, parse_percents
from papertrade.runs.sweeps.legs import legs_of, rank_all
from papertrade.runs.sweeps.rank import figures_of, parts_of
from papertrade.runs.sweeps.sweep import SweepRequest, sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

CANDLES = 525_600
SIGNALS = 1_000
START = 1_704_067_200_000
GRID = Grid(parse_percents("0.3:3.03:0.07"), parse_percents("0.3:2.94:0.11"))
BUDGET_MS = 800


@dataclass
class Inputs:
    """One random year of minutes and its signals, as a series and as floats."""

    series: CandleSeries
    signals: list[Signal]
    start: NDArray[np.int64]
    side: NDArray[np.int64]


def made(seed: int = 1) -> Inputs:
    random = np.random.default_rng(seed)
    close = np.round(40_000 * np.exp(np.cumsum(random.normal(0, 0.0006, CANDLES))) * 100).astype(np.int64)
    opened = np.concatenate(([4_000_000], close[:-1]))
    up, down = (1 + np.abs(random.normal(0, 0.0003, (2, CANDLES)))) * [[1], [1]]
    series = CandleSeries(
        symbol="BTCUSDT",
        interval_ms=MINUTE_MS,
        decimals=2,
        open_ms=START + MINUTE_MS * np.arange(CANDLES, dtype=np.int64),
        open=opened,
        high=np.ceil(np.maximum(opened, close) * up).astype(np.int64),
        low=np.floor(np.minimum(opened, close) / down).astype(np.int64),
        close=close,
        volume=np.zeros(CANDLES, np.int64),
    )
    start = np.sort(random.choice(CANDLES - 10, SIGNALS, replace=False))
    side = np.where(random.random(SIGNALS) < 0.5, 1, -1)
    signals = [
        Signal(
            source="bench",
            external_id=str(number),
            symbol="BTCUSDT",
            side=Side.LONG if side[number] > 0 else Side.SHORT,
            made_at_ms=int(series.open_ms[index]),
        )
        for number, index in enumerate(start)
    ]
    return Inputs(series, signals, start, side)


def floor(inputs: Inputs) -> NDArray[np.float64]:
    """Sum the returns of every combination, as plainly as NumPy allows."""
    series, fee = inputs.series, 0.001
    high, low, close = series.high / 100, series.low / 100, series.close / 100
    opened = series.open / 100
    assert GRID.targets is not None
    assert GRID.stops is not None
    targets, stops = ([float(value or 0) / 100 for value in axis.values] for axis in (GRID.targets, GRID.stops))
    up, down = np.array(targets), np.array(stops)
    total = np.zeros((len(up), len(down)))
    for begin, side in zip(inputs.start, inputs.side, strict=True):
        entry, width = opened[begin], 512
        target, stop = entry * (1 + side * up), entry * (1 - side * down)
        while True:
            highs, lows = high[begin : begin + width], low[begin : begin + width]
            if side > 0:
                good, bad = np.maximum.accumulate(highs), -np.minimum.accumulate(lows)
                good_at, bad_at = target, -stop
            else:
                good, bad = -np.minimum.accumulate(lows), np.maximum.accumulate(highs)
                good_at, bad_at = -target, stop
            if begin + width >= CANDLES or good[-1] >= good_at[-1] or bad[-1] >= bad_at[-1]:
                break
            width *= 4
        at_target, at_stop = np.searchsorted(good, good_at), np.searchsorted(bad, bad_at)
        at_target[at_target == len(good)] = CANDLES
        at_stop[at_stop == len(bad)] = CANDLES
        gains = side * (target - entry) / entry - fee - fee * target / entry
        losses = side * (stop - entry) / entry - fee - fee * stop / entry
        held = side * (close[-1] - entry) / entry - fee - fee * close[-1] / entry
        total += np.where(
            at_stop[None, :] <= at_target[:, None],
            np.where(at_stop == CANDLES, held, losses)[None, :],
            gains[:, None],
        )
    return total


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def main(turns: int, slippage: str) -> None:
    inputs = made()
    base = BacktestRequest(
        signals=inputs.signals, candles={"BTCUSDT": inputs.series}, rules=Rules(slippage_bps=Decimal(slippage))
    )
    entries = find_entries(base)
    legs = legs_of(entries, base, GRID)
    works: dict[str, Callable[[], object]] = {
        "floor": lambda: floor(inputs),
        "ranking, all of it": lambda: rank_all(base, GRID),
        "  entries, by the exact engine": lambda: find_entries(base),
        "  touches and fills of each level": lambda: legs_of(entries, base, GRID),
        "  all combinations": lambda: [figures_of(part) for part in parts_of(legs)],
        "sweep, best 10 run again twice": lambda: sweep(SweepRequest(base=base, grid=GRID)),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            taken[name].append(milliseconds(work))
    base_ms = statistics.median(taken["floor"])
    print(f"{len(GRID):,} combinations, {SIGNALS:,} signals, {CANDLES:,} candles: floor {base_ms:.1f} ms")
    for name in list(works)[1:]:
        middle = statistics.median(taken[name])
        print(f"  {name:<34}{middle:9.1f} ms   ratio {middle / base_ms:6.2f}")
    print(f"  budget of the ranking: {BUDGET_MS} ms where the floor takes 77 ms, ratio {BUDGET_MS / 77:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, sys.argv[2] if len(sys.argv) > 2 else "0")
