"""`buy`, `sell`, `orders`: plain orders, oldest first, with signal trades named and left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk


def test_a_buy_opens_a_trade_of_the_source_order(desk: TradingDesk) -> None:
    assert desk.text("buy", "BTCUSDT", "--quantity", "2") == (
        "#1 open long 2 BTCUSDT at 100, fee 0.20, free 9799.80 USDT\n   no stop, no target; 200.00 tied up\n"
    )
    assert desk.trade(1)["signal"] == {"id": 1, "source": "order", "external_id": "1"}


def test_a_buy_without_a_size_takes_the_default(desk: TradingDesk) -> None:
    assert desk.text("buy", "BTCUSDT").startswith("#1 open long 10 BTCUSDT at 100, ")


def test_a_sell_takes_the_oldest_first(desk: TradingDesk) -> None:
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    desk.text("buy", "BTCUSDT", "--quantity", "2")
    assert desk.text("sell", "BTCUSDT", "--notional", "150") == (
        "#1 closed long 1 BTCUSDT 100 -> 100, net -0.20, free 9849.55 USDT\n"
        "#2 closed long 0.5 BTCUSDT 100 -> 100, net -0.10, 1.5 left, free 9849.55 USDT\n"
    )
    assert desk.text("sell", "BTCUSDT", "--all").startswith("#2 closed long 1.5 BTCUSDT 100 -> 100, ")
    assert desk.refusal("sell", "BTCUSDT", "--all")[0] == 6


def test_a_sell_names_the_trades_of_signals_and_leaves_them(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "3")
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    error = desk("sell", "BTCUSDT", "--quantity", "2", "--json").error
    assert (error["code"], error["message"], error["hint"]) == (
        "insufficient_holdings",
        "cannot sell `2` of BTCUSDT: plain orders hold `1`; not touched, because signals opened them: "
        "`1` (long 3 of manual:1)",
        "papertrade sell BTCUSDT --quantity 1, or papertrade close 1",
    )
    assert error["details"] == {
        "asked": "2",
        "held": "1",
        "promised": "0",
        "available": "1",
        "signal_trades": "1",
    }
    assert [desk.trade(n)["open_quantity"] for n in (1, 2)] == ["3", "1"]


def test_a_sell_of_nothing_held(desk: TradingDesk) -> None:
    assert desk.refusal("sell", "BTCUSDT", "--quantity", "1") == (
        6,
        "error: cannot sell `1` of BTCUSDT: plain orders hold `0`\nhint: papertrade buy BTCUSDT\n",
    )


def test_a_sell_below_the_minimum_is_refused_and_not_rounded_up(desk: TradingDesk) -> None:
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    assert desk.refusal("sell", "BTCUSDT", "--quantity", "0.01") == (
        6,
        "error: the quantity, `0.01`, is under the instrument's minimum, `0.05`\n"
        "hint: use --quantity 0.05 or more, or --all\n",
    )


def test_a_limit_that_is_reached_fills_now(desk: TradingDesk) -> None:
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    assert desk.text("sell", "BTCUSDT", "--all", "--limit", "100.001") == (
        "#1 closed long 1 BTCUSDT 100 -> 100, net -0.20, free 9999.80 USDT\n"
    )


def test_a_limit_that_waits_becomes_a_target_and_fills(desk: TradingDesk) -> None:
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    desk.text("buy", "BTCUSDT", "--quantity", "3")
    assert desk.text("sell", "BTCUSDT", "--quantity", "2", "--limit", "105") == (
        "#1 changed long 1 BTCUSDT target 105 (sell order), free 9599.60 USDT\n"
        "   rules from 2026-11-20 10:01 UTC on\n"
        "#2 changed long 3 BTCUSDT target 105 (33.33%) (sell order), free 9599.60 USDT\n"
        "   rules from 2026-11-20 10:01 UTC on\n"
    )
    desk.text("sell", "BTCUSDT", "--all", "--limit", "106")
    desk.text("buy", "ETHUSDT", "--quantity", "1", "--limit", "90")
    assert desk.text("orders") == (
        "Trade  Symbol   Order       Quantity  Price  Tied up  Source  Expires\n"
        "---------------------------------------------------------------------\n"
        "   #1  BTCUSDT  sell limit         1    105        -  order   -\n"
        "   #2  BTCUSDT  sell limit         1    105        -  order   -\n"
        "   #2  BTCUSDT  sell limit         2    106        -  order   -\n"
        "   #3  ETHUSDT  buy limit          1     90    90.09  order   -\n"
    )
    desk.at("21.5")("orders", "-q")
    desk("close", "--all", "--symbol", "ETHUSDT", "-q")
    desk("cancel", "3", "-q")
    trades = [desk.trade(n) for n in (1, 2)]
    assert [(t["status"], t["exit_reason"], t["exit_price"]) for t in trades] == [
        ("closed", "take_profit", "105"),
        ("closed", "take_profit", "105.66666667"),
    ]
    assert desk("check").code == 0


def test_what_is_promised_cannot_be_promised_again(desk: TradingDesk) -> None:
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    desk.text("sell", "BTCUSDT", "--quantity", "0.6", "--limit", "105")
    assert desk.refusal("sell", "BTCUSDT", "--quantity", "0.5", "--limit", "106") == (
        6,
        "error: cannot sell `0.5` of BTCUSDT: plain orders hold `1`, `0.6` of it is promised to other targets\n"
        "hint: papertrade sell BTCUSDT --quantity 0.4\n",
    )
    assert desk.text("sell", "BTCUSDT", "--quantity", "1").startswith("#1 closed long 1 BTCUSDT")


def test_a_dry_run_sells_nothing(desk: TradingDesk) -> None:
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    assert desk.text("sell", "BTCUSDT", "--all", "--dry-run") == (
        "dry run, nothing was done:\n#1 closed long 1 BTCUSDT 100 -> 100, net -0.20, free 9999.80 USDT\n"
    )
    assert desk.data("sell", "BTCUSDT", "--all", "--dry-run")["dry_run"] is True
    assert desk.trade(1)["open_quantity"] == "1"


def test_orders_as_data(desk: TradingDesk) -> None:
    assert desk.text("orders") == "no orders wait\n"
    desk.text("short", "BTCUSDT", "--stop", "95", "--size", "1", "--expires", "2h")
    desk.text("long", "BTCUSDT", "--size", "1", "--tp", "110")
    assert desk.data("orders", "--symbol", "btcusdt") == {
        "items": [
            {
                "trade_id": 1,
                "source": "manual",
                "symbol": "BTCUSDT",
                "side": "short",
                "action": "sell",
                "type": "stop",
                "quantity": "1",
                "price": "95",
                "notional": "95",
                "tied_up": "95.095",
                "since": "2026-11-20T10:00:30.000Z",
                "expires_at": "2026-11-20T12:00:30.000Z",
            }
        ],
        "total": 1,
    }
    assert desk.text("orders", "--csv").splitlines()[1].startswith("1,manual,BTCUSDT,short,sell,stop,1,95,95,95.095,")
    assert desk.data("orders", "--symbol", "ETHUSDT")["total"] == 0


WRONG_WORDS = [
    (("sell", "BTCUSDT"), "how much to sell is not said"),
    (("sell", "BTCUSDT", "--all", "--quantity", "1"), "--quantity and --all exclude each other"),
    (("sell", "BTCUSDT", "--quantity", "x"), "--quantity: `x` is not a plain decimal number"),
    (("sell", "BTCUSDT", "--quantity", "0"), "--quantity `0` must be above 0"),
    (("sell", "BTCUSDT", "--all", "--limit", "-1"), "--limit `-1` must be above 0"),
    (("buy", "BTCUSDT", "--quantity", "x"), "--quantity: `x` is not a plain decimal number"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_WORDS)
def test_wrong_words(desk: TradingDesk, words: tuple[str, ...], message: str) -> None:
    code, said = desk.refusal(*words)
    assert (code, said.splitlines()[0]) == (2, f"error: {message}")


def test_a_sell_without_a_price_is_exit_9_with_data(desk: TradingDesk) -> None:
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    result = desk.at("50")("sell", "BTCUSDT", "--all", "--json")
    assert (result.code, result.envelope["data"]) == (9, {"trades": [], "refused": []})


def test_a_waiting_sell_without_catching_up_marks_the_trade(desk: TradingDesk) -> None:
    desk.text("buy", "BTCUSDT", "--quantity", "1")
    (trade,) = cast(
        "Sequence[Mapping[str, Json]]",
        desk.data("sell", "BTCUSDT", "--all", "--limit", "105", "--no-catch-up")["trades"],
    )
    assert trade["flags"] == ["unverified"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--quantity 1000", "use --quantity 99.90009 or less, deposit, or close a trade"),
        ("--quantity 0.00001", "use --quantity 0.05 or more (about 5 USDT)"),
        ("--notional 200000", "use --quantity 99.90009 or less, deposit, or close a trade"),
    ],
)
def test_a_buy_is_told_its_own_option(desk: TradingDesk, words: str, hint: str) -> None:
    code, said = desk.refusal("buy", "BTCUSDT", *words.split())
    assert (code, said.splitlines()[-1]) == (6, f"hint: {hint}")
