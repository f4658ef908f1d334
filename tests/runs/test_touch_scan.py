"""The array finder finds what a walk over every candle finds, alone and in batches, at every block border."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.feeds.candle_series import CandleSeries, IntColumn
from papertrade.runs.touch_scan import NEVER_ABOVE, NEVER_BELOW, TouchIndex


def series(lows: IntColumn, highs: IntColumn, decimals: int = 0) -> CandleSeries:
    return CandleSeries(
        symbol="BTCUSDT",
        interval_ms=60_000,
        decimals=decimals,
        open_ms=np.arange(len(lows), dtype=np.int64) * 60_000,
        open=lows,
        high=highs,
        low=lows,
        close=highs,
        volume=np.zeros(len(lows), np.int64),
    )


def walked(of: CandleSeries, start: int, below: int, above: int) -> int:
    for at in range(start, len(of)):
        if of.low[at] <= below or of.high[at] >= above:
            return at
    return len(of)


@st.composite
def walks(draw: st.DrawFn) -> CandleSeries:
    length = draw(st.sampled_from([0, 1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 300, 4095, 4096, 4097, 5000]))
    dice = np.random.default_rng(draw(st.integers(0, 10**6)))
    lows = 1_000 + np.abs(np.cumsum(dice.integers(-3, 4, length))).astype(np.int64)
    return series(lows, lows + dice.integers(0, 5, length))


@settings(max_examples=150, deadline=None)
@given(walks(), st.lists(st.tuples(st.floats(0, 1.01), st.integers(-1, 80), st.integers(-1, 80)), max_size=30))
def test_finder_equals_a_walk_over_every_candle(of: CandleSeries, asked: list[tuple[float, int, int]]) -> None:
    index = TouchIndex(of)
    searches = [
        (int(share * len(of)), NEVER_BELOW if down < 0 else 1_000 + down, NEVER_ABOVE if up < 0 else 1_000 + up)
        for share, down, up in asked
    ]
    expected = [walked(of, *search) for search in searches]
    assert [index.first(*search) for search in searches] == expected
    starts, below, above = (np.array(column, np.int64) for column in ([s[i] for s in searches] for i in range(3)))
    assert index.firsts(starts, below, above).tolist() == expected


@pytest.mark.parametrize("length", [1, 16, 17, 256, 257, 4096, 4097])
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_single_spike_is_found_from_anywhere_before_it(length: int, place: str) -> None:
    lows = np.full(length, 100, np.int64)
    highs = lows.copy()
    spike = 0 if place == "first" else length - 1
    highs[spike] = 200
    index = TouchIndex(series(lows, highs))
    assert [index.first(start, NEVER_BELOW, 200) for start in range(spike + 1)] == [spike] * (spike + 1)
    assert index.first(spike + 1, NEVER_BELOW, 200) == length
    assert index.first(0, NEVER_BELOW, 201) == length
    assert index.first(0, NEVER_BELOW, NEVER_ABOVE) == length


@pytest.mark.parametrize(
    ("price", "below", "above"),
    [("1.23", 123, 123), ("1.2345", 123, 124), ("0.001", 0, 1), ("1.2300000000000000001", 123, 124)],
)
def test_prices_are_floored_and_ceiled_so_that_no_touch_is_hidden(price: str, below: int, above: int) -> None:
    index = TouchIndex(series(np.array([100], np.int64), np.array([200], np.int64), decimals=2))
    assert (index.floor_price(Decimal(price)), index.ceil_price(Decimal(price))) == (below, above)
    assert (index.floor_price(None), index.ceil_price(None)) == (NEVER_BELOW, NEVER_ABOVE)
