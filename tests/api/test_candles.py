"""Candles of files and of columns: exact whatever the columns are made of, and refused with the place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade import CandleSeries, candles_from, load_candles, signal
from papertrade.api.arguments import Span
from papertrade.api.candles import Moments, Numbers
from papertrade.errors import InputFileError
from tests.api.files import MINUTE_MS, ROWS, START_MS, walk, write_files

TIMES = [START_MS, START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]
FLAT = [100, 100, 100]


def same(one: CandleSeries, other: CandleSeries) -> bool:
    return list(one) == list(other) and (one.symbol, one.interval_ms) == (other.symbol, other.interval_ms)


def test_a_file_and_its_columns_give_the_same_candles(tmp_path: Path) -> None:
    file, _ = write_files(tmp_path)
    of_file = load_candles(file, "btc/usdt", cache=False)
    assert (len(of_file), of_file.decimals) == (ROWS, 2)
    assert same(of_file, walk().series("BTC-USDT"))


def test_a_second_read_comes_from_the_cache(tmp_path: Path) -> None:
    file, _ = write_files(tmp_path)
    folder = tmp_path / "cache"
    first = load_candles(file, cache=folder)
    (entry,) = folder.iterdir()
    assert same(load_candles(file, cache=folder), first)
    assert list(folder.iterdir()) == [entry]


def test_the_cache_is_that_of_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from papertrade.commands.backtest_options import candle_cache_folder

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    file, _ = write_files(tmp_path)
    load_candles(file)
    assert len(list(candle_cache_folder().iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT.csv", "BTCUSDT"),
        ("BTCUSDT-1m-2024-01.csv", "BTCUSDT"),
        ("bitfinex_BTCUSD_1m.csv", "BTCUSD"),
        ("1000PEPEUSDT 1D.csv", "1000PEPEUSDT"),
    ],
)
def test_a_file_may_name_its_symbol(tmp_path: Path, name: str, symbol: str) -> None:
    file, _ = write_files(tmp_path)
    assert load_candles(file.rename(tmp_path / name), cache=False).symbol == symbol


@pytest.mark.parametrize("name", ["candles.csv", "BTC-USDT.csv", "btcusdt_1M.csv"])
def test_a_file_that_names_none_is_refused_before_it_is_read(name: str) -> None:
    with pytest.raises(ValueError, match="does not name one symbol"):
        load_candles(name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="BTCUSDT"):
        load_candles(tmp_path / "BTCUSDT.csv")


@pytest.mark.parametrize("kind", ["float", "text", "decimal", "float32", "whole"])
def test_numbers_of_any_kind_are_exact(kind: str) -> None:
    texts = ["100.25", "100.5", "101"]
    columns: dict[str, Numbers] = {
        "float": [100.25, 100.5, 101.0],
        "text": texts,
        "decimal": [Decimal(text) for text in texts],
        "float32": np.array([100.25, 100.5, 101.0], np.float32),
        "whole": np.array([100, 100, 101]),
    }
    column = columns[kind]
    made = candles_from("AAAUSDT", TIMES, column, column, column, column, column)
    expected = {"whole": ["100", "100", "101"]}.get(kind, texts)
    assert [candle.close for candle in made] == [Decimal(text) for text in expected]
    assert [candle.volume for candle in made] == [Decimal(text) for text in expected]


def test_a_float_of_32_bits_is_what_it_prints() -> None:
    made = candles_from("AAAUSDT", TIMES, *[np.array([0.1, 0.1, 0.1], np.float32)] * 4)
    assert made.candle(0).open == Decimal("0.1")


@given(st.lists(st.decimals(min_value="0.00000001", max_value="999999999", places=8), min_size=1, max_size=20))
def test_a_float_is_the_decimal_that_it_was(prices: list[Decimal]) -> None:
    column = np.array([float(price) for price in prices])
    times = START_MS + MINUTE_MS * np.arange(len(column))
    made = candles_from("AAAUSDT", times, column, column, column, column, interval="1m")
    assert [candle.close for candle in made] == [Decimal(repr(price)) for price in column.tolist()]


def test_prices_that_cannot_be_kept_are_refused_and_not_cut() -> None:
    made = candles_from("AAAUSDT", TIMES, *[[0.1 + 0.2, 0.1, 0.1]] * 4)
    assert made.candle(0).close == Decimal("0.30000000000000004")
    with pytest.raises(ValueError, match="needs more than 18 digits"):
        candles_from("AAAUSDT", TIMES, *[[0.1 + 0.2, 100.0, 0.1]] * 4)


def test_times_of_any_kind_are_the_same() -> None:
    start = datetime(2018, 6, 1, tzinfo=UTC)
    kinds: list[Moments] = [
        TIMES,
        tuple(np.array(TIMES)),
        np.array(TIMES),
        np.array(TIMES, "datetime64[ms]"),
        np.array(TIMES, "datetime64[ms]").astype("datetime64[ns]"),
        [start + timedelta(minutes=n) for n in range(3)],
        np.array([start + timedelta(minutes=n) for n in range(3)], object),
        [f"2018-06-01T00:0{n}Z" for n in range(3)],
    ]
    made = [candles_from("AAAUSDT", times, FLAT, FLAT, FLAT, FLAT).open_ms.tolist() for times in kinds]
    assert made == [TIMES] * len(kinds)


def test_pandas_columns_are_taken_as_they_are() -> None:
    pandas = pytest.importorskip("pandas")
    rows = walk()
    frame = pandas.DataFrame({"o": rows.open, "h": rows.high, "l": rows.low, "c": rows.close, "v": rows.volume})
    naive = pandas.to_datetime(rows.times, unit="ms")
    zoned = naive.tz_localize("UTC").tz_convert("Asia/Tokyo")
    for times in (naive, zoned, pandas.Series(zoned), zoned.as_unit("s")):
        made = candles_from("BTCUSDT", times, frame.o, frame.h, frame.l, frame.c, frame.v)
        assert same(made, rows.series())
    assert signal("BTCUSDT", "long", time=zoned[1], stop=frame.c[1] * 0.99).made_at_ms == START_MS + MINUTE_MS


@pytest.mark.parametrize("interval", ["1m", 60_000, timedelta(minutes=1)], ids=str)
def test_an_interval_may_be_written_in_many_ways(interval: Span) -> None:
    assert candles_from("AAAUSDT", [START_MS], [1], [1], [1], [1], interval=interval).interval_ms == MINUTE_MS


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ("soon", "`soon` is not a duration"),
        (0, "`0` must be above 0"),
        (True, "`True` is not a length of time"),
        (timedelta(microseconds=1), "is not a whole number of milliseconds"),
    ],
    ids=str,
)
def test_an_interval_that_is_none(interval: Span, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        candles_from("AAAUSDT", TIMES, FLAT, FLAT, FLAT, FLAT, interval=interval)
    assert str(caught.value).startswith("interval: ")


def refused(times: Moments, close: Numbers | None = None, volume: Numbers | None = None) -> str:
    count = len(np.asarray(times))
    column = [100] * count if close is None else close
    with pytest.raises(ValueError) as caught:
        candles_from("AAAUSDT", times, [100] * count, [101] * count, [99] * count, column, volume)
    return str(caught.value)


def test_what_is_no_column_of_candles_is_refused_with_its_place() -> None:
    assert refused([]) == "times: a column of one time or more is needed"
    assert refused([START_MS]) == 'interval: one candle does not tell it, name it: interval="1m"'
    assert refused([START_MS, START_MS]) == "times[1]: does not follow the one before it"
    assert "looks like epoch seconds" in refused([START_MS // 1000, START_MS // 1000 + 60])
    assert refused(np.array(["2018-06-01", "NaT"], "datetime64[D]")) == "times[1]: is no time"
    assert refused([1.5, 2.5]).startswith("times[0]: `1.5` is not a time")
    assert refused(TIMES, [100, 100]) == "close: has 2 values for 3 times"
    assert refused(TIMES, [100.0, float("nan"), 100.0]) == "close[1]: `NaN` is not a number"
    assert refused(TIMES, ["100", "x", "100"]) == "close[1]: `x` is not a plain decimal number"
    assert refused(TIMES, np.array([100, None, 100], object)) == "close[1]: `None` is not a number"
    assert refused(TIMES, [100, 105, 100]) == f"candle at {TIMES[1]} is none: low, open, close, high disagree"
    assert "must lie between low" in refused(TIMES, ["100", "105", "100"])
    assert "volume `-1` must be 0 or more" in refused(TIMES, ["100", "100", "100"], ["1", "-1", "1"])
