"""The engine equals the oracle on recorded minutes of a real venue, calm hours and violent ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.engine.messages import ExitFilled, Refusal
from papertrade.engine.step import open_trade
from tests.engine.deals import bar_of, frac, happenings, opened, opening_of, play, rules_of, without_money
from tests.engine.oracle import Choices, Deal, Exits, Happening, Wish, judge
from tests.engine.real_candles import hours, needs_data, to_ms

pytestmark = needs_data

VIOLENT = {
    "BTCUSD": ("2018-12-08T22:40Z", "2018-04-28T08:45Z"),
    "ETHUSD": ("2018-12-08T22:40Z",),
    "XRPUSD": ("2017-12-22T07:10Z",),
}
_DICE = random.Random(20181208)
RANDOM = tuple(
    f"2018-{_DICE.randint(8, 12):02d}-{_DICE.randint(1, 28):02d}T{_DICE.randint(0, 22):02d}:17Z" for _ in range(3)
)
TAPES = [
    *((symbol, start) for symbol, starts in VIOLENT.items() for start in starts),
    *(("BTCUSD", start) for start in RANDOM),
    *(("ETHUSD", start) for start in RANDOM),
]


def tape(symbol: str, start: str) -> tuple[Candle, ...]:
    return hours(symbol, VIOLENT[symbol] + (() if symbol == "XRPUSD" else RANDOM))[start]


def random_deal(dice: random.Random, candles: Sequence[Candle]) -> Deal:
    """Make a deal as people make them: percents and risks around the price of a random minute."""
    seen = dice.choice(candles[: len(candles) // 2])
    side, sign = dice.choice([("long", 1), ("short", -1)])
    entry = dice.choice(["market", "market", "limit", "stop"])
    waits = {"market": Fraction(0), "limit": Fraction(-sign), "stop": Fraction(sign)}[entry]
    price = frac(seen.close) * (1 + waits * dice.randint(1, 40) / 2000)
    reach = dice.choice([2, 5, 20, 60])
    stop = Wish("percent", Fraction(-sign * dice.randint(1, reach), 10))
    far = [Wish("percent", Fraction(sign * dice.randint(1, reach), 10)), Wish("risk", Fraction(dice.randint(1, 3)))]
    tick = Fraction(1, 100) if price > 10 else Fraction(1, 10_000)
    share = dice.choice([Fraction(1), Fraction(1, 2), Fraction(3, 10)])
    return Deal(
        side=side,
        entry=entry,
        price=Fraction(round(price * 10_000), 10_000),
        quantity=Fraction(round(dice.randint(5, 5000) / price * 10_000), 10_000),
        at_ms=seen.open_ms + dice.choice([0, 1, 30_000, MINUTE_MS - 1]),
        exits=Exits(
            stop, tuple((wish, share) for wish in far[: dice.randint(0, 2)] if share * 2 <= 1 or wish is far[0])
        ),
        expires_ms=None if entry == "market" else seen.open_ms + dice.randint(2, 40) * MINUTE_MS,
        maker=Fraction(1, 1000),
        taker=Fraction(1, 1000),
        slippage_bps=Fraction(dice.choice([0, 0, 5])),
        leverage=Fraction(dice.choice([1, 1, 3, 20])),
        price_step=dice.choice([tick, 10 * tick, Fraction(0)]),
        quantity_step=Fraction("0.0001"),
        notional_min=Fraction(dice.choice([0, 0, 10])),
        choices=dice.choice(
            [Choices(), Choices(same_candle="nearest", gap_target="open"), Choices(limit_fill="through")]
        ),
    )


@pytest.mark.parametrize(("symbol", "start"), TAPES)
def test_rule_equals_oracle_on_recorded_minutes(symbol: str, start: str) -> None:
    candles = tape(symbol, start)
    bars = [bar_of(candle) for candle in candles]
    dice = random.Random(start)
    compared = exits = 0
    for deal in [random_deal(dice, candles) for _ in range(80)]:
        if isinstance(open_trade(opening_of(deal), rules_of(deal)), Refusal):
            continue
        entered = opened(deal).entry_price
        expected = judge(replace(deal, price=deal.price if entered is None else frac(entered)), bars)
        _, events = play(deal, candles)
        assert happenings(events) == without_money(expected), deal
        compared += 1
        exits += sum(isinstance(event, ExitFilled) for event in events)
    assert compared > 50
    assert exits > 0


def test_the_minute_that_touched_both_sides_says_so() -> None:
    # 2018-04-28 08:59: open 9205.1, high 9500, low 8750, close 9236.5.
    exits = Exits(Wish("price", Fraction(8900)), ((Wish("price", Fraction(9400)), Fraction(1)),))
    deal = Deal("long", "market", Fraction(9210), Fraction(1), to_ms("2018-04-28T08:58:30Z"), exits)
    _, events = play(deal, tape("BTCUSD", "2018-04-28T08:45Z"))
    assert without_money(happenings(events)) == [
        Happening("stop_loss", Fraction(8900), Fraction(1), to_ms("2018-04-28T09:00Z") - 1, ambiguous=True)
    ]
