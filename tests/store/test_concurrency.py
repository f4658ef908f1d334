"""Many processes at once: one wins, the others are told which trade won, and the books stay whole."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest

from papertrade.errors import DuplicateTrade
from papertrade.store.store import Store, Writer
from tests.store.children import exit_codes, in_children
from tests.store.stories import (
    START_MS,
    a_candle,
    a_signal,
    an_order,
    entered,
    entry,
    founded,
    opened,
    record,
    shown,
    stored,
)

Contender: TypeAlias = Callable[[Path, int], int]

WON, LOST = 0, 7


def make(path: Path) -> None:
    with closing(opened(path)) as store:
        store.write(lambda w: (founded(w), stored(w, a_signal()))[0])


def through_the_store(path: Path, number: int) -> int:
    """Open a trade for the one signal; a loser checks that it is told about trade 1."""
    with closing(opened(path)) as store:
        try:
            store.write(lambda w: record(w, entry(w.next_trade_id(), an_order(1, a_signal()))))
        except DuplicateTrade as refused:
            return refused.exit_code if refused.details["trade_id"] == 1 else 98
    return WON


def check_then_insert(path: Path, number: int) -> int:
    """How it is usually written: look, then insert, with the driver's default transactions and no index."""
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        known = connection.execute("SELECT id FROM naive WHERE signal = 1 AND status = 'open'").fetchone()
        if known is not None:
            return LOST
        time.sleep(0.2)  # the price is being fetched
        connection.execute("INSERT INTO naive (signal, status) VALUES (1, 'open')")
        connection.commit()
    return WON


def one_wins(path: Path, contender: Contender) -> None:
    """The contest: 24 processes open one signal at once."""
    codes = exit_codes(in_children(24, lambda number: contender(path, number)))
    assert codes == [WON] + [LOST] * 23


def test_of_24_processes_one_opens_the_signal(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    make(path)
    one_wins(path, through_the_store)
    with closing(opened(path)) as store:
        assert store.check().is_sound
        with store.read() as reader:
            assert [trade.id for trade in reader.live_trades()] == [1]


def test_the_contest_finds_the_usual_way_wanting(tmp_path: Path) -> None:
    path = tmp_path / "naive.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE naive (id INTEGER PRIMARY KEY, signal INTEGER, status TEXT)")
        connection.commit()
    with pytest.raises(AssertionError):
        one_wins(path, check_then_insert)


def test_of_24_processes_one_makes_the_database(tmp_path: Path) -> None:
    path = tmp_path / "book.db"

    def create(number: int) -> int:
        with closing(opened(path)) as store:
            return int(store.was_created)

    assert exit_codes(in_children(24, create)) == [0] * 23 + [1]
    with closing(opened(path)) as store:
        assert store.check().is_sound


def test_f07_two_closers_close_a_trade_once(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    rounds = 12
    with closing(opened(path)) as store:
        store.write(lambda w: (founded(w), [entered(w, a_signal(str(n))) for n in range(rounds)])[0])

    def close(writer: Writer, number: int) -> bool:
        if writer.trades([number])[number].status != "open":
            return False
        shown(writer, number, a_candle(START_MS + 60_000, "90", "100"))
        return True

    def close_all(_: int) -> int:
        with closing(opened(path)) as mine:
            return sum(mine.write(lambda w, n=number: close(w, n)) for number in range(1, rounds + 1))  # type: ignore[misc]

    assert sum(exit_codes(in_children(4, close_all))) == rounds
    with closing(opened(path)) as store:
        assert store.check().is_sound
        with store.read() as reader:
            assert len(reader.fills()) == 2 * rounds


def test_f06_writers_readers_and_checkpoints_get_on_with_each_other(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    make(path)

    def work(number: int) -> int:
        with closing(opened(path, run_id=f"process {number}")) as store:
            for turn in range(12):
                store.write(lambda w, t=turn: founded(w, f"account {number} {t}"))  # type: ignore[misc]
                read(store)
                store.checkpoint_if_large(20_000)
        return 0

    def read(store: Store) -> None:
        with store.read() as reader:
            for account in reader.accounts():
                assert reader.account_book(account).cash == 10_000

    assert exit_codes(in_children(6, work)) == [0] * 6
    with closing(opened(path)) as store:
        report = store.check()
        assert report.is_sound
        assert report.events == 3 + 6 * 12 * 2


def test_f45_a_child_inherits_no_usable_store(store: Store) -> None:
    def use(_: int) -> int:
        with pytest.raises(RuntimeError, match="opened by another process"):
            store.write(founded)
        store.close()
        return 5

    assert exit_codes(in_children(1, use)) == [5]
    store.write(founded)
    assert os.getpid() == store._process
