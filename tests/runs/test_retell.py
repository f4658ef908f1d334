"""Telling trades again: exits that move, deeds that cannot follow any more, and what only people write down."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.changes import ExitChange
from papertrade.engine.market import MINUTE_MS, Candle, Side
from papertrade.engine.messages import TagsChanged, TradeEvent, TradeFlagged, TradePlaced
from papertrade.engine.signal import (
    EntryType,
    ExitWish,
    Signal,
    parse_break_even,
    parse_level,
    parse_size,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.trade import Flag, Status, Trade
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import cancel_one, close_one, modify_one
from papertrade.runs.opening import OpenRequest, open_one
from papertrade.runs.parity import spans_of
from papertrade.runs.retell import retell
from papertrade.runs.signals import NEW_ID
from papertrade.runs.stories import ask_tracks
from papertrade.runs.tick import tick
from papertrade.store.rows import Recorded
from tests.runs.desk import START, Desk, candle, flat
from tests.runs.faulty import FaultyTape, faulty_desk, opened
from tests.runs.test_polling import SYMBOLS, Poll, look, polls, tapes
from tests.runs.told import Deed, correct, deeds, do, in_time, recorded, told

MOVING = st.sampled_from(
    [
        ExitWish(parse_level("92"), (parse_target("120"),), trail=parse_trail("3")),
        ExitWish(parse_level("97"), trail=parse_trail("2%@+1%")),
        ExitWish(parse_level("96"), (parse_target("107"),), break_even=parse_break_even("0.5R")),
        ExitWish(parse_level("90"), time_limit=parse_time_limit("4m")),
        ExitWish(
            parse_level("96"),
            (parse_target("102:0.5"), parse_target("105:0.5")),
            trail=parse_trail("1R@1R"),
            time_limit=parse_time_limit("9m"),
            after_first=parse_level("be"),
        ),
    ]
)


def open_moving(desk: Desk, wish: ExitWish) -> Trade:
    signal = Signal(
        source="test",
        external_id=NEW_ID,
        symbol="AAAUSDT",
        side=Side.LONG,
        made_at_ms=0,
        entry_type=EntryType.MARKET,
        exits=wish,
        size=parse_size("size", "2"),
    )
    done = open_one(desk.world, "main", OpenRequest(signal=signal, is_again=True), catch_up(desk.world, ["AAAUSDT"]))
    assert done.change is not None, done.error
    return done.change.after


@pytest.fixture
def shaky(tmp_path: Path) -> Iterator[tuple[Desk, FaultyTape]]:
    dip = [*flat(3), candle(3, "100 101 94 100"), *flat(40)[4:]]
    with faulty_desk(tmp_path, {"AAAUSDT": dip}) as both:
        yield both


@settings(max_examples=60, deadline=None)
@given(tapes(), st.lists(MOVING, min_size=1, max_size=4), polls, deeds)
def test_trades_whose_exits_move_are_told_the_same_again(
    tape: list[Candle], wishes: list[ExitWish], times: list[Poll], by_hand: list[Deed]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        faulty_desk(Path(folder), dict.fromkeys(SYMBOLS, tape)) as (desk, feed),
    ):
        for wish in wishes:
            open_moving(desk, wish)
        for step in [*in_time(times, by_hand), Poll(26 * MINUTE_MS, "")]:
            look(desk, feed, step if isinstance(step, Poll) else Poll(step.at_ms, ""))
            if isinstance(step, Deed):
                do(desk, step)
        report = told(desk)
    assert report.differences == ()
    assert report.compared + len(report.not_comparable) == len(wishes)


def test_tags_and_marks_are_taken_over_wherever_they_stand(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    before = opened(desk.world)
    remarks: list[TradeEvent] = [
        TagsChanged(trade_id=1, tags=("a", "b")),
        TradeFlagged(trade_id=1, flags=(Flag.HALTED,), at_ms=START),
    ]
    desk.world.store.write(
        lambda writer: writer.record([Recorded(event, START + 40_000) for event in remarks], {1: before})
    )
    desk.clock.at_ms = START + 6 * MINUTE_MS
    tick(desk.world)
    assert told(desk).differences == ()
    assert desk.trade(1).tags == ("a", "b")


def test_a_cancel_and_a_change_of_what_would_have_been_entered(shaky: tuple[Desk, FaultyTape]) -> None:
    """Minute 2 now reaches both limits: one trade cannot be cancelled any more, the other's new stop is worked out."""
    desk, _ = shaky
    for _number in range(2):
        opened(desk.world, entry=(EntryType.LIMIT, "90"), sl="5%", tp=("120",))
    desk.clock.at_ms = START + 5 * MINUTE_MS + 10_000
    cancel_one(desk.world, 1, catch_up(desk.world, ["AAAUSDT"]))
    change = ExitChange(
        stop=parse_level("2%"), keeps_stop=False, break_even=parse_break_even("1R"), keeps_break_even=False
    )
    assert modify_one(desk.world, 2, change, catch_up(desk.world, ["AAAUSDT"])).error is None
    desk.clock.at_ms = START + 10 * MINUTE_MS
    tick(desk.world)
    assert told(desk).differences == ()
    correct(desk, 2, candle(2, "100 100 89 100"))
    statuses = {d.trade_id: (d.recorded, d.replayed) for d in told(desk).differences if d.field == "status"}
    assert statuses == {1: ("cancelled", "open"), 2: ("pending", "open")}
    (_, second) = recorded(desk)
    tracks = ask_tracks(desk.world, spans_of([second]))
    again = retell(second.begin, second.deeds, tracks.tracks[second.place], second.until_ms).trade
    levels = again.ruling.levels
    assert levels is not None
    assert levels.own_stop is not None
    assert levels.break_even is not None
    assert (levels.own_stop.price, levels.break_even.trigger) == (Decimal("88.2"), Decimal("94.5"))


def test_a_change_and_a_close_after_an_end_that_came_earlier(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world, sl="93", tp=("120",))
    desk.clock.at_ms = START + 5 * MINUTE_MS + 10_000
    present = catch_up(desk.world, ["AAAUSDT"])
    modify_one(desk.world, 1, ExitChange(stop=parse_level("92"), keeps_stop=False), present)
    close_one(desk.world, 1, Decimal("0.25"), present)
    correct(desk, 2, candle(2, "100 100 90 100"))
    report = told(desk)
    assert {d.field: d.replayed for d in report.differences}["status"] == str(Status.CLOSED)
    assert {d.field: d.replayed for d in report.differences}["exit_price"] == Decimal(93)


def test_a_trade_begins_once(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world, entry=(EntryType.LIMIT, "90"), sl="80")
    (trade,) = recorded(desk)
    assert isinstance(trade.begin, TradePlaced)
    track = ask_tracks(desk.world, {trade.place: [(START, START + MINUTE_MS)]}).tracks[trade.place]
    with pytest.raises(ValueError, match="TradePlaced is nothing that is done by hand"):
        retell(trade.begin, [trade.begin], track, START + MINUTE_MS)
