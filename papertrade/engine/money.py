"""Exact decimals: the one arithmetic context, the one parser and the one way to print a number.

Money (cash, fees, profit and loss, postings) lives on a grid of 1e-8 of the account currency; prices
and quantities keep every digit that a venue gives. The rule to keep: no float, and no operation on
decimals outside `exact()`, whose 60 digits never round what the grid can hold.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    InvalidOperation,
    Overflow,
    getcontext,
    setcontext,
)
from functools import lru_cache

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)
GRID = Decimal("0.00000001")
UNITS_PER_ONE = 100_000_000

CONTEXT = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation],
)

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,18})?", re.ASCII)


class _Exact:
    """Makes `CONTEXT` itself the current one: a copy of it, as `localcontext` makes, costs more than the arithmetic."""

    __slots__ = ("_before",)

    def __init__(self, before: Context) -> None:
        self._before = before

    def __enter__(self) -> None:
        setcontext(CONTEXT)

    def __exit__(self, *_: object) -> None:
        setcontext(self._before)


class _AlreadyExact:
    """Does nothing, inside another one."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


_ALREADY_EXACT = _AlreadyExact()


def exact() -> AbstractContextManager[None]:
    """Return a context manager, to be entered at once, in which decimals have 60 digits and never mix with floats."""
    before = getcontext()
    return _ALREADY_EXACT if before is CONTEXT else _Exact(before)


def parse_decimal(text: str) -> Decimal:
    """Read a plain decimal: optional minus, at most 20 whole and 18 fractional ASCII digits.

    Raises ValueError for everything else, among it what `Decimal()` would take: exponents, `1_000`,
    blanks, other scripts' digits, NaN and infinities.
    """
    if _PLAIN.fullmatch(text) is None:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise ValueError(f"`{shown}` is not a plain decimal number")
    value = Decimal(text.rstrip("0") if "." in text else text)
    return ZERO if value == 0 else value


def canonical(value: Decimal) -> Decimal:
    """Drop trailing zeros and the sign of zero, so that equal numbers print the same."""
    if value == 0:
        return ZERO
    return value.normalize(CONTEXT)


def plain(value: Decimal) -> str:
    """Print without exponent and without trailing zeros: `0.1`, `60000`, never `6E+4`."""
    if value == 0:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_grid(value: Decimal) -> Decimal:
    """Round to the money grid of 1e-8, half to even."""
    return value.quantize(GRID, ROUND_HALF_EVEN, CONTEXT)


def up_to_grid(value: Decimal) -> Decimal:
    """Round up to the money grid of 1e-8 (fees)."""
    return value.quantize(GRID, ROUND_CEILING, CONTEXT)


def to_units(value: Decimal) -> int:
    """Convert an amount on the money grid to whole units of 1e-8. Raises ValueError off the grid."""
    units = CONTEXT.multiply(value, UNITS_PER_ONE)
    whole = int(units)
    if whole != units:
        raise ValueError(f"`{value}` is not on the money grid of 1e-8")
    return whole


def from_units(units: int) -> Decimal:
    """Convert whole units of 1e-8 to an amount."""
    return CONTEXT.multiply(Decimal(units), GRID)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Round down to a multiple of `step`; a step of 0 means none."""
    quantum = _power_of_ten(step)
    if quantum is not None:
        stepped = value.quantize(quantum, ROUND_FLOOR, CONTEXT)
        return value if stepped == value else stepped
    return _to_step(value, step, ROUND_FLOOR)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Round up to a multiple of `step`; a step of 0 means none."""
    quantum = _power_of_ten(step)
    if quantum is not None:
        stepped = value.quantize(quantum, ROUND_CEILING, CONTEXT)
        return value if stepped == value else stepped
    return _to_step(value, step, ROUND_CEILING)


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step == 0:
        return value
    steps = CONTEXT.divide(value, step).to_integral_value(rounding=rounding)
    return CONTEXT.multiply(steps, step)


@lru_cache(maxsize=256)
def _power_of_ten(step: Decimal) -> Decimal | None:
    """Return the step as a power of ten, None if it is none; the cache takes 0.1 and 0.10 for one key."""
    normal = step.normalize(CONTEXT)
    return normal if normal.as_tuple().digits == (1,) else None
