"""Where an exit's quantity comes from, in `explain`: the fraction, the rounding, the minimums, the order book."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk, candle, trading_desk
from tests.e2e.recompute import again
from tests.venue_market import Listing

LISTING = Listing(base="BTC", quote="USDT", tick="0.01", step="0.01", quantity_min="0.02", notional_min="20")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    """A desk whose BTCUSDT moves in steps of 0.01, is worth 20 at least, and rises to 107 in minute 2."""
    with trading_desk(tmp_path) as plain:
        tape = [
            *(candle(m, *["100"] * 4) for m in range(-70, 2)),
            candle(2, "100", "107", "100", "107"),
            *(candle(m, *["107"] * 4) for m in range(3, 30)),
        ]
        market = replace(plain.server.market, candles={"BTCUSDT": tape}, listings={"BTCUSDT": LISTING})
        plain.server.market = market
        yield plain


def parts(desk: TradingDesk) -> list[str]:
    """Return the line of each exit's quantity, and check that the numbers come out again."""
    assert again(desk.data("explain", "1")).wrong == []
    lines = desk.text("explain", "1").splitlines()
    found = []
    for at, line in enumerate(lines):
        if line.startswith("  quantity "):
            more = lines[at + 1]
            found.append(line[13:] + (f" {more.strip()}" if more.startswith(" " * 13) else ""))
    return found


def told(desk: TradingDesk) -> list[Mapping[str, Json]]:
    """Return the part of each exit as JSON has it."""
    exits = cast("Sequence[Mapping[str, Json]]", desk.data("explain", "1")["exits"])
    return [cast("Mapping[str, Json]", left["part"]) for left in exits]


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ("--size 1 --tp 102", ["1 of 1, all that was left"]),
        ("--size 1 --tp 102:0.3", ["0.3 x 1 = 0.3 of 1"]),
        (
            "--size 1 --tp 102:0.333 --tp 106:0.667",
            [
                "0.333 x 1 = 0.333, down to the step 0.01 = 0.33 of 1",
                "0.67 of 0.67, all that was left: the last target",
            ],
        ),
        (
            "--size 0.5 --tp 102:0.3 --tp 106:0.7",
            ["0.3 x 0.5 = 0.15, at 102 worth 15.3, under the least 20: 0.5 of 0.5, all that was left"],
        ),
        (
            "--size 0.5 --tp 102:0.7",
            [
                "0.7 x 0.5 = 0.35, which leaves 0.15, at 102 worth 15.3, under the least 20: 0.5 of 0.5, "
                "all that was left"
            ],
        ),
        (
            "--size 0.5 --tp 102:0.03",
            [
                "0.03 x 0.5 = 0.015, down to the step 0.01 = 0.01, under the least quantity 0.02: 0.5 of 0.5, "
                "all that was left"
            ],
        ),
        (
            "--size 0.5 --tp 102:0.001",
            ["0.001 x 0.5 = 0.0005, down to the step 0.01 = 0, which is nothing: 0.5 of 0.5, all that was left"],
        ),
    ],
)
def test_a_target_takes_its_fraction_or_what_the_minimum_makes_of_it(
    desk: TradingDesk, options: str, lines: list[str]
) -> None:
    desk("long", "BTCUSDT", *options.split())
    desk.at("5")("watch", "--once")
    assert parts(desk) == lines


def test_a_target_that_asks_for_more_than_is_left(desk: TradingDesk) -> None:
    desk("long", "BTCUSDT", "--size", "1", "--tp", "106:0.7")
    desk("close", "1", "--fraction", "0.5")
    desk.at("5")("watch", "--once")
    assert parts(desk) == ["0.5 x 1 = 0.5 of 1", "0.7 x 1 = 0.7, more than is left: 0.5 of 0.5, all that was left"]


def test_the_fraction_of_a_close_by_hand_is_kept(desk: TradingDesk) -> None:
    desk("long", "BTCUSDT", "--size", "3")
    desk("close", "1", "--fraction", "0.33333")
    desk("close", "1", "--fraction", "1%")
    assert parts(desk) == [
        "0.33333 x 3 = 0.99999, down to the step 0.01 = 0.99 of 3",
        "0.01 x 2.01 = 0.0201, down to the step 0.01 = 0.02, at 100 worth 2, under the least 20: 2.01 of 2.01, "
        "all that was left",
    ]
    assert told(desk)[0] == {
        "because": "asked",
        "fraction": "0.33333",
        "base_quantity": "3",
        "asked": "0.99999",
        "quantity_step": "0.01",
        "on_step": "0.99",
        "quantity_min": "0.02",
        "notional_min": "20",
        "price": "100",
        "quantity": "0.99",
        "cut_by_book": False,
    }
    assert told(desk)[1]["because"] == "part_too_small"
    assert desk("check").code == 0


def test_a_stop_asks_for_no_part(desk: TradingDesk) -> None:
    desk("short", "BTCUSDT", "--size", "1", "--sl", "105")
    desk.at("5")("watch", "--once")
    assert parts(desk) == ["1 of 1, all that was left"]
    (part,) = told(desk)
    assert (part["because"], part["asked"], part["quantity"]) == ("everything", None, "1")


