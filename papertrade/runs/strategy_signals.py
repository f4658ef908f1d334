"""From what a strategy wishes (`"2%"`, `110.5`, `["2R:0.5"]`) to a Signal made on one candle.

The words go through the same reader as the rows of a signal file, so that a level means the same everywhere.
The rule to keep: a number is taken at the digits it shows, so that 0.1 is 0.1 and never what a float makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, SupportsFloat, SupportsIndex, TypeAlias

from papertrade.engine.instants import from_ms
from papertrade.engine.money import plain
from papertrade.engine.signal import Signal
from papertrade.feeds.signal_rows import BadRow, signal_of

Number: TypeAlias = str | SupportsFloat | SupportsIndex
"""A level or an amount: `"2%"`, `110`, `110.5`, a Decimal, a NumPy number. A bare number is a price or an amount."""

_DECIMALS_MAX: Final = 18
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_NAMES: Final = {"stop_loss": "stop"}
"""What a strategy calls a column that has another name in a signal file."""


def number_text(value: Number) -> str:
    """Write a number as a plain decimal of at most 18 decimals; texts stay as they are. Raises ValueError."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        raise ValueError(f"`{value}` is not a number")
    if isinstance(value, SupportsIndex):
        return str(value.__index__())
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    if not exact.is_finite():
        raise ValueError(f"`{exact}` is not a number")
    whole, point, decimals = plain(exact).partition(".")
    return f"{whole}{point}{decimals[:_DECIMALS_MAX]}"


def texts_of(values: Number | Sequence[Number]) -> tuple[str, ...]:
    """Write one number or several."""
    if isinstance(values, Sequence) and not isinstance(values, str):
        return tuple(number_text(value) for value in values)
    return (number_text(values),)


def made_signal(
    cells: Mapping[str, str | tuple[str, ...]], *, symbol: str, source: str, at_ms: int, external_id: str
) -> Signal:
    """Make a signal at `at_ms` of a signal file's cells. Raises ValueError naming each wrong word."""
    rows = [(name, cell) for name, cell in cells.items() if cell not in ("", ())]
    try:
        signal = signal_of([*rows, ("symbol", symbol), ("id", external_id)], at_ms, source)
    except BadRow as bad:
        raise ValueError("; ".join(_flaw(column, message) for column, message in bad.flaws)) from None
    if signal.expires_at_ms is not None and signal.expires_at_ms <= at_ms:
        raise ValueError(f"expires: `{cells['expires']}` is not after the candle")
    return replace(signal, symbol=symbol, is_dated=True, is_expiry_dated=True)


def running_id(symbol: str, at_ms: int, number: int) -> str:
    """Name the signal of a candle's end, `BTCUSDT-20181208T224100Z`; the second at once ends in `b`, and so on."""
    moment = from_ms(at_ms)
    parts = "" if at_ms % 1000 == 0 else f".{at_ms % 1000:03}"
    letter = "" if number == 0 else _LETTERS[number] if number < len(_LETTERS) else f"-{number + 1}"
    return f"{symbol}-{moment:%Y%m%dT%H%M%S}{parts}Z{letter}"


def _flaw(column: str | None, message: str) -> str:
    return message if column is None else f"{_NAMES.get(column, column)}: {message}"
