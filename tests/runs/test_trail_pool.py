"""Trails raised in a tick: one event for an instrument's trades, whose stories are told as if each had its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.armed import Armed, beside_trail
from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.messages import EntryFilled, StopMoved, TrailsMoved
from papertrade.engine.signal import ExitWish, parse_break_even, parse_trail
from papertrade.engine.trade import ExitReason, Levels, Trade
from papertrade.runs import decide, led
from papertrade.runs.accounts import begin_account
from papertrade.runs.decide import through_candles
from papertrade.runs.happenings import of_rows
from papertrade.runs.lives import explanation_of, life_of
from papertrade.runs.tick import tick
from papertrade.store.journal import JournalWriter
from papertrade.store.rows import EventFilter, JournalRow, Recorded
from papertrade.store.views import InvariantBroken
from tests.runs.desk import START, Desk, candle
from tests.runs.faulty import BROKEN, FaultyTape, faulty_desk, opened, spoil
from tests.runs.told import recorded, told

RISING = ["100 100 100 100", "100 102 99.5 101", "101 104 100.5 103", "103 103.5 102.5 103", "103 103 98 99"]


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[tuple[Desk, FaultyTape]]:
    tape = [candle(number, prices) for number, prices in enumerate(RISING)]
    with faulty_desk(tmp_path, {"AAAUSDT": tape, "BBBUSDT": tape}) as made:
        yield made


def trailing(desk: Desk, distance: str, symbol: str = "AAAUSDT", side: Side = Side.LONG, **more: str) -> Trade:
    sl, tp = (more.get("sl", "90"), "150") if side is Side.LONG else ("150", "50")
    return opened(desk.world, symbol, side=side, sl=sl, tp=(tp,), rules=ExitWish(trail=parse_trail(distance)))


def at(desk: Desk, minute: int) -> None:
    """Tick when so many minutes have passed since the start."""
    desk.clock.at_ms = START + minute * MINUTE_MS + 1_000
    tick(desk.world)


def journal(desk: Desk, **wanted: int) -> list[JournalRow]:
    with desk.world.store.read() as reader:
        return list(reader.events(EventFilter(kinds=("stop_moved", "trails_moved", "exit_filled"), **wanted)))


def stop_of(trade: Trade) -> Decimal | None:
    return None if trade.ruling.levels is None else trade.ruling.levels.stop


def stops(desk: Desk) -> list[Decimal | None]:
    with desk.world.store.read() as reader:
        return [stop_of(trade) for trade in reader.trades(range(1, 20)).values()]


def test_a_tick_writes_one_event_for_an_instrument(venue: tuple[Desk, FaultyTape]) -> None:
    desk, _ = venue
    for distance in ("1%", "2%", "5"):
        trailing(desk, distance)
    trailing(desk, "2%", "BBBUSDT")
    trailing(desk, "4%", "BBBUSDT", Side.SHORT)
    at(desk, 2)
    first, second = journal(desk)
    assert [row.kind for row in (first, second)] == ["trails_moved", "trails_moved"]
    assert isinstance(first.event, TrailsMoved) and isinstance(second.event, TrailsMoved)
    (peak,) = first.event.peaks
    assert (first.event.symbol, peak.price, [led.trade_id for led in peak.led]) == ("AAAUSDT", Decimal(102), [1, 2, 3])
    assert [led.trail_stop for led in peak.led] == [Decimal("100.98"), Decimal("99.96"), Decimal(97)]
    best, lowest = second.event.peaks
    assert [(p.price, p.led[0].trade_id) for p in (best, lowest)] == [(Decimal(102), 4), (Decimal("99.5"), 5)]
    assert stops(desk) == [Decimal("100.98"), Decimal("99.96"), Decimal(97), Decimal("99.96"), Decimal("103.48")]
    at(desk, 2)
    assert len(journal(desk)) == 2
    assert desk.world.store.check().is_sound


def commits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[JournalWriter]:
    """Collect the writers that record something from here on: one a transaction."""
    seen: list[JournalWriter] = []
    record = JournalWriter.record

    def counted(self: JournalWriter, events: Sequence[Recorded], before: Mapping[int, Trade] | None = None) -> int:
        seen.append(self)
        return record(self, events, before)

    monkeypatch.setattr(JournalWriter, "record", counted)
    return seen


def test_instruments_whose_trails_are_only_raised_share_a_transaction(
    venue: tuple[Desk, FaultyTape], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = venue
    for symbol in ("AAAUSDT", "BBBUSDT"):
        trailing(desk, "2%", symbol)
    seen = commits(desk, monkeypatch)
    at(desk, 2)
    assert (len(seen), len({id(writer) for writer in seen})) == (2, 1)
    assert stops(desk) == [Decimal("99.96"), Decimal("99.96")]


@pytest.mark.parametrize("most", [1, 2, 3, 500])
def test_how_many_share_a_transaction_changes_nothing(
    venue: tuple[Desk, FaultyTape], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    desk, _ = venue
    monkeypatch.setattr(led, "TRADES_MAX", most)
    for symbol in ("AAAUSDT", "AAAUSDT", "BBBUSDT"):
        trailing(desk, "2%", symbol)
    at(desk, 3)
    assert stops(desk) == [Decimal("101.92")] * 3
    assert [row.kind for row in journal(desk)] == ["trails_moved", "trails_moved"]
    with desk.world.store.read() as reader:
        assert {i.symbol: i.watermark and i.watermark.end_ms for i in reader.live_instruments()} == dict.fromkeys(
            ("AAAUSDT", "BBBUSDT"), START + 3 * MINUTE_MS
        )


def test_a_target_at_a_new_peak_has_its_instrument_s_own_transaction(
    venue: tuple[Desk, FaultyTape], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = venue
    trailing(desk, "2%")
    opened(desk.world, "BBBUSDT", sl="90", tp=("102",), rules=ExitWish(trail=parse_trail("2%")))
    seen = commits(desk, monkeypatch)
    at(desk, 2)
    assert (len(seen), len({id(writer) for writer in seen})) == (2, 2)
    assert [row.kind for row in journal(desk)] == ["trails_moved", "exit_filled"]


def test_a_trade_that_cannot_be_recorded_leaves_the_others_to_be_told_apart(
    venue: tuple[Desk, FaultyTape], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the bug: the pooled event is refused as long as it is about trade 2."""
    desk, _ = venue
    for _ in range(3):
        trailing(desk, "2%")
    record = JournalWriter.record

    def refusing(self: JournalWriter, events: Sequence[Recorded], before: Mapping[int, Trade] | None = None) -> int:
        if before is not None and 2 in before:
            raise InvariantBroken("trade 2 is not what it seems")
        return record(self, events, before)

    monkeypatch.setattr(JournalWriter, "record", refusing)
    at(desk, 2)
    assert stops(desk) == [Decimal("99.96"), Decimal(98), Decimal("99.96")]
    with desk.world.store.read() as reader:
        assert [(a.trade_id, a.error) for a in reader.trades_set_aside()] == [(2, "trade 2 is not what it seems")]
    monkeypatch.setattr(JournalWriter, "record", record)
    at(desk, 3)
    assert stops(desk) == [Decimal("101.92")] * 3


