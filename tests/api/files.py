"""Candles and signals for the tests of the Python API: a seeded walk, in memory and as the files people have."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from papertrade import CandleSeries, Signal, candles_from, signal

START_MS = 1_527_811_200_000  # 2018-06-01T00:00Z
MINUTE_MS = 60_000
ROWS = 3_000


@dataclass(frozen=True)
class Walk:
    """Columns of a random walk with two decimals."""

    times: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def series(self, symbol: str = "BTCUSDT") -> CandleSeries:
        return candles_from(symbol, self.times, self.open, self.high, self.low, self.close, self.volume)


def walk(seed: int = 7) -> Walk:
    random = np.random.Generator(np.random.PCG64(seed))
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.001, ROWS))), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    high = np.round(np.maximum(opened, close) * (1 + np.abs(random.normal(0, 0.0005, ROWS))), 2)
    low = np.round(np.minimum(opened, close) * (1 - np.abs(random.normal(0, 0.0005, ROWS))), 2)
    high, low = np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close))
    times = START_MS + MINUTE_MS * np.arange(ROWS, dtype=np.int64)
    return Walk(times, opened, high, low, close, np.round(random.exponential(3, ROWS), 3))


def ideas(count: int = 60, symbol: str = "BTCUSDT") -> list[Signal]:
    return [
        signal(
            symbol,
            "long" if number % 2 == 0 else "short",
            time=START_MS + (40 * number + 5) * MINUTE_MS,
            stop="1%",
            take_profit=["1R:0.5", "2R:0.5"],
            source="scan",
            id=f"{symbol}-{number}",
        )
        for number in range(count)
    ]


def write_files(folder: Path) -> tuple[Path, Path]:
    """Write `BTCUSDT-1m.csv` (and the same as gzip) and `signals.csv`."""
    rows = walk()
    lines = ["timestamp,open,high,low,close,volume"]
    lines += [
        f"{time},{o:.2f},{h:.2f},{low:.2f},{c:.2f},{v:.3f}"
        for time, o, h, low, c, v in zip(
            rows.times.tolist(), rows.open, rows.high, rows.low, rows.close, rows.volume, strict=True
        )
    ]
    text = "\n".join(lines) + "\n"
    candles = folder / "BTCUSDT-1m.csv"
    candles.write_text(text)
    (folder / "BTCUSDT-1m.csv.gz").write_bytes(gzip.compress(text.encode()))
    signals = folder / "signals.csv"
    cells = [
        f"{idea.external_id},{idea.source},{idea.made_at_ms},{idea.symbol},{idea.side},1%,1R:0.5;2R:0.5"
        for idea in ideas()
    ]
    signals.write_text("\n".join(["id,source,time,symbol,side,stop_loss,take_profit", *cells]) + "\n")
    return candles, signals
