"""Catching up: a trade taken through many candles at once is the trade that saw them one by one, in fewer events."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.market import Candle
from papertrade.engine.messages import StopMoved, TradeEvent
from papertrade.engine.state import evolve
from papertrade.engine.touch import touch
from papertrade.engine.trade import Trade
from papertrade.engine.trails import is_new_peak
from papertrade.runs.decide import through_candles
from tests.engine.deals import bars, candle_of, changed, deals, opened
from tests.engine.oracle import Bar, Deal
from tests.engine.test_stop_laws import accepted, is_ruled

ruled = deals(with_changes=True).filter(is_ruled).map(accepted)


def begun(deal: Deal) -> Trade:
    """Return the trade with its first change by hand, which rules from a later candle, made at once."""
    trade = opened(deal)
    return changed(trade, *deal.changes[0], deal) if deal.changes else trade


def by_the_rule(trade: Trade, candles: Sequence[Candle]) -> tuple[Trade, list[TradeEvent]]:
    every: list[TradeEvent] = []
    for candle in candles:
        trade, events = touch(trade, candle)
        every += events
    return trade, every


@settings(max_examples=250)
@given(ruled, bars(most=20))
def test_at_once_equals_the_rule_on_every_candle(deal: Deal, tape: list[Bar]) -> None:
    candles = [candle_of(bar) for bar in tape]
    after, every = by_the_rule(begun(deal), candles)
    decided = through_candles(begun(deal), candles, {})
    assert decided.trade == after
    assert [e for e in decided.events if not is_new_peak(e)] == [e for e in every if not is_new_peak(e)]
    told = begun(deal)
    for event in decided.events:
        told = evolve(told, event)
    assert told == after


@settings(max_examples=200)
@given(ruled, bars(most=20), st.integers(0, 20))
def test_two_looks_equal_one(deal: Deal, tape: list[Bar], at: int) -> None:
    candles = [candle_of(bar) for bar in tape]
    first = through_candles(begun(deal), candles[:at], {})
    second = through_candles(first.trade, candles[at:], {})
    at_once = through_candles(begun(deal), candles, {})
    assert second.trade == at_once.trade
    both = (*first.events, *second.events)
    assert [e for e in both if not is_new_peak(e)] == [e for e in at_once.events if not is_new_peak(e)]


@given(ruled.filter(lambda deal: not deal.changes), bars(most=20))
def test_only_the_last_of_new_peaks_in_a_row_is_kept(deal: Deal, tape: list[Bar]) -> None:
    events = through_candles(begun(deal), [candle_of(bar) for bar in tape], {}).events
    assert not any(is_new_peak(one) and is_new_peak(other) for one, other in pairwise(events))


@given(ruled, bars(most=20))
def test_a_stop_that_fills_is_the_one_last_told_with_the_candle_that_set_it(deal: Deal, tape: list[Bar]) -> None:
    candles = [candle_of(bar) for bar in tape]
    _, every = by_the_rule(begun(deal), candles)
    events = through_candles(begun(deal), candles, {}).events
    assert _last_move_before_each_fill(events) == _last_move_before_each_fill(every)


def _last_move_before_each_fill(events: Sequence[TradeEvent]) -> list[tuple[StopMoved | None, TradeEvent]]:
    told: list[tuple[StopMoved | None, TradeEvent]] = []
    moved: StopMoved | None = None
    for event in events:
        if isinstance(event, StopMoved):
            moved = event
        else:
            told.append((moved, event))
    return told
