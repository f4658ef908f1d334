"""The equity curve: hand-checked points, and the identity at every point of random histories."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.account import Book, Posting
from papertrade.engine.market import Quote, Side
from papertrade.engine.money import exact, plain
from papertrade.reports.equity import EquityPoint, History, MoneyStep, equity_at, equity_curve, money_step
from papertrade.reports.marks import Closes, Mark, StoredCloses, marks_of
from papertrade.reports.portfolio import Today, portfolio
from tests.reports.builders import HOUR, MINUTE, Ledger, entered, left

NOTHING_KNOWN = StoredCloses({})


def quotes(last: dict[str, Decimal], at_ms: int) -> dict[tuple[str, str], Quote]:
    return {("binance", symbol): Quote(at_ms=at_ms, last=price) for symbol, price in last.items()}


def closes(*pairs: tuple[int, str], symbol: str = "BTCUSDT") -> StoredCloses:
    series = Closes([at for at, _ in pairs], [Decimal(price) for _, price in pairs])
    return StoredCloses({("binance", symbol): series})


def shown(points: tuple[EquityPoint, ...]) -> list[tuple[int, str]]:
    return [(point.at_ms, plain(point.equity)) for point in points]


def a_long_closed_at_a_target() -> Ledger:
    ledger = Ledger()
    ledger.move_cash(0, "1000")
    trade = ledger.record(entered(1, Side.LONG, Decimal(100), Decimal("0.5"), 10 * MINUTE))
    ledger.record(left(trade, Decimal(110), Decimal("0.5"), 90 * MINUTE))
    return ledger


def test_points_lie_at_each_full_hour_and_each_fill() -> None:
    prices = closes((5 * MINUTE, "100"), (HOUR - 1, "104"), (89 * MINUTE, "109"), (2 * HOUR - 1, "90"))
    points = equity_curve(a_long_closed_at_a_target().history(), prices, 2 * HOUR)
    assert shown(points) == [
        (0, "1000"),
        (10 * MINUTE, "999.95"),
        (HOUR, "1001.95"),
        (90 * MINUTE, "1004.895"),
        (2 * HOUR, "1004.895"),
    ]


def test_a_close_from_before_the_entry_does_not_value_the_trade() -> None:
    points = equity_curve(a_long_closed_at_a_target().history(), closes((5 * MINUTE, "50")), HOUR)
    assert [(plain(point.equity), point.unpriced) for point in points] == [
        ("1000", 0),
        ("999.95", 0),
        ("999.95", 1),
    ]


def test_a_trade_without_any_close_counts_as_unpriced_at_its_entry() -> None:
    points = equity_curve(a_long_closed_at_a_target().history(), NOTHING_KNOWN, HOUR)
    assert (plain(points[-1].equity), points[-1].unpriced) == ("999.95", 1)


def test_a_short_gains_when_the_close_is_below_its_entry() -> None:
    ledger = Ledger()
    ledger.move_cash(0, "1000")
    ledger.record(entered(1, Side.SHORT, Decimal(100), Decimal(2), MINUTE))
    [point] = equity_curve(ledger.history(), closes((HOUR - 1, "95")), HOUR, HOUR)
    assert (plain(point.unrealized), plain(point.equity), plain(point.realized)) == ("10", "1009.8", "-0.2")


def test_an_account_without_steps_has_no_points() -> None:
    assert equity_curve(History((), ()), NOTHING_KNOWN, HOUR) == ()
    assert equity_at(History((), ()), NOTHING_KNOWN, HOUR).equity == 0


def test_a_curve_continues_where_an_earlier_one_stopped() -> None:
    history = a_long_closed_at_a_target().history()
    prices = closes((HOUR - 1, "104"))
    whole = equity_curve(history, prices, 3 * HOUR)
    assert equity_curve(history, prices, HOUR) + equity_curve(history, prices, 3 * HOUR, HOUR + 1) == whole


def test_steps_out_of_order_give_the_same_curve() -> None:
    history = a_long_closed_at_a_target().history()
    turned = History(history.money[::-1], history.holdings[::-1])
    prices = closes((HOUR - 1, "104"))
    assert equity_curve(turned, prices, 2 * HOUR) == equity_curve(history, prices, 2 * HOUR)


def test_a_step_that_does_not_balance_is_refused() -> None:
    with pytest.raises(ValueError, match="step at 5 does not balance"):
        MoneyStep(at_ms=5, cash=Decimal(1), realized=Decimal(2))
    with pytest.raises(ValueError, match="does not balance"):
        money_step(5, [Posting(Book.CASH, Decimal(1))])


def test_a_series_of_closes_needs_a_price_for_each_time() -> None:
    with pytest.raises(ValueError, match="`2` times for `1` prices"):
        Closes([1, 2], [Decimal(1)])


def test_the_newest_close_at_or_before_the_instant_is_found() -> None:
    prices = closes((10, "1"), (20, "2"))
    found = [prices.at("binance", "BTCUSDT", at) for at in (9, 10, 19, 20, 99)]
    assert found == [None, Mark(Decimal(1), 10), Mark(Decimal(1), 10), Mark(Decimal(2), 20), Mark(Decimal(2), 20)]
    assert prices.at("binance", "ETHUSDT", 99) is None


prices_drawn = st.decimals("0.00000001", "99999", places=8)
quantities_drawn = st.decimals("0.00000001", "999", places=8)
moves = st.tuples(
    st.sampled_from(["deposit", "withdraw", "long", "short", "close", "part"]),
    prices_drawn,
    quantities_drawn,
    st.integers(0, 3 * HOUR),
    st.sampled_from(["BTCUSDT", "ETHUSDT"]),
)


def played(script: list[tuple[str, Decimal, Decimal, int, str]]) -> tuple[Ledger, int]:
    """Play a random script; whether cash would suffice does not matter to the identity."""
    ledger = Ledger()
    ledger.move_cash(0, "10000")
    now = 0
    for number, (move, price, quantity, wait, symbol) in enumerate(script):
        now += wait
        live = [trade for trade in ledger.trades.values() if trade.open_quantity > 0]
        match move:
            case "deposit" | "withdraw":
                ledger.move_cash(now, price if move == "deposit" else -price)
            case "long" | "short":
                ledger.record(entered(number, Side(move), price, quantity, now, symbol=symbol))
            case _ if live:
                trade = live[number % len(live)]
                part = min(quantity, trade.open_quantity) if move == "part" else trade.open_quantity
                ledger.record(left(trade, price, part, now))
    return ledger, now


@settings(max_examples=150, deadline=None)
@given(st.lists(moves, min_size=1, max_size=14), st.lists(prices_drawn, min_size=1, max_size=12))
def test_equity_is_cash_reserved_and_unrealized_is_capital_realized_and_unrealized(
    script: list[tuple[str, Decimal, Decimal, int, str]], tape: list[Decimal]
) -> None:
    ledger, now = played(script)
    series = Closes([n * HOUR for n in range(len(tape))], tape)
    prices = StoredCloses({("binance", "BTCUSDT"): series, ("binance", "ETHUSDT"): series})
    points = equity_curve(ledger.history(), prices, now + 2 * HOUR)
    with exact():
        both = [(p.cash + p.reserved + p.unrealized, p.capital + p.realized + p.unrealized) for p in points]
    assert both == [(point.equity, point.equity) for point in points]
    assert len({point.at_ms for point in points}) == len(points) > 0


@settings(max_examples=100, deadline=None)
@given(st.lists(moves, min_size=1, max_size=14), prices_drawn, prices_drawn)
def test_the_portfolio_and_the_curve_agree_on_the_equity(
    script: list[tuple[str, Decimal, Decimal, int, str]], btc: Decimal, eth: Decimal
) -> None:
    ledger, now = played(script)
    last = {"BTCUSDT": btc, "ETHUSDT": eth}
    prices = StoredCloses({("binance", symbol): Closes([now], [price]) for symbol, price in last.items()})
    point = equity_at(ledger.history(), prices, now)
    found = portfolio(ledger.book(), list(ledger.trades.values()), marks_of(quotes(last, now)), Today())
    assert found.summary.total_portfolio_value == point.equity
    assert found.summary.total_unrealized_pnl == point.unrealized
