"""The deflated Sharpe ratio against the numbers of the paper, and where it has no answer."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from papertrade.reports.deflated_sharpe import deflated_sharpe, expected_best_sharpe, sharpe_confidence

DAYS = 250


@pytest.mark.parametrize(
    ("tried", "luck", "confidence"),
    [
        # Bailey and López de Prado 2014, section "A numerical example": five years of days, skew -3, kurtosis 10,
        # a yearly ratio of 2.5, the variance of the yearly ratios 1/2.
        (100, 0.1132, 0.9004),
        (46, 0.1004, 0.9505),
    ],
)
def test_the_example_of_the_paper(tried: int, luck: float, confidence: float) -> None:
    benchmark = expected_best_sharpe(tried, 0.5 / DAYS)
    assert benchmark == pytest.approx(luck, abs=5e-5)
    found = sharpe_confidence(2.5 / math.sqrt(DAYS), benchmark, 1250, -3, 10)
    assert found.value is not None
    assert float(found.value) == pytest.approx(confidence, abs=5e-5)


def test_a_single_try_has_no_luck_to_take_off() -> None:
    assert expected_best_sharpe(1, 0.5) == 0.0


def test_two_returns_by_hand() -> None:
    # Returns 3 % and 1 %: mean 0.02, deviation √2 %, so the ratio is √2; no skew, kurtosis 1.
    # (√2 - 0) · √1 / √(1 - 0 + 0) = √2, and Φ(√2) = 0.921350396...
    found = deflated_sharpe(np.array([0.03, 0.01]), np.array([math.sqrt(2)]), 1)
    assert found.value == Decimal("0.921350396475")


def test_more_tries_deflate_more() -> None:
    returns = np.array([0.01, -0.005, 0.012, 0.004, -0.002] * 20)
    sharpes = np.array([0.1, 0.5, -0.2, np.nan])
    values = [deflated_sharpe(returns, sharpes, tried).value for tried in (2, 10, 1000)]
    assert values == sorted(values, key=lambda value: -(value or 0))
    assert len(set(values)) == 3


def test_where_there_is_no_answer() -> None:
    some = np.array([0.1, 0.2])
    one, same, lopsided = np.array([0.1]), np.array([0.1, 0.1]), sharpe_confidence(2.0, 0.0, 10, 3.0, 1.0)
    assert deflated_sharpe(one, some, 2).reason == "needs 2 day ends, has 1"
    assert deflated_sharpe(same, some, 2).reason == "the day returns do not vary"
    assert deflated_sharpe(some, np.array([0.1, np.nan]), 2).reason == (
        "fewer than two of the combinations have a Sharpe ratio"
    )
    assert lopsided.reason == "the day returns are too lopsided"
    assert sharpe_confidence(1.0, 0.0, 1, 0.0, 3.0).reason == "needs 2 day ends, has 1"
