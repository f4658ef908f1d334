"""Kills, full disks, torn logs and flipped bits: the books are as they were, or as they became, never between."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from papertrade.errors import DatabaseUnusable, PapertradeError
from papertrade.store.rows import EventFilter, SignalFilter, TradeFilter
from papertrade.store.store import Store, Writer
from tests.store.children import exit_codes, in_children, killed
from tests.store.stories import START_MS, a_candle, a_signal, entered, founded, opened, shown, whole_book

TINY = Decimal("0.00001")


def close_one(writer: Writer) -> None:
    """Close the only trade, with its fills, postings and events."""
    shown(writer, 1, a_candle(START_MS + 60_000, "90", "100"))


def prepared(path: Path) -> None:
    with closing(opened(path)) as store:
        store.write(lambda w: (founded(w), entered(w, a_signal()))[0])


def seqs(path: Path) -> int:
    """Check the books and return the number of the last event."""
    with closing(opened(path)) as store:
        report = store.check()
        assert report.differences == ()
        return report.events


@contextmanager
def before_statement(store: Store, number: int, act: object) -> Iterator[list[str]]:
    """Act before the n-th statement on the store's connection, the commit counted as one."""
    said: list[str] = []

    def count(*arguments: object) -> None:
        said.append(str(arguments[2]) if len(arguments) > 2 else "COMMIT")
        if len(said) == number:
            act()  # type: ignore[operator]

    engine = store._connection.engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)


def statements_of_a_close(path: Path) -> int:
    with closing(opened(path)) as store, before_statement(store, 0, None) as said:
        store.write(close_one)
    return len(said)


def test_a_disk_error_at_any_statement_changes_nothing_and_the_next_try_succeeds(tmp_path: Path) -> None:
    prepared(tmp_path / "counted.db")
    count = statements_of_a_close(tmp_path / "counted.db")
    assert count > 8

    def fail() -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise OperationalError("", None, error)

    for number in range(1, count + 1):
        path = tmp_path / f"{number}.db"
        prepared(path)
        with closing(opened(path)) as store:
            with before_statement(store, number, fail), pytest.raises(DatabaseUnusable, match="the disk failed"):
                store.write(close_one)
            assert store.check().events == 4
            store.write(close_one)
        assert seqs(path) == 5


def test_a_kill_at_any_statement_leaves_the_trade_open_or_closed(tmp_path: Path) -> None:
    prepared(tmp_path / "counted.db")
    count = statements_of_a_close(tmp_path / "counted.db")

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def close_and_die(number: int) -> int:
        path = tmp_path / f"{number + 1}.db"
        with closing(opened(path)) as store, before_statement(store, number + 1, die):
            store.write(close_one)
        return 0

    for number in range(1, count + 1):
        prepared(tmp_path / f"{number}.db")
    assert exit_codes(in_children(count, close_and_die)) == [-signal.SIGKILL] * count
    assert [seqs(tmp_path / f"{number}.db") for number in range(1, count + 1)] == [4] * count


