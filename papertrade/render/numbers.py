"""How numbers and times look to a person: money, percent, R, durations, ages, times in a zone.

Scripts get `plain` decimals and `iso_z` times; people get these. No thousands separators anywhere, so
a number copied from a table is still a number. The rule to keep: a price and a quantity show every
digit they have (`plain`); only money and percent are rounded, half to even, for display alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from papertrade.engine.money import CONTEXT, canonical, plain
from papertrade.render.text import Cell, Tone

UNKNOWN = "-"
"""What stands for a number that nobody knows; an unknown is never shown as zero."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS


def exact_number(value: Decimal | None) -> str:
    """Show every digit: prices and quantities."""
    return UNKNOWN if value is None else plain(value)


def money(value: Decimal | None) -> str:
    """Show an amount with 2 decimals; below 1, with as many more (up to 8) as four significant digits need."""
    if value is None:
        return UNKNOWN
    whole, _, decimals = f"{_rounded(value, _money_places(value)):f}".partition(".")
    return f"{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def exact_or_cut(value: Decimal) -> str:
    """Show a number whole, or one that may never end with its first twelve places."""
    whole, _, places = (text := plain(canonical(value))).partition(".")
    return f"{whole}.{places[:12]}..." if len(places) > 18 else text


def signed_money(value: Decimal | None) -> str:
    """Show a profit or a loss: `+12.30`, `-5.00`, and `0.00` without a sign."""
    return _signed(value, money(value))


def percent(value: Decimal | None, places: int = 2) -> str:
    """Show a value that already is in percent: `12.34` as `12.34%`."""
    return UNKNOWN if value is None else f"{_rounded(value, places):f}%"


def signed_percent(value: Decimal | None, places: int = 2) -> str:
    """Show a change that already is in percent: `+1.20%`."""
    return _signed(value, percent(value, places))


def r_multiple(value: Decimal | None) -> str:
    """Show a result in initial risks: `+1.85R`; unknown without a stop."""
    return UNKNOWN if value is None else f"{_signed(value, f'{_rounded(value, 2):f}')}R"


def toned(value: Decimal | None, text: str) -> Cell:
    """Colour a text by the sign of the number it shows."""
    if value is None or value == 0:
        return Cell(text)
    return Cell(text, Tone.GAIN if value > 0 else Tone.LOSS)


def duration(span_ms: int) -> str:
    """Show a span in its two largest units: `2h 05m`, `3d 04h`, `5m 09s`, `12s`; less than 1 s is `0s`."""
    sign, rest = ("-", -span_ms) if span_ms < 0 else ("", span_ms)
    if rest >= _DAY_MS:
        return f"{sign}{rest // _DAY_MS}d {rest % _DAY_MS // _HOUR_MS:02d}h"
    if rest >= _HOUR_MS:
        return f"{sign}{rest // _HOUR_MS}h {rest % _HOUR_MS // _MINUTE_MS:02d}m"
    if rest >= _MINUTE_MS:
        return f"{sign}{rest // _MINUTE_MS}m {rest % _MINUTE_MS // _SECOND_MS:02d}s"
    return f"{sign}{rest // _SECOND_MS}s" if rest >= _SECOND_MS else "0s"


def age(at_ms: int | None, now_ms: int) -> str:
    """Show how old something is, in one unit: `12s`, `5m`, `3h`, `2d`. What lies ahead is `0s` old."""
    if at_ms is None:
        return UNKNOWN
    span = max(now_ms - at_ms, 0)
    for unit_ms, letter in ((_DAY_MS, "d"), (_HOUR_MS, "h"), (_MINUTE_MS, "m")):
        if span >= unit_ms:
            return f"{span // unit_ms}{letter}"
    return f"{span // _SECOND_MS}s"


def iso_z(at_ms: int) -> str:
    """Write UTC milliseconds as `2026-11-20T10:00:00.000Z`. Raises OverflowError beyond the year 9999."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def local_minute(at_ms: int | None, zone: tzinfo) -> str:
    """Show the minute in the display zone, the zone named: `2026-11-20 10:00 UTC`."""
    return UNKNOWN if at_ms is None else f"{_in_zone(at_ms, zone):%Y-%m-%d %H:%M %Z}"


def local_second(at_ms: int | None, zone: tzinfo) -> str:
    """Show the second in the display zone, the zone named: `2026-11-20 10:00:07 UTC`."""
    return UNKNOWN if at_ms is None else f"{_in_zone(at_ms, zone):%Y-%m-%d %H:%M:%S %Z}"


def short_minute(at_ms: int | None, zone: tzinfo) -> str:
    """Show `11-20 10:00` for narrow columns; the table's header or title names the zone."""
    return UNKNOWN if at_ms is None else f"{_in_zone(at_ms, zone):%m-%d %H:%M}"


def _in_zone(at_ms: int, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def _money_places(value: Decimal) -> int:
    size = abs(value)
    if size >= 1 or size == 0:
        return 2
    return min(8, max(2, 3 - size.adjusted()))


def _rounded(value: Decimal, places: int) -> Decimal:
    rounded = CONTEXT.quantize(value, Decimal(1).scaleb(-places))
    return abs(rounded) if rounded == 0 else rounded


def _signed(value: Decimal | None, text: str) -> str:
    shows_zero = not any(digit in "123456789" for digit in text)
    return text if value is None or value < 0 or shows_zero else f"+{text}"
