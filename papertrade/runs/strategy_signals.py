"""From what a strategy wishes (`"2%"`, `110.5`, `["2R:0.5"]`) to a Signal made on one candle.

The words go through the same reader as the rows of a signal file, so that a level means the same everywhere.
The rule to keep: a number is taken at the digits it shows, so that 0.1 is 0.1 and never what a float makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, SupportsFloat, SupportsIndex, TypeAlias

from papertrade.engine.instants import from_ms, to_iso
from papertrade.engine.money import plain
from papertrade.engine.signal import Signal
from papertrade.engine.values import replace
from papertrade.feeds.signal_rows import AFTER_FIRST, BadRow, signal_of, stop_cell

Number: TypeAlias = str | SupportsFloat | SupportsIndex
"""A level or an amount: `"2%"`, `110`, `110.5`, a Decimal, a NumPy number. A bare number is a price or an amount."""

AFTER_TP1: Final = "after_tp1"
"""Where the stop goes once the first target is taken; a signal file writes it behind the stop: `2%;be`."""

_DECIMALS_MAX: Final = 18
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_NAMES: Final = {"stop_loss": "stop", AFTER_FIRST: AFTER_TP1}
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


def cells_of(
    wishes: Mapping[str, Number | None], take_profit: Number | Sequence[Number] | None, tags: Sequence[str]
) -> dict[str, str | tuple[str, ...]]:
    """Write wishes as the cells of a signal file; what is None is left out. Raises ValueError."""
    cells: dict[str, str | tuple[str, ...]] = {
        name: number_text(wish) for name, wish in wishes.items() if wish is not None and name != AFTER_TP1
    }
    after = wishes.get(AFTER_TP1)
    if after is not None:
        stop = wishes.get("stop_loss")
        cells["stop_loss"] = stop_cell("" if stop is None else number_text(stop), number_text(after))
    cells["take_profit"] = () if take_profit is None else texts_of(take_profit)
    cells["tags"] = tuple(tags)
    return cells


def made_signal(
    cells: Mapping[str, str | tuple[str, ...]], *, symbol: str, source: str, at_ms: int, external_id: str | None = None
) -> Signal:
    """Make a signal at `at_ms` of a signal file's cells. Raises ValueError naming each wrong word.

    Without an id the hash of its content, `at_ms` among it, names it.
    """
    rows = [(name, cell) for name, cell in cells.items() if cell not in ("", ())]
    name = ("time", to_iso(at_ms)) if external_id is None else ("id", external_id)
    try:
        signal = signal_of([*rows, ("symbol", symbol), name], at_ms, source)
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
