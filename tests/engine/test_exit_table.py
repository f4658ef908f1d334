"""What a trade does with candles, as a table of sentences: the trade, the minutes, and what must happen.

How the short texts are read is said in `tables.py`. Every row is checked twice: against the engine, and
against the oracle, so that a wrong row cannot hide a wrong rule.
"""

from __future__ import annotations

import pytest

from tests.engine.deals import candle_of, happenings, play, without_money
from tests.engine.oracle import judge
from tests.engine.tables import deal_of, tape_of, told, trade_of

LONG = "long 1 at 100 sl 95 tp 110"
SHORT = "short 1 at 100 sl 105 tp 90"
HALVES = "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5"

ROWS: list[tuple[str, str, str, str]] = [
    # one level, inside a candle
    ("a long that nothing touches stays open", LONG, "100 109 96 100 | 100 109.99 95.01 99", ""),
    ("a low that equals the stop touches it", LONG, "100 101 95 99", "stop_loss 1 at 95 end0"),
    ("a low under the stop fills at the stop, not at the low", LONG, "100 101 80 99", "stop_loss 1 at 95 end0"),
    (
        "a high that equals the target touches it, and says so",
        LONG,
        "100 110 99 105",
        "take_profit 1 at 110 end0 at_touch",
    ),
    ("a high over the target fills at the target", LONG, "100 119 99 105", "take_profit 1 at 110 end0"),
    ("a high that equals a short's stop touches it", SHORT, "100 105 99 101", "stop_loss 1 at 105 end0"),
    ("a high over a short's stop fills at the stop", SHORT, "100 130 99 101", "stop_loss 1 at 105 end0"),
    (
        "a low that equals a short's target touches it, and says so",
        SHORT,
        "100 101 90 95",
        "take_profit 1 at 90 end0 at_touch",
    ),
    ("a low under a short's target fills at the target", SHORT, "100 101 80 95", "take_profit 1 at 90 end0"),
    (
        "a later minute carries its own last millisecond",
        LONG,
        "100 101 99 100 | 100 100 94 96",
        "stop_loss 1 at 95 end1",
    ),
    (
        "minutes that the venue does not have are waited through",
        LONG,
        "100 101 99 100 | - | - | 100 100 94 96",
        "stop_loss 1 at 95 end3",
    ),
    ("a closed trade ignores what comes after", LONG, "100 101 94 96 | 96 120 96 120", "stop_loss 1 at 95 end0"),
    (
        "without a stop the target alone ends a long",
        "long 1 at 100 tp 110",
        "100 111 1 50",
        "take_profit 1 at 110 end0",
    ),
    ("without a target the stop alone ends a long", "long 1 at 100 sl 95", "100 900 94 96", "stop_loss 1 at 95 end0"),
    ("without any level a long lives through everything", "long 1 at 100", "100 900 1 96", ""),
    (
        "three targets without fractions take a third each",
        "long 3 at 100 sl 95 tp 101:1/3 tp 102:1/3 tp 103:1/3",
        "100 101.5 99 101 | 101 103.5 100 103",
        "take_profit 1 at 101 end0; take_profit 1 at 102 end1; take_profit 1 at 103 end1",
    ),
    (
        "a third of one is rounded down to the step, and the last target takes what is left",
        "short 1 at 100 sl 105 tp 99:1/3 tp 98:1/3 tp 97:1/3",
        "100 101 96 97",
        "take_profit 0.33 at 99 end0; take_profit 0.33 at 98 end0; take_profit 0.34 at 97 end0",
    ),
    # gaps
    ("an open under the stop exits at the open", LONG, "100 101 99 100 | 93 99 92 98", "stop_loss 1 at 93 open1"),
    ("an open at the stop exits there, at the open", LONG, "100 101 99 100 | 95 99 94 98", "stop_loss 1 at 95 open1"),
    (
        "an open over a short's stop exits at the open",
        SHORT,
        "100 101 99 100 | 108 109 91 100",
        "stop_loss 1 at 108 open1",
    ),
    (
        "an open over the target exits at the target",
        LONG,
        "100 101 99 100 | 115 116 111 112",
        "take_profit 1 at 110 open1",
    ),
    (
        "an open over the target exits at it, whatever the low does after",
        LONG,
        "100 101 99 100 | 115 116 90 91",
        "take_profit 1 at 110 open1",
    ),
    ("an open at the target exits there", LONG, "100 101 99 100 | 110 112 109 112", "take_profit 1 at 110 open1"),
    (
        "an open under a short's target exits at the target",
        SHORT,
        "100 101 99 100 | 85 86 80 81",
        "take_profit 1 at 90 open1",
    ),
    (
        "gap_stop level: an open under the stop exits at the stop",
        f"{LONG} gap_stop level",
        "100 101 99 100 | 93 99 92 98",
        "stop_loss 1 at 95 open1",
    ),
    (
        "gap_target open: an open over the target exits at the open",
        f"{LONG} gap_target open",
        "100 101 99 100 | 115 116 111 112",
        "take_profit 1 at 115 open1",
    ),
    (
        "gap_target open: a target touched inside is still the target",
        f"{LONG} gap_target open",
        "100 116 99 112",
        "take_profit 1 at 110 end0",
    ),
    (
        "gap_stop level: a short's gap exits at its stop",
        f"{SHORT} gap_stop level",
        "100 101 99 100 | 108 109 91 100",
        "stop_loss 1 at 105 open1",
    ),
    # both levels in one candle
    ("both touched: the stop, ambiguous", LONG, "100 111 94 100", "stop_loss 1 at 95 end0 ambiguous"),
    ("both touched by a short: the stop, ambiguous", SHORT, "100 106 89 100", "stop_loss 1 at 105 end0 ambiguous"),
    ("both equal to the extremes is both touched", LONG, "100 110 95 100", "stop_loss 1 at 95 end0 ambiguous"),
    (
        "target-first: both touched: the target, ambiguous",
        f"{LONG} same_candle target-first",
        "100 111 94 100",
        "take_profit 1 at 110 end0 ambiguous",
    ),
    (
        "target-first: only the stop touched: the stop, certain",
        f"{LONG} same_candle target-first",
        "100 109 94 100",
        "stop_loss 1 at 95 end0",
    ),
    (
        "nearest: the low is nearer the open: the stop",
        f"{LONG} same_candle nearest",
        "100 111 90 100",
        "stop_loss 1 at 95 end0 ambiguous",
    ),
    (
        "nearest: the high is nearer the open: the target",
        f"{LONG} same_candle nearest",
        "100 111 88 100",
        "take_profit 1 at 110 end0 ambiguous",
    ),
    (
        "nearest: a tie goes to the stop",
        f"{LONG} same_candle nearest",
        "100 111 89 100",
        "stop_loss 1 at 95 end0 ambiguous",
    ),
    (
        "a gap past the stop is knowable first, so it is certain",
        LONG,
        "100 101 99 100 | 94 111 90 111",
        "stop_loss 1 at 94 open1",
    ),
    # several targets
    ("the first of two targets takes its half", HALVES, "100 111 99 105", "take_profit 0.5 at 110 end0"),
    (
        "both targets in one candle, nearest first",
        HALVES,
        "100 121 99 105",
        "take_profit 0.5 at 110 end0; take_profit 0.5 at 120 end0",
    ),
    (
        "half at the target, the rest at the stop later",
        HALVES,
        "100 111 99 105 | 105 106 94 95",
        "take_profit 0.5 at 110 end0; stop_loss 0.5 at 95 end1",
    ),
    (
        "half at the target; later the stop and the second target: ambiguous",
        HALVES,
        "100 111 99 105 | 105 121 94 95",
        "take_profit 0.5 at 110 end0; stop_loss 0.5 at 95 end1 ambiguous",
    ),
    (
        "an open past the first target, then the stop: both certain",
        HALVES,
        "100 101 99 100 | 112 113 94 95",
        "take_profit 0.5 at 110 open1; stop_loss 0.5 at 95 end1",
    ),
    (
        "an open past both targets takes both there",
        HALVES,
        "100 101 99 100 | 125 126 94 95",
        "take_profit 0.5 at 110 open1; take_profit 0.5 at 120 open1",
    ),
    ("stop and first target touched: the stop takes all", HALVES, "100 111 94 95", "stop_loss 1 at 95 end0 ambiguous"),
    (
        "target-first: half at the target, the rest at the stop, both ambiguous",
        f"{HALVES} same_candle target-first",
        "100 111 94 95",
        "take_profit 0.5 at 110 end0 ambiguous; stop_loss 0.5 at 95 end0 ambiguous",
    ),
    (
        "fractions under 1 leave a rest that goes on",
        "long 1 at 100 sl 95 tp 110:0.3",
        "100 111 99 105 | 105 130 96 120",
        "take_profit 0.3 at 110 end0",
    ),
    (
        "targets written far first are taken near first",
        "short 1 at 100 tp 80:0.5 tp 90:0.5",
        "100 101 79 80",
        "take_profit 0.5 at 90 end0; take_profit 0.5 at 80 end0",
    ),
    (
        "parts round down to the quantity step, the last takes what is left",
        "long 1 at 100 tp 110:0.35 tp 120:0.65 qstep 0.1",
        "100 121 99 105",
        "take_profit 0.3 at 110 end0; take_profit 0.7 at 120 end0",
    ),
    (
        "a part under the minimum quantity: the whole rest exits there",
        "long 1 at 100 tp 110:0.1 tp 120:0.9 qmin 0.2",
        "100 121 99 105",
        "take_profit 1 at 110 end0",
    ),
    (
        "a rest under the minimum quantity: the whole rest exits there",
        "long 1 at 100 tp 110:0.9 tp 120:0.1 qmin 0.2",
        "100 111 99 105",
        "take_profit 1 at 110 end0",
    ),
    (
        "a part under the minimum notional: the whole rest exits there",
        "long 1 at 100 tp 110:0.1 tp 120:0.9 nmin 12",
        "100 111 99 105",
        "take_profit 1 at 110 end0",
    ),
    (
        "a rest exactly at the minimum stays",
        "long 1 at 100 tp 110:0.8 tp 120:0.2 qmin 0.2",
        "100 111 99 105",
        "take_profit 0.8 at 110 end0",
    ),
    (
        "a part that rounds to nothing: the whole rest exits there",
        "long 1 at 100 tp 110:0.05 tp 120:0.95 qstep 0.1",
        "100 111 99 105",
        "take_profit 1 at 110 end0",
    ),
    # the candle of the command
    ("opened at 30 s: the minute's low and high do not count", f"{LONG} opened 30s", "100 130 80 100", ""),
    (
        "opened at 30 s: a close under the stop exits at the close, at the end",
        f"{LONG} opened 30s",
        "100 130 80 93",
        "stop_loss 1 at 93 end0",
    ),
    (
        "opened at 30 s: a close at the stop exits there",
        f"{LONG} opened 30s",
        "100 130 80 95",
        "stop_loss 1 at 95 end0",
    ),
    (
        "opened at 30 s: a close over the target exits at the target",
        f"{LONG} opened 30s",
        "100 130 80 115",
        "take_profit 1 at 110 end0",
    ),
    (
        "opened at 30 s: the next minute counts as a whole",
        f"{LONG} opened 30s",
        "100 130 80 100 | 100 101 94 100",
        "stop_loss 1 at 95 end1",
    ),
    (
        "opened in the last millisecond: the close is certainly after it",
        f"{LONG} opened 59999ms",
        "100 130 80 93",
        "stop_loss 1 at 93 end0",
    ),
    (
        "opened exactly at a minute's end: that minute is over",
        f"{LONG} opened 1m",
        "100 130 80 93 | 100 101 99 100",
        "",
    ),
    (
        "opened exactly at a minute's open: it counts as a whole",
        f"{LONG} opened 1m",
        "100 130 80 93 | 100 101 94 100",
        "stop_loss 1 at 95 end1",
    ),
    # liquidation
    ("a long without leverage has no liquidation", "long 1 at 100", "100 100 0.01 0.01", ""),
    (
        "at 5x a long is liquidated 20 % under its entry",
        "long 1 at 100 lev 5 step 0.01",
        "100 101 80 90",
        "liquidation 1 at 80 end0",
    ),
    (
        "with a fee of 0.1 % it is liquidated a little earlier: 80 / 0.999 = 80.08",
        "long 1 at 100 lev 5 step 0.01 fee 0.001",
        "100 101 80.05 90",
        "liquidation 1 at 80.08 end0",
    ),
    (
        "a short without leverage is liquidated at twice its entry",
        "short 1 at 100 step 0.01",
        "100 200 99 150",
        "liquidation 1 at 200 end0",
    ),
    (
        "with a fee of 0.1 % a short's is 200 / 1.001 = 199.81 (rounded away)",
        "short 1 at 100 step 0.01 fee 0.001",
        "100 199.81 99 150",
        "liquidation 1 at 199.81 end0",
    ),
    (
        "a stop nearer than the liquidation goes first",
        "long 1 at 100 sl 90 lev 5 step 0.01",
        "100 101 70 75",
        "stop_loss 1 at 90 end0",
    ),
    (
        "a liquidation nearer than the stop goes first",
        "long 1 at 100 sl 70 lev 5 step 0.01",
        "100 101 60 75",
        "liquidation 1 at 80 end0",
    ),
    (
        "a stop at the liquidation price is a stop",
        "long 1 at 100 sl 80 lev 5 step 0.01",
        "100 101 60 75",
        "stop_loss 1 at 80 end0",
    ),
    (
        "a gap past the liquidation fills at the open",
        "long 1 at 100 lev 5 step 0.01",
        "100 101 99 100 | 70 71 69 70",
        "liquidation 1 at 70 open1",
    ),
    (
        "liquidation and target in one candle: the liquidation, ambiguous",
        "short 1 at 100 tp 90 lev 10 step 0.01",
        "100 111 89 100",
        "liquidation 1 at 110 end0 ambiguous",
    ),
    # slippage and rounding
    (
        "a stop slips 10 bps to 94.905 and rounds against the trader",
        "long 1 at 100 sl 95 slip 10 step 0.01",
        "100 101 95 99",
        "stop_loss 1 at 94.9 end0",
    ),
    (
        "a short's stop slips up: 105.105 to 105.11",
        "short 1 at 100 sl 105 slip 10 step 0.01",
        "100 106 99 100",
        "stop_loss 1 at 105.11 end0",
    ),
    (
        "a target is a maker's and does not slip",
        "long 1 at 100 tp 110 slip 10 step 0.01",
        "100 111 99 100",
        "take_profit 1 at 110 end0",
    ),
    (
        "a gap is judged on the raw price: the level 95 is not touched at 95.05",
        "long 1 at 100 sl 95 slip 100 step 0.01",
        "101 102 99 100 | 95.05 96 95.04 96",
        "",
    ),
    (
        "a long's levels round down: 94.999 to 94.99, 110.009 to 110",
        "long 1 at 100 sl 94.999 tp 110.009 step 0.01",
        "100 110 94.995 100",
        "take_profit 1 at 110 end0 at_touch",
    ),
    (
        "a short's levels round up: 105.001 to 105.01, 89.991 to 90",
        "short 1 at 100 sl 105.001 tp 89.991 step 0.01",
        "100 105.005 90 100",
        "take_profit 1 at 90 end0 at_touch",
    ),
    (
        "a limit off the step waits at the harder price: 98.005 is 98.00",
        "long 1 limit 98.005 step 0.01",
        "100 101 98.001 100 | 100 101 98 100",
        "entry 1 at 98 end1",
    ),
]


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_exit_table(sentence: str, trade: str, minutes: str, happens: str) -> None:
    _, events = play(deal_of(trade), [candle_of(bar) for bar in tape_of(minutes)])
    assert told(events) == happens, sentence


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_oracle_agrees_with_every_row(sentence: str, trade: str, minutes: str, happens: str) -> None:
    deal, tape = deal_of(trade), tape_of(minutes)
    _, events = play(deal, [candle_of(bar) for bar in tape])
    assert happenings(events) == without_money(judge(deal, tape)), sentence


def test_table_is_long_and_says_everything_once() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 70


def test_what_the_rule_does_moves_no_first_whole_candle() -> None:
    """`levels_from` is where the newest levels began to rule: a target taken is no change of them."""
    trade = trade_of("long 3 at 100 sl 95 tp 101:1/3 tp 102:1/3 tp 103:1/3", "100 101.5 99 101")
    assert trade.open_quantity == 2
    assert (trade.whole_from, trade.applied_to) == (0, 60_000)
