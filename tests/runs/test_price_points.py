"""The prices that equity is computed from come from final candles, whenever these were looked at."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.market import HOUR_MS, MINUTE_MS
from papertrade.runs.tick import tick
from papertrade.store.rows import PricePoint
from tests.runs.desk import START, candle
from tests.runs.faulty import faulty_desk, opened

MINUTES = 150
ZIGZAG = [candle(n, f"{100 + n % 7} {108 + n % 3} {99 - n % 2} {101 + n % 5}") for n in range(MINUTES)]
FALLS_AT_90 = [*ZIGZAG[:90], candle(90, "80 80 80 80"), *ZIGZAG[91:]]


def points(times: Sequence[int], failing: Sequence[int] = ()) -> list[PricePoint]:
    """Return all prices kept of the symbols AAA and BBB, but those at the opening, when polled at these minutes."""
    candles = {"AAAUSDT": ZIGZAG, "BBBUSDT": FALLS_AT_90}
    with tempfile.TemporaryDirectory() as folder, faulty_desk(Path(folder), dict(candles)) as (desk, feed):
        for symbol in candles:
            opened(desk.world, symbol, sl="90", tp=())
        for number, minute in enumerate([*times, MINUTES]):
            desk.clock.at_ms = START + minute * MINUTE_MS + 2_000
            feed.failing = frozenset({"AAAUSDT", "BBBUSDT"} if number in failing else ())
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
@given(st.lists(st.integers(1, 91), max_size=5).map(sorted), st.sets(st.integers(0, 5)))
def test_prices_while_both_are_held_do_not_depend_on_polling(times: list[int], failing: set[int]) -> None:
    until = START + 90 * MINUTE_MS
    expected = [p for p in points([]) if p.at_ms <= until]
    missed = {number for number in failing if number < len(times)}
    assert [p for p in points(times, sorted(missed)) if p.at_ms <= until] == expected
