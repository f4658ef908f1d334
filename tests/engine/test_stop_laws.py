"""Laws of stops that move: which way they go, what they may cost, and that a finder may skip what only moves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.codec import decode, encode
from papertrade.engine.follow import follow
from papertrade.engine.market import Candle
from papertrade.engine.messages import ExitFilled, Refusal, StopMoved, TradeEvent
from papertrade.engine.state import evolve
from papertrade.engine.step import open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason, Status, Trade
from tests.engine.deals import bars, candle_of, deals, happenings, opened, opening_of, play, rules_of
from tests.engine.oracle import Bar, Deal

CENT_OF_A_MILLIONTH = Decimal("0.00000001")


def is_ruled(deal: Deal) -> bool:
    exits = deal.exits
    return (exits.trail, exits.even, exits.limit, exits.after) != (None, None, None, None)


def accepted(deal: Deal) -> Deal:
    assume(not isinstance(open_trade(opening_of(deal), rules_of(deal)), Refusal))
    return deal


ruled_deals = deals(with_changes=False).filter(is_ruled).map(accepted)


@given(ruled_deals, bars())
def test_no_rule_moves_a_stop_away_from_the_price(deal: Deal, tape: list[Bar]) -> None:
    trade, events = play(deal, [candle_of(bar) for bar in tape])
    sign = trade.side.sign
    moves = [event for event in events if isinstance(event, StopMoved)]
    stops = [move.stop * sign for move in moves]
    peaks = [move.peak * sign for move in moves if move.peak is not None]
    trails = [move.trail_stop * sign for move in moves if move.trail_stop is not None]
    assert (stops, peaks, trails) == (sorted(stops), sorted(peaks), sorted(trails))


@given(ruled_deals, bars())
def test_a_moved_stop_lies_on_the_near_side_of_the_price_that_moved_it(deal: Deal, tape: list[Bar]) -> None:
    trade, events = play(deal, [candle_of(bar) for bar in tape])
    for event in events:
        if isinstance(event, StopMoved):
            assert (event.cause.raw_price - event.stop) * trade.side.sign > 0
            assert event.cause.level == event.stop


@settings(max_examples=200)
@given(ruled_deals, bars())
def test_a_break_even_without_a_gap_loses_no_more_than_what_parts_are_rounded_by(deal: Deal, tape: list[Bar]) -> None:
    even = deal.exits.even
    deal = replace(deal, exits=replace(deal.exits, even=None if even is None else (even[0], False)))
    assume(deal.exits.after is None or deal.exits.after.kind == "be")
    _, events = play(accepted(deal), [candle_of(bar) for bar in tape])
    fills = [event for event in events if isinstance(event, ExitFilled)]
    for event in fills:
        if event.reason is ExitReason.BREAK_EVEN and event.cause.raw_price == event.cause.level:
            assert event.realized >= -2 * CENT_OF_A_MILLIONTH * (len(fills) - 1)


@given(ruled_deals, bars())
def test_a_time_limit_takes_all_at_the_first_open_after_it(deal: Deal, tape: list[Bar]) -> None:
    trade, events = play(deal, [candle_of(bar) for bar in tape])
    limit = trade.ruling.levels.time_limit if trade.ruling.levels is not None else None
    for event in events:
        if isinstance(event, ExitFilled):
            candle = event.cause.candle
            assert candle is not None
            assert limit is None or candle.open_ms < limit or event.at_ms == candle.open_ms
            if event.reason is ExitReason.TIME_LIMIT:
                opens = [bar.open_ms for bar in tape if limit is not None and bar.open_ms >= limit]
                assert (event.cause.raw_price, event.at_ms, event.is_final) == (candle.open, min(opens), True)


def with_a_finder_that_skips(trade: Trade, candles: Sequence[Candle]) -> tuple[Trade, list[TradeEvent]]:
    """Skip each whole candle that would only move stops; before one that does more, follow the best of the skipped."""
    events: list[TradeEvent] = []
    skipped: Candle | None = None
    for candle in candles:
        ahead = trade if skipped is None else followed(trade, skipped)
        after, more = touch(ahead, candle)
        only_moves = all(isinstance(event, StopMoved) and event.cause.rule.startswith("4.3") for event in more)
        if trade.status is Status.OPEN and candle.open_ms >= trade.whole_from and only_moves:
            skipped = candle if skipped is None else better(trade, skipped, candle)
        else:
            trade, skipped = after, None
            events.extend(more)
    return trade if skipped is None else followed(trade, skipped), events


def followed(trade: Trade, candle: Candle) -> Trade:
    best = candle.high if trade.side.sign > 0 else candle.low
    moved = follow(trade, best, candle.open_ms, candle.last_ms, candle.end_ms)
    return trade if moved is None else evolve(trade, moved)


def better(trade: Trade, one: Candle, other: Candle) -> Candle:
    is_better = other.high > one.high if trade.side.sign > 0 else other.low < one.low
    return other if is_better else one


@settings(max_examples=300)
@given(ruled_deals, bars())
def test_one_move_after_the_best_of_the_skipped_equals_the_rule_on_every_candle(deal: Deal, tape: list[Bar]) -> None:
    candles = [candle_of(bar) for bar in tape]
    every, events = play(deal, candles)
    skipping, fills = with_a_finder_that_skips(opened(deal), candles)
    assert happenings(fills) == happenings(events)
    assert replace(skipping, applied_to=0) == replace(every, applied_to=0)


@given(ruled_deals, bars())
def test_moves_survive_the_journal(deal: Deal, tape: list[Bar]) -> None:
    trade, events = play(deal, [candle_of(bar) for bar in tape])
    again = opened(deal)
    for event in events:
        again = evolve(again, decode(type(event), encode(event)))
    assert again == trade == decode(Trade, encode(trade))


@settings(max_examples=100)
@given(ruled_deals, bars(), st.integers(1, 11))
def test_a_tape_in_two_parts_is_the_tape(deal: Deal, tape: list[Bar], cut: int) -> None:
    candles = [candle_of(bar) for bar in tape]
    trade, events = opened(deal), list[TradeEvent]()
    for part in (candles[:cut], candles[:cut][-2:], candles[cut:]):
        for candle in part:
            trade, more = touch(trade, candle)
            events.extend(more)
    assert (trade, events) == play(deal, candles)
