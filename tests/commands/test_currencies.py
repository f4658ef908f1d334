"""Accounts side by side in currencies of their own: what each may trade, and that every number is in its money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk

SAME = {"PAPERTRADE_SAME_CURRENCY": "[[USD, USDT, USDC]]"}


@pytest.fixture
def wallets(desk: TradingDesk) -> TradingDesk:
    """A desk with accounts in EUR and in USD beside the one in USDT."""
    desk("account", "create", "euro", "--currency", "EUR", "--cash", "1000")
    desk("account", "create", "dollar", "--currency", "usd", "--cash", "2000")
    return desk


def test_what_is_priced_in_other_money_is_refused(wallets: TradingDesk) -> None:
    assert wallets.refusal("long", "BTCUSDT", "--account", "euro", "--size", "1") == (
        6,
        "error: BTCUSDT is priced in USDT, account `euro` is in EUR\n"
        "hint: papertrade account create NAME --currency USDT, or set same_currency\n",
    )
    assert wallets("short", "BTCEUR", "--size", "1", "--json").error["code"] == "currency_mismatch"
    assert wallets("open", "--symbol", "BTCUSDT", "--side", "long", "--account", "dollar", "--size", "1").code == 6
    assert wallets("buy", "BTCUSDT", "--account", "dollar", "--quantity", "1").code == 6
    assert wallets.data("trades", "--account", "dollar")["total"] == 0


def test_currencies_that_are_one_trade_together(wallets: TradingDesk) -> None:
    same = TradingDesk(wallets.server, {**wallets.environment, **SAME})
    line = same.text("long", "BTCUSDT", "--account", "dollar", "--size", "2", "--sl", "90", "--tp", "110")
    assert line.splitlines()[0].endswith(", free 1799.80 USD")
    assert "at stop 90: -20.38 USD, at target 110: +19.58" in line
    assert same("long", "BTCUSDT", "--account", "euro", "--size", "1").code == 6
    assert same("long", "BTCEUR", "--account", "dollar", "--size", "1").code == 6


def test_every_number_is_in_the_accounts_own_money(wallets: TradingDesk) -> None:
    same = TradingDesk(wallets.server, {**wallets.environment, **SAME})
    same.text("long", "BTCUSDT", "--account", "dollar", "--size", "1", "--sl", "90", "--tp", "110")
    told = "".join(same.text(*words, "--account", "dollar") for words in LOOKS)
    assert "equity   1999.90 USD" in told
    assert "100 USD tied up" in told
    assert "USDT" not in told.replace("BTCUSDT", "")


LOOKS = (("portfolio", "--offline"), ("show", "1"), ("explain", "1"), ("account", "show"), ("equity",), ("metrics",))


def test_accounts_stand_side_by_side_each_in_its_own_money(wallets: TradingDesk) -> None:
    wallets.text("long", "BTCEUR", "--account", "euro", "--size", "1", "--tp", "105")
    wallets.text("long", "BTCUSDT", "--size", "50", "--sl", "99.5")
    assert wallets.at("25")("watch", "--once", "-q").out.splitlines() == [
        "#1 TARGET long 1 BTCEUR 100 -> 105, net +4.80, free 1004.80 EUR",
        "#2 STOP long 50 BTCUSDT 100 -> 99.5, net -34.98 (-1.40R), free 9965.02 USDT",
    ]
    assert wallets.text("account", "list") == (
        "   Account   Equity  Currency  Return  Drawdown  Realised  Unrealised     Free  Tied up  Open\n"
        "---------------------------------------------------------------------------------------------\n"
        "*  main     9965.02  USDT      -0.35%    -0.35%    -34.98        0.00  9965.02     0.00     0\n"
        "   euro     1004.80  EUR       +0.48%    -0.01%     +4.80        0.00  1004.80     0.00     0\n"
        "   dollar   2000.00  USD        0.00%         -      0.00        0.00  2000.00     0.00     0\n"
    )
    listed = cast("Sequence[Mapping[str, Json]]", wallets.data("account", "list")["items"])
    names = ("name", "currency", "equity", "return_percent", "max_drawdown_percent", "realized", "closed_trades")
    assert [tuple(one[name] for name in names) for one in listed] == [
        ("main", "USDT", "9965.025", "-0.35", "-0.35", "-34.975", 1),
        ("euro", "EUR", "1004.795", "0.48", "-0.01", "4.795", 1),
        ("dollar", "USD", "2000", "0.00", None, "0", 0),
    ]


def test_a_deposit_is_no_return(wallets: TradingDesk) -> None:
    wallets.text("account", "deposit", "1000", "--account", "euro")
    shown = wallets.data("account", "show", "euro")
    assert (shown["equity"], shown["capital"], shown["return_percent"]) == ("2000", "2000", "0.00")
