"""The ground that every reading part of the store stands on: one connection inside one transaction.

Turns rows into values at one door, so that a row which cannot be what it should be is an unusable database
and never a traceback. The rule to keep: rows are typed as their table class, and none leaves the room.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, Select, Table, bindparam, func, select
from sqlalchemy.dialects.sqlite import Insert, insert

from papertrade.store import failures

R = TypeVar("R")
V = TypeVar("V")

_NONE: Final[Mapping[str, str]] = {}

NUMBERS: Final = select(func.json_each(bindparam("numbers")).table_valued("value").c.value)
"""A subquery of the numbers that its parameter lists."""


class Snapshot:
    """A connection inside a transaction, and the ways in which rows become values."""

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def _values(
        self, query: Select[*tuple[object, ...]], read: Callable[[R], V], parameters: Mapping[str, str] = _NONE
    ) -> tuple[V, ...]:
        """Run a query over the columns that `read` asks for, and read each row as a value."""
        try:
            # All rows are fetched first: a bad one must not leave a statement open, which would pin the snapshot
            # and keep every later write of this process from beginning.
            rows = self._connection.execute(query, parameters).all()
            # A row has the columns of its table as attributes, converted by their types.
            return tuple(read(cast(R, row)) for row in rows)
        except (ValueError, TypeError, KeyError) as error:
            table = query.columns_clause_froms[0]
            raise failures.unreadable(self._path, f"a row of `{table}`", error) from error

    def _one(self, query: Select[*tuple[object, ...]], read: Callable[[R], V]) -> V | None:
        values = self._values(query.limit(1), read)
        return values[0] if values else None

    def _number(self, query: str, parameters: tuple[int | str, ...] = ()) -> int:
        """Return the one whole number that a query gives, 0 for NULL."""
        value = self._connection.exec_driver_sql(query, parameters).scalar_one()
        return 0 if value is None else int(value)


def among(numbers: Iterable[int]) -> str:
    """Return numbers as the one parameter of `NUMBERS`, however many they are."""
    return json.dumps(list(numbers))


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Insert rows, or replace all columns but the key of those that exist."""
    if rows:
        connection.execute(_upsert(table), rows)


@cache
def _upsert(table: Table) -> Insert:
    statement = insert(table)
    keys = [c.name for c in table.primary_key.columns]
    changed = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def cells(table: Table, value: object) -> dict[str, object]:
    """Return a value as a row of a table whose columns are named like its fields."""
    return {column.name: getattr(value, column.name) for column in table.columns}
