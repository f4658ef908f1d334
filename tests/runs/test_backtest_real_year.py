"""A whole recorded year: every trade of a backtest equals a brute-force walk over its candles, whatever they do.

The walk looks for the first candle that reaches a level, one candle after the other in whole numbers, and
leaves the judging of it to the oracle of the engine's tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from random import Random

import numpy as np

from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.signal import ExitWish, Level, LevelKind, Signal, Size, SizeKind, TargetWish
from papertrade.engine.step import Rules
from papertrade.engine.trade import Trade
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.backtest import BacktestRequest, backtest
from tests.engine.deals import bar_of, frac, happenings, without_money
from tests.engine.oracle import Bar, Deal, Exits, Happening, Oracle, Wish
from tests.engine.real_candles import FOLDER, needs_data

pytestmark = needs_data

SYMBOL = "BTCUSD"
QUANTITY = Decimal("0.001")
FREE = Rules(maker=Decimal(0), taker=Decimal(0))


@dataclass(frozen=True)
class Idea:
    """A bracket placed at the open of one candle; levels are whole numbers on the series' scale."""

    candle: int
    side: Side
    stop: int
    targets: tuple[int, ...]


@cache
def year() -> CandleSeries:
    return read_candles(FOLDER / "bitfinex_BTCUSD_1m.csv.gz", SYMBOL)


@cache
def columns() -> tuple[list[int], list[int], list[int]]:
    series = year()
    return series.open.tolist(), series.high.tolist(), series.low.tolist()


def bracket(candle: int, side: Side, down: float, up: float) -> Idea:
    """Place a bracket so many parts of a thousand around the open of a candle."""
    opened = columns()[0][candle]
    return _around(candle, side, round(opened * (1 - down / 1000)), round(opened * (1 + up / 1000)))


def _around(candle: int, side: Side, below: int, above: int) -> Idea:
    return Idea(candle, side, below, (above,)) if side is Side.LONG else Idea(candle, side, above, (below,))


def random_ideas(count: int, seed: int) -> list[Idea]:
    dice = Random(seed)
    last = len(year()) - 1
    return [
        bracket(dice.randrange(last), dice.choice(list(Side)), dice.uniform(0.5, 40), dice.uniform(0.5, 40))
        for _ in range(count)
    ]


def both_sided_ideas() -> list[Idea]:
    """Return both brackets of ±0.3 % at every candle that touches both sides of them."""
    series = year()
    is_wide = (series.high >= series.open * 1.003) & (series.low <= series.open * 0.997)
    return [bracket(int(at), side, 3, 3) for at in np.flatnonzero(is_wide) for side in Side]


def gap_ideas() -> list[Idea]:
    """Return trades with a level that an open jumps over, for every open a thousandth away from the close before."""
    series = year()
    jump = np.abs(series.open[1:] - series.close[:-1]) * 1000 >= series.close[:-1]
    ideas = []
    for before in np.flatnonzero(jump):
        middle = (int(series.open[before + 1]) + int(series.close[before])) // 2
        opened, far = int(series.open[before]), int(series.open[before]) // 3
        below, above = (middle, opened + far) if middle < opened else (opened - far, middle)
        ideas += [_around(int(before), side, below, above) for side in Side if below < opened < above]
    return ideas


def signal_of(number: int, idea: Idea) -> Signal:
    series = year()
    scale = Decimal(1).scaleb(-series.decimals)
    levels = [Level(LevelKind.PRICE, level * scale) for level in (idea.stop, *idea.targets)]
    return Signal(
        source="year",
        external_id=str(number),
        symbol=SYMBOL,
        side=idea.side,
        made_at_ms=int(series.open_ms[idea.candle]),
        exits=ExitWish(levels[0], tuple(TargetWish(level) for level in levels[1:])),
        size=Size(SizeKind.QUANTITY, QUANTITY),
    )


def deal_of(idea: Idea) -> Deal:
    series = year()
    scale = Fraction(1, 10**series.decimals)
    share = Fraction(1, len(idea.targets))
    return Deal(
        side=str(idea.side),
        entry="market",
        price=frac(series.price(series.open, idea.candle)),
        quantity=frac(QUANTITY),
        at_ms=int(series.open_ms[idea.candle]),
        exits=Exits(
            Wish("price", idea.stop * scale), tuple((Wish("price", target * scale), share) for target in idea.targets)
        ),
    )


def bar_at(index: int) -> Bar:
    return bar_of(year().candle(index))


def first_reached(idea: Idea) -> int | None:
    """Return the first candle that reaches the stop or the target, None if none ever does."""
    _, highs, lows = columns()
    below, above = sorted((idea.stop, *idea.targets))
    for at in range(idea.candle, len(highs)):
        if lows[at] <= below or highs[at] >= above:
            return at
    return None


def trades_of(ideas: Sequence[Idea]) -> dict[str, tuple[Trade, list[Happening]]]:
    """Backtest the ideas; return each signal's trade with what the market did to it."""
    request = BacktestRequest(
        signals=[signal_of(number, idea) for number, idea in enumerate(ideas)],
        candles={SYMBOL: year()},
        rules=FREE,
        currency="USD",
        cash=Decimal(10**12),
    )
    result = backtest(request)
    assert not result.refused
    events: dict[int, list[Happening]] = {trade.id: [] for trade in result.trades}
    for booked in result.booked:
        events[booked.event.trade_id] += happenings([booked.event])
    return {trade.order.signal_key: (trade, events[trade.id][1:]) for trade in result.trades}


def test_every_bracket_of_the_year_equals_the_walk() -> None:
    ideas = [*random_ideas(3000, 2018), *both_sided_ideas(), *gap_ideas()]
    trades = trades_of(ideas)
    ambiguous = jumped = never = 0
    for number, idea in enumerate(ideas):
        trade, found = trades[f"year:{number}"]
        assert trade.opened_at == int(year().open_ms[idea.candle])
        reached = first_reached(idea)
        if reached is None:
            never += 1
            assert found == []
            continue
        oracle = Oracle(deal_of(idea))
        oracle.apply(bar_at(reached))
        assert found == without_money(oracle.happened), idea
        ambiguous += any(happened.ambiguous for happened in found)
        jumped += any(happened.stamp % MINUTE_MS == 0 for happened in found)
    assert len(ideas) > 9000
    assert (ambiguous > 900, jumped > 500, never < 10) == (True, True, True)


def test_several_targets_equal_the_rule_on_every_candle() -> None:
    dice = Random(8102)
    ideas = []
    for idea in random_ideas(150, 77):
        opened = columns()[0][idea.candle]
        away = [abs(idea.targets[0] - opened) * part // 4 + part for part in dice.sample(range(1, 9), 3)]
        ideas.append(replace(idea, targets=tuple(opened + idea.side.sign * distance for distance in away)))
    trades = trades_of(ideas)
    for number, idea in enumerate(ideas):
        _, found = trades[f"year:{number}"]
        oracle = Oracle(deal_of(idea))
        for at in range(idea.candle, len(year())):
            oracle.apply(bar_at(at))
            if oracle.state == "ended":
                break
        assert found == without_money(oracle.happened), idea
