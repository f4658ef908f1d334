"""What a trade cost, in `show` and `explain`: the walk through the order book, the spread, what is not modelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path

import pytest

from papertrade.errors import Json
from tests.commands.backtest_files import Folder, signals_text
from tests.commands.trading_desk import TradingDesk
from tests.venue_faults import refuse

DEPTHS = (
    [("99.99", "1"), ("99.5", "2"), ("99", "3")],
    [("100.01", "1"), ("100.5", "2"), ("101", "3")],
)


@pytest.fixture
def walking(desk: TradingDesk) -> Iterator[TradingDesk]:
    """The desk with `costs.slippage: book`, and a book of three levels a side."""
    desk.server.spread = Decimal("0.02")
    desk.server.depths["BTCUSDT"] = DEPTHS
    yield replace(desk, environment={**desk.environment, "PAPERTRADE_COSTS__SLIPPAGE": "book"})


def test_a_walk_is_explained_level_by_level(walking: TradingDesk) -> None:
    walking.text("long", "BTCUSDT", "--sl", "95", "--size", "2")
    walking.text("close", "1", "--fraction", "0.5")
    assert walking.text("explain", "1") == (
        "#1 long 2 BTCUSDT  open 50%  net -0.8405 (-0.42%, -0.08R)\n"
        "Entry  2026-11-20 10:00:30 UTC\n"
        "  rule       filled at once at the quote: a buy pays the ask, a sell gets the bid (section 4.4)\n"
        "  seen       quote of 2026-11-20 10:00:30 UTC: bid 99.99, ask 100.01, last 100\n"
        "  source     binance, 0s old when recorded\n"
        "  book       took 1 at 100.01, 1 at 100.5\n"
        "  price      the mean of the book 200.51 / 2 = 100.255, rounded up to the step 0.01 = 100.26\n"
        "  slippage   (100.26 - 100.01) x 2 = 0.5 against the best price of the book, within the price\n"
        "  spread     (100.01 - 99.99) / 2 x 2 = 0.02, within the price\n"
        "  fee        100.26 x 2 x 0.001 = 0.20052 (taker)\n"
        "  reserve    100.26 x 2 = 200.52 USDT tied up\n"
        "  cash       -(200.52 + 0.20052) = -200.72052\n"
        "  exits      stop 95\n"
        "Exit 1: manual  2026-11-20 10:00:30 UTC\n"
        "  rule       closed by hand, at the price of that moment (section 5)\n"
        "  seen       quote of 2026-11-20 10:00:30 UTC: bid 99.99, ask 100.01, last 100\n"
        "  source     binance, 0s old when recorded\n"
        "  book       took 1 at 99.99\n"
        "  price      price seen 99.99, no slippage, no rounding\n"
        "  quantity   0.5 x 2 = 1 of 2\n"
        "  spread     (100.01 - 99.99) / 2 x 1 = 0.01, within the price\n"
        "  fee        99.99 x 1 x 0.001 = 0.09999 (taker)\n"
        "  gross      (99.99 - 100.26) x 1 = -0.27\n"
        "  entry fee  0.20052 x 1 / 2 = 0.10026\n"
        "  net        -0.27 - 0.09999 - 0.10026 = -0.47025 USDT\n"
        "  reserve    200.52 x 1 / 2 = 100.26\n"
        "  cash       100.26 - 0.27 - 0.09999 = +99.89001\n"
        "Result so far\n"
        "  net        -0.47025 USDT\n"
        "  1R         |100.26 - 95| x 2 = 10.52\n"
        "  in risks   -0.47025 / 10.52 = -0.04R\n"
    )


def test_what_the_book_did_not_fill_is_remarked(walking: TradingDesk) -> None:
    said = walking.text("long", "BTCUSDT", "--size", "60", "--dry-run")
    assert said.startswith("dry run: #1 open long 6 BTCUSDT at 100.67, fee 0.604, thin book,")
    walking.text("long", "BTCUSDT", "--size", "60")
    walking.server.depths["BTCUSDT"] = ([("99", "1")], [("101", "1")])
    walking.text("close", "1")
    lines = walking.text("explain", "1").splitlines()
    assert lines.count("  remark     the order book did not fill all that was asked for") == 2
    assert walking.trade(1)["open_quantity"] == "5"


def test_a_long_walk_is_shortened_and_a_mean_without_end_too(walking: TradingDesk) -> None:
    asks = [(str(100 + level), "3") for level in range(1, 9)]
    walking.server.depths["BTCUSDT"] = ([("99", "1")], asks)
    walking.text("long", "BTCUSDT", "--size", "19")
    lines = walking.text("explain", "1").splitlines()
    assert lines[5:7] == [
        "  book       took 3 at 101, 3 at 102, 3 at 103, 3 at 104 and 3 levels more, to 107",
        "  price      the mean of the book 1970 / 19 = 103.684210526315..., rounded up to the step 0.01 =",
    ]


def test_a_past_candle_has_no_book(walking: TradingDesk) -> None:
    slipping = replace(walking, environment={**walking.environment, "PAPERTRADE_COSTS__SLIPPAGE_BPS": "10"})
    slipping.text("long", "BTCUSDT", "--size", "1", "--sl", "99.5", "--tp", "110:0.5")
    slipping.at("25")("watch", "--once")
    lines = slipping.text("explain", "1").splitlines()
    at = lines.index("  book       not known for a past candle: the slippage is that of slippage_bps")
    assert lines[at + 1] == ("  price      level 99.5 x (1 - 10 bps) = 99.4005, rounded down to the step 0.01 = 99.4")
    assert sum(line.startswith("  book ") for line in lines) == 2


def amount(fill: dict[str, Json], name: str) -> Decimal:
    value = fill[name]
    assert isinstance(value, str), (name, value)
    return Decimal(value)


@pytest.mark.parametrize(("side", "rounding"), [("long", ROUND_CEILING), ("short", ROUND_FLOOR)])
def test_a_walk_can_be_computed_again_from_the_json(walking: TradingDesk, side: str, rounding: str) -> None:
    walking.text(side, "BTCUSDT", "--size", "5.5")
    told = walking.data("explain", "1")
    fill = told["entry"]
    assert isinstance(fill, dict)
    walked = fill["walked"]
    assert isinstance(walked, list)
    levels = [(Decimal(str(one["price"])), Decimal(str(one["quantity"]))) for one in walked if isinstance(one, dict)]
    assert [len(levels), sum(quantity for _, quantity in levels)] == [3, amount(fill, "quantity")]
    notional = sum(price * quantity for price, quantity in levels)
    assert notional == amount(fill, "walked_notional")
    mean = notional / amount(fill, "quantity")
    assert mean.quantize(amount(fill, "price_step"), rounding) == amount(fill, "price")
    assert abs(mean - amount(fill, "price_before_rounding")) < Decimal("1e-20")
    best = amount(fill, "raw_price")
    assert best == levels[0][0]
    assert amount(fill, "slippage") == abs(amount(fill, "price") - best) * amount(fill, "quantity")
    assert amount(fill, "spread_cost") == Decimal("0.01") * amount(fill, "quantity")


def test_a_fill_that_walked_no_book_says_so(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1")
    fill = desk.data("explain", "1")["entry"]
    assert isinstance(fill, dict)
    assert (fill["walked"], fill["walked_notional"], fill["spread_cost"]) == ([], None, "0")


def test_the_costs_of_a_trade(walking: TradingDesk) -> None:
    walking.text("long", "BTCUSDT", "--sl", "95", "--size", "2")
    lines = walking.text("show", "1").splitlines()
    at = lines.index("  paid      fees 0.2005, slippage 0.50, spread 0.02; funding and borrow not modelled")
    assert lines[at + 1] == "  costless  net -0.02 instead of -0.7405: 0.7205 of costs"
    assert walking.data("show", "1")["costs"] == {
        "fees": "0.20052",
        "slippage": "0.5",
        "spread": "0.02",
        "spread_unknown_fills": 0,
        "funding": None,
        "borrow": None,
        "total": "0.72052",
        "costless_pnl": "-0.02",
        "not_modelled": ["funding", "borrow"],
    }


def test_what_is_modelled_is_no_more_not_modelled(desk: TradingDesk) -> None:
    rates = {"PAPERTRADE_COSTS__FUNDING__RATE": "0.01%", "PAPERTRADE_COSTS__BORROW": "5%"}
    charged = replace(desk, environment={**desk.environment, **rates})
    charged.text("long", "BTCUSDT", "--size", "1")
    costs = charged.data("show", "1")["costs"]
    assert isinstance(costs, dict)
    assert (costs["funding"], costs["borrow"], costs["not_modelled"]) == ("0", "0", [])
    assert "  paid      fees 0.10" in charged.text("show", "1").splitlines()


def test_the_spread_of_what_a_candle_decided_is_not_known(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--sl", "99.5")
    desk.at("25")("watch", "--once")
    lines = desk.text("show", "1").splitlines()
    assert "  paid      fees 0.1995; the spread of 1 fill not known; funding and borrow not modelled" in lines
    costs = desk.data("show", "1")["costs"]
    assert isinstance(costs, dict)
    assert (costs["spread"], costs["spread_unknown_fills"]) == ("0", 1)


def test_what_was_never_entered_cost_nothing(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--limit", "90")
    assert desk.data("show", "1")["costs"] is None
    assert "paid" not in desk.text("show", "1")


def test_an_order_that_waits_needs_no_book(walking: TradingDesk) -> None:
    walking.server.always("depth", refuse(503))
    assert walking.text("long", "BTCUSDT", "--size", "1", "--limit", "90").startswith("#1 wait long 1 BTCUSDT limit 90")
    assert walking("long", "BTCUSDT", "--size", "1", "--limit", "101").code == 8
    assert walking.server.count("depth") > 0


def test_costs_of_a_symbol_reach_the_fill(desk: TradingDesk) -> None:
    own = {"PAPERTRADE_COSTS__SYMBOLS": "{BTCUSDT: {taker: 0.05%, slippage_bps: 10}}"}
    cheap = replace(desk, environment={**desk.environment, **own})
    assert cheap.text("long", "BTCUSDT", "--size", "1").startswith("#1 open long 1 BTCUSDT at 100.1, fee 0.05005")
    assert cheap.text("long", "ETHUSDT", "--size", "1").startswith("#2 open long 1 ETHUSDT at 100, fee 0.10")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write("ideas.csv", signals_text("a,0,BTCUSDT,long,,,98,103,1", "b,0,ETHUSDT,long,,,9,12,10"))
    made.environment["PAPERTRADE_COSTS__SYMBOLS"] = "{BTCUSDT: {taker: 0.05%, slippage_bps: 10, funding: 0.01%}}"
    return made


@pytest.mark.parametrize(
    ("options", "btc", "eth"),
    [
        ((), ("0.15305", "0.1"), ("0.19", "0")),
        (("--taker", "0.2%"), ("0.3032", "0.1"), ("0.38", "0")),
        (("--fee-rate", "0"), ("0", "0.1"), ("0", "0")),
        (("--slippage-bps", "0"), ("0.153", "0"), ("0.19", "0")),
        (("--maker", "0"), ("0.05005", "0.1"), ("0.19", "0")),
    ],
)
def test_costs_of_a_symbol_in_a_backtest_give_way_to_what_is_said_for_all(
    folder: Folder, options: tuple[str, ...], btc: tuple[str, str], eth: tuple[str, str]
) -> None:
    trades = folder.data("backtest", *folder.files, *options)["trades"]
    assert isinstance(trades, list)
    assert [(trade["fees"], trade["slippage"]) for trade in trades if isinstance(trade, dict)] == [btc, eth]


def test_a_backtest_names_the_costs_of_single_symbols(folder: Folder) -> None:
    said = folder.backtest().out
    assert "rules    conservative, fee 0.1%, slippage 0 bps, own costs of BTCUSDT, 10000 USDT\n" in said
    assert said.splitlines()[-1] == (
        "not modelled: funding (except of BTCUSDT), borrow, and what your own orders would have moved"
    )
    rules = folder.data("backtest", *folder.files)["inputs"]
    assert isinstance(rules, dict)
    told = rules["rules"]
    assert isinstance(told, dict)
    assert (told["venue_costs"], told["symbol_costs"]) == (
        {},
        {
            "BTCUSDT": {
                "maker": None,
                "taker": "0.0005",
                "slippage_bps": "10",
                "funding": {"rate": "0.0001", "every_seconds": 28800},
                "borrow_rate": None,
            }
        },
    )
    assert "own costs" not in folder.backtest("--fee-rate", "0", "--slippage-bps", "0", "--funding-rate", "none").out


def test_a_backtest_has_no_order_book(folder: Folder) -> None:
    folder.environment["PAPERTRADE_COSTS__SLIPPAGE"] = "book"
    refused = (
        2,
        "error: costs.slippage is `book`, and recorded candles have no order book\n"
        "hint: say what a fill slips: --slippage-bps 5\n",
    )
    assert folder.refusal("backtest", *folder.files) == refused
    assert folder.refusal("sweep", *folder.files, "--sl", "1%,2%") == refused
    assert folder.backtest("--slippage-bps", "5").code == 0


@pytest.mark.parametrize(
    ("words", "price", "told"),
    [
        (("long", "--limit", "100.2"), "100.2", "x (1 + 50 bps) = 100.5, no worse than its limit 100.2"),
        (("short", "--limit", "99.8"), "99.8", "x (1 - 50 bps) = 99.5, no worse than its limit 99.8"),
        (("buy", "--limit", "100"), "100", "x (1 + 50 bps) = 100.5, no worse than its limit 100"),
        (("long", "--limit", "101"), "100.5", "x (1 + 50 bps) = 100.5"),
        (("long",), "100.5", "x (1 + 50 bps) = 100.5"),
    ],
)
def test_a_limit_that_fills_at_once_pays_no_worse_than_its_limit(
    desk: TradingDesk, words: tuple[str, ...], price: str, told: str
) -> None:
    slipping = replace(desk, environment={**desk.environment, "PAPERTRADE_COSTS__SLIPPAGE_BPS": "50"})
    size = "--quantity" if words[0] == "buy" else "--size"
    slipping.text(words[0], "BTCUSDT", *words[1:], size, "1")
    assert slipping.trade(1)["entry_price"] == price
    lines = slipping.text("explain", "1").replace("\n             ", " ").splitlines()
    (line,) = (line for line in lines if line.startswith("  price "))
    assert line.endswith(told)


def test_a_sell_with_a_limit_gets_no_less_than_its_limit(desk: TradingDesk) -> None:
    slipping = replace(desk, environment={**desk.environment, "PAPERTRADE_COSTS__SLIPPAGE_BPS": "50"})
    slipping.text("buy", "BTCUSDT", "--quantity", "2")
    assert "100.5 -> 99.9" in slipping.text("sell", "BTCUSDT", "--quantity", "2", "--limit", "99.9")
