"""A preset fills in what a row leaves blank, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.engine.exit_wish import (
    ExitWish,
    parse_break_even,
    parse_level,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.signal import Defaults, Size, SizeKind
from papertrade.feeds.signal_defaults import filled_in, signal_filled_in
from papertrade.feeds.signal_files import load_signals

FULL = Defaults(
    exits=ExitWish(
        parse_level("2%"),
        (parse_target("1R:0.5"), parse_target("2R:0.5")),
        parse_trail("1R@2R"),
        parse_break_even("1R"),
        parse_time_limit("4h"),
        parse_level("be"),
    ),
    size=Size(SizeKind.RISK_PERCENT, Decimal("0.5")),
    expires_ms=7_200_000,
)
ALL: dict[str, str | tuple[str, ...]] = {
    "trail": "1R@2R",
    "break_even": "1R",
    "time_limit": "4h",
    "expires": "7200s",
    "risk": "0.5%",
    "take_profit": ("1R:0.5", "2R:0.5"),
    "stop_loss": "2%;be",
}
ROWS: list[tuple[dict[str, str | tuple[str, ...]], dict[str, str | tuple[str, ...]]]] = [
    ({}, ALL),
    ({"stop_loss": " ", "take_profit": (), "risk": ""}, ALL),
    ({"stop_loss": "95"}, {**ALL, "stop_loss": "95;be"}),
    ({"stop_loss": ("95", "101")}, {**ALL, "stop_loss": "95;101"}),
    ({"stop_loss": ";101"}, {**ALL, "stop_loss": "2%;101"}),
    ({"take_profit": "110"}, {**ALL, "take_profit": "110", "stop_loss": "2%"}),
    ({"trail": "5", "break_even": "2%"}, {**ALL, "trail": "5", "break_even": "2%"}),
    ({"time_limit": "1h", "expires": "1d"}, {**ALL, "time_limit": "1h", "expires": "1d"}),
]


@pytest.mark.parametrize(("row", "expected"), ROWS)
def test_what_a_row_says_stays(
    row: dict[str, str | tuple[str, ...]], expected: dict[str, str | tuple[str, ...]]
) -> None:
    assert dict(filled_in(row.items(), FULL)) == expected


def test_a_size_is_taken_whole_or_not_at_all() -> None:
    assert "risk" not in dict(filled_in([("notional", "500")], FULL))


def test_no_defaults_add_nothing() -> None:
    assert filled_in([("symbol", "A"), ("reason", "")], Defaults(exits=ExitWish())) == (("symbol", "A"),)


def test_the_rows_of_a_file() -> None:
    text = "symbol,side,stop_loss,take_profit,size\nA,long,,,\nB,short,3%,4%,2\n"
    first, second = load_signals(text, "x.csv", now_ms=0, default_source="s", defaults=FULL).signals
    assert (first.exits, first.size) == (FULL.exits, FULL.size)
    assert (str(second.exits.stop), second.exits.after_first, str(second.exits.trail)) == ("3%", None, "1R@2R")
    assert second.size == Size(SizeKind.QUANTITY, Decimal(2))


def test_a_signal_that_no_row_was_read_for_keeps_what_it_says() -> None:
    text = "id,time,symbol,side,entry,stop_loss,reason,tags\n1,2026-11-20T10:00Z,A,short,90,3%,why,x\n"
    (signal,) = load_signals(text, "x.csv", now_ms=0, default_source="s").signals
    filled = signal_filled_in(signal, FULL)
    assert (str(filled.exits.stop), filled.exits.targets, filled.size) == ("3%", FULL.exits.targets, FULL.size)
    assert filled.expires_at_ms == signal.made_at_ms + 7_200_000
    assert signal_filled_in(filled, FULL) == filled
    assert signal_filled_in(signal, Defaults(exits=ExitWish())) == signal
