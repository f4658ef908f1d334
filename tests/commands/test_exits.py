"""Trail, break-even, time limit and the stop after the first target, from the options to the last line of `explain`.

The story on AAAUSDT, long 1 from 100 in minute 0: 103 in minute 1 arms the break-even of 102, 105 in minute 2 begins
the trail at 104, the peak of 110 in minute 4 puts its stop at 107.8, and minute 5 falls to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.cli import NOW_MS
from tests.commands.watching import Watched, tape, watched

MINUTE_MS = 60_000
RISE = {
    1: "100 103 99.5 102",
    2: "102 105 101 104.8",
    3: "104.8 108 104.5 107",
    4: "107 110 106 109.5",
    5: "109.5 109.6 107 107.5",
}
WORDS = ("--sl", "5%", "--trail", "2%@+4%", "--break-even", "2%", "--time-limit", "4h", "--size", "1")
OPENED = (
    "#1 open long 1 AAAUSDT at 100, stop 95, trail 2% from 104, break-even from 102, until 2026-11-20 14:00 UTC, "
    "fee 0.10, free 9899.90 USDT\n"
    "   at stop 95: -5.20 USDT, no target, costs included; 100.00 tied up\n"
    "   trail: 2% behind the best price, from 104 on: its stop begins at 101.92\n"
    "   break-even: from 102 on the stop stands at 100.21 or nearer (nothing lost, costs included)\n"
    "   time limit: leaves at the first price from 2026-11-20 14:00:30 UTC on\n"
)
EXPORTED = {
    "stop_loss": "105.84",
    "stop_reason": "trailing_stop",
    "trail": "2%",
    "trail_activation": "104",
    "trail_peak": "108",
    "break_even_trigger": "102",
    "break_even_stop": "100.21",
    "stop_after_first_target": None,
    "time_limit": "2026-11-20T14:00:30.000Z",
}
OUTCOME = ("status", "exit_reason", "entry_price", "quantity", "exit_price", "closed_at", "fees", "realized_pnl")
MOVED = [
    "#1 moved long 1 AAAUSDT stop 100.21 (break even), break-even reached by 103",
    "#1 moved long 1 AAAUSDT stop 102.9 (trailing stop), new peak 105",
    "#1 moved long 1 AAAUSDT stop 105.84 (trailing stop), new peak 108",
    "#1 moved long 1 AAAUSDT stop 107.8 (trailing stop), new peak 110",
]


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path, tape(RISE)) as made:
        made.run("orders", "-q")
        yield made


def minutes_pass(venue: Watched, count: int) -> str:
    """Tick after each minute; return all that was printed."""
    printed = []
    for _ in range(count):
        venue.pass_seconds(60)
        result = venue.run("watch", "--once", "-q")
        assert (result.code, result.err) == (0, "")
        printed.append(result.out)
    return "".join(printed)


def log_lines(venue: Watched) -> list[str]:
    """Return the sentences of the journal about trades, without their times."""
    lines = [line.partition("UTC  ")[2].partition(" (recorded")[0] for line in venue.run("log", "-q").out.splitlines()]
    return [line for line in lines if line.startswith("#")]


def trade(venue: Watched, number: int) -> Mapping[str, Json]:
    return venue.data("show", str(number))


# -- the story ---------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_the_exits_mean_in_prices(venue: Watched) -> None:
    dry = venue.run("long", "AAAUSDT", *WORDS, "--dry-run")
    assert (dry.code, dry.err, dry.out) == (0, "", f"dry run: {OPENED}")
    assert venue.data("trades")["total"] == 0
    assert venue.run("long", "AAAUSDT", *WORDS).out == OPENED


def test_the_watch_trails_and_leaves(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    assert minutes_pass(venue, 6) == (
        f"{MOVED[0]}, free 9899.90 USDT\n#1 TRAIL long 1 AAAUSDT 100 -> 107.8, net +7.59 (+1.52R), free 10007.59 USDT\n"
    )
    told = "#1 TRAIL long 1 AAAUSDT 100 -> 107.8, net +7.59 (+1.52R)"
    assert log_lines(venue)[1:] == [*MOVED, told]
    assert venue.run("check").code == 0
    assert venue.run("check", "--rebuild").code == 0
    assert log_lines(venue)[1:] == [*MOVED, told]


def test_one_late_tick_tells_the_same_story_without_the_peaks_that_decided_nothing(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    venue.pass_seconds(3600)
    venue.run("watch", "--once")
    assert log_lines(venue)[1:-1] == [MOVED[0], MOVED[-1]]
    assert trade(venue, 1)["closed_at"] == "2026-11-20T10:05:59.999Z"


def test_a_new_peak_of_several_trades_is_one_line_and_a_part_of_each_story(venue: Watched) -> None:
    for distance in ("2%", "4%"):
        assert venue.run("long", "AAAUSDT", "--size", "1", "--trail", distance, "--again", "-q").code == 0
    venue.pass_seconds(150)
    venue.run("watch", "--once")
    (line,) = [line for line in venue.run("log").out.splitlines() if "peak" in line]
    assert line.endswith("AAAUSDT new peak 105 led the trails of #1 to 102.9, #2 to 100.8")
    assert "#2 moved long 1 AAAUSDT stop 100.8 (trailing stop), new peak 105" in venue.run("show", "2").out
    assert venue.run("check").code == 0


def test_a_stream_tells_what_a_person_would_act_on(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    venue.pass_seconds(390)
    told = [event for event in venue.events("watch", "--for", "1s") if "trade" in str(event["event"])]
    assert [event["event"] for event in told] == ["trade_changed", "trade_closed"]
    assert cast("Mapping[str, Json]", told[0]["data"])["stop"] == {
        "at": "2026-11-20T10:01:59.999Z",
        "price": "100.21",
        "reason": "break_even",
        "best_price": "103",
        "rule": "4.3 break-even reached",
    }


def test_a_backup_keeps_the_moved_stops(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    minutes_pass(venue, 4)
    copy = venue.folder / "copy.db"
    assert venue.run("db", "backup", str(copy)).code == 0
    assert venue.run("check", "--db", str(copy)).code == 0
    shown = venue.run("show", "1", "--db", str(copy), "--json", "-q").envelope["data"]
    assert shown == venue.data("show", "1", "-q")


# -- what is shown -----------------------------------------------------------------------------------------


def test_show_while_it_trails_and_afterwards(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    minutes_pass(venue, 4)
    lines = venue.run("show", "1", "-q").out.splitlines()
    assert lines[3:7] == [
        "  stop        105.84 (trailing stop), 3.78% below the mark, was 95 at first",
        "  trail       2% behind the best price, 108 so far: its stop stands at 105.84",
        "  break-even  102 was reached: the stop stands at 100.21 or nearer (nothing lost, costs included)",
        "  time limit  leaves at the first price from 2026-11-20 14:00:30 UTC on",
    ]
    assert lines[-2:] == [
        "  2026-11-20 10:03:59  #1 moved long 1 AAAUSDT stop 105.84 (trailing stop), new peak 108, after 1",
        "                       other since the line above",
    ]
    minutes_pass(venue, 2)
    lines = venue.run("show", "1", "-q").out.splitlines()
    assert lines[3:6] == [
        "  stop        107.8 (trailing stop), was 95 at first",
        "  trail       2% behind the best price, which was 110: its stop stood at 107.8",
        "  break-even  102 was reached; break-even was 100.21",
    ]


def test_what_was_never_reached(venue: Watched) -> None:
    words = ("--trail", "1@120", "--break-even", "119:gross", "--time-limit", "2m", "--size", "1")
    assert venue.run("long", "BBBUSDT", *words).out.splitlines()[1:] == [
        "   no stop, no target; 100.00 tied up",
        "   trail: 1 behind the best price, from 120 on: its stop begins at 119",
        "   break-even: from 119 on the stop stands at 100 or nearer (the entry price)",
        "   time limit: leaves at the first price from 2026-11-20 10:02:30 UTC on",
    ]
    assert minutes_pass(venue, 4) == "#1 TIME long 1 BBBUSDT 100 -> 100, net -0.20, free 9999.80 USDT\n"
    lines = venue.run("show", "1", "-q").out.splitlines()
    assert "  trail       1 behind the best price, from 120 on, which was not reached" in lines
    assert "  break-even  119 was not reached; break-even was 100" in lines


def test_the_fields_of_a_trade(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    fields = ("stop_loss", "stop_reason", "initial_stop", "trail", "break_even", "time_limit", "next_armed")
    trail: dict[str, Json] = {"distance": "2", "unit": "percent", "activation": "104"}
    even: dict[str, Json] = {"trigger": "102", "stop": "100.21", "gross": False}
    until = "2026-11-20T14:00:30.000Z"
    told = trade(venue, 1)
    assert [told[name] for name in fields] == [
        "95",
        "stop_loss",
        "95",
        {**trail, "active": False, "peak": None, "stop": None},
        {**even, "active": False},
        until,
        {"below": "95", "above": "102", "at": until},
    ]
    minutes_pass(venue, 4)
    told = trade(venue, 1)
    assert [told[name] for name in fields] == [
        "105.84",
        "trailing_stop",
        "95",
        {**trail, "active": True, "peak": "108", "stop": "105.84"},
        {**even, "active": True},
        until,
        {"below": "105.84", "above": "108", "at": until},
    ]


def test_a_waiting_trade(venue: Watched) -> None:
    words = ("--limit", "98", "--sl", "5%", "--trail", "1R", "--break-even", "1R:gross", "--time-limit", "4h")
    assert venue.run("long", "BBBUSDT", *words, "--size", "1").out.splitlines()[1:] == [
        "   at stop 93.1: -5.09 USDT, no target, costs included; 98.10 tied up",
        "   trail: 4.9 behind the best price, from the entry on: its stop begins at 93.1",
        "   break-even: from 102.9 on the stop stands at 98 or nearer (the entry price)",
        "   time limit: leaves 4h after the entry",
    ]
    told = trade(venue, 1)
    assert (told["stop_loss"], told["time_limit"]) == ("93.1", None)
    assert venue.run("modify", "1", "--time-limit", "2h").out.startswith(
        "#1 changed long 1 BBBUSDT stop 93.1, trail 4.9, break-even from 102.9, time limit 2h, free "
    )
    assert "time limit  leaves 2h after the entry" in venue.run("show", "1").out
    venue.run("modify", "1", "--time-limit", "2026-11-20T12:00Z")
    assert trade(venue, 1)["time_limit"] == "2026-11-20T12:00:00.000Z"


@pytest.mark.parametrize(("side", "stop", "after"), [("long", "95", "90"), ("short", "105", "110")])
def test_a_stop_never_goes_back_for_a_first_target_and_nothing_says_so(
    venue: Watched, side: str, stop: str, after: str
) -> None:
    opened = venue.run(side, "AAAUSDT", "--sl", stop, "--tp", "1R:0.5", "--after-tp1", after, "--size", "1").out
    assert opened.endswith(f"   then: the first target moves no stop: {after} is no nearer than {stop}\n")
    assert f"  the first target moves no stop: {after} is no nearer" in venue.run("show", "1").out


def test_a_first_target_brings_the_stop_to_break_even(venue: Watched) -> None:
    words = ("--sl", "5%", "--tp", "1R:0.5", "--tp", "3R:0.5", "--after-tp1", "be", "--size", "1")
    opened = venue.run("long", "AAAUSDT", *words).out
    assert "target 115 (50%), stop 100.21 after the first target, fee" in opened
    assert opened.endswith("   then: the stop goes to 100.21 once the first target is taken\n")
    assert trade(venue, 1)["stop_after_first_target"] == "100.21"
    minutes_pass(venue, 3)
    assert log_lines(venue)[1:] == [
        "#1 TARGET long 0.5 AAAUSDT 100 -> 105, net +2.40, 0.5 left, at touch",
        "#1 moved long 0.5 AAAUSDT stop 100.21 (break even), the first target was taken",
    ]
    told = trade(venue, 1)
    assert (told["stop_loss"], told["stop_reason"], told["stop_after_first_target"]) == ("100.21", "break_even", None)
    minutes_pass(venue, 4)
    assert log_lines(venue)[-1] == "#1 EVEN long 0.5 AAAUSDT 100 -> 100, net -0.10, whole trade +2.30 (+0.46R)"


def test_the_board_names_the_stop_in_force(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    minutes_pass(venue, 4)
    board = venue.run("--offline", "-q").out.splitlines()
    assert board[-1] == (
        "1  long         1  AAAUSDT    100   110  +9.90  +1.98   -3.78%          -   4m  trail, 3h 56m left"
    )


def test_the_filters_know_the_reasons(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    venue.run("long", "BBBUSDT", "--time-limit", "1m", "--size", "1")
    minutes_pass(venue, 6)
    for reason, number in (("trailing_stop", 1), ("trail", 1), ("time_limit", 2), ("time", 2)):
        items = cast("Sequence[Mapping[str, Json]]", venue.data("trades", "--exit", reason)["items"])
        assert [item["id"] for item in items] == [number]
    assert venue.data("trades", "--exit", "break_even")["total"] == 0


def test_exports_have_the_exits(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    minutes_pass(venue, 4)
    (row,) = json.loads(venue.run("export", "trades", "--format", "json").out)
    assert {name: row[name] for name in EXPORTED} == EXPORTED


# -- explain -----------------------------------------------------------------------------------------------


def test_explain_tells_why_the_stop_moved(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    minutes_pass(venue, 6)
    text = venue.run("explain", "1").out
    begins, ends = text.index("Stop moved"), text.index("Exit: trailing stop")
    assert text[begins:ends] == (
        "Stop moved  2026-11-20 10:01:59 UTC\n"
        "  rule       the trigger was touched: the stop goes to break-even (section 4.3)\n"
        "  seen       candle 2026-11-20 10:01 to 10:02: open 100, high 103, low 99.5, close 102\n"
        "  source     binance, 30s old when recorded\n"
        "  be         (100 + 0.1 / 1) / (1 - 0.001), rounded up to the step: 100.21\n"
        "  stop       95 -> 100.21 (break even)\n"
        "Stop moved  2026-11-20 10:04:59 UTC\n"
        "  rule       a better price than any before: the trail follows it (section 4.3)\n"
        "  seen       candle 2026-11-20 10:04 to 10:05: open 107, high 110, low 106, close 109.5\n"
        "  source     binance, 30s old when recorded\n"
        "  trail      best price 110 - 2% of it = 107.8\n"
        "  stop       105.84 -> 107.8 (trailing stop)\n"
        "  before     2 moves of the trail, not shown here\n"
    )
    assert text[ends:].splitlines()[1:5] == [
        "  rule       the price swept through the stop: out at the stop (section 4.2)",
        "  seen       candle 2026-11-20 10:05 to 10:06: open 109.5, high 109.6, low 107, close 107.5",
        "  source     binance, 30s old when recorded",
        "  price      level 107.8, no slippage, no rounding",
    ]


FALL = {1: "100 100.5 97.03 97.5", 2: "97.5 98 95.5 95.6", 3: "95.6 96 94.1 95.9"}


def test_explain_rounds_against_a_short(tmp_path: Path) -> None:
    with watched(tmp_path, tape(FALL)) as venue:
        venue.configure("costs: {slippage_bps: 5}\n")
        venue.run("short", "AAAUSDT", "--trail", "1.5%", "--break-even", "5%:gross", "--size", "1")
        minutes_pass(venue, 4)
        text = venue.run("explain", "1").out
    assert text[text.index("Stop moved") : text.index("Exit")] == (
        "Stop moved  2026-11-20 10:02:59 UTC\n"
        "  rule       a better price than any before: the trail follows it (section 4.3)\n"
        "  seen       candle 2026-11-20 10:02 to 10:03: open 97.5, high 98, low 95.5, close 95.6\n"
        "  source     binance, 30s old when recorded\n"
        "  trail      best price 95.5 + 1.5% of it = 96.9325, rounded up to the step 0.01 = 96.94\n"
        "  stop       98.49 -> 96.94 (trailing stop)\n"
        "  before     1 move of the trail, not shown here\n"
        "Stop moved  2026-11-20 10:03:59 UTC\n"
        "  rule       the trigger was touched: the stop goes to break-even (section 4.3)\n"
        "  seen       candle 2026-11-20 10:03 to 10:04: open 95.6, high 96, low 94.1, close 95.9\n"
        "  source     binance, 30s old when recorded\n"
        "  trail      best price 94.1 + 1.5% of it = 95.5115, rounded up to the step 0.01 = 95.52\n"
        "  be         the entry price 99.95, costs left out\n"
        "  stop       96.94 -> 95.52 (trailing stop)\n"
    )


def test_explain_counts_all_costs_of_break_even(tmp_path: Path) -> None:
    with watched(tmp_path, tape(FALL)) as venue:
        venue.configure("costs: {slippage_bps: 5}\n")
        venue.run("short", "AAAUSDT", "--break-even", "1%", "--size", "1")
        minutes_pass(venue, 2)
        lines = venue.run("explain", "1").out.splitlines()
    assert "  be         (99.95 - 0.09995 / 1) / (1 + 0.001) / (1 + 5 bps), rounded down to the step: 99.7" in lines
    assert "  stop       none -> 99.7 (break even)" in lines


def test_a_trail_behind_the_stop_moves_nothing_yet(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", "--sl", "99", "--trail", "5", "--size", "1")
    minutes_pass(venue, 2)
    assert log_lines(venue)[1:] == ["#1 moved long 1 AAAUSDT stop 99, new peak 103"]
    text = venue.run("explain", "1").out
    assert text[text.index("Behind") : text.index("Still open")] == (
        "Behind the stop  2026-11-20 10:01:59 UTC\n"
        "  rule       a better price than any before: the trail follows it (section 4.3)\n"
        "  seen       candle 2026-11-20 10:01 to 10:02: open 100, high 103, low 99.5, close 102\n"
        "  source     binance, 30s old when recorded\n"
        "  trail      best price 103 - 5 = 98\n"
        "  stop       stays at 99\n"
    )


def test_moves_before_and_after_a_part_are_told_apart(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", "--tp", "106:0.5", "--trail", "6", "--size", "1")
    minutes_pass(venue, 5)
    lines = venue.run("explain", "1").out.splitlines()
    assert [line for line in lines if line.startswith(("Stop", "Exit", "  stop ", "  before"))] == [
        "Stop moved  2026-11-20 10:02:59 UTC",
        "  stop       97 -> 99 (trailing stop)",
        "  before     1 move of the trail, not shown here",
        "Exit 1: take profit  2026-11-20 10:03:59 UTC",
        "Stop moved  2026-11-20 10:04:59 UTC",
        "  stop       102 -> 104 (trailing stop)",
        "  before     1 move of the trail, not shown here",
    ]


def test_every_move_can_be_computed_again(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", *WORDS)
    minutes_pass(venue, 6)
    data = venue.data("explain", "1")
    moves = cast("Sequence[Mapping[str, Json]]", data["stop_moves"])
    even = cast("Mapping[str, str]", moves[0]["break_even"])
    fee = Decimal(even["entry_fee"]) / Decimal(even["quantity"])
    exact = (Decimal(even["entry_price"]) + fee) / (1 - Decimal(even["fee_rate"]))
    assert Decimal("0") <= Decimal(even["stop"]) - exact < Decimal("0.01")
    for move in moves[1:]:
        trail = cast("Mapping[str, str]", move["trail"])
        peak = Decimal(trail["peak"])
        assert Decimal(trail["gap"]) == peak * Decimal(trail["distance"]) / 100
        assert Decimal(trail["stop_before_rounding"]) == peak - Decimal(trail["gap"])
        assert trail["stop"] == move["stop"]
    assert [move["stop_before"] for move in moves] == ["95", "100.21", "102.9", "105.84"]
    assert [move["stop_reason"] for move in moves] == ["break_even", *["trailing_stop"] * 3]


# -- changes by hand ---------------------------------------------------------------------------------------


def test_modify_gives_and_takes_exits(venue: Watched) -> None:
    venue.run("long", "AAAUSDT", "--sl", "5%", "--size", "1")
    venue.pass_seconds(270)
    assert venue.run("modify", "1", "--sl", "be", "--trail", "3", "--time-limit", "1h").out == (
        "#1 changed long 1 AAAUSDT stop 106.5 (trailing stop), trail 3, until 2026-11-20 11:00 UTC, free 9899.90 USDT\n"
        "   rules from 2026-11-20 10:05 UTC on\n"
    )
    assert venue.run("modify", "1", "--trail", "none", "--time-limit", "none").out.startswith(
        "#1 changed long 1 AAAUSDT stop 106.5, free "
    )
    told = trade(venue, 1)
    assert (told["trail"], told["time_limit"], told["stop_reason"]) == (None, None, "stop_loss")
    assert venue.run("modify", "1", "--break-even", "115:gross", "--sl", "none").out.startswith(
        "#1 changed long 1 AAAUSDT break-even from 115, free "
    )
    assert venue.run("modify", "1", "--break-even", "none").out.startswith("#1 changed long 1 AAAUSDT, free ")
    assert venue.run("check").code == 0


REFUSED_CHANGES = [
    (("--sl", "be"), "stop `100.21` is above the price `100` for a long trade", 6),
    (("--trail", "100"), "trail `100` is no less than the price it begins at, `100`", 6),
    (("--trail", "1@99"), "trail activation `99` is below the price `100` for a long trade", 6),
    (("--break-even", "99"), "break-even trigger `99` is below the price `100` for a long trade", 6),
    (("--break-even", "100.1"), "break-even trigger `100.1` of a long trade must be above the break-even price", 6),
    (("--time-limit", "2026-11-20T09:00Z"), "time limit `2026-11-20T09:00:00.000Z` has passed", 6),
    (("--trail", "x"), "--trail: `x` is not a level", 2),
    (("--break-even", "be"), "--break-even: break-even cannot wait for `be`", 2),
    (("--time-limit", "soon"), "--time-limit: `soon` is not a time limit", 2),
    (("--sl", "none", "--trail", "1R"), "--trail: a trail in risks (`1R`) needs a stop loss", 2),
    (("--sl", "none", "--break-even", "1R"), "--break-even: a break-even in risks (`1R`) needs a stop loss", 2),
]


@pytest.mark.parametrize(("words", "message", "code"), REFUSED_CHANGES)
def test_changes_that_cannot_be(venue: Watched, words: tuple[str, ...], message: str, code: int) -> None:
    venue.run("long", "BBBUSDT", "--sl", "5%", "--size", "1")
    result = venue.run("modify", "1", *words)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"error: {message}")


WRONG_WORDS = [
    (("--trail", "100%"), "trail `100%` of a long trade must be below `100%`"),
    (("--trail", "2%@be"), "--trail: a trail cannot begin at `be`"),
    (("--trail", "1R"), "--trail: a trail in risks (`1R`) needs a stop loss"),
    (("--break-even", "1R:net"), "--break-even: `1R:net` is not a break-even"),
    (("--time-limit", "x"), "--time-limit: `x` is not a time limit"),
    (("--sl", "95", "--tp", "110", "--after-tp1", "be"), "--after-tp1: a stop at `be` after the first target needs"),
    (("--tp", "110:0.5", "--after-tp1", "x"), "--after-tp1: `x` is not a level"),
    (("--tp", "110:0.5", "--after-tp1", "1R"), "--after-tp1: a stop after the first target in risks (`1R`) needs"),
    (("--sl", "be"), "--sl: stop `be` means nothing before the entry"),
    (("--trail", ""), "--trail is empty"),
    (("--break-even", " "), "--break-even is empty"),
    (("--time-limit", ""), "--time-limit is empty"),
    (("--after-tp1", ""), "--after-tp1 is empty"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_WORDS)
def test_wrong_words_are_named_with_their_option(venue: Watched, words: tuple[str, ...], message: str) -> None:
    result = venue.run("long", "AAAUSDT", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")


REFUSED = [
    (("--trail", "2@99"), "trail activation `99` is below entry `100` for a long trade"),
    (("--break-even", "99"), "break-even trigger `99` is below entry `100` for a long trade"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_exits_that_cannot_be(venue: Watched, words: tuple[str, ...], message: str) -> None:
    result = venue.run("long", "AAAUSDT", *words)
    assert (result.code, result.out) == (6, "")
    assert result.err.startswith(f"error: {message}\nhint: the ")


# -- signals and presets -----------------------------------------------------------------------------------


def test_a_stored_signal_says_all_its_exits(venue: Watched) -> None:
    words = ("--sl", "5%", "--tp", "1R:0.5", "--trail", "2%@+4%", "--break-even", "1R", "--time-limit", "4h")
    added = venue.run("signal", "add", "AAAUSDT", "long", *words, "--after-tp1", "be")
    assert added.out == (
        "signal 1 added: manual:1 long AAAUSDT market, stop 5%, target 1R:0.5, trail 2%@+4%, break-even 1R, "
        "time limit 4h, after tp1 be\n"
    )
    told = venue.data("signal", "show", "1")
    names = ("stop_loss", "trail", "break_even", "time_limit", "after_tp1")
    assert [told[name] for name in names] == ["5%", "2%@+4%", "1R", "4h", "be"]
    lines = venue.run("signal", "show", "1").out.splitlines()
    assert lines[4:8] == ["  trail       2%@+4%", "  break-even  1R", "  time limit  4h", "  after tp1   be"]
    sheet = venue.run("signal", "list", "--csv").out.splitlines()
    assert sheet[0].endswith(",trades,trail,break_even,time_limit,after_tp1")
    assert sheet[1].endswith(",2%@+4%,1R,4h,be")
    venue.run("signal", "cancel", "1")
    venue.run("signal", "add", "AAAUSDT", "short", "--trail", "3%")


def test_exported_signals_are_known_when_they_are_imported(venue: Watched) -> None:
    venue.run("signal", "add", "AAAUSDT", "long", "--sl", "5%", "--tp", "1R:0.5", "--after-tp1", "be", "--trail", "1R")
    file = venue.folder / "out.csv"
    file.write_text(venue.run("export", "signals").out)
    assert venue.run("signal", "import", str(file)).out == "0 new, 1 known\n"


def test_presets_have_all_exits(venue: Watched) -> None:
    venue.configure(
        "presets:\n  full: {sl: 5%, tp: [1R:0.5, 3R:0.5], trail: 1R@2R, break_even: 1R, "
        "time_limit: 4h, after_tp1: be}\n"
    )
    full = venue.run("long", "AAAUSDT", "--preset", "full", "--size", "1", "--dry-run").out
    assert full.startswith(
        "dry run: #1 open long 1 AAAUSDT at 100, stop 95, target 105 (50%), target 115 (50%), trail 5 from 110, "
        "break-even from 105, stop 100.21 after the first target, until 2026-11-20 14:00 UTC, fee "
    )
    mine = ("--tp", "4R", "--trail", "3%", "--break-even", "2R", "--time-limit", "1h")
    own = venue.run("long", "AAAUSDT", "--preset", "full", "--size", "1", *mine, "--dry-run").out
    assert own.startswith(
        "dry run: #1 open long 1 AAAUSDT at 100, stop 97 (trailing stop), target 120, trail 3%, break-even from 110, "
        "until 2026-11-20 11:00 UTC, fee "
    )
    after = venue.run("long", "AAAUSDT", "--preset", "full", "--size", "1", "--after-tp1", "101", "--dry-run").out
    assert "stop 95, target 105 (50%)" in after
    assert "stop 101 after the first target" in after


def test_a_preset_fills_in_a_file(venue: Watched) -> None:
    venue.configure("presets:\n  runner: {sl: 5%, trail: 1R@2R, size: 1}\n")
    file = venue.folder / "ideas.csv"
    file.write_text("id,symbol,side,stop_loss\n1,AAAUSDT,long,\n2,BBBUSDT,short,2%\n")
    assert venue.run("signal", "import", str(file), "--preset", "runner").out == "2 new, 0 known\n"
    found = [venue.data("signal", "show", str(number)) for number in (1, 2)]
    assert [(told["stop_loss"], told["trail"]) for told in found] == [("5%", "1R@2R"), ("2%", "1R@2R")]
    refused = venue.run("signal", "import", str(file), "--preset", "runer")
    assert (refused.code, refused.err) == (2, "error: --preset `runer` does not exist\nhint: one of runner\n")


# -- the same in a backtest --------------------------------------------------------------------------------


def test_a_backtest_over_the_same_candles_leaves_the_same_way(venue: Watched) -> None:
    venue.pass_seconds(30)
    made = NOW_MS + MINUTE_MS
    signals = venue.folder / "ideas.csv"
    signals.write_text(
        "id,time,symbol,side,stop_loss,take_profit,trail,break_even,time_limit,notional\n"
        f"trail,{made},AAAUSDT,long,5%,,2%@+4%,2%,4h,500\n"
        f"tight,{made},AAAUSDT,long,5%,,1%,,,500\n"
        f"even,{made},AAAUSDT,long,95;be:gross,103:0.5;120:0.5,,,,500\n"
        f"late,{made},AAAUSDT,long,95,,,110,,500\n"
        f"time,{made},AAAUSDT,long,5%,,,,2m,500\n"
        f"short,{made},AAAUSDT,short,120,,15,-2%,2026-11-20T10:04:30Z,500\n"
    )
    rows = [f"{c.open_ms},{c.open},{c.high},{c.low},{c.close},1" for c in tape(RISE, 30)]
    candles = venue.folder / "tape.csv"
    candles.write_text("\n".join(["time,open,high,low,close,volume", *rows, ""]))
    assert venue.run("signal", "import", str(signals), "--open", "-q").code == 0
    venue.pass_seconds(1800)
    venue.run("watch", "--once")
    live = cast("Sequence[Mapping[str, Json]]", venue.data("trades", "--limit", "0", "-q")["items"])
    known = venue.folder / "known.json"
    known.write_text(venue.run("instruments", "AAAUSDT", "--json").out)
    files = ("--signals", str(signals), "--candles", f"AAAUSDT={candles}", "--instruments", str(known))
    tested = cast("Sequence[Mapping[str, Json]]", venue.data("backtest", *files)["trades"])
    assert _outcomes(tested) == _outcomes(live)
    reasons = {name: values[1] for name, values in _outcomes(live).items()}
    assert reasons == {
        "trail": "trailing_stop",
        "tight": "trailing_stop",
        "even": "break_even",
        "late": "break_even",
        "time": "time_limit",
        "short": "time_limit",
    }


def _outcomes(trades: Sequence[Mapping[str, Json]]) -> dict[Json, list[Json]]:
    named = {cast("Mapping[str, Json]", trade["signal"])["external_id"]: trade for trade in trades}
    return {name: [trade[field] for field in OUTCOME] for name, trade in named.items()}
