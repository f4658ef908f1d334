"""One row of a candle file after the other, strictly: the reference of what is read, and the only maker of its errors.

Every format comes here as texts; `candle_chunks.py` is only a quicker way to the same columns. The rule to keep:
each bad row is reported with everything that is wrong with it, and numbers are taken digit for digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from papertrade.engine.instants import parse_time, to_iso
from papertrade.engine.money import CONTEXT, plain
from papertrade.engine.values import dataclass
from papertrade.errors import InputFileError
from papertrade.feeds.answer import excerpt
from papertrade.feeds.bad_rows import Flaw, Place, refusal
from papertrade.feeds.candle_columns import DECIMALS_MAX, DIGITS_MAX, NOTHING_READ, SHOWN_MAX, Columns, too_wide
from papertrade.feeds.candle_header import COLUMNS

_FLAWS_MAX: Final = 100_000

# what spreadsheets and pandas write: `5.`, `.5` and `7.4e-06` too
_NUMBER = re.compile(r"(-?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?", re.ASCII)
_TEXT_MAX: Final = 64
_MICROSECONDS = re.compile(r"[0-9]{16,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Row:
    """Open, high, low, close · 10^`decimals`, volume · 10^`volume_decimals`."""

    prices: Sequence[int]
    decimals: int
    volume: int
    volume_decimals: int


_NO_ROW: Final = _Row((), 0, 0, 0)


class RowReader:
    """Reads rows in the order of the file and gathers the flaws; `word` is what a row is called, `line` or `item`.

    `last_ms` is the time of the row before the next one, None before the first.
    """

    def __init__(self, name: str, word: str) -> None:
        self.last_ms: int | None = None
        self._name = name
        self._word = word
        self._flaws: list[Flaw] = []
        self._is_unsorted = False

    def columns(self, rows: Iterable[tuple[int, Sequence[str] | str]]) -> Columns:
        """Read the rows that follow: the number of each and its six texts in the order of COLUMNS.

        A text instead of six says what is wrong with the row as a whole. Bad rows are left out and reported
        by `check`. Raises InputFileError when there are too many of them.
        """
        numbers: list[int] = []
        times: list[int] = []
        found: list[_Row] = []
        for number, cells in rows:
            before = len(self._flaws)
            if isinstance(cells, str):
                self.flaw(number, None, cells)
                continue
            at_ms, row = self._time(number, cells[0]), self._row(number, cells)
            if len(self._flaws) == before:
                numbers.append(number)
                times.append(at_ms)
                found.append(row)
        return _columns(self._name, numbers, times, found)

    def flaw(self, number: int, column: str | None, message: str) -> None:
        """Report a row."""
        self._flaws.append(Flaw(Place(self._word, number), column, message))
        if len(self._flaws) == _FLAWS_MAX:
            raise self._refusal("reading stopped there")

    def check(self) -> None:
        """Raise InputFileError with all bad rows so far, if there are any."""
        if self._flaws:
            raise self._refusal(NOTHING_READ)

    def _refusal(self, consequence: str) -> InputFileError:
        hint = "sort the rows by time, the oldest first" if self._is_unsorted else None
        return refusal(self._name, self._flaws, consequence, shown_max=SHOWN_MAX, hint=hint)

    def _time(self, number: int, text: str) -> int:
        """Return the row's time, which must be after the one before it; -1 for a bad one."""
        try:
            at_ms = parse_time(text)
        except ValueError as error:
            message = str(error).removeprefix("time ")
            if _MICROSECONDS.fullmatch(text.strip()) is not None:
                message = f"`{text.strip()}` looks like microseconds or less: times are epoch milliseconds"
            self.flaw(number, "time", message)
            return -1
        if self.last_ms is not None and at_ms == self.last_ms:
            self.flaw(number, "time", f"`{excerpt(text)}` stands there twice")
        elif self.last_ms is not None and at_ms < self.last_ms:
            self.flaw(number, "time", f"`{excerpt(text)}` is before the row above it, `{to_iso(self.last_ms)}`")
            self._is_unsorted = True
        self.last_ms = at_ms
        return at_ms

    def _row(self, number: int, cells: Sequence[str]) -> _Row:
        """Return the row's numbers; they mean nothing if a flaw was found."""
        found = []
        for name, text in zip(COLUMNS[1:], cells[1:], strict=True):
            try:
                found.append(read_number(text))
            except ValueError as error:
                self.flaw(number, name, str(error))
        if len(found) < len(COLUMNS) - 1:
            return _NO_ROW
        decimals = max(places for _, places in found[:4])
        prices = [whole * 10 ** (decimals - places) for whole, places in found[:4]]
        volume, volume_decimals = found[4]
        if volume < 0:
            self.flaw(number, "volume", f"`{_shown(volume, volume_decimals)}` is below 0")
        opened, high, low, close = prices
        if not (0 < low <= opened <= high and low <= close <= high < 10**DIGITS_MAX):
            self._range_flaws(number, prices, decimals)
        return _Row(prices, decimals, volume, volume_decimals)

    def _range_flaws(self, number: int, prices: Sequence[int], decimals: int) -> None:
        """Report why four prices are no candle."""
        texts = [_shown(price, decimals) for price in prices]
        opened, high, low, close = prices
        if min(prices) <= 0:
            for name, price, text in zip(COLUMNS[1:5], prices, texts, strict=True):
                if price <= 0:
                    self.flaw(number, name, f"`{text}` is not a price: it must be above 0")
        elif high < low:
            self.flaw(number, "high", f"`{texts[1]}` is below low `{texts[2]}`")
        elif high >= 10**DIGITS_MAX:
            self.flaw(number, None, f"has prices that need more than {DIGITS_MAX} digits together")
        else:
            for name, price, text in (("open", opened, texts[0]), ("close", close, texts[3])):
                if price > high:
                    self.flaw(number, name, f"`{text}` is above high `{texts[1]}`")
                elif price < low:
                    self.flaw(number, name, f"`{text}` is below low `{texts[2]}`")


