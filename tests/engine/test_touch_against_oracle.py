"""The engine's one rule says what an independent, naive reading of the document says, on any tape."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.messages import Refusal
from papertrade.engine.step import open_trade
from papertrade.engine.touch import touch
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
from tests.engine.tables import candles_of, deal_of, told


def as_entered(deal: Deal) -> Deal:
    """Give a market deal the price that the engine filled it at; its own test is in the table of entries."""
    assume(not isinstance(open_trade(opening_of(deal), rules_of(deal)), Refusal))
    trade = opened(deal)
    return replace(deal, price=deal.price if trade.entry_price is None else frac(trade.entry_price))


@settings(max_examples=500)
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


@settings(max_examples=300)
@given(deals(), split_bars())
def test_finer_candles_order_touches_as_the_oracle_says(
    deal: Deal, tape: tuple[list[Bar], dict[int, list[Bar]]]
) -> None:
    whole, finer = tape
    expected = judge(as_entered(deal), whole, finer)
    candles = {open_ms: [candle_of(part) for part in parts] for open_ms, parts in finer.items()}
    _, events = play(deal, [candle_of(bar) for bar in whole], candles)
    assert happenings(events) == without_money(expected)


@pytest.mark.parametrize(
    ("finer", "happens"),
    [
        ("100 111 99 105 | 105 105 94 100", "take_profit 1 at 110 end0 settled"),
        ("100 101 94 100 | 100 111 99 100", "stop_loss 1 at 95 end0 settled"),
        ("100 101 99 100 | 100 111 94 100", "stop_loss 1 at 95 end0 ambiguous"),
        ("100 111 99 105 | 105 105 95 100", "stop_loss 1 at 95 end0 ambiguous"),
        ("100 110.5 99 105 | 105 105 94 100", "stop_loss 1 at 95 end0 ambiguous"),
        ("100 101 99 100 | 93 93 92 93 | 93 111 93 100", "stop_loss 1 at 95 end0 settled"),
    ],
)
def test_finer_candles_that_reach_as_far_settle_what_was_touched_first(finer: str, happens: str) -> None:
    trade, candle = opened(deal_of("long 1 at 100 sl 95 tp 110")), candles_of("100 111 94 100")[0]
    _, events = touch(trade, candle, candles_of(finer))
    assert told(events) == happens
