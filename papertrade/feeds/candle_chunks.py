"""The quick way from a chunk of CSV bytes to columns: whole columns at once, no row is looked at.

It takes what most files hold (digits with a point, times in epoch milliseconds or ISO-8601 UTC) and gives up on
everything else, which `candle_rows.py` then reads or refuses. The rule to keep: what is taken here is exactly what
the row reader would have taken; in doubt, give up.

Eight digits are read as one 64-bit word: neighbours are added up in three multiplications (the well-known "SWAR"
parse). Words are loaded at any byte, so a number costs one load for eight digits, wherever it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from papertrade.engine.values import dataclass
from papertrade.feeds.candle_columns import DIGITS_MAX, Columns, trimmed
from papertrade.feeds.candle_series import IntColumn

if TYPE_CHECKING:
    from numpy.typing import NDArray

Bytes: TypeAlias = "NDArray[np.uint8]"
Words: TypeAlias = "NDArray[np.uint64]"

_COMMA, _NEWLINE, _POINT = b",\n."
_MARGIN: Final = 32  # bytes around the chunk, so that words may be loaded beyond both ends

_ZEROS: Final = np.uint64(0x3030303030303030)
_OVER_NINE: Final = np.uint64(0x7676767676767676)  # added to a byte, it sets the top bit of all above 9
_TOP_BITS: Final = np.uint64(0x8080808080808080)
_KEEP_LAST: Final = np.array([(2**64 - 2 ** (64 - 8 * count)) % 2**64 for count in range(9)], np.uint64)
_POWERS: Final = np.array([10**power for power in range(DIGITS_MAX + 1)], np.int64)

_EPOCH_DIGITS: Final = 13  # of the milliseconds from 2001 to 2286
_EPOCH_MIN: Final = 10 ** (_EPOCH_DIGITS - 1)
_SUFFIXES: Final = (b"Z", b"+00:00", b".000Z", b".000+00:00")
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_DAYS_BEFORE: Final = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int64)


@dataclass(frozen=True, slots=True)
class Layout:
    """How many columns a row has, and where time, open, high, low, close and volume stand in it."""

    width: int
    places: tuple[int, ...]


class GiveUp(Exception):
    """The rows hold something that the row reader must look at."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fields:
    """Where the fields stand: `starts` and `ends` in the text, `flat_ends` in the text without its points.

    Each has a row a column; `digits` and `decimals` count those of a number.
    """

    text: bytes
    flat: bytes
    starts: IntColumn
    ends: IntColumn
    flat_ends: IntColumn
    digits: IntColumn
    decimals: IntColumn


def read_chunk(text: bytes, layout: Layout, first_line: int, last_ms: int | None) -> Columns | None:
    """Read whole, ended lines that follow a row of time `last_ms`; None if they need a closer look."""
    if not text.isascii() or b'"' in text or b"\0" in text:
        return None
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    try:
        fields = _fields(text, layout)
        open_ms = _times(fields)
        prices, decimals = _numbers(fields, range(1, 5))
        (volume,), volume_decimals = _numbers(fields, range(5, 6))
        check_rows(open_ms, prices, last_ms)
    except GiveUp:
        return None
    numbers = range(first_line, first_line + len(open_ms))
    return trimmed(Columns(open_ms, prices, decimals, volume, volume_decimals, numbers))


def _fields(text: bytes, layout: Layout) -> _Fields:
    """Find the separators and the points; every row must have the layout's columns."""
    padded = b"".join((b"0" * _MARGIN, text, b"0" * _MARGIN))
    array = np.frombuffer(padded, np.uint8)
    marks = array == _COMMA
    marks |= array == _NEWLINE
    marks |= array == _POINT
    (at,) = np.nonzero(marks)
    kinds = array[at]
    is_point = kinds == _POINT
    (separators,) = np.nonzero(~is_point)
    if len(separators) == 0 or len(separators) % layout.width:
        raise GiveUp
    table = kinds[separators].reshape(-1, layout.width)
    if (table[:, -1] != _NEWLINE).any() or (table[:, :-1] != _COMMA).any():
        raise GiveUp
    ends = at[separators]
    points_before = separators - np.arange(len(separators))
    flat_ends = ends - points_before
    decimals = np.zeros(len(ends), np.int64)
    (points,) = np.nonzero(is_point)
    if len(points):
        owners = points - np.arange(len(points))  # a point belongs to the field of the separator after it
        if (owners[1:] == owners[:-1]).any():
            raise GiveUp
        decimals[owners] = ends[owners] - at[points] - 1
    starts = _after(ends)
    digits = flat_ends - _after(flat_ends)
    flat = padded.translate(None, b".") if len(points) else padded
    chosen = [_by_column(array, layout) for array in (starts, ends, flat_ends, digits, decimals)]
    return _Fields(padded, flat, *chosen)


def _after(ends: IntColumn) -> IntColumn:
    """Return where the fields that end there begin."""
    starts = np.empty_like(ends)
    starts[0] = _MARGIN
    np.add(ends[:-1], 1, out=starts[1:])
    return starts


def _by_column(fields: IntColumn, layout: Layout) -> IntColumn:
    return np.ascontiguousarray(fields.reshape(-1, layout.width).T[list(layout.places)])


