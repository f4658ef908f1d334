"""Parity over a desk's own tape: nothing differs however it was watched, and what differs is found and explained."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.exit_wish import ExitWish, parse_break_even, parse_trail
from papertrade.engine.market import MINUTE_MS, Candle, Side
from papertrade.engine.signal import EntryType
from papertrade.engine.touch import touch
from papertrade.engine.trade import Status
from papertrade.errors import FeedError
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import close_one
from papertrade.runs.differences import Difference, Instant, Reason
from papertrade.runs.parity import compared, spans_of, told_again
from papertrade.runs.replay import Track
from papertrade.runs.stories import Tracks, ask_tracks
from papertrade.runs.tick import tick
from papertrade.store.rows import Recorded, TradeFilter
from tests.runs.desk import START, Desk, candle, flat
from tests.runs.faulty import FaultyTape, faulty_desk, opened
from tests.runs.test_polling import SYMBOLS, Idea, Poll, ideas, polls, tapes
from tests.runs.test_settle import BOTH, TARGET_FIRST
from tests.runs.told import Deed, correct, deeds, in_time, play, recorded, told

DIP = [*flat(3), candle(3, "100 101 94 100"), *flat(40)[4:]]
"""Minute 3 falls to 94 and comes back."""


@pytest.fixture
def shaky(tmp_path: Path) -> Iterator[tuple[Desk, FaultyTape]]:
    with faulty_desk(tmp_path, {"AAAUSDT": list(DIP), "BBBUSDT": list(BOTH)}) as both:
        yield both


def watch(desk: Desk, minutes: int) -> None:
    desk.clock.at_ms = START + minutes * MINUTE_MS
    tick(desk.world)


def field(differences: tuple[Difference, ...], name: str) -> Difference:
    return next(d for d in differences if d.field == name)


@settings(max_examples=60, deadline=None)
@given(tapes(), tapes(), ideas, polls, deeds)
def test_what_was_watched_is_told_the_same_again(
    first: list[Candle], second: list[Candle], wanted: list[Idea], times: list[Poll], by_hand: list[Deed]
) -> None:
    tape = dict(zip(SYMBOLS, (first, second), strict=True))
    with tempfile.TemporaryDirectory() as folder, faulty_desk(Path(folder), dict(tape)) as (desk, feed):
        play(desk, feed, wanted, in_time(times, by_hand))
        report = told(desk)
    assert report.differences == ()
    assert report.compared + len(report.not_comparable) == len(wanted)


@settings(max_examples=40, deadline=None)
@given(tapes(), ideas, polls, st.data())
def test_a_corrected_candle_that_mattered_is_always_found(
    tape: list[Candle], wanted: list[Idea], times: list[Poll], data: st.DataObject
) -> None:
    """A candle that closed a trade becomes one that does not: flat at a price that touches nothing."""
    both = dict.fromkeys(SYMBOLS, tape)
    with tempfile.TemporaryDirectory() as folder, faulty_desk(Path(folder), dict(both)) as (desk, feed):
        play(desk, feed, wanted, in_time(times, []))
        ended = [t for t in recorded(desk) if t.trade.status is Status.CLOSED and t.trade.applied_to > t.from_ms]
        closings = [t for t in ended if t.no_promise is None]
        chosen = data.draw(st.sampled_from(closings)) if closings else None
        if chosen is not None:
            at = chosen.trade.applied_to - MINUTE_MS
            desk.tape[chosen.place.symbol][:] = [c for c in tape if c.open_ms != at]
        report = told(desk)
    assert (chosen is None) == (report.differences == ())
    assert chosen is None or chosen.trade.id in report.differing
    assert {d.reason for d in report.differences} <= {Reason.CANDLE_MISSING}


def test_a_candle_corrected_after_it_stopped_a_trade(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world)
    watch(desk, 6)
    correct(desk, 3, candle(3, "100 101 96 100"))
    report = told(desk)
    assert report.differing == (1,)
    assert [d.field for d in report.differences] == [
        "status",
        "open_quantity",
        "exit_reason",
        "exit_price",
        "closed_at",
        "fees",
        "realized_pnl",
        "reserve",
        "fills[2]",
    ]
    status = field(report.differences, "status")
    assert (status.recorded, status.replayed, status.reason) == ("closed", "open", Reason.CANDLE_CORRECTED)
    assert status.explanation.hint == "the candle was corrected: low was `94`, is `96`"
    assert status.explanation.candle_ms == START + 3 * MINUTE_MS
    assert field(report.differences, "closed_at").recorded == Instant(START + 4 * MINUTE_MS - 1)
    gone = field(report.differences, "fills[2]")
    assert (gone.recorded, gone.replayed) == ("stop_loss of 2 at 95", None)


@pytest.mark.parametrize("wish", [ExitWish(break_even=parse_break_even("5%")), ExitWish(trail=parse_trail("1%"))])
def test_a_candle_that_only_moved_the_stop_explains_the_exit_that_followed(
    shaky: tuple[Desk, FaultyTape], wish: ExitWish
) -> None:
    desk, _ = shaky
    desk.tape["AAAUSDT"][2:5] = [candle(2, "100 106 100 106"), candle(3, "101 101 98 98"), candle(4, "98 98 94 94")]
    opened(desk.world, rules=wish)
    watch(desk, 6)
    del desk.tape["AAAUSDT"][2]
    report = told(desk)
    assert report.differing == (1,)
    (found,) = {d.explanation for d in report.differences}
    assert (found.reason, found.candle_ms) == (Reason.CANDLE_MISSING, START + 2 * MINUTE_MS)


def test_another_price_at_the_same_candle(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world)
    watch(desk, 6)
    correct(desk, 3, candle(3, "94.5 101 94 100"))
    report = told(desk)
    assert [d.field for d in report.differences] == [
        "exit_price",
        "closed_at",
        "fees",
        "realized_pnl",
        "fills[2].at",
        "fills[2].price",
        "fills[2].fee",
        "fills[2].realized",
    ]
    assert (
        field(report.differences, "exit_price").explanation.hint
        == "the candle was corrected: open was `100`, is `94.5`"
    )


def test_a_candle_that_touches_only_now(shaky: tuple[Desk, FaultyTape]) -> None:
    """Nothing of that minute was kept, so nobody can say how it was."""
    desk, _ = shaky
    opened(desk.world, sl="93")
    watch(desk, 8)
    correct(desk, 5, candle(5, "100 100 92 100"))
    report = told(desk)
    status = field(report.differences, "status")
    assert (status.recorded, status.replayed, status.reason) == ("open", "closed", Reason.NOT_SEEN)
    assert status.explanation.candle_ms == START + 5 * MINUTE_MS
    assert status.explanation.then is None
    assert field(report.differences, "fills[2]").recorded is None


def test_a_price_that_was_kept_tells_that_a_candle_was_corrected(shaky: tuple[Desk, FaultyTape]) -> None:
    """The close of minute 3 was kept because another trade was filled in it."""
    desk, _ = shaky
    opened(desk.world)
    opened(desk.world, sl="93", tp=("105",))
    watch(desk, 8)
    correct(desk, 3, candle(3, "100 101 92 99"))
    explained = {d.trade_id: d.explanation for d in told(desk).differences}
    assert explained[2].reason is Reason.CANDLE_CORRECTED
    assert explained[2].hint == "the candle was corrected: its close was `100`, is `99`"


def test_a_candle_that_is_gone(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world)
    watch(desk, 8)
    desk.tape["AAAUSDT"][:] = [c for c in desk.tape["AAAUSDT"] if c.open_ms != START + 3 * MINUTE_MS]
    why = told(desk).differences[0].explanation
    assert (why.reason, why.hint) == (Reason.CANDLE_MISSING, "there is no such candle any more")


def test_a_hole_that_was_filled_later(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    tape = desk.tape["AAAUSDT"]
    late = tape.pop(3)
    opened(desk.world)
    watch(desk, 8)
    assert told(desk).differences == ()
    tape.insert(3, late)
    why = told(desk).differences[0].explanation
    assert (why.reason, why.hint) == (
        Reason.CANDLE_ADDED,
        "there was no candle when it was watched, there is one now",
    )


def test_an_entry_that_would_not_fill_any_more_takes_what_was_done_by_hand_with_it(
    shaky: tuple[Desk, FaultyTape],
) -> None:
    desk, _ = shaky
    opened(desk.world, entry=(EntryType.LIMIT, "96"), sl="90", tp=("120",))
    watch(desk, 6)
    close_one(desk.world, 1, Decimal("0.5"), catch_up(desk.world, ["AAAUSDT"]))
    close_one(desk.world, 1, Decimal(1), catch_up(desk.world, ["AAAUSDT"]))
    assert told(desk).differences == ()
    correct(desk, 3, candle(3, "100 101 97 100"))
    report = told(desk)
    assert {d.field: d.replayed for d in report.differences if d.field.startswith("fills")} == {
        "fills[1]": None,
        "fills[2]": None,
        "fills[3]": None,
    }
    assert field(report.differences, "status").replayed == "pending"
    assert {d.reason for d in report.differences} == {Reason.CANDLE_CORRECTED}


def test_seconds_are_asked_for_again(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    feed.finer["BBBUSDT", START + 3 * MINUTE_MS] = TARGET_FIRST
    opened(desk.world, "BBBUSDT", tp=("105",))
    watch(desk, 6)
    report = told(desk)
    assert (report.differences, report.resolved_live, feed.finer_asked) == ((), (), 2)


def test_what_only_seconds_knew_then_is_resolved_live(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    feed.finer["BBBUSDT", START + 3 * MINUTE_MS] = TARGET_FIRST
    opened(desk.world, "BBBUSDT", tp=("105",))
    watch(desk, 6)
    feed.finer.clear()
    report = told(desk)
    assert report.differences == ()
    reason = field(report.resolved_live, "exit_reason")
    assert (reason.recorded, reason.replayed, reason.reason) == ("take_profit", "stop_loss", Reason.RESOLVED_LIVE)
    assert field(report.resolved_live, "ambiguous").replayed is True
    assert field(report.resolved_live, "flags").recorded == "settled"


def test_seconds_that_were_not_there_then_settle_nothing_now(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    feed.finer["BBBUSDT", START + 3 * MINUTE_MS] = []
    opened(desk.world, "BBBUSDT", tp=("105",))
    watch(desk, 6)
    feed.finer["BBBUSDT", START + 3 * MINUTE_MS] = TARGET_FIRST
    feed.finer_asked = 0
    report = told(desk)
    assert (report.differences, report.resolved_live, feed.finer_asked) == ((), (), 0)


def test_seconds_settle_one_trade_and_leave_another_as_it_was(shaky: tuple[Desk, FaultyTape]) -> None:
    """The second trade was decided by a watch that settles nothing."""
    desk, feed = shaky
    desk.tape["BBBUSDT"][8] = candle(8, "100 106 94 100")
    feed.finer["BBBUSDT", START + 3 * MINUTE_MS] = TARGET_FIRST
    opened(desk.world, "BBBUSDT", tp=("105",))
    opened(desk.world, "BBBUSDT", sl="94", tp=("106",))
    first = desk.world.watching
    feed.finer["BBBUSDT", START + 3 * MINUTE_MS] = TARGET_FIRST
    watch(desk, 6)
    opened(desk.world, "BBBUSDT", tp=("105",))
    desk.clock.at_ms = START + 10 * MINUTE_MS
    tick(replace(desk.world, watching=replace(first, settle=None)))
    assert [desk.trade(n).is_ambiguous for n in (1, 2, 3)] == [False, False, True]
    assert (told(desk).differences, told(desk).resolved_live) == ((), ())


def test_a_venue_that_cannot_be_asked_for_seconds_is_an_error(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    feed.finer["BBBUSDT", START + 3 * MINUTE_MS] = TARGET_FIRST
    opened(desk.world, "BBBUSDT", tp=("105",))
    watch(desk, 6)
    feed.finer_error = FeedError("too slow", code="feed_timeout")
    with pytest.raises(FeedError, match="too slow"):
        told(desk)


def test_what_the_promise_does_not_cover_is_named(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    for _ in range(3):
        opened(desk.world)
    present = catch_up(desk.world, ["AAAUSDT"])
    close_one(desk.world, 1, Decimal(1), present, Decimal(99))
    close_one(desk.world, 2, Decimal(1), catch_up(desk.world, ["AAAUSDT"], forced=True))
    watch(desk, 6)
    report = told(desk)
    assert (report.compared, report.differences) == (1, ())
    assert [(left.trade_id, left.reason) for left in report.not_comparable] == [
        (1, "off_market: it was closed at a price of your own"),
        (2, "unverified: a command acted on it without catching up"),
    ]


def test_a_symbol_that_fails_hides_no_other(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    opened(desk.world)
    opened(desk.world, "BBBUSDT", side=Side.SHORT, sl="120", tp=("80",))
    watch(desk, 6)
    feed.failing = frozenset({"BBBUSDT"})
    report = told(desk)
    assert (report.compared, report.symbols, list(report.failures)) == (1, ("AAAUSDT",), ["BBBUSDT"])
    assert [(left.trade_id, left.reason) for left in report.not_comparable] == [(2, "not this one")]
    feed.failing = frozenset({"AAAUSDT", "BBBUSDT"})
    with pytest.raises(FeedError, match="not this one"):
        told(desk)


def test_trades_placed_since(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world)
    watch(desk, 2)
    later = opened(desk.world, sl="90")
    assert [t.trade.id for t in recorded(desk, TradeFilter(since_ms=later.order.placed_at))] == [later.id]
    assert [t.trade.id for t in recorded(desk, TradeFilter(until_ms=later.order.placed_at))] == [1]


def test_candles_that_are_given_must_reach_from_the_placing_to_the_last_fill(
    shaky: tuple[Desk, FaultyTape],
) -> None:
    desk, _ = shaky
    opened(desk.world)
    watch(desk, 6)
    trades = recorded(desk)
    whole = ask_tracks(desk.world, spans_of(trades)).tracks[trades[0].place].series

    def reasons(series_from: int | None, series_to: int | None) -> list[str]:
        part = Track(whole.between(series_from, series_to))
        tracks = Tracks(tracks={trades[0].place: part}, are_given=True)
        with desk.world.store.read() as reader:
            report = compared(reader, trades, tracks, told_again(trades, tracks, None))
        assert report.differences == ()
        return [left.reason for left in report.not_comparable]

    assert reasons(None, None) == []
    assert reasons(START + MINUTE_MS, None) == [
        "the candles given begin at 2026-11-20T10:01:00.000Z, after it was placed"
    ]
    assert reasons(None, START + 3 * MINUTE_MS) == [
        "the candles given end at 2026-11-20T10:03:00.000Z, before its last fill"
    ]
    assert reasons(None, START) == ["the candles given are none"]


def test_a_trade_decided_by_candles_of_several_lengths_is_not_told_over_one(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world, tp=("101", "110"), sl="90")
    watch(desk, 4)
    before = desk.trade(1)
    prices = {
        name: Decimal(price) for name, price in zip(("open", "high", "low", "close"), (100, 120, 100, 100), strict=True)
    }
    _, events = touch(before, Candle(open_ms=START + 5 * MINUTE_MS, interval_ms=5 * MINUTE_MS, **prices))
    desk.world.store.write(
        lambda writer: writer.record([Recorded(e, START + 10 * MINUTE_MS) for e in events], {1: before})
    )
    report = told(desk)
    assert [left.reason for left in report.not_comparable] == ["it was watched with candles of several lengths"]


def test_a_trade_is_told_over_the_candles_that_decided_it(shaky: tuple[Desk, FaultyTape]) -> None:
    """Whatever is watched now: the tape has minutes only."""
    desk, _ = shaky
    opened(desk.world)
    watch(desk, 6)
    desk = replace(desk, world=replace(desk.world, watching=replace(desk.world.watching, candle="5m", settle=None)))
    assert [t.place.interval for t in recorded(desk)] == ["1m"]
    assert (told(desk).compared, told(desk).differences) == (1, ())
