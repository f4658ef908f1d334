"""A few named facts below each other: the label dim and padded, what it says beside it, long text wrapped.

For one record where a table would be one row. The rule to keep: a fact that is empty is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.cells import cell_len

from papertrade.render.console import Screen
from papertrade.render.tables import Line
from papertrade.render.text import Cell, Tone

Fact: TypeAlias = "tuple[str, str | Cell | Sequence[Cell]]"

_GAP = 2


def show_facts(screen: Screen, facts: Sequence[Fact], indent: int = 0, width: int = 0) -> None:
    """Write the facts that say something, their labels padded to one width (at least `width`)."""
    screen.lines(fact_lines(facts, screen.width, indent, width))


def fact_lines(facts: Sequence[Fact], limit: int, indent: int = 0, width: int = 0) -> list[Line]:
    """Lay facts out; one plain text beyond `limit` columns goes on below, under its own beginning."""
    told = [(label, _cells(said)) for label, said in facts]
    told = [(label, cells) for label, cells in told if any(cell.text for cell in cells)]
    margin = max([width, *(cell_len(label) for label, _ in told)]) + _GAP
    lines: list[Line] = []
    for label, cells in told:
        head = Cell(f"{' ' * indent}{label.ljust(margin)}", Tone.DIM)
        if len(cells) == 1:
            pieces = wrapped(cells[0].text, limit - margin - indent)
            lines.append((head, Cell(pieces[0], cells[0].tone)))
            lines += [(Cell(" " * (margin + indent)), Cell(piece, cells[0].tone)) for piece in pieces[1:]]
        else:
            lines.append((head, *cells))
    return lines


def dated(stamp: str, cells: Sequence[Cell]) -> Fact:
    """Return what happened at a time as a fact that may be wrapped: one text in the tone that stands out."""
    tone = next((cell.tone for cell in cells if cell.tone is not Tone.PLAIN), Tone.PLAIN)
    return stamp, Cell("".join(cell.text for cell in cells), tone)


def _cells(said: str | Cell | Sequence[Cell]) -> list[Cell]:
    if isinstance(said, str):
        return [Cell(said)]
    return [said] if isinstance(said, Cell) else list(said)


def wrapped(text: str, room: int) -> list[str]:
    """Break at blanks; a word that is longer than the room stays whole."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and cell_len(longer) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]
