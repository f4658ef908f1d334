"""The lock files: bounded waiting, one watch, freed by the kernel."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

import pytest

from papertrade.errors import DatabaseBusy, WatchRunning
from papertrade.store import locks
from papertrade.store.locks import WatchLock, watch_holder, write_lock


def no_pause(_: float) -> None:
    """Time does not matter here."""


def test_a_writer_waits_at_most_five_seconds(tmp_path: Path) -> None:
    pauses: list[float] = []
    path = tmp_path / "book.db"
    waiting = write_lock(path, pauses.append)
    with write_lock(path, pauses.append), pytest.raises(DatabaseBusy, match="more than 5 s") as busy, waiting:
        pass
    assert 5 <= sum(pauses) < 5.1
    assert [round(pause * 1000, 1) for pause in pauses[:8]] == [0.5, 1, 2, 4, 8, 16, 20, 20]
    assert busy.value.details == {"path": str(path)}
    with write_lock(path, pauses.append):
        pass


def test_a_writer_that_waited_gets_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    first = write_lock(path, no_pause)
    first.__enter__()

    def let_go(_: float) -> None:
        first.__exit__(None, None, None)

    with write_lock(path, let_go):
        assert locks.write_lock_path(path).stat().st_mode & 0o777 == 0o600


def test_an_interrupted_wait_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "book.db"

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with write_lock(path, no_pause), pytest.raises(KeyboardInterrupt), write_lock(path, interrupt):
        pass
    with write_lock(path, no_pause):
        pass


def test_there_is_one_watch_and_it_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    assert watch_holder(path) is None
    lock = WatchLock.take(path, "process 17 since 2026-11-20T10:00:00Z", no_pause)
    assert watch_holder(path) == "process 17 since 2026-11-20T10:00:00Z"
    with pytest.raises(WatchRunning, match="process 17 since") as running:
        WatchLock.take(path, "second", no_pause)
    assert running.value.exit_code == 14
    lock.release()
    lock.release()
    assert watch_holder(path) is None
    short = WatchLock.take(path, "third", no_pause)
    assert watch_holder(path) == "third"
    short.release()


def test_a_watch_that_has_not_said_who_it_is_still_holds(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    lock = WatchLock.take(path, "", no_pause)
    with pytest.raises(WatchRunning, match="not written yet"):
        WatchLock.take(path, "second", no_pause)
    lock.release()


def test_somebody_asking_who_watches_is_not_taken_for_a_watch(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    WatchLock.take(path, "gone", no_pause).release()
    asking = os.open(locks.watch_lock_path(path), os.O_RDONLY)
    assert locks._locked(asking, fcntl.LOCK_SH)
    WatchLock.take(path, "me", lambda _: os.close(asking)).release()


def test_a_killed_watch_frees_its_lock_at_once(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        WatchLock.take(path, "child", no_pause)
        os.write(writer, b"x")
        signal.pause()
    os.read(reader, 1)
    with pytest.raises(WatchRunning, match="child"):
        WatchLock.take(path, "parent", no_pause)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    WatchLock.take(path, "parent", no_pause).release()
    os.close(reader)
    os.close(writer)
