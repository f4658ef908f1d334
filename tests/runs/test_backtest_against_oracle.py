"""A backtest says of every trade what an independent, naive reading of the document says, on any tape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.messages import TradeEvent
from papertrade.engine.trade import Trade
from papertrade.feeds.candle_series import series_of
from papertrade.runs.backtest import BacktestRequest, BacktestResult, backtest
from tests.engine.deals import MINUTE, bars, candle_of, deals, frac, happenings, opening_of, rules_of, without_money
from tests.engine.oracle import Bar, Deal, judge
from tests.engine.test_touch_against_oracle import split_bars


def request_of(deal: Deal, tape: Sequence[Bar], finer: Sequence[Bar] = ()) -> BacktestRequest:
    opening = opening_of(deal)
    symbol = opening.signal.symbol
    detail = {symbol: series_of(symbol, 1_000, [candle_of(bar) for bar in finer])} if finer else {}
    return BacktestRequest(
        signals=[opening.signal],
        candles={symbol: series_of(symbol, MINUTE, [candle_of(bar) for bar in tape])},
        detail=detail,
        instruments={symbol: opening.instrument},
        rules=rules_of(deal),
        cash=opening.account.cash,
    )


def placed(deal: Deal, tape: Sequence[Bar], trade: Trade) -> Deal:
    """Give the deal the instant and, for a market entry, the price at which the backtest placed it."""
    at_ms = min(bar.open_ms for bar in tape if bar.open_ms >= deal.at_ms)
    assert trade.order.placed_at == at_ms
    return replace(deal, at_ms=at_ms, price=frac(trade.entered_price) if deal.entry == "market" else deal.price)


def life(result: BacktestResult) -> list[TradeEvent]:
    """Return what the market did to the only trade; placing it, or its market entry, was not its doing."""
    return [booked.event for booked in result.booked][1:]


@settings(max_examples=250, deadline=None)
@given(deals(with_changes=False), bars(most=40))
def test_backtest_equals_oracle_on_any_tape(deal: Deal, tape: list[Bar]) -> None:
    result = backtest(request_of(deal, tape))
    assume(result.trades)
    expected = judge(placed(deal, tape, result.trades[0]), tape)
    assert happenings(life(result)) == without_money(expected)


@settings(max_examples=200, deadline=None)
@given(deals(with_changes=False), split_bars(), st.booleans())
def test_detail_orders_touches_as_the_oracle_says(
    deal: Deal, tape: tuple[list[Bar], dict[int, list[Bar]]], has_detail: bool
) -> None:
    whole, finer = tape
    # Seconds of one minute may lie apart, but a file of them is one rising series.
    seconds = [bar for parts in finer.values() for bar in parts] if has_detail else []
    result = backtest(request_of(deal, whole, seconds))
    assume(result.trades)
    expected = judge(placed(deal, whole, result.trades[0]), whole, finer if has_detail else None)
    assert happenings(life(result)) == without_money(expected)
