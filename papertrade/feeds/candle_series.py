"""The candles of one instrument as columns: exact prices as whole numbers, ready for arrays and for the rule.

A price is `column[i] / 10^decimals`, so a million candles take a few arrays and none of them is a float. The
rule to keep: what is decided is decided from `candle(i)`, which is exact; arrays only find where to look.
Imports NumPy, so only what runs backtests imports this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from papertrade.engine.market import Candle
from papertrade.engine.money import CONTEXT, plain
from papertrade.engine.values import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

IntColumn: TypeAlias = "NDArray[np.int64]"
IsColumn: TypeAlias = "NDArray[np.bool_]"

_DIGITS_MAX: Final = 18  # what an int64 always holds
_times: Final = CONTEXT.multiply


@dataclass(frozen=True, slots=True)
class Source:
    """Where a series came from: the file's name as given, and the SHA-256 of its bytes in hex."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch without candles: from the end of one candle to the open of the next (UTC ms)."""

    from_ms: int
    to_ms: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandleSeries:
    """Candles of one symbol and interval, oldest first; every column has one entry a candle.

    `open_ms` are UTC ms and rise; open, high, low and close are prices · 10^`decimals`, volumes are
    volume · 10^`volume_decimals`. Raises ValueError, naming the first bad candle, for what cannot be candles.
    """

    symbol: str
    interval_ms: int
    decimals: int
    open_ms: IntColumn
    open: IntColumn
    high: IntColumn
    low: IntColumn
    close: IntColumn
    volume: IntColumn
    volume_decimals: int = 0
    source: Source | None = None

    def __post_init__(self) -> None:
        columns = (self.open, self.high, self.low, self.close, self.volume)
        if any(column.shape != self.open_ms.shape for column in columns):
            raise ValueError("all columns must have the same length")
        body_low, body_high = np.minimum(self.open, self.close), np.maximum(self.open, self.close)
        is_bad = (self.low <= 0) | (self.low > body_low) | (self.high < body_high) | (self.volume < 0)
        if is_bad.any():
            raise ValueError(f"candle at {self.open_ms[int(is_bad.argmax())]} is none: low, open, close, high disagree")
        falls = np.diff(self.open_ms) < self.interval_ms
        if falls.any():
            raise ValueError(f"candle at {self.open_ms[int(falls.argmax()) + 1]} does not follow the one before it")

    def __len__(self) -> int:
        return len(self.open_ms)

    def __iter__(self) -> Iterator[Candle]:
        return (self.candle(index) for index in range(len(self)))

    @property
    def first_ms(self) -> int:
        """The open of the first candle. Raises IndexError for an empty series."""
        return int(self.open_ms[0])

    @property
    def end_ms(self) -> int:
        """The end of the last candle. Raises IndexError for an empty series."""
        return int(self.open_ms[-1]) + self.interval_ms

    def candle(self, index: int) -> Candle:
        """Return one candle, exact."""
        unit = _unit(self.decimals)
        return Candle(
            open_ms=self.open_ms.item(index),
            interval_ms=self.interval_ms,
            open=_times(self.open.item(index), unit),
            high=_times(self.high.item(index), unit),
            low=_times(self.low.item(index), unit),
            close=_times(self.close.item(index), unit),
            volume=_times(self.volume.item(index), _unit(self.volume_decimals)),
        )

    def price(self, column: IntColumn, index: int) -> Decimal:
        """Return one exact price out of one of this series' price columns."""
        return _times(column.item(index), _unit(self.decimals))

    def index_from(self, at_ms: int) -> int:
        """Return the index of the first candle that opens at or after an instant; `len(self)` if none does."""
        return int(self.open_ms.searchsorted(at_ms))

    def indexes_from(self, at_ms: Sequence[int], before_ms: int = 0) -> list[int]:
        """Return `index_from` of many instants, each `before_ms` earlier."""
        found: list[int] = self.open_ms.searchsorted(np.array(at_ms, np.int64) - before_ms).tolist()
        return found

    def between(self, from_ms: int | None, to_ms: int | None) -> CandleSeries:
        """Return the candles that open at or after `from_ms` and before `to_ms`, without copying."""
        start = 0 if from_ms is None else self.index_from(from_ms)
        end = len(self) if to_ms is None else max(self.index_from(to_ms), start)
        if start == 0 and end == len(self):
            return self
        part = slice(start, end)
        return CandleSeries(
            symbol=self.symbol,
            interval_ms=self.interval_ms,
            decimals=self.decimals,
            open_ms=self.open_ms[part],
            open=self.open[part],
            high=self.high[part],
            low=self.low[part],
            close=self.close[part],
            volume=self.volume[part],
            volume_decimals=self.volume_decimals,
            source=self.source,
        )

    def holes(self) -> tuple[Hole, ...]:
        """Return where candles are missing, oldest first. Nights and weekends of markets with hours count too."""
        steps = np.diff(self.open_ms)
        (before,) = np.nonzero(steps > self.interval_ms)
        ends = self.open_ms[before] + self.interval_ms
        nexts = self.open_ms[before + 1]
        return tuple(
            Hole(int(end), int(following), int((following - end) // self.interval_ms))
            for end, following in zip(ends, nexts, strict=True)
        )


def series_of(symbol: str, interval_ms: int, candles: Sequence[Candle], source: Source | None = None) -> CandleSeries:
    """Make columns of candles. Raises ValueError if their prices need more than 18 digits together."""
    decimals = max((_decimals(price) for c in candles for price in (c.open, c.high, c.low, c.close)), default=0)
    volume_decimals = max((_decimals(c.volume) for c in candles), default=0)
    return CandleSeries(
        symbol=symbol,
        interval_ms=interval_ms,
        decimals=decimals,
        open_ms=np.array([c.open_ms for c in candles], np.int64),
        open=_column([c.open for c in candles], decimals),
        high=_column([c.high for c in candles], decimals),
        low=_column([c.low for c in candles], decimals),
        close=_column([c.close for c in candles], decimals),
        volume=_column([c.volume for c in candles], volume_decimals),
        volume_decimals=volume_decimals,
        source=source,
    )


@cache
def _unit(decimals: int) -> Decimal:
    """Return what one whole number of a column is worth."""
    return Decimal(1).scaleb(-decimals, CONTEXT)


def _decimals(value: Decimal) -> int:
    return len(plain(value).partition(".")[2])


def _column(values: Sequence[Decimal], decimals: int) -> IntColumn:
    whole = [int(value.scaleb(decimals, CONTEXT)) for value in values]
    if whole and max(whole) >= 10**_DIGITS_MAX:
        raise ValueError(f"`{plain(max(values))}` with {decimals} decimals needs more than {_DIGITS_MAX} digits")
    return np.array(whole, np.int64)
