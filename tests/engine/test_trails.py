"""Pooled new peaks: nothing is lost on the way into one event and out of it again, and it says little of each trade."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.codec import decode, encode
from papertrade.engine.follow import NEW_PEAK
from papertrade.engine.market import Candle, Quote, Side
from papertrade.engine.messages import Cause, NewPeak, StopMoved, TrailsMoved
from papertrade.engine.signal import ExitWish, parse_trail
from papertrade.engine.state import evolve
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason
from papertrade.engine.trails import is_new_peak, moves_of, pooled
from tests.engine.deals import bars, candle_of, deals, play
from tests.engine.oracle import Bar, Deal, Wish
from tests.engine.test_stop_laws import accepted
from tests.runs.test_backtest import FREE
from tests.runs.test_trail_scan import opened as opened_in
from tests.runs.test_trail_scan import walk


def with_trail(deal: Deal) -> Deal:
    """Let a trail follow close behind the best price from the entry on, whatever else there is."""
    return accepted(replace(deal, exits=replace(deal.exits, trail=(Wish("percent", Fraction(2)), None))))


trailing = deals(with_changes=True).map(with_trail)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(trailing, min_size=1, max_size=4), bars(), st.integers(0, 9))
def test_what_goes_in_comes_out_trade_by_trade_and_in_order(held: list[Deal], tape: list[Bar], finest: int) -> None:
    candles = [candle_of(bar) for bar in tape]
    finer = {candle.open_ms: [candle] * finest for candle in candles}
    moves: dict[int, list[StopMoved]] = {}
    for number, deal in enumerate(held, start=1):
        _, events = play(deal, candles, finer)
        own = [event for event in events if isinstance(event, StopMoved) and is_new_peak(event)]
        moves[number] = [replace(event, trade_id=number) for event in own]
    every = [move for own in moves.values() for move in own]
    assume(every)
    event = pooled("test", "BTCUSDT", every)
    again = decode(TrailsMoved, encode(event))
    assert again == event
    assert {number: list(moves_of(again, number)) for number in moves} == moves
    assert sorted(moves_of(again), key=lambda move: move.trade_id) == every
    assert event.at_ms == max(move.at_ms for move in every)


@pytest.mark.parametrize(("side", "price"), [(Side.LONG, "103.7"), (Side.SHORT, "96.2")])
def test_a_quote_s_peak_comes_out_as_it_went_in(side: Side, price: str) -> None:
    trade = opened_in(ExitWish(trail=parse_trail("2%")), side, walk(1, 3), 0, FREE)
    after, events = touch(trade, Quote(at_ms=90_000, last=Decimal(price)))
    (move,) = moves_of(pooled("test", "BTCUSDT", [event for event in events if isinstance(event, StopMoved)]))
    assert (move,) == events
    assert evolve(trade, move) == after


def test_a_stop_that_was_moved_to_break_even_is_still_told_so() -> None:
    (candle,) = walk(1, 1)
    even = replace(moved(1, candle, "98.8", "100"), is_even=True)
    plain = moved(2, candle, "98.8", "99")
    assert list(moves_of(pooled("test", "BTCUSDT", [even, plain]))) == [even, plain]


def test_a_trade_takes_a_few_dozen_letters() -> None:
    candle = Candle(
        open_ms=60_000,
        interval_ms=60_000,
        open=Decimal(100),
        high=Decimal(104),
        low=Decimal(99),
        close=Decimal(103),
    )
    moves = [
        moved(number, candle, trail_stop, stop) for number, trail_stop, stop in ((1, "98.8", None), (2, "95", "96"))
    ]
    text = encode(pooled("binance", "BTCUSDT", moves))
    assert text == (
        '{"venue":"binance","symbol":"BTCUSDT","peaks":[{"price":"104","led":['
        '{"trade_id":1,"trail_stop":"98.8"},{"trade_id":2,"trail_stop":"95","stop":"96","reason":"stop_loss"}],'
        '"candle":{"open_ms":60000,"interval_ms":60000,"open":"100","high":"104","low":"99","close":"103","volume":"0"}}],'
        '"at_ms":119999}'
    )


def test_a_peak_that_nothing_showed_cannot_be_told() -> None:
    event = TrailsMoved(venue="test", symbol="BTCUSDT", peaks=(NewPeak(price=Decimal(104), led=()),), at_ms=0)
    with pytest.raises(ValueError, match="new peak 104 was shown by nothing"):
        list(moves_of(event))


def moved(number: int, candle: Candle, trail_stop: str, stop: str | None) -> StopMoved:
    in_force = Decimal(trail_stop if stop is None else stop)
    return StopMoved(
        trade_id=number,
        stop=in_force,
        reason=ExitReason.TRAILING_STOP if stop is None else ExitReason.STOP_LOSS,
        peak=candle.high,
        trail_stop=Decimal(trail_stop),
        is_even=False,
        is_after_first=False,
        from_ms=candle.open_ms,
        cause=Cause(rule=NEW_PEAK, raw_price=candle.high, level=in_force, candle=candle),
        at_ms=candle.last_ms,
        applied_to=candle.end_ms,
    )
