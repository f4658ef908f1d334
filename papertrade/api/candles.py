"""Candles for programs: read from files, or made of the columns that a program has already.

The rule to keep: prices are exact. A float is the shortest decimal that is that float, as `repr` prints it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from papertrade.api.arguments import Moment, Span, instant_of, instants_of, number_of, span_of
from papertrade.engine.instrument import normalise_symbol
from papertrade.engine.market import Candle
from papertrade.feeds.candle_columns import exact_floats
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import CandleSeries, IntColumn, series_of
from papertrade.runs.strategy_signals import Number

Numbers: TypeAlias = Sequence[Number] | ArrayLike
"""A column of numbers: a list, a tuple, a NumPy array, a pandas Series."""

Moments: TypeAlias = Sequence[Moment] | ArrayLike
"""A column of times, each as `signal` takes it; NumPy times are UTC."""

_FOLDER: Final = "candles"
_BETWEEN_WORDS = re.compile(r"[_\-. ]+")
_SYMBOL_WORD = re.compile(r"(?=(?:[0-9]*[A-Z]){2})[A-Z0-9]{2,}", re.ASCII)


def load_candles(
    path: str | PathLike[str],
    symbol: str | None = None,
    *,
    interval: Span | None = None,
    cache: bool | str | PathLike[str] = True,
) -> CandleSeries:
    """Read a candle file: CSV, kline JSON or Parquet, plain or gzip.

    Without a symbol it is the one word in capitals of the file's name (`BTCUSDT-1m.csv.gz`); without an interval it
    is the shortest step between rows. A file that was read before comes from a cache: that of the commands, a folder
    named here, or none (`False`). Raises InputFileError, ValueError for a name without a symbol.
    """
    file = Path(path)
    return read_candles(
        file,
        _symbol_in(file) if symbol is None else normalise_symbol(symbol),
        interval_ms=span_of(interval, "interval"),
        cache_folder=_cache_folder(cache),
    )


def candles_from(
    symbol: str,
    times: Moments,
    open: Numbers,
    high: Numbers,
    low: Numbers,
    close: Numbers,
    volume: Numbers | None = None,
    *,
    interval: Span | None = None,
) -> CandleSeries:
    """Make candles of columns, oldest first; `times` are when they open.

    Without an interval it is the shortest step. Raises ValueError that names the column, or the candle that is none.
    """
    open_ms = _times(times)
    names = ("open", "high", "low", "close", "volume")
    given = (open, high, low, close, np.zeros(len(open_ms), np.int64) if volume is None else volume)
    columns = {name: np.asarray(column) for name, column in zip(names, given, strict=True)}
    for name, column in columns.items():
        if column.shape != open_ms.shape:
            raise ValueError(f"{name}: has {column.size} values for {len(open_ms)} times")
    interval_ms = span_of(interval, "interval") or _shortest_step(open_ms)
    known = normalise_symbol(symbol)
    series = _quick(known, interval_ms, open_ms, list(columns.values()))
    if series is not None:
        return series
    exact = [[_exact(value, name, row) for row, value in enumerate(column)] for name, column in columns.items()]
    rows = zip(open_ms.tolist(), *exact, strict=True)
    # Built from candles, each of which says what is wrong with it; then the series checks their order.
    return series_of(known, interval_ms, [_candle(interval_ms, *row) for row in rows])


def _symbol_in(file: Path) -> str:
    words = [word for word in _BETWEEN_WORDS.split(file.name) if _SYMBOL_WORD.fullmatch(word)]
    if len(words) != 1:
        raise ValueError(f'`{file.name}` does not name one symbol: load_candles(path, "BTCUSDT")')
    return normalise_symbol(words[0])


def _cache_folder(cache: bool | str | PathLike[str]) -> Path | None:
    if not isinstance(cache, bool):
        return Path(cache)
    if not cache:
        return None
    import platformdirs

    return platformdirs.user_cache_path("papertrade", appauthor=False) / _FOLDER


def _times(times: Moments) -> IntColumn:
    column = np.asarray(times, _zoned_kind(times))
    if column.ndim != 1 or len(column) == 0:
        raise ValueError("times: a column of one time or more is needed")
    if column.dtype.kind == "M":
        if np.isnat(column).any():
            raise ValueError(f"times[{int(np.isnat(column).argmax())}]: is no time")
        return instants_of(column)
    if column.dtype.kind in "iu":
        whole = column.astype(np.int64)
        for edge in (whole.min(), whole.max()):
            instant_of(int(edge), "times")
        return whole
    return np.array([_time(value, row) for row, value in enumerate(column.tolist())], np.int64)


def _zoned_kind(times: Moments) -> str | None:
    """Return the NumPy kind of a pandas column of times with a zone, which becomes UTC; None for all others."""
    kind, comma, _ = str(getattr(times, "dtype", "")).partition(",")
    return f"{kind}]" if comma and kind.startswith("datetime64[") else None


def _time(value: Moment, row: int) -> int:
    return instant_of(value, f"times[{row}]")


def _shortest_step(open_ms: IntColumn) -> int:
    if len(open_ms) == 1:
        raise ValueError('interval: one candle does not tell it, name it: interval="1m"')
    step = int(np.diff(open_ms).min())
    if step <= 0:
        row = int((np.diff(open_ms) <= 0).argmax()) + 1
        raise ValueError(f"times[{row}]: does not follow the one before it")
    return step


def _quick(
    symbol: str, interval_ms: int, open_ms: IntColumn, columns: Sequence[NDArray[np.generic]]
) -> CandleSeries | None:
    """Make the series in arrays where all numbers are of up to 15 digits; None where one is not."""
    if any(column.dtype not in (np.float64, np.int64) for column in columns):
        return None
    floats = [column.astype(np.float64) for column in columns]
    prices, volumes = exact_floats(floats[:4]), exact_floats(floats[4:])
    if prices is None or volumes is None:
        return None
    opened, high, low, close = prices[0]
    return CandleSeries(
        symbol=symbol,
        interval_ms=interval_ms,
        decimals=prices[1],
        open_ms=open_ms,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volumes[0][0],
        volume_decimals=volumes[1],
    )


def _exact(value: object, name: str, row: int) -> Decimal:
    """Return one value of a column, with all its digits; a float of fewer bits is the shortest of its own kind."""
    match value:
        case np.generic() if value.dtype in (np.float16, np.float32):
            number = Decimal(str(value))
        case float():
            number = Decimal(repr(float(value)))
        case Decimal():
            number = value
        case str() | int() | np.integer():
            return number_of(str(value), f"{name}[{row}]")
        case _:
            raise ValueError(f"{name}[{row}]: `{value!r}` is not a number")
    if not number.is_finite():
        raise ValueError(f"{name}[{row}]: `{number}` is not a number")
    return number


def _candle(
    interval_ms: int, open_ms: int, opened: Decimal, high: Decimal, low: Decimal, close: Decimal, volume: Decimal
) -> Candle:
    return Candle(open_ms=open_ms, interval_ms=interval_ms, open=opened, high=high, low=low, close=close, volume=volume)
