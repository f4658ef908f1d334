"""How much of a life was observed: gaps clipped to it, bridged or not, decided blind or not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine.market import Side
from papertrade.engine.state import evolve
from papertrade.engine.trade import Flag, Trade
from papertrade.reports.coverage import Gap, Observed, is_unverified, observed
from tests.reports.builders import entered, left

D = Decimal


def lived(until_ms: int | None = 2_000) -> Trade:
    """A trade placed at 1000 and closed at `until_ms`."""
    trade = evolve(None, entered(1, Side.LONG, D(100), D(1), 1_000))
    return trade if until_ms is None else evolve(trade, left(trade, D(101), D(1), until_ms))


def gap(from_ms: int, to_ms: int, *, is_bridged: bool = False) -> Gap:
    return Gap(from_ms, to_ms, is_bridged)


@pytest.mark.parametrize(
    ("gaps", "quoted_at", "expected"),
    [
        ([], [], Observed(share=D(1), until_ms=2_000)),
        ([gap(0, 1_000), gap(2_000, 9_000)], [], Observed(share=D(1), until_ms=2_000)),
        ([gap(0, 1_100)], [], Observed(share=D("0.9"), until_ms=2_000, longest=gap(1_000, 1_100), gaps=1)),
        (
            [gap(1_100, 1_200), gap(1_500, 1_800), gap(1_900, 5_000)],
            [],
            Observed(share=D("0.5"), until_ms=2_000, longest=gap(1_500, 1_800), gaps=3),
        ),
        (
            [gap(1_100, 1_900, is_bridged=True), gap(1_950, 1_960)],
            [],
            Observed(share=D("0.99"), until_ms=2_000, longest=gap(1_950, 1_960), gaps=1, bridged=1),
        ),
        (
            [gap(1_100, 1_600, is_bridged=True)],
            [1_000],
            Observed(share=D(1), until_ms=2_000, longest=gap(1_100, 1_600, is_bridged=True), bridged=1),
        ),
        (
            [gap(1_500, 2_500, is_bridged=True)],
            [2_000],
            Observed(share=D("0.5"), until_ms=2_000, longest=gap(1_500, 2_000), gaps=1, decided_blind=True),
        ),
    ],
)
def test_of_a_closed_trade(gaps: list[Gap], quoted_at: list[int], expected: Observed) -> None:
    assert observed(lived(), 7_777, gaps, quoted_at) == expected


def test_a_live_trade_counts_as_far_as_it_was_processed() -> None:
    assert observed(lived(None), 1_400, [gap(1_300, 1_500)]).share == D("0.75")
    assert observed(lived(None), 500, [gap(1_300, 1_500)]) == Observed(share=D(1), until_ms=1_001)


@pytest.mark.parametrize("flag", [Flag.UNVERIFIED, Flag.OBSERVED, Flag.OFF_MARKET])
def test_some_flags_make_a_trade_unverified(flag: Flag) -> None:
    assert is_unverified(replace(lived(), flags=(flag,)), None)


def test_so_does_a_gap_and_nothing_else() -> None:
    others = tuple(flag for flag in Flag if flag not in (Flag.UNVERIFIED, Flag.OBSERVED, Flag.OFF_MARKET))
    trade = replace(lived(), flags=others)
    assert not is_unverified(trade, None)
    assert not is_unverified(trade, observed(trade, 0, [gap(1_100, 1_200, is_bridged=True)]))
    assert is_unverified(trade, observed(trade, 0, [gap(1_100, 1_101)]))
