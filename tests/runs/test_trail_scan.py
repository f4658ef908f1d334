"""A trailing trade replayed by the finder leaves where, when and how the rule run on every candle lets it leave."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.conventions import Convention, TrailOn
from papertrade.engine.instrument import unknown_instrument
from papertrade.engine.market import Side
from papertrade.engine.messages import Refusal, StopMoved, TradeEvent
from papertrade.engine.signal import (
    ExitWish,
    Signal,
    Size,
    SizeKind,
    TargetWish,
    parse_break_even,
    parse_level,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import Trade
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs import trail_scan
from papertrade.runs.replay import Track, replay
from tests.engine.deals import RICH
from tests.runs.test_backtest import FREE, idea, run, story


def walk(seed: int, length: int, decimals: int = 2) -> CandleSeries:
    dice = np.random.default_rng(seed)
    closes = 10_000 + np.cumsum(dice.integers(-12, 13, length))
    opens = np.concatenate(([10_000], closes[:-1])) + dice.choice([0, 0, 0, -15, 15], length)
    return CandleSeries(
        symbol="BTCUSDT",
        interval_ms=60_000,
        decimals=decimals,
        open_ms=np.arange(length, dtype=np.int64) * 60_000,
        open=opens,
        high=np.maximum(opens, closes) + dice.integers(0, 8, length),
        low=np.minimum(opens, closes) - dice.integers(0, 8, length),
        close=closes,
        volume=np.zeros(length, np.int64),
    )


exits = st.builds(
    ExitWish,
    stop=st.sampled_from(["3%", "8%"]).map(parse_level),
    targets=st.sampled_from([(), ("6%",), ("1%:0.5", "5%:0.5")]).map(
        lambda texts: tuple(TargetWish(parse_level(t.partition(":")[0]), _share(t)) for t in texts)
    ),
    trail=st.sampled_from(["0.4%", "2%", "1.5", "0.5R", "1%@1%", "3@2%"]).map(parse_trail),
    break_even=st.none() | st.just(parse_break_even("1%")),
    time_limit=st.none() | st.just(parse_time_limit("20h")),
)


def _share(text: str) -> Decimal | None:
    share = text.partition(":")[2]
    return Decimal(share) if share else None


def opened(wish: ExitWish, side: Side, series: CandleSeries, at: int, rules: Rules) -> Trade:
    signal = replace(idea(1, int(series.open_ms[at]), side=side), exits=wish, size=Size(SizeKind.QUANTITY, Decimal(3)))
    return evolve(None, _event(signal, series, at, rules))


def _event(signal: Signal, series: CandleSeries, at: int, rules: Rules) -> TradeEvent:
    event = open_trade(
        Opening(
            trade_id=1,
            signal_id=1,
            signal=signal,
            account=RICH,
            instrument=unknown_instrument("test", "BTCUSDT", "USDT"),
            at_ms=signal.made_at_ms,
            quote=None,
            candle=series.candle(at),
        ),
        rules,
    )
    assert not isinstance(event, Refusal)
    return event


def fills(events: tuple[TradeEvent, ...] | list[TradeEvent]) -> list[TradeEvent]:
    return [event for event in events if not isinstance(event, StopMoved)]


@settings(max_examples=120, deadline=None)
@given(
    exits,
    st.sampled_from(list(Side)),
    st.integers(0, 10**6),
    st.sampled_from(list(TrailOn)),
    st.sampled_from([Decimal(1), Decimal(5), Decimal(40)]),
    st.integers(0, 60),
)
def test_finder_and_rule_equal_the_rule_on_every_candle(
    wish: ExitWish, side: Side, seed: int, trail_on: TrailOn, leverage: Decimal, at: int
) -> None:
    series = walk(seed, 1_400)
    rules = replace(FREE, convention=Convention(trail=trail_on), leverage=leverage)
    trade = begun = opened(wish, side, series, at, rules)
    every: list[TradeEvent] = []
    for index in range(at, len(series)):
        trade, events = touch(trade, series.candle(index))
        every += events
    found = replay(begun, Track(series))
    assert fills(found.events) == fills(every)
    assert replace(found.trade, applied_to=0, whole_from=0) == replace(trade, applied_to=0, whole_from=0)
    assert len(found.events) <= len(every)


def test_a_move_names_the_candle_of_the_best_price() -> None:
    tape = "100 101 99 100 | 100 104 100 103 | 105 110 105 109 | 109 109 107 108 | 108 108 100 101"
    signal = replace(idea(1, 0), exits=ExitWish(trail=parse_trail("5%")))
    result = run([signal], {"BTCUSDT": tape})
    moved = [booked.event for booked in result.booked if isinstance(booked.event, StopMoved)]
    (last,) = moved
    assert (last.peak, last.stop, last.at_ms) == (Decimal(110), Decimal("104.5"), 179_999)
    assert last.cause.candle is not None and last.cause.candle.high == Decimal(110)
    assert story(result)[-1] == "#1 trailing_stop 1 at 104.5 end4 free 1004.5"


@pytest.mark.parametrize("window", [1, 3, 64])
def test_the_size_of_its_windows_changes_nothing(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    series = walk(7, 3_000)
    trade = opened(ExitWish(trail=parse_trail("3%")), Side.LONG, series, 0, FREE)
    expected = replay(trade, Track(series))
    monkeypatch.setattr(trail_scan, "_FIRST_WINDOW", window)
    monkeypatch.setattr(trail_scan, "_LAST_WINDOW", window)
    assert replay(trade, Track(series)) == expected
