"""Break-even, time limits and stops after the first target, as a table: the trade, the minutes, what must happen.

How the short texts are read is said in `tables.py`. Every row is checked twice: against the engine, and
against the oracle, so that a wrong row cannot hide a wrong rule.
"""

from __future__ import annotations

import pytest

from tests.engine.deals import candle_of, happenings, play, without_money
from tests.engine.oracle import judge
from tests.engine.tables import deal_of, tape_of, told

ROWS: list[tuple[str, str, str, str]] = [
    # break-even
    (
        "a touched trigger moves the stop to the entry price",
        "long 1 at 100 sl 95 even 105:gross",
        "100 105 99 104 | 104 104 100 101",
        "break_even 1 at 100 end1",
    ),
    (
        "a trigger that is not touched moves nothing",
        "long 1 at 100 sl 95 even 105:gross",
        "100 104.9 99 104 | 104 104 96 97",
        "",
    ),
    (
        "a close beyond break-even in the candle of the trigger",
        "long 1 at 100 sl 95 even 105:gross",
        "100 105 98 99.5",
        "break_even 1 at 100 end0",
    ),
    ("a close above break-even stays, whatever the low", "long 1 at 100 sl 95 even 105:gross", "100 105 96 101", ""),
    (
        "break-even counts both fees and rounds away from the entry",
        "long 1 at 100 sl 95 even 105 fee 0.001 step 0.01",
        "100 105 99 104 | 104 104 100 101",
        "break_even 1 at 100.21 end1",
    ),
    (
        "a trigger in risks",
        "long 1 at 100 sl 95 even 1R:gross",
        "100 105 99 104 | 104 104 100 101",
        "break_even 1 at 100 end1",
    ),
    (
        "a trigger in percent",
        "long 1 at 100 sl 95 even +5%:gross",
        "100 105 99 104 | 104 104 100 101",
        "break_even 1 at 100 end1",
    ),
    (
        "break-even without a stop before it",
        "long 1 at 100 even 105:gross",
        "100 105 50 104 | 104 104 100 101",
        "break_even 1 at 100 end1",
    ),
    (
        "an open under break-even exits at the open",
        "long 1 at 100 sl 95 even 105:gross",
        "100 105 99 104 | 98 99 97 98",
        "break_even 1 at 98 open1",
    ),
    (
        "stop and trigger touched in one candle: the stop, in doubt",
        "long 1 at 100 sl 95 even 105:gross",
        "100 105 95 101",
        "stop_loss 1 at 95 end0 ambiguous",
    ),
    (
        "a short's break-even",
        "short 1 at 100 sl 105 even 95:gross",
        "100 101 95 96 | 96 100 96 99",
        "break_even 1 at 100 end1",
    ),
    (
        "a short's break-even counts both fees",
        "short 1 at 100 sl 105 even 95 fee 0.001 step 0.01",
        "100 101 95 96 | 96 99.8 96 99",
        "break_even 1 at 99.8 end1",
    ),
    (
        "a trail nearer than break-even is the reason",
        "long 1 at 100 sl 95 even 103:gross trails 2",
        "100 104 99 103 | 103 103 102 102.5",
        "trailing_stop 1 at 102 end1",
    ),
    (
        "break-even nearer than the trail is the reason",
        "long 1 at 100 sl 95 even 103:gross trails 5",
        "100 104 99 103 | 103 103 99.5 101",
        "break_even 1 at 100 end1",
    ),
    (
        "a target after break-even",
        "long 1 at 100 sl 95 tp 110 even 105:gross",
        "100 105 99 104 | 104 111 101 110",
        "take_profit 1 at 110 end1",
    ),
    # the time limit
    (
        "a limit of age ends at the next open",
        "long 1 at 100 time 90s",
        "100 101 99 100 | 100 101 99 100 | 101 102 100 101",
        "time_limit 1 at 101 open2",
    ),
    (
        "a limit at an open ends there",
        "long 1 at 100 time 2m",
        "100 101 99 100 | 100 101 99 100 | 101 102 100 101",
        "time_limit 1 at 101 open2",
    ),
    (
        "a limit in missing minutes ends at the first open after",
        "long 1 at 100 time 90s",
        "100 101 99 100 | - | - | 102 103 101 102",
        "time_limit 1 at 102 open3",
    ),
    (
        "a limit at an instant",
        "long 1 at 100 until 2m",
        "100 101 99 100 | 100 101 99 100 | 101 102 100 101",
        "time_limit 1 at 101 open2",
    ),
    ("a short's time limit", "short 1 at 100 time 60s", "100 101 99 100 | 99 102 98 101", "time_limit 1 at 99 open1"),
    (
        "a limit and a gap past the stop: the stop, at the open",
        "long 1 at 100 sl 95 time 60s",
        "100 101 99 100 | 93 94 92 93",
        "stop_loss 1 at 93 open1",
    ),
    (
        "gap_stop level: at the time limit it is the open all the same",
        "long 1 at 100 sl 95 time 60s gap_stop level",
        "100 101 99 100 | 93 94 92 93",
        "stop_loss 1 at 93 open1",
    ),
    (
        "a limit and a gap past the target: the target, at the open",
        "long 1 at 100 tp 110 time 60s",
        "100 101 99 100 | 115 116 114 115",
        "take_profit 1 at 115 open1",
    ),
    (
        "a limit and a gap past the first of two targets",
        "long 1 at 100 tp 110:0.5 tp 120:0.5 time 60s",
        "100 101 99 100 | 112 113 111 112",
        "take_profit 0.5 at 112 open1; time_limit 0.5 at 112 open1",
    ),
    (
        "a limit and a gap past the trail: the trail, at the open",
        "long 1 at 100 trails 5 time 60s",
        "100 110 99 109 | 104 105 103 104",
        "trailing_stop 1 at 104 open1",
    ),
    (
        "a stop before the limit",
        "long 1 at 100 sl 95 time 60s",
        "100 101 94 100 | 100 101 99 100",
        "stop_loss 1 at 95 end0",
    ),
    (
        "a stop touched after the limit's open is too late",
        "long 1 at 100 sl 95 time 60s",
        "100 101 99 100 | 100 101 90 91",
        "time_limit 1 at 100 open1",
    ),
    (
        "a limit inside the first, partial minute ends at the next open",
        "long 1 at 100 opened 30s time 10s",
        "100 101 99 100 | 100.5 101 100 101",
        "time_limit 1 at 100.5 open1",
    ),
    (
        "a waiting entry's age counts from its fill",
        "long 1 limit 98 time 60s",
        "100 100 97 99 | 99 99 98.5 99 | 99 99 98 99",
        "entry 1 at 98 end0; time_limit 1 at 99 open2",
    ),
    (
        "a fill after the instant that limits it is rejected",
        "long 1 limit 98 until 60s",
        "100 101 99 100 | 100 100 97 98",
        "rejected end1",
    ),
    # after the first target
    (
        "after the first target the stop goes to the entry",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after be:gross",
        "100 111 99 110.5 | 110 110 100 101",
        "take_profit 0.5 at 110 end0; break_even 0.5 at 100 end1",
    ),
    (
        "a close beyond the stop after the first target",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after be:gross",
        "100 111 99 99.5",
        "take_profit 0.5 at 110 end0; break_even 0.5 at 100 end0",
    ),
    (
        "the low of the candle that took the target comes before",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after be:gross",
        "100 111 96 105",
        "take_profit 0.5 at 110 end0",
    ),
    (
        "a first target taken at the open: the stop rules inside",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after be:gross",
        "100 101 99 100 | 111 112 99 110",
        "take_profit 0.5 at 110 open1; break_even 0.5 at 100 end1",
    ),
    (
        "after the first target a stop at a price",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after 105",
        "100 111 99 110 | 110 110 104 105",
        "take_profit 0.5 at 110 end0; stop_loss 0.5 at 105 end1",
    ),
    (
        "after the first target a stop in percent",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after -1%",
        "100 111 99 110 | 110 110 98 105",
        "take_profit 0.5 at 110 end0; stop_loss 0.5 at 99 end1",
    ),
    (
        "after the first target a stop in risks",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after 1R",
        "100 111 99 110 | 110 110 98 105",
        "take_profit 0.5 at 110 end0; stop_loss 0.5 at 105 end1",
    ),
    (
        "a stop after the first target never widens",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after -9%",
        "100 111 99 110 | 110 110 94 95",
        "take_profit 0.5 at 110 end0; stop_loss 0.5 at 95 end1",
    ),
    (
        "after the first target break-even with both fees",
        "long 1 at 100 sl 95 tp 110:0.5 after be fee 0.001 step 0.01",
        "100 111 99 110 | 110 110 100 101",
        "take_profit 0.5 at 110 end0; break_even 0.5 at 100.21 end1",
    ),
    (
        "both targets in one candle need no stop",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after be:gross",
        "100 121 99 100",
        "take_profit 0.5 at 110 end0; take_profit 0.5 at 120 end0",
    ),
    (
        "target-first: the way down leads past the stop after the first target",
        "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 after be:gross same_candle target-first",
        "100 111 94 100",
        "take_profit 0.5 at 110 end0 ambiguous; break_even 0.5 at 100 end0 ambiguous",
    ),
    (
        "a short's stop after the first target",
        "short 1 at 100 sl 105 tp 90:0.5 tp 80:0.5 after be:gross",
        "100 101 89 90 | 90 100 90 95",
        "take_profit 0.5 at 90 end0; break_even 0.5 at 100 end1",
    ),
    (
        "the stop after the first target beside a trail: the nearer",
        "long 1 at 100 sl 95 tp 110:0.5 trails 5 after be:gross",
        "100 111 99 110 | 110 110 106 107",
        "take_profit 0.5 at 110 end0; trailing_stop 0.5 at 106 end1",
    ),
]


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_even_and_time_table(sentence: str, trade: str, minutes: str, happens: str) -> None:
    _, events = play(deal_of(trade), [candle_of(bar) for bar in tape_of(minutes)])
    assert told(events) == happens, sentence


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_oracle_agrees_with_every_row(sentence: str, trade: str, minutes: str, happens: str) -> None:
    deal, tape = deal_of(trade), tape_of(minutes)
    _, events = play(deal, [candle_of(bar) for bar in tape])
    assert happenings(events) == without_money(judge(deal, tape)), sentence


def test_table_is_long_and_says_everything_once() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 40
