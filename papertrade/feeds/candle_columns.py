"""Columns of candles as a file's parts give them, and how the parts become one series.

A part is a chunk of the file with its own number of decimals; together they get the fewest that hold every
price exactly. The rule to keep: prices are exact or the file is refused. Volumes, which decide nothing, lose
what goes beyond 18 digits. Imports NumPy, so only what runs backtests imports this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from papertrade.engine.instants import to_iso
from papertrade.engine.market import DAY_MS, MINUTE_MS
from papertrade.engine.money import CONTEXT, plain
from papertrade.engine.values import dataclass
from papertrade.errors import InputFileError
from papertrade.feeds.bad_rows import Flaw, Place, refusal
from papertrade.feeds.candle_series import CandleSeries, IntColumn, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS_MAX: Final = 2**24
"""What fits into about a GiB of memory: 16.7 million candles, 32 years of minutes."""

DIGITS_MAX: Final = 18
"""What an int64 always holds."""

DECIMALS_MAX: Final = 40

SHOWN_MAX: Final = 200
NOTHING_READ: Final = "nothing was read"

# Markets with hours of their own open at a half or a quarter of an hour; a phase that is none of these is a mistake.
_PHASE_MS: Final = 15 * MINUTE_MS
_SAMPLE: Final = 64
_EXACT_MAX: Final = 10**15  # decimals of up to 15 digits are all different floats


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Rows of a part of a file: open, high, low, close · 10^`decimals`, and the place number of each row."""

    open_ms: IntColumn
    prices: tuple[IntColumn, ...]
    decimals: int
    volume: IntColumn
    volume_decimals: int
    numbers: Sequence[int]


def trimmed(part: Columns) -> Columns:
    """Return the part without the decimals that are zero in every row."""
    prices, decimals = _trimmed(part.prices, part.decimals)
    (volume,), volume_decimals = _trimmed((part.volume,), part.volume_decimals)
    return Columns(part.open_ms, prices, decimals, volume, volume_decimals, part.numbers)


def exact_floats(columns: Sequence[NDArray[np.float64]]) -> tuple[tuple[IntColumn, ...], int] | None:
    """Return floats as whole numbers with the fewest decimals that give all of them; None beyond 15 digits.

    Decimals of up to 15 digits are all different floats, so the one that gives the float is what `repr` prints.
    """
    decimals = 0
    found: list[IntColumn] = []
    while len(found) < len(columns):
        column = columns[len(found)]
        with np.errstate(all="ignore"):
            whole = np.rint(column * 10.0**decimals)
            is_exact = (whole / 10.0**decimals == column) & (np.abs(whole) < _EXACT_MAX)
        if is_exact.all():
            found.append(whole.astype(np.int64))
        elif decimals == DIGITS_MAX:
            return None
        else:
            decimals += 1
            found.clear()
    return tuple(found), decimals


