"""Loading candles: a CSV of 525,600 rows against `csv.reader` and float, and the same file from the cache.

    python benchmarks/candles.py [--quick]

All in one run and in turn, medians. The floor keeps high, low and close as lists of floats; papertrade checks every
row and keeps all six columns exactly. The part of P9 that is loading: the second run of a file is answered by the
cache, which reads and hashes the file and the entry.
"""

from __future__ import annotations

import csv
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from papertrade.engine.instants import to_iso
from papertrade.feeds.candle_files import read_candles

START_MS = 1_704_067_200_000
ROWS = 525_600


def write(folder: Path, *, is_iso: bool) -> Path:
    """Write a year of minutes as a random walk, prices with two decimals."""
    chance = random.Random(9)
    path = folder / ("iso.csv" if is_iso else "ms.csv")
    price = 4_000_000
    with path.open("w") as file:
        file.write("time,open,high,low,close,volume\n")
        for minute in range(ROWS):
            at_ms = START_MS + 60_000 * minute
            close = max(price + round(chance.gauss(0, 2_400)), 1_000_000)
            high, low = max(price, close) + chance.randrange(2_000), min(price, close) - chance.randrange(2_000)
            prices = ",".join(f"{value / 100:.3f}" for value in (price, high, low, close))
            file.write(f"{to_iso(at_ms) if is_iso else at_ms},{prices},{chance.expovariate(0.08):.3f}\n")
            price = close
    return path


def floor(path: Path) -> int:
    """Read as a simple script does."""
    highs, lows, closes = [], [], []
    with path.open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            highs.append(float(row[2]))
            lows.append(float(row[3]))
            closes.append(float(row[4]))
    return len(closes)


def median(works: dict[str, Callable[[], int]], turns: int) -> dict[str, float]:
    """Return the median seconds of each work, done in turn; the first turn does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 1):
        for name, work in works.items():
            began = time.perf_counter()
            count = work()
            if turn:
                seconds[name].append(time.perf_counter() - began)
            assert count == ROWS
    return {name: statistics.median(figures) for name, figures in seconds.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, iso, cache = write(folder, is_iso=False), write(folder, is_iso=True), folder / "cache"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read_candles(plain, "BTCUSDT")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        works: dict[str, Callable[[], int]] = {
            "csv.reader to float": lambda: floor(plain),
            "candle file": lambda: len(read_candles(plain, "BTCUSDT")),
            "candle file, ISO times": lambda: len(read_candles(iso, "BTCUSDT")),
            "candle file, cached": lambda: len(read_candles(plain, "BTCUSDT", cache_folder=cache)),
        }
        found = median(works, 3 if "--quick" in sys.argv else 9)
    reference = found["csv.reader to float"]
    for work, seconds in found.items():
        print(f"{work:24} {seconds * 1000:7.0f} ms   {seconds / reference:.2f} of csv.reader")
    print(f"peak memory of one load: {grown:.0f} MiB more than before")


if __name__ == "__main__":
    main()
