"""Instants and durations as people write them: ISO-8601 with a zone, epoch milliseconds, `2h`, `today`.

Everything becomes integer UTC milliseconds; the present comes in as an argument. The rule to keep: a time
whose zone nobody named is refused, except where the display zone is what the asker means (`parse_since`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""

_UNITS: Final = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
_DURATION_MAX_MS: Final = 3_660 * _UNITS["d"]
# Whole seconds would be read as January 1970; milliseconds of a market's lifetime are never this small.
_EPOCH_MS_MIN: Final = 100_000_000_000
_EPOCH_SECONDS_MIN: Final = 100_000_000

_EPOCH_MS = re.compile(r"[0-9]{1,15}", re.ASCII)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:[.,]([0-9]{1,9}))?"
    r" ?(Z|z|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_DURATION = re.compile(r"(?:[0-9]{1,9}[wdhms])+", re.ASCII)
_PART = re.compile(r"([0-9]+)([wdhms])", re.ASCII)


def parse_time(text: str) -> int:
    """Read an instant: ISO-8601 with a zone, or epoch milliseconds.

    Digits below the millisecond round up, so that a time never moves before what was written. Raises
    ValueError with what would be right, among others for a time without a zone and for epoch seconds.
    """
    bare = text.strip()
    if _EPOCH_MS.fullmatch(bare) is not None:
        return _epoch_ms(bare)
    moment, extra_ms = _read_datetime(bare)
    if moment is None:
        raise ValueError(f"`{_shown(text)}` is not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds")
    if moment.tzinfo is None:
        raise ValueError(f"time `{_shown(text)}` has no zone: write `{bare}Z` for UTC or `{bare}+01:00`")
    return _bounded(_to_ms(moment) + extra_ms, text)


def parse_duration(text: str) -> int:
    """Read a duration as milliseconds: `90m`, `2h`, `1d`, `1h30m`, with the units w, d, h, m and s.

    Raises ValueError for anything else, for 0, and beyond ten years.
    """
    bare = text.strip()
    if _DURATION.fullmatch(bare) is None:
        raise ValueError(f"`{_shown(text)}` is not a duration: write `90m`, `2h` or `1d`")
    total = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(bare))
    if not 0 < total <= _DURATION_MAX_MS:
        raise ValueError(f"duration `{_shown(text)}` must be more than 0 and at most ten years")
    return total


def duration_text(duration_ms: int) -> str:
    """Print a duration of whole seconds as `parse_duration` reads it: `4h`, `1h30m`, `7d`."""
    parts, left = [], duration_ms
    for unit in "dhms":
        count, left = divmod(left, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def parse_since(text: str, now_ms: int, zone: tzinfo) -> int:
    """Read where a report starts: `today`, `7d` before now, a date (midnight in `zone`), or a time.

    A time without a zone is one of `zone`, for that is the clock its asker reads.
    """
    bare = text.strip()
    if bare.lower() == "today":
        return start_of_day(now_ms, zone)
    if _DURATION.fullmatch(bare) is not None:
        return max(now_ms - parse_duration(bare), 0)
    if _EPOCH_MS.fullmatch(bare) is not None:
        return _epoch_ms(bare)
    moment, extra_ms = _read_datetime(f"{bare}T00:00" if _DATE.fullmatch(bare) is not None else bare)
    if moment is None:
        raise ValueError(f"`{_shown(text)}` is not a start: write `today`, `7d`, `2026-11-20` or a time")
    return _bounded(_to_ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)) + extra_ms, text)


def start_of_day(at_ms: int, zone: tzinfo) -> int:
    """Return the first instant of the day of `zone` that contains `at_ms`."""
    midnight = from_ms(at_ms).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return _to_ms(midnight)


def from_ms(at_ms: int) -> datetime:
    """Return the instant as an aware datetime in UTC, exactly."""
    return EPOCH + timedelta(milliseconds=at_ms)


def to_iso(at_ms: int) -> str:
    """Print an instant as ISO-8601 in UTC with milliseconds: `2026-11-20T10:00:00.000Z`."""
    return f"{from_ms(at_ms).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _epoch_ms(text: str) -> int:
    at_ms = int(text)
    if at_ms < _EPOCH_SECONDS_MIN:
        raise ValueError(f"`{text}` is not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds")
    if at_ms < _EPOCH_MS_MIN:
        raise ValueError(f"`{text}` looks like epoch seconds: times are epoch milliseconds, `{text}000`")
    return _bounded(at_ms, text)


def _read_datetime(text: str) -> tuple[datetime | None, int]:
    """Return the time to the second, aware if a zone is given, and the milliseconds beyond; None if it is none."""
    match = _DATETIME.fullmatch(text)
    if match is None or (match[4] is not None and match[3] is None):
        return None, 0
    zone = "" if match[5] is None else match[5].upper()
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or ':00'}{zone}")
    except ValueError:
        return None, 0
    nanoseconds = int((match[4] or "0").ljust(9, "0"))
    return moment, -(-nanoseconds // 1_000_000)


def _to_ms(moment: datetime) -> int:
    since_epoch = moment.replace(tzinfo=None) - EPOCH.replace(tzinfo=None)
    return (since_epoch - (moment.utcoffset() or timedelta())) // timedelta(milliseconds=1)


def _bounded(at_ms: int, text: str) -> int:
    if not 0 <= at_ms <= LAST_MS:
        raise ValueError(f"time `{_shown(text)}` must lie between the years 1970 and 9999")
    return at_ms


def _shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
