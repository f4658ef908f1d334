"""Instruments out of a file: what `papertrade instruments --json` printed, whole or only its list.

The rule to keep: a step or a minimum that cannot be read is refused, never taken for none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from papertrade.engine.instrument import Instrument, normalise_symbol
from papertrade.engine.money import ZERO, parse_decimal
from papertrade.errors import InputFileError
from papertrade.feeds.bad_rows import one_line

_BYTES_MAX: Final = 32 * 1024 * 1024
_NUMBERS: Final = ("price_step", "quantity_step", "quantity_min", "quantity_max", "notional_min", "notional_max")
_HINT: Final = "papertrade instruments BTCUSDT --json > instruments.json"


def read_instruments(path: Path) -> tuple[Instrument, ...]:
    """Read the instruments of a file, each symbol once; null is none. Raises InputFileError with every flaw."""
    shown = one_line(str(path))
    try:
        with path.open("rb") as stream:
            raw = stream.read(_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputFileError(f"`{shown}` cannot be read: {reason.lower()}", hint=_HINT) from None
    items = _items(_parsed(raw, shown), shown)
    found: dict[str, Instrument] = {}
    flaws: list[str] = []
    for number, item in enumerate(items, 1):
        try:
            instrument = _instrument(item)
            if instrument.symbol in found:
                raise ValueError(f"{instrument.symbol} stands there twice")
            found[instrument.symbol] = instrument
        except ValueError as error:
            flaws.append(f"{shown} item {number}: {one_line(str(error))}")
    if flaws:
        raise InputFileError("\n".join(flaws[:20]), hint=_HINT, details={"rows": flaws})
    return tuple(found.values())


def _parsed(raw: bytes, shown: str) -> object:
    if len(raw) > _BYTES_MAX:
        raise InputFileError(f"`{shown}` is larger than {_BYTES_MAX // 2**20} MiB")
    try:
        parsed: object = json.loads(raw, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise InputFileError(f"`{shown}` is not JSON", hint=_HINT) from None
    return parsed


def _items(whole: object, shown: str) -> list[object]:
    """Return the list of instruments: bare, in `items`, or in an envelope's `data`."""
    inner = whole
    for key in ("data", "items"):
        if isinstance(inner, dict) and key in inner:
            inner = inner[key]
    if not isinstance(inner, list):
        raise InputFileError(f"`{shown}` holds no list of instruments", hint=_HINT)
    return inner


def _instrument(item: object) -> Instrument:
    if not isinstance(item, Mapping):
        raise ValueError("is not an object")
    price_step, quantity_step, quantity_min, quantity_max, notional_min, notional_max = (
        _number(name, item.get(name)) for name in _NUMBERS
    )
    return Instrument(
        venue=_text("venue", item.get("venue")),
        symbol=normalise_symbol(_text("symbol", item.get("symbol"))),
        base=_text("base", item.get("base")),
        quote=_text("quote", item.get("quote")),
        hours=_text("hours", item.get("hours", "24/7")),
        price_step=price_step,
        quantity_step=quantity_step,
        quantity_min=quantity_min,
        quantity_max=quantity_max,
        notional_min=notional_min,
        notional_max=notional_max,
    )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or not value.isprintable():
        raise ValueError(f"`{name}` is missing or not a short text")
    return value


def _number(name: str, value: object) -> Decimal:
    if value is None:
        return ZERO
    if not isinstance(value, str):
        raise ValueError(f"`{name}` is not a number")
    try:
        return parse_decimal(value)
    except ValueError as error:
        raise ValueError(f"`{name}`: {error}") from None
