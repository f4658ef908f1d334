"""Curves in the terminal: an equity curve with labelled axes, and a sparkline for one line of text.

Takes points and a size, gives lines; dots are braille where the screen shows Unicode, `*` elsewhere.
The rule to keep: positions are computed from exact decimals, labels are the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from decimal import ROUND_FLOOR, Decimal

from papertrade.engine.money import CONTEXT
from papertrade.engine.values import dataclass
from papertrade.render.numbers import local_minute, money

_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK_ASCII = "_.-~^"
_BRAILLE = 0x2800
# Bits of a braille cell's dots, [column][row from the top].
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


@dataclass(frozen=True, slots=True)
class Point:
    """A value and since when it holds (UTC milliseconds)."""

    at_ms: int
    value: Decimal


@dataclass(frozen=True, slots=True)
class Size:
    """Room for a chart, labels included, in characters; and what may be drawn with."""

    width: int = 100
    height: int = 12
    is_unicode: bool = True


def curve(points: Sequence[Point], size: Size, zone: tzinfo = UTC) -> list[str]:
    """Draw a step curve over time: each value holds until the next point. No points: no lines.

    Points must be in time order. The money axis names the highest, the middle and the lowest value;
    below stand the first and the last minute, with the zone.
    """
    if not points:
        return []
    low, high = min(point.value for point in points), max(point.value for point in points)
    middle = CONTEXT.divide(CONTEXT.add(low, high), Decimal(2))
    height = max(size.height - 2, 2)
    labels = {0: money(high), height - 1: money(low)}
    if high != low and height > 2:
        labels[height // 2] = money(middle)
    margin = max(len(label) for label in labels.values())
    columns = max(size.width - margin - 2, 2)
    across, up = (columns * 2, height * 4) if size.is_unicode else (columns, height)
    levels = [_level(value, low, high, up) for value in _sampled(points, across)]
    picture = _braille(levels, height) if size.is_unicode else _stars(levels, height)
    axis, corner, rule = ("│", "└", "─") if size.is_unicode else ("|", "+", "-")
    lines = [f"{labels.get(row, ''):>{margin}} {axis}{drawn}".rstrip() for row, drawn in enumerate(picture)]
    lines.append(f"{'':>{margin}} {corner}{rule * columns}")
    lines.append(f"{'':>{margin}}  {_time_axis(points, columns, zone)}".rstrip())
    return lines


def sparkline(values: Sequence[Decimal], width: int = 20, *, is_unicode: bool = True) -> str:
    """Draw values as one row of characters, lowest to highest; the newest `width` of them. None: empty."""
    shown = values[-width:]
    if not shown:
        return ""
    ramp = _BLOCKS if is_unicode else _SPARK_ASCII
    low, high = min(shown), max(shown)
    return "".join(ramp[_level(value, low, high, len(ramp))] for value in shown)


def _level(value: Decimal, low: Decimal, high: Decimal, levels: int) -> int:
    """Return 0 (lowest) to levels - 1; a flat curve runs through the middle."""
    if high == low:
        return levels // 2
    share = CONTEXT.divide(CONTEXT.subtract(value, low), CONTEXT.subtract(high, low))
    return int(CONTEXT.multiply(share, levels - 1).to_integral_value(rounding=ROUND_FLOOR))


def _sampled(points: Sequence[Point], count: int) -> list[Decimal]:
    """Take `count` values at even times from the first to the last point."""
    first, last = points[0].at_ms, points[-1].at_ms
    values: list[Decimal] = []
    place = 0
    for step in range(count):
        at_ms = first + (last - first) * step // max(count - 1, 1)
        while place + 1 < len(points) and points[place + 1].at_ms <= at_ms:
            place += 1
        values.append(points[place].value)
    return values


def _strokes(levels: Sequence[int]) -> list[range]:
    """Join each level to the one before, so that a jump is a line and not a gap."""
    strokes = []
    before = levels[0]
    for level in levels:
        if level > before:
            strokes.append(range(before + 1, level + 1))
        elif level < before:
            strokes.append(range(level, before))
        else:
            strokes.append(range(level, level + 1))
        before = level
    return strokes


def _braille(levels: Sequence[int], height: int) -> list[str]:
    cells = [[0] * (len(levels) // 2) for _ in range(height)]
    for across, stroke in enumerate(_strokes(levels)):
        for level in stroke:
            down = height * 4 - 1 - level
            cells[down // 4][across // 2] |= _DOTS[across % 2][down % 4]
    return ["".join(chr(_BRAILLE + bits) if bits else " " for bits in row) for row in cells]


def _stars(levels: Sequence[int], height: int) -> list[str]:
    cells = [[" "] * len(levels) for _ in range(height)]
    for across, stroke in enumerate(_strokes(levels)):
        for level in stroke:
            cells[height - 1 - level][across] = "*"
    return ["".join(row) for row in cells]


def _time_axis(points: Sequence[Point], columns: int, zone: tzinfo) -> str:
    first, last = local_minute(points[0].at_ms, zone), local_minute(points[-1].at_ms, zone)
    if first == last or len(first) + len(last) + 2 > columns:
        return first if first == last else f"{first} .. {last}"
    return first + last.rjust(columns - len(first))