def test_a_trade_that_breaks_is_set_aside_and_the_others_trails_follow(
    venue: tuple[Desk, FaultyTape], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = venue
    for _ in range(2):
        trailing(desk, "2%")
    whole = beside_trail

    def breaking(trade: Trade, levels: Levels) -> Armed:
        if trade.id == 1:
            raise LookupError("lost")
        return whole(trade, levels)

    monkeypatch.setattr(decide, "beside_trail", breaking)
    at(desk, 2)
    assert stops(desk) == [Decimal(98), Decimal("99.96")]
    monkeypatch.setattr(decide, "beside_trail", whole)
    at(desk, 3)
    assert stops(desk) == [Decimal("101.92")] * 2


@pytest.mark.parametrize("text", [BROKEN, "[]", '[{"from_ms":1,"wish":{"stop":null,"targets":[]},"levels":null}]'])
def test_a_row_that_cannot_be_read_is_left_to_its_instrument(venue: tuple[Desk, FaultyTape], text: str) -> None:
    desk, _ = venue
    for _ in range(2):
        trailing(desk, "2%")
    spoil(desk.world.store.path, 1, text)
    at(desk, 2)
    with desk.world.store.read() as reader:
        assert [a.trade_id for a in reader.trades_set_aside()] == [1]
        assert stop_of(reader.trades([2])[2]) == Decimal("99.96")


def test_catching_up_tells_each_trail_once_and_leaves_the_same_trades(tmp_path: Path) -> None:
    tape = [candle(number, prices) for number, prices in enumerate(RISING)]
    after: list[list[Trade]] = []
    counts: list[list[str]] = []
    for name, minutes in (("often", [1, 2, 3, 4, 5]), ("once", [5])):
        with faulty_desk(tmp_path / name, {"AAAUSDT": list(tape)}) as (desk, _):
            for distance in ("2%", "5", "3.5%"):
                trailing(desk, distance)
            for minute in minutes:
                at(desk, minute)
            with desk.world.store.read() as reader:
                after.append(list(reader.trades([1, 2, 3]).values()))
            counts.append([row.kind for row in journal(desk)])
            assert desk.world.store.check().is_sound
    assert after[0] == after[1]
    assert counts == [
        ["trails_moved", "trails_moved", "exit_filled", "exit_filled", "exit_filled"],
        ["trails_moved", "exit_filled", "exit_filled", "exit_filled"],
    ]


@pytest.mark.parametrize("minutes", [[1, 2, 3, 4, 5], [5]])
def test_the_story_of_a_trade_names_the_candle_that_set_the_stop_it_left_at(
    venue: tuple[Desk, FaultyTape], minutes: list[int]
) -> None:
    desk, _ = venue
    trailing(desk, "5%")
    trailing(desk, "2%")
    for minute in minutes:
        at(desk, minute)
    trade = desk.trade(2)
    with desk.world.store.read() as reader:
        moments = life_of(reader, trade, desk.clock.at_ms).moments
        explained = explanation_of(reader, trade)
    (*_, moved, exit_) = moments
    assert isinstance(moved.stamp.event, StopMoved)
    assert (moved.at_ms, stop_of(moved.after)) == (START + 3 * MINUTE_MS - 1, Decimal("101.92"))
    assert exit_.after == trade
    last = explained.stop_moves[-1]
    assert (last.stop, last.trail and last.trail.peak, last.cause.candle) == (
        Decimal("101.92"),
        Decimal(104),
        candle(2, RISING[2]),
    )
    (left,) = explained.exits
    assert (left.reason, left.cause.level) == (ExitReason.TRAILING_STOP, Decimal("101.92"))


def test_an_event_of_one_trade_is_about_it_and_one_of_several_is_found_by_each(
    venue: tuple[Desk, FaultyTape],
) -> None:
    desk, _ = venue
    trailing(desk, "5%")
    at(desk, 2)
    (alone,) = journal(desk)
    assert (alone.trade_id, alone.account_id, alone.signal_id) == (1, 1, 1)
    trailing(desk, "6%")
    at(desk, 3)
    shared = journal(desk)[-1]
    assert (shared.trade_id, shared.account_id, shared.signal_id) == (None, 1, None)
    assert [row.seq for row in journal(desk, trade_id=1)] == [alone.seq, shared.seq]
    assert [row.seq for row in journal(desk, trade_id=2)] == [shared.seq]
    assert [row.seq for row in journal(desk, signal_id=2)] == [shared.seq]
    assert [row.seq for row in journal(desk, account_id=1)] == [alone.seq, shared.seq]
    with desk.world.store.read() as reader:
        assert [row.kind for row in reader.events(EventFilter(trade_id=2, kinds=("stop_moved",)))] == []
    assert [len([e for e in trade.events if isinstance(e, StopMoved)]) for trade in recorded(desk)] == [2, 1]


def test_trades_of_several_accounts_share_an_event(venue: tuple[Desk, FaultyTape]) -> None:
    desk, _ = venue
    desk.world.store.write(lambda writer: begin_account(writer, "second", "USDT", Decimal(10_000), START))
    trade = trailing(desk, "5%")
    order = trade.order
    with desk.world.store.read() as reader:
        row = reader.events(EventFilter(trade_id=1, kinds=("entry_filled",)))[0]
    assert isinstance(row.event, EntryFilled)
    event = replace(row.event, trade_id=2, order=replace(order, account_id=2))
    desk.world.store.write(lambda writer: writer.record([Recorded(event, row.effective_ms)]))
    at(desk, 2)
    (shared,) = journal(desk)
    assert (shared.account_id, shared.trade_id) == (None, None)
    assert [len(journal(desk, account_id=number)) for number in (1, 2)] == [1, 1]
    assert [t.trade.id for t in recorded(desk)] == [1]
    assert desk.world.store.check().is_sound


def test_listeners_hear_of_a_break_even_and_of_no_trail_that_only_follows(venue: tuple[Desk, FaultyTape]) -> None:
    desk, _ = venue
    trailing(desk, "5%")
    trailing(desk, "6%")
    opened(desk.world, sl="90", tp=("150",), rules=ExitWish(break_even=parse_break_even("1%:gross")))
    at(desk, 2)
    with desk.world.store.read() as reader:
        rows = reader.events(EventFilter(kinds=("trails_moved", "stop_moved")))
        told_of = of_rows(reader, rows, desk.clock.at_ms)
    assert [row.kind for row in rows] == ["trails_moved", "stop_moved"]
    assert [(h.names, h.view and h.view.trade.id) for h in told_of] == [(("trade_changed",), 3)]


def test_parity_tells_pooled_trades_again(venue: tuple[Desk, FaultyTape]) -> None:
    desk, _ = venue
    for distance in ("1%", "2%", "5"):
        trailing(desk, distance)
    for minute in (2, 3, 5):
        at(desk, minute)
    report = told(desk)
    assert (report.compared, report.differences) == (3, ())


def test_a_journal_of_single_moves_replays(venue: tuple[Desk, FaultyTape]) -> None:
    """What was written before moves were pooled stays readable, beside what is written now."""
    desk, _ = venue
    trades = [trailing(desk, "5%"), trailing(desk, "2%")]
    seen = candle(1, RISING[1])
    single = [event for trade in trades for event in through_candles(trade, [seen], {}).events]
    before = {trade.id: trade for trade in trades}
    desk.world.store.write(lambda writer: writer.record([Recorded(e, seen.last_ms) for e in single], before))
    at(desk, 3)
    assert [row.kind for row in journal(desk)] == ["stop_moved", "stop_moved", "trails_moved"]
    assert stops(desk) == [Decimal("98.8"), Decimal("101.92")]
    assert desk.world.store.check().is_sound
    trade = desk.trade(2)
    with desk.world.store.read() as reader:
        assert life_of(reader, trade, desk.clock.at_ms).moments[-1].after == trade
