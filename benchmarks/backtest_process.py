"""P9 and P15: `papertrade backtest` as a whole process, against the same search in plain Python.

    python benchmarks/backtest_process.py [runs]

P9: 525,600 one-minute candles from a CSV file and 1,000 signals: <= 1.5 x a process that reads the same file with the
csv module into floats and finds the same exits by blocks of 64 candles; a second run, from the cache, <= 0.5 x the
greater of the two. P15: at most 200 MiB. Measured on a copy of the package with its .pyc files, as an install has
them; floor, first and second run in turn.
"""

from __future__ import annotations

import compileall
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CANDLES = 525_600
SIGNALS = 1_000
BEGIN_MS = 1_704_067_200_000
PACKAGE = Path(__file__).resolve().parents[1] / "papertrade"
START = "import sys; from papertrade.cli import main; sys.exit(main())"
TIMED = """
import resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.returncode)
"""
FLOOR = """
import csv, sys
candles, signals = sys.argv[1:]
highs, lows, size = [], [], 64
with open(candles, newline="") as file:
    rows = csv.reader(file)
    next(rows)
    for row in rows:
        highs.append(float(row[2]))
        lows.append(float(row[3]))
n = len(highs)
tops = [max(highs[k:k + size]) for k in range(0, n, size)]
bottoms = [min(lows[k:k + size]) for k in range(0, n, size)]
total = 0
for row in csv.DictReader(open(signals)):
    stop, target = float(row["stop_loss"]), float(row["take_profit"])
    low, high = min(stop, target), max(stop, target)
    start = (int(row["time"]) - 1704067200000) // 60000
    block, found = start // size, -1
    for j in range(start, min(n, (block + 1) * size)):
        if lows[j] <= low or highs[j] >= high:
            found = j
            break
    else:
        for block in range(block + 1, len(tops)):
            if bottoms[block] <= low or tops[block] >= high:
                for j in range(block * size, min(n, (block + 1) * size)):
                    if lows[j] <= low or highs[j] >= high:
                        found = j
                        break
                break
    total += found
print(total)
"""


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        shutil.copytree(PACKAGE, place / "site" / "papertrade", ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(place / "site", quiet=1)
        candles, signals = write_candles(place / "candles.csv"), place / "signals.csv"
        write_signals(signals, candles)
        files = [str(place / "candles.csv"), str(signals)]
        ours = [sys.executable, "-c", START, "backtest", "--signals", files[1], "--candles", f"BTCUSDT={files[0]}"]
        environment = {**os.environ, "PYTHONPATH": str(place / "site"), "HOME": folder, "NO_COLOR": "1"}
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            environment[name] = str(place / name.lower())
        cache = place / "xdg_cache_home"
        floors, firsts, seconds = [], [], []
        peak = 0
        for number in range(runs + 1):
            floor, _ = timed([sys.executable, "-c", FLOOR, *files], environment)
            shutil.rmtree(cache, ignore_errors=True)
            first, first_peak = timed(ours, environment)
            second, second_peak = timed(ours, environment)
            if number > 0:  # the first round warms the disk
                floors.append(floor)
                firsts.append(first)
                seconds.append(second)
                peak = max(peak, first_peak, second_peak)
    return report(statistics.median(floors), statistics.median(firsts), statistics.median(seconds), peak)


def report(floor: float, first: float, second: float, peak: int) -> int:
    ratios = (
        ("P9 first run", first / floor, 1.5),
        ("P9 second run", second / max(first, floor), 0.5),
        ("P15 MiB", peak / 1024, 200.0),
    )
    print(f"floor {floor * 1000:.0f} ms, first {first * 1000:.0f} ms, second {second * 1000:.0f} ms")
    for name, value, budget in ratios:
        print(f"{name:14} {value:8.2f}  budget {budget:6.1f}  {'ok' if value <= budget else 'OVER'}")
    return int(any(value > budget for _, value, budget in ratios))


def timed(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, int]:
    """Return seconds and peak memory in KiB of a process that must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED, *command], env=environment, capture_output=True, text=True, check=True
    )
    elapsed, peak, code = done.stdout.split()
    if code != "0":
        raise SystemExit(f"{command[-1]} failed with exit code {code}: {done.stderr}")
    return float(elapsed), int(peak)


def write_candles(path: Path) -> list[float]:
    """Write a random walk of one-minute candles and return the opens."""
    chance = random.Random(20_240_101)
    price = 40_000.0
    opens = []
    with path.open("w") as file:
        file.write("time,open,high,low,close,volume\n")
        for number in range(CANDLES):
            close = price * (1 + chance.gauss(0, 0.0006))
            high = max(price, close) * (1 + abs(chance.gauss(0, 0.0003)))
            low = min(price, close) * (1 - abs(chance.gauss(0, 0.0003)))
            volume = chance.expovariate(1 / 12)
            at_ms = BEGIN_MS + number * 60_000
            file.write(f"{at_ms},{price:.3f},{high + 0.001:.3f},{low - 0.001:.3f},{close:.3f},{volume:.3f}\n")
            opens.append(price)
            price = float(f"{close:.3f}")
    return opens


def write_signals(path: Path, opens: Sequence[float]) -> None:
    """Write signals at random minutes, each with its own stop and target 0.3 to 3 % away."""
    chance = random.Random(7_000 + SIGNALS)
    with path.open("w") as file:
        file.write("id,time,symbol,side,stop_loss,take_profit,notional\n")
        for number in sorted(chance.sample(range(CANDLES - 10), SIGNALS)):
            sign = chance.choice((1, -1))
            stop, target = (chance.uniform(0.003, 0.03) for _ in range(2))
            side = "long" if sign > 0 else "short"
            levels = f"{opens[number] * (1 - sign * stop):.2f},{opens[number] * (1 + sign * target):.2f}"
            file.write(f"{number},{BEGIN_MS + number * 60_000},BTCUSDT,{side},{levels},100\n")


if __name__ == "__main__":
    began = time.perf_counter()
    code = main()
    print(f"took {time.perf_counter() - began:.0f} s")
    sys.exit(code)
