"""Totals that the database adds up, and tables read row by row, equal what is read whole."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

import pytest

from papertrade.engine.account import Book
from papertrade.engine.trade import ExitReason, Status
from papertrade.errors import DatabaseUnusable
from papertrade.store.rows import AccountRow, EventFilter, SignalFilter, TradeFilter
from papertrade.store.store import Reader, Store
from papertrade.store.streams import RowFilter
from tests.store.stories import START_MS

LATER = START_MS + 60_000


def main_account(reader: Reader) -> AccountRow:
    account = reader.account_named("main")
    assert account is not None
    return account


def test_the_books_of_a_moment_are_the_sums_of_what_had_happened(book: Store) -> None:
    with book.read() as reader:
        account = main_account(reader)
        lines = reader.ledger(account_id=account.id, after_seq=account.epoch_seq)
        for moment in (START_MS, START_MS + 1, LATER, LATER + 59_999, LATER + 60_000, LATER + 10_000_000):
            expected: dict[Book, Decimal] = {}
            for line in lines:
                if line.effective_ms < moment:
                    expected[line.book] = expected.get(line.book, Decimal(0)) + line.amount
            assert {p.book: p.amount for p in reader.postings_before(account, moment)} == expected


def test_profit_of_a_time_is_of_the_trades_that_closed_in_it(book: Store) -> None:
    with book.read() as reader:
        account = main_account(reader)
        stopped, won = reader.trades([1])[1], reader.trades([2])[2]
        closed_at = LATER + 59_999
        assert reader.closed_profit(account, closed_at, closed_at) == (1, stopped.realized)
        assert reader.closed_profit(account, START_MS, LATER + 10_000_000) == (2, stopped.realized + won.realized)
        assert reader.closed_profit(account, START_MS, closed_at - 1) == (0, Decimal(0))


def test_trades_are_counted_by_state(book: Store) -> None:
    with book.read() as reader:
        assert reader.trade_counts(main_account(reader)) == {
            Status.CLOSED: 2,
            Status.OPEN: 2,
            Status.CANCELLED: 1,
            Status.EXPIRED: 1,
        }


def test_what_was_held_at_a_moment_is_known_by_its_fills_before(book: Store) -> None:
    with book.read() as reader:
        account = main_account(reader)
        assert [f.trade_id for f in reader.fills_held_at(account, START_MS + 1)] == [1, 2, 3]
        assert [(f.trade_id, f.n) for f in reader.fills_held_at(account, LATER + 60_000)] == [
            (2, 1),
            (2, 2),
            (3, 1),
            (3, 2),
            (7, 1),
        ]
        at_the_fill = LATER + 59_999
        assert [(f.trade_id, f.n) for f in reader.fills_held_at(account, at_the_fill)] == [(1, 1), (2, 1), (3, 1)]
        assert reader.fills_held_at(account, START_MS) == ()


def test_a_stream_gives_what_a_list_gives(book: Store) -> None:
    everything = RowFilter()
    with book.read() as reader:
        assert list(reader.each_trade(TradeFilter())) == list(reader.trades_page(TradeFilter()).trades)[::-1]
        assert list(reader.each_signal(everything)) == list(reader.signals(SignalFilter()).signals)[::-1]
        assert tuple(reader.each_fill(everything)) == reader.fills()
        assert tuple(reader.each_posting(everything)) == reader.ledger()
        assert tuple(reader.each_note(everything)) == reader.notes()
        assert [line.seq for line in reader.each_event(everything)] == [r.seq for r in reader.events(EventFilter())]


def test_an_exported_line_of_the_journal_can_be_verified(book: Store) -> None:
    with book.read() as reader:
        for line in reader.each_event(RowFilter()):
            cells = [getattr(line, name) for name in type(line).__dataclass_fields__][:-1]
            assert hashlib.sha256(json.dumps(cells, separators=(",", ":")).encode()).hexdigest() == line.digest


def test_signals_are_streamed_by_filter(book: Store) -> None:
    with book.read() as reader:
        assert [s.id for s in reader.each_signal(RowFilter(source="other", symbol="BTCUSDT"))] == [6, 8]
        assert [s.id for s in reader.each_signal(RowFilter(tag="slow"))] == [1]
        assert list(reader.each_signal(RowFilter(since_ms=START_MS + 1))) == []
        assert list(reader.each_signal(RowFilter(until_ms=START_MS))) == []


def test_fills_are_streamed_by_filter(book: Store) -> None:
    with book.read() as reader:
        assert [(f.trade_id, f.n) for f in reader.each_fill(RowFilter(account_id=1, symbol="ETHUSDT"))] == [
            (3, 1),
            (3, 2),
        ]
        assert [f.trade_id for f in reader.each_fill(RowFilter(reasons=(ExitReason.STOP_LOSS,)))] == [1]
        assert {f.trade_id for f in reader.each_fill(RowFilter(tag="swing"))} == {7}
        assert list(reader.each_fill(RowFilter(source="other"))) == []
        assert [f.trade_id for f in reader.each_fill(RowFilter(until_ms=START_MS + 1))] == [1, 2, 3]
        assert all(f.at_ms >= LATER for f in reader.each_fill(RowFilter(since_ms=LATER)))


def test_postings_events_and_notes_are_streamed_by_filter(book: Store) -> None:
    with book.read() as reader:
        middle = reader.events(EventFilter())[9].recorded_ms
        assert {p.account_id for p in reader.each_posting(RowFilter(account_id=2))} == {2}
        between = RowFilter(since_ms=START_MS + 1, until_ms=LATER + 60_000)
        assert all(START_MS < p.effective_ms < LATER + 60_000 for p in reader.each_posting(between))
        assert all(e.recorded_ms >= middle for e in reader.each_event(RowFilter(since_ms=middle)))
        assert all(e.recorded_ms < middle for e in reader.each_event(RowFilter(until_ms=middle)))
        assert [n.id for n in reader.each_note(RowFilter(account_id=1, symbol="BTCUSDT"))] == [2]
        assert [n.id for n in reader.each_note(RowFilter(tag="mood"))] == [1]
        assert list(reader.each_note(RowFilter(since_ms=LATER + 1))) == []
        assert list(reader.each_note(RowFilter(until_ms=LATER))) == []


def test_a_streamed_row_that_cannot_be_is_an_unusable_database(book: Store) -> None:
    book.write(lambda w: w._connection.exec_driver_sql("UPDATE trade SET tags = '[' WHERE id = 2"))
    with pytest.raises(DatabaseUnusable, match="a row of `trade` cannot be read"), book.read() as reader:
        list(reader.each_trade(TradeFilter()))
