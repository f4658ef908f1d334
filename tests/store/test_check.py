"""`check` finds every edit of a stored book that the schema does not refuse; `rebuild` mends the views."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from papertrade.errors import DatabaseUnusable
from papertrade.store import check, database, schema
from papertrade.store.rows import CheckReport, Difference
from papertrade.store.store import Store
from papertrade.store.tables import EVENT, VIEWS
from papertrade.store.views import InvariantBroken
from tests.store.stories import founded, held_at_a_cost, led_trails, opened, whole_book

EDITED = (EVENT, *VIEWS)
ONE_LESS = "UPDATE ledger SET amount_u = amount_u - 1 WHERE event_seq = 2 AND book = 'cash'"
TWICE = "DROP INDEX one_live_trade; UPDATE trade SET account_id = 1, signal_id = 7 WHERE id = 6"
LESS_RELEASED = (
    """UPDATE event SET body = replace(body, '"released":"49.049"', '"released":"40"') WHERE kind = 'trade_ended'"""
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed, sound book with every kind of event in it."""
    path = tmp_path_factory.mktemp("sound") / "book.db"
    store = opened(path)
    store.write(whole_book)
    store.write(led_trails)
    store.write(held_at_a_cost)
    assert store.check().is_sound
    store.close()
    return path


@pytest.fixture
def copied(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "book.db"))


def checked(path: Path) -> CheckReport:
    with closing(opened(path)) as store:
        return store.check()


def outsider(path: Path, *, triggers: bool = False) -> sqlite3.Connection:
    """Open as a program that knows no rules; without `triggers` they are dropped first."""
    connection = sqlite3.connect(path, isolation_level=None)
    if not triggers:
        for name in schema.TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
    return connection


def edits(cell: object) -> tuple[object, ...]:
    """Return other values that the cell could be given."""
    match cell:
        case None:
            return (1, "1")
        case int():
            return (cell + 1, None)
        case float():
            return (cell + 0.001, None)
        case str():
            return (f"{cell}0", cell[:-1], None)
        case _:
            raise AssertionError(cell)


def differs(path: Path) -> bool:
    """Whether the check sees something beyond the triggers that the outsider dropped."""
    with database.connected(path) as checking, checking.begin():
        try:
            report = check.check(checking)
        except DBAPIError:
            return True
    return any(d.record not in schema.TRIGGERS for d in report.differences)


@pytest.mark.parametrize("table", [table.name for table in EDITED])
def test_every_single_field_edit_is_refused_or_found(copied: Path, table: str) -> None:
    connection = outsider(copied)
    columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    keys = [name for _, name, _, _, _, key in connection.execute(f"PRAGMA table_info({table})") if key]
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    unseen, refused, found = [], 0, 0
    assert not differs(copied)
    sample = rows if len(rows) <= 8 else [*rows[:3], *rows[len(rows) // 2 :: 7], rows[-1]]
    for row in sample:
        known = dict(zip(columns, row, strict=True))
        where = " AND ".join(f"{key} = ?" for key in keys)
        for column in columns:
            for edit in (edit for edit in edits(known[column]) if edit != known[column]):
                connection.execute("BEGIN")
                try:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? WHERE {where}", (edit, *(known[k] for k in keys))
                    )
                except sqlite3.IntegrityError:
                    connection.execute("ROLLBACK")
                    refused += 1
                    continue
                connection.execute("COMMIT")
                if differs(copied):
                    found += 1
                else:
                    unseen.append((row[0], column, edit))
                back = {**known, column: edit}
                connection.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {where}", (known[column], *(back[k] for k in keys))
                )
    connection.close()
    assert unseen == []
    assert found > 0 and refused > 0


@pytest.mark.parametrize("table", [table.name for table in EDITED])
def test_a_row_too_few_is_found(copied: Path, table: str) -> None:
    connection = outsider(copied)
    key = connection.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE pk = 1").fetchone()[0]
    connection.execute(f"DELETE FROM {table} WHERE {key} = (SELECT MAX({key}) FROM {table})")
    connection.close()
    assert any(d.record not in schema.TRIGGERS for d in checked(copied).differences)


def test_a_row_too_many_is_found(copied: Path) -> None:
    connection = outsider(copied)
    connection.execute("INSERT INTO ledger VALUES (1, 'cash', 1, NULL, 5)")
    connection.execute("INSERT INTO ledger VALUES (1, 'capital', 1, NULL, -5)")
    connection.close()
    assert Difference("view", "ledger 1 cash", "no row", "a row") in checked(copied).differences


