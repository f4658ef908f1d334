"""Moving-average cross: long when the fast average rises above the slow one, short when it falls below.

    papertrade backtest --strategy examples/ma_cross.py --candles BTCUSDT=candles.csv
    papertrade watch --strategy examples/ma_cross.py --symbol BTCUSDT

An example of the form, not advice: after fees and slippage such a rule loses on most markets most of the time.
"""

from papertrade import Candles, Signal

FAST, SLOW = 10, 50
WARMUP = SLOW + 1  # the slow average of the candle before is needed too


def strategy(candles: Candles) -> Signal | None:
    """Trade where the averages have just crossed."""
    close = candles.close
    above = close[-FAST:].mean() > close[-SLOW:].mean()
    was_above = close[-FAST - 1 : -1].mean() > close[-SLOW - 1 : -1].mean()
    if above == was_above:
        return None
    return candles.signal(
        "long" if above else "short", stop="2%", take_profit="2R", risk="1%", reason="averages crossed"
    )
