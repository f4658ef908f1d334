"""Moments and spans as people type them: `today`, `7d`, `2026-11-20`, `2h30m`; answered in milliseconds.

Everything relative is counted from the `now_ms` handed in, days begin in the display zone. The rule to
keep: what cannot be read is refused with examples of what can.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from papertrade.errors import UsageProblem
from papertrade.render.text import safe

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN = re.compile(r"(?:[0-9]{1,6}[wdhms])+", re.ASCII)
_PART = re.compile(r"([0-9]+)([wdhms])", re.ASCII)
_UNITS_MS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
_EPOCH_MS = re.compile(r"[0-9]{12,14}", re.ASCII)


def span_ms(text: str, option: str) -> int:
    """Read a span such as `30s`, `2h`, `1h30m`, `7d`, `2w`. Raises UsageProblem."""
    if _SPAN.fullmatch(text) is None:
        raise UsageProblem(
            f"{option} `{safe(text)}` is not a span of time", hint="write it like 30s, 45m, 2h, 1h30m, 7d"
        )
    return sum(int(count) * _UNITS_MS[unit] for count, unit in _PART.findall(text))


def moment_ms(text: str, option: str, now_ms: int, zone: tzinfo) -> int:
    """Read a moment: `now`, `today`, `yesterday`, a span ago, a date, ISO-8601, or epoch milliseconds.

    Dates, and times without a zone of their own, are read in `zone`. Raises UsageProblem.
    """
    word = text.strip().lower()
    if word == "now":
        return now_ms
    if word in ("today", "yesterday"):
        local = (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(zone)
        days = 0 if word == "today" else 1
        return _ms(datetime(local.year, local.month, local.day, tzinfo=zone) - timedelta(days=days))
    if _SPAN.fullmatch(word) is not None:
        return now_ms - span_ms(word, option)
    if _EPOCH_MS.fullmatch(word) is not None:
        return int(word)
    try:
        moment = datetime.fromisoformat(text.strip())
        return _ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError) as error:
        raise UsageProblem(
            f"{option} `{safe(text)}` is not a moment",
            hint="write it like today, 7d, 2026-11-20 or 2026-11-20T10:00Z",
        ) from error


def _ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
