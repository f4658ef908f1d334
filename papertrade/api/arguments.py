"""From what a program writes (`10_000`, `"0.1%"`, a datetime, a NumPy time) to exact values.

Numbers are taken at the digits they show: a float of 0.1 is 0.1. Times have a zone; NumPy's and bare dates are UTC.
The rule to keep: what is not understood is a ValueError that names the argument.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, SupportsIndex, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from papertrade.engine.instants import parse_duration, parse_time
from papertrade.engine.money import CONTEXT, HUNDRED, ZERO, parse_decimal, plain
from papertrade.feeds.candle_series import IntColumn
from papertrade.runs.strategy_signals import Number, number_text

T = TypeVar("T")

Moment: TypeAlias = str | SupportsIndex | datetime | np.datetime64
"""An instant: ISO-8601 with a zone, UTC milliseconds, an aware datetime, or a NumPy time (UTC)."""

Span: TypeAlias = str | SupportsIndex | timedelta
"""A length of time: `"1m"`, `"1h30m"`, milliseconds, a timedelta."""

_MILLISECOND: Final = timedelta(milliseconds=1)


def number_of(value: Number, name: str) -> Decimal:
    """Return a number exactly. Raises ValueError."""
    return _named(name, lambda: parse_decimal(number_text(value)))


def number_within(value: Number, name: str, low: str, high: str) -> Decimal:
    """Return a number from `low` to `high`. Raises ValueError."""
    number = number_of(value, name)
    if not Decimal(low) <= number <= Decimal(high):
        raise ValueError(f"{name}: `{plain(number)}` must lie between {low} and {high}")
    return number


def fraction_of(value: Number, name: str, high: str, low: str = "0") -> Decimal:
    """Return a part of one: 0.001 or "0.1%"; from `low` to `high`. Raises ValueError."""
    if isinstance(value, str) and value.strip().endswith("%"):
        fraction = CONTEXT.divide(number_of(value.strip().removesuffix("%"), name), HUNDRED)
    else:
        fraction = number_of(value, name)
    if not Decimal(low) <= fraction <= Decimal(high):
        raise ValueError(f"{name}: `{value}` must lie between {low} and {high} (`0.001` is `0.1%`)")
    return fraction


def percent_of(value: Number, name: str, high: str) -> Decimal:
    """Return a percentage, written 1 or "1%", above 0. Raises ValueError."""
    percent = number_of(value.strip().removesuffix("%") if isinstance(value, str) else value, name)
    if not ZERO < percent <= Decimal(high):
        raise ValueError(f"{name}: `{plain(percent)}` must be above 0 and at most {high} percent")
    return percent


def instant_of(value: Moment, name: str) -> int:
    """Return UTC milliseconds; a part of one rounds up. Raises ValueError, also for a time without a zone."""
    return _named(name, lambda: _instant(value))


def bound_of(value: Moment | date | None, name: str) -> int | None:
    """Return UTC milliseconds as `instant_of` does; a bare date is its midnight in UTC. None stays None."""
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return instant_of(f"{value.isoformat()}T00:00Z", name)
    if isinstance(value, str) and len(value.strip()) == len("2026-11-20"):
        return instant_of(f"{value.strip()}T00:00Z", name)
    return instant_of(value, name)


def instants_of(values: NDArray[np.datetime64]) -> IntColumn:
    """Return UTC milliseconds of NumPy times; a part of one rounds up."""
    whole = values.astype("datetime64[ms]")
    return whole.astype(np.int64) + (whole < values)


def span_of(value: Span | None, name: str) -> int | None:
    """Return milliseconds above 0; None stays None. Raises ValueError."""
    if value is None:
        return None
    return _named(name, lambda: _span(value))


def _instant(value: Moment) -> int:
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, datetime):
        return parse_time(value.isoformat())
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            raise ValueError(f"`{value}` is not a time")
        return parse_time(str(int(instants_of(np.array([value]))[0])))
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise ValueError(f"`{value!r}` is not a time: write UTC milliseconds, or a time with a zone")
    return parse_time(str(value.__index__()))


def _span(value: Span) -> int:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, timedelta):
        whole, rest = divmod(value, _MILLISECOND)
        if rest:
            raise ValueError(f"`{value}` is not a whole number of milliseconds")
    elif isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise ValueError(f"`{value!r}` is not a length of time: write `1m`, or milliseconds")
    else:
        whole = value.__index__()
    if whole <= 0:
        raise ValueError(f"`{value}` must be above 0")
    return whole


def _named(name: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from None
