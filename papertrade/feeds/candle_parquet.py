"""Candle files as Parquet, read with pyarrow: numbers as they would be printed, times of any unit with a zone.

A float is the shortest decimal that is that float, so that 0.1 is 0.1; decimals and texts are taken digit for digit.
The rule to keep: pyarrow is an extra, and only a Parquet file needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from io import BufferedReader
from typing import Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from papertrade.engine.instants import LAST_MS, to_iso
from papertrade.errors import InputFileError
from papertrade.feeds.bad_rows import one_line
from papertrade.feeds.candle_chunks import GiveUp, check_rows
from papertrade.feeds.candle_columns import ROWS_MAX, Columns, Parts, exact_floats, too_many_rows, trimmed
from papertrade.feeds.candle_header import COLUMNS, column_places
from papertrade.feeds.candle_rows import RowReader
from papertrade.feeds.candle_series import IntColumn

MAGIC: Final = b"PAR1"

_BATCH: Final = 65_536
_UNITS: Final = {"s": (1_000, 1), "ms": (1, 1), "us": (1, 1_000), "ns": (1, 1_000_000)}
_QUICK_KINDS: Final = frozenset(("double", "int64", "int32", "uint32"))
_EPOCH_MS_MIN: Final = 10**12  # shorter numbers may be seconds


class _Array(Protocol):
    """What is used of a pyarrow array."""

    type: object
    null_count: int

    def __len__(self) -> int: ...
    def cast(self, target_type: str) -> _Array: ...
    def to_numpy(self, zero_copy_only: bool) -> NDArray[np.generic]: ...
    def to_pylist(self) -> list[object]: ...


class _Batch(Protocol):
    def column(self, i: str) -> _Array: ...


class _Metadata(Protocol):
    num_rows: int


class _Schema(Protocol):
    names: list[str]


class _ParquetFile(Protocol):
    metadata: _Metadata
    schema_arrow: _Schema

    def iter_batches(self, batch_size: int, columns: Sequence[str]) -> Iterable[_Batch]: ...


class _Parquet(Protocol):
    def ParquetFile(self, source: BufferedReader) -> _ParquetFile: ...  # noqa: N802 (pyarrow's name)


class _Arrow(Protocol):
    ArrowException: type[Exception]


def read_parquet(file: BufferedReader, name: str) -> Parts:
    """Read all candles. Raises InputFileError, also if pyarrow is not installed."""
    try:
        arrow = cast(_Arrow, import_module("pyarrow"))
        parquet = cast(_Parquet, import_module("pyarrow.parquet"))
    except ImportError:
        raise InputFileError(
            f"`{name}` is Parquet, which needs pyarrow", hint="pip install 'papertrade[parquet]', or save it as CSV"
        ) from None
    parts = Parts(name, "row")
    rows = RowReader(name, "row")
    file.seek(0)
    try:
        found = parquet.ParquetFile(file)
        if found.metadata.num_rows > ROWS_MAX:
            raise too_many_rows(name)
        names = _column_names(found.schema_arrow.names, name)
        row = 1
        for batch in found.iter_batches(batch_size=_BATCH, columns=names):
            columns = [batch.column(column) for column in names]
            parts.add(_part(columns, row, rows, name))
            row += len(columns[0])
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise InputFileError(f"`{name}` cannot be read: {one_line(str(error).partition(chr(10))[0])}") from None
    rows.check()
    return parts


def _column_names(names: Sequence[str], name: str) -> list[str]:
    try:
        return [names[place] for place in column_places(names)]
    except ValueError as error:
        messages = str(error).split("\n")
        hint = f"a candle file has the columns {', '.join(COLUMNS)}"
        raise InputFileError("\n".join(f"{name}: {message}" for message in messages), hint=hint) from None


def _part(columns: Sequence[_Array], first_row: int, rows: RowReader, name: str) -> Columns:
    """Read a batch: as arrays if that is exact, else row by row."""
    times = _times(columns[0], name)
    part = _quick(times, columns[1:], first_row, rows.last_ms) if isinstance(times, np.ndarray) else None
    if part is not None:
        rows.last_ms = int(part.open_ms[-1])
        return part
    texts = times if isinstance(times, list) else [to_iso(int(time)) for time in times]
    cells = zip(texts, *map(_texts, columns[1:]), strict=True)
    return rows.columns(enumerate(cells, first_row))


def _times(column: _Array, name: str) -> IntColumn | list[str]:
    """Return milliseconds, rounded up as those of a text are, or the texts of what is no timestamp."""
    kind, _, zone = str(column.type).removesuffix("]").partition(", tz=")
    if kind == "int64" and column.null_count == 0:
        numbers = column.to_numpy(zero_copy_only=False).astype(np.int64)
        if len(numbers) and int(numbers.min()) >= _EPOCH_MS_MIN and int(numbers.max()) <= LAST_MS:
            return numbers
    if not kind.startswith("timestamp["):
        if kind.startswith(("date", "double", "float")):
            message = f"{name}: the column of times holds {column.type}"
            raise InputFileError(message, hint="write timestamps with a zone")
        return _texts(column)
    if not zone:
        raise InputFileError(
            f"{name}: the times have no zone", hint='in pandas: df["time"] = df["time"].dt.tz_localize("UTC")'
        )
    if column.null_count:
        return _texts(column.cast("string"))
    factor, divisor = _UNITS[kind.removeprefix("timestamp[")]
    ticks = column.cast("int64").to_numpy(zero_copy_only=False).astype(np.int64)
    return -(-ticks * factor // divisor)


def _quick(times: IntColumn, columns: Sequence[_Array], first_row: int, last_ms: int | None) -> Columns | None:
    """Return the columns if all numbers are of up to 15 digits and nothing is wrong with the rows."""
    kinds = [str(column.type) for column in columns]
    if len(times) == 0 or any(column.null_count for column in columns) or not _QUICK_KINDS.issuperset(kinds):
        return None
    floats = [column.to_numpy(zero_copy_only=False).astype(np.float64) for column in columns]
    prices, volumes = exact_floats(floats[:4]), exact_floats(floats[4:])
    if prices is None or volumes is None or int(times[0]) < 0 or int(volumes[0][0].min()) < 0:
        return None
    try:
        check_rows(times, prices[0], last_ms)
    except GiveUp:
        return None
    numbers = range(first_row, first_row + len(times))
    return trimmed(Columns(times, prices[0], prices[1], volumes[0][0], volumes[1], numbers))


def _texts(column: _Array) -> list[str]:
    """Return the values as they would be written, an empty text for none."""
    if str(column.type) in ("float", "halffloat"):
        return [str(value) for value in column.to_numpy(zero_copy_only=False)]  # 0.1 of 32 bits is 0.1
    return ["" if value is None else str(value) for value in column.to_pylist()]
