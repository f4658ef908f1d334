"""What a strategy sees: the past and nothing else, the same for ever, exact to the nearest float."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade import Candles
from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.signal import EntryType, Level, LevelKind, Size, SizeKind
from papertrade.runs.strategy_candles import CandleTrack
from papertrade.runs.strategy_signals import number_text, running_id
from tests.runs.strategies import START, closes

NAMES = ("time", "open", "high", "low", "close", "volume")
RISING = list(range(10_000, 10_020))


def track(prices: list[int]) -> CandleTrack:
    return CandleTrack("AAAUSDT", closes(prices), "idea")


def test_a_view_shows_the_candles_up_to_now() -> None:
    candles = Candles(track(RISING), 3)
    assert len(candles) == 3
    assert (candles.symbol, candles.interval_ms) == ("AAAUSDT", MINUTE_MS)
    assert candles.now_ms == START + 3 * MINUTE_MS
    assert candles.time.tolist() == [START, START + MINUTE_MS, START + 2 * MINUTE_MS]
    assert candles.open.tolist() == [100.0, 100.0, 100.01]
    assert candles.high.tolist() == [100.01, 100.02, 100.03]
    assert candles.low.tolist() == [99.99, 99.99, 100.0]
    assert candles.close.tolist() == [100.0, 100.01, 100.02]
    assert candles.volume.tolist() == [0.0, 1.0, 2.0]
    assert repr(candles) == "<3 candles of AAAUSDT up to 2026-11-20T10:03:00.000Z>"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_future_lies_behind_an_array(name: str) -> None:
    seen = track(RISING)
    for count in range(1, len(RISING)):
        array: np.ndarray[tuple[int], np.dtype[np.float64]] = getattr(Candles(seen, count), name)
        base = array.base
        assert isinstance(base, np.ndarray)
        assert base[count:].tolist() == [0.0] * (len(RISING) - count)


@pytest.mark.parametrize("name", NAMES)
def test_a_view_does_not_grow(name: str) -> None:
    seen = track(RISING)
    early = Candles(seen, 5)
    before = getattr(early, name)
    values = before.tolist()
    assert len(getattr(Candles(seen, 20), name)) == 20
    assert len(early) == len(before) == len(getattr(early, name)) == 5
    assert before.tolist() == values


@pytest.mark.parametrize("name", NAMES)
def test_the_arrays_are_read_only(name: str) -> None:
    array = getattr(Candles(track(RISING), 5), name)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


@given(st.integers(1, 10**18 - 1), st.integers(0, 18))
def test_a_price_is_the_float_nearest_to_it(whole: int, decimals: int) -> None:
    series = replace(closes([10_000]), decimals=decimals, volume=np.array([whole], np.int64), volume_decimals=decimals)
    candles = Candles(CandleTrack("AAAUSDT", series, "idea"), 1)
    assert candles.volume[0] == float(Decimal(whole).scaleb(-decimals))


def test_columns_longer_than_a_chunk_are_whole() -> None:
    prices = (10_000 + np.arange(200_000) % 977).tolist()
    series = closes(prices)
    candles = Candles(CandleTrack("AAAUSDT", series, "idea"), 150_001)
    assert np.array_equal(candles.close, series.close[:150_001] / 100)
    later = Candles(CandleTrack("AAAUSDT", series, "idea"), 200_000)
    assert np.array_equal(later.time, series.open_ms)
    assert np.array_equal(later.high, series.high / 100)


# -- signals -----------------------------------------------------------------------------------------------


def candles(count: int = 3) -> Candles:
    return Candles(track(RISING), count)


def test_a_signal_is_made_now_with_words_as_in_a_file() -> None:
    made = candles().signal(
        "long", stop="2%", take_profit=["110:0.5", "3R:0.5"], risk="1%", expires="2h", reason="why", tags=["a", "b"]
    )
    assert made.key == "idea:AAAUSDT-20261120T100300Z"
    assert (made.symbol, made.side, made.made_at_ms) == ("AAAUSDT", Side.LONG, START + 3 * MINUTE_MS)
    assert made.entry_type is EntryType.MARKET
    assert made.exits.stop == Level(LevelKind.PERCENT, Decimal(2))
    assert [str(target) for target in made.exits.targets] == ["110:0.5", "3R:0.5"]
    assert made.size == Size(SizeKind.RISK_PERCENT, Decimal(1))
    assert made.expires_at_ms == START + 3 * MINUTE_MS + 7_200_000
    assert (made.reason, made.tags, made.is_dated, made.is_expiry_dated) == ("why", ("a", "b"), True, True)


def test_numbers_are_taken_at_the_digits_they_show() -> None:
    made = candles().signal(
        "short", entry=np.float64(99.1), stop=100.1, take_profit=Decimal("90.50"), size=np.int64(2), confidence=0.1
    )
    assert (made.entry_type, made.entry_price) == (EntryType.LIMIT, Decimal("99.1"))
    assert made.exits.stop == Level(LevelKind.PRICE, Decimal("100.1"))
    assert [str(target) for target in made.exits.targets] == ["90.5"]
    assert made.size == Size(SizeKind.QUANTITY, Decimal(2))
    assert made.confidence == Decimal("0.1")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-7, "0.0000001"),
        (1.23456789e-12, "0.00000000000123456789"[:20]),
        (1e22, "10000000000000000000000"),
        (np.float32(0.5), "0.5"),
        (Decimal("1E+3"), "1000"),
        ("2%", "2%"),
    ],
)
def test_how_a_number_is_written(number: float | Decimal | str, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), np.float64("nan"), True, Decimal("NaN")])
def test_what_is_no_number(number: float) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        number_text(number)


def test_several_signals_of_one_candle_have_letters() -> None:
    seen = track(RISING)
    now = Candles(seen, 3)
    ids = [now.signal("long").external_id for _ in range(3)] + [Candles(seen, 4).signal("long").external_id]
    stem = "AAAUSDT-20261120T10"
    assert ids == [f"{stem}0300Z", f"{stem}0300Zb", f"{stem}0300Zc", f"{stem}0400Z"]
    assert now.signal("long", id="mine").external_id == "mine"
    assert running_id("A", 1_500, 26) == "A-19700101T000001.500Z-27"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"stop": "2R"}, "stop `2R` cannot be in risks"),
        ({"stop": "often"}, "stop: `often` is not a level"),
        ({"entry_type": "stop"}, "entry: is missing: a stop entry needs a price"),
        ({"size": 1, "risk": "1%"}, "risk: `size` is given too: choose one"),
        ({"stop": 0.0}, "stop: level `0` must be above 0"),
        ({"take_profit": float("nan")}, "`NaN` is not a number"),
        ({"expires": 1_700_000_000_000}, "expires: `1700000000000` is not after the candle"),
        ({"tags": ["a;b"]}, "tags: an item has a semicolon"),
    ],
)
def test_wrong_words_are_named(words: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        candles().signal("long", **words)


def test_a_wrong_side() -> None:
    with pytest.raises(ValueError, match="side: `up` is not a side, expected long, short, buy or sell"):
        candles().signal("up")


def test_a_strategy_wishes_every_exit() -> None:
    made = Candles(track(RISING), 3).signal(
        "long", stop="2%", take_profit=["1R:0.5"], trail=0.5, break_even="1R", time_limit="4h", after_tp1="be"
    )
    exits = made.exits
    wishes = (exits.stop, exits.trail, exits.break_even, exits.time_limit, exits.after_first)
    assert [str(wish) for wish in wishes] == ["2%", "0.5", "1R", "4h", "be"]
    bare = Candles(track(RISING), 3).signal("long", take_profit="110:0.5", after_tp1=101)
    assert (bare.exits.stop, str(bare.exits.after_first)) == (None, "101")


WRONG_EXITS: list[tuple[dict[str, str | float], str]] = [
    ({"trail": "x"}, "trail: `x` is not a level"),
    ({"break_even": "1R"}, "break_even: a break-even in risks (`1R`) needs a stop loss"),
    ({"time_limit": "0h"}, "time_limit: duration `0h` must be more than 0"),
    ({"take_profit": 110, "after_tp1": "be"}, "after_tp1: a stop at `be` after the first target needs something left"),
    ({"after_tp1": "x"}, "after_tp1: `x` is not a level"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_EXITS)
def test_wrong_exits_are_named(words: dict[str, str | float], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Candles(track(RISING), 3).signal("long", **words)  # type: ignore[arg-type]
