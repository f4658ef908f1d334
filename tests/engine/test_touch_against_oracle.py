"""The engine's one rule says what an independent, naive reading of the document says, on any tape."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.messages import Refusal
from papertrade.engine.step import open_trade
from tests.engine.deals import (
    MINUTE,
    bars,
    candle_of,
    deals,
    frac,
    happenings,
    opened,
    opening_of,
    play,
    rules_of,
    without_money,
)
from tests.engine.oracle import Bar, Deal, judge


def as_entered(deal: Deal) -> Deal:
    """Give a market deal the price that the engine filled it at; its own test is in the table of entries."""
    assume(not isinstance(open_trade(opening_of(deal), rules_of(deal)), Refusal))
    trade = opened(deal)
    return replace_price(deal, deal.price if trade.entry_price is None else frac(trade.entry_price))


def replace_price(deal: Deal, price: Fraction) -> Deal:
    return Deal(**{**deal.__dict__, "price": price})


@settings(max_examples=1500, deadline=None)
@given(deals(), bars())
def test_rule_equals_oracle_on_any_tape(deal: Deal, tape: list[Bar]) -> None:
    expected = judge(as_entered(deal), tape)
    _, events = play(deal, [candle_of(bar) for bar in tape])
    assert happenings(events) == without_money(expected)


@st.composite
def split_bars(draw: st.DrawFn) -> tuple[list[Bar], dict[int, list[Bar]]]:
    """Draw minutes made of finer candles, some of which do not reach as far as their minute."""
    whole, finer = [], {}
    for minute in range(draw(st.integers(1, 5))):
        parts = draw(bars(minute * MINUTE, 1_000, 4))
        whole.append(
            Bar(
                minute * MINUTE,
                MINUTE,
                parts[0].open,
                max(p.high for p in parts),
                min(p.low for p in parts),
                parts[-1].close,
            )
        )
        finer[minute * MINUTE] = parts[: draw(st.sampled_from([9, 9, 9, 1]))]
    return whole, finer


@settings(max_examples=1000, deadline=None)
@given(deals(), split_bars())
def test_finer_candles_order_touches_as_the_oracle_says(
    deal: Deal, tape: tuple[list[Bar], dict[int, list[Bar]]]
) -> None:
    whole, finer = tape
    expected = judge(as_entered(deal), whole, finer)
    candles = {open_ms: [candle_of(part) for part in parts] for open_ms, parts in finer.items()}
    _, events = play(deal, [candle_of(bar) for bar in whole], candles)
    assert happenings(events) == without_money(expected)
