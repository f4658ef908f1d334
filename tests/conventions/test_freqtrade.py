"""The named convention `freqtrade` against freqtrade's own published table of exits, row by row.

Source: freqtrade/freqtrade, tests/optimize/test_backtest_detail.py at commit 08fba78 (60 rows, tc0 to tc59); the
numbers are typed anew. A row's candle n is minute n here, its signal comes in minute 0, fees are 0. An exit signal
in candle n is acted on at the open of n + 1: a time limit at that open says the same. A loss limit counts from the
stake there, so with leverage (tc27, tc28) the price distance is the limit / leverage, and so is the profit here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.conventions.rows import outcome

FALLS = "4987 5012 4986 4986"
BEGINS = "5000 5025 4975 4987"
WIDE = "5000 5050 4950 5000"
RISES = "5000 5100 4950 5100"
PEAK = "5100 5251 5100 5100"
AFTER = "4750 4950 4350 4750"


@dataclass(frozen=True)
class Row:
    """A published row: its trades (one here, or several one after the other), and the profit it says, a ratio."""

    name: str
    bars: str
    trades: tuple[tuple[str, str], ...]
    profit: str


def row(name: str, bars: str, trade: str, expected: str, profit: str) -> Row:
    return Row(name, bars, ((trade, expected),), profit)


SIGNAL_TAPE = f"{BEGINS} | {BEGINS} | {FALLS}"
PEAK_TAPE = f"{WIDE} | {RISES} | {PEAK}"
LONG = "long 1 at 5000 opened 1m"
SHORT = "short 1 at 5000 opened 1m"

STOPS_AND_TARGETS = [
    row(
        "tc1",
        f"{BEGINS} | {BEGINS} | 4987 5012 4600 4600 | 4975 5000 4975 4977",
        f"{LONG} sl -1%",
        "stop_loss 1 at 4950 end2",
        "-0.01",
    ),
    row(
        "tc2",
        f"{BEGINS} | {BEGINS} | 4987 5012 4962 4975 | 4975 5000 4800 4962 | 4962 4987 4937 4950",
        f"{LONG} sl -3%",
        "stop_loss 1 at 4850 end3",
        "-0.03",
    ),
    Row(
        "tc3",
        f"{BEGINS} | {BEGINS} | 4987 5012 4800 4975 | 4975 5000 4950 4962 | 4975 5000 4950 4962 | 4962 4987 4000 4000",
        (
            (f"{LONG} sl -2%", "stop_loss 1 at 4900 end2"),
            ("long 1 at 4975 opened 4m sl -2%", "stop_loss 1 at 4875.5 end5"),
        ),
        "-0.04",
    ),
    row(
        "tc4",
        f"{BEGINS} | {BEGINS} | 4987 5750 4850 5750",
        f"{LONG} sl -2% tp +6%",
        "stop_loss 1 at 4900 end2 ambiguous",
        "-0.02",
    ),
    row(
        "tc5",
        "5000 5025 4980 4987 | 5000 5025 4980 4987 | 4987 5025 4975 4987 | 4975 6000 4975 6000 | 4962 4987 4962 4972",
        f"{LONG} sl -1% tp +3%",
        "take_profit 1 at 5150 end3",
        "0.03",
    ),
    row(
        "tc6",
        f"{BEGINS} | {BEGINS} | 4987 5300 4850 5050",
        f"{LONG} sl -2% tp +5%",
        "stop_loss 1 at 4900 end2 ambiguous",
        "-0.02",
    ),
    row(
        "tc7",
        f"{BEGINS} | {BEGINS} | 4987 5300 4950 5050",
        f"{LONG} sl -2% tp +3%",
        "take_profit 1 at 5150 end2",
        "0.03",
    ),
    row("tc13", f"{WIDE} | {RISES}", f"{LONG} sl -10% tp +1%", "take_profit 1 at 5050 end1", "0.01"),
    row("tc14", f"{WIDE} | 5000 5100 4600 5100", f"{LONG} sl -5% tp +10%", "stop_loss 1 at 4750 end1", "-0.05"),
    Row(
        "tc15",
        f"{WIDE} | 5000 5100 4900 5100 | 5100 5251 4650 5100",
        (
            (f"{LONG} sl -5% tp +1%", "take_profit 1 at 5050 end1"),
            ("long 1 at 5100 opened 2m sl -5% tp +1%", "stop_loss 1 at 4845 end2 ambiguous"),
        ),
        "-0.04",
    ),
]

TIME_AND_SIGNALS = [
    row(
        "tc0",
        f"{SIGNAL_TAPE} | 5010 5010 4980 5010 | 5010 5011 4977 4995",
        f"{LONG} sl -1% until 4m",
        "time_limit 1 at 5010 open4",
        "0.002",
    ),
    row(
        "tc17",
        f"{BEGINS} | {BEGINS} | 4987 5300 4950 5050 | 4980 5000 4940 4962",
        f"{LONG} sl -10% tp +10% time 2m",
        "time_limit 1 at 4980 open3",
        "-0.004",
    ),
    row(
        "tc25",
        f"{SIGNAL_TAPE} | 5010 5010 4855 5010 | 5010 5010 4977 4995",
        f"{LONG} sl -1% until 4m",
        "stop_loss 1 at 4950 end3",
        "-0.01",
    ),
    row(
        "tc26",
        f"{SIGNAL_TAPE} | 5010 5010 4986 5010 | 5010 5010 4855 4995",
        f"{LONG} sl -1% until 4m",
        "time_limit 1 at 5010 open4",
        "0.002",
    ),
    row(
        "tc27",
        f"{SIGNAL_TAPE} | 5010 5010 4986 5010 | 5010 5010 4855 4995",
        f"{LONG} sl -1% until 4m lev 5",
        "time_limit 1 at 5010 open4",
        "0.002",
    ),
    row(
        "tc28",
        f"{SIGNAL_TAPE} | 5010 5010 4986 5010 | 4990 5010 4855 4995",
        f"{SHORT} sl +1% until 4m lev 5",
        "time_limit 1 at 4990 open4",
        "0.002",
    ),
    row(
        "tc29",
        f"{SIGNAL_TAPE} | 5010 5251 4986 5010 | 5010 5010 4855 4995",
        f"{LONG} sl -10% tp +5% until 4m",
        "take_profit 1 at 5250 end3",
        "0.05",
    ),
    row(
        "tc30",
        f"{SIGNAL_TAPE} | 5010 5012 4986 5010 | 5010 5251 4855 4995",
        f"{LONG} sl -10% tp +5% until 4m",
        "time_limit 1 at 5010 open4",
        "0.002",
    ),
    Row(
        "tc54",
        f"{WIDE} | 5000 5000 4951 5000 | 4910 5150 4910 5100 | 5100 5100 4950 4950 | {'5000 5100 4950 4950 | ' * 2}-",
        (
            (f"{LONG} sl -10% tp +10% until 4m", "time_limit 1 at 5000 open4"),
            ("short 1 at 5000 opened 4m sl +10% tp -10% until 5m", "time_limit 1 at 5000 open5"),
        ),
        "0",
    ),
    Row(
        "tc55",
        f"{WIDE} | 5000 5000 4951 5000 | 4910 5150 4910 5100 | 5100 5100 4950 4950 | {'5000 5100 4950 4950 | ' * 2}-",
        (
            (f"{SHORT} sl +10% tp -10% until 3m", "time_limit 1 at 5100 open3"),
            ("long 1 at 5100 opened 3m sl -10% tp +10% until 5m", "time_limit 1 at 5000 open5"),
        ),
        "-0.04",
    ),
    Row(
        "tc56",
        f"{WIDE} | 5000 5000 4951 5000 | 4910 5150 4910 5100 | 5100 5100 4888 4950 | {'5000 5100 4950 4950 | ' * 2}-",
        (
            (f"{LONG} sl -2% tp +10% until 4m", "stop_loss 1 at 4900 end3"),
            ("short 1 at 5100 opened 3m sl +2% tp -10% until 5m", "time_limit 1 at 5000 open5"),
        ),
        "0",
    ),
]

LIMIT_ENTRIES = [
    row(
        "tc39",
        f"{WIDE} | 5000 5500 4951 5000 | 4900 5250 4500 5100",
        "long 1 limit 4200 opened 1m expires 2m sl -1% tp +10%",
        "expired open2",
        "0",
    ),
    row(
        "tc42",
        f"{WIDE} | 5000 5500 4951 4999 | 4900 5250 4500 5100",
        "long 1 limit 4952 opened 1m sl -10% tp +1%",
        "entry 1 at 4952 end1; take_profit 1 at 5001.52 end2",
        "0.01",
    ),
    row(
        "tc43",
        f"{WIDE} | 5400 5500 4951 5100 | 4900 5250 4500 5100",
        "long 1 limit 4952 opened 1m sl -10% tp +1%",
        "entry 1 at 4952 end1; take_profit 1 at 5001.52 end1",
        "0.01",
    ),
]

TRAILS = [
    row(
        "tc8",
        f"{WIDE} | {WIDE} | 5000 5250 4750 4850 | 4850 5050 4650 4750",
        f"{LONG} sl -10% tp +10% trails 10%",
        "trailing_stop 1 at 4725 end3",
        "-0.055",
    ),
    row(
        "tc9",
        f"{WIDE} | {WIDE} | {WIDE} | 5000 5200 4550 4850",
        f"{LONG} sl -10% tp +10% trails 10%",
        "trailing_stop 1 at 4680 end3 ambiguous",
        "-0.064",
    ),
    row(
        "tc10",
        f"{PEAK_TAPE} | 4850 5050 4650 4750 | {AFTER}",
        f"{LONG} sl -10% tp +10% trails 3%@+10%",
        "stop_loss 1 at 4500 end4",
        "-0.1",
    ),
    row(
        "tc12",
        f"{WIDE} | {RISES} | 5100 5251 4650 5100",
        f"{LONG} sl -10% tp +10% trails 3%@+5%",
        "trailing_stop 1 at 5093.47 end2 ambiguous",
        "0.019",
    ),
    row(
        "tc21",
        f"{WIDE} | {RISES} | 5100 5251 4650 5100",
        f"{LONG} sl -10% tp +4% trails 3%@+5%",
        "take_profit 1 at 5200 end2",
        "0.04",
    ),
    row("tc22", PEAK_TAPE, f"{LONG} sl -10% tp +4% trails 3%@+5%", "take_profit 1 at 5200 end2", "0.04"),
    row(
        "tc31",
        f"{PEAK_TAPE} | 4850 5050 4650 4750",
        f"{LONG} sl -10% tp +10% trails 3%@+5%",
        "trailing_stop 1 at 4850 open3",
        "-0.03",
    ),
    row(
        "tc32",
        f"{WIDE} | 5000 5050 4890 4890 | 4890 4890 4749 4890 | 5150 5350 4950 4950",
        f"{SHORT} sl +10% tp -10% trails 3%@-5%",
        "trailing_stop 1 at 5150 open3",
        "-0.03",
    ),
    row(
        "tc23",
        f"{WIDE} | 5000 5050 4900 4900 | 4900 4900 4749 4900",
        f"{SHORT} sl +10% tp -4% trails 3%@-5%",
        "take_profit 1 at 4800 end2",
        "0.04",
    ),
    row(
        "tc33",
        f"{WIDE} | 5000 5050 5000 5000 | 4900 5250 4500 5100",
        f"{LONG} sl -10% tp +10% trails 3%",
        "trailing_stop 1 at 4898.5 end2 ambiguous",
        "-0.02",
    ),
    row(
        "tc34",
        f"{WIDE} | 5000 5500 4900 4900",
        f"{LONG} sl -10% tp +10% trails 1%",
        "trailing_stop 1 at 4950 end1 ambiguous",
        "-0.01",
    ),
]

ROWS = [*STOPS_AND_TARGETS, *TIME_AND_SIGNALS, *LIMIT_ENTRIES, *TRAILS]

OTHERWISE = [
    # A gap that is not whole: freqtrade leaves at the stop if any price of the candle is that good, here at the open.
    row(
        "tc11",
        f"{PEAK_TAPE} | 5000 5150 4650 4750",
        f"{LONG} sl -10% tp +10% trails 3%@+5%",
        "trailing_stop 1 at 5000 open3",
        "0.019",
    ),
]

NOT_SAYABLE = {
    "a return table that changes with the age": ["tc16", "tc18", "tc19", "tc20", "tc24"],
    "the candle of entry's own rule for a trail (a price made up from the open)": ["tc35", "tc36", "tc37", "tc38"],
    "a price from a callback outside the candle, moved into it": ["tc40", "tc41", "tc44", "tc45", "tc46"],
    "opposite signals in one candle that cancel each other": ["tc47"],
    "a pending order that a callback prices anew": ["tc48", "tc49", "tc50", "tc51", "tc52", "tc53", "tc58", "tc59"],
    "a position that a callback makes larger": ["tc57"],
}


@pytest.mark.parametrize("published", ROWS, ids=lambda published: published.name)
def test_a_published_row(published: Row) -> None:
    assert [outcome("freqtrade", trade, published.bars) for trade, _ in published.trades] == [
        expected for _, expected in published.trades
    ]
    assert profit(published) == Decimal(published.profit)


@pytest.mark.parametrize("published", OTHERWISE, ids=lambda published: published.name)
def test_a_published_row_that_ends_otherwise_here(published: Row) -> None:
    ((trade, expected),) = published.trades
    assert outcome("freqtrade", trade, published.bars) == expected
    assert profit(published) != Decimal(published.profit)


def test_a_target_must_be_exceeded() -> None:
    """`min_roi_reached` of freqtrade/strategy/interface.py asks for more than the ROI, not for as much."""
    bars = f"{WIDE} | 5000 5150 4990 5100 | 5100 5150.01 5090 5100"
    assert outcome("freqtrade", f"{LONG} sl -10% tp +3%", bars) == "take_profit 1 at 5150 end2"


def test_every_published_row_is_here_or_has_a_reason() -> None:
    named = [published.name for published in (*ROWS, *OTHERWISE)]
    named += [name for names in NOT_SAYABLE.values() for name in names]
    assert sorted(named, key=lambda name: int(name[2:])) == [f"tc{number}" for number in range(60)]


def profit(published: Row) -> Decimal:
    """Return the sum of the trades' profits as ratios of their entries, rounded like the published one."""
    return sum((_ratio(trade, expected) for trade, expected in published.trades), Decimal(0)).quantize(Decimal("0.001"))


def _ratio(trade: str, expected: str) -> Decimal:
    words = trade.split()
    *_, left = expected.split("; ")
    if " at " not in left:
        return Decimal(0)
    entry, exit_price = Decimal(words[3]), Decimal(left.split()[3])
    return (exit_price / entry - 1) * (1 if words[0] == "long" else -1)
