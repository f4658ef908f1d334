"""Reads a tape file: CSV with the header `symbol,time,open,high,low,close,volume`, plain or gzip.

Time is the candle's open, ISO-8601 with a zone or epoch milliseconds. The rule to keep: a file is taken as
a whole or not at all, and every bad row is reported with its line.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from papertrade.engine.instants import parse_time
from papertrade.engine.instrument import normalise_symbol
from papertrade.engine.market import Candle
from papertrade.engine.money import parse_decimal
from papertrade.errors import InputFileError
from papertrade.feeds.answer import excerpt
from papertrade.feeds.bad_rows import one_line
from papertrade.feeds.file_bytes import Content, opened_file

COLUMNS: Final = ("symbol", "time", "open", "high", "low", "close", "volume")

_SHOWN_MAX: Final = 200
_SIZE_MAX: Final = 64 * 1024 * 1024


def read_tape(path: Path, interval_ms: int) -> dict[str, tuple[Candle, ...]]:
    """Read the candles of each symbol, oldest first; symbols may alternate, times of one must rise.

    Raises InputFileError with all bad rows, or if the file cannot be read at all.
    """
    rows = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    tape: dict[str, list[Candle]] = {}
    problems: list[str] = []
    line = 1
    try:
        _check_header(next(rows, []), path.name)
        line = 2
        for row in rows:
            try:
                _add(tape, row, interval_ms)
            except ValueError as error:
                problems.append(f"{path.name} line {line}, {error}")
            line = rows.line_num + 1
    except csv.Error as error:
        problems.append(f"{path.name} line {line}, {excerpt(str(error))}")
    if problems:
        left_out = len(problems) - _SHOWN_MAX
        shown = [*problems[:_SHOWN_MAX], f"and {left_out} more"] if left_out > 0 else problems
        raise InputFileError("\n".join(shown), details={"bad_rows": len(problems)})
    if not tape:
        raise InputFileError(f"{path.name} has no rows")
    return {symbol: tuple(candles) for symbol, candles in tape.items()}


def _text(path: Path) -> str:
    """Return the file's text, unpacked; at most 64 MiB of it."""
    with opened_file(path) as file:
        content = Content(file, path.name).read_all(_SIZE_MAX)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputFileError(f"{path.name} is not UTF-8: byte {error.start}") from None
    if "\0" in text:
        raise InputFileError(f"{path.name} holds a NUL character: it is no text")
    return text


def _check_header(header: list[str], name: str) -> None:
    if tuple(header) != COLUMNS:
        raise InputFileError(f"{name} line 1, header: `{excerpt(','.join(header))}` is not `{','.join(COLUMNS)}`")


def _add(tape: dict[str, list[Candle]], row: list[str], interval_ms: int) -> None:
    """Add one row to its symbol's candles; a blank line adds nothing. Raises ValueError."""
    if not row:
        return
    symbol, candle = _candle(row, interval_ms)
    known = tape.setdefault(symbol, [])
    if known and candle.open_ms < known[-1].end_ms:
        raise ValueError(f"time: `{row[1]}` is not after the row of `{symbol}` before it")
    known.append(candle)


def _candle(row: list[str], interval_ms: int) -> tuple[str, Candle]:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} fields instead of {len(COLUMNS)}")
    try:
        symbol = normalise_symbol(row[0])
    except ValueError as error:
        raise ValueError(f"symbol: {error}") from None
    try:
        open_ms = parse_time(row[1])
    except ValueError as error:
        raise ValueError(f"time: {one_line(str(error).removeprefix('time '))}") from None
    if open_ms % interval_ms != 0:
        raise ValueError(f"time: `{row[1]}` is not on the grid of {interval_ms // 1000} s")
    values = []
    for name, text in zip(COLUMNS[2:], row[2:], strict=True):
        try:
            values.append(parse_decimal(text))
        except ValueError:
            raise ValueError(f"{name}: `{excerpt(text)}` is not a plain decimal number") from None
    opened, high, low, close, volume = values
    return symbol, Candle(
        open_ms=open_ms, interval_ms=interval_ms, open=opened, high=high, low=low, close=close, volume=volume
    )
