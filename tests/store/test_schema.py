"""The schema itself refuses what must never happen, whichever program writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from papertrade.store import schema
from papertrade.store.store import Store
from papertrade.store.tables import TRADE, Stored


@pytest.fixture
def outsider(book: Store) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the book, as the sqlite3 shell would open it."""
    connection = sqlite3.connect(book.path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE event SET body = '{}' WHERE seq = 1", "event is append-only"),
        ("DELETE FROM event WHERE seq = 1", "event is append-only"),
        ("INSERT OR REPLACE INTO event SELECT * FROM event WHERE seq = 1", "event is append-only"),
        ("UPDATE ledger SET amount_u = 1", "ledger is append-only"),
        ("DELETE FROM ledger", "ledger is append-only"),
        ("INSERT OR REPLACE INTO ledger SELECT * FROM ledger LIMIT 1", "ledger is append-only"),
        ("UPDATE fill SET fee_u = 0", "fill is append-only"),
        ("DELETE FROM fill", "fill is append-only"),
        ("UPDATE note SET text = ''", "note is append-only"),
        ("DELETE FROM trade WHERE id = 6", "trade is never deleted"),
        ("DELETE FROM signal WHERE id = 8", "signal is never deleted"),
        ("DELETE FROM account WHERE id = 2", "account is never deleted"),
        ("UPDATE trade SET status = 'open' WHERE id = 1", "an ended trade is frozen"),
        ("UPDATE trade SET status = 'cancelled', closed_ms = 1 WHERE id = 7", "illegal change of status"),
        ("UPDATE trade SET status = 'pending' WHERE id = 7", "illegal change of status"),
        ("UPDATE trade SET realized_u = 0 WHERE id = 1", "an ended trade is frozen"),
        ("UPDATE trade SET closed_ms = closed_ms + 1 WHERE id = 2", "an ended trade is frozen"),
        ("UPDATE trade SET symbol = 'ETHUSDT' WHERE id = 7", "the order of a trade never changes"),
        ("UPDATE trade SET signal_id = 1 WHERE id = 7", "the order of a trade never changes"),
        ("UPDATE signal SET status = 'stored' WHERE id = 8", "a signal can only be cancelled"),
        ("UPDATE signal SET symbol = 'X' WHERE id = 1", "a signal can only be cancelled"),
        ("UPDATE account SET name = 'x' WHERE id = 1", "an account changes by a new epoch only"),
        ("UPDATE account SET epoch = 1 WHERE id = 2", "an account changes by a new epoch only"),
        ("UPDATE trade SET open_quantity = '1e5' WHERE id = 7", "open_quantity_is_decimal"),
        ("UPDATE trade SET reserve_u = -1 WHERE id = 7", "reserve_is_live"),
        ("UPDATE trade SET reserve_u = 0.5 WHERE id = 7", "cannot store REAL value"),
        ("UPDATE trade SET status = 'closed' WHERE id = 7", "CHECK constraint failed"),
        ("INSERT INTO ledger VALUES (1, 'cash', 1, NULL, 0)", "amount_not_zero"),
        ("INSERT INTO ledger VALUES (1, 'gold', 1, NULL, 5)", "book_known"),
        ("INSERT INTO ledger VALUES (999, 'cash', 1, NULL, 5)", "FOREIGN KEY"),
        (
            f"INSERT INTO trade SELECT 99, {', '.join(c.name for c in list(TRADE.columns)[1:])} "
            "FROM trade WHERE id = 7",
            "UNIQUE constraint failed: trade.account_id, trade.signal_id",
        ),
    ],
)
def test_the_books_refuse(outsider: sqlite3.Connection, statement: str, message: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=message):
        outsider.execute(statement)


def test_what_may_change_may(outsider: sqlite3.Connection) -> None:
    outsider.execute("UPDATE trade SET tags = '[\"x\"]', flags = '[]' WHERE id = 1")
    outsider.execute("UPDATE trade SET applied_to_ms = applied_to_ms + 1 WHERE id = 7")
    outsider.execute("UPDATE signal SET status = 'cancelled' WHERE id = 1")
    outsider.execute("UPDATE account SET epoch = 3, epoch_seq = (SELECT MAX(seq) FROM event) + 0 WHERE id = 1 AND 0")
    assert outsider.execute("SELECT tags FROM trade WHERE id = 1").fetchone() == ('["x"]',)


def test_every_statement_makes_one_object_of_its_name() -> None:
    connection = sqlite3.connect(":memory:")
    for statement in schema.statements().values():
        connection.execute(statement)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL")]
    assert names == list(schema.statements())
    connection.close()


LIVE = "WHERE status IN ('pending', 'open')"
INDEXES = {
    "delivery_waiting": "ON delivery (next_ms) WHERE delivered_ms IS NULL",
    "event_of_trade": "ON event (trade_id, seq) WHERE trade_id IS NOT NULL",
    "ledger_of_book": "ON ledger (account_id, book, event_seq, amount_u)",
    "live_above": f"ON trade (venue, symbol, armed_above) {LIVE}",
    "live_at": f"ON trade (venue, symbol, armed_at) {LIVE}",
    "live_below": f"ON trade (venue, symbol, armed_below) {LIVE}",
    "live_quoted": f'ON trade (venue, symbol) {LIVE} AND instr(terms, \'"decides":"quotes"\') > 0',
    "one_live_trade": f"ON trade (account_id, signal_id) {LIVE}",
    "run_started": "ON run (kind, started_ms)",
    "trade_of_account": "ON trade (account_id, status)",
    "trade_of_signal": "ON trade (signal_id)",
    "void_trade": "ON trade (account_id, id) WHERE is_void = 1",
}


def test_what_is_rare_is_found_by_a_small_index(outsider: sqlite3.Connection) -> None:
    rows = outsider.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    found = {name: " ".join(sql.split()) for name, sql in rows}
    assert {name: sql.partition(f" {name} ")[2] for name, sql in found.items()} == INDEXES
    assert [name for name, sql in found.items() if sql.startswith("CREATE UNIQUE INDEX")] == ["one_live_trade"]


def test_every_table_takes_only_what_its_columns_are_for(outsider: sqlite3.Connection) -> None:
    listed = "SELECT name, strict, wr FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'"
    tables = outsider.execute(listed).fetchall()
    assert len(tables) == len(Stored.metadata.sorted_tables)
    assert [name for name, is_strict, _ in tables if not is_strict] == []
    # An own number for each row is kept only where rows have one, or are too long to stand in a key.
    numbered = {"account", "candle_look", "delivery", "event", "fill", "migration", "note", "run_saved", "signal"}
    assert {name for name, _, is_keyed in tables if not is_keyed} == numbered | {"trade", "watermark_aside"}


def test_caches_are_named_after_what_they_hold() -> None:
    held = ("instrument", "candle", "quote", "price", "equity", "watermark", "coverage", "cursor", "delivery")
    others = (*held, "venue", "run", "migration", "setting")
    views = {"event", "account", "signal", "trade", "fill", "ledger", "trail_move", "note"}
    caches = {table.name for table in Stored.metadata.sorted_tables} - views
    assert len(caches) == 16
    assert [name for name in caches if not name.startswith(others)] == []
