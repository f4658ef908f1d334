"""What is opened, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from papertrade.errors import DatabaseBusy, DatabaseUnusable
from papertrade.store import database, failures, migrations
from papertrade.store.store import Store, Writer
from tests.store.stories import ScriptedClock, founded, opened, whole_book

NOBODY = 65534


def refused(path: Path, reason: str) -> DatabaseUnusable:
    with pytest.raises(DatabaseUnusable, match=reason) as failed:
        opened(path).close()
    assert failed.value.exit_code == 12
    assert failed.value.hint
    assert str(path) in failed.value.message
    assert failed.value.details["path"] == str(path)
    assert re.search(reason, str(failed.value.details["reason"]))
    return failed.value


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user for whom permissions count: root ignores them."""
    uid = os.geteuid()
    if uid == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(uid)


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Path]:
    """A folder that other users can reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == Path.home().owner() and str(folder).count("/") > 1:
            folder.chmod(0o755)
    yield tmp_path
    tmp_path.chmod(0o755)


def test_a_new_database_is_made_with_its_folder_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(opened(tmp_path / "deep" / "er" / "book.db")) as store:
            assert store.was_created
            store.write(founded)
            for file in store.path.parent.iterdir():
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
            assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700
            assert stat.S_IMODE((tmp_path / "deep" / "er").stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_a_write_has_the_lock_before_it_looks_and_a_read_takes_none(store: Store) -> None:
    with closing(sqlite3.connect(store.path, timeout=0, isolation_level=None)) as other:

        def look(_: Writer) -> None:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")

        store.write(look)
        with store.read():
            other.executescript("BEGIN IMMEDIATE; ROLLBACK")


def test_a_known_database_is_opened_and_not_made(store: Store) -> None:
    with closing(opened(store.path)) as again:
        assert (again.was_created, again.run_id) == (False, "test")


def test_two_processes_make_one_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that waited for the lock finds the file made."""
    path = tmp_path / "book.db"

    def other_was_faster(folder_of: Path) -> None:
        monkeypatch.undo()
        opened(folder_of).close()

    monkeypatch.setattr(database, "make_folder", other_was_faster)
    with closing(opened(path)) as store:
        assert store.was_created is False


def test_a_database_is_not_made_where_none_is_wanted(tmp_path: Path) -> None:
    clock = ScriptedClock()
    with pytest.raises(DatabaseUnusable, match="it does not exist") as failed:
        Store.open(tmp_path / "no.db", now_ms=clock.now_ms, run_id="t", pause=clock.pause, can_create=False)
    assert failed.value.hint == "`papertrade init` makes it"
    assert list(tmp_path.iterdir()) == []


def test_every_pragma_is_set_and_read_back(store: Store) -> None:
    with store.read() as reader:
        values = {
            name: reader._connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
        } | {
            name: reader._connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("wal_autocheckpoint", "trusted_schema", "application_id", "user_version")
        }
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 5000,
        "wal_autocheckpoint": 0,
        "trusted_schema": 0,
        "application_id": 0x50545244,
        "user_version": migrations.present_version(),
    }


def test_a_pragma_that_does_not_hold_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PRAGMAS", (("journal_mode", "WAL", "memory"),))
    refused(store.path, r"SQLite refused journal_mode = WAL \(wal\)")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is an empty file"),
        (b"symbol,side\nBTCUSDT,long\n", "it is not a papertrade database"),
        (b"SQLite format 3\0", "it is not a papertrade database"),
        (os.urandom(4096), "it is not a papertrade database"),
        (b"SQLite format 3\0" + bytes(84), "it is not a papertrade database"),
    ],
)
def test_what_is_no_database_is_refused_untouched(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "book.db"
    path.write_bytes(content)
    refused(path, reason)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def header_changed(path: Path, offset: int, value: int) -> bytes:
    content = bytearray(path.read_bytes())
    content[offset : offset + 4] = value.to_bytes(4, "big")
    path.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (60, 999, r"made by a newer papertrade \(schema 999, this one knows 3\)"),
        (60, 0, "it has no schema"),
        (68, 7, "it is not a papertrade database"),
    ],
)
def test_f14_what_is_not_ours_or_newer_is_refused_untouched(store: Store, offset: int, value: int, reason: str) -> None:
    store.write(founded)
    store.close()
    content = header_changed(store.path, offset, value)
    refused(store.path, reason)
    assert store.path.read_bytes() == content


