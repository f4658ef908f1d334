"""What holding a trade costs, its leverage and its liquidation: as the commands take, show and explain them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.cli import run
from tests.commands.trading_desk import TradingDesk, trading_desk

RATES = {
    "PAPERTRADE_COSTS__FUNDING__RATE": "1%",
    "PAPERTRADE_COSTS__FUNDING__EVERY": "1h",
    "PAPERTRADE_COSTS__BORROW": "5%",
    "PAPERTRADE_MAINTENANCE_RATE": "1%",
}
LONG = ("long", "BTCUSDT", "--size", "1", "--leverage", "10")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    """A desk ten and a half minutes before a funding time."""
    with trading_desk(tmp_path, "-10.5") as plain:
        yield TradingDesk(plain.server, {**plain.environment, **RATES})


def test_a_trade_with_a_leverage_of_its_own(desk: TradingDesk) -> None:
    assert desk.text(*LONG) == (
        "#1 open long 1 BTCUSDT at 100, fee 0.10, free 9989.90 USDT\n"
        "   at liquidation price 91: -9.19 USDT, no target, costs included; 10.00 tied up\n"
    )
    assert desk.trade(1)["leverage"] == "10"
    assert desk.trade(1)["maintenance_rate"] == "0.01"


def test_a_leverage_for_stored_signals(desk: TradingDesk) -> None:
    desk.text("signal", "add", "BTCUSDT", "long", "--size", "1")
    desk.text("open", "1", "--leverage", "4")
    assert desk.trade(1)["reserve"] == "25"


@pytest.mark.parametrize(
    ("leverage", "code", "said"),
    [
        (
            "100",
            6,
            "error: at leverage `100` the liquidation price `100.1` of a long trade is no farther than its entry "
            "`100`\n"
            "hint: take less leverage, or a lower maintenance_rate\n",
        ),
        ("1000", 2, "error: --leverage is `1000`, expected a number from 1 to 125\n"),
    ],
)
def test_too_much_leverage(desk: TradingDesk, leverage: str, code: int, said: str) -> None:
    assert desk.refusal("long", "BTCUSDT", "--size", "1", "--leverage", leverage) == (code, said)


@pytest.fixture
def charged(desk: TradingDesk) -> TradingDesk:
    """The desk after the funding time has been watched."""
    desk.text(*LONG)
    desk.at("5.5").text("watch", "--once", "-q")
    return desk


def test_the_portfolio_names_margin_level_and_liquidation(charged: TradingDesk) -> None:
    assert charged.text("portfolio").splitlines()[4:] == [
        "equity       9998.90 USDT  free 9989.90, tied up 9.00, unrealised 0.00",
        "today        -1.10, closed trades 0.00 (days in UTC)",
        "at risk      0.00 (0.00%) if every stop filled now, costs included; 1 open trade has no stop",
        "margin       level 111098.89% (equity / tied up)",
        "liquidation  BTCUSDT long at 92.01, 7.99% below the mark (trade 1)",
        "prices       0s old",
    ]
    data = charged.data("portfolio")
    (holding,) = cast("Sequence[Mapping[str, Json]]", data["holdings"])
    assert (holding["liquidation_price"], holding["liquidation_distance_percent"]) == ("92.01", "-7.99")
    assert holding["liquidation_trade_id"] == 1
    assert cast("Mapping[str, Json]", data["summary"])["margin_level_percent"] == "111098.89"


def test_a_trade_shows_what_it_has_paid_and_how_far_its_liquidation_is(charged: TradingDesk) -> None:
    lines = charged.text("show", "1").splitlines()
    assert "  liquidation  92.01, 7.99% below the mark, maintenance 1%" in lines
    assert "  paid         fees 0.10, funding 1.00" in lines
    assert "  2026-11-20 10:00:00  #1 funding long 1 BTCUSDT 1% of 100.00 at 100, net -1.00 (noticed 5m 30s" in lines
    trade = charged.trade(1)
    assert (trade["funding"], trade["borrow_cost"], trade["reserve"]) == ("1", "0", "9")
    assert cast("Mapping[str, Json]", trade["next_armed"])["at"] == "2026-11-20T11:00:00.000Z"


def test_a_close_by_hand_pays_interest_and_every_number_is_explained(charged: TradingDesk) -> None:
    charged.at("6.5")
    assert charged.text("close", "1") == "#1 closed long 1 BTCUSDT 100 -> 100, net -1.20, free 9998.80 USDT\n"
    text = charged.text("explain", "1")
    assert (
        "Interest  2026-11-20 10:06:30 UTC\n"
        "  rule       interest on what is borrowed, each midnight UTC and before an exit (section 6)\n"
        "  seen       quote of 2026-11-20 10:06:30 UTC: bid 100, ask 100, last 100\n"
        "  source     binance, 0s old when recorded\n"
        "  for        2026-11-20 09:49:30 UTC to 2026-11-20 10:06:30 UTC\n"
        "  notional   1 x 100 x (10 - 1) / 10 = 90\n"
        "  owed       90 x 0.05 x 1020000 ms / 31536000000 ms = 0.000145547945..., rounded up at 1e-8 =\n"
        "             0.00014555 USDT\n"
        "  cash       9 - 0.00014555 = 8.99985445 left of the reserve\n"
        "  ruin       liquidation at 92.01 now (section 4.6)\n"
    ) in text
    assert "  owed       100 x 0.01 = 1 USDT\n" in text
    assert "  net        0 - 0.1 - 0.1 - 1.00014555 = -1.20014555 USDT\n" in text
    data = charged.data("explain", "1")
    funding, interest = cast("Sequence[Mapping[str, Json]]", data["charges"])
    assert (funding["kind"], interest["kind"]) == ("funding", "borrow")
    notional, rate, share = (Decimal(str(interest[name])) for name in ("notional", "rate", "borrowed_share"))
    assert notional == Decimal(str(interest["quantity"])) * Decimal(str(interest["price"])) * share
    owed = notional * rate * 1_020_000 / int(str(interest["year_ms"]))
    assert 0 <= Decimal(str(interest["amount"])) - owed < Decimal("0.00000001")
    (left,) = cast("Sequence[Mapping[str, Json]]", data["exits"])
    assert left["funding_share"] == "1.00014555"
    assert charged("check").code == 0
    assert charged.text("parity") == "1 trade compared over 1 symbol: no difference\n"


def test_a_short_receives_and_the_metrics_count_it(desk: TradingDesk) -> None:
    desk.text("short", "BTCUSDT", "--size", "1")
    desk.at("5.5").text("watch", "--once", "-q")
    desk.text("close", "1")
    assert "#1 funding short 1 BTCUSDT 1% of 100.00 at 100, net +1.00" in desk.text("log")
    assert "+1 to free cash" in desk.text("explain", "1")
    figures = cast("Mapping[str, Json]", desk.data("metrics", "-q")["trading_statistics"])
    assert Decimal(str(figures["funding"])) == Decimal(str(figures["borrow_cost"])) - 1


def test_a_backtest_takes_the_rates_from_its_options(tmp_path: Path) -> None:
    day = 20_000 * 86_400_000
    (tmp_path / "s.csv").write_text(f"id,time,symbol,side,size\n1,{day},BTCUSDT,long,1\n", encoding="utf-8")
    rows = "".join(f"{day + hour * 3_600_000},100,101,99,100,1\n" for hour in range(26))
    (tmp_path / "c.csv").write_text(f"time,open,high,low,close,volume\n{rows}", encoding="utf-8")
    words = ("backtest", "--signals", str(tmp_path / "s.csv"), "--candles", f"BTCUSDT={tmp_path / 'c.csv'}")
    plain = run([*words], {})
    assert "not modelled: funding, borrow, and what your own orders would have moved" in plain.out
    rates = ("--funding-rate", "0.01%", "--borrow-rate", "5%", "--leverage", "2")
    charged = run([*words, *rates], {})
    assert "not modelled: what your own orders would have moved" in charged.out
    assert "leverage 2, funding 0.01% every 8h, borrow 5% a year" in " ".join(charged.out.split())
    data = cast("Mapping[str, Json]", run([*words, *rates, "--json"], {}).envelope["data"])
    (trade,) = cast("Sequence[Mapping[str, Json]]", data["trades"])
    # Three funding times of 0.01, and a day's interest on 50: 50 x 0.05 / 365 = 0.00684932 (rounded up).
    assert (trade["funding"], trade["borrow_cost"]) == ("0.03684932", "0.00684932")
