"""Tables as lines of cells: they fit the terminal by leaving columns out, never by cutting a number.

Knows widths and alignment, no stream and no colour beyond a cell's tone. In a pipe (no limit) nothing is cut;
optional columns are left out where a line would pass 100 columns. The rule to keep: only a column declared elastic
may lose text, and only in a terminal; where even that is not enough each row is written as a block of
`header: value` lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size

from papertrade.engine.values import dataclass
from papertrade.render.text import Cell, Tone, safe

Line: TypeAlias = tuple[Cell, ...]
Row: TypeAlias = "Sequence[str | Cell]"

_GAP = 2
_ELASTIC_MIN = 8
_PIPED = 100
"""A pipe does not say how wide it is read: optional columns stay as long as a line has no more than this."""


class Align(StrEnum):
    """Where a column's cells stand: text left, numbers right."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `drop` 0 stays; in a narrow terminal the highest `drop` is left out first.

    An elastic column holds text that may be cut (with an ellipsis) in a terminal: reasons, tags.
    """

    header: str
    align: Align = Align.LEFT
    drop: int = 0
    is_elastic: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What the lines must fit: `limit` columns (None in a pipe), and whether rules may be drawn."""

    limit: int | None = None
    is_unicode: bool = False


def number(header: str, drop: int = 0) -> Column:
    """Return a right-aligned column that is never cut."""
    return Column(header, Align.RIGHT, drop)


def words(header: str, drop: int = 0) -> Column:
    """Return a left-aligned column of outside text that may be cut in a terminal."""
    return Column(header, Align.LEFT, drop, is_elastic=True)


def table(columns: Sequence[Column], rows: Sequence[Row], frame: Frame, total: Row | None = None) -> list[Line]:
    """Lay the rows out under a header and a rule; `total` stands below a second rule.

    Raises ValueError for a row of another length than the columns.
    """
    body = [_cells(row, len(columns)) for row in rows]
    foot = [] if total is None else [_cells(total, len(columns))]
    everything = [*body, *foot]
    widths = [
        max(cell_len(column.header), *(cell_len(row[place].text) for row in everything), 0)
        for place, column in enumerate(columns)
    ]
    kept = _kept(columns, widths, frame.limit) if frame.limit is not None else _kept_whole(columns, widths)
    widths = _squeezed(columns, widths, kept, frame.limit)
    if not _fits(widths, kept, frame.limit):
        return _blocks(columns, everything, frame)
    layout = [(columns[place], place, widths[place]) for place in kept]
    header = _laid([Cell(column.header, Tone.STRONG) for column in columns], layout, frame)
    rule: Line = (Cell(("─" if frame.is_unicode else "-") * _span(widths, kept), Tone.DIM),)
    lines = [header, rule, *(_laid(row, layout, frame) for row in body)]
    if foot:
        lines += [rule, *(_laid(row, layout, frame) for row in foot)]
    return lines


def cut(text: str, width: int, is_unicode: bool = True) -> str:
    """Shorten a text to `width` terminal cells, the last of them an ellipsis."""
    if cell_len(text) <= width:
        return text
    mark = "…" if is_unicode else "..."
    return set_cell_size(text, max(width - len(mark), 0)).rstrip() + mark[:width]


def _cells(row: Row, count: int) -> tuple[Cell, ...]:
    if len(row) != count:
        raise ValueError(f"a row of {len(row)} cells under {count} columns")
    return tuple(Cell(safe(cell.text), cell.tone) if isinstance(cell, Cell) else Cell(safe(cell)) for cell in row)


def _span(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[place] for place in kept) + _GAP * (len(kept) - 1)


def _fits(widths: Sequence[int], kept: Sequence[int], limit: int | None) -> bool:
    return limit is None or _span(widths, kept) <= limit


def _kept(columns: Sequence[Column], widths: Sequence[int], limit: int | None) -> list[int]:
    """Leave out optional columns, the most dispensable first, until the squeezed rest fits."""
    kept = list(range(len(columns)))
    optional = sorted((place for place in kept if columns[place].drop > 0), key=lambda place: -columns[place].drop)
    for place in optional:
        if _fits(_squeezed(columns, widths, kept, limit), kept, limit):
            break
        kept.remove(place)
    return kept


def _kept_whole(columns: Sequence[Column], widths: Sequence[int]) -> list[int]:
    """Leave out optional columns, the most dispensable first, until nothing has to be cut at 100 columns."""
    kept = list(range(len(columns)))
    for place in sorted((place for place in kept if columns[place].drop > 0), key=lambda place: -columns[place].drop):
        if _span(widths, kept) <= _PIPED:
            break
        kept.remove(place)
    return kept


def _squeezed(columns: Sequence[Column], widths: Sequence[int], kept: Sequence[int], limit: int | None) -> list[int]:
    """Take what is missing from the elastic columns, the widest first, none below its minimum."""
    result = list(widths)
    if limit is None:
        return result
    missing = _span(result, kept) - limit
    for place in sorted(kept, key=lambda place: -widths[place]):
        column = columns[place]
        if missing > 0 and column.is_elastic:
            floor = min(result[place], max(_ELASTIC_MIN, cell_len(column.header)))
            taken = min(missing, result[place] - floor)
            result[place] -= taken
            missing -= taken
    return result


def _laid(row: Sequence[Cell], layout: Sequence[tuple[Column, int, int]], frame: Frame) -> Line:
    line: list[Cell] = []
    for column, place, width in layout:
        cell = row[place]
        text = cut(cell.text, width, frame.is_unicode)
        padding = " " * (width - cell_len(text))
        aligned = padding + text if column.align is Align.RIGHT else text + padding
        line.append(Cell(aligned, cell.tone))
        line.append(Cell(" " * _GAP))
    while len(line) > 1 and not line[-1].text.strip():
        line.pop()
    last = line.pop()
    return (*line, Cell(last.text.rstrip(), last.tone))


def _blocks(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], frame: Frame) -> list[Line]:
    label_width = max(cell_len(column.header) for column in columns)
    lines: list[Line] = []
    for row in rows:
        if lines:
            lines.append(())
        for column, cell in zip(columns, row, strict=True):
            label = set_cell_size(column.header, label_width)
            room = len(cell.text) if frame.limit is None else max(frame.limit - label_width - _GAP, _ELASTIC_MIN)
            text = cut(cell.text, room, frame.is_unicode) if column.is_elastic else cell.text
            lines.append((Cell(label, Tone.DIM), Cell(" " * _GAP), Cell(text, cell.tone)))
    return lines
