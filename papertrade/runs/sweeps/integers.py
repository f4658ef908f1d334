"""Exact arithmetic on columns of whole numbers: 64 bits where they hold it, Python's own integers where not.

A sweep's money is made of these, so what it ranks is what the engine would have booked, to the last digit. The
rule to keep: no division but with a stated rounding, no product without a look at its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from papertrade.engine.money import CONTEXT, plain

Whole: TypeAlias = NDArray[np.int64]
"""Whole numbers; the elements are Python's own where 64 bits would not hold them."""

Flags: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]

SAFE: Final = 2**62
"""What 64 bits hold with a bit to spare."""


def decimals_of(value: Decimal) -> int:
    """Return how many decimals a number needs."""
    return len(plain(value).partition(".")[2])


def whole_of(value: Decimal, decimals: int) -> int:
    """Return value · 10^decimals, which must be whole."""
    return int(value.scaleb(decimals, CONTEXT))


def column(values: Sequence[int]) -> Whole:
    """Make a column."""
    return np.array(values, np.int64 if max(map(abs, values), default=0) < SAFE else np.object_)


def product(left: Whole, right: Whole | int) -> Whole:
    """Multiply, exactly."""
    if _largest(left) * _largest(right) < SAFE:
        return left * right
    factor = right if isinstance(right, int) else right.astype(np.object_)
    result: Whole = left.astype(np.object_) * factor
    return result


def lifted(values: Whole, decimals: int) -> Whole:
    """Return values · 10^decimals."""
    return values if decimals == 0 else product(values, 10**decimals)


def lowered(values: Whole, divisor: int) -> Whole:
    """Divide, rounding down."""
    return values if divisor == 1 else _divisible(values, divisor) // divisor


def raised(values: Whole, divisor: int) -> Whole:
    """Divide, rounding up."""
    return values if divisor == 1 else -(-_divisible(values, divisor) // divisor)


def rounded(values: Whole, divisor: int) -> Whole:
    """Divide, rounding half to even."""
    if divisor == 1:
        return values
    values = _divisible(values, divisor)
    quotient = values // divisor
    twice = (values - quotient * divisor) * 2
    result: Whole = quotient + ((twice > divisor) | ((twice == divisor) & (quotient % 2 == 1)))
    return result


def within_64_bits(values: Whole, low: int, high: int) -> Whole:
    """Return a 64-bit column of the values, those outside low…high moved to the nearer end."""
    return np.minimum(np.maximum(values, low), high).astype(np.int64)


def _largest(values: Whole | int) -> int:
    if isinstance(values, int):
        return abs(values)
    return max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))))


def _divisible(values: Whole, divisor: int) -> Whole:
    return values if divisor < SAFE // 4 else values.astype(np.object_)
