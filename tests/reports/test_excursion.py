"""Excursions of one trade by hand, their laws on random tapes, and the arrays against the definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.market import MINUTE_MS, Candle, Side
from papertrade.engine.money import plain
from papertrade.engine.signal import ExitWish
from papertrade.engine.state import evolve
from papertrade.engine.trade import BreakEven, Levels, Ruling, Trade, Trail
from papertrade.feeds.candle_series import series_of
from papertrade.reports.excursion import (
    Between,
    Excursion,
    Reached,
    Stay,
    excursion,
    followed_prices,
    reached,
    stay_of,
)
from papertrade.runs.backtest_excursions import Held, certain_extremes
from papertrade.runs.touch_scan import NEVER_ABOVE, NEVER_BELOW, TouchIndex
from tests.reports.builders import entered, left

D = Decimal


def bar(number: int, prices: str) -> Candle:
    first, high, low, last = (D(price) for price in prices.split())
    return Candle(open_ms=number * MINUTE_MS, interval_ms=MINUTE_MS, open=first, high=high, low=low, close=last)


class Tape:
    """The definition of what was seen, over a plain list of candles, all known."""

    def __init__(self, candles: Sequence[Candle]) -> None:
        self.candles = candles

    def candle_at(self, at_ms: int) -> Candle | None:
        return next((c for c in self.candles if c.open_ms <= at_ms < c.end_ms), None)

    def between(self, from_ms: int, to_ms: int) -> Between:
        own = [c for c in self.candles if from_ms <= c.open_ms and c.end_ms <= to_ms]
        return Between(min((c.low for c in own), default=None), max((c.high for c in own), default=None), True)

    def last_end(self, at_ms: int) -> int:
        return at_ms - at_ms % MINUTE_MS


TAPE = Tape([bar(0, "100 109 91 102"), bar(1, "103 106 98 104"), bar(2, "105 120 80 101"), bar(3, "101 102 99 100")])


def stay(opened_at: int, until_ms: int, *certain: str, is_over: bool = True) -> Stay:
    prices = tuple(D(price) for price in certain)
    return Stay(entry_price=D(100), opened_at=opened_at, until_ms=until_ms, is_over=is_over, certain=prices)


@pytest.mark.parametrize(
    ("lived", "low", "high"),
    [
        pytest.param(stay(0, MINUTE_MS, "103"), 91, 109, id="entered at an open: the whole candle; left at an open"),
        pytest.param(stay(1, MINUTE_MS, "103"), 100, 103, id="entered inside: its close, and the exit"),
        pytest.param(stay(1, 2 * MINUTE_MS - 1, "98"), 98, 103, id="left inside: the open and the exit"),
        pytest.param(stay(1, 2 * MINUTE_MS + 5, "104"), 98, 106, id="left by hand: nothing of that minute"),
        pytest.param(stay(0, MINUTE_MS - 1, "91"), 91, 100, id="whole candle, left inside it: its open and the exit"),
        pytest.param(stay(5, MINUTE_MS - 1, "109"), 100, 109, id="entered and left inside one: only the fills"),
        pytest.param(stay(5, 4 * MINUTE_MS, is_over=False), 80, 120, id="still open: all that it saw"),
        pytest.param(stay(5, 3, is_over=False), 100, 100, id="nothing seen yet"),
        pytest.param(stay(4 * MINUTE_MS, 9 * MINUTE_MS, "97"), 97, 100, id="no candles any more"),
    ],
)
def test_what_counts(lived: Stay, low: int, high: int) -> None:
    assert reached(lived, TAPE) == Reached(D(low), D(high))


def a_trade(side: Side = Side.LONG, stop: str | None = "95", quantity: str = "2") -> Trade:
    return evolve(None, entered(1, side, D(100), D(quantity), 0, stop=None if stop is None else D(stop)))


def closed(trade: Trade, *parts: tuple[str, str]) -> Trade:
    for price, quantity in parts:
        trade = evolve(trade, left(trade, D(price), D(quantity), 5 * MINUTE_MS))
    return trade


def values(found: Excursion | None) -> list[str | None]:
    assert found is not None
    return [metric.reason if metric.value is None else plain(metric.value) for metric in found.named.values()]


@pytest.mark.parametrize(
    ("trade", "met", "expected"),
    [
        (closed(a_trade(), ("105", "2")), ("98", "110"), ["-4", "-2", "-0.4", "20", "10", "2", "0.5"]),
        (
            closed(a_trade(Side.SHORT, "104"), ("98", "2")),
            ("95", "101"),
            ["-2", "-1", "-0.25", "10", "5", "1.25", "0.4"],
        ),
        (closed(a_trade(), ("95", "2")), ("95", "101"), ["-10", "-5", "-1", "2", "1", "0.2", "-1"]),
        (
            closed(a_trade(), ("110", "1"), ("100", "1")),
            ("99", "110"),
            ["-2", "-1", "-0.2", "20", "10", "2", "0.5"],
        ),
        (
            closed(a_trade(stop=None), ("99", "2")),
            ("99", "100"),
            [
                "-2",
                "-1",
                "it had no initial stop",
                "0",
                "0",
                "it had no initial stop",
                "the price never moved in its favour",
            ],
        ),
        (a_trade(), ("99", "101"), ["-2", "-1", "-0.2", "2", "1", "0.2", "it is still open"]),
    ],
)
def test_figures_by_hand(trade: Trade, met: tuple[str, str], expected: list[str]) -> None:
    assert values(excursion(trade, Reached(D(met[0]), D(met[1])))) == expected


def test_nothing_is_told_of_what_was_not_entered_or_not_seen() -> None:
    assert set(values(excursion(a_trade(), None))) == {"not observed"}
    waiting = replace(a_trade(), entry_price=None, opened_at=None)
    assert excursion(waiting, None) is None
    assert stay_of(waiting, (), 0) is None


def test_prices_that_stops_followed_are_certain() -> None:
    levels = Levels(D(105), (), D(2), trail=Trail(D(5), False, None, D(110), D(105)))
    even = Levels(D(100), (), D(2), break_even=BreakEven(D(104), D(100), False, True))
    waiting = Levels(D(95), (), D(2), break_even=BreakEven(D(104), D(100)), trail=Trail(D(5), False, D(120)))
    rulings = tuple(Ruling(at, ExitWish(), each) for at, each in enumerate((levels, even, waiting, None)))
    assert followed_prices(replace(a_trade(), rulings=rulings)) == (D(110), D(104))


prices = st.integers(50, 150)


@st.composite
def tapes(draw: st.DrawFn) -> list[Candle]:
    made = []
    for number in range(draw(st.integers(1, 60))):
        four = [draw(prices) for _ in range(4)]
        shape = f"{four[0]} {max(four)} {min(four)} {four[3]}"
        made += [bar(number, shape)] if number == 0 or draw(st.integers(0, 7)) else []
    return made


instants = st.one_of(
    st.integers(0, 61 * MINUTE_MS),
    st.integers(0, 61).map(lambda n: n * MINUTE_MS),
    st.integers(1, 61).map(lambda n: n * MINUTE_MS - 1),
)


@given(tapes(), st.lists(st.tuples(instants, instants, st.booleans()), min_size=1, max_size=5))
def test_the_arrays_say_what_the_definition_says(candles: list[Candle], spans: list[tuple[int, int, bool]]) -> None:
    series = series_of("AAAUSDT", MINUTE_MS, candles)
    stays = [(min(a, b), max(a, b) if is_over else series.end_ms, is_over) for a, b, is_over in spans]
    held = Held(
        *(np.array(column, kind) for column, kind in zip(zip(*stays, strict=True), (int, int, bool), strict=True))
    )
    lows, highs = certain_extremes(series, held)
    for (opened, until, is_over), low, high in zip(stays, lows.tolist(), highs.tolist(), strict=True):
        found = reached(stay(opened, until, is_over=is_over), Tape(candles))
        assert found is not None
        seen = (100, 100) if high == NEVER_BELOW else (min(low, 100), max(high, 100))
        assert (found.low, found.high) == seen


@given(tapes(), st.integers(0, 61), st.integers(0, 61), st.integers(0, 61))
def test_parts_merge_to_the_whole(candles: list[Candle], first: int, second: int, third: int) -> None:
    index = TouchIndex(series_of("AAAUSDT", MINUTE_MS, candles))
    start, middle, end = (min(n, len(candles)) for n in sorted((first, second, third)))
    lows, highs = index.extremes(np.array([start, start, middle]), np.array([end, middle, end]))
    assert lows[0] == min(lows[1], lows[2])
    assert highs[0] == max(highs[1], highs[2])
    own = candles[start:end]
    assert lows[0] == min((int(c.low) for c in own), default=NEVER_ABOVE)
    assert highs[0] == max((int(c.high) for c in own), default=NEVER_BELOW)


def test_the_pyramid_has_extremes_on_every_level() -> None:
    candles = [bar(number, f"100 {101 + number * 7919 % 997} {99 - number * 31 % 89} 100") for number in range(5_000)]
    index = TouchIndex(series_of("AAAUSDT", MINUTE_MS, candles))
    spans = [(0, 5_000), (1, 4_999), (15, 17), (16, 32), (255, 257), (256, 512), (300, 4_700), (4_096, 5_000), (7, 7)]
    lows, highs = index.extremes(np.array([a for a, _ in spans]), np.array([b for _, b in spans]))
    for (start, end), low, high in zip(spans, lows.tolist(), highs.tolist(), strict=True):
        assert low == min((int(c.low) for c in candles[start:end]), default=NEVER_ABOVE)
        assert high == max((int(c.high) for c in candles[start:end]), default=NEVER_BELOW)


@given(st.sampled_from(list(Side)), st.lists(prices, min_size=1, max_size=4), prices, prices)
def test_the_best_move_is_no_smaller_than_the_realised_one(side: Side, exits: list[int], low: int, high: int) -> None:
    trade = a_trade(side, None, quantity=str(len(exits)))
    met = Reached(D(min(low, 100, *exits)), D(max(high, 100, *exits)))
    done = closed(trade, *((str(price), "1") for price in exits))
    found = excursion(done, met)
    assert found is not None
    assert found.mae.value is not None
    assert found.mfe.value is not None
    gross = (done.exit_value - 100 * done.quantity) * side.sign
    assert found.mae.value <= min(gross, D(0))
    assert found.mfe.value >= max(gross, D(0))
    assert found.efficiency.value is None or -1 <= found.efficiency.value <= 1
    assert (found.efficiency.value is None) == (found.mfe.value == 0)
