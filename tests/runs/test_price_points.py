"""The prices that equity is computed from come from final candles, whenever these were looked at."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from papertrade.engine.market import HOUR_MS, MINUTE_MS
from papertrade.engine.step import Rules
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import close_one
from papertrade.runs.reporting import curve, epoch_of
from papertrade.runs.tick import tick
from papertrade.store.rows import PricePoint
from tests.runs.desk import START, Desk, candle
from tests.runs.faulty import FaultyTape, faulty_desk, opened

MINUTES = 150
ZIGZAG = [candle(n, f"{100 + n % 7} {108 + n % 3} {99 - n % 2} {101 + n % 5}") for n in range(MINUTES)]
FALLS_AT_90 = [*ZIGZAG[:90], candle(90, "80 80 80 80"), *ZIGZAG[91:]]


def points(times: Sequence[int], failing: Collection[tuple[int, str]] = ()) -> list[PricePoint]:
    """Return all prices kept of the symbols AAA and BBB, but those at the opening, when polled at these minutes.

    `failing` are the numbers of polls and the symbols whose candles cannot be had then.
    """
    candles = {"AAAUSDT": ZIGZAG, "BBBUSDT": FALLS_AT_90}
    with tempfile.TemporaryDirectory() as folder, faulty_desk(Path(folder), dict(candles)) as (desk, feed):
        for symbol in candles:
            opened(desk.world, symbol, sl="90", tp=())
        for number, minute in enumerate([*times, MINUTES]):
            desk.clock.at_ms = START + minute * MINUTE_MS + 2_000
            feed.failing = frozenset(symbol for poll, symbol in failing if poll == number)
            tick(desk.world)
        with desk.world.store.read() as reader:
            found = [p for symbol in candles for p in reader.prices("tape", symbol, START + MINUTE_MS, 2**60)]
    return found


def test_there_is_a_price_at_each_full_hour_and_each_fill() -> None:
    found = {(p.symbol, p.at_ms - START): p.price for p in points([])}
    assert found == {
        ("AAAUSDT", HOUR_MS): ZIGZAG[60].open,
        ("AAAUSDT", 90 * MINUTE_MS): ZIGZAG[90].open,
        ("AAAUSDT", 2 * HOUR_MS): ZIGZAG[120].open,
        ("BBBUSDT", HOUR_MS): ZIGZAG[60].open,
        ("BBBUSDT", 90 * MINUTE_MS): Decimal(80),
        ("BBBUSDT", 2 * HOUR_MS): ZIGZAG[120].open,
    }


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 91), max_size=5).map(sorted),
    st.sets(st.tuples(st.integers(0, 4), st.sampled_from(["AAAUSDT", "BBBUSDT"]))),
)
@example([90, 91, 92], {(1, "AAAUSDT")})
@example([80, 85, 95], {(1, "AAAUSDT"), (2, "AAAUSDT")})
def test_prices_while_both_are_held_do_not_depend_on_polling(times: list[int], failing: set[tuple[int, str]]) -> None:
    until = START + 90 * MINUTE_MS
    expected = [p for p in points([]) if p.at_ms <= until]
    missed = {(number, symbol) for number, symbol in failing if number < len(times)}
    assert [p for p in points(times, missed) if p.at_ms <= until] == expected


RISING = [candle(n, f"{100 + n} {101 + n} {100 + n} {101 + n}") for n in range(20)]
STILL = [candle(n, "100 100 100 100") for n in range(20)]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Desk, FaultyTape]]:
    with faulty_desk(tmp_path, {"AAAUSDT": RISING, "BBBUSDT": STILL}) as both:
        yield both


def at(desk: Desk, minute: float) -> None:
    desk.clock.at_ms = START + round(minute * MINUTE_MS)


def unrealized(desk: Desk) -> list[Decimal]:
    """Return the unrealized profit at each point of the equity curve from the first fill on."""
    with desk.world.store.read() as reader:
        (account,) = reader.accounts()
        return [p.unrealized for p in curve(reader, account, epoch_of(reader, account), desk.clock.at_ms).points]


@pytest.mark.parametrize(("minute", "close"), [(5.5, 105), (6, 106), (7.25, 107)])
def test_a_command_that_fills_values_what_else_is_held_at_its_last_final_close(
    pair: tuple[Desk, FaultyTape], minute: float, close: int
) -> None:
    """2 of AAA at 100, then another symbol is bought and sold by hand: the curve knows how far AAA has come."""
    desk, _ = pair
    at(desk, 0)
    opened(desk.world, sl=None, tp=())
    at(desk, minute)
    other = opened(desk.world, "BBBUSDT", sl=None, tp=())
    at(desk, 10.5)
    close_one(desk.world, other.id, Decimal(1), catch_up(desk.world, ["BBBUSDT"]))
    assert unrealized(desk) == [Decimal(0), Decimal(2 * (close - 100)), Decimal(20)]


def test_a_fill_while_another_symbol_could_not_be_priced_is_valued_once_it_can(pair: tuple[Desk, FaultyTape]) -> None:
    desk, feed = pair
    desk.tape["BBBUSDT"][7] = candle(7, "100 100 94 100")
    at(desk, 0)
    opened(desk.world, sl=None, tp=())
    opened(desk.world, "BBBUSDT")
    at(desk, 5.5)
    tick(desk.world)
    feed.failing = frozenset({"AAAUSDT"})
    at(desk, 8.5)
    tick(desk.world)
    assert unrealized(desk) == [Decimal(0), Decimal(10)]
    feed.failing = frozenset()
    at(desk, 9.5)
    tick(desk.world)
    assert unrealized(desk) == [Decimal(0), Decimal(16)]


def test_slippage_of_a_fill_is_no_market_price_for_the_trades_there_were(pair: tuple[Desk, FaultyTape]) -> None:
    desk, _ = pair
    slipping = replace(desk.world, rules=Rules(slippage_bps=Decimal(100)))
    at(desk, 0)
    opened(desk.world, "BBBUSDT", sl=None, tp=())
    at(desk, 5.5)
    opened(slipping, "BBBUSDT", sl=None, tp=())
    assert unrealized(desk) == [Decimal(0), Decimal(-2)]
