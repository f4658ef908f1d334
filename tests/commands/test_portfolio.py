"""`papertrade portfolio`: holdings at market, their sums, filters, and the freshness of its prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.engine.market import Side
from tests.commands.days import Days, signal
from tests.venue_faults import Fault

TEXT = """\
Symbol   Side  Quantity  Avg price    Mark   Value    P/L       %  Share  Age
-----------------------------------------------------------------------------
BTCUSDT  long         1     104.01  108.49  108.49  +4.48  +4.31%  1.08%   0s

equity   10009.32 USDT  free 9615.55, tied up 389.30, unrealised +4.48
today    -0.01, closed trades 0.00 (days in UTC)
at risk  10.59 (0.11%) if every stop filled now, costs included
margin   level 2571.14% (equity / tied up)
prices   0s old
"""


def test_the_holdings(days: Days) -> None:
    result = days.run("portfolio")
    assert (result.out, result.err, result.code) == (TEXT, "", 0)
    assert days.server.count("time") > 0


def test_offline_asks_nobody(days: Days) -> None:
    assert days.run("portfolio", "--offline").out == TEXT
    assert days.server.count() == 0


def test_the_fields(days: Days) -> None:
    assert days.run("portfolio", "--json").envelope["data"] == {
        "account": "main",
        "currency": "USDT",
        "zone": "UTC",
        "wallet": {"balance": "10004.84217", "reserved": "389.295"},
        "holdings": [
            {
                "symbol": "BTCUSDT",
                "venue": "binance",
                "side": "long",
                "quantity": "1",
                "avg_price": "104.01",
                "current_price": "108.49",
                "marked_at": "2026-11-20T10:00:00.000Z",
                "mark_age_seconds": 0,
                "market_value": "108.49",
                "value": "108.49",
                "cost_basis": "104.01",
                "unrealized_pnl": "4.48",
                "pnl_percent": "4.31",
                "allocation_percent": "1.08",
                "trade_ids": [3],
                "liquidation_price": None,
                "liquidation_distance_percent": None,
                "liquidation_trade_id": None,
            }
        ],
        "summary": {
            "total_cash": "9615.54717",
            "total_reserved": "389.295",
            "total_holdings_value": "108.49",
            "total_portfolio_value": "10009.32217",
            "total_unrealized_pnl": "4.48",
            "today_pnl": "0",
            "today_equity_change": "-0.01",
            "holdings_count": 1,
            "unpriced_count": 0,
            "at_risk_to_stops": "10.588",
            "without_stop_count": 0,
            "margin_level_percent": "2571.14",
        },
        "prices": {"caught_up": True, "age_seconds": 0, "caught_up_to": None, "reason": None},
    }


def test_the_equity_is_cash_and_reserved_and_unrealised(days: Days) -> None:
    data = days.run("portfolio", "--json", "--offline").envelope["data"]
    summary = data["summary"]  # type: ignore[index, call-overload]
    parts = [Decimal(summary[name]) for name in ("total_cash", "total_reserved", "total_unrealized_pnl")]  # type: ignore[index, call-overload, arg-type]
    assert Decimal(summary["total_portfolio_value"]) == sum(parts)  # type: ignore[index, call-overload, arg-type]


def test_csv(days: Days) -> None:
    assert days.run("portfolio", "--csv").out.splitlines() == [
        "symbol,venue,side,quantity,avg_price,current_price,marked_at,market_value,value,cost_basis,unrealized_pnl,"
        "pnl_percent,allocation_percent,liquidation_price,liquidation_distance_percent",
        "BTCUSDT,binance,long,1,104.01,108.49,2026-11-20T10:00:00.000Z,108.49,108.49,104.01,4.48,4.31,1.08,,",
    ]


@pytest.mark.parametrize(
    ("args", "sides"),
    [
        ((), ["long", "short"]),
        (("--side", "short"), ["short"]),
        (("--symbol", "BTCUSDT"), ["long", "short"]),
        (("--source", "desk"), ["long"]),
        (("--tag", "hedge"), ["short"]),
        (("--symbol", "ETHUSDT"), []),
    ],
)
def test_filters_pick_holdings_and_leave_the_sums(days: Days, args: tuple[str, ...], sides: list[str]) -> None:
    days.open(signal("20", side=Side.SHORT, size="1", tags=("hedge",)))
    data = days.run("portfolio", "--offline", "--json", *args).envelope["data"]
    assert [held["side"] for held in data["holdings"]] == sides  # type: ignore[index, call-overload, union-attr]
    assert data["summary"]["holdings_count"] == 2  # type: ignore[index, call-overload]


def test_a_venue_that_fails_leaves_stored_marks_with_the_reason(days: Days) -> None:
    days.pass_minutes(90)
    days.server.always("*", Fault(status=503))
    result = days.run("portfolio")
    assert result.code == 0
    assert result.out.splitlines()[2].endswith("1h")
    assert "prices   1h old; live trades of 2 symbols were last caught up 1h ago" in result.out


def test_nothing_held(first_day: Days) -> None:
    result = first_day.run("portfolio", "-q")
    assert result.out.splitlines()[0] == "nothing is held"
    assert first_day.server.count() == 0


def test_today_is_a_day_of_the_display_zone(days: Days) -> None:
    # Its day began at 2026-11-19T11:00Z, when nothing was open and 9999.17019 were left: 10000 - 0.82981.
    days.extra["PAPERTRADE_DISPLAY__ZONE"] = "Pacific/Auckland"
    data = days.run("portfolio", "--offline", "--json").envelope["data"]
    assert data["zone"] == "Pacific/Auckland"  # type: ignore[index, call-overload]
    summary = data["summary"]  # type: ignore[index, call-overload]
    assert (summary["today_pnl"], summary["today_equity_change"]) == ("0", "10.15198")  # type: ignore[index, call-overload]
    days.close(3)
    assert "today    +10.04, closed trades +10.04 (days in Pacific/Auckland)" in days.run("portfolio").out
