"""Trailing stops, as a table of sentences: the trade, the minutes, and what must happen.

How the short texts are read is said in `tables.py`. Every row is checked twice: against the engine, and
against the oracle, so that a wrong row cannot hide a wrong rule.
"""

from __future__ import annotations

import pytest

from tests.engine.deals import candle_of, happenings, play, without_money
from tests.engine.oracle import judge
from tests.engine.tables import deal_of, tape_of, told

ROWS: list[tuple[str, str, str, str]] = [
    # a trail from the entry on
    ("a trail begins at the entry price", "long 1 at 100 trails 2%", "100 100 98 99", "trailing_stop 1 at 98 end0"),
    (
        "a trail that is touched in a candle with a new peak is in doubt",
        "long 1 at 100 trails 2%",
        "100 101 98 100",
        "trailing_stop 1 at 98 end0 ambiguous",
    ),
    ("a trail that nothing touches stays open", "long 1 at 100 trails 2%", "100 101 98.5 100", ""),
    (
        "the next candle tests the moved level",
        "long 1 at 100 trails 2%",
        "100 110 99 109 | 109 109 107.8 108",
        "trailing_stop 1 at 107.8 end1",
    ),
    (
        "a candle's low is not tested against its own peak",
        "long 1 at 100 trails 2%",
        "100 110 99 109 | 109 109.5 108 109",
        "",
    ),
    (
        "a close beyond the moved level exits there in the same candle",
        "long 1 at 100 trails 2%",
        "100 110 99 100",
        "trailing_stop 1 at 107.8 end0",
    ),
    (
        "a close at the moved level exits there",
        "long 1 at 100 trails 2%",
        "100 110 99 107.8",
        "trailing_stop 1 at 107.8 end0",
    ),
    ("a close above the moved level stays", "long 1 at 100 trails 2%", "100 110 99 107.81", ""),
    (
        "an open under the trail exits at the open",
        "long 1 at 100 trails 2%",
        "100 110 99 109 | 105 106 104 105",
        "trailing_stop 1 at 105 open1",
    ),
    (
        "gap_stop level: an open under the trail exits at the trail",
        "long 1 at 100 trails 2% gap_stop level",
        "100 110 99 109 | 105 106 104 105",
        "trailing_stop 1 at 107.8 open1",
    ),
    (
        "an open alone moves nothing before its low is tested",
        "long 1 at 100 trails 2%",
        "100 101 99 100 | 110 110.5 99 110",
        "",
    ),
    (
        "a trail at a price distance",
        "long 1 at 100 trails 5",
        "100 110 99 109 | 109 109 105 106",
        "trailing_stop 1 at 105 end1",
    ),
    (
        "a trail in risks, of the distance to the first stop",
        "long 1 at 100 sl 95 trails 1R",
        "100 110 99 109 | 109 109 104 106",
        "trailing_stop 1 at 105 end1",
    ),
    (
        "a trail does not fall back with the price",
        "long 1 at 100 trails 5",
        "100 110 99 109 | 109 109 106 107 | 107 108 105 106",
        "trailing_stop 1 at 105 end2",
    ),
    (
        "a peak of several candles counts, not the last high",
        "long 1 at 100 trails 5",
        "100 110 99 109 | 109 112 108 110 | 110 111 107 108",
        "trailing_stop 1 at 107 end2",
    ),
    (
        "a stop nearer than the trail is a stop loss",
        "long 1 at 100 sl 95 trails 10%",
        "100 101 94 96",
        "stop_loss 1 at 95 end0",
    ),
    (
        "a trail that rises behind the own stop puts nothing in doubt",
        "long 1 at 100 sl 99 trails 10%",
        "100 105 99 104",
        "stop_loss 1 at 99 end0",
    ),
    (
        "at equal prices the own stop is the reason",
        "long 1 at 100 sl 98 trails 2",
        "100 100 97 98",
        "stop_loss 1 at 98 end0",
    ),
    (
        "a trail and a target: the target first reached ends it",
        "long 1 at 100 trails 5 tp 108",
        "100 107 99 106 | 106 109 103 108",
        "take_profit 1 at 108 end1",
    ),
    (
        "a trail and a target touched in one candle: the trail, in doubt",
        "long 1 at 100 trails 5 tp 108",
        "100 109 95 100",
        "trailing_stop 1 at 95 end0 ambiguous",
    ),
    (
        "target-first: the target of a trailing trade",
        "long 1 at 100 trails 5 tp 108 same_candle target-first",
        "100 109 95 100",
        "take_profit 1 at 108 end0 ambiguous",
    ),
    (
        "a half target, then the trail takes the rest",
        "long 1 at 100 trails 5 tp 108:0.5",
        "100 109 99 108 | 108 108 104 105",
        "take_profit 0.5 at 108 end0; trailing_stop 0.5 at 104 end1",
    ),
    (
        "a half target and a close beyond the trail in one candle",
        "long 1 at 100 trails 5 tp 108:0.5",
        "100 109 99 103",
        "take_profit 0.5 at 108 end0; trailing_stop 0.5 at 104 end0",
    ),
    (
        "a short's trail falls with the price",
        "short 1 at 100 trails 2%",
        "100 101 90 91 | 91 91.8 91 91",
        "trailing_stop 1 at 91.8 end1",
    ),
    (
        "a short's close beyond the moved trail",
        "short 1 at 100 trails 2%",
        "100 101 90 95",
        "trailing_stop 1 at 91.8 end0",
    ),
    (
        "a short's open over the trail exits at the open",
        "short 1 at 100 trails 2%",
        "100 101 90 91 | 95 96 94 95",
        "trailing_stop 1 at 95 open1",
    ),
    (
        "a long's trail is rounded down",
        "long 1 at 100 step 0.1 trails 1.5%",
        "100 103.3 99 103 | 103 103 101.7 102",
        "trailing_stop 1 at 101.7 end1",
    ),
    (
        "a short's trail is rounded up",
        "short 1 at 100 step 0.1 trails 1.5%",
        "100 100 96.7 97 | 97 98.2 97 98",
        "trailing_stop 1 at 98.2 end1",
    ),
    (
        "a trail pays slippage",
        "long 1 limit 100 slip 100 trails 2",
        "101 101 99.5 100 | 100 103 99 102.5 | 102.5 102.5 100.9 101",
        "entry 1 at 100 end0; trailing_stop 1 at 99.99 end2",
    ),
    (
        "the liquidation price before the trail",
        "long 1 at 100 lev 20 trails 10%",
        "100 100 94 96",
        "liquidation 1 at 95 end0",
    ),
    (
        "a trail that has passed the liquidation price",
        "long 1 at 100 lev 20 trails 10%",
        "100 110 99 109 | 109 109 98 99",
        "trailing_stop 1 at 99 end1",
    ),
    # a trail that begins later
    ("before its activation a trail is none", "long 1 at 100 trails 2%@+4%", "100 103.9 97 100 | 100 100 60 70", ""),
    (
        "a touched activation begins the trail at the candle's extreme",
        "long 1 at 100 trails 2%@+4%",
        "100 104 99 103.5 | 103.5 103.6 101 102",
        "trailing_stop 1 at 101.92 end1",
    ),
    (
        "an extreme beyond the activation is the first peak",
        "long 1 at 100 trails 2%@+4%",
        "100 106 99 105.9 | 105.9 105.9 103 104",
        "trailing_stop 1 at 103.88 end1",
    ),
    (
        "an activation at a price",
        "long 1 at 100 trails 5@105",
        "100 105 99 104 | 104 104 100 101",
        "trailing_stop 1 at 100 end1",
    ),
    (
        "distance and activation in risks",
        "long 1 at 100 sl 95 trails 1R@2R",
        "100 110 99 109 | 109 109 104.9 106",
        "trailing_stop 1 at 105 end1",
    ),
    (
        "the stop holds until the activation",
        "long 1 at 100 sl 95 trails 2%@+4%",
        "100 103 95 96",
        "stop_loss 1 at 95 end0",
    ),
    (
        "the stop and the activation touched in one candle: the stop, in doubt",
        "long 1 at 100 sl 95 trails 2%@+4%",
        "100 104 95 100",
        "stop_loss 1 at 95 end0 ambiguous",
    ),
    (
        "a close beyond the trail in the candle of its activation",
        "long 1 at 100 sl 95 trails 2%@+4%",
        "100 104 99 101",
        "trailing_stop 1 at 101.92 end0",
    ),
    (
        "a short's activation lies below",
        "short 1 at 100 trails 2@95",
        "100 101 94 95 | 95 96 94.5 95",
        "trailing_stop 1 at 96 end1",
    ),
    # the option trail: high-first
    (
        "high-first: the peak moves the trail before the low is tested",
        "long 1 at 100 trails 2% trail high-first",
        "100 110 99 109",
        "trailing_stop 1 at 107.8 end0 ambiguous",
    ),
    (
        "high-first: a close beyond the moved level is certain",
        "long 1 at 100 trails 2% trail high-first",
        "100 110 99 100",
        "trailing_stop 1 at 107.8 end0",
    ),
    (
        "high-first: the level known before counts first",
        "long 1 at 100 trails 2% trail high-first",
        "100 110 97 100",
        "trailing_stop 1 at 98 end0 ambiguous",
    ),
    (
        "high-first: without a new peak nothing is in doubt",
        "long 1 at 100 trails 2% trail high-first",
        "100 100 97 98",
        "trailing_stop 1 at 98 end0",
    ),
    (
        "high-first: break-even in the candle of its trigger",
        "long 1 at 100 sl 95 even 105:gross trail high-first",
        "100 105 99 104",
        "break_even 1 at 100 end0 ambiguous",
    ),
    (
        "high-first: the target lies on the way to the peak that moves the trail",
        "long 1 at 100 trails 5 tp 108 trail high-first",
        "100 110 99 106",
        "take_profit 1 at 108 end0",
    ),
    # in the candle of the entry
    (
        "a stop entry's trail follows the extreme of its candle",
        "long 1 stop 102 trails 2",
        "101 106 101 105 | 105 105 104 104.5",
        "entry 1 at 102 end0; trailing_stop 1 at 104 end1",
    ),
    (
        "a stop entry's close beyond its moved trail",
        "long 1 stop 102 trails 2",
        "101 106 100.5 103",
        "entry 1 at 102 end0; trailing_stop 1 at 104 end0",
    ),
    (
        "a stop entry's trail touched in its candle is in doubt",
        "long 1 stop 102 trails 2",
        "100 106 100 105",
        "entry 1 at 102 end0; trailing_stop 1 at 100 end0 ambiguous",
    ),
    (
        "high-first: a stop entry's moved trail is tested",
        "long 1 stop 102 trails 2 trail high-first",
        "101 106 100.5 105",
        "entry 1 at 102 end0; trailing_stop 1 at 104 end0 ambiguous",
    ),
    (
        "only the close moves a limit entry's trail in its candle",
        "long 1 limit 98 trails 2",
        "100 105 97 99 | 99 99 97 98",
        "entry 1 at 98 end0; trailing_stop 1 at 97 end1",
    ),
    (
        "a limit entry's trail touched in its candle is certain",
        "long 1 limit 98 trails 2",
        "100 105 95 99",
        "entry 1 at 98 end0; trailing_stop 1 at 96 end0",
    ),
    (
        "only the close triggers a limit entry's break-even in its candle",
        "long 1 limit 98 sl 90 even 103:gross",
        "100 104 97 102 | 102 102 97 99",
        "entry 1 at 98 end0",
    ),
    (
        "an entry at the open lives through its candle",
        "long 1 limit 98 trails 2",
        "97 101 96.5 100 | 100 100 99 99",
        "entry 1 at 98 open0; trailing_stop 1 at 99 end1",
    ),
    (
        "of the first, partial minute only the close moves a trail",
        "long 1 at 100 opened 30s trails 2",
        "100 110 90 105 | 105 105 103 104",
        "trailing_stop 1 at 103 end1",
    ),
    (
        "a partial minute's close under the trail is a jump",
        "long 1 at 100 opened 30s trails 2",
        "100 110 90 97.5",
        "trailing_stop 1 at 97.5 end0",
    ),
    (
        "a gap that takes a stop entry past its trigger is rejected",
        "long 1 stop 102 even 104:gross",
        "100 101 99 100 | 105 106 104 105",
        "rejected open1",
    ),
]


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_trail_table(sentence: str, trade: str, minutes: str, happens: str) -> None:
    _, events = play(deal_of(trade), [candle_of(bar) for bar in tape_of(minutes)])
    assert told(events) == happens, sentence


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_oracle_agrees_with_every_row(sentence: str, trade: str, minutes: str, happens: str) -> None:
    deal, tape = deal_of(trade), tape_of(minutes)
    _, events = play(deal, [candle_of(bar) for bar in tape])
    assert happenings(events) == without_money(judge(deal, tape)), sentence


def test_table_is_long_and_says_everything_once() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 50
