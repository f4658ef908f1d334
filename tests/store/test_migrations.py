"""An older file becomes a present one whole, after a backup; a newer program's steps are a plain list."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from papertrade.errors import DatabaseUnusable, DifferenceFound
from papertrade.store import locks, migrations, schema
from papertrade.store.migrations import Step
from papertrade.store.store import Store
from tests.store.children import exit_codes, in_children
from tests.store.stories import ScriptedClock, founded, opened, whole_book


class PowerCut(BaseException):
    """The end of the process, as a test can see it."""


def add_setting(connection: Connection) -> None:
    connection.exec_driver_sql("INSERT INTO setting (key, value) VALUES ('step', 'two')")


def add_another(connection: Connection) -> None:
    connection.exec_driver_sql("INSERT INTO setting (key, value) VALUES ('again', 'three')")


NOW = migrations.present_version()
STEPS: Sequence[Step] = (*migrations.STEPS, add_setting, add_another)


def newer(path: Path, steps: Sequence[Step] = STEPS) -> Store:
    """Open with a program that knows more schemas."""
    clock = ScriptedClock()
    return Store.open(path, now_ms=clock.now_ms, run_id="newer", pause=clock.pause, steps=steps)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "book.db"
    with closing(opened(path)) as store:
        store.write(whole_book)
    yield path


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


RELEASED = range(1, NOW)
"""The schemas before the present one: of each there is a whole book as the program that wrote it left it."""


def file_of(released: int, path: Path) -> Path:
    """Write the file of an older schema anew."""
    text = Path(__file__).with_name(f"schema_v{released}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {released}")
        connection.execute("PRAGMA journal_mode = wal")
    return path


def objects(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
        return {name: str(sql).strip() for name, sql in rows}


@pytest.mark.parametrize("released", RELEASED)
def test_a_file_of_an_older_schema_becomes_what_a_new_one_is(tmp_path: Path, released: int) -> None:
    before = file_of(released, tmp_path / "first.db")
    opened(tmp_path / "new.db").close()
    with closing(opened(before)) as store:
        assert store.migrated_from == released
        assert store.check().is_sound
        with store.read() as reader:
            assert [account.name for account in reader.accounts()] == ["main", "second"]
            assert reader.saved_runs() == ()
    assert (version(before), version(tmp_path / f"first.db.v{released}.bak")) == (NOW, released)
    assert objects(before) == objects(tmp_path / "new.db") == schema.statements()


def test_an_older_file_is_brought_to_the_present_after_a_backup(old: Path) -> None:
    with closing(newer(old)) as store:
        with store.read() as reader:
            assert (reader.setting("step"), reader.setting("again")) == ("two", "three")
            history = reader._connection.exec_driver_sql("SELECT version FROM migration ORDER BY version")
            assert [row.version for row in history] == [NOW, NOW + 2]
        assert store.check().is_sound
    backup = old.with_name(f"book.db.v{NOW}.bak")
    assert (version(old), version(backup)) == (NOW + 2, NOW)
    with closing(opened(backup)) as before:
        assert before.check().is_sound
    with pytest.raises(DatabaseUnusable, match="newer papertrade"):
        opened(old)


def test_a_new_file_has_the_present_schema_and_no_backup(tmp_path: Path) -> None:
    with closing(newer(tmp_path / "new.db")) as store:
        store.write(founded)
    assert version(tmp_path / "new.db") == NOW + 2
    assert not list(tmp_path.glob("*.bak"))


def test_a_present_file_is_left_alone(old: Path) -> None:
    newer(old).close()
    (old.with_name(f"book.db.v{NOW}.bak")).unlink()
    newer(old).close()
    assert not list(old.parent.glob("*.bak"))


@pytest.mark.parametrize("dying", [-2, -1])
def test_f13_a_crash_in_any_step_leaves_the_old_file_whole(old: Path, dying: int) -> None:
    def die(connection: Connection) -> None:
        STEPS[dying](connection)
        raise PowerCut

    steps = [*STEPS]
    steps[dying] = die
    with pytest.raises(PowerCut):
        newer(old, steps)
    assert version(old) == NOW
    with closing(opened(old)) as store:
        assert store.check().is_sound
        with store.read() as reader:
            assert reader.setting("step") is None
    with closing(newer(old)) as store:
        assert store.check().is_sound


def test_a_migration_has_the_lock_from_its_first_step_on(old: Path) -> None:
    def look(_: Connection) -> None:
        with (
            closing(sqlite3.connect(old, timeout=0, isolation_level=None)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")

    newer(old, [*migrations.STEPS, look]).close()


def test_a_step_that_breaks_the_books_is_undone(old: Path) -> None:
    def spoil(connection: Connection) -> None:
        connection.exec_driver_sql("DROP TRIGGER event_no_update")
        connection.exec_driver_sql("UPDATE event SET wall_ms = wall_ms + 1 WHERE seq = 3")

    with pytest.raises(DifferenceFound, match=f"was left at schema {NOW}: ") as failed:
        newer(old, [*migrations.STEPS, spoil])
    assert failed.value.exit_code == 13
    assert version(old) == NOW
    with closing(opened(old)) as store:
        assert store.check().is_sound


def test_a_journal_that_cannot_be_replayed_is_left_as_it_was(old: Path) -> None:
    def spoil(connection: Connection) -> None:
        connection.exec_driver_sql("DROP TRIGGER event_no_update")
        connection.exec_driver_sql("UPDATE event SET body = '{}' WHERE kind = 'exit_filled'")

    with pytest.raises(DatabaseUnusable, match="its journal cannot be replayed"):
        newer(old, [*migrations.STEPS, spoil])
    assert version(old) == NOW
    with closing(opened(old)) as store:
        assert store.check().is_sound


def test_a_file_migrated_while_we_waited_for_the_lock_is_taken_as_it_is(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lock = locks.write_lock

    def late(path: Path, pause: Callable[[float], None]) -> object:
        monkeypatch.setattr(locks, "write_lock", write_lock)
        newer(old).close()
        return write_lock(path, pause)

    monkeypatch.setattr(locks, "write_lock", late)
    with closing(newer(old)) as store, store.read() as reader:
        assert reader.setting("step") == "two"
    assert migrations.present_version(STEPS) == NOW + 2


def test_many_processes_migrate_one_file_once(old: Path) -> None:
    def open_and_look(number: int) -> int:
        with closing(newer(old)) as store, store.read() as reader:
            return int(reader.setting("again") == "three")

    assert exit_codes(in_children(6, open_and_look)) == [1] * 6
    with closing(newer(old)) as store:
        assert store.check().is_sound
