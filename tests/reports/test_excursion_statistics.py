"""The distributions of excursions and of R: by hand, and what is left out of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from papertrade.engine.market import Side
from papertrade.reports.closed_trade import ClosedTrade
from papertrade.reports.excursion import Reached
from papertrade.reports.excursion_statistics import (
    Quartiles,
    excursion_statistics,
    moves_of,
    no_moves,
    r_histogram,
)
from papertrade.reports.metric import Metric, undefined
from tests.reports.builders import a_closed_trade

D = Decimal


def made(number: int, side: Side = Side.LONG, left: str = "100", risk: str | None = "5") -> ClosedTrade:
    """A trade of one unit entered at 100."""
    return replace(a_closed_trade(number, side=side, risk=risk), exit_notional=D(left))


def three(*numbers: str) -> Quartiles:
    lower, median, upper = (Metric(D(number)) for number in numbers)
    return Quartiles(lower, median, upper)


def test_quartiles_and_efficiency_by_hand() -> None:
    trades = [made(1, left="105"), made(2, Side.SHORT, left="98"), made(3, left="90"), made(4), made(5, left="101")]
    met = [Reached(D(98), D(110)), Reached(D(96), D(101)), Reached(D(90), D(102)), None, Reached(D(97), D(101))]
    found = excursion_statistics(trades, moves_of(trades, met, [D(100)] * 5))
    assert found.observed_trades == 4
    # Against: -2, -1, -10, -3 percent; ahead: 10, 4, 2, 1. All risk 5 percent.
    assert found.mae_percent == three("-4.75", "-2.5", "-1.75")
    assert found.mfe_percent == three("1.75", "3", "5.5")
    assert found.mae_r == three("-0.95", "-0.5", "-0.35")
    assert found.mfe_r == three("0.35", "0.6", "1.1")
    assert found.exit_efficiency == Metric(D("0.25"))  # 0.5, 0.5, -1 (not -5) and 1


def test_what_is_undefined_says_why() -> None:
    nobody = excursion_statistics([made(1)], no_moves(1))
    unseen = undefined("no closed trade was observed from its entry to its end")
    assert (nobody.observed_trades, nobody.mae_r.median, nobody.exit_efficiency) == (0, unseen, unseen)
    trades = [made(1, risk=None)]
    never = excursion_statistics(trades, moves_of(trades, [Reached(D(99), D(100))], [D(100)]))
    assert never.mfe_percent == three("0", "0", "0")
    assert never.mfe_r.lower == undefined("no such trade had an initial stop")
    assert never.exit_efficiency == undefined("the price never moved in favour of such a trade")


@pytest.mark.parametrize(
    ("multiples", "expected"),
    [
        ([], {}),
        ([-7.0, -2.51], {(None, "-2.5"): 2}),
        ([-2.5, -1.51], {("-2.5", "-1.5"): 2}),
        ([-1.2, -1.0, -0.51], {("-1.5", "-0.5"): 3}),
        ([-0.5, 0.0, 0.49], {("-0.5", "0.5"): 3}),
        ([0.5, 2.0, 5.5, 40.0], {("0.5", "1.5"): 1, ("1.5", "2.5"): 1, ("5.5", None): 2}),
    ],
)
def test_r_is_counted_around_whole_numbers(
    multiples: list[float], expected: dict[tuple[str | None, str | None], int]
) -> None:
    bins = r_histogram(np.array(multiples))
    assert len(bins) == 10
    found = {(None if b.low is None else str(b.low), None if b.high is None else str(b.high)): b.trades for b in bins}
    assert {edges: count for edges, count in found.items() if count} == expected
    assert [one.high for one in bins[:-1]] == [one.low for one in bins[1:]]