class Parts:
    """The parts of one file, in its order."""

    def __init__(self, name: str, word: str) -> None:
        self._name = name
        self._word = word
        self._parts: list[Columns] = []
        self._rows = 0

    def add(self, part: Columns) -> None:
        """Add the rows that follow. Raises InputFileError for more rows than are read."""
        if len(part.open_ms) == 0:
            return
        self._rows += len(part.open_ms)
        if self._rows > ROWS_MAX:
            raise too_many_rows(self._name)
        self._parts.append(part)

    def series(self, symbol: str, interval_ms: int | None, source: Source) -> CandleSeries:
        """Join the parts, which are emptied. Raises InputFileError for what no series can be made of."""
        if not self._parts:
            raise InputFileError(f"`{self._name}` has no candles")
        decimals = self._price_decimals()
        volume_decimals = self._volume_decimals()
        open_ms = np.concatenate([part.open_ms for part in self._parts])
        step_ms = self._shortest_step(open_ms) if interval_ms is None else interval_ms
        self._check_times(open_ms, step_ms, "name the interval if it is another: --interval 1m")
        scales = [part.decimals for part in self._parts]
        volume_scales = [part.volume_decimals for part in self._parts]
        prices = [list(part.prices) for part in self._parts]
        volume = _joined([part.volume for part in self._parts], volume_scales, volume_decimals)
        self._parts.clear()
        (volume,), volume_decimals = _trimmed((volume,), volume_decimals)
        # one column of all parts at a time, so that parts and columns are never all there twice
        opened, high, low, close = (_joined([columns.pop(0) for columns in prices], scales, decimals) for _ in range(4))
        return CandleSeries(
            symbol=symbol,
            interval_ms=step_ms,
            decimals=decimals,
            open_ms=open_ms,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            volume_decimals=volume_decimals,
            source=source,
        )

    def _price_decimals(self) -> int:
        """Return the decimals that hold all prices exactly."""
        tops = [(int(part.prices[1].max()), part.decimals) for part in self._parts]
        decimals = max(part.decimals for part in self._parts)
        if decimals > min(_decimals_max(top, scale) for top, scale in tops):
            raise too_wide(self._name, max(Decimal(top).scaleb(-scale, CONTEXT) for top, scale in tops), decimals)
        return decimals

    def _volume_decimals(self) -> int:
        """Return the decimals of all volumes, or as many as fit with the highest."""
        decimals = max(part.volume_decimals for part in self._parts)
        return min(decimals, *(_decimals_max(int(part.volume.max()), part.volume_decimals) for part in self._parts))

    def _shortest_step(self, open_ms: IntColumn) -> int:
        if len(open_ms) == 1:
            raise InputFileError(
                f"`{self._name}` has one candle, which does not tell its interval", hint="name it: --interval 1m"
            )
        return int(np.diff(open_ms).min())

    def _check_times(self, open_ms: IntColumn, interval_ms: int, hint: str) -> None:
        """Check that candles do not overlap and lie on the interval's grid."""
        seconds = f"{interval_ms / 1000:g} s"
        (short,) = np.nonzero(np.diff(open_ms) < interval_ms)
        if len(short):
            self._refuse(short + 1, f"is less than {seconds} after the row before it", hint)
        first_phase = int(open_ms[0]) % interval_ms
        phase = _phase(first_phase, interval_ms)
        (off,) = np.nonzero(open_ms % interval_ms != phase)
        if len(off) == len(open_ms) and not np.ptp(open_ms % interval_ms):
            raise InputFileError(
                f"`{self._name}` has candles that all open {first_phase / 1000:g} s off the grid of {seconds}",
                hint="`time` is the open of a candle, not its close",
            )
        if len(off):
            self._refuse(off, f"is not on the grid of {seconds}", hint)

    def _refuse(self, rows: IntColumn, message: str, hint: str) -> None:
        numbers = np.concatenate([np.asarray(part.numbers, np.int64) for part in self._parts])
        open_ms = np.concatenate([part.open_ms for part in self._parts])
        flaws = [
            Flaw(Place(self._word, int(numbers[row])), "time", f"`{to_iso(int(open_ms[row]))}` {message}")
            for row in rows
        ]
        raise refusal(self._name, flaws, NOTHING_READ, shown_max=SHOWN_MAX, hint=hint)


def too_many_rows(name: str) -> InputFileError:
    """Say that a file has more rows than are read."""
    return InputFileError(
        f"`{name}` has more than {ROWS_MAX} rows", hint="split it, or take candles of a longer interval"
    )


def too_wide(name: str, highest: Decimal, decimals: int) -> InputFileError:
    """Say that the prices of a file need more digits together than are kept."""
    whole = max(highest.adjusted() + 1, 0)
    return InputFileError(
        f"`{name}` has prices up to `{plain(highest)}` and prices of {decimals} decimals: at most {DIGITS_MAX} "
        "digits together are kept exactly",
        hint=f"round the prices in the file to {DIGITS_MAX - whole} decimals",
    )


def _decimals_max(top: int, decimals: int) -> int:
    """Return with how many decimals the highest number of a column, top / 10^decimals, still fits."""
    return DIGITS_MAX + decimals - len(str(top)) if top else 2 * DECIMALS_MAX


def _phase(first_phase: int, interval_ms: int) -> int:
    """Return where in the interval candles open, counted from midnight UTC where the interval divides a day."""
    return 0 if DAY_MS % interval_ms == 0 and first_phase % _PHASE_MS != 0 else first_phase


def _joined(columns: list[IntColumn], scales: Sequence[int], decimals: int) -> IntColumn:
    joined = np.empty(sum(len(column) for column in columns), np.int64)
    start = 0
    for column, scale in zip(columns, scales, strict=True):
        part = joined[start : start + len(column)]
        # beyond 18 the column is all zeros, or becomes it
        power = 10 ** min(abs(decimals - scale), DIGITS_MAX)
        if scale > decimals:
            np.floor_divide(column, power, out=part)
        elif power > 1:
            np.multiply(column, power, out=part)
        else:
            part[:] = column
        start += len(column)
    return joined


def _trimmed(columns: tuple[IntColumn, ...], decimals: int) -> tuple[tuple[IntColumn, ...], int]:
    while decimals > 0 and not any((column[:_SAMPLE] % 10).any() or (column % 10).any() for column in columns):
        columns, decimals = tuple(column // 10 for column in columns), decimals - 1
    return columns, decimals
