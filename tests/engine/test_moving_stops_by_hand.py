"""Trails, break-evens and time limits changed by hand: what a change keeps, what it takes away, what is refused."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine.armed import reach
from papertrade.engine.changes import ExitChange, as_wish, modify_trade
from papertrade.engine.messages import LevelsChanged, Refusal
from papertrade.engine.outlook import outlook
from papertrade.engine.signal import (
    ExitWish,
    Level,
    LevelKind,
    parse_break_even,
    parse_level,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.state import evolve, levels_at
from papertrade.engine.step import Rules
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason, Stop, Trade
from tests.engine.tables import candles_of, trade_of

D = Decimal
HALVES = "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5"


def changed(trade: Trade, change: ExitChange, price: str = "105", at_ms: int = 90_000) -> Trade:
    event = modify_trade(trade, change, D(price), at_ms, Rules())
    assert isinstance(event, LevelsChanged), event
    return evolve(trade, event)


def message_of(trade: Trade, change: ExitChange, price: str = "105", at_ms: int = 90_000) -> str:
    refusal = modify_trade(trade, change, D(price), at_ms, Rules())
    assert isinstance(refusal, Refusal), refusal
    return refusal.message


def trail(text: str | None) -> ExitChange:
    return ExitChange(trail=None if text is None else parse_trail(text), keeps_trail=False)


def even(text: str | None) -> ExitChange:
    return ExitChange(break_even=None if text is None else parse_break_even(text), keeps_break_even=False)


def limit(text: str | None) -> ExitChange:
    return ExitChange(time_limit=None if text is None else parse_time_limit(text), keeps_time_limit=False)


def stop(text: str | None) -> ExitChange:
    return ExitChange(stop=None if text is None else parse_level(text), keeps_stop=False)


TRAILING = trade_of("long 1 at 100 sl 90 trails 5", "100 108 99 105")
EVEN = trade_of("long 1 at 100 sl 90 even 104:gross", "100 108 99 105")


def newest(trade: Trade) -> tuple[Decimal | None, ExitReason]:
    levels = levels_at(trade, trade.ruling.from_ms)
    return levels.stop, levels.reason


def test_a_new_trail_follows_from_the_price_of_the_command() -> None:
    trade = changed(trade_of("long 1 at 100 sl 90"), trail("4"))
    assert newest(trade) == (D(101), ExitReason.TRAILING_STOP)
    assert levels_at(trade, 60_000).trail is None
    _, events = touch(trade, candles_of("- | 100 120 99 119")[0])
    assert events == ()


def test_a_new_trail_may_be_wider_than_the_old_one() -> None:
    assert newest(TRAILING) == (D(103), ExitReason.TRAILING_STOP)
    assert newest(changed(TRAILING, trail("7"))) == (D(98), ExitReason.TRAILING_STOP)
    assert newest(changed(TRAILING, trail("20"))) == (D(90), ExitReason.STOP_LOSS)


def test_what_is_taken_away_leaves_the_stop_where_it_was() -> None:
    assert newest(changed(TRAILING, trail(None))) == (D(103), ExitReason.STOP_LOSS)
    assert newest(changed(EVEN, even(None))) == (D(100), ExitReason.BREAK_EVEN)
    assert newest(changed(trade_of("long 1 at 100 sl 90 even 104:gross"), even(None))) == (D(90), ExitReason.STOP_LOSS)
    assert newest(changed(trade_of("long 1 at 100 sl 90 trails 5@104"), trail(None))) == (D(90), ExitReason.STOP_LOSS)
    both = replace(trail(None), keeps_stop=False)
    assert newest(changed(TRAILING, both)) == (None, ExitReason.STOP_LOSS)


def test_a_new_own_stop_stands_behind_a_nearer_trail() -> None:
    assert newest(changed(TRAILING, stop("95"))) == (D(103), ExitReason.TRAILING_STOP)
    assert newest(changed(TRAILING, stop("104"))) == (D(104), ExitReason.STOP_LOSS)
    assert newest(changed(TRAILING, stop(None))) == (D(103), ExitReason.TRAILING_STOP)


def test_break_even_by_hand_is_worked_out_for_what_is_open() -> None:
    trade = trade_of("long 1 at 100 sl 95 fee 0.001 step 0.01")
    moved = changed(trade, stop("be"))
    assert newest(moved) == (D("100.21"), ExitReason.BREAK_EVEN)
    assert newest(changed(trade, stop("be:gross"))) == (D(100), ExitReason.BREAK_EVEN)
    assert message_of(trade, stop("be"), "100") == "stop `100.21` is above the price `100` for a long trade"
    waiting = trade_of("long 1 limit 98 sl 95")
    assert message_of(waiting, stop("be")) == "stop `98` is at entry `98` for a long trade"


def test_a_moved_trail_is_moved_under_the_exits_that_kept_it() -> None:
    trade = changed(trade_of("long 1 at 100 sl 90 trails 5"), stop("94"), "101", 30_000)
    trade, _ = touch(trade, candles_of("100 110 99 109")[0])
    assert (levels_at(trade, 0).stop, levels_at(trade, 60_000).stop) == (D(105), D(105))
    own = levels_at(trade, 60_000).own_stop
    assert own == Stop(D(94))
    apart = changed(trade_of("long 1 at 100 sl 90 trails 5"), trail("4"), "101", 30_000)
    apart, _ = touch(apart, candles_of("100 110 99 109")[0])
    assert (levels_at(apart, 0).stop, levels_at(apart, 60_000).stop) == (D(105), D(97))


def test_break_even_and_the_stop_after_the_first_target_move_under_the_exits_that_kept_them() -> None:
    trade = changed(trade_of(f"{HALVES} even 104:gross after 105"), stop("94"), "101", 30_000)
    trade, _ = touch(trade, candles_of("100 111 99 109")[0])
    assert [(r.levels.stop, r.levels.after_first) for r in trade.rulings if r.levels is not None] == [
        (D(105), None)
    ] * 2
    apart = changed(trade_of(f"{HALVES} even 104:gross"), even("108:gross"), "101", 30_000)
    apart, _ = touch(apart, candles_of("100 109 99 108")[0])
    assert (levels_at(apart, 0).stop, levels_at(apart, 60_000).stop) == (D(100), D(95))


@pytest.mark.parametrize(
    ("trade", "change", "message"),
    [
        (TRAILING, trail("5@104"), "trail activation `104` is below the price `105` for a long trade"),
        (TRAILING, trail("200"), "trail `200` is no less than the price it begins at, `105`"),
        (TRAILING, even("103"), "break-even trigger `103` is below the price `105` for a long trade"),
        (TRAILING, limit("30s"), "time limit `1970-01-01T00:00:30.000Z` has passed"),
        (trade_of("long 1 at 100 sl 90 tp 110:0.5 after be:gross"),
         ExitChange(targets=(parse_target("99:0.5"),), keeps_targets=False),
         "target `99` is below the price `105` for a long trade"),
        (trade_of("long 1 at 100 sl 90 tp 110:0.5 after 107"),
         ExitChange(targets=(parse_target("106:0.5"),), keeps_targets=False),
         "first target `106` of a long trade must be above the stop after it `107`"),
        (trade_of("long 1 limit 98 sl 95"), even("97"), "break-even trigger `97` is below entry `98` for a long trade"),
        (trade_of("long 1 stop 102 sl 95"), even("101"),
         "break-even trigger `101` is below entry `102` for a long trade"),
    ],
)  # fmt: skip
def test_new_rules_are_checked_against_the_price(trade: Trade, change: ExitChange, message: str) -> None:
    assert message_of(trade, change) == message


def test_time_limits_change_and_go() -> None:
    trade = changed(trade_of("long 1 at 100 time 10m"), limit("4m"))
    assert levels_at(trade, 120_000).time_limit == 240_000
    assert levels_at(changed(trade, limit(None)), 120_000).time_limit is None
    assert levels_at(changed(trade, stop("95")), 120_000).time_limit == 240_000
    assert reach(trade).at == 240_000


def test_a_passed_limit_of_a_waiting_trade_does_not_stand_in_the_way_of_a_change() -> None:
    waiting = trade_of("long 1 limit 98 sl 95 until 60s")
    assert changed(waiting, stop("96")).ruling.wish.time_limit is not None


def test_contradictions_of_new_rules_are_the_callers_error() -> None:
    with pytest.raises(ValueError, match="needs a stop loss"):
        modify_trade(trade_of("long 1 at 100"), trail("1R"), D(105), 90_000, Rules())
    bare = trade_of("long 1 at 100")
    both = replace(trail("1R"), stop=parse_level("96"), keeps_stop=False)
    assert newest(changed(bare, both)) == (D(101), ExitReason.TRAILING_STOP)


def test_exits_as_wishes_say_all_that_is_left_of_them() -> None:
    text = "long 1 at 100 sl 90 tp 110:0.5 tp 120:0.5 trails 5%@105 even 104:gross time 60s after be:gross"
    wish = as_wish(levels_at(trade_of(text), 0))
    assert wish == ExitWish(
        parse_level("90"),
        (parse_target("110:0.5"), parse_target("120:0.5")),
        parse_trail("5%@105"),
        parse_break_even("104:gross"),
        parse_time_limit("1970-01-01T00:01:00Z"),
        parse_level("100"),
    )
    taken = replace(trade_of(text).ruling, levels=levels_at(trade_of(text), 0).without(D(110)))
    assert taken.levels is not None
    assert as_wish(taken.levels).after_first == Level(LevelKind.PRICE, D(100))
    alone = as_wish(levels_at(trade_of("long 1 at 100 trails 5"), 0))
    assert alone == ExitWish(trail=parse_trail("5"))


def test_the_outlook_of_a_trailing_trade_is_its_trail() -> None:
    worst = outlook(TRAILING).worst
    assert worst is not None
    assert (worst.reason, worst.price) == (ExitReason.TRAILING_STOP, D(103))