def _numbers(fields: _Fields, columns: range) -> tuple[tuple[IntColumn, ...], int]:
    """Return columns of numbers, all with the decimals that the longest of them needs."""
    decimals = fields.decimals[columns.start : columns.stop]
    digits = fields.digits[columns.start : columns.stop]
    most = int(decimals.max())
    missing = most - decimals
    if int(digits.min()) < 1 or int((digits + missing).max()) > DIGITS_MAX:
        raise GiveUp
    found = []
    for row, column in enumerate(columns):
        values = _whole(fields.flat, fields.flat_ends[column], digits[row])
        if missing[row].any():
            values *= _POWERS[missing[row]]
        found.append(values)
    return tuple(found), most


def _whole(flat: bytes, ends: IntColumn, digits: IntColumn) -> IntColumn:
    """Read whole numbers of 1 to 18 digits that end before `ends`."""
    total = np.zeros(len(ends), np.uint64)
    wrong = np.zeros(len(ends), np.uint64)
    words = _words(flat)
    for done in range(0, int(digits.max()), 8):
        kept = _KEEP_LAST[np.clip(digits - done, 0, 8)]
        word = (words[ends - (done + 8)] ^ _ZEROS) & kept
        wrong |= word | (word + _OVER_NINE)
        # each step adds up neighbours: 8 numbers of 1 digit, 4 of 2, 2 of 4, 1 of 8
        word = (word * np.uint64(2561)) >> np.uint64(8) & np.uint64(0x00FF00FF00FF00FF)
        word = (word * np.uint64(6553601)) >> np.uint64(16) & np.uint64(0x0000FFFF0000FFFF)
        word = (word * np.uint64(42949672960001)) >> np.uint64(32)
        total += word * np.uint64(10**done)
    if (wrong & _TOP_BITS).any():
        raise GiveUp
    return total.view(np.int64)


def _words(text: bytes) -> Words:
    """View the 64-bit word that begins at each byte, the first byte lowest."""
    return np.ndarray((len(text) - 7,), np.dtype("<u8"), text, strides=(1,))


def _times(fields: _Fields) -> IntColumn:
    starts, ends = fields.starts[0], fields.ends[0]
    width = int(ends[0] - starts[0])
    if (ends - starts != width).any():
        raise GiveUp
    if width == _EPOCH_DIGITS and not fields.decimals[0].any():
        open_ms = _whole(fields.flat, fields.flat_ends[0], fields.digits[0])
        if int(open_ms.min()) < _EPOCH_MIN:
            raise GiveUp
        return open_ms
    return _iso_times(fields.text, starts, width)


def _iso_times(text: bytes, starts: IntColumn, width: int) -> IntColumn:
    """Read times such as `2018-01-01T00:00:00Z`, all written alike."""
    first = text[int(starts[0]) : int(starts[0]) + width]
    if first[10:11] not in (b"T", b" ") or first[19:] not in _SUFFIXES:
        raise GiveUp
    form = b"0000-00-00" + first[10:11] + b"00:00:00" + first[19:]
    words = _words(text)
    wrong = np.zeros(len(starts), np.uint64)
    read = []
    for begin in range(0, width, 8):
        part = form[begin : begin + 8]
        digit_mask = sum(0xFF << 8 * at for at, letter in enumerate(part) if letter == ord("0") and begin + at < 19)
        part_mask = 2 ** (8 * len(part)) - 1
        word = (words[starts + begin] & np.uint64(part_mask)) ^ np.uint64(int.from_bytes(part, "little"))
        # a digit may be up to 9, every other letter must be that of the form
        limit = (0x7676767676767676 & digit_mask) | (0x7F7F7F7F7F7F7F7F & ~digit_mask)
        wrong |= word | (word + np.uint64(limit))
        read.append(word)
    if (wrong & _TOP_BITS).any():
        raise GiveUp
    # a byte and its right neighbour become one number of two digits, in the left one's place
    pairs = [word * np.uint64(10) + (word >> np.uint64(8)) for word in read[:3]]
    hours, minutes, seconds = _byte(pairs[1], 3), _byte(pairs[1], 6), _byte(pairs[2], 1)
    if int(hours.max()) > 23 or int(minutes.max()) > 59 or int(seconds.max()) > 59:
        raise GiveUp
    days = _days(_byte(pairs[0], 0) * 100 + _byte(pairs[0], 2), _byte(pairs[0], 5), _byte(pairs[1], 0))
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def _byte(words: Words, place: int) -> IntColumn:
    return (words >> np.uint64(8 * place) & np.uint64(0xFF)).astype(np.int64)


def _days(years: IntColumn, months: IntColumn, days: IntColumn) -> IntColumn:
    """Return the days since 1970 of dates of the Gregorian calendar."""
    if int(months.max()) > 12 or int(months.min()) < 1 or int(years.min()) < 1970:
        raise GiveUp
    is_leap = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
    if (days < 1).any() or (days > _MONTH_DAYS[months] + (is_leap & (months == 2))).any():
        raise GiveUp
    before = years - 1
    leap_days = before // 4 - before // 100 + before // 400 - 477  # 477 of them before 1970
    since: IntColumn = (years - 1970) * 365 + leap_days + _DAYS_BEFORE[months] + (is_leap & (months > 2)) + days - 1
    return since


def check_rows(open_ms: IntColumn, prices: tuple[IntColumn, ...], last_ms: int | None) -> None:
    """Give up on rows that are no candles or do not rise in time."""
    opened, high, low, close = prices
    if (
        (last_ms is not None and int(open_ms[0]) <= last_ms)
        or (np.diff(open_ms) <= 0).any()
        or int(low.min()) <= 0
        or (low > np.minimum(opened, close)).any()
        or (high < np.maximum(opened, close)).any()
    ):
        raise GiveUp