def read_number(text: str) -> tuple[int, int]:
    """Read a decimal, an exponent allowed, digit for digit: whole / 10^decimals, with the fewest decimals.

    Raises ValueError for what is none or has more than 18 digits.
    """
    bare = text.strip()
    if bare == "":
        raise ValueError("is empty")
    match = _NUMBER.fullmatch(bare) if len(bare) <= _TEXT_MAX else None
    if match is None:
        raise ValueError(f"`{excerpt(text)}` is not a number")
    sign, before, after, exponent = match.groups(default="")
    if before == "" and after == "":
        raise ValueError(f"`{excerpt(text)}` is not a number")
    after = after.rstrip("0")
    whole, decimals = int(before + after), len(after)
    if exponent != "" and whole != 0:
        decimals -= int(exponent)
        while whole % 10 == 0:
            whole, decimals = whole // 10, decimals - 1
        if decimals < 0:
            whole, decimals = whole * 10 ** min(-decimals, DIGITS_MAX), 0
    if whole >= 10**DIGITS_MAX or decimals > DECIMALS_MAX:
        raise ValueError(f"`{excerpt(text)}` needs more than {DIGITS_MAX} digits")
    return (-whole if sign else whole), (decimals if whole else 0)


def _columns(name: str, numbers: list[int], times: list[int], rows: list[_Row]) -> Columns:
    """Make columns of good rows. Raises InputFileError if their prices do not fit together."""
    if not numbers:
        empty = np.empty(0, np.int64)
        return Columns(empty, (empty, empty, empty, empty), 0, empty, 0, numbers)
    decimals = max(row.decimals for row in rows)
    prices = list(
        zip(*([price * 10 ** (decimals - row.decimals) for price in row.prices] for row in rows), strict=True)
    )
    top = max(prices[1])
    if top >= 10**DIGITS_MAX:
        raise too_wide(name, Decimal(top).scaleb(-decimals, CONTEXT), decimals)
    volume_decimals = max(row.volume_decimals for row in rows)
    volumes = [row.volume * 10 ** (volume_decimals - row.volume_decimals) for row in rows]
    too_many = max(len(str(max(volumes))) - DIGITS_MAX, 0)
    return Columns(
        np.array(times, np.int64),
        tuple(np.array(column, np.int64) for column in prices),
        decimals,
        np.array([volume // 10**too_many for volume in volumes], np.int64),
        volume_decimals - too_many,
        numbers,
    )


def _shown(whole: int, decimals: int) -> str:
    return plain(Decimal(whole).scaleb(-decimals, CONTEXT))
