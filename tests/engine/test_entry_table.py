"""How entries fill, expire and change by hand, as a table of sentences like that of `test_exit_table.py`.

How the short texts are read is said in `tables.py`. Every row is checked twice: against the engine, and
against the oracle, so that a wrong row cannot hide a wrong rule.
"""

from __future__ import annotations

import pytest

from tests.engine.deals import candle_of, happenings, play, without_money
from tests.engine.oracle import judge
from tests.engine.tables import deal_of, tape_of, told

LONG = "long 1 at 100 sl 95 tp 110"
LIMIT = "long 1 limit 98 sl 95 tp 104"
STOP = "long 1 stop 102 sl 99 tp 106"

ROWS: list[tuple[str, str, str, str]] = [
    # limit entries
    ("a limit that nothing touches waits", LIMIT, "100 101 98.01 100", ""),
    ("a limit touched fills at the limit, as maker", LIMIT, "100 101 98 100", "entry 1 at 98 end0"),
    (
        "a short limit touched from below fills at the limit",
        "short 1 limit 102 sl 105",
        "100 102 99 100",
        "entry 1 at 102 end0",
    ),
    ("an open under the limit fills at the limit, at the open", LIMIT, "97 99 96 98", "entry 1 at 98 open0"),
    (
        "gap_limit open: an open under the limit fills at the open",
        f"{LIMIT} gap_limit open",
        "97 99 96 98",
        "entry 1 at 97 open0",
    ),
    (
        "gap_limit open: a short limit's gap needs more than its reserve and shrinks",
        "short 1 limit 100 gap_limit open",
        "101 102 99 100",
        "entry 0.99 at 101 open0 shrunk",
    ),
    ("limit_fill through: a touch does not fill", f"{LIMIT} limit_fill through", "100 101 98 100", ""),
    (
        "limit_fill through: traded through fills at the limit",
        f"{LIMIT} limit_fill through",
        "100 101 97.99 100",
        "entry 1 at 98 end0",
    ),
    (
        "limit_fill through: a target that is only touched does not fill",
        f"{LONG} limit_fill through",
        "100 110 99 105 | 105 110.01 99 105",
        "take_profit 1 at 110 end1",
    ),
    (
        "a stop beyond the limit in the same candle is certain",
        LIMIT,
        "100 101 94 100",
        "entry 1 at 98 end0; stop_loss 1 at 95 end0",
    ),
    ("a target touched in the limit's candle does not count", LIMIT, "100 105 97 103", "entry 1 at 98 end0"),
    (
        "a target that the limit's candle closes beyond counts",
        LIMIT,
        "100 106 97 105",
        "entry 1 at 98 end0; take_profit 1 at 104 end0",
    ),
    (
        "stop touched and close beyond the target in the limit's candle: the stop",
        LIMIT,
        "100 106 94 105",
        "entry 1 at 98 end0; stop_loss 1 at 95 end0",
    ),
    (
        "filled at the open, the candle's high counts",
        LIMIT,
        "97 105 96 98",
        "entry 1 at 98 open0; take_profit 1 at 104 end0",
    ),
    (
        "filled at the open, both touched inside: the stop, ambiguous",
        LIMIT,
        "97 105 94 98",
        "entry 1 at 98 open0; stop_loss 1 at 95 end0 ambiguous",
    ),
    (
        "an open under limit and stop: entry at the limit, exit at the open",
        LIMIT,
        "94 105 93 98",
        "entry 1 at 98 open0; stop_loss 1 at 94 open0",
    ),
    ("placed at 30 s: only the close can fill it", f"{LIMIT} opened 30s", "100 101 90 99 | 99 100 98.5 99", ""),
    (
        "placed at 30 s: a close under the limit fills at the limit, at the end",
        f"{LIMIT} opened 30s",
        "100 101 90 97 | 97 105 97 100",
        "entry 1 at 98 end0; take_profit 1 at 104 end1",
    ),
    (
        "placed at 30 s: a close under limit and stop enters and leaves",
        f"{LIMIT} opened 30s",
        "100 101 90 94",
        "entry 1 at 98 end0; stop_loss 1 at 94 end0",
    ),
    (
        "percent levels count from the fill",
        "long 1 limit 100 sl -5% tp 2R step 0.01",
        "101 101 99 100 | 100 110 99 100",
        "entry 1 at 100 end0; take_profit 1 at 110 end1 at_touch",
    ),
    # stop entries
    ("a stop entry touched fills at its price", STOP, "100 102 99.5 101", "entry 1 at 102 end0"),
    (
        "an open over a stop entry fills at the open, with what its reserve pays",
        STOP,
        "103 104 102.5 103",
        "entry 0.99 at 103 open0 shrunk",
    ),
    (
        "a fill under the minimum notional fills, because what was placed was over it",
        "short 1 stop 98 nmin 97.5",
        "97 97.5 96 97",
        "entry 1 at 97 open0",
    ),
    ("shrunk under the minimum quantity: rejected", f"{STOP} qmin 1", "103 104 102.5 103", "rejected open0"),
    ("shrunk to nothing: rejected", f"{STOP} qstep 1", "103 104 102.5 103", "rejected open0"),
    (
        "a short's stop entry fills when the price falls, a gap frees reserve",
        "short 1 stop 98 sl 101",
        "97 97.5 96 97",
        "entry 1 at 97 open0",
    ),
    (
        "the stop touched in the entry's candle, close above it: ambiguous",
        STOP,
        "100 103 98 101",
        "entry 1 at 102 end0; stop_loss 1 at 99 end0 ambiguous",
    ),
    (
        "the stop touched in the entry's candle, close under it: certain",
        STOP,
        "100 103 98 98.5",
        "entry 1 at 102 end0; stop_loss 1 at 99 end0",
    ),
    ("the close at the stop is beyond it", STOP, "100 103 98 99", "entry 1 at 102 end0; stop_loss 1 at 99 end0"),
    (
        "stop and target touched in the entry's candle: the stop",
        STOP,
        "100 107 98 101",
        "entry 1 at 102 end0; stop_loss 1 at 99 end0 ambiguous",
    ),
    (
        "only the target touched in the entry's candle: it counts",
        STOP,
        "100 107 99.5 101",
        "entry 1 at 102 end0; take_profit 1 at 106 end0",
    ),
    ("a gap past the target leaves it on the wrong side: rejected", STOP, "107 108 106.5 107", "rejected open0"),
    ("a stop entry at a close fills at the close", f"{STOP} opened 1s", "100 103 99 102", "entry 1 at 102 end0"),
    (
        "slippage on a stop entry was reserved for, so nothing shrinks",
        "long 1 stop 100 slip 100 step 0.01",
        "99 100 99 99",
        "entry 1 at 101 end0",
    ),
    # expiry
    (
        "an expired entry ends at the first open at or after it",
        f"{LIMIT} expires 1m",
        "100 101 99 100 | 90 91 90 90",
        "expired open1",
    ),
    (
        "the candle that contains the expiry can still fill",
        f"{LIMIT} expires 90s",
        "100 101 99 100 | 100 101 98 99",
        "entry 1 at 98 end1",
    ),
    (
        "after a hole the entry expires before the open can fill it",
        f"{LIMIT} expires 90s",
        "100 101 99 100 | - | - | 97 98 96 97",
        "expired open3",
    ),
    (
        "an entry that filled does not expire",
        f"{LIMIT} expires 1m",
        "100 101 98 100 | 100 101 99 100",
        "entry 1 at 98 end0",
    ),
    # changes by hand
    (
        "a change counts from the next whole minute",
        f"{LONG} change 30s sl 98 tp 110",
        "100 101 97 100 | 100 101 97.5 100",
        "stop_loss 1 at 98 end1",
    ),
    (
        "in the minute of the change the older stop still rules",
        f"{LONG} change 30s sl 98 tp 110",
        "100 101 94 100",
        "stop_loss 1 at 95 end0",
    ),
    (
        "of several changes in one minute the last rules",
        f"{LONG} change 20s sl 99 tp 110 change 40s sl 96 tp 112",
        "100 101 98 100 | 100 111 97 100 | 100 113 99 100",
        "take_profit 1 at 112 end2",
    ),
    (
        "a change exactly at an open rules that minute",
        f"{LONG} change 1m sl 98 tp 110",
        "100 101 99 100 | 100 101 97.5 100",
        "stop_loss 1 at 98 end1",
    ),
    (
        "a change in the minute of the opening: its close meets the older levels",
        f"{LONG} opened 10s change 30s sl 98 tp 110",
        "100 101 90 97 | 100 101 99 100",
        "",
    ),
    (
        "an entry changed in its minute fills under the older exits",
        f"{LIMIT} change 30s sl 97 tp 104",
        "100 101 96 100 | 100 101 96.5 100",
        "entry 1 at 98 end0; stop_loss 1 at 97 end1",
    ),
]


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_entry_table(sentence: str, trade: str, minutes: str, happens: str) -> None:
    _, events = play(deal_of(trade), [candle_of(bar) for bar in tape_of(minutes)])
    assert told(events) == happens, sentence


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_oracle_agrees_with_every_row(sentence: str, trade: str, minutes: str, happens: str) -> None:
    deal, tape = deal_of(trade), tape_of(minutes)
    _, events = play(deal, [candle_of(bar) for bar in tape])
    assert happenings(events) == without_money(judge(deal, tape)), sentence


def test_table_is_long_and_says_everything_once() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 35