@pytest.mark.parametrize("name", [*schema.TRIGGERS, "one_live_trade", "live_below", "ledger_of_book"])
def test_a_dropped_guard_is_found_and_made_anew(copied: Path, name: str) -> None:
    connection = outsider(copied, triggers=True)
    connection.execute(f"DROP {'TRIGGER' if name in schema.TRIGGERS else 'INDEX'} {name}")
    connection.close()
    (difference,) = checked(copied).differences
    assert (difference.invariant, difference.record, difference.actual) == ("schema", name, "nothing")
    with closing(opened(copied)) as store:
        assert not store.rebuild().before.is_sound
        assert store.check().is_sound


@pytest.mark.parametrize(
    ("statement", "invariant", "record"),
    [
        (ONE_LESS, "postings_balance", "event 2"),
        (ONE_LESS, "trial_balance", "account 1"),
        ("UPDATE ledger SET amount_u = -amount_u WHERE event_seq = 2", "cash_not_negative", "account 1 after event 2"),
        ("UPDATE event SET seq = 999 WHERE seq = (SELECT MAX(seq) FROM event)", "sequence", "event 999"),
        ("UPDATE event SET recorded_ms = 5 WHERE seq = 9", "clock", "event 9"),
        ("UPDATE trade SET reserve_u = reserve_u + 1 WHERE id = 7", "reserve", "trade 7"),
        ("UPDATE trade SET realized_u = realized_u + 1 WHERE id = 1", "realized_by_fills", "trade 1"),
        ("UPDATE trade SET realized_u = realized_u + 1 WHERE id = 1", "realized_by_ledger", "trade 1"),
        ("UPDATE trade SET fees_u = fees_u + 1 WHERE id = 1", "fees", "trade 1"),
        ("UPDATE trade SET open_quantity = '0.4' WHERE id = 7", "quantity", "trade 7"),
        ("UPDATE fill SET quantity = '0.6', notional_u = 1 WHERE trade_id = 7", "notional", "fill 25"),
        ("UPDATE fill SET quantity = '.' WHERE trade_id = 7", "quantity", "fill 25"),
        ("UPDATE fill SET raw_price = '120' WHERE reason = 'stop_loss'", "exit_level", "fill 7"),
        ("UPDATE fill SET raw_price = '99' WHERE reason = 'take_profit' AND trade_id = 2", "exit_level", "fill 10"),
        ("UPDATE fill SET raw_price = '99' WHERE reason = 'take_profit' AND trade_id = 3", "exit_level", "fill 14"),
        ("UPDATE fill SET n = 7 WHERE trade_id = 1 AND n = 2", "fills_counted", "fill 7"),
        ("UPDATE event SET body = replace(body, 'true', 'false') WHERE kind = 'exit_filled'", "closed_once", "trade 1"),
        ("UPDATE event SET body = '{' WHERE seq = 3", "replay", "event 3"),
        ("UPDATE event SET prev = 'x' WHERE seq = 3", "hash_chain", "event 3 prev"),
        (TWICE, "one_live_trade", "signal 7 in account 1"),
    ],
)
def test_each_invariant_sees_its_own_corruption(copied: Path, statement: str, invariant: str, record: str) -> None:
    connection = outsider(copied)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.executescript(statement)
    connection.close()
    assert (invariant, record) in {(d.invariant, d.record) for d in checked(copied).differences}


def test_a_dangling_reference_is_found(copied: Path) -> None:
    connection = outsider(copied)
    connection.execute("UPDATE note SET trade_id = 99 WHERE id = 2")
    connection.close()
    assert Difference("foreign_key", "note row 2", "a row of trade", "nothing") in checked(copied).differences


def test_a_damaged_index_is_found(copied: Path) -> None:
    connection = outsider(copied, triggers=True)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'signal_id', 'epoch') WHERE name = 'trade_of_signal'"
    )
    connection.close()
    assert {d.invariant for d in checked(copied).differences} == {"integrity", "schema"}


def test_a_quick_look_finds_damage_without_replaying(copied: Path) -> None:
    with closing(opened(copied)) as store:
        assert store.quick_check() is None
    connection = outsider(copied)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'closed_ms INTEGER', 'closed_ms INTEGER NOT NULL')")
    connection.close()
    with closing(opened(copied)) as store:
        assert store.quick_check() == "NULL value in trade.closed_ms"


