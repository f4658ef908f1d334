"""The account's own entries with other exits: the actual result where nothing is changed, else what a hand computes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings

from papertrade.engine.account import AccountBook
from papertrade.engine.changes import ExitChange
from papertrade.engine.conventions import Convention, SameCandle
from papertrade.engine.market import MINUTE_MS, Candle, Side
from papertrade.engine.signal import (
    EntryType,
    parse_break_even,
    parse_level,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.trade import ExitReason, Status
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import close_one
from papertrade.runs.stories import Tracks, ask_tracks
from papertrade.runs.tick import tick
from papertrade.runs.whatif import Alternative, WhatIf, entered, spans_to_tell, whatif
from tests.runs.desk import START, Desk, candle, flat
from tests.runs.faulty import FaultyTape, faulty_desk, opened
from tests.runs.test_polling import SYMBOLS, Idea, Poll, ideas, polls, tapes
from tests.runs.told import Deed, deeds, do, in_time, play, recorded

NOTHING = Alternative()
OPENING = AccountBook(account_id=1, name="main", currency="USDT", cash=Decimal(10_000), capital=Decimal(10_000))


def otherwise(desk: Desk, alternative: Alternative) -> WhatIf:
    """Tell all entered trades of the desk otherwise."""
    trades = entered(recorded(desk))
    spans = spans_to_tell(trades, alternative, desk.clock.at_ms)
    tracks = ask_tracks(desk.world, spans) if spans else Tracks(tracks={})
    return whatif(trades, alternative, tracks, desk.world, OPENING, UTC)


def exits(sl: str | None = None, *tp: str) -> Alternative:
    """Ask for another stop (`none` takes it away), other targets, or both."""
    change = ExitChange(
        stop=None if sl in (None, "none") else parse_level(sl),
        targets=tuple(parse_target(text) for text in tp if text != "none"),
        keeps_stop=sl is None,
        keeps_targets=not tp,
    )
    return Alternative(exits=change)


@pytest.fixture
def shaky(tmp_path: Path) -> Iterator[tuple[Desk, FaultyTape]]:
    """A market that stands at 100, falls to 96 in minute 3, rises to 108 in minute 5 and stays at 104."""
    rise = [candle(5, "100 108 100 104"), *flat(40, "104")[6:]]
    with faulty_desk(
        tmp_path, {"AAAUSDT": [*flat(3), candle(3, "100 100 96 100"), candle(4, "100 100 100 100"), *rise]}
    ) as both:
        yield both


def watch(desk: Desk, minutes: int) -> None:
    desk.clock.at_ms = START + minutes * MINUTE_MS
    tick(desk.world)


@settings(max_examples=40, deadline=None)
@given(tapes(), tapes(), ideas, polls, deeds)
def test_with_nothing_changed_the_actual_result_comes_back(
    first: list[Candle], second: list[Candle], wanted: list[Idea], times: list[Poll], by_hand: list[Deed]
) -> None:
    tape = dict(zip(SYMBOLS, (first, second), strict=True))
    with tempfile.TemporaryDirectory() as folder, faulty_desk(Path(folder), dict(tape)) as (desk, feed):
        play(desk, feed, wanted, in_time(times, by_hand))
        found = otherwise(desk, NOTHING)
    assert [pair.other for pair in found.pairs] == [pair.actual for pair in found.pairs]
    assert (found.actual, found.hand_made) == (found.other, 0)


@settings(max_examples=30, deadline=None)
@given(tapes(), ideas, polls)
def test_the_very_same_exits_give_the_very_same_trades(
    tape: list[Candle], wanted: list[Idea], times: list[Poll]
) -> None:
    """Where nobody meddled, asking for the stop that a trade had is asking for nothing."""
    both = dict.fromkeys(SYMBOLS, tape)
    with tempfile.TemporaryDirectory() as folder, faulty_desk(Path(folder), dict(both)) as (desk, feed):
        play(desk, feed, wanted[:1], times)
        (trade,) = recorded(desk)
        wish = trade.trade.order.exits
        change = ExitChange(stop=wish.stop, targets=wish.targets, keeps_stop=False, keeps_targets=False)
        found = otherwise(desk, Alternative(exits=change))
    assert [pair.other for pair in found.pairs] == [pair.actual for pair in found.pairs]


def test_a_tighter_stop_and_a_farther_target(shaky: tuple[Desk, FaultyTape]) -> None:
    """Long 2 at 100, fee 0.1 % a side; stopped at 98: -4 - 0.2 - 0.196; target 106: +12 - 0.2 - 0.212."""
    desk, _ = shaky
    opened(desk.world, sl="95", tp=("103",))
    watch(desk, 8)
    actual = desk.trade(1)
    assert (actual.exit_price, actual.realized) == (Decimal(103), Decimal("5.594"))
    (stopped,) = otherwise(desk, exits("98")).pairs
    assert (stopped.other.exit_reason, stopped.other.realized) == (ExitReason.STOP_LOSS, Decimal("-4.396"))
    assert stopped.other.closed_at == START + 4 * MINUTE_MS - 1
    (farther,) = otherwise(desk, exits(None, "6%")).pairs
    assert (farther.other.exit_price, farther.other.realized, farther.differs) == (
        Decimal(106),
        Decimal("11.588"),
        True,
    )
    (never,) = otherwise(desk, exits("none", "20%")).pairs
    assert (never.other.status, never.other.initial_stop) == (Status.OPEN, None)


def test_the_figures_of_both_results(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world, sl="95", tp=("103",))
    opened(desk.world, side=Side.SHORT, sl="110", tp=("97",))
    watch(desk, 8)
    found = otherwise(desk, exits(None, "20%"))
    assert found.actual.report.trading_statistics.net_profit == Decimal("5.594") + Decimal("5.606")
    assert (found.other.report.trading_statistics.total_trades, found.other.report.open_trades) == (0, 2)
    assert (found.actual.unrealized, found.other.unrealized) == (Decimal(0), Decimal(8) - Decimal(8))


def test_a_waiting_entry_is_filled_as_it_was_and_judged_in_its_candle(shaky: tuple[Desk, FaultyTape]) -> None:
    """A limit at 97 fills in minute 3, whose low of 96 is beyond a stop at 96.5 (rule 4.4)."""
    desk, _ = shaky
    opened(desk.world, entry=(EntryType.LIMIT, "97"), sl="90", tp=("103",))
    watch(desk, 8)
    assert desk.trade(1).exit_reason is ExitReason.TAKE_PROFIT
    (pair,) = otherwise(desk, exits("96.5")).pairs
    assert (pair.other.entry_price, pair.other.opened_at) == (Decimal(97), START + 4 * MINUTE_MS - 1)
    assert (pair.other.exit_reason, pair.other.closed_at) == (ExitReason.STOP_LOSS, START + 4 * MINUTE_MS - 1)


def test_what_was_done_by_hand_is_left_out_of_other_exits_and_counted(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world, sl="90", tp=("120",))
    watch(desk, 2)
    do(desk, Deed(2 * MINUTE_MS + 5_000, 1, "stop", 6))
    close_one(desk.world, 1, Decimal("0.5"), catch_up(desk.world, ["AAAUSDT"]))
    watch(desk, 8)
    same = otherwise(desk, NOTHING)
    assert (same.pairs[0].differs, same.hand_made) == (False, 0)
    costs = otherwise(desk, Alternative(fee_rate=Decimal(0)))
    assert (costs.hand_made, costs.pairs[0].other.open_quantity, costs.pairs[0].other.fees) == (
        0,
        Decimal(1),
        Decimal(0),
    )
    other = otherwise(desk, exits(None, "107"))
    assert other.hand_made == 2
    assert (other.pairs[0].other.exit_price, other.pairs[0].other.exit_quantity) == (Decimal(107), Decimal(2))


def test_other_costs(shaky: tuple[Desk, FaultyTape]) -> None:
    """10 bps: in at 100.1, out at a stop of 97 less 0.097; the same stop price, for it was 97 and not a percentage."""
    desk, _ = shaky
    opened(desk.world, sl="97", tp=("120",))
    opened(desk.world, entry=(EntryType.STOP, "102"), sl="90", tp=("107",))
    watch(desk, 8)
    stopped, entered_later = otherwise(desk, Alternative(fee_rate=Decimal(0), slippage_bps=Decimal(10))).pairs
    assert (stopped.other.entry_price, stopped.other.exit_price) == (Decimal("100.1"), Decimal("96.903"))
    assert stopped.other.realized == Decimal("-6.394")
    assert (entered_later.other.entry_price, entered_later.other.exit_price) == (Decimal("102.102"), Decimal(107))
    assert (entered_later.actual.quantity, entered_later.other.quantity) == (Decimal(2), Decimal(2))


def test_another_convention(tmp_path: Path) -> None:
    both = [*flat(3), candle(3, "100 106 94 100"), *flat(40)[4:]]
    with faulty_desk(tmp_path, {"AAAUSDT": both}) as (desk, _):
        opened(desk.world, sl="95", tp=("105",))
        watch(desk, 6)
        (pair,) = otherwise(desk, Alternative(convention=Convention(same_candle=SameCandle.TARGET_FIRST))).pairs
    assert (pair.actual.exit_reason, pair.other.exit_reason) == (ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT)


def test_exits_that_do_not_suit_an_entry_leave_the_trade_out(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world)
    opened(desk.world, entry=(EntryType.LIMIT, "97"), sl="90")
    opened(desk.world, side=Side.SHORT, sl="110", tp=("97",))
    watch(desk, 8)
    found = otherwise(desk, exits("101"))
    assert [pair.actual.id for pair in found.pairs] == [3]
    assert [(left.trade_id, left.reason) for left in found.left_out] == [
        (1, "stop `101` is above entry `100` for a long trade"),
        (2, "stop `101` is above entry `97` for a long trade"),
    ]


def test_nothing_entered_is_nothing_to_tell(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world, entry=(EntryType.LIMIT, "50"), sl="40", tp=())
    watch(desk, 8)
    found = otherwise(desk, exits("10%"))
    assert (found.pairs, found.left_out, found.actual.report.trading_statistics.total_trades) == ((), (), 0)


def test_a_trail_a_break_even_and_a_time_limit(shaky: tuple[Desk, FaultyTape]) -> None:
    """The peak of minute 5 is 108: a trail of 3 from 104 on leaves at 105 there, as the close of 104 is beyond it.

    A break-even at 105 stands from minute 5 on; 104 never comes back to it. Two minutes after the entry at 10:00:30
    the first candle that opens is that of minute 3, at 100.
    """
    desk, _ = shaky
    opened(desk.world, sl="90", tp=("120",))
    watch(desk, 8)
    no_change = ExitChange()
    trail = replace(no_change, trail=parse_trail("3@104"), keeps_trail=False)
    (pair,) = otherwise(desk, Alternative(exits=trail)).pairs
    assert (pair.other.exit_reason, pair.other.exit_price) == (ExitReason.TRAILING_STOP, Decimal(105))
    even = replace(no_change, break_even=parse_break_even("105"), keeps_break_even=False)
    (pair,) = otherwise(desk, Alternative(exits=even)).pairs
    levels = pair.other.ruling.levels
    assert levels is not None
    assert (pair.other.status, levels.reason) == (Status.OPEN, ExitReason.BREAK_EVEN)
    limit = replace(no_change, time_limit=parse_time_limit("2m"), keeps_time_limit=False)
    (pair,) = otherwise(desk, Alternative(exits=limit)).pairs
    assert (pair.other.exit_reason, pair.other.closed_at) == (ExitReason.TIME_LIMIT, START + 3 * MINUTE_MS)
    wide = replace(no_change, trail=parse_trail("150"), keeps_trail=False)
    (left,) = otherwise(desk, Alternative(exits=wide)).left_out
    assert left.reason == "trail `150` is no less than the price it begins at, `100`"


def test_another_stop_after_the_first_target(shaky: tuple[Desk, FaultyTape]) -> None:
    """Half leaves at 103 in minute 5, whose close of 104 is above the 102 where the stop stands from then on."""
    desk, _ = shaky
    opened(desk.world, sl="90", tp=("103:0.5", "120:0.5"))
    watch(desk, 8)
    found = otherwise(desk, Alternative(after_first=parse_level("102"), keeps_after_first=False))
    assert found.left_out == ()
    (pair,) = found.pairs
    assert pair.actual.ruling.levels is not None
    assert pair.other.ruling.levels is not None
    assert (str(pair.actual.ruling.levels.stop), str(pair.other.ruling.levels.stop)) == ("90", "102")
    (kept,) = otherwise(desk, Alternative(fee_rate=Decimal(0))).pairs
    assert kept.other.order.exits.after_first is None


def test_exits_that_contradict_what_is_kept_leave_the_trade_out(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    opened(desk.world, sl="90", tp=("2R",))
    watch(desk, 8)
    (left,) = otherwise(desk, exits("none")).left_out
    assert "R" in left.reason
