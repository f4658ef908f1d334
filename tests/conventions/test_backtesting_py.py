"""The named convention `backtesting.py` against the package itself: the same orders, every bar and price equal.

Where the peer does something that no option says, the order is told apart before the two results are compared, and
counted; each of the three such differences has a test below that shows it on a few bars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from random import Random

import pytest

from papertrade.engine.conventions import NAMED, EntryAt
from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.signal import EntryType
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import CandleSeries, series_of
from tests.conventions.backtesting_broker import Broker
from tests.conventions.brackets import SYMBOL, Bracket, Outcome, Played, drawn, played, random_walk
from tests.engine.real_candles import FOLDER, needs_data
from tests.engine.tables import candles_of

AT_OPEN = NAMED["backtesting.py"]
AT_CLOSE = replace(AT_OPEN, entry=EntryAt.CLOSE)
SETTINGS = [(AT_OPEN, "0"), (AT_OPEN, "0.001"), (AT_CLOSE, "0"), (AT_CLOSE, "0.001")]

WRONG_SIDE = "a level is on the wrong side of the fill"
SAME_BAR = "an exit in the bar of a pending entry"
WHIPSAW = "an open beyond the target in a bar that reaches the stop"


@dataclass(frozen=True)
class Compared:
    """How many orders the peer filled and left, and how many papertrade treats otherwise, by the reason."""

    filled: int
    left: int
    otherwise: dict[str, int]


@cache
def whole_year() -> CandleSeries:
    """Return the recorded minutes of 2018."""
    return read_candles(FOLDER / "bitfinex_BTCUSD_1m.csv.gz", SYMBOL)


def bitcoin(first: int, last: int) -> CandleSeries:
    year = whole_year()
    return year.between(int(year.open_ms[first]), int(year.open_ms[last]))


def compare(
    series: CandleSeries, orders: Sequence[Bracket], ours: Sequence[Played], theirs: Sequence[Outcome]
) -> Compared:
    """Assert that every order has the same bars and prices, but for those that are told apart."""
    otherwise: Counter[str] = Counter()
    for order, our, their in zip(orders, ours, theirs, strict=True):
        reason = reason_to_differ(series, order, our, their)
        if reason is None:
            assert prices(our.outcome) == prices(their), order
            # A pending entry's quantity may shrink to what its reserve pays, so money is compared of the others.
            if order.entry is EntryType.MARKET and their.net is not None:
                assert our.outcome.net == pytest.approx(their.net, rel=1e-9, abs=1e-6), order
        else:
            otherwise[reason] += 1
            assert prices(our.outcome) != prices(their), order
    filled = sum(their.entry_bar is not None for their in theirs)
    return Compared(filled, sum(their.exit_bar is not None for their in theirs), dict(otherwise))


def prices(outcome: Outcome) -> Outcome:
    return replace(outcome, net=None)


def reason_to_differ(series: CandleSeries, order: Bracket, our: Played, their: Outcome) -> str | None:
    """Return what the candles say that only one of both can do; None for orders that must be equal."""
    if our.refused is not None:
        return WRONG_SIDE
    entered, left = our.outcome.entry_bar, our.outcome.exit_bar
    if left is None or entered is None:
        return None
    if order.entry is not EntryType.MARKET and entered == left:
        alone = order.entry is EntryType.STOP and not reaches_stop(series, order, left)
        return None if alone else SAME_BAR
    beyond = (int(series.open[left]) - order.target) * order.side.sign >= 0
    if beyond and reaches_stop(series, order, left):
        return WHIPSAW
    return None


def reaches_stop(series: CandleSeries, order: Bracket, bar: int) -> bool:
    return int(series.low[bar]) <= order.stop if order.side is Side.LONG else int(series.high[bar]) >= order.stop


def market_orders(series: CandleSeries, count: int, reach: float, seed: int) -> list[Bracket]:
    dice = Random(seed)
    return [drawn(dice, series, dice.randrange(1, len(series) - 1), EntryType.MARKET, reach) for _ in range(count)]


def market(series: CandleSeries, setting: int, count: int, reach: float) -> Compared:
    convention, fee = SETTINGS[setting]
    orders = market_orders(series, count, reach, setting)
    theirs = Broker(float(fee), convention.entry is EntryAt.CLOSE).placed_at_their_bars(series, orders)
    return compare(series, orders, played(series, orders, convention, fee), theirs)


def pending(series: CandleSeries, entry: EntryType, reach: float) -> Compared:
    dice = Random(7)

    def next_order(bar: int) -> Bracket | None:
        if bar > len(series) - 25:
            return None
        return drawn(dice, series, bar, entry, reach, bar + 1 + dice.randint(1, 20))

    orders, theirs = Broker().placed_one_by_one(series, next_order)
    return compare(series, orders, played(series, orders, AT_OPEN, "0"), theirs)


# random orders ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (0, Compared(1500, 1500, {WRONG_SIDE: 74, WHIPSAW: 2})),
        (1, Compared(1500, 1499, {WRONG_SIDE: 83, WHIPSAW: 2})),
        (2, Compared(1500, 1498, {WHIPSAW: 8})),
        (3, Compared(1500, 1499, {WHIPSAW: 2})),
    ],
)
def test_market_brackets_over_a_walk_that_jumps(setting: int, expected: Compared) -> None:
    assert market(random_walk(setting, 4000), setting, 1500, 0.02) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (EntryType.LIMIT, Compared(458, 458, {SAME_BAR: 68, WRONG_SIDE: 1})),
        (EntryType.STOP, Compared(417, 417, {SAME_BAR: 104})),
    ],
)
def test_pending_brackets_over_a_walk_that_jumps(entry: EntryType, expected: Compared) -> None:
    assert pending(random_walk(9, 8000), entry, 0.05) == expected


@needs_data
@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (0, Compared(1500, 1499, {})),
        (1, Compared(1500, 1487, {})),
        (2, Compared(1500, 1440, {})),
        (3, Compared(1500, 1500, {})),
    ],
)
def test_market_brackets_over_recorded_minutes(setting: int, expected: Compared) -> None:
    first = setting * 100_000
    assert market(bitcoin(first, first + 15_000), setting, 1500, 0.02) == expected


@needs_data
@pytest.mark.parametrize(
    ("entry", "expected"),
    [(EntryType.LIMIT, Compared(492, 491, {SAME_BAR: 41})), (EntryType.STOP, Compared(483, 483, {SAME_BAR: 26}))],
)
def test_pending_brackets_over_recorded_minutes(entry: EntryType, expected: Compared) -> None:
    assert pending(bitcoin(200_000, 240_000), entry, 0.01) == expected


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (0, Compared(20_000, 19_997, {WRONG_SIDE: 6})),
        (1, Compared(20_000, 19_996, {WRONG_SIDE: 9})),
        (2, Compared(20_000, 19_998, {WHIPSAW: 1})),
        (3, Compared(20_000, 19_993, {WHIPSAW: 1})),
    ],
)
def test_market_brackets_over_a_whole_year(setting: int, expected: Compared) -> None:
    assert market(whole_year(), setting, 20_000, 0.01) == expected


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (EntryType.LIMIT, Compared(13_028, 13_027, {SAME_BAR: 1843, WRONG_SIDE: 10})),
        (EntryType.STOP, Compared(13_071, 13_070, {SAME_BAR: 1579, WRONG_SIDE: 9})),
    ],
)
def test_pending_brackets_over_a_whole_year(entry: EntryType, expected: Compared) -> None:
    assert pending(whole_year(), entry, 0.01) == expected


# what the peer does that no option says, on a few bars ------------------------------------------------------

FIRST = "100 100 100 100 | 100 101 99 100"
"""The peer gives its strategy the second bar first; orders of these rows are placed after its close, at 100."""


def both(bars: str, entry: EntryType, price: str, stop: str, target: str) -> tuple[Played, Outcome]:
    """Place one order after the second bar, in both."""
    series = series_of(SYMBOL, MINUTE_MS, candles_of(f"{FIRST} | {bars}"))
    scale = 10**series.decimals
    level, stopped, aimed = (int(Decimal(text) * scale) for text in (price, stop, target))
    is_market = entry is EntryType.MARKET
    order = Bracket(1, Side.LONG, entry, None if is_market else level, stopped, aimed, 1)
    (their,) = Broker().placed_at_their_bars(series, [order])
    (our,) = played(series, [order], AT_OPEN, "0")
    return our, prices(their)


def test_a_level_passed_before_the_fill_is_left_at_the_price_of_entry_by_the_peer_and_refused_here() -> None:
    our, their = both("104 105 103 104", EntryType.MARKET, "100", "95", "103")
    assert (our.refused, their) == ("wrong_side", Outcome(2, 104, 2, 104))


def test_the_peer_looks_at_the_stop_before_the_open_beyond_the_target() -> None:
    bars = "100 101 99 100 | 104 105 94 95"
    our, their = both(bars, EntryType.MARKET, "100", "95", "103")
    assert prices(our.outcome) == Outcome(2, 100, 3, 104)
    assert their == Outcome(2, 100, 3, 95)


@pytest.mark.parametrize(
    ("entry", "price", "bars", "ours", "theirs"),
    [
        (EntryType.LIMIT, "99", "100 101 94 96 | 94 97 94 96", Outcome(2, 99, 2, 95), Outcome(2, 99, 3, 94)),
        (EntryType.LIMIT, "99", "100 104 98 104 | 105 106 99 100", Outcome(2, 99, 2, 103), Outcome(2, 99, 3, 105)),
        (EntryType.STOP, "101", "100 102 94 100 | 100 103 99 100", Outcome(2, 101, 2, 95), Outcome(2, 101, 3, 103)),
    ],
)
def test_the_peer_looks_at_the_exits_of_a_pending_entry_from_the_next_bar_on(
    entry: EntryType, price: str, bars: str, ours: Outcome, theirs: Outcome
) -> None:
    our, their = both(bars, entry, price, "95", "103")
    assert (prices(our.outcome), their) == (ours, theirs)


def test_a_stop_entry_leaves_at_its_target_in_its_own_bar_in_both() -> None:
    our, their = both("100 104 98 101", EntryType.STOP, "101", "95", "103")
    assert prices(our.outcome) == their == Outcome(2, 101, 2, 103)
