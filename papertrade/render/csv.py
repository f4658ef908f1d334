"""CSV as a spreadsheet may safely open it: RFC 4180, UTF-8, one header row, stable columns.

Numbers are written plain; a text cell that a spreadsheet would run as a formula gets a leading `'`.
The rule to keep: what a cell is follows from its type, so a number is never a string on its way here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias

from papertrade.engine.money import plain
from papertrade.engine.values import dataclass

Value: TypeAlias = "str | Decimal | int | bool | None"

# Quotes and blanks before the sign are skipped by some spreadsheets; the full-width signs are taken
# for the ASCII ones by others.
_FORMULA = re.compile(r"[\"'\s\ufeff\u200b-\u200f]*[=+\-@＝＋－＠]|[\"' ]*[\t\r\n]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A header and its rows, in the order in which they are written; rows may be a generator."""

    header: tuple[str, ...]
    rows: Iterable[Sequence[Value]]


def csv_lines(sheet: Sheet) -> Iterator[str]:
    """Yield the records with their line ends (CR LF), the header first.

    Raises ValueError for a row of another length than the header and for a decimal that is not finite.
    """
    yield _record(sheet.header)
    for row in sheet.rows:
        if len(row) != len(sheet.header):
            raise ValueError(f"a row of {len(row)} cells under {len(sheet.header)} columns")
        yield _record([_written(value) for value in row])


def neutral(text: str) -> str:
    """Put a `'` before a text that a spreadsheet would take for a formula."""
    return f"'{text}" if _FORMULA.match(text) is not None else text


def restored(text: str) -> str:
    """Undo `neutral`, for reading back what was exported."""
    is_marked = text.startswith("'") and _FORMULA.match(text, 1) is not None
    return text[1:] if is_marked else text


def _written(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"`{value}` is not a number that a table can hold")
            return plain(value)
        case str():
            return neutral(value)


def _record(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