def test_a_newer_version_that_is_still_in_the_log_is_refused(store: Store) -> None:
    store.write(lambda w: w._connection.exec_driver_sql("PRAGMA user_version = 999"))
    refused(store.path, "made by a newer papertrade")


def test_half_a_file_is_refused(store: Store) -> None:
    store.write(whole_book)
    store.close()
    content = store.path.read_bytes()
    store.path.write_bytes(content[: len(content) // 2])
    refused(store.path, "it is corrupt")
    assert store.path.read_bytes() == content[: len(content) // 2]


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    refused(tmp_path, "it is a folder")


def test_a_path_through_a_file_is_refused(store: Store) -> None:
    refused(store.path / "book.db", "not a directory")


def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / ("x" * 300), "file name too long")


@pytest.mark.parametrize(
    ("mounts", "is_refused"),
    [
        ("host:/export {0} nfs4 rw 0 0", True),
        ("/dev/vda / ext4 rw 0 0\nhost:/export {0} fuse.sshfs rw 0 0", True),
        ("host:/export / nfs rw 0 0\n/dev/sdb {0} ext4 rw 0 0", False),
        ("/dev/sdb {0} ext4 rw 0 0\nhost:/export {0} nfs rw 0 0", True),  # mounted over it
        ("host:/export {0} nfs rw 0 0\n/dev/sdb {0} ext4 rw 0 0", False),
        ("host:/export /elsewhere cifs rw 0 0", False),
        ("host:/export {0}x nfs rw 0 0", False),
        ("nonsense\n\n", False),
    ],
)
def test_a_network_file_system_is_refused(tmp_path: Path, mounts: str, is_refused: bool) -> None:
    listing = tmp_path / "mounts"
    listing.write_text(mounts.format(str(tmp_path).replace(" ", "\\040")))
    place = tmp_path / "book.db"
    outcome = None
    try:
        database.check_place(place, listing)
    except DatabaseUnusable as error:
        outcome = error
    assert (outcome is not None) is is_refused
    database.check_place(place, tmp_path / "no such listing")


def test_a_read_only_folder_is_refused_for_writers_and_readers(public: Path) -> None:
    path = public / "book.db"
    with closing(opened(path)) as store:
        store.write(founded)
    path.chmod(0o644)
    public.chmod(0o555)
    with as_nobody():
        refused(path, "read-only|cannot be opened")
        refused(public / "new.db", "it is read-only for this user")


def test_a_file_that_may_not_be_read_is_refused(public: Path) -> None:
    path = public / "book.db"
    opened(path).close()
    path.chmod(0)
    with as_nobody():
        refused(path, "it is read-only for this user")


def test_a_file_that_may_only_be_read_is_not_written(public: Path) -> None:
    path = public / "book.db"
    with closing(opened(path)) as store:
        store.write(founded)
    path.chmod(0o444)
    public.chmod(0o777)
    before = path.read_bytes()
    with as_nobody(), pytest.raises(DatabaseUnusable) as failed, closing(opened(path)) as store:
        store.write(lambda w: founded(w, "second"))
    assert failed.value.exit_code == 12
    assert path.read_bytes() == before


def test_a_database_that_could_not_be_filled_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    (tmp_path / "book.db.new").write_text("left over from a crash")
    (tmp_path / "book.db.new-wal").write_text("left over from a crash")

    def fail(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.create(path, fail)
    assert list(tmp_path.iterdir()) == []


def test_a_store_belongs_to_one_transaction_at_a_time(store: Store) -> None:
    with store.read(), pytest.raises(RuntimeError, match="inside another"):
        store.write(founded)
    with pytest.raises(RuntimeError, match="inside another"), store.read(), store.read():
        pass
    with pytest.raises(RuntimeError, match="inside another"):
        store.write(lambda w: store.backup(store.path.with_name("copy.db")))
    store.write(founded)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OverflowError, MemoryError])
def test_whatever_is_raised_undoes_a_write(store: Store, error: type[BaseException]) -> None:
    def fail(writer: Writer) -> None:
        founded(writer)
        raise error

    with pytest.raises(error):
        store.write(fail)
    with store.read() as reader:
        assert reader.last_seq() == 0
    store.write(founded)


def test_an_error_of_the_caller_is_not_an_error_of_the_database(store: Store) -> None:
    with pytest.raises(BrokenPipeError), store.read():
        raise BrokenPipeError
    with pytest.raises(sqlite3.ProgrammingError), store.read() as reader:
        reader._connection.exec_driver_sql("SELECT 1")
        raise sqlite3.ProgrammingError("ours")


def test_a_bug_in_a_statement_stays_a_bug(store: Store) -> None:
    with pytest.raises(Exception, match="syntax error") as failed, store.read() as reader:
        reader._connection.exec_driver_sql("SELEC 1")
    assert not isinstance(failed.value, DatabaseUnusable)


def test_a_missing_table_is_damage(store: Store) -> None:
    store.write(lambda w: w._connection.exec_driver_sql("DROP TABLE setting"))
    with pytest.raises(DatabaseUnusable, match="no such table: setting"), store.read() as reader:
        reader.setting("x")


def test_text_that_is_no_utf8_is_damage(store: Store) -> None:
    store.write(lambda w: w._connection.exec_driver_sql("INSERT INTO setting VALUES ('x', CAST(x'ff' AS TEXT))"))
    with pytest.raises(DatabaseUnusable, match="it is damaged"), store.read() as reader:
        reader.setting("x")


def test_a_writer_that_ignores_the_lock_file_makes_us_busy(store: Store) -> None:
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database.raw(store._connection).execute("PRAGMA busy_timeout = 1")
    with pytest.raises(DatabaseBusy, match="is busy") as failed:
        store.write(founded)
    assert failed.value.exit_code == 11
    other.execute("ROLLBACK")
    other.close()
    store.write(founded)


def test_an_error_of_sqlite_itself_is_mapped_too(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="cannot be opened"), failures.mapped(tmp_path):
        sqlite3.connect(f"file:{tmp_path}/missing?mode=ro", uri=True).execute("SELECT 1")


def test_an_error_of_sqlite_that_is_none_of_the_worlds_stays(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="syntax error"), failures.on_disk(tmp_path):
        sqlite3.connect(":memory:").execute("SELEC")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "it is read-only for this user"),
        (errno.EACCES, "it is read-only for this user"),
        (errno.ELOOP, "too many levels of symbolic links"),
    ],
)
def test_what_the_file_system_says_is_said(tmp_path: Path, number: int, reason: str) -> None:
    with pytest.raises(DatabaseUnusable, match=reason), failures.on_disk(tmp_path):
        raise OSError(number, os.strerror(number))


