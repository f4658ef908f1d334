"""Makes the synthetic tape of `papertrade demo`: prices that nobody ever paid, the same for the same seed.

Each symbol follows a few anchors with random steps between them, so that the demo's signals meet their
targets and stops. Run it from the project's folder; it rewrites papertrade/demo_tape/candles.csv.gz.
"""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random

SEED = 20260302
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTES = 240
STEPS_A_MINUTE = 12

ANCHORS: dict[str, tuple[tuple[int, int], ...]] = {
    "BTCUSDT": ((0, 60000), (30, 60000), (95, 60950), (130, 60400), (185, 61350), (240, 60900)),
    "ETHUSDT": ((0, 3000), (30, 3000), (75, 3044), (140, 2956), (205, 3016), (240, 2998)),
    "SOLUSDT": ((0, 150), (30, 150), (62, 148), (130, 152), (195, 154), (240, 153)),
}
STEP = {"BTCUSDT": Decimal("0.1"), "ETHUSDT": Decimal("0.01"), "SOLUSDT": Decimal("0.001")}
ROUGHNESS = 0.00035
"""The standard deviation of one step, as a fraction of the price."""


def path(symbol: str, random: Random) -> list[float]:
    """Return the price at every step: straight lines between the anchors, with noise that returns to them."""
    prices: list[float] = []
    noise = 0.0
    anchors = ANCHORS[symbol]
    for (minute, price), (next_minute, next_price) in pairwise(anchors):
        count = (next_minute - minute) * STEPS_A_MINUTE
        for step in range(count):
            noise = noise * 0.985 + random.gauss(0, ROUGHNESS)
            prices.append((price + (next_price - price) * step / count) * (1 + noise))
    return prices


def candle(prices: list[float], step: Decimal) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Return open, high, low and close on the price step."""
    exact = [(Decimal(repr(price)) / step).to_integral_value() * step for price in prices]
    return exact[0], max(exact), min(exact), exact[-1]


def rows() -> list[str]:
    """Return the lines of the tape, minute by minute."""
    random = Random(SEED)
    paths = {symbol: path(symbol, random) for symbol in ANCHORS}
    lines = ["symbol,time,open,high,low,close,volume"]
    for minute in range(MINUTES):
        at = (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for symbol, prices in paths.items():
            first = minute * STEPS_A_MINUTE
            shown = candle(prices[first : first + STEPS_A_MINUTE + 1], STEP[symbol])
            volume = random.randrange(1, 90)
            lines.append(",".join([symbol, at, *(f"{price:f}" for price in shown), str(volume)]))
    return lines


def main() -> None:
    """Write the tape; the same bytes every time."""
    target = Path(__file__).resolve().parents[1] / "papertrade" / "demo_tape" / "candles.csv.gz"
    content = "\n".join(rows()) + "\n"
    with target.open("wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as file:
        file.write(content.encode())


if __name__ == "__main__":
    main()
