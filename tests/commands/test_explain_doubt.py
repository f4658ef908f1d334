"""What `explain` says of an exit in doubt, of a book that nothing walked, and of an order never filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk, candle, trading_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    """A desk whose minute 20 opens at 100, falls to 99, rises to 111 and stays at 110."""
    with trading_desk(tmp_path) as plain:
        yield plain


def doubts(desk: TradingDesk, *options: str) -> str:
    desk("long", "BTCUSDT", "--size", "1", *options)
    desk.at("25")("watch", "--once")
    lines = desk.text("explain", "1").splitlines()
    return next(" ".join([line[13:], *lines[at + 1 : at + 2]]) for at, line in enumerate(lines) if "in doubt" in line)


def test_the_stop_of_a_stop_entry_and_no_target(desk: TradingDesk) -> None:
    told = doubts(desk, "--stop", "110.5", "--sl", "105", "--tp", "120")
    assert told.startswith("the candle touched the stop, and nothing finer tells whether before or after the entry")
    figures = desk.data("metrics")["trading_statistics"]
    assert isinstance(figures, dict)
    assert figures["ambiguous_exits"] == 1
    assert figures["net_profit_best"] == figures["net_profit"]


def test_the_stop_and_the_target(desk: TradingDesk) -> None:
    told = doubts(desk, "--sl", "99.5", "--tp", "110")
    assert told.startswith("the candle touched the stop and the target, and nothing finer")


def test_the_stop_and_what_would_have_moved_it(desk: TradingDesk) -> None:
    told = doubts(desk, "--sl", "99.5", "--break-even", "105", "--tp", "120")
    assert told.startswith("the candle touched the stop and a price that would have moved it, and nothing finer")


@pytest.mark.parametrize(("slippage", "count"), [("bps", 0), ("book", 1)])
def test_a_book_is_missed_only_where_one_is_walked(desk: TradingDesk, slippage: str, count: int) -> None:
    desk.server.spread = Decimal("0.02")
    walking = replace(desk, environment={**desk.environment, "PAPERTRADE_COSTS__SLIPPAGE": slippage})
    walking("long", "BTCUSDT", "--size", "0.5", "--stop", "105", "--sl", "90")
    walking.at("25")("watch", "--once")
    assert walking("close", "1").code == 0
    assert walking.text("explain", "1").count("not known for a past candle") == count


def test_why_an_order_was_never_filled(desk: TradingDesk) -> None:
    desk("long", "BTCUSDT", "--stop", "105", "--sl", "90", "--tp", "109", "--size", "1", "--expires", "10m")
    desk.server.market = replace(
        desk.server.market,
        candles={"BTCUSDT": [candle(m, *(["100"] * 4 if m < 3 else ["120"] * 4)) for m in range(-70, 30)]},
    )
    desk.at("5")("watch", "--once")
    told = desk.text("explain", "1").splitlines()
    assert "  why        target `109` is below entry `120` for a long trade" in told
    assert "  rule       its cash and its levels are checked again at the fill: no entry (section 4.4)" in told
    assert "  seen       candle 2026-11-20 10:03 to 10:04: open 120, high 120, low 120, close 120" in told
    assert "  source     binance, 1m old when recorded" in told
    desk("long", "BTCUSDT", "--limit", "50", "--size", "1", "--expires", "2m")
    desk.at("15")("watch", "--once")
    told = desk.text("explain", "2").splitlines()
    assert "  rule       given up at the first price from its expiry on, before any fill there (section 4.5)" in told
    ended = cast("Mapping[str, Mapping[str, Json]]", desk.data("explain", "2")["ended"])
    assert ended["rule"] == {"section": "4.5", "name": "expired"}
    assert ended["candle"]["open"] == "120"
    assert ended["seen"]["source"] == "final_candle"
    desk("long", "BTCUSDT", "--limit", "50", "--size", "1")
    desk.text("cancel", "3", "--reason", "no longer")
    assert cast("Mapping[str, Json]", desk.data("explain", "3")["ended"])["seen"] is None
