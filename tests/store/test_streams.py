"""Streams: every row once, in order, by the filters, without holding them."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from papertrade.engine.messages import NoteAdded
from papertrade.engine.trade import ExitReason, Status
from papertrade.errors import DatabaseUnusable
from papertrade.store import migrations
from papertrade.store.rows import EventFilter, Recorded, SignalFilter, TradeFilter
from papertrade.store.store import Store, Writer
from papertrade.store.streams import RowFilter
from tests.store.stories import START_MS, founded, opened, whole_book

MINUTE_MS = 60_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = opened(tmp_path / "a.db")
    store.write(whole_book)
    return store


def test_a_stream_holds_what_the_lists_hold(store: Store) -> None:
    everything = RowFilter()
    with store.read() as reader:
        assert list(reader.each_trade(TradeFilter())) == list(reader.trades_page(TradeFilter()).trades)[::-1]
        assert list(reader.each_signal(everything)) == list(reader.signals(SignalFilter()).signals)[::-1]
        assert tuple(reader.each_fill(everything)) == reader.fills()
        assert tuple(reader.each_posting(everything)) == reader.ledger()
        assert tuple(reader.each_note(everything)) == reader.notes()
        events = reader.events(EventFilter())
        lines = list(reader.each_event(everything))
    assert [(line.seq, line.kind, line.trade_id) for line in lines] == [(e.seq, e.kind, e.trade_id) for e in events]
    assert [line.previous for line in lines[1:]] == [line.digest for line in lines[:-1]]
    store.close()


def test_each_filter_keeps_what_it_says(store: Store) -> None:
    middle = START_MS + MINUTE_MS
    with store.read() as reader:
        second = RowFilter(account_id=2)
        assert {row.account_id for row in reader.each_posting(second)} == {2}
        assert list(reader.each_fill(second)) == []
        assert list(reader.each_note(second)) == []
        by_symbol = RowFilter(symbol="ETHUSDT")
        assert {row.symbol for row in reader.each_fill(by_symbol)} == {"ETHUSDT"}
        assert [row.signal.symbol for row in reader.each_signal(by_symbol)] == ["ETHUSDT"]
        assert list(reader.each_note(by_symbol)) == []
        assert {row.reason for row in reader.each_fill(RowFilter(reasons=(ExitReason.STOP_LOSS,)))} == {"stop_loss"}
        assert {row.trade_id for row in reader.each_fill(RowFilter(tag="swing"))} == {7}
        assert list(reader.each_fill(RowFilter(source="other"))) == []
        assert {row.signal.source for row in reader.each_signal(RowFilter(source="other"))} == {"other"}
        assert [row.signal.external_id for row in reader.each_signal(RowFilter(tag="slow"))] == ["stopped"]
        assert [row.text for row in reader.each_note(RowFilter(tag="mood"))] == ["a bad day"]
        assert [trade.id for trade in reader.each_trade(TradeFilter(statuses=(Status.OPEN,)))] == [3, 7]
        early, late = RowFilter(until_ms=middle), RowFilter(since_ms=middle)
        assert all(row.at_ms < middle for row in reader.each_fill(early))
        assert all(row.at_ms >= middle for row in reader.each_fill(late))
        assert all(row.effective_ms < middle for row in reader.each_posting(early))
        assert all(row.effective_ms >= middle for row in reader.each_posting(late))
        assert len(list(reader.each_note(early))) + len(list(reader.each_note(late))) == 2
        assert list(reader.each_signal(late)) == []
        fills = list(reader.each_fill(RowFilter()))
        for instant in {fill.at_ms for fill in fills}:
            before, after = RowFilter(until_ms=instant), RowFilter(since_ms=instant)
            assert len(list(reader.each_fill(before))) + len(list(reader.each_fill(after))) == len(fills)
        assert len(list(reader.each_signal(early))) == len(list(reader.each_signal(RowFilter())))
        assert len(list(reader.each_event(early))) + len(list(reader.each_event(late))) == reader.last_seq()
    store.close()


def test_a_row_that_cannot_be_read_is_an_unusable_database(store: Store) -> None:
    store._driver().execute("DROP TRIGGER signal_fixed")
    store._driver().execute("UPDATE signal SET content = '{}' WHERE id = 2")
    with pytest.raises(DatabaseUnusable, match="a row of `signal` cannot be read"), store.read() as reader:
        list(reader.each_signal(RowFilter()))
    store.close()


def test_a_stream_that_is_left_early_leaves_the_store_usable(store: Store) -> None:
    with store.read() as reader:
        first = next(reader.each_event(RowFilter()))
    assert first.seq == 1
    store.write(founded_again)
    store.close()


def founded_again(writer: Writer) -> None:
    founded(writer, "third")


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    store = opened(tmp_path / "a.db")
    text = "x" * 2_000
    count = 4_000

    def write(writer: Writer) -> None:
        account = founded(writer)
        notes = [NoteAdded(note_id=number, account_id=account, text=text) for number in range(1, count + 1)]
        writer.record([Recorded(note, START_MS) for note in notes])

    store.write(write)
    with store.read() as reader:
        tracemalloc.start()
        assert sum(1 for _ in reader.each_note(RowFilter())) == count
        assert sum(1 for _ in reader.each_event(RowFilter())) == count + 2
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    store.close()
    assert peak < count * len(text) / 2


def test_a_pipe_is_no_place_for_a_database(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DatabaseUnusable, match="it is a device, a pipe or a socket"):
        opened(tmp_path / "pipe")


def test_a_store_knows_that_it_was_migrated(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    opened(path).close()
    steps = (*migrations.STEPS, lambda connection: None)
    same = Store.open(path, now_ms=lambda: START_MS, run_id="x", pause=lambda _: None, steps=steps)
    assert same.migrated_from == migrations.present_version()
    same.close()
