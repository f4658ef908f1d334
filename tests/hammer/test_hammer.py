"""Two processes go through the same 250 signals at once; `make hammer` lets eight go through 2,000."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hammer.hammering import hammered
from tests.hammer.history import DONE, DUPLICATE, Call, Life, Recorder, anomalies, calls_in
from tests.hammer.workers import Hammer
from tests.store.children import exit_codes, in_children

WAIT_P99_MS = 100.0
WAIT_MAX_MS = 2_000.0


def test_two_processes_agree_on_250_signals(tmp_path: Path) -> None:
    verdict = hammered(Hammer(processes=2, signals=250), tmp_path, kills=3)
    assert verdict.anomalies == []
    assert verdict.misbehaviour == []
    assert verdict.is_sound
    assert verdict.killed == 3
    assert verdict.trades >= 250
    assert sum(call.code == DUPLICATE for call in verdict.calls) >= 20
    assert verdict.wait_ms(1) <= WAIT_MAX_MS


@pytest.mark.slow
def test_eight_processes_agree_on_2000_signals(tmp_path: Path) -> None:
    verdict = hammered(Hammer(processes=8, signals=2_000), tmp_path, kills=20)
    assert (verdict.anomalies, verdict.misbehaviour, verdict.is_sound) == ([], [], True), str(verdict)
    assert verdict.wait_ms(0.99) <= WAIT_P99_MS
    assert verdict.wait_ms(1) <= WAIT_MAX_MS


def naive(path: Path, key: str) -> tuple[int, int | None, str]:
    """Open a trade as it is usually written: look, fetch the price, insert."""
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        known = connection.execute("SELECT id FROM naive WHERE key = ? AND ended IS NULL", (key,)).fetchone()
        if known is not None:
            return DUPLICATE, int(known[0]), ""
        time.sleep(0.002)
        made = connection.execute("INSERT INTO naive (key, at_ms) VALUES (?, ?)", (key, time.time_ns() // 1_000_000))
        connection.commit()
        return DONE, made.lastrowid, ""


def test_the_checker_finds_the_usual_way_wanting(tmp_path: Path) -> None:
    path = tmp_path / "naive.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE naive (id INTEGER PRIMARY KEY, key TEXT, at_ms INTEGER, ended INTEGER)")
        connection.execute("PRAGMA journal_mode = wal")

    def work(number: int) -> int:
        recorder = Recorder(tmp_path / f"history-{number}.jsonl", number)
        for signal in range(100):
            recorder.call("open", f"s{signal}", lambda key=f"s{signal}": naive(path, key))  # type: ignore[misc]
        return 0

    assert exit_codes(in_children(2, work)) == [0, 0]
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT id, key, at_ms FROM naive").fetchall()
    lives = [Life(number, key, number, None, at_ms, None) for number, key, at_ms in rows]
    found = anomalies(calls_in(tmp_path.glob("history-*.jsonl")), lives, 0)
    assert len(found) >= 5
    assert all("lived at once" in line for line in found)


OPENED = Call(0, "open", "s1", 100, 110, DONE, 1)
LIFE = Life(1, "s1", 1, 5, 105, 900, is_by_hand=True)
CLOSED = Call(0, "close", "1", 890, 910, DONE, 1)


@pytest.mark.parametrize(
    ("calls", "lives", "deposited", "told"),
    [
        ([OPENED, CLOSED], [LIFE], 0, None),
        ([replace(OPENED, ended_ms=None, code=None, trade=None)], [LIFE], 0, None),
        ([OPENED], [LIFE, replace(LIFE, id=2, began=3, ended=9)], 0, "lived at once"),
        ([OPENED, replace(OPENED, worker=1)], [LIFE], 0, "opened for 2 callers"),
        ([OPENED], [], 0, "which is not there"),
        ([], [LIFE], 0, "nobody was told of"),
        ([OPENED, replace(OPENED, code=DUPLICATE, began_ms=2_000, ended_ms=2_010)], [LIFE], 0, "did not live then"),
        ([OPENED, CLOSED, replace(CLOSED, worker=1)], [LIFE], 0, "closed 2 times"),
        ([OPENED, CLOSED], [replace(LIFE, is_by_hand=False)], 0, "not closed by hand"),
        ([OPENED, replace(CLOSED, code=6)], [replace(LIFE, ended=None, ended_ms=None)], 0, "and it lives"),
        ([Call(0, "deposit", "", 1, 2, DONE)], [], 0, "0 deposits are booked, 1 to 1"),
        ([Call(0, "deposit", "", 1)], [], 1, None),
        ([Call(0, "deposit", "", 1)], [], 2, "2 deposits are booked, 0 to 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_checker_tells_what_nothing_explains(
    calls: list[Call], lives: list[Life], deposited: int, told: str | None
) -> None:
    found = anomalies(calls, lives, deposited)
    assert any(told in line for line in found) if told is not None else found == []
