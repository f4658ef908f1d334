"""A series of candles: exact columns, cut without copying, and what cannot be one."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.feeds.candle_series import CandleSeries, Hole, IntColumn, Source, series_of

T0 = 1_704_067_200_000


def candle(minute: int, low: str, high: str) -> Candle:
    values = Decimal(low), Decimal(high)
    return Candle(
        open_ms=T0 + minute * MINUTE_MS,
        interval_ms=MINUTE_MS,
        open=values[0],
        high=values[1],
        low=values[0],
        close=values[1],
        volume=Decimal("0.25"),
    )


CANDLES = [candle(0, "1", "2"), candle(1, "0.001", "3"), candle(5, "1.5", "1.75")]


def test_candles_come_back_exactly() -> None:
    series = series_of("X", MINUTE_MS, CANDLES)
    assert list(series) == CANDLES
    assert (series.decimals, series.volume_decimals, len(series)) == (3, 2, 3)
    assert series.price(series.low, 1) == Decimal("0.001")
    assert (series.first_ms, series.end_ms) == (T0, T0 + 6 * MINUTE_MS)
    assert series.holes() == (Hole(T0 + 2 * MINUTE_MS, T0 + 5 * MINUTE_MS, 3),)


@pytest.mark.parametrize(
    ("from_minute", "to_minute", "kept"),
    [
        (None, None, CANDLES),
        (1, None, CANDLES[1:]),
        (None, 1, CANDLES[:1]),
        (2, 5, []),
        (2, 6, CANDLES[2:]),
        (6, 0, []),
    ],
)
def test_a_part_begins_and_ends_with_opens(from_minute: int | None, to_minute: int | None, kept: list[Candle]) -> None:
    instants = [None if minute is None else T0 + minute * MINUTE_MS for minute in (from_minute, to_minute)]
    part = series_of("X", MINUTE_MS, CANDLES, Source("x.csv", "abc")).between(*instants)
    assert list(part) == kept
    assert (part.symbol, part.interval_ms, part.source) == ("X", MINUTE_MS, Source("x.csv", "abc"))


def test_one_price_of_too_many_digits_is_too_wide() -> None:
    with pytest.raises(ValueError, match="`1000000000000000` with 3 decimals needs more than 18 digits"):
        series_of("X", MINUTE_MS, [candle(0, "0.001", "2"), candle(1, "1", f"{10**15}")])


def test_no_candles_are_a_series_too() -> None:
    none = series_of("X", MINUTE_MS, [])
    assert (len(none), none.holes(), none.decimals, none.volume_decimals) == (0, (), 0, 0)


def test_prices_that_need_too_many_digits_together_are_refused() -> None:
    with pytest.raises(ValueError, match="`1000000` with 12 decimals needs more than 18 digits"):
        series_of("X", MINUTE_MS, [candle(0, "0.000000000001", "1000000")])


def column(*values: int) -> IntColumn:
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("low", "opens", "message"),
    [
        (column(1, 0), column(T0, T0 + 60_000), "candle at 1704067260000 is none"),
        (column(1, 3), column(T0, T0 + 60_000), "candle at 1704067260000 is none"),
        (column(1, 1), column(T0, T0 + 59_999), "candle at 1704067259999 does not follow"),
        (column(1), column(T0, T0 + 60_000), "all columns must have the same length"),
    ],
)
def test_what_cannot_be_candles_is_refused(low: IntColumn, opens: IntColumn, message: str) -> None:
    two = column(2, 2)
    with pytest.raises(ValueError, match=message):
        CandleSeries(
            symbol="X",
            interval_ms=MINUTE_MS,
            decimals=0,
            open_ms=opens,
            open=two,
            high=two,
            low=low,
            close=two,
            volume=column(0, 0),
        )
