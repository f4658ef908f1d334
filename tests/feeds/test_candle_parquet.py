"""Candles in Parquet: floats as they print, decimals and texts digit for digit, times with a zone."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.instants import parse_time
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.money import plain
from papertrade.errors import InputFileError
from papertrade.feeds import candle_parquet
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import CandleSeries

pytest.importorskip("pyarrow")

T0 = parse_time("2024-01-01T00:00:00Z")
Cell = float | str | Decimal | datetime | date | None


class Arrow(Protocol):
    """What the tests use of pyarrow, which has no types."""

    def array(self, values: Sequence[Cell], type: str | None = None) -> object: ...
    def table(self, columns: Mapping[str, object]) -> object: ...


class Parquet(Protocol):
    def write_table(self, table: object, path: Path) -> None: ...


ARROW = cast(Arrow, import_module("pyarrow"))
PARQUET = cast(Parquet, import_module("pyarrow.parquet"))
PRICES: dict[str, Sequence[Cell]] = {
    "open": [100.1, 0.3],
    "high": [101.0, 0.4],
    "low": [99.5, 0.2],
    "close": [100.25, 0.3],
    "volume": [3.0, 1e-7],
}
EXPECTED = [["100.1", "101", "99.5", "100.25", "3"], ["0.3", "0.4", "0.2", "0.3", "0.0000001"]]


def written(folder: Path, columns: Mapping[str, object], name: str = "candles.parquet") -> Path:
    path = folder / name
    PARQUET.write_table(ARROW.table(columns), path)
    return path


def times(*at_ms: int, unit: str = "ms", zone: str | None = "UTC") -> object:
    moments: list[Cell] = [datetime.fromtimestamp(at / 1000, UTC) for at in at_ms]
    kinds = import_module("pyarrow")
    array: object = kinds.array(moments, kinds.timestamp(unit, zone))
    return array


def values(series: CandleSeries) -> list[list[str]]:
    return [
        [plain(value) for value in (found.open, found.high, found.low, found.close, found.volume)] for found in series
    ]


TWO = (T0, T0 + MINUTE_MS)
ZONED: dict[str, object] = {
    "s": times(*TWO, unit="s"),
    "ms": times(*TWO),
    "us": times(*TWO, unit="us", zone="America/New_York"),
    "ns": times(*TWO, unit="ns", zone="+05:30"),
    "int64": ARROW.array(TWO, "int64"),
    "texts": ARROW.array(["2024-01-01T00:00:00Z", "2024-01-01 05:31:00+05:30"]),
    "text milliseconds": ARROW.array([str(at) for at in TWO]),
}


@pytest.mark.parametrize("column", ZONED.values(), ids=list(ZONED))
def test_times_of_any_unit_and_zone(tmp_path: Path, column: object) -> None:
    series = read_candles(written(tmp_path, {"timestamp": column, **PRICES}), "X")
    assert series.open_ms.tolist() == list(TWO)
    assert values(series) == EXPECTED


def as_decimals(column: Sequence[Cell]) -> object:
    return ARROW.array([Decimal(str(value)).quantize(Decimal("1e-9")) for value in column])


NUMBERS = {
    "float": PRICES,
    "32 bits": {name: ARROW.array(column, "float32") for name, column in PRICES.items()},
    "decimal": {name: as_decimals(column) for name, column in PRICES.items()},
    "text": {name: ARROW.array([str(value) for value in column]) for name, column in PRICES.items()},
}


@pytest.mark.parametrize("columns", NUMBERS.values(), ids=list(NUMBERS))
def test_numbers_of_any_kind(tmp_path: Path, columns: Mapping[str, object]) -> None:
    series = read_candles(written(tmp_path, {**columns, "Date": times(*TWO), "extra": ["a", None]}), "X")
    assert values(series) == EXPECTED
    assert (series.decimals, series.volume_decimals) == (2, 7)


def test_whole_numbers_and_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_parquet, "_BATCH", 2)
    opens = [T0 + minute * MINUTE_MS for minute in range(5)]
    prices: list[Cell] = [10, 11, 12, 13, 14]
    columns = {name: ARROW.array(prices, "int64") for name in ("open", "high", "low", "close")}
    series = read_candles(written(tmp_path, {"time": times(*opens), **columns, "volume": [0.1 + 0.2] * 5}), "X")
    assert [found.close for found in series] == prices
    assert series.candle(4).volume == Decimal("0.30000000000000004")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(1e-9, 1e9) | st.decimals(1, 10**6, places=4).map(float), min_size=1, max_size=5))
def test_a_float_is_the_decimal_that_it_prints(tmp_path_factory: pytest.TempPathFactory, numbers: list[float]) -> None:
    opens = [T0 + minute * MINUTE_MS for minute in range(len(numbers))]
    prices: dict[str, Sequence[Cell]] = dict.fromkeys(("open", "high", "low", "close"), numbers)
    path = written(
        tmp_path_factory.mktemp("parquet"), {"time": times(*opens), **prices, "volume": [0.0] * len(numbers)}
    )
    try:
        series = read_candles(path, "X", interval_ms=MINUTE_MS)
    except InputFileError as error:
        assert "at most 18 digits together" in error.message or "more than 18 digits" in error.message
        return
    assert [found.open for found in series] == [Decimal(repr(number)) for number in numbers]


def refusal(path: Path) -> InputFileError:
    with pytest.raises(InputFileError) as caught:
        read_candles(path, "X", interval_ms=MINUTE_MS)
    assert caught.value.exit_code == 4
    return caught.value


NO_TIME = "time: `` is not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds"
LATE = datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1)))


BAD_ROWS: list[tuple[dict[str, object], list[str]]] = [
    ({"close": [float("nan"), None]}, ["row 1, close: `nan` is not a number", "row 2, close: is empty"]),
    (
        {"low": [99.5, 0.35]},
        ["row 2, open: `0.3` is below low `0.35`", "row 2, close: `0.3` is below low `0.35`"],
    ),
    ({"volume": [1.0, -1.0]}, ["row 2, volume: `-1` is below 0"]),
    ({"time": times(T0, T0)}, ["row 2, time: `2024-01-01T00:00:00.000Z` stands there twice"]),
    (
        {"time": ARROW.array([1704067200, T0], "int64")},
        ["row 1, time: `1704067200` looks like epoch seconds: times are epoch milliseconds, `1704067200000`"],
    ),
    (
        {"time": times(-1000, T0)},
        ["row 1, time: `1969-12-31T23:59:59.000Z` must lie between the years 1970 and 9999"],
    ),
    ({"time": ARROW.array([LATE, None])}, [f"row 2, {NO_TIME}"]),
    ({"time": ARROW.array([T0, None], "int64")}, [f"row 2, {NO_TIME}"]),
]


@pytest.mark.parametrize(("columns", "message"), BAD_ROWS)
def test_bad_rows_are_named(tmp_path: Path, columns: Mapping[str, object], message: list[str]) -> None:
    lines = refusal(written(tmp_path, {"time": times(*TWO), **PRICES, **columns})).message.splitlines()
    assert lines[1:] == [f"candles.parquet {line}" for line in message]


@pytest.mark.parametrize(
    ("columns", "message", "hint"),
    [
        (
            {"time": times(*TWO, zone=None), **PRICES},
            "candles.parquet: the times have no zone",
            'in pandas: df["time"] = df["time"].dt.tz_localize("UTC")',
        ),
        (
            {"time": [date(2024, 1, 1), date(2024, 1, 2)], **PRICES},
            "candles.parquet: the column of times holds date32[day]",
            "write timestamps with a zone",
        ),
        (
            {"time": [1.0, 2.0], **PRICES},
            "candles.parquet: the column of times holds double",
            "write timestamps with a zone",
        ),
        (
            {"open": [1.0], "hihg": [1.0], "low": [1.0], "close": [1.0], "volume": [1.0]},
            "candles.parquet: the column `time` is missing\n"
            "candles.parquet: the column `high` is missing: is it `hihg`?",
            "a candle file has the columns time, open, high, low, close, volume",
        ),
        (
            {"time": ARROW.array([], "int64"), **dict.fromkeys(PRICES, ARROW.array([], "double"))},
            "`candles.parquet` has no candles",
            None,
        ),
    ],
)
def test_files_that_are_no_candles(
    tmp_path: Path, columns: Mapping[str, object], message: str, hint: str | None
) -> None:
    error = refusal(written(tmp_path, columns))
    assert (error.message, error.hint) == (message, hint)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"time": times(*TWO), **PRICES})
    path.write_bytes(path.read_bytes()[:-20])
    assert refusal(path).message.startswith("`candles.parquet` cannot be read: ")
    path.write_bytes(b"PAR1")
    assert refusal(path).message.startswith("`candles.parquet` cannot be read: ")


def test_rows_beside_the_grid_are_named_by_their_number(tmp_path: Path) -> None:
    prices = {name: [values[0]] * 3 for name, values in PRICES.items()}
    path = written(tmp_path, {"time": times(T0, T0 + MINUTE_MS, T0 + 2 * MINUTE_MS + 1000), **prices})
    assert "row 3, time: `2024-01-01T00:02:01.000Z` is not on the grid of 60 s" in refusal(path).message


def test_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_parquet, "ROWS_MAX", 1)
    assert "has more than" in refusal(written(tmp_path, {"time": times(*TWO), **PRICES})).message
    monkeypatch.setattr(candle_parquet, "ROWS_MAX", 2)
    assert len(read_candles(written(tmp_path, {"time": times(*TWO), **PRICES}), "X")) == 2


def test_without_pyarrow_the_hint_is_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"time": times(*TWO), **PRICES})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    error = refusal(path)
    assert error.message == "`candles.parquet` is Parquet, which needs pyarrow"
    assert error.hint == "pip install 'papertrade[parquet]', or save it as CSV"
