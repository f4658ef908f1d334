"""The quick reader and the row reader: whatever stands in a file, both say the same."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from papertrade.engine.instants import from_ms, to_iso
from papertrade.errors import InputFileError
from papertrade.feeds import candle_csv
from papertrade.feeds.candle_chunks import Layout, read_chunk
from papertrade.feeds.candle_columns import Columns, exact_floats
from papertrade.feeds.candle_csv import read_csv
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import Source
from papertrade.feeds.file_bytes import Content

PLAIN = Layout(6, (0, 1, 2, 3, 4, 5))
T0 = 1_704_067_200_000

NUMBERS = st.one_of(
    st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=3).map(str),
    st.integers(0, 10**20).map(str),
    st.floats(0, 1e6).map(repr),
    st.from_regex(r"[0-9]{0,19}\.?[0-9]{0,19}", fullmatch=True),
    st.sampled_from(
        ["", "nan", "inf", "-1", "-0", "0", "+1", "1_0", " 1", "1e3", "1.2.3", "٣", '"5"', "0x1", "1\r", "."]
    ),
)
TIMES = st.one_of(
    st.integers(0, 300_000_000_000_000).map(str),
    st.integers(0, 250_000_000_000).map(lambda second: to_iso(second * 1000).replace(".000Z", "Z")),
    st.integers(0, 2_000_000_000_000).map(to_iso),
    st.integers(0, 2_000_000_000).map(lambda second: str(from_ms(second * 1000))),
    st.sampled_from(
        ["2024-02-30T00:00:00Z", "2023-02-29 00:00:00+00:00", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z"]
    ),
    st.sampled_from(["2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "0000-01-01T00:00:00Z", "2024-00-00T00:00:00Z"]),
    st.sampled_from(["1704067200", "1704067200000.0", "2024-01-01", "2024-01-01T00:00:00", "1969-12-31T23:59:59Z"]),
)


@st.composite
def rows_of_any_kind(draw: st.DrawFn) -> str:
    return ",".join([draw(TIMES), *(draw(NUMBERS) for _ in range(draw(st.sampled_from([5, 5, 5, 5, 4, 6]))))])


def without_milliseconds(at_ms: int) -> str:
    return to_iso(at_ms).replace(".000Z", "Z")


def as_pandas(at_ms: int) -> str:
    return str(from_ms(at_ms))


STYLES: list[Callable[[int], str]] = [str, to_iso, without_milliseconds, as_pandas]


@st.composite
def good_rows(draw: st.DrawFn) -> str:
    """Rising candles of one style, the usual case."""
    style = draw(st.sampled_from(STYLES))
    places = draw(st.integers(0, 9))
    price = st.integers(1, 10 ** draw(st.integers(1, 9)))
    trims = draw(st.booleans())
    rows = []
    at_ms = T0 + draw(st.integers(0, 10**9)) * 1000
    for _ in range(draw(st.integers(1, 8))):
        at_ms += 1000 * draw(st.integers(1, 100_000_000))
        low, one, two, high = sorted(draw(price) for _ in range(4))
        values = [one, high, low, two, draw(st.integers(0, 10**12))]
        texts = [f"{value / 10**places:.{places}f}" for value in values]
        rows.append(",".join([style(at_ms), *(text.rstrip("0") if trims and "." in text else text for text in texts)]))
    return "\n".join(rows)


def outcome(text: str, *, is_quick: bool) -> str:
    content = Content(io.BufferedReader(io.BytesIO(text.encode())), "x.csv")
    try:
        series = read_csv(content, is_quick=is_quick).series("X", None, Source("x.csv", ""))
    except InputFileError as error:
        return f"{error.message}\n{error.hint}"
    columns = (series.open_ms, series.open, series.high, series.low, series.close, series.volume)
    return repr((series.interval_ms, series.decimals, series.volume_decimals, [column.tolist() for column in columns]))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(rows_of_any_kind(), good_rows(), st.sampled_from(["", " ", "\r", '"', "\0"])), max_size=6))
@example([f"{T0},1,1,1,1,0", "", f"{T0 + 1},1,1,1,1,0"])
@example([f"{T0},0.30000000000000004,1,0.2,1,1e17", f"{T0 + 1},1,1,1,1,0"])
@example([f"{T0},1,1,1,1,{'9' * 18}", f"{T0 + 1},1,1,1,1,0.5"])
@example([f"{T0},1,{'9' * 18},1,1,1", f"{T0 + 1},1,1,1,0.5,0"])
def test_both_readers_say_the_same_of_any_file(rows: list[str]) -> None:
    text = "\n".join(["time,open,high,low,close,volume", *rows])
    assert outcome(text, is_quick=True) == outcome(text, is_quick=False)


@settings(deadline=None)
@given(good_rows())
def test_what_most_files_hold_is_read_quickly(text: str) -> None:
    assert read_chunk(f"{text}\n".encode(), PLAIN, 1, None) is not None


def chunk(*rows: str, layout: Layout = PLAIN, last_ms: int | None = None) -> Columns | None:
    return read_chunk("".join(f"{row}\n" for row in rows).encode(), layout, 2, last_ms)


def test_a_chunk_becomes_columns_with_the_fewest_decimals() -> None:
    found = chunk(f"{T0},100.50,101.25,99,100,0.1", f"{T0 + 60_000},1.5,2,1,1.5,12345678901234567.8")
    assert found is not None
    assert (found.decimals, found.volume_decimals) == (2, 1)
    assert [column.tolist() for column in found.prices] == [[10050, 150], [10125, 200], [9900, 100], [10000, 150]]
    assert found.volume.tolist() == [1, 123_456_789_012_345_678]
    assert list(found.numbers) == [2, 3]
    quiet = chunk(f"{T0},100,100,100,100,0")
    assert quiet is not None
    assert (quiet.decimals, quiet.volume_decimals, quiet.volume.tolist()) == (0, 0, [0])


def test_a_leap_day_is_a_day() -> None:
    days = ["2000-02-29", "2000-03-01", "2023-12-31", "2024-02-29", "2024-03-01", "2100-03-01"]
    found = chunk(*(f"{day}T23:59:58Z,1,1,1,1,0" for day in days))
    assert found is not None
    expected = np.array([f"{day}T23:59:58" for day in days], "M8[ms]").astype(np.int64)
    assert found.open_ms.tolist() == expected.tolist()


DAYS = [f"{year}-{month:02}-{day:02}" for year in (1970, 2023, 2024) for month in range(1, 16) for day in range(32)]


def test_every_day_of_a_year_is_itself_and_no_other_is_one() -> None:
    known = {(date(year, 1, 1) + timedelta(days)).isoformat() for year in (1970, 2023, 2024) for days in range(365)}
    known.add("2024-12-31")
    for day in [*DAYS, "2024-08-32", "2024-12-32"]:
        found = chunk(f"{day}T00:00:00Z,1,1,1,1,0")
        midnights = None if found is None else found.open_ms.tolist()
        assert midnights == ([int(np.datetime64(day, "ms").astype(np.int64))] if day in known else None), day


@pytest.mark.parametrize(
    "wrong",
    [
        *("2024-00-05T00:00:00", "2024-13-05T00:00:00", "2024-06-00T00:00:00", "2024-06-31T00:00:00"),
        *("2024-06-05T24:00:00", "2024-06-05T00:60:00", "2024-06-05T00:00:60", "1969-06-05T00:00:00"),
    ],
)
def test_one_row_in_doubt_is_enough(wrong: str) -> None:
    early, late = "1970-01-01T00:00:00Z,1,1,1,1,0", "2030-12-31T23:59:59Z,1,1,1,1,0"
    assert chunk(early, late) is not None
    for rows in ((f"{wrong}Z,1,1,1,1,0", late), (early, f"{wrong}Z,1,1,1,1,0"), (early, f"{wrong}Z,1,1,1,1,0", late)):
        assert chunk(*rows) is None


def test_floats_of_one_file_share_their_decimals() -> None:
    found = exact_floats([np.array([1.0, 2.0]), np.array([0.5, 3.0]), np.array([7.0, 0.25])])
    assert found is not None
    assert ([column.tolist() for column in found[0]], found[1]) == ([[100, 200], [50, 300], [700, 25]], 2)


def test_blank_lines_before_the_header_may_fill_whole_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_csv, "CHUNK", 30)
    text = f"{200 * chr(10)}time,open,high,low,close,volume\n{T0},1,2,1,1.5,0\n{T0 + 1000},1,2,1,1.5,x\n"
    assert "line 203, volume: `x` is not a number" in outcome(text, is_quick=True)


def test_columns_may_stand_anywhere() -> None:
    found = chunk(f"a,7,{T0},1.5,b.c,3,2,1", layout=Layout(8, (2, 3, 5, 7, 6, 1)))
    assert found is not None
    assert [column.tolist() for column in found.prices] == [[15], [30], [10], [20]]
    assert found.volume.tolist() == [7]


GIVEN_UP = {
    "no row": [],
    "a comma too few": [f"{T0},1,1,1,1"],
    "rows that only add up": [f"{T0},1,1,1,1", f"0,{T0 + 1},1,1,1,1,0"],
    "two short rows": [f"{T0},1,1", "1,1,1"],
    "no digits": [f"{T0},1,1,1,,0"],
    "a point without digits": [f"{T0},1,1,1,.,0"],
    "two points": [f"{T0},1,1,1,1.0.0,0"],
    "a sign": [f"{T0},1,1,1,1,-1"],
    "a letter": [f"{T0},1,1,1,1,1e5"],
    "a letter far in front": [f"{T0},1,1,1,1,1e000000000001"],
    "19 digits": [f"{T0},1,1,1,1,1234567890123456789"],
    "19 digits together": [f"{T0},1,12345678901234567,1,1,1", f"{T0 + 1},1,1,1,0.12,1"],
    "times of two lengths": [f"{T0},1,1,1,1,0", "2024-01-01T00:01:00Z,1,1,1,1,0"],
    "times of two forms": ["2024-01-01T00:01:00Z,1,1,1,1,0", "2024-01-01 00:02:00Z,1,1,1,1,0"],
    "an early epoch": ["0123456789012,1,1,1,1,0"],
    "an early epoch before a late one": ["0123456789012,1,1,1,1,0", f"{T0},1,1,1,1,0"],
    "a date only": ["2024-01-01,1,1,1,1,0"],
    "another zone": ["2024-01-01T00:00:00+01:00,1,1,1,1,0"],
    "a letter in the time": ["2024-01-01T00:0x:00Z,1,1,1,1,0"],
    "hour 24": ["2024-01-01T24:00:00Z,1,1,1,1,0"],
    "month 13": ["2024-13-01T00:00:00Z,1,1,1,1,0"],
    "30 February": ["2024-02-30T00:00:00Z,1,1,1,1,0"],
    "before 1970": ["1969-12-31T00:00:00Z,1,1,1,1,0"],
    "the same time twice": [f"{T0},1,1,1,1,0", f"{T0},1,1,1,1,0"],
    "a price of 0": [f"{T0},1,1,0,1,0"],
    "an open below the low": [f"{T0},1,3,2,2,0"],
    "a close above the high": [f"{T0},1,1,1,2,0"],
    "a quote": [f'{T0},1,1,1,1,"0"'],
    "a NUL": [f"{T0},1,1,1,1,0\0"],
    "a letter of another script": [f"{T0},1,1,1,1,٣"],
}


def test_the_quick_reader_gives_up_in_doubt() -> None:
    taken = {name for name, rows in GIVEN_UP.items() if chunk(*rows) is not None}
    assert taken == set()
    assert chunk(f"{T0},1,1,1,1,0", last_ms=T0) is None
    assert chunk(f"{T0},1,1,1,1,0", last_ms=T0 - 1) is not None


@pytest.mark.parametrize("size", [30, 97, 1000, 4096])
def test_lines_are_whole_whatever_the_chunks(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_csv, "CHUNK", size)
    rows = "".join(f"{T0 + 1000 * number},1.{number % 7},2,1,1.5,0\n" for number in range(300))
    text = f"time,open,high,low,close,volume\n{rows}"
    assert outcome(text, is_quick=True) == outcome(text, is_quick=False)
    assert f"{T0 + 299_000}" in outcome(text, is_quick=True)
    broken = text.replace(f"{T0 + 200_000},", "x,")
    assert outcome(broken, is_quick=True) == outcome(broken, is_quick=False)
    assert "line 202, time: `x` is not a time" in outcome(broken, is_quick=True)


def test_memory_is_that_of_the_columns_and_a_few_chunks(tmp_path: Path) -> None:
    rows = "".join(f"{T0 + 1000 * number},1.{number % 7},2,1,1.5,{'7' * 15}\n" for number in range(100_000))
    path = tmp_path / "candles.csv.gz"
    path.write_bytes(gzip.compress(f"time,open,high,low,close,volume\n{rows}".encode(), 1))
    tracemalloc.start()
    try:
        series = read_candles(path, "X")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    columns = 6 * 8 * len(series)
    assert peak < 2 * columns + 24 * candle_csv.CHUNK
