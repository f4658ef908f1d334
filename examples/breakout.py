"""Breakout: a stop entry just above the high of the last hours, when they were unusually quiet.

    papertrade backtest --strategy examples/breakout.py --candles BTCUSDT=candles.csv
    papertrade watch --strategy examples/breakout.py --symbol BTCUSDT

It remembers nothing between calls: all that it needs is in the last WARMUP candles, so a restarted watch makes the
same signals as a backtest. An example of the form, not advice.
"""

from papertrade import Candles, Signal

RANGE, BASE = 60, 300
WARMUP = BASE + 1


def strategy(candles: Candles) -> Signal | None:
    """Wait above the range when it has just become quiet."""
    if not is_quiet(candles, 0) or is_quiet(candles, 1):  # only when it begins
        return None
    top, bottom = float(candles.high[-RANGE:].max()), float(candles.low[-RANGE:].min())
    if top == bottom:
        return None
    return candles.signal(
        "long",
        entry=top,
        entry_type="stop",
        stop=bottom,
        take_profit=["1R:0.5", "3R:0.5"],
        risk="1%",
        expires="4h",
        reason=f"{RANGE} quiet candles under {top:g}",
    )


def is_quiet(candles: Candles, ago: int) -> bool:
    """Whether the last RANGE candles span less than a third of what the last BASE candles span."""
    end = len(candles) - ago
    high, low = candles.high[end - BASE : end], candles.low[end - BASE : end]
    return bool(3 * (high[-RANGE:].max() - low[-RANGE:].min()) < high.max() - low.min())
