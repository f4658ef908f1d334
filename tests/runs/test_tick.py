"""One tick: what it may do once only, what one broken trade may not stop, and how far it catches up."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.trade import ExitReason, Flag, Status
from papertrade.errors import FeedError
from papertrade.feeds.tape import Tape
from papertrade.runs import tick as ticking
from papertrade.runs.sighting import PATIENCE, RETRY_EVERY
from papertrade.runs.tick import tick
from papertrade.runs.world import World
from tests.runs.desk import START, Desk, ShakyTape, candle, desk_at, flat
from tests.runs.faulty import FaultyTape, faulty_desk, opened, spoil

T = TypeVar("T")

STOPPED_IN_5 = [*flat(5), candle(5, "100 101 94 100"), *(candle(n, "100 100 100 100") for n in range(6, 30))]


@pytest.fixture
def shaky(tmp_path: Path) -> Iterator[tuple[Desk, FaultyTape]]:
    with faulty_desk(tmp_path, {"AAAUSDT": STOPPED_IN_5, "BBBUSDT": STOPPED_IN_5}) as both:
        yield both


def at_minute(desk: Desk, minute: float) -> None:
    desk.clock.at_ms = START + round(minute * MINUTE_MS)


def last_event(world: World) -> int:
    with world.store.read() as reader:
        return reader.last_seq()


# -- once ----------------------------------------------------------------------------------------------


def test_f44_a_tick_run_twice_changes_nothing(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    trade = opened(desk.world)
    at_minute(desk, 7.5)
    first, _ = tick(desk.world)
    seen = last_event(desk.world)
    second, _ = tick(desk.world)
    assert [change.after.id for change in first.closed] == [trade.id]
    assert (second.changes, last_event(desk.world)) == ((), seen)


def test_two_processes_that_saw_the_same_minutes_close_a_trade_once(shaky: tuple[Desk, FaultyTape]) -> None:
    """The second ticks while the first still waits for the venue; both decide with the same candles."""
    desk, _ = shaky
    opened(desk.world, tp=("103", "106"))
    opened(desk.world, side=Side.SHORT, sl="100.5", tp=("90",))
    at_minute(desk, 7.5)
    other = replace(desk.world, store=desk.second_store())

    def wait_while_the_other_ticks(coroutine: Coroutine[object, object, T]) -> T:
        answer = desk.world.wait(coroutine)
        tick(other)
        return answer

    report, _ = tick(replace(desk.world, wait=wait_while_the_other_ticks))
    other.store.close()
    assert report.changes == ()
    assert [desk.trade(n).exit_price for n in (1, 2)] == [Decimal(95), Decimal("100.5")]
    assert desk.world.store.check().is_sound


def test_small_batches_decide_like_one(shaky: tuple[Desk, FaultyTape], monkeypatch: pytest.MonkeyPatch) -> None:
    desk, _ = shaky
    monkeypatch.setattr(ticking, "BATCH", 2)
    trades = [opened(desk.world) for _ in range(5)]
    at_minute(desk, 7.5)
    report, _ = tick(desk.world)
    assert [change.after.id for change in report.closed] == [trade.id for trade in trades]


# -- one broken trade stops no other ---------------------------------------------------------------------


def test_f43_a_trade_whose_row_is_broken_is_set_aside_and_caught_up_from_its_own_mark(
    shaky: tuple[Desk, FaultyTape],
) -> None:
    desk, _ = shaky
    broken, sound = opened(desk.world), opened(desk.world)
    before = spoil(desk.world.store.path, broken.id)
    at_minute(desk, 7.5)
    report, _ = tick(desk.world)
    assert [change.after.id for change in report.closed] == [sound.id]
    assert "cannot be read" in report.set_aside[broken.id]
    spoil(desk.world.store.path, broken.id, before)
    at_minute(desk, 9.5)
    report, _ = tick(desk.world)
    assert report.set_aside == {}
    assert desk.trade(broken.id).closed_at == START + 6 * MINUTE_MS - 1
    assert desk.world.store.check().is_sound


def test_a_trade_that_stays_broken_is_tried_again_with_all_candles_that_it_lacks(
    shaky: tuple[Desk, FaultyTape],
) -> None:
    """Beyond its patience a tick does not ask for old candles; a trade repaired then must still see every one."""
    desk, _ = shaky
    broken, other = opened(desk.world), opened(desk.world, sl="50", tp=())
    before = spoil(desk.world.store.path, broken.id)
    for number in range(PATIENCE + 2):
        at_minute(desk, 6.5 + number)
        report, _ = tick(desk.world)
        assert list(report.set_aside) == [broken.id]
    spoil(desk.world.store.path, broken.id, before)
    ticks = 0
    while desk.trade(broken.id).status is Status.OPEN:
        at_minute(desk, 13.5 + ticks)
        report, _ = tick(desk.world)
        ticks += 1
        assert ticks <= RETRY_EVERY
    assert desk.trade(broken.id).exit_price == Decimal(95)
    assert desk.trade(broken.id).closed_at == START + 6 * MINUTE_MS - 1
    assert desk.trade(other.id).status is Status.OPEN
    with desk.world.store.read() as reader:
        assert reader.trades_set_aside() == ()


def test_an_amount_that_no_ledger_holds_breaks_one_trade_only(tmp_path: Path) -> None:
    absurd = "100000000000"
    gap = [*flat(3), candle(3, f"{absurd} {absurd} 100 100"), candle(4, "100 101 94 100"), candle(5, "94 94 94 94")]
    with faulty_desk(tmp_path, {"AAAUSDT": gap, "BBBUSDT": STOPPED_IN_5}) as (desk, _):
        short = opened(desk.world, side=Side.SHORT, sl="105", tp=("90",))
        sound, elsewhere = opened(desk.world, tp=()), opened(desk.world, "BBBUSDT")
        at_minute(desk, 7.5)
        report, _ = tick(desk.world)
        assert "more than a ledger can hold" in report.set_aside[short.id]
        assert {change.after.id for change in report.closed} == {sound.id, elsewhere.id}
        assert desk.world.store.check().is_sound


def test_a_broken_row_does_not_keep_a_halt_from_being_flagged(tmp_path: Path) -> None:
    halted = Instrument(venue="tape", symbol="AAAUSDT", base="AAA", quote="USDT", is_trading=False)
    with desk_at(tmp_path, {"AAAUSDT": flat(3)}) as desk:
        broken, sound = opened(desk.world), opened(desk.world)
        spoil(desk.world.store.path, broken.id)
        feed = ShakyTape(Tape(candles=desk.tape, instruments={"AAAUSDT": halted}), desk.clock.now_ms)
        at_minute(desk, 8)
        report, _ = tick(replace(desk.world, feed=feed))
        assert [change.after.id for change in report.changes] == [sound.id]
        assert desk.trade(sound.id).flags == (Flag.HALTED,)
        assert desk.trade(sound.id).status is Status.OPEN


def test_a_broken_row_does_not_keep_others_from_opening(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    spoil(desk.world.store.path, opened(desk.world).id)
    assert opened(desk.world).status is Status.OPEN


# -- failures ------------------------------------------------------------------------------------------


def test_a_symbol_that_fails_is_counted_and_hides_no_other(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    opened(desk.world), opened(desk.world, "BBBUSDT")
    feed.failing = frozenset({"AAAUSDT"})
    for number, minute in enumerate((6.5, 7.5), 1):
        at_minute(desk, minute)
        report, _ = tick(desk.world)
        assert report.in_a_row == {"AAAUSDT": number}
    feed.failing = frozenset()
    report, _ = tick(desk.world)
    assert report.in_a_row == {}
    assert [desk.trade(n).closed_at for n in (1, 2)] == [START + 6 * MINUTE_MS - 1] * 2


def test_a_venue_that_cannot_be_asked_leaves_everything_as_it_was(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    opened(desk.world)
    seen = last_event(desk.world)
    feed.error = FeedError("down", code="feed_unreachable")
    at_minute(desk, 7.5)
    with pytest.raises(FeedError, match="down"):
        tick(desk.world)
    assert last_event(desk.world) == seen


# -- long absences ---------------------------------------------------------------------------------------


def test_a_week_without_a_watch_is_caught_up_in_one_tick(tmp_path: Path) -> None:
    minutes = 10_080
    week = flat(minutes)
    week[7_000] = candle(7_000, "100 100 94 100")
    with desk_at(tmp_path, {"AAAUSDT": week, "BBBUSDT": flat(minutes)}) as desk:
        first, second = opened(desk.world), opened(desk.world, "BBBUSDT")
        at_minute(desk, minutes + 0.5)
        report, market = tick(desk.world)
        assert [change.after.id for change in report.closed] == [first.id]
        assert desk.trade(first.id).closed_at == START + 7_001 * MINUTE_MS - 1
        assert market.behind == frozenset()
        with desk.world.store.read() as reader:
            mark = reader.watermark("tape", "BBBUSDT")
        assert mark is not None
        assert mark.end_ms == START + minutes * MINUTE_MS
        assert desk.trade(second.id).status is Status.OPEN


def test_a_hole_is_recorded_and_closes_nothing(tmp_path: Path) -> None:
    holed = [*flat(3), candle(8, "100 100 94 100"), candle(9, "100 100 100 100")]
    with desk_at(tmp_path, {"AAAUSDT": holed}) as desk:
        trade = opened(desk.world)
        at_minute(desk, 9.5)
        tick(desk.world)
        with desk.world.store.read() as reader:
            stretches = reader.coverage("tape", "AAAUSDT")
        assert [(s.from_ms - START, s.to_ms - START) for s in stretches] == [(3 * MINUTE_MS, 8 * MINUTE_MS)]
        assert desk.trade(trade.id).closed_at == START + 9 * MINUTE_MS - 1
        assert desk.trade(trade.id).exit_reason is ExitReason.STOP_LOSS
