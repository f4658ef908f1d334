"""Holdings at market, totals and the risk to stops: numbers that can be checked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.engine.account import AccountBook
from papertrade.engine.market import Quote, Side
from papertrade.engine.money import plain
from papertrade.engine.trade import Terms, Trade
from papertrade.reports.marks import HoldingKey, Mark, marks_of
from papertrade.reports.portfolio import Holding, Today, holdings_count, portfolio
from tests.reports.builders import an_open_trade, left

BTC_LONG = HoldingKey("binance", "BTCUSDT", Side.LONG)
BTC_SHORT = HoldingKey("binance", "BTCUSDT", Side.SHORT)
NO_COSTS = Terms(maker=Decimal(0), taker=Decimal(0))


def a_book(cash: str, reserved: str, realized: str = "0", capital: str = "1000") -> AccountBook:
    return AccountBook(
        account_id=1,
        name="main",
        currency="USDT",
        cash=Decimal(cash),
        reserved=Decimal(reserved),
        capital=Decimal(capital),
        realized=Decimal(realized),
    )


def mark(price: str) -> Mark:
    return Mark(Decimal(price), 5)


def numbers(holding: Holding) -> dict[str, str | None]:
    names = (
        "quantity",
        "avg_price",
        "current_price",
        "market_value",
        "value",
        "cost_basis",
        "unrealized_pnl",
        "pnl_percent",
        "allocation_percent",
    )
    values: list[Decimal | None] = [getattr(holding, name) for name in names]
    return {name: None if value is None else format(value, "f") for name, value in zip(names, values, strict=True)}


def test_two_longs_of_one_instrument_are_one_holding() -> None:
    trades = [an_open_trade(1, quantity="1", price="100"), an_open_trade(2, quantity="3", price="120")]
    found = portfolio(a_book("539.54", "460", "-0.46"), trades, {BTC_LONG: mark("130")}, Today())
    [holding] = found.holdings
    assert numbers(holding) == {
        "quantity": "4",
        "avg_price": "115",
        "current_price": "130",
        "market_value": "520.00000000",
        "value": "520.00000000",
        "cost_basis": "460.00000000",
        "unrealized_pnl": "60.00000000",
        "pnl_percent": "13.04",
        "allocation_percent": "49.08",
    }
    assert (holding.trade_ids, holding.marked_at) == ((1, 2), 5)
    assert plain(found.summary.total_portfolio_value) == "1059.54"
    assert plain(found.wallet.balance) == "999.54"


def test_long_and_short_of_one_instrument_are_never_netted() -> None:
    trades = [an_open_trade(1), an_open_trade(2, Side.SHORT)]
    marks = marks_of({("binance", "BTCUSDT"): Quote(at_ms=5, last=Decimal(99), bid=Decimal(98), ask=Decimal(101))})
    found = portfolio(a_book("799.8", "200", "-0.2"), trades, marks, Today())
    assert [
        (h.side, plain(h.current_price or Decimal(0)), plain(h.unrealized_pnl or Decimal(0))) for h in found.holdings
    ] == [
        ("long", "98", "-2"),
        ("short", "101", "-1"),
    ]
    assert (found.summary.holdings_count, plain(found.summary.total_unrealized_pnl)) == (2, "-3")
    assert holdings_count(trades) == 2


def test_a_short_leveraged_trade_has_value_reserve_plus_unrealized_and_market_value_exposure() -> None:
    trade = an_open_trade(1, Side.SHORT, "100", "10", terms=Terms(leverage=Decimal(5)))
    found = portfolio(a_book("799", "200", "-1"), [trade], {BTC_SHORT: mark("95")}, Today())
    [holding] = found.holdings
    assert (plain(holding.value), str(holding.market_value), str(holding.pnl_percent)) == (
        "250",
        "950.00000000",
        "5.00",
    )
    assert plain(found.summary.total_holdings_value) == "250"


def test_without_a_mark_a_trade_counts_at_its_entry_and_is_said_to_be_unpriced() -> None:
    found = portfolio(a_book("899.9", "100", "-0.1"), [an_open_trade(1)], {}, Today())
    [holding] = found.holdings
    assert numbers(holding) == {
        "quantity": "1",
        "avg_price": "100",
        "current_price": None,
        "market_value": None,
        "value": "100.00000000",
        "cost_basis": "100.00000000",
        "unrealized_pnl": None,
        "pnl_percent": None,
        "allocation_percent": "10.00",
    }
    assert found.summary.unpriced_count == 1
    assert plain(found.summary.total_portfolio_value) == "999.9"


def test_what_a_pending_trade_reserves_is_no_holding_but_belongs_to_the_equity() -> None:
    found = portfolio(a_book("900", "100"), [], {}, Today())
    assert found.holdings == ()
    summary = found.summary
    assert (plain(summary.total_reserved), plain(summary.total_holdings_value)) == ("100", "0")
    assert plain(summary.total_portfolio_value) == "1000"


def test_an_average_has_eight_digits_or_those_of_the_finest_entry() -> None:
    thirds = [an_open_trade(1, price="100", quantity="1"), an_open_trade(2, price="101", quantity="2")]
    fine = [an_open_trade(1, price="0.0000000001234", quantity="1000000")]
    averages = [portfolio(a_book("1", "1"), trades, {}, Today()).holdings[0].avg_price for trades in (thirds, fine)]
    assert [plain(average) for average in averages] == ["100.66666667", "0.0000000001234"]


def test_allocation_is_unknown_when_nothing_is_left() -> None:
    found = portfolio(a_book("-100", "100"), [an_open_trade(1)], {}, Today())
    assert found.holdings[0].allocation_percent is None


def test_the_equity_change_of_today_leaves_deposits_out() -> None:
    today = Today(pnl=Decimal(7), flow=Decimal(500), opening_equity=Decimal(480))
    summary = portfolio(a_book("1000", "0"), [], {}, today).summary
    assert (summary.today_pnl, summary.today_equity_change) == (Decimal(7), Decimal(20))
    assert portfolio(a_book("1000", "0"), [], {}, Today()).summary.today_equity_change is None


RISKS: list[tuple[str, Trade, dict[HoldingKey, Mark], str]] = [
    ("a long loses from its mark to its stop", an_open_trade(stop="95", terms=NO_COSTS), {BTC_LONG: mark("103")}, "8"),
    ("a short is the mirror", an_open_trade(1, Side.SHORT, stop="105", terms=NO_COSTS), {BTC_SHORT: mark("97")}, "8"),
    ("without a mark from the entry", an_open_trade(stop="95", terms=NO_COSTS), {}, "5"),
    ("with the exit's fee, here 0.095", an_open_trade(stop="95"), {}, "5.095"),
    (
        "with slippage: 95 less 1 % is 94.05",
        an_open_trade(stop="95", terms=Terms(taker=Decimal(0), slippage_bps=Decimal(100))),
        {},
        "5.95",
    ),
    (
        "never more than the reserve",
        an_open_trade(stop="50", terms=Terms(taker=Decimal(0), leverage=Decimal(5))),
        {},
        "20",
    ),
    (
        "nothing when the mark is already beyond the stop",
        an_open_trade(stop="95", terms=NO_COSTS),
        {BTC_LONG: mark("90")},
        "0",
    ),
]


@pytest.mark.parametrize(("case", "trade", "marks", "expected"), RISKS, ids=[risk[0] for risk in RISKS])
def test_at_risk_to_stops(case: str, trade: Trade, marks: dict[HoldingKey, Mark], expected: str) -> None:
    summary = portfolio(a_book("900", "100"), [trade], marks, Today()).summary
    assert (plain(summary.at_risk_to_stops), summary.without_stop_count) == (expected, 0)


def test_a_trade_without_a_stop_is_counted_apart() -> None:
    summary = portfolio(a_book("900", "100"), [an_open_trade()], {}, Today()).summary
    assert (summary.at_risk_to_stops, summary.without_stop_count) == (Decimal(0), 1)


def test_a_closed_trade_is_no_holding() -> None:
    from papertrade.engine.state import evolve

    trade = an_open_trade()
    closed = evolve(trade, left(trade, Decimal(110), Decimal(1), 9))
    found = portfolio(a_book("1009.79", "0", "9.79"), [closed], {}, Today())
    assert (found.holdings, holdings_count([closed])) == ((), 0)