def test_a_kill_just_after_the_commit_has_committed(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    prepared(path)

    def close_and_die(_: int) -> int:
        store = opened(path)
        store.write(close_one)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert exit_codes(in_children(1, close_and_die)) == [-signal.SIGKILL]
    assert seqs(path) == 5


def test_kills_at_random_moments_leave_whole_books(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    prepared(path)
    dice = random.Random(7)

    def work(number: int) -> int:
        with closing(opened(path, run_id=str(number))) as store:
            while True:
                name = f"{number} {time.monotonic_ns()}"
                store.write(lambda w, n=name: (founded(w, n), entered(w, a_signal(n), account_id=1, quantity=TINY)))  # type: ignore[misc]

    events = 4
    for _ in range(12):
        children = in_children(2, work)
        time.sleep(dice.uniform(0.01, 0.06))
        assert [killed(child) for child in children] == [-signal.SIGKILL] * 2
        after = seqs(path)
        assert after >= events
        assert (after - events) % 4 == 0
        events = after


def test_f02_a_log_torn_anywhere_gives_a_prefix_of_history(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    prepared(path)
    store = opened(path)
    for number in range(4):
        store.write(lambda w, n=number: founded(w, f"later {n}"))  # type: ignore[misc]
    log = path.with_name("book.db-wal").read_bytes()
    main = path.read_bytes()
    store.close()
    frame = 24 + int.from_bytes(log[8:12], "big")
    dice = random.Random(11)
    cuts = [*range(32, len(log), frame), *(dice.randrange(len(log)) for _ in range(12)), 0, len(log)]
    seen = set()
    for number, cut in enumerate(cuts):
        torn = tmp_path / f"torn{number}.db"
        torn.write_bytes(main)
        torn.with_name(f"{torn.name}-wal").write_bytes(log[:cut])
        seen.add(seqs(torn))
    assert seen == {4, 6, 8, 10, 12}


def test_no_flipped_bit_is_a_traceback_or_a_wrong_number(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    with closing(opened(path)) as store:
        store.write(whole_book)
        truth = dump(store)
    content = path.read_bytes()
    dice = random.Random(3)
    unseen, found, failed = 0, 0, 0
    for number in range(250):
        flipped = bytearray(content)
        position = dice.randrange(len(content) * 8)
        flipped[position // 8] ^= 1 << position % 8
        victim = tmp_path / f"{number}.db"
        victim.write_bytes(flipped)
        try:
            with closing(opened(victim)) as store:
                is_sound = store.check().is_sound
                if is_sound:
                    assert dump(store) == truth
                    unseen += 1
                else:
                    found += 1
                    with suppress(DatabaseUnusable):
                        dump(store)
        except PapertradeError as error:
            assert error.exit_code == 12
            failed += 1
        victim.unlink()
    assert found > 20 and failed > 5 and unseen > 20


def dump(store: Store) -> tuple[object, ...]:
    """Read everything that reports are made of."""
    with store.read() as reader:
        return (
            reader.accounts(),
            reader.signals(SignalFilter()),
            reader.trades_page(TradeFilter()),
            reader.fills(),
            reader.ledger(),
            reader.notes(),
            reader.events(EventFilter()),
        )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill_up(place: Path) -> None:
    with suppress(OSError), (place / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with suppress(OSError), (place / "ballast2").open("wb", buffering=0) as file:
        while True:
            file.write(b"x")


def test_a_full_disk_loses_nothing_and_says_so(small_disk: Path) -> None:
    path = small_disk / "book.db"
    with closing(opened(path)) as store:
        store.write(lambda w: (founded(w), entered(w, a_signal()))[0])
        fill_up(small_disk)
        with pytest.raises(DatabaseUnusable, match="disk") as failed:
            for number in range(1000):
                store.write(lambda w, n=number: founded(w, f"more {n}"))  # type: ignore[misc]
        assert failed.value.exit_code == 12
        assert str(path) in failed.value.message
        with store.read() as reader:
            kept = reader.last_seq()
            assert reader.trades([1])[1].status == "open"
        for ballast in small_disk.glob("ballast*"):
            ballast.unlink()
        store.write(close_one)
        assert store.check().events == kept + 1
        assert store.check().is_sound


def test_f10_a_database_on_a_full_disk_is_refused_clearly(small_disk: Path, tmp_path: Path) -> None:
    path = small_disk / "book.db"
    prepared(path)
    fill_up(small_disk)
    with pytest.raises(DatabaseUnusable, match="disk") as failed:
        opened(path).close()
    assert failed.value.hint
    with pytest.raises(DatabaseUnusable, match="the disk is full"):
        opened(small_disk / "another.db").close()
    assert not (small_disk / "another.db").exists()


def test_a_backup_to_a_full_disk_leaves_the_old_one(small_disk: Path, store: Store) -> None:
    target = small_disk / "copy.db"
    target.write_text("the old backup")
    store.write(whole_book)
    fill_up(small_disk)
    with pytest.raises(DatabaseUnusable, match="the disk is full"):
        store.backup(target, is_forced=True)
    assert target.read_text() == "the old backup"
    assert not list(small_disk.glob("*.part"))


def test_a_file_that_may_not_grow_loses_nothing(tmp_path: Path) -> None:
    """The same as a full disk, for those who are not root."""
    path = tmp_path / "book.db"
    prepared(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(opened(path)) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2, hard))
        try:
            with pytest.raises(DatabaseUnusable, match="disk"):
                for number in range(1000):
                    store.write(lambda w, n=number: founded(w, f"more {n}"))  # type: ignore[misc]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        store.write(close_one)
        assert store.check().is_sound


def test_a_lost_log_index_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    prepared(path)
    store = opened(path)
    store.write(close_one)
    moved = tmp_path / "moved.db"
    shutil.copy(path, moved)
    shutil.copy(path.with_name("book.db-wal"), moved.with_name("moved.db-wal"))
    store.close()
    assert seqs(moved) == 5
