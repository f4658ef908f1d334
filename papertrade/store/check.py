"""Whether a database is what its journal says: replays every event and compares every column of every view.

The replay runs in memory through the same projection that wrote the views; beside it stand invariants that
know nothing of it. The rule to keep: a check only reads, and reports each difference instead of stopping.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from itertools import groupby
from typing import Final, Protocol

from sqlalchemy import Connection, Table, create_engine
from sqlalchemy.pool import StaticPool

from papertrade.engine.codec import parse_long_decimal
from papertrade.engine.market import Side
from papertrade.engine.money import ZERO, exact, plain, to_grid, to_units
from papertrade.engine.trade import ExitReason
from papertrade.errors import Refused
from papertrade.store.columns import optional_decimal
from papertrade.store.invariants import FILLS, INVARIANTS
from papertrade.store.journal import chained, read_event
from papertrade.store.rows import CheckReport, Difference
from papertrade.store.schema import statements
from papertrade.store.tables import VIEWS
from papertrade.store.views import InvariantBroken, Projection

_EVENTS: Final = (
    "SELECT seq AS seq, recorded_ms AS recorded_ms, wall_ms AS wall_ms, effective_ms AS effective_ms, "
    "run_id AS run_id, kind AS kind, account_id AS account_id, trade_id AS trade_id, signal_id AS signal_id, "
    "body AS body, prev AS prev, hash AS hash FROM event ORDER BY seq"
)
_CHUNK: Final = 1_000
_IMPOSSIBLE: Final = (ValueError, KeyError, TypeError, InvariantBroken, Refused)
_REPORTED_MAX: Final = 1_000


class _Findings:
    """Differences so far; beyond a thousand they are only counted."""

    def __init__(self) -> None:
        self.found: list[Difference] = []
        self.left_out = 0

    def add(self, invariant: str, record: str, expected: object, actual: object) -> None:
        if len(self.found) < _REPORTED_MAX:
            self.found.append(Difference(invariant, record, _shown(expected), _shown(actual)))
        else:
            self.left_out += 1

    def all(self) -> tuple[Difference, ...]:
        if self.left_out:
            more = Difference("more", "this report", f"{_REPORTED_MAX} differences", f"{self.left_out} more")
            return (*self.found, more)
        return tuple(self.found)


def check(connection: Connection) -> CheckReport:
    """Check a database inside the caller's transaction. Raises the driver's errors where it cannot be read."""
    findings = _Findings()
    _check_file(connection, findings)
    _check_schema(connection, findings)
    events = _check_chain(connection, findings)
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as memory:
        for table in VIEWS:
            _make_copy(memory, table)
        replay(connection, memory, lambda seq, error: findings.add("replay", f"event {seq}", "to follow", error))
        for table in VIEWS:
            _compare(table, memory, connection, findings)
    engine.dispose()
    for name, query in INVARIANTS.items():
        for record, expected, actual in connection.exec_driver_sql(query):
            findings.add(name, record, expected, actual)
    _check_fills(connection, findings)
    counts = [connection.exec_driver_sql(f"SELECT COUNT(*) FROM {name}").scalar_one() for name in ("trade", "ledger")]
    return CheckReport(findings.all(), events, *counts)


def replay(source: Connection, target: Connection, on_error: Callable[[int, Exception], None]) -> None:
    """Write the views of all events of `source` into the empty tables of `target`, in bounded steps.

    An event that cannot be read, or cannot follow, goes to `on_error`; it and what builds on it make no rows.
    """
    projection = Projection.of({})
    seq = 0
    for count, row in enumerate(source.exec_driver_sql(_EVENTS), 1):
        seq = row.seq
        try:
            projection.add(seq, row.effective_ms, read_event(row.kind, row.body))
            if count % _CHUNK == 0:
                projection.write(target)
        except _IMPOSSIBLE as error:
            on_error(seq, error)
    try:
        projection.write(target)
    except _IMPOSSIBLE as error:
        on_error(seq, error)


def _make_copy(memory: Connection, table: Table) -> None:
    """Make an empty table of the same columns that refuses nothing, so that a wrong journal can be shown."""
    memory.exec_driver_sql(f"CREATE TABLE {table.name} ({', '.join(c.name for c in table.columns)})")
    for name in ("id", "trade_id"):
        if name in table.columns:
            memory.exec_driver_sql(f"CREATE INDEX {table.name}_{name} ON {table.name} ({name})")


def _check_file(connection: Connection, findings: _Findings) -> None:
    for (message,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if message != "ok":
            findings.add("integrity", "the file", "ok", message)
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        findings.add("foreign_key", f"{table} row {row}", f"a row of {parent}", None)


def _check_schema(connection: Connection, findings: _Findings) -> None:
    """Compare every table, index and trigger with what this program would make, but for blanks and quotes."""
    query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    actual: dict[str, str] = {row.name: row.sql for row in connection.exec_driver_sql(query)}
    expected = statements()
    for name in sorted({*actual, *expected}):
        if _bare(actual.get(name)) != _bare(expected.get(name)):
            findings.add("schema", name, expected.get(name), actual.get(name))


def _check_chain(connection: Connection, findings: _Findings) -> int:
    count, link = 0, ""
    for row in connection.exec_driver_sql(_EVENTS):
        *cells, prev, stored = row
        if prev != link:
            findings.add("hash_chain", f"event {row.seq} prev", link, prev)
        computed = chained((*cells, prev))
        if stored != computed:
            findings.add("hash_chain", f"event {row.seq} hash", computed, stored)
        count, link = count + 1, stored
    return count


def _compare(table: Table, expected: Connection, actual: Connection, findings: _Findings) -> None:
    """Compare two copies of a table, column by column."""
    names = [c.name for c in table.columns]
    keys = [names.index(c.name) for c in table.primary_key.columns]
    query = f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {', '.join(names[k] for k in keys)}"
    wanted = {tuple(row[k] for k in keys): row for row in expected.exec_driver_sql(query)}
    for have in actual.exec_driver_sql(query):
        key = tuple(have[k] for k in keys)
        record = f"{table.name} {' '.join(map(str, key))}"
        want = wanted.pop(key, None)
        if want is None:
            findings.add("view", record, "no row", "a row")
        elif tuple(want) != tuple(have):
            for name, left, right in zip(names, want, have, strict=True):
                if left != right:
                    findings.add("view", f"{record} {name}", left, right)
    for key in wanted:
        findings.add("view", f"{table.name} {' '.join(map(str, key))}", "a row", "no row")


def _check_fills(connection: Connection, findings: _Findings) -> None:
    """Check what SQL cannot: exact quantities, notionals, and on which side of its level an exit lies."""
    with exact():
        for trade_id, fills in groupby(connection.exec_driver_sql(FILLS), key=lambda row: row.trade_id):
            left = ZERO
            for fill in fills:
                try:
                    left += _check_fill(fill, findings)
                    still_open = left if fill.is_void else parse_long_decimal(fill.open_quantity)
                except ValueError as error:
                    findings.add("quantity", f"fill {fill.event_seq}", "decimals", error)
                    break
            else:
                if left != still_open:
                    findings.add("quantity", f"trade {trade_id}", plain(left), plain(still_open))


class _Fill(Protocol):
    """A row of the query FILLS."""

    event_seq: int
    leg: str
    quantity: str
    price: str
    raw_price: str
    level: str | None
    notional_u: int
    reason: str | None
    side: str


def _check_fill(fill: _Fill, findings: _Findings) -> Decimal:
    """Check one fill; returns what it adds to the quantity of its trade."""
    quantity, raw_price = parse_long_decimal(fill.quantity), parse_long_decimal(fill.raw_price)
    notional = to_units(to_grid(quantity * parse_long_decimal(fill.price)))
    if notional != fill.notional_u:
        findings.add("notional", f"fill {fill.event_seq}", notional, fill.notional_u)
    if fill.leg == "entry":
        return quantity
    level = optional_decimal(fill.level)
    if level is not None and fill.reason != ExitReason.MANUAL:
        favours = raw_price > level if fill.side == Side.LONG else raw_price < level
        is_target = fill.reason == ExitReason.TAKE_PROFIT
        if raw_price != level and favours is not is_target:
            findings.add("exit_level", f"fill {fill.event_seq}", f"{fill.reason} beyond {fill.level}", fill.raw_price)
    return -quantity


def _bare(sql: str | None) -> str:
    return "" if sql is None else re.sub(r'[\s"]+', "", sql).rstrip(";")


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def rebuild(connection: Connection) -> None:
    """Drop every view with its indexes and triggers, make them anew, and write them from the journal."""
    made = statements()
    for table in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}")
    left = {row.name: row for row in connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_schema")}
    for name, sql in made.items():
        there = left.get(name)
        if there is not None and there.type != "table" and _bare(there.sql) != _bare(sql):
            connection.exec_driver_sql(f"DROP {there.type} {name}")
            there = None
        if there is None:
            connection.exec_driver_sql(sql)

    def stop(seq: int, error: Exception) -> None:
        raise ValueError(f"event {seq} does not follow") from error

    replay(connection, connection, stop)
