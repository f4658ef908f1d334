"""Candle files: what people bring comes out digit for digit, whatever the format."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.instants import parse_time
from papertrade.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, Candle
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import CandleSeries, Hole, Source

DATA = Path(os.environ.get("PAPERTRADE_TEST_DATA", str(Path(__file__).resolve().parents[2].parent / "shared" / "data")))
NEEDS_DATA = pytest.mark.skipif(not (DATA / "candles").is_dir(), reason="the data set is not here")

T0 = parse_time("2024-01-01T00:00:00Z")
HEADER = "time,open,high,low,close,volume\n"
TWO = HEADER + f"{T0},100,101,99.5,100.25,3\n{T0 + MINUTE_MS},100.25,100.25,100,100,0.001\n"


def written(folder: Path, content: str | bytes, name: str = "candles.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, name: str = "candles.csv") -> CandleSeries:
    return read_candles(written(folder, content, name), "BTCUSDT")


def candle(open_ms: int, *values: str, interval_ms: int = MINUTE_MS) -> Candle:
    opened, high, low, close, volume = map(Decimal, values)
    return Candle(open_ms=open_ms, interval_ms=interval_ms, open=opened, high=high, low=low, close=close, volume=volume)


EXPECTED = [
    candle(T0, "100", "101", "99.5", "100.25", "3"),
    candle(T0 + MINUTE_MS, *["100.25", "100.25", "100", "100", "0.001"]),
]


def test_a_file_is_a_series_of_exact_candles(tmp_path: Path) -> None:
    path = written(tmp_path, TWO)
    series = read_candles(path, "BTCUSDT")
    assert list(series) == EXPECTED
    assert (series.symbol, series.interval_ms, series.decimals, series.volume_decimals) == ("BTCUSDT", MINUTE_MS, 2, 3)
    assert series.source == Source(str(path), hashlib.sha256(TWO.encode()).hexdigest())
    assert [column.dtype.str[1:] for column in (series.open_ms, series.low, series.volume)] == ["i8"] * 3


SAME = {
    "gzip": gzip.compress(TWO.encode()),
    "gzip of several members": gzip.compress(TWO[:50].encode()) + gzip.compress(TWO[50:].encode()),
    "byte order mark and CRLF": b"\xef\xbb\xbf" + TWO.replace("\n", "\r\n").encode(),
    "no newline at the end": TWO.removesuffix("\n").encode(),
    "blank lines": ("\n \r\n" + TWO.replace("\n", "\n\n") + " , ,,,, \n\n").encode(),
    "ISO times": TWO.replace(str(T0), "2024-01-01T00:00:00Z")
    .replace(str(T0 + MINUTE_MS), "2024-01-01T00:01:00Z")
    .encode(),
    "as pandas writes them": TWO.replace(str(T0), "2024-01-01 00:00:00+00:00")
    .replace(str(T0 + MINUTE_MS), "2024-01-01 00:01:00+00:00")
    .encode(),
    "an offset": TWO.replace(str(T0), "2024-01-01T05:30:00+05:30").encode(),
    "milliseconds": TWO.replace(str(T0), "2024-01-01T00:00:00.000Z").encode(),
    "exponents": TWO.replace("0.001", "1e-03").replace("101", "1.01E+2").replace(",3\n", ",300e-2\n").encode(),
    "zeros at the end": TWO.replace("101", "101.00000000").replace("0.001", "0.0010").encode(),
    "zeros at the front and bare points": TWO.replace("101", "00101.").replace("0.001", ".001").encode(),
    "quotes and blanks": TWO.replace("101", '"101"').replace("0.001", " 0.001 ").encode(),
    "other case, order and columns": (
        f"Trades,Volume,Close,Low,High,Open, Open_Time \nx,3,100.25,99.5,101,100,{T0}\n"
        f'"a,b",0.001,100,100,100.25,100.25,{T0 + MINUTE_MS}\n'
    ).encode(),
    "klines": (
        f'[[{T0},"100.00","101","99.5","100.25","3",{T0 + 59_999},"1",2,"3","4","0"],'
        f"[{T0 + MINUTE_MS},100.25,100.25,100,1e2,0.001]]"
    ).encode(),
}


@pytest.mark.parametrize("content", SAME.values(), ids=list(SAME))
@pytest.mark.parametrize("name", ["candles.csv", "candles.csv.gz", "candles"])
def test_what_is_in_a_file_counts_not_its_name(tmp_path: Path, content: bytes, name: str) -> None:
    assert list(read(tmp_path, content, name)) == EXPECTED


def test_of_several_times_the_first_name_is_taken(tmp_path: Path) -> None:
    text = f"date,timestamp,open,high,low,close,volume\n1.1.2024,{T0},1,1,1,1,0\n2.1.2024,{T0 + 1000},1,1,1,1,0\n"
    assert read(tmp_path, text).open_ms.tolist() == [T0, T0 + 1000]


@pytest.mark.parametrize(
    ("times", "interval_ms", "missing"),
    [
        (["2024-01-01T00:00Z", "2024-01-01T00:05Z", "2024-01-01T00:06Z"], MINUTE_MS, 4),
        (["2024-01-01T14:30Z", "2024-01-01T15:30Z", "2024-01-02T14:30Z"], HOUR_MS, 22),
        (["2024-01-01T05:00Z", "2024-01-02T05:00Z"], DAY_MS, 0),
        (["2024-01-01T00:00Z", "2024-01-08T00:00Z", "2024-01-22T00:00Z"], 7 * DAY_MS, 1),
        (["2024-01-01T00:00:03Z", "2024-01-01T00:00:04Z", "2024-01-01T00:00:09Z"], 1000, 4),
    ],
)
def test_the_interval_is_the_shortest_step(tmp_path: Path, times: list[str], interval_ms: int, missing: int) -> None:
    series = read(tmp_path, HEADER + "".join(f"{time},1,1,1,1,0\n" for time in times))
    assert series.interval_ms == interval_ms
    assert sum(hole.missing for hole in series.holes()) == missing


def test_a_given_interval_needs_no_second_row(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + f"{T0},1,1,1,1,0\n")
    assert read_candles(path, "X", interval_ms=HOUR_MS).end_ms == T0 + HOUR_MS
    with pytest.raises(ValueError, match="`0` is not an interval"):
        read_candles(path, "X", interval_ms=0)


def test_chunks_of_different_decimals_are_one_series(tmp_path: Path) -> None:
    count = 60_000  # more than a chunk
    rows = [f"{T0 + 1000 * number},7,9,5.0,8,1\n" for number in range(count)]
    rows[-1] = f"{T0 + 1000 * (count - 1)},7,9.000000000001,5,8e0,0.00000001\n"
    series = read(tmp_path, HEADER + "".join(rows))
    assert (len(series), series.decimals, series.volume_decimals) == (count, 12, 8)
    assert series.candle(0) == candle(T0, "7", "9", "5", "8", "1", interval_ms=1000)
    assert series.candle(count - 1).high == Decimal("9.000000000001")


def test_of_a_volume_18_digits_are_kept(tmp_path: Path) -> None:
    rows = [f"{T0},1,1,1,1,0.30000000000000004\n", f"{T0 + 1000},1,1,1,1,123456789.5\n", f"{T0 + 2000},1,1,1,1,1e-30\n"]
    series = read(tmp_path, HEADER + "".join(rows))
    assert [found.volume for found in series] == [Decimal("0.3"), Decimal("123456789.5"), Decimal(0)]
    assert series.volume_decimals == 1
    spread = [f"{T0 + 1000 * number},1,1,1,1,0\n" for number in range(100_000)]
    spread[0], spread[-1] = rows[0], rows[1].replace(str(T0 + 1000), str(T0 + 99_999_000))
    far_apart = read(tmp_path, HEADER + "".join(spread))
    assert (far_apart.candle(0).volume, far_apart.volume_decimals) == (Decimal("0.3"), 1)


def test_very_small_prices_keep_their_digits(tmp_path: Path) -> None:
    text = HEADER + f"{T0},0.000052900000000000005,5.33e-5,0.00005288,7.4e-06,1\n".replace("7.4e-06", "5.29e-05")
    assert read(tmp_path, text + f"{T0 + 1000},1e-5,1e-5,1e-5,1e-5,1\n").candle(0).open == Decimal(
        "0.000052900000000000005"
    )


def test_the_cache_answers_whatever_the_file_is_called(tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "candles"
    first = read_candles(written(tmp_path, TWO), "BTCUSDT", cache_folder=cache)
    again = read_candles(written(tmp_path, TWO, "other.csv"), "ETHUSDT", cache_folder=cache)
    assert list(again) == list(first) == EXPECTED
    assert again.source == Source(str(tmp_path / "other.csv"), hashlib.sha256(TWO.encode()).hexdigest())
    assert (again.symbol, len(list(cache.iterdir()))) == ("ETHUSDT", 1)
    read_candles(tmp_path / "other.csv", "X", interval_ms=MINUTE_MS, cache_folder=cache)
    assert len(list(cache.iterdir())) == 2


def documented() -> list[tuple[str, int, str, str, int, int]]:
    """The table of candle files in the data set's README: name, rows, first, last, holes, missing."""
    readme = DATA / "README.md"
    text = readme.read_text() if readme.is_file() else ""
    form = r"^\| ([a-z0-9]+_\w+\.csv\.gz) \| (\d+) \| (\S+) \| (\S+) \| (\d+) \| (\d+) \|"
    found = re.findall(form, text, re.MULTILINE)
    return [
        (name, int(rows), first, last, int(holes), int(missing)) for name, rows, first, last, holes, missing in found
    ]


