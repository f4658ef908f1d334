"""`explain` keeps to the width it is shown in, whatever held a trade back and whatever it borrowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands.trading_desk import TradingDesk, trading_desk

SETTINGS = {
    "PAPERTRADE_COSTS__BORROW": "5%",
    "PAPERTRADE_CAPS__SYMBOL": "1234.5678",
    "PAPERTRADE_CAPS__ON_CAP": "shrink",
    "COLUMNS": "100",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    with trading_desk(tmp_path) as plain:
        yield replace(plain, environment={**plain.environment, **SETTINGS})


def test_what_a_cap_held_back_goes_on_below(desk: TradingDesk) -> None:
    desk("long", "BTCUSDT", "--size", "50", "--sl", "98")
    lines = desk.text("explain", "1").splitlines()
    assert lines[1].startswith("held back 2026-11-20 10:00:30 UTC: cap_symbol: size 50 -> 12.34567, ")
    assert lines[2].startswith("          ")
    assert max(map(len, lines)) <= 100


def test_what_is_borrowed_is_cut_where_it_never_ends(desk: TradingDesk) -> None:
    desk("long", "BTCUSDT", "--size", "2", "--leverage", "3")
    desk.at("5")
    desk("close", "1")
    lines = desk.text("explain", "1").splitlines()
    assert "  notional   2 x 100 x (3 - 1) / 3 = 133.333333333333..." in lines
    assert any(line.startswith("  owed       133.333333333333... x 0.05 x 270000 ms") for line in lines)
    assert max(map(len, lines)) <= 100
