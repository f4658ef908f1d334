"""One number of a report, or the reason why there is none: the border between float statistics and exact output.

Statistics may be computed with floats; what leaves this package is a `Metric` with 12 significant digits.
The rule to keep: what is undefined is None with a reason, never 0, NaN, an infinity or a sentinel.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal

from papertrade.engine.money import CONTEXT, GRID, HUNDRED, canonical
from papertrade.engine.values import dataclass

_TWELVE_DIGITS = Context(prec=12, rounding=ROUND_HALF_EVEN)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Metric:
    """A value, or None with the reason in words; exactly one of the two is set."""

    value: Decimal | None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a metric has either a value or a reason")


def undefined(reason: str) -> Metric:
    """Return a metric without a value."""
    return Metric(None, reason)


def measured(value: float) -> Metric:
    """Turn a float statistic into a decimal of 12 significant digits; what is not finite becomes undefined."""
    if not math.isfinite(value):
        return undefined("too large to be expressed")
    return Metric(canonical(Decimal(format(value, ".12g"))))


def ratio(part: Decimal, whole: Decimal, reason: str) -> Metric:
    """Divide to 12 significant digits; `reason` is given when `whole` is 0."""
    if whole == 0:
        return undefined(reason)
    return Metric(canonical(_TWELVE_DIGITS.plus(CONTEXT.divide(part, whole))))


def mean_money(total: Decimal, count: int, reason: str) -> Metric:
    """Divide money by a count, to 1e-8 half to even; `reason` is given when `count` is 0."""
    if count == 0:
        return undefined(reason)
    return Metric(canonical(CONTEXT.quantize(CONTEXT.divide(total, count), GRID)))


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return `part` in percent of `whole` with two decimals; None when `whole` is not above 0."""
    if whole <= 0:
        return None
    return CONTEXT.quantize(CONTEXT.divide(CONTEXT.multiply(part, HUNDRED), whole), _CENT)