def test_what_a_plain_sell_order_wanted_is_kept(desk: TradingDesk) -> None:
    desk("buy", "BTCUSDT", "--quantity", "1")
    desk("buy", "BTCUSDT", "--quantity", "1", "--again")
    desk("sell", "BTCUSDT", "--quantity", "0.4")
    desk("sell", "BTCUSDT", "--quantity", "1.2")
    assert parts(desk) == [
        "0.4 asked for of 1",
        "1.2 asked for, more than is left: 0.6 of 0.6, all that was left",
    ]
    assert again(desk.data("explain", "2")).wrong == []


def test_a_sell_order_that_would_leave_too_little_takes_all(desk: TradingDesk) -> None:
    desk("buy", "BTCUSDT", "--quantity", "1")
    desk("sell", "BTCUSDT", "--quantity", "0.9")
    assert parts(desk) == [
        "0.9 asked for, which leaves 0.1, at 100 worth 10, under the least 20: 1 of 1, all that was left"
    ]


def test_what_the_order_book_did_not_fill(desk: TradingDesk) -> None:
    desk.server.spread = Decimal("0.02")
    desk.server.depths["BTCUSDT"] = ([("99.99", "2"), ("99", "1")], [("100.01", "20")])
    walking = replace(desk, environment={**desk.environment, "PAPERTRADE_COSTS__SLIPPAGE": "book"})
    walking("buy", "BTCUSDT", "--quantity", "10")
    walking("close", "1", "--fraction", "0.5")
    walking("sell", "BTCUSDT", "--quantity", "5")
    walking("close", "1")
    assert parts(walking) == [
        "0.5 x 10 = 5, the order book filled 3 of 10",
        "5 asked for, the order book filled 3 of 7",
        "the order book filled 3 of 4",
    ]
    assert [part["cut_by_book"] for part in told(walking)] == [True, True, True]


def test_the_terms_are_named_once(desk: TradingDesk) -> None:
    settings = {"CONVENTION__NAME": "tradingview", "COSTS__FUNDING__RATE": "0.01%", "MAINTENANCE_RATE": "1%"}
    own = replace(desk, environment={**desk.environment, **{f"PAPERTRADE_{k}": v for k, v in settings.items()}})
    own("long", "BTCUSDT", "--size", "1", "--leverage", "5")
    assert own.data("explain", "1")["terms"] == {
        "maker": "0.001",
        "taker": "0.001",
        "slippage_bps": "0",
        "leverage": "5",
        "maintenance_rate": "0.01",
        "funding": {"rate": "0.0001", "every_seconds": 28800},
        "borrow_rate": None,
        "price_step": "0.01",
        "quantity_step": "0.01",
        "quantity_min": "0.02",
        "notional_min": "20",
        "convention": {
            "name": "tradingview",
            "same_candle": "nearest",
            "gap_stop": "open",
            "gap_target": "open",
            "gap_limit": "open",
            "limit_fill": "touch",
            "trail": "previous",
            "entry": "next-open",
            "decides": "final-candles",
        },
    }
    other = replace(desk, environment={**desk.environment, "PAPERTRADE_CONVENTION__GAP_STOP": "level"})
    other("long", "BTCUSDT", "--size", "1")
    convention = cast("Mapping[str, Mapping[str, Json]]", other.data("explain", "2")["terms"])["convention"]
    assert (convention["name"], convention["gap_stop"]) == (None, "level")


def test_the_last_of_several_exits_tells_the_whole_trade_and_is_quoted_with_its_own_price(desk: TradingDesk) -> None:
    desk("long", "BTCUSDT", "--size", "1", "--sl", "95", "--tp", "106:0.5")
    assert desk.text("close", "1", "--fraction", "0.5").startswith("#1 closed long 0.5 BTCUSDT 100 -> 100, net -0.10, ")
    assert (
        desk.at("5")
        .text("watch", "--once")
        .startswith("#1 TARGET long 0.5 BTCUSDT 100 -> 106, net +2.90, whole trade +2.80 (+0.56R), free ")
    )
    ended = "net +2.90, whole trade +2.80 (+0.56R)"
    assert ended in " ".join(desk.text("show", "1").split())
    assert ended in desk.text("log")
    assert desk.refusal("close", "1") == (
        6,
        "error: trade `1` already ended: target `106` at 10:02 UTC\nhint: papertrade show 1\n",
    )
    details = cast("Mapping[str, Json]", desk("close", "1", "--json").error["details"])
    assert (details["exit_price"], details["last_exit_price"]) == ("103", "106")


def test_a_trade_that_the_catch_up_ends_is_quoted_with_the_last_exits_price(desk: TradingDesk) -> None:
    desk("long", "BTCUSDT", "--size", "1", "--tp", "106:0.5")
    desk("close", "1", "--fraction", "0.5")
    assert (
        "error: trade `1` already ended: target `106` at 10:02 UTC\n" in desk.at("5")("modify", "1", "--sl", "90").err
    )
