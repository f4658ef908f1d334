"""Strategies as files and candles as columns: what the tests of strategies need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent

import numpy as np

from papertrade.engine.market import MINUTE_MS
from papertrade.feeds.candle_series import CandleSeries

START = 1_795_168_800_000
"""2026-11-20T10:00:00Z"""

Written = Callable[[str], str]


def write(folder: Path, text: str, name: str = "idea.py") -> str:
    """Write a strategy's file; return its path as one would type it."""
    file = folder / name
    file.write_text(dedent(text))
    return str(file)


def closes(prices: Sequence[int], symbol: str = "AAAUSDT", start_ms: int = START) -> CandleSeries:
    """Return minutes that close at these prices (two decimals: 10000 is 100), each opening where the last closed."""
    close = np.array(prices, np.int64)
    opened = np.concatenate([close[:1], close[:-1]])
    return CandleSeries(
        symbol=symbol,
        interval_ms=MINUTE_MS,
        decimals=2,
        open_ms=start_ms + MINUTE_MS * np.arange(len(close), dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) + 1,
        low=np.minimum(opened, close) - 1,
        close=close,
        volume=np.arange(len(close), dtype=np.int64),
    )


def flat(count: int, symbol: str = "AAAUSDT", start_ms: int = START) -> CandleSeries:
    return closes([10_000] * count, symbol, start_ms)