def test_a_journal_that_ends_in_an_impossible_state_is_reported(copied: Path) -> None:
    """The projection's own guards do not stop a check."""
    connection = outsider(copied)
    connection.execute(LESS_RELEASED)
    connection.close()
    findings = [d for d in checked(copied).differences if d.invariant == "replay"]
    assert "with something wrong left in it" in findings[0].actual


def test_impossible_states_are_reported_in_every_bounded_step(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_CHUNK", 1)
    assert checked(copied).is_sound
    connection = outsider(copied)
    connection.execute("UPDATE event SET body = replace(body, '\"50.025\"', '\"60\"') WHERE kind = 'entry_filled'")
    connection.close()
    assert any(d.invariant == "replay" for d in checked(copied).differences)


def test_a_flood_of_differences_is_cut_and_counted(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_REPORTED_MAX", 3)
    connection = outsider(copied)
    connection.execute("UPDATE ledger SET amount_u = amount_u + 1")
    connection.close()
    differences = checked(copied).differences
    assert len(differences) == 4
    with closing(sqlite3.connect(copied)) as connection:
        (postings,) = connection.execute("SELECT COUNT(*) FROM ledger").fetchone()
    assert str(differences[-1]).startswith("more: this report: expected 3 differences, found ")
    monkeypatch.setattr(check, "_REPORTED_MAX", 10_000)
    every = checked(copied).differences
    assert len(every) > postings
    assert str(differences[-1]).endswith(f"found {len(every) - 3} more")


def test_a_difference_is_one_short_line(copied: Path) -> None:
    connection = outsider(copied)
    connection.execute("UPDATE trade SET reason = ? WHERE id = 7", ("x" * 500,))
    connection.close()
    (difference,) = (d for d in checked(copied).differences if d.invariant == "view")
    assert str(difference) == f"view: trade 7 reason: expected , found {'x' * 197}..."


def test_a_rebuild_mends_every_view_after_a_backup(copied: Path) -> None:
    connection = outsider(copied)
    connection.execute("UPDATE trade SET realized_u = 5 WHERE id = 1")
    connection.execute("UPDATE signal SET content = '{}'")
    connection.execute("DELETE FROM note")
    connection.execute("UPDATE account SET currency = 'EUR'")
    connection.execute("DROP INDEX live_at")
    connection.execute("CREATE INDEX live_at ON trade (id)")
    connection.execute("DELETE FROM cursor")
    connection.close()
    with closing(opened(copied)) as store:
        rebuilt = store.rebuild()
        assert not rebuilt.before.is_sound
        assert store.check().is_sound
        store.write(lambda w: founded(w, "third"))
        assert store.check().is_sound
    assert not checked(rebuilt.backup).is_sound


def test_a_changed_trigger_on_the_journal_is_mended(copied: Path) -> None:
    connection = outsider(copied, triggers=True)
    connection.execute("DROP TRIGGER event_no_update")
    connection.execute("CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT 1; END")
    connection.close()
    with closing(opened(copied)) as store:
        assert [d.record for d in store.rebuild().before.differences] == ["event_no_update"]
        assert store.check().is_sound


def test_a_damaged_journal_is_not_rebuilt_from(copied: Path) -> None:
    connection = outsider(copied)
    connection.execute("UPDATE event SET body = replace(body, '10000', '20000') WHERE seq = 2")
    connection.close()
    before = copied.read_bytes()
    with closing(opened(copied)) as store, pytest.raises(DatabaseUnusable, match="its journal is damaged"):
        store.rebuild()
    assert copied.read_bytes() == before


def test_a_rebuild_stops_at_an_event_that_does_not_follow(copied: Path) -> None:
    connection = outsider(copied)
    connection.execute("UPDATE event SET kind = 'nonsense' WHERE seq = 4")
    connection.close()
    with database.connected(copied) as connected, pytest.raises(ValueError, match="event 4 does not follow"):
        check.rebuild(connected)


def test_an_empty_book_is_sound(store: Store) -> None:
    assert store.check() == CheckReport((), 0, 0, 0)


def test_invariant_broken_is_an_assertion_that_is_never_optimised_away() -> None:
    assert issubclass(InvariantBroken, AssertionError)
