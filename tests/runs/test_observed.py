"""The option `decides: quotes` in a backtest: a candle shows one price, its close at its last millisecond.

Held against the rule shown every close one after the other, for random trades of every kind.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from papertrade.engine.conventions import OBSERVED, GapFill
from papertrade.engine.instrument import unknown_instrument
from papertrade.engine.market import MINUTE_MS, Candle, Quote
from papertrade.engine.messages import ExitFilled, Refusal, StopMoved, TradeEvent
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import Flag, Trade
from papertrade.feeds.candle_series import CandleSeries, series_of
from papertrade.runs.replay import Track, replay
from tests.conventions.lives import happened, signal_of
from tests.engine.deals import RICH, candle_of
from tests.engine.oracle import Bar

RULES = Rules(maker=Decimal(0), taker=Decimal(0), convention=OBSERVED)
ORDERS = [
    "long sl 95 tp 106",
    "short sl 106 tp 94",
    "long tp 103:0.5 tp 107:0.5 sl 93 after be",
    "short tp 98:0.3 tp 94:0.7 sl 108",
    "long limit 97 sl 92 tp 101",
    "short limit 103 sl 108 tp 99",
    "long stop 103 sl 97 tp 109",
    "short stop 97 sl 103 tp 91 expires 30m",
    "long trails 4 sl 90",
    "short trails 3%",
    "long trails 3@104 tp 115",
    "short trails 2@97 even 97 sl 109",
    "long even 103 sl 95",
    "long time 7m sl 90 tp 120",
    "short time 90s",
]


def walk(seed: int, count: int) -> CandleSeries:
    random, candles, price = Random(seed), list[Candle](), 100
    for minute in range(count):
        opened = min(max(price + random.randint(-2, 2), 80), 120)
        price = min(max(opened + random.randint(-3, 3), 80), 120)
        high, low = max(opened, price) + random.randint(0, 4), min(opened, price) - random.randint(0, 4)
        bar = Bar(minute * MINUTE_MS, MINUTE_MS, *(Fraction(p) for p in (opened, high, low, price)))
        candles.append(candle_of(bar))
    return series_of("BTCUSDT", MINUTE_MS, candles)


def placed(order: str, candle: Candle) -> Trade | None:
    """Return the trade of an order placed at a candle's open; None where its levels do not fit."""
    opening = Opening(
        trade_id=1,
        signal_id=1,
        signal=signal_of(order, 0),
        account=RICH,
        instrument=unknown_instrument("test", "BTCUSDT", "USDT"),
        at_ms=candle.open_ms,
        quote=None,
        candle=candle,
    )
    event = open_trade(opening, RULES)
    return None if isinstance(event, Refusal) else evolve(None, event)


def each_close(trade: Trade, series: CandleSeries, start: int) -> tuple[Trade, list[TradeEvent]]:
    """Show the rule every close, as a poll at the end of each candle would."""
    events: list[TradeEvent] = []
    for index in range(start, len(series)):
        candle = series.candle(index)
        trade, happened_here = touch(trade, Quote(at_ms=candle.last_ms, last=candle.close))
        events.extend(happened_here)
    return trade, events


def without_moves(events: list[TradeEvent]) -> list[TradeEvent]:
    return [event for event in events if not isinstance(event, StopMoved)]


@pytest.mark.parametrize("order", ORDERS)
def test_the_finder_and_every_close_agree(order: str) -> None:
    ended = 0
    for seed in range(12):
        series = walk(seed, 120)
        for start in range(0, 60, 7):
            trade = placed(order, series.candle(start))
            if trade is None:
                continue
            expected, events = each_close(trade, series, start)
            life = replay(trade, Track(series))
            assert without_moves(list(life.events)) == without_moves(events)
            assert replace(life.trade, applied_to=0) == replace(expected, applied_to=0)
            assert all(Flag.OBSERVED in e.flags for e in life.events if isinstance(e, ExitFilled))
            ended += not life.trade.status.is_live
    assert ended > 20


@pytest.mark.parametrize("order", ORDERS)
def test_a_replay_that_is_taken_up_again_ends_like_one_without_a_break(order: str) -> None:
    series = walk(3, 120)
    trade = next(t for start in range(60) if (t := placed(order, series.candle(start))) is not None)
    whole, half = replay(trade, Track(series)), replay(trade, Track(series), until_ms=70 * MINUTE_MS)
    rest = replay(half.trade, Track(series))
    assert without_moves([*half.events, *rest.events]) == without_moves(list(whole.events))
    assert replace(rest.trade, applied_to=0) == replace(whole.trade, applied_to=0)


def test_extremes_between_two_closes_are_never_seen() -> None:
    assert (
        happened("long sl 95 tp 110", "100 101 99 100, 100 120 80 100, 100 111 94 109", OBSERVED) == "entry 100 open1"
    )


def test_what_a_close_has_passed_leaves_at_the_close_for_better_or_worse() -> None:
    down = happened("long sl 95 tp 110", "100 101 99 100, 100 101 99 100, 99 99 90 91", OBSERVED)
    assert down == "entry 100 open1; stop_loss 91 end2 observed"
    up = happened("long sl 95 tp 110", "100 101 99 100, 100 101 99 100, 101 115 100 114", OBSERVED)
    assert up == "entry 100 open1; take_profit 114 end2 observed"


def test_the_option_alone_changes_what_is_shown_and_not_the_prices_of_targets() -> None:
    convention = replace(OBSERVED, gap_target=GapFill.LEVEL)
    up = happened("long sl 95 tp 110", "100 101 99 100, 100 101 99 100, 101 115 100 114", convention)
    assert up == "entry 100 open1; take_profit 110 end2 observed"


def test_detail_candles_are_not_asked() -> None:
    series = walk(1, 30)
    assert Track(series, series).quoted.detail is None


def test_a_stop_entry_waits_for_a_close_beyond_it() -> None:
    tape = "100 101 99 100, 100 105 99 101, 101 106 100 104"
    assert happened("long stop 103 sl 95 tp 120", tape, OBSERVED) == "entry 0.99038461 at 104 end2 observed shrunk"
