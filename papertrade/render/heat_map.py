"""A heat map in the terminal: one figure over two axes, good and bad told by sign and shade, not by colour alone.

Numbers where the columns have room for them, else a sign and a shade. What does not fit is thinned out evenly, and
that is said. The rule to keep: the best cell is always shown and marked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from papertrade.engine.values import dataclass
from papertrade.render.tables import Line
from papertrade.render.text import Cell, Tone

ROWS_MAX: Final = 30
_SHADES: Final = "░▒▓█"
_SHADES_ASCII: Final = ".:o#"
_UNKNOWN: Final = "-"
_SHADED_WIDTH: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """What to draw: a row of values for each row label; None where there is none.

    `middle` is where bad ends and good begins; `best` is the row and column of the best cell. `row_title` and
    `column_title` name the axes, `write` writes one value short.
    """

    row_title: str
    column_title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    best: tuple[int, int]
    write: Callable[[float], str]
    middle: float = 0.0


def heat_map(chart: HeatMap, width: int, *, is_unicode: bool) -> list[Line]:
    """Lay the map out in `width` columns, with a legend below."""
    margin = max(len(chart.row_title), *(len(label) for label in chart.rows)) + 1
    rows = _thinned(len(chart.rows), chart.best[0], ROWS_MAX)
    written = _written(chart, rows)
    room = width - margin
    cell = max((len(text) for line in written for text in line), default=1) + 2
    cell = max(cell, *(len(label) + 1 for label in chart.columns))
    has_numbers = cell * len(chart.columns) <= room
    if not has_numbers:
        cell = _SHADED_WIDTH
    columns = _thinned(len(chart.columns), chart.best[1], max(room // cell, 1))
    reach = _reach(chart)
    lines: list[Line] = [_header(chart, columns, margin, cell)]
    for place, row in enumerate(rows):
        cells = [Cell(f"{chart.rows[row]:>{margin - 1}} ", Tone.DIM)]
        for column in columns:
            value = chart.values[row][column]
            is_best = (row, column) == chart.best
            text = (
                f"{'*' if is_best else ''}{written[place][column]}"
                if has_numbers
                else _shaded(value, chart.middle, reach, is_best=is_best, is_unicode=is_unicode)
            )
            cells.append(Cell(f"{text:>{cell}}", _tone(value, chart.middle, is_best=is_best)))
        lines.append(tuple(cells))
    legend = _legend(chart, rows, columns, has_numbers=has_numbers, is_unicode=is_unicode)
    return [*lines, *((Cell(text, Tone.DIM),) for text in legend)]


def _thinned(count: int, best: int, most: int) -> list[int]:
    """Keep every n-th place, counted from the best, so that no more than `most` are left."""
    if count <= most:
        return list(range(count))
    step = -(-count // most)
    return list(range(best % step, count, step))


def _written(chart: HeatMap, rows: Sequence[int]) -> list[list[str]]:
    return [[_UNKNOWN if value is None else chart.write(value) for value in chart.values[row]] for row in rows]


def _reach(chart: HeatMap) -> float:
    """Return the greatest distance of a value from the middle."""
    known = [abs(value - chart.middle) for line in chart.values for value in line if value is not None]
    return max((value for value in known if math.isfinite(value)), default=0.0)


def _header(chart: HeatMap, columns: Sequence[int], margin: int, cell: int) -> Line:
    """Write the labels over their columns: all of them, or every n-th where they are wider than the cells."""
    step = -(-(max(len(label) for label in chart.columns) + 1) // cell)
    text = f"{chart.row_title:>{margin - 1}} "
    for place, column in enumerate(columns, 1):
        if place % step == 0:
            text += f"{chart.columns[column]:>{cell * step}}"
    return (Cell(text, Tone.STRONG),)


def _shaded(value: float | None, middle: float, reach: float, *, is_best: bool, is_unicode: bool) -> str:
    if value is None:
        return "*" if is_best else _UNKNOWN
    shades = _SHADES if is_unicode else _SHADES_ASCII
    away = abs(value - middle) / reach if reach > 0 else 0.0
    shade = shades[min(int(away * len(shades)), len(shades) - 1)]
    sign = "+" if value > middle else "-" if value < middle else " "
    return f"{'*' if is_best else sign}{shade}"


def _tone(value: float | None, middle: float, *, is_best: bool) -> Tone:
    if is_best:
        return Tone.STRONG
    if value is None or value == middle:
        return Tone.DIM
    return Tone.GAIN if value > middle else Tone.LOSS


def _legend(
    chart: HeatMap, rows: Sequence[int], columns: Sequence[int], *, has_numbers: bool, is_unicode: bool
) -> list[str]:
    shades = _SHADES if is_unicode else _SHADES_ASCII
    text = f"{chart.row_title} down, {chart.column_title} across; * the best"
    if not has_numbers:
        text += f"; {shades[0]} near {chart.write(chart.middle)} .. {shades[-1]} far above (+) or below (-)"
    thinned = [
        f"{len(shown)} of {len(labels)} {name}s"
        for shown, labels, name in ((rows, chart.rows, chart.row_title), (columns, chart.columns, chart.column_title))
        if len(shown) < len(labels)
    ]
    return [text, *([f"shown: {', '.join(thinned)}, evenly from the best"] if thinned else [])]