def test_only_a_connection_of_sqlite_has_a_driver() -> None:
    class Other:
        connection = type("Proxy", (), {"driver_connection": object()})()

    with pytest.raises(TypeError, match="is not a connection of SQLite"):
        database.raw(Other())  # type: ignore[arg-type]


def test_a_forked_process_leaves_the_connection_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(RuntimeError, match="opened by another process"), store.read():
        pass
    store.close()
    monkeypatch.undo()
    store.write(founded)


def test_the_log_is_folded_in_only_when_it_is_large(store: Store) -> None:
    store.write(founded)
    log = store.path.with_name("book.db-wal")
    assert not store.checkpoint_if_large()
    assert log.stat().st_size > 0
    assert store.checkpoint_if_large(0)
    assert log.stat().st_size == 0
    assert not store.checkpoint_if_large(0)


def test_a_reader_in_the_way_puts_the_folding_off(store: Store) -> None:
    store.write(founded)
    with closing(opened(store.path)) as other, other.read() as reader:
        reader.last_seq()
        store.write(lambda w: founded(w, "second"))
        assert not store.checkpoint_if_large(0)
    assert store.checkpoint_if_large(0)
    with store.read() as reader:
        assert reader._connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 5000


def test_a_store_without_a_log_has_nothing_to_fold(store: Store) -> None:
    store.close()
    assert not store.checkpoint_if_large(0)
