"""The whole schema as statements: tables and indexes from the table classes, and the triggers.

The triggers make the books append-only and a trade's way one-way, for any program that opens the file. The
rule to keep: a trigger only refuses; none ever writes.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from papertrade.store.cache_tables import MIGRATION
from papertrade.store.tables import TRADE, Stored

APPLICATION_ID: Final = 0x50545244
"""`PTRD` in the file's header."""

TRADE_STATE: Final = tuple(c.name for c in TRADE.columns)[21:]
"""The columns of a trade that its events change; all before them are the order."""

_AFTERWARDS: Final = ("tags", "flags")
_APPEND_ONLY: Final = ("event", "fill", "ledger", "trail_move", "note")
_DIALECT: Final = sqlite.dialect()


def _refusal(name: str, table: str, when: str, condition: str, message: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {when} ON {table} {f'WHEN {condition} ' if condition else ''}"
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _changed(*columns: str) -> str:
    return " OR ".join(f"NEW.{c} IS NOT OLD.{c}" for c in columns)


def _triggers() -> dict[str, str]:
    every = [
        (f"{table}_no_{verb}", table, verb.upper(), "", f"{table} is append-only")
        for table in _APPEND_ONLY
        for verb in ("update", "delete")
    ]
    every += [
        (f"{table}_no_delete", table, "DELETE", "", f"{table} is never deleted")
        for table in ("account", "signal", "trade")
    ]
    every += [
        (
            "account_fixed",
            "account",
            "UPDATE",
            f"{_changed('id', 'name', 'currency', 'created_ms')} OR NEW.epoch <> OLD.epoch + 1 "
            "OR NEW.epoch_seq <= OLD.epoch_seq",
            "an account changes by a new epoch only",
        ),
        (
            "signal_fixed",
            "signal",
            "UPDATE",
            f"{_changed(*(c.name for c in Stored.metadata.tables['signal'].columns if c.name != 'status'))} "
            "OR OLD.status <> 'stored' OR NEW.status <> 'cancelled'",
            "a signal can only be cancelled",
        ),
        (
            "trade_fixed",
            "trade",
            "UPDATE",
            _changed(*(c.name for c in TRADE.columns if c.name not in TRADE_STATE)),
            "the order of a trade never changes",
        ),
        (
            "trade_path",
            "trade",
            "UPDATE OF status",
            "NEW.status <> OLD.status AND NOT (OLD.status = 'pending' "
            "OR (OLD.status = 'open' AND NEW.status = 'closed'))",
            "illegal change of status",
        ),
        (
            "trade_frozen",
            "trade",
            "UPDATE",
            "OLD.status NOT IN ('pending', 'open') AND NOT (OLD.is_void = 0 AND NEW.is_void = 1) AND "
            f"({_changed(*(c for c in TRADE_STATE if c not in _AFTERWARDS))})",
            "an ended trade is frozen",
        ),
    ]
    return {name: _refusal(name, table, when, condition, text) for name, table, when, condition, text in every}


TRIGGERS: Final = _triggers()
"""Every trigger's statement by its name."""


def table_statement(table: Table) -> str:
    """Return the statement that makes a table."""
    return str(CreateTable(table).compile(dialect=_DIALECT)).strip()


def statements() -> dict[str, str]:
    """Return every object's statement by its name: tables, then indexes, then triggers."""
    made: dict[str, str] = {}
    tables = Stored.metadata.sorted_tables
    for table in tables:
        made[table.name] = table_statement(table)
    for table in tables:
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            made[str(index.name)] = str(CreateIndex(index).compile(dialect=_DIALECT)).strip()
    return made | TRIGGERS


def create_all(connection: Connection, version: int, at_ms: int) -> None:
    """Make every table, index and trigger in an empty database, and stamp the file as ours."""
    for statement in statements().values():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    stamp(connection, version, at_ms)


def stamp(connection: Connection, version: int, at_ms: int) -> None:
    """Write the schema version into the file's header and into its history."""
    connection.execute(MIGRATION.insert().values(version=version, at_ms=at_ms))
    connection.exec_driver_sql(f"PRAGMA user_version = {version}")
