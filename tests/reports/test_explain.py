"""The explanation of a trade is what was booked, taken apart so that it can be put together again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.fills import Decision, exit_fill, part_to_close
from papertrade.engine.market import Side
from papertrade.engine.messages import Cause, Liquidity, TradeEvent
from papertrade.engine.money import exact, to_grid, up_to_grid
from papertrade.engine.state import evolve
from papertrade.engine.trade import ExitReason, Target, Terms
from papertrade.reports.explain import Stamped, explain
from tests.reports.builders import DAY, entered, left

PRICES = st.decimals(min_value="0.5", max_value=5000, places=4)


def stamped(*events: TradeEvent) -> list[Stamped]:
    return [Stamped(number, DAY, event) for number, event in enumerate(events, start=1)]


@given(
    side=st.sampled_from(Side),
    prices=st.tuples(PRICES, PRICES, PRICES),
    quantity=st.decimals(min_value="0.01", max_value=900, places=4),
    leverage=st.sampled_from([Decimal(1), Decimal(3), Decimal(20)]),
    bps=st.decimals(min_value=0, max_value=50, places=1),
    part=st.decimals(min_value="0.05", max_value="0.95", places=2),
)
def test_every_fill_can_be_put_together_again(
    side: Side,
    prices: tuple[Decimal, Decimal, Decimal],
    quantity: Decimal,
    leverage: Decimal,
    bps: Decimal,
    part: Decimal,
) -> None:
    terms = Terms(leverage=leverage, slippage_bps=bps, price_step=Decimal("0.0001"))
    entry = entered(1, side, prices[0], quantity, DAY, terms=terms)
    trade = evolve(None, entry)
    with exact():
        first = left(trade, prices[1], part_to_close(trade, quantity * part, prices[1]), DAY)
        second = left(evolve(trade, first), prices[2], quantity - first.quantity, DAY)
        told = explain(stamped(entry, first, second))
        for out in told.exits:
            assert out.priced.worsened == out.priced.raw * (10_000 - bps * side.sign) / 10_000
            assert abs(out.priced.price - out.priced.worsened) < out.priced.step
            assert (out.priced.price >= out.priced.worsened) is (
                side is Side.SHORT or out.priced.price == out.priced.worsened
            )
            assert out.charged.fee == up_to_grid(out.charged.price * out.charged.quantity * out.charged.rate)
            assert out.is_gross_cut is (to_grid(out.move * out.quantity) != out.gross)
            assert out.gross == max(to_grid(out.move * out.quantity), out.charged.fee - out.reserve_share)
            assert out.net == out.gross - out.charged.fee - out.entry_fee_share
            assert out.cash_back == out.reserve_share + out.gross - out.charged.fee
        assert told.entry is not None
        assert sum(out.reserve_share for out in told.exits) == told.entry.reserve
        assert sum(out.entry_fee_share for out in told.exits) == told.entry.charged.fee
        assert sum(out.net for out in told.exits) == told.trade.realized


def test_a_target_is_named_and_r_is_on_the_grid() -> None:
    entry = entered(
        1, Side.LONG, Decimal(100), Decimal(3), DAY, stop=Decimal(93), targets=(Target(Decimal(110), Decimal(1)),)
    )
    trade = evolve(None, entry)
    decision = Decision(
        cause=Cause(rule="4.2 target touched", raw_price=Decimal(110), level=Decimal(110)),
        reason=ExitReason.TAKE_PROFIT,
        liquidity=Liquidity.MAKER,
        at_ms=DAY,
        target=Decimal(110),
    )
    with exact():
        out = exit_fill(trade, trade.open_quantity, decision)
    told = explain(stamped(entry, out))
    assert told.exits[0].target == Decimal(110)
    assert (told.r_multiple, told.is_waiting, told.placed, told.ended) == (Decimal("1.39857143"), False, None, None)


def test_without_an_initial_stop_there_is_no_r() -> None:
    assert explain(stamped(entered(1, Side.LONG, Decimal(100), Decimal(1), DAY))).r_multiple is None


def test_a_trade_has_events() -> None:
    with pytest.raises(ValueError, match="a trade without an event"):
        explain([])