@NEEDS_DATA
@pytest.mark.parametrize(("name", "rows", "first", "last", "holes", "missing"), documented())
def test_recorded_files_load_as_documented(
    name: str, rows: int, first: str, last: str, holes: int, missing: int
) -> None:
    series = read_candles(DATA / "candles" / name, name.split("_")[1])
    assert len(series) == rows
    assert (series.first_ms, series.end_ms) == (parse_time(first), parse_time(last) + series.interval_ms)
    found = series.holes()
    assert (len(found), sum(hole.missing for hole in found)) == (holes, missing)


@NEEDS_DATA
@pytest.mark.parametrize(
    "name",
    ["bitfinex_BTCUSD_1h", "unknownvenue_ADABTC_5m", "coinbase_BTCUSD_1s", "equity_AAPL_1d", "bittrex_XVGBTC_1m"],
)
def test_recorded_files_are_read_digit_for_digit(name: str) -> None:
    path = DATA / "candles" / f"{name}.csv.gz"
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))[1:]
    series = read_candles(path, "X")
    expected = [candle(parse_time(row[0]), *row[1:], interval_ms=series.interval_ms) for row in rows]
    assert list(series) == expected


@NEEDS_DATA
def test_recorded_klines_of_the_exchange(tmp_path: Path) -> None:
    series = read_candles(DATA / "api" / "binance" / "klines-BTCUSDT-1m.json", "BTCUSDT")
    assert series.candle(0) == candle(1_634_943_780_000, *["60685.22", "60729.84", "60670.9", "60719.27", "21.63272"])
    assert (series.interval_ms, series.holes()) == (MINUTE_MS, ())


def test_a_hole_is_told_with_its_bounds(tmp_path: Path) -> None:
    text = HEADER + "".join(f"{T0 + minute * MINUTE_MS},1,1,1,1,0\n" for minute in (0, 1, 4))
    assert read(tmp_path, text).holes() == (Hole(T0 + 2 * MINUTE_MS, T0 + 4 * MINUTE_MS, 2),)
