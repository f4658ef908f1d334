"""The worked examples give the signals that anyone can work out, and pass their own check."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np

from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.signal import EntryType
from papertrade.runs.lookahead import check_lookahead
from papertrade.runs.strategy import load_strategy
from papertrade.runs.strategy_drive import signals_of
from tests.runs.strategies import START, closes

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MA_CROSS = str(EXAMPLES / "ma_cross.py")
BREAKOUT = str(EXAMPLES / "breakout.py")


def test_ma_cross_trades_where_the_averages_cross() -> None:
    # A step up after 60 candles: the fast average rises first. 50 candles later the slow one has caught up, and equal
    # is not above. The step down after 200 begins at equal averages: nothing crosses.
    series = closes([10_000] * 60 + [11_000] * 140 + [9_000] * 100)
    signals = signals_of(load_strategy(MA_CROSS), {"AAAUSDT": series})
    found = [(signal.side, (signal.made_at_ms - START) // MINUTE_MS) for signal in signals]
    assert found == [(Side.LONG, 61), (Side.SHORT, 110)]
    assert [str(signal.exits.stop) for signal in signals] == ["2%", "2%"]
    assert {signal.source for signal in signals} == {"ma_cross"}


def test_ma_cross_shorts_when_the_fast_average_falls_below() -> None:
    series = closes([10_000] * 60 + [11_000] * 30 + [9_000] * 30)
    signals = signals_of(load_strategy(MA_CROSS), {"AAAUSDT": series})
    assert [(signal.side, (signal.made_at_ms - START) // MINUTE_MS) for signal in signals] == [
        (Side.LONG, 61),
        (Side.SHORT, _first_below(series.close)),
    ]


def _first_below(close: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """Work out by whole sums when 5 · the last 10 are no longer above the last 50."""
    counts = range(90, len(close) + 1)
    return next(n for n in counts if 5 * int(close[n - 10 : n].sum()) <= int(close[n - 50 : n].sum()))


def test_breakout_waits_above_a_quiet_range() -> None:
    # 300 candles between 90 and 110, then quiet at 100: quiet once the last 60 are all quiet ones.
    noisy = [9_000 + 2_000 * (n % 2) for n in range(320)]
    series = closes(noisy + [10_000] * 100)
    (signal,) = signals_of(load_strategy(BREAKOUT), {"AAAUSDT": series})
    # The open of the first quiet candle is still that of a noisy close, so it takes one more.
    assert (signal.made_at_ms - START) // MINUTE_MS == 320 + 61
    assert (signal.side, signal.entry_type, signal.entry_price) == (Side.LONG, EntryType.STOP, Decimal("100.01"))
    assert str(signal.exits.stop) == "99.99"
    assert [str(target) for target in signal.exits.targets] == ["1R:0.5", "3R:0.5"]
    assert signal.expires_at_ms == signal.made_at_ms + 4 * 60 * MINUTE_MS


def test_the_examples_pass_their_own_check() -> None:
    steps = np.random.default_rng(11).integers(-40, 41, 4_000)
    series = {"AAAUSDT": closes((200_000 + np.cumsum(steps)).tolist())}
    for words in (MA_CROSS, BREAKOUT):
        check = check_lookahead(words, series)
        assert check.leaks == ()
        assert check.signals > 5
