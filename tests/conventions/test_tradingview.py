"""The named convention `tradingview` against what TradingView documents of its broker emulator, row by row.

Source: Pine Script user manual, "Strategies", section "Broker emulator" (without the bar magnifier): a bar whose open
is nearer to its high went open, high, low, close, else open, low, high, close; there are no gaps inside a bar, so
every price of its range was there; an order that the market jumps past between bars fills at the bar's open, for
better or worse. Limits fill when touched (`backtest_fill_limits_assumption` is 0 by default). Orders are sent at a
bar's close, so a market order fills at the next open. Each row can be checked with these sentences and by hand.
"""

from __future__ import annotations

import pytest

from tests.conventions.rows import outcome

LONG = "long 1 at 100 sl 95 tp 105"
SHORT = "short 1 at 100 sl 105 tp 95"

ROWS: list[tuple[str, str, str, str]] = [
    # both sides inside one bar: the nearer extreme first
    ("nearer to the high: up first", LONG, "100 106 93 97", "take_profit 1 at 105 end0 ambiguous"),
    ("nearer to the low: down first", LONG, "100 107 94 103", "stop_loss 1 at 95 end0 ambiguous"),
    ("a short, nearer to the high: up first", SHORT, "100 106 93 97", "stop_loss 1 at 105 end0 ambiguous"),
    ("a short, nearer to the low: down first", SHORT, "100 107 94 103", "take_profit 1 at 95 end0 ambiguous"),
    ("in a later bar too", LONG, "100 101 99 100 | 103 106 94 95", "take_profit 1 at 105 end1 ambiguous"),
    ("the close does not matter", LONG, "100 106 93 93", "take_profit 1 at 105 end0 ambiguous"),
    (
        "up first: the first target, then the stop for the rest",
        "long 2 at 100 sl 95 tp 103:0.5 tp 108:0.5",
        "100 104 94 95",
        "take_profit 1 at 103 end0 ambiguous; stop_loss 1 at 95 end0 ambiguous",
    ),
    (
        "up first: both targets",
        "long 2 at 100 sl 95 tp 103:0.5 tp 104:0.5",
        "100 104 94 95",
        "take_profit 1 at 103 end0 ambiguous; take_profit 1 at 104 end0 ambiguous at_touch",
    ),
    (
        "down first: the stop for all",
        "long 2 at 100 sl 95 tp 103:0.5 tp 108:0.5",
        "100 109 94 95",
        "stop_loss 2 at 95 end0 ambiguous",
    ),
    # one side
    ("only the stop", LONG, "100 101 95 96", "stop_loss 1 at 95 end0"),
    ("only the target: touched is filled", LONG, "100 105 96 100", "take_profit 1 at 105 end0 at_touch"),
    ("neither", LONG, "100 104.9 95.1 100", ""),
    # gaps between bars
    ("a stop jumped past: the open", LONG, "100 101 99 100 | 93 94 92 93", "stop_loss 1 at 93 open1"),
    ("a target jumped past: the better open", LONG, "100 101 99 100 | 108 109 107 108", "take_profit 1 at 108 open1"),
    ("a short's stop jumped past", SHORT, "100 101 99 100 | 107 108 106 107", "stop_loss 1 at 107 open1"),
    ("a short's target jumped past", SHORT, "100 101 99 100 | 92 93 91 92", "take_profit 1 at 92 open1"),
    (
        "a target jumped past in a bar that comes back to the stop",
        LONG,
        "100 101 99 100 | 106 107 94 95",
        "take_profit 1 at 106 open1",
    ),
    (
        "two targets jumped past",
        "long 2 at 100 tp 103:0.5 tp 105:0.5",
        "100 101 99 100 | 106 107 105 106",
        "take_profit 1 at 106 open1; take_profit 1 at 106 open1",
    ),
    # entries that wait
    ("a limit touched", "long 1 limit 98", "100 101 98 99", "entry 1 at 98 end0"),
    ("a limit not touched", "long 1 limit 98", "100 101 98.01 99", ""),
    ("a limit jumped past: the better open", "long 1 limit 98", "100 101 99 100 | 96 97 95 96", "entry 1 at 96 open1"),
    (
        "a short limit jumped past",
        "short 1 limit 102",
        "100 101 99 100 | 104 105 103 104",
        "entry 0.98 at 104 open1 shrunk",
    ),
    ("a stop entry touched", "long 1 stop 102", "100 103 99 101", "entry 1 at 102 end0"),
    (
        "a stop entry jumped past: the worse open",
        "short 1 stop 98",
        "100 101 99 100 | 96 97 95 96",
        "entry 1 at 96 open1",
    ),
    (
        "after a limit the bar goes on to the stop",
        "long 1 limit 98 sl 95 tp 105",
        "100 101 94 96",
        "entry 1 at 98 end0; stop_loss 1 at 95 end0",
    ),
    (
        "after a stop entry the bar goes on to the target",
        "long 1 stop 102 sl 99 tp 105",
        "100 106 99.5 104",
        "entry 1 at 102 end0; take_profit 1 at 105 end0",
    ),
    (
        "after a limit at a better open the bar is whole",
        "long 1 limit 98 sl 92 tp 101",
        "100 101 99 100 | 96 102 95 97",
        "entry 1 at 96 open1; take_profit 1 at 101 end1",
    ),
]

OTHERWISE: list[tuple[str, str, str, str]] = [
    # The emulator goes on along its path after an entry inside a bar; here a better price then needs the close.
    (
        "down first: the limit, then up to the target",
        "long 1 limit 98 sl 90 tp 105",
        "100 106 97 101",
        "entry 1 at 98 end0",
    ),
    # Up first, so the stop entry fills before the bar goes down to the stop: the same end, but in doubt here.
    (
        "up first: the stop entry, then its target, then the stop's price",
        "long 1 stop 102 sl 95 tp 105",
        "100 106 93 99",
        "entry 1 at 102 end0; stop_loss 1 at 95 end0 ambiguous",
    ),
    # The emulator raises a trail on the way up before it looks at the low.
    ("up first: a trail", "long 1 at 100 trails 5", "100 104 98 100", ""),
]
"""What the emulator does otherwise: it would leave at 105, at 105 and at 99."""

AT_HALF = [
    ("a tie goes to the stop", LONG, "100 106 94 100", "stop_loss 1 at 95 end0 ambiguous"),
    ("a short's tie goes to the stop", SHORT, "100 106 94 100", "stop_loss 1 at 105 end0 ambiguous"),
]
"""An open in the very middle, of which the manual says nothing: here it is decided against the trader."""


@pytest.mark.parametrize(("name", "trade", "bars", "expected"), [*ROWS, *AT_HALF, *OTHERWISE])
def test_a_row(name: str, trade: str, bars: str, expected: str) -> None:
    assert outcome("tradingview", trade, bars) == expected, name
