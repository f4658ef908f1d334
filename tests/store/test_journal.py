"""Recording: numbered, chained, all or nothing, and never two live trades for one signal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from papertrade.engine.account import AccountBook
from papertrade.engine.exit_wish import TrailWish, parse_level
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import CashMoved, EpochStarted, ExitFilled, TagsChanged, TradeEnded
from papertrade.engine.trade import Status
from papertrade.errors import DuplicateTrade
from papertrade.store import journal
from papertrade.store.database import raw
from papertrade.store.rows import EventFilter, Recorded
from papertrade.store.store import Store, Writer
from papertrade.store.views import InvariantBroken
from tests.store.stories import (
    START_MS,
    ScriptedClock,
    a_candle,
    a_limit,
    a_signal,
    an_order,
    doing,
    entered,
    entry,
    founded,
    led,
    opened,
    placed,
    record,
    shown,
    stored,
    touched_by,
    trailing,
)


def raw_events(store: Store) -> list[tuple[object, ...]]:
    with store.read() as reader:
        return [tuple(row) for row in reader._connection.exec_driver_sql("SELECT * FROM event ORDER BY seq")]


def test_each_event_is_hashed_over_all_its_columns_and_the_one_before(book: Store) -> None:
    link = ""
    for *cells, prev, stored_hash in raw_events(book):
        text = json.dumps([*cells, prev], separators=(",", ":"))
        assert prev == link
        assert stored_hash == hashlib.sha256(text.encode()).hexdigest()
        link = str(stored_hash)
    assert len(link) == 64


def test_numbers_have_no_gap_across_processes_and_failures(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "book.db"), opened(tmp_path / "book.db", run_id="other")
    first.write(founded)
    with pytest.raises(ZeroDivisionError):
        second.write(doing(lambda w: founded(w, "lost"), lambda _: 1 // 0))
    second.write(lambda w: founded(w, "kept"))
    with first.read() as reader:
        rows = reader.events(EventFilter())
        assert [row.seq for row in rows] == [1, 2, 3, 4]
        assert [row.run_id for row in rows] == ["test", "test", "other", "other"]
        assert (reader.last_seq(), reader.event_count(EventFilter(limit=1))) == (4, 4)
        assert [a.name for a in reader.accounts()] == ["main", "kept"]
    first.close()
    second.close()


def test_recorded_never_decreases_and_wall_keeps_the_truth(store: Store, clock: ScriptedClock) -> None:
    store.write(founded)
    clock.at_ms -= 3_600_000
    store.write(lambda w: founded(w, "second"))
    with store.read() as reader:
        rows = reader.events(EventFilter())
    assert [row.recorded_ms for row in rows] == sorted(row.recorded_ms for row in rows)
    assert rows[-1].wall_ms == clock.at_ms
    assert rows[-1].recorded_ms == rows[0].recorded_ms
    assert store.check().is_sound


def test_events_know_what_they_are_about(book: Store) -> None:
    with book.read() as reader:
        of_trade = reader.events(EventFilter(trade_id=1))
        of_signal = reader.events(EventFilter(signal_id=1))
        of_second = reader.events(EventFilter(account_id=2))
    assert [(r.kind, r.account_id, r.signal_id) for r in of_trade] == [
        ("entry_filled", 1, 1),
        ("exit_filled", 1, 1),
        ("note_added", 1, 1),
    ]
    assert [r.kind for r in of_signal] == ["signal_added", "entry_filled", "exit_filled", "note_added"]
    assert [r.kind for r in of_second] == ["account_created", "cash_moved", "trade_placed", "refused", "epoch_started"]
    assert isinstance(of_trade[1].event, ExitFilled)


def test_events_are_filtered_by_number_kind_and_time(book: Store) -> None:
    with book.read() as reader:
        every = reader.events(EventFilter())
        middle = every[len(every) // 2]
        assert reader.events(EventFilter(after_seq=middle.seq)) == every[middle.seq :]
        assert reader.events(EventFilter(last=3)) == every[-3:]
        assert reader.events(EventFilter(limit=3)) == every[:3]
        assert {r.kind for r in reader.events(EventFilter(kinds=("refused", "cash_moved")))} == {
            "refused",
            "cash_moved",
        }
        since = reader.events(EventFilter(since_ms=middle.recorded_ms))
        until = reader.events(EventFilter(until_ms=middle.recorded_ms))
    assert until + since == every
    assert since[0].recorded_ms == middle.recorded_ms


def test_a_second_live_trade_is_refused_with_the_numbers_of_the_first(store: Store) -> None:
    def twice(writer: Writer) -> None:
        founded(writer)
        number = entered(writer, a_signal())
        with pytest.raises(DuplicateTrade) as refused:
            record(writer, entry(writer.next_trade_id(), an_order(1, a_signal())))
        assert refused.value.message == f"signal `scanner:1` already has trade `{number}`: open, entry `100.05`"
        assert refused.value.details == {"trade_id": number, "status": "open", "entry_price": "100.05"}
        writer.record([Recorded(CashMoved(account_id=1, amount=Decimal(1)), START_MS)])

    store.write(twice)
    with store.read() as reader:
        assert [row.kind for row in reader.events(EventFilter(after_seq=3))] == ["entry_filled", "cash_moved"]
    assert store.check().is_sound


def test_a_waiting_trade_counts_as_live_and_is_named_with_its_entry(store: Store) -> None:
    def twice(writer: Writer) -> None:
        founded(writer)
        number = placed(writer, a_limit())
        living = writer.live_trade_of(1, 1)
        assert living is not None and living.id == number
        with pytest.raises(DuplicateTrade) as refused:
            record(writer, entry(writer.next_trade_id(), an_order(1, a_signal("9"))))
        assert refused.value.details["entry_price"] == "98"

    store.write(twice)


def test_two_trades_of_one_signal_in_one_batch_are_refused(store: Store) -> None:
    def twice(writer: Writer) -> None:
        founded(writer)
        signal = a_signal()
        number = stored(writer, signal)
        both = [entry(writer.next_trade_id(), an_order(number, signal)) for _ in range(2)]
        with pytest.raises(DuplicateTrade, match="already has trade `1`"):
            record(writer, *both)
        assert writer.live_trades() == ()

    store.write(twice)
    assert store.check().is_sound


def test_a_signal_may_be_traded_again_after_its_trade_ended(store: Store) -> None:
    def again(writer: Writer) -> int:
        founded(writer)
        shown(writer, entered(writer, a_signal()), a_candle(START_MS + 60_000, "90", "100"))
        number = writer.next_trade_id()
        record(writer, entry(number, an_order(1, a_signal())))
        return number

    assert store.write(again) == 2
    assert store.check().is_sound


def test_another_broken_rule_of_the_schema_is_no_duplicate(store: Store) -> None:
    def same_name(writer: Writer) -> None:
        founded(writer)
        with pytest.raises(Exception, match=r"UNIQUE constraint failed: account\.name"):
            founded(writer)
        with pytest.raises(Exception, match=r"UNIQUE constraint failed: trade\.id"):
            record(writer, *[entry(7, an_order(stored(writer, s), s)) for s in (a_signal("a"), a_signal("b"))][:1])
            record(writer, entry(7, an_order(2, a_signal("b"))))

    store.write(same_name)
    assert store.check().is_sound


def test_what_others_changed_meanwhile_is_never_overwritten(store: Store) -> None:
    def make(writer: Writer) -> int:
        founded(writer)
        return entered(writer, a_signal())

    number = store.write(make)
    with store.read() as reader:
        stale = reader.trades([number])[number]
    exits = touched_by(stale, a_candle(START_MS + 60_000, "90", "100"))
    store.write(lambda w: record(w, *exits, before=stale))
    with pytest.raises(InvariantBroken, match="1 rows of trade_state were to be written, and 0 were"):
        store.write(lambda w: record(w, *exits, before=stale))
    store.write(lambda w: record(w, TagsChanged(trade_id=number, tags=("a",)), before=w.trade(number)))
    with pytest.raises(InvariantBroken):
        store.write(lambda w: record(w, TagsChanged(trade_id=number, tags=("b",)), before=replace(stale)))
    assert store.check().is_sound


def test_cash_that_is_not_there_cannot_go(store: Store) -> None:
    def spend(writer: Writer) -> None:
        founded(writer, cash="40")
        entered(writer, a_signal())

    with pytest.raises(InvariantBroken, match="cash of account 1 would fall to -"):
        store.write(spend)

    def dip(writer: Writer) -> None:
        founded(writer, cash="40")
        writer.record(
            [
                Recorded(CashMoved(account_id=1, amount=Decimal(-41)), START_MS),
                Recorded(CashMoved(account_id=1, amount=Decimal(100)), START_MS),
            ]
        )

    with pytest.raises(InvariantBroken, match="would fall to -100000000 units"):
        store.write(dip)
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        store.write(lambda w: w.record([Recorded(CashMoved(account_id=3, amount=Decimal(-1)), START_MS)]))
    with store.read() as reader:
        assert reader.last_seq() == 0


def test_a_trade_that_ends_with_something_left_in_it_is_never_committed(store: Store) -> None:
    def lose_reserve(writer: Writer) -> None:
        founded(writer)
        number = placed(writer, a_limit())
        ended = TradeEnded(
            trade_id=number, status=Status.CANCELLED, released=Decimal(1), why="", at_ms=START_MS, applied_to=None
        )
        record(writer, ended, before=writer.trade(number))

    with pytest.raises(InvariantBroken, match="trade 1 is cancelled with something wrong left in it"):
        store.write(lose_reserve)


def test_an_event_that_cannot_follow_is_a_bug(store: Store) -> None:
    with pytest.raises(ValueError, match="trade 5 does not exist yet"):
        store.write(lambda w: record(w, TagsChanged(trade_id=5, tags=())))


def test_sums_inside_a_transaction_follow_what_it_records(store: Store) -> None:
    def story(writer: Writer) -> None:
        founded(writer, cash="1000")
        account = writer.account(1)
        assert account is not None
        assert writer.account_book(account).cash == 1000
        entered(writer, a_signal())
        assert writer.account_book(account).cash == Decimal("949.924975")
        with pytest.raises(ZeroDivisionError), writer.savepoint():
            entered(writer, a_signal("2"))
            1 // 0  # noqa: B018
        assert writer.account_book(account).cash == Decimal("949.924975")
        writer.record([Recorded(EpochStarted(account_id=1, epoch=2), START_MS)])
        account = writer.account(1)
        assert account is not None
        assert writer.account_book(account).realized == 0

    store.write(story)
    assert store.check().is_sound


def test_sums_that_were_followed_are_those_that_are_read_again(store: Store) -> None:
    def story(writer: Writer) -> AccountBook:
        founded(writer, cash="1000")
        account = writer.account(1)
        assert account is not None
        assert writer.account_book(account).realized == 0  # from here on the sums are followed
        shown(writer, entered(writer, a_signal()), a_candle(START_MS + MINUTE_MS, "97", "101"))
        return writer.account_book(account)

    followed = store.write(story)
    with store.read() as reader:
        account = reader.account(1)
        assert account is not None
        assert reader.account_book(account) == followed
    assert followed.realized < 0


def test_cash_of_an_earlier_epoch_is_there_too(store: Store) -> None:
    def story(writer: Writer) -> None:
        founded(writer, cash="1000")
        writer.record([Recorded(EpochStarted(account_id=1, epoch=2), START_MS)])
        account = writer.account(1)
        assert account is not None
        assert writer.account_book(account).cash == 1000
        writer.record([Recorded(CashMoved(account_id=1, amount=Decimal(-400)), START_MS)])
        assert writer.account_book(account).cash == 600

    store.write(story)
    assert store.check().is_sound


def test_a_trail_that_begins_is_written_whole(store: Store) -> None:
    def story(writer: Writer) -> None:
        founded(writer)
        exits = replace(trailing("1%"), trail=TrailWish(parse_level("1%"), parse_level("101")))
        number = entered(writer, a_signal(exits=exits))
        led(writer, [number], a_candle(START_MS + MINUTE_MS, "99.5", "102", close="102"))

    store.write(story)
    assert store.check().differences == ()
    with store.read() as reader:
        levels = reader.trades([1])[1].ruling.levels
    assert levels is not None
    assert levels.trail is not None
    assert (levels.trail.peak, levels.trail.stop) == (Decimal(102), Decimal("100.98"))


def test_a_savepoint_undoes_its_part_only(store: Store) -> None:
    def story(writer: Writer) -> None:
        founded(writer)
        with pytest.raises(KeyboardInterrupt), writer.savepoint():
            founded(writer, "lost")
            raise KeyboardInterrupt
        with writer.savepoint():
            founded(writer, "kept")

    store.write(story)
    with store.read() as reader:
        assert [a.name for a in reader.accounts()] == ["main", "kept"]
        assert reader.last_seq() == 4


def test_a_savepoint_survives_that_sqlite_has_undone_everything_itself(store: Store) -> None:
    def story(writer: Writer) -> None:
        with writer.savepoint():
            founded(writer)
            raw(writer._connection).rollback()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.write(story)
    assert store.write(founded) == 1


def test_each_next_number_is_another(store: Store) -> None:
    def numbers(writer: Writer) -> list[int]:
        return [writer.next_trade_id(), writer.next_trade_id(), writer.next_signal_id(), writer.next_note_id()]

    assert store.write(numbers) == [1, 2, 1, 1]


def test_recording_nothing_changes_nothing(store: Store) -> None:
    assert store.write(lambda w: w.record([])) == 0
    assert raw_events(store) == []


def test_a_price_nobody_named_is_shown_as_none(store: Store) -> None:
    def make(writer: Writer) -> DuplicateTrade:
        founded(writer)
        trade = writer.trade(entered(writer, a_signal()))
        assert trade is not None
        return journal.duplicate_trade(replace(trade, entry_price=None))

    assert store.write(make).details["entry_price"] is None
