"""An export as text, piece by piece: CSV, JSON (an array) and NDJSON, all from the same columns.

The rule to keep: a row is written and forgotten, so that a book of any size needs the memory of one row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

from papertrade.errors import Json
from papertrade.render.csv import Sheet, Value, csv_lines
from papertrade.render.export_columns import Cell, JsonText, Sheetful
from papertrade.render.json import Encodable, json_text


def csv_text(table: Sheetful) -> Iterator[str]:
    """Yield one record at a time: a list is its items with semicolons between, an unknown is an empty cell."""
    yield from csv_lines(sheet_of(table))


def sheet_of(table: Sheetful) -> Sheet:
    """Return the table as a sheet, for `--csv` of the commands that list the same rows."""
    return Sheet(table.columns, ([_flat(cell) for cell in row] for row in table.rows))


def ndjson_text(table: Sheetful) -> Iterator[str]:
    """Yield one object a line."""
    for item in objects(table):
        yield f"{json_text(item)}\n"


def json_array_text(table: Sheetful) -> Iterator[str]:
    """Yield one array with an object a line."""
    before = "[\n"
    for item in objects(table):
        yield f"{before}{json_text(item)}"
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def objects(table: Sheetful) -> Iterator[Mapping[str, Encodable]]:
    """Yield each row as an object by column."""
    for row in table.rows:
        yield {name: _nested(cell) for name, cell in zip(table.columns, row, strict=True)}


def _flat(cell: Cell) -> Value:
    return ";".join(cell) if isinstance(cell, tuple) else cell


def _nested(cell: Cell) -> Encodable:
    if not isinstance(cell, JsonText):
        return cell
    try:
        return cast("Json", json.loads(cell))
    except (ValueError, RecursionError):  # a damaged journal is exported as it stands
        return str(cell)
