"""`status` and `stop`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from papertrade.bootstrap import open_file
from papertrade.errors import Json
from papertrade.invocation import Flags, Invocation
from papertrade.store.locks import WatchLock
from papertrade.store.rows import Run, SetAside
from papertrade.store.store import Store
from tests.cli import Stream
from tests.commands.watching import Watched, tape, watched
from tests.venue_faults import html, refuse


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path, tape({})) as made:
        yield made


def running(venue: Watched, **changes: int | str | None) -> WatchLock:
    """Pretend that a watch runs: its lock and its row."""
    began = venue.clock.at_ms
    lock = WatchLock.take(venue.database, "watch, pid 4711, since noon", venue.clock.pause)
    run = Run(id="it", kind="watch", pid=4711, started_ms=began, next_tick_ms=began + 30_000)
    with store_of(venue) as store:
        store.write(lambda writer: writer.start_run(replace(run, **changes)))  # type: ignore[arg-type]
        store.write(lambda writer: writer.tick_run("it", last_tick_ms=began, next_tick_ms=began + 30_000, skipped=2))
    return lock


@contextmanager
def store_of(venue: Watched) -> Iterator[Store]:
    """Open the database of the commands beside them."""
    call = Invocation(
        clock=venue.clock,
        started_ms=0,
        environment={},
        stdin=Stream(),
        stdout=Stream(),
        stderr=Stream(),
        flags=Flags(db=venue.database),
    )
    with open_file(call) as store:
        yield store


def test_a_new_database(venue: Watched) -> None:
    result = venue.run("status", "-q")
    assert (result.code, result.err) == (0, "")
    assert result.out == "watch        not running, never ran\nlive trades  0\n"


def test_a_running_watch(venue: Watched) -> None:
    venue.long()
    lock = running(venue)
    venue.pass_seconds(12)
    assert venue.run("status").out == (
        "watch        running since 2026-11-20 10:00:30 UTC (pid 4711)\n"
        "last tick    2026-11-20 10:00:30 UTC, 12s ago\n"
        "next tick    in 18s\n"
        "ticks        1, 2 skipped, 0 failed\n"
        "live trades  1\n"
    )
    data = venue.data("status")
    assert data["running"] is True
    assert data["holder"] == "watch, pid 4711, since noon"
    assert data["run"] == {
        "id": "it",
        "pid": 4711,
        "started_at": "2026-11-20T10:00:30.000Z",
        "ended_at": None,
        "ended_by": None,
        "last_tick_at": "2026-11-20T10:00:30.000Z",
        "next_tick_at": "2026-11-20T10:01:00.000Z",
        "ticks": 1,
        "skipped": 2,
        "failed_ticks": 0,
        "stop_requested": None,
    }
    lock.release()


def test_a_killed_watch(venue: Watched) -> None:
    venue.run("status")
    running(venue).release()
    result = venue.run("status")
    assert result.out.splitlines()[0] == (
        "watch        not running, the last one was killed (began 2026-11-20 10:00:30 UTC)"
    )
    run = cast("dict[str, Json]", venue.data("status")["run"])
    assert run["ended_by"] == "killed"


def test_a_watch_that_ended_and_single_ticks(venue: Watched) -> None:
    venue.run("watch", "--for", "1m", "-q")
    venue.run("watch", "--once", "-q")
    venue.pass_seconds(60)
    assert venue.run("status").out == (
        "watch         not running, ended 2026-11-20 10:01:30 UTC (its time was over)\n"
        "last tick     2026-11-20 10:01:00 UTC, 1m ago\n"
        "ticks         2, 0 skipped, 0 failed\n"
        "watch --once  last 2026-11-20 10:01:30 UTC, 1m ago, 1 ticks in all\n"
        "live trades   0\n"
    )
    assert venue.data("status")["once"] == {"last_tick_at": "2026-11-20T10:01:30.000Z", "ticks": 1}


def test_a_single_tick_is_not_a_running_watch(venue: Watched) -> None:
    venue.run("status")
    lock = WatchLock.take(venue.database, "once, pid 1, since now", venue.clock.pause)
    assert venue.data("status")["running"] is False
    assert venue.run("stop").code == 5
    lock.release()


def test_what_is_wrong_is_told(venue: Watched) -> None:
    venue.configure("notify:\n  targets:\n  - name: gone\n    type: command\n    command: [/no/such/program]\n")
    venue.long()
    venue.long("BBBUSDT")
    venue.pass_seconds(60)
    venue.server.always("klines", html(), symbol="BBBUSDT")
    venue.run("watch", "--once", "-q")
    with store_of(venue) as store:
        store.write(lambda w: w.set_trade_aside(SetAside(trade_id=1, from_ms=0, error="ValueError: odd", ticks=4)))
    venue.server.plan("time", refuse(418, -1003, "banned", Retry_After="600"))
    venue.run("watch", "--once", "-q")
    said = " ".join(venue.run("status", "-q").out.split())
    assert "binance must not be asked until 2026-11-20 10:11:30 UTC: our address is banned (HTTP 418)" in said
    assert "binance failed 1 ticks in a row: `binance`: our address is banned" in said
    assert "BBBUSDT failed 1 ticks in a row: `binance` sent no JSON" in said
    assert "trade 1 set aside, 4 ticks in a row: ValueError: odd" in said
    assert "notifications 2 undelivered, 0 given up: papertrade notify list" in said
    data = venue.data("status", "-q")
    assert data["set_aside"] == [{"trade_id": 1, "message": "ValueError: odd", "in_a_row": 4}]
    assert data["undelivered"] == 2
    (failure,) = cast("list[dict[str, Json]]", data["failures"])
    assert (failure["symbol"], failure["in_a_row"]) == ("BBBUSDT", 1)


def test_live_trades_that_are_not_caught_up_are_remarked(venue: Watched) -> None:
    venue.long()
    venue.pass_seconds(3600)
    assert "papertrade watch --once" in venue.run("status").err
    assert venue.run("status", "-q").err == ""


def test_stop_without_a_watch(venue: Watched) -> None:
    result = venue.run("stop", "-q")
    assert (result.code, result.out) == (5, "")
    assert result.err == "error: no watch is running\nhint: `papertrade status` tells when the last one ended\n"


@pytest.mark.parametrize(("reason", "shown"), [("lunch", " (lunch)"), ("", "")])
def test_stop_of_a_watch_in_the_middle_of_its_tick(venue: Watched, reason: str, shown: str) -> None:
    venue.run("status")
    lock = running(venue)
    result = venue.run("stop", "--reason", reason)
    assert result.out == f"the watch was asked to end; it finishes its tick first{shown}\n"
    status = venue.run("status").out
    assert f"asked for: {reason or 'no reason given'}" in status
    assert venue.data("stop") == {"run": "it", "pid": 4711, "reason": None, "ended": False}
    lock.release()


def test_stop_of_a_watch_that_has_just_said_goodbye(venue: Watched) -> None:
    venue.run("status")
    lock = running(venue, ended_ms=venue.clock.at_ms)
    assert venue.run("stop").code == 5
    lock.release()
