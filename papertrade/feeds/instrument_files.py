"""Instruments out of a file and into one: what `papertrade instruments` saved or printed, whole or only its list.

A saved file has an instrument a line, so that a flaw has a line. The rule to keep: a step or a minimum that cannot
be read is refused, never taken for none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from papertrade.engine.instrument import Instrument, normalise_symbol
from papertrade.engine.money import ZERO, parse_decimal
from papertrade.errors import InputFileError, Json
from papertrade.feeds.bad_rows import one_line

_BYTES_MAX: Final = 32 * 1024 * 1024
_SHOWN: Final = 20
_NUMBERS: Final = ("price_step", "quantity_step", "quantity_min", "quantity_max", "notional_min", "notional_max")
_HINT: Final = "papertrade instruments BTCUSDT --save instruments.json"
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str)
_BLANKS: Final = re.compile(r"[ \t\n\r]*")

FIELDS: Final = ("symbol", "venue", "base", "quote", *_NUMBERS, "hours", "is_trading", "fetched_at")
"""The fields of an instrument, as the command `instruments` shows them."""


def read_instruments(path: Path) -> tuple[Instrument, ...]:
    """Read the instruments of a file, each symbol once; null is none. Raises InputFileError with every flaw."""
    shown = one_line(str(path))
    try:
        with path.open("rb") as stream:
            raw = stream.read(_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputFileError(f"`{shown}` cannot be read: {reason.lower()}", hint=_HINT) from None
    if len(raw) > _BYTES_MAX:
        raise InputFileError(f"`{shown}` is larger than {_BYTES_MAX // 2**20} MiB")
    items = _items(raw, shown)
    if not items:
        raise InputFileError(f"`{shown}` has no instruments", hint=_HINT)
    found: dict[str, Instrument] = {}
    flaws: list[tuple[int, int, str]] = []
    for number, (line, item) in enumerate(items, 1):
        try:
            instrument = _instrument(item)
            if instrument.symbol in found:
                raise ValueError(f"{instrument.symbol} stands there twice")
            found[instrument.symbol] = instrument
        except ValueError as error:
            flaws.append((line, number, one_line(str(error))))
    if flaws:
        told = [f"{shown} line {line}, item {number}: {message}" for line, number, message in flaws[:_SHOWN]]
        told += [f"and {len(flaws) - _SHOWN} more"] if len(flaws) > _SHOWN else []
        rows: list[Json] = [{"line": line, "item": number, "message": message} for line, number, message in flaws]
        raise InputFileError("\n".join(told), hint=_HINT, details={"rows": rows})
    return tuple(found.values())


def _items(raw: bytes, shown: str) -> list[tuple[int, object]]:
    """Return the list of instruments, each with its line: bare, in `items`, or in an envelope's `data`."""
    try:
        text = raw.decode("utf-8-sig")
        at = _list_at(text)
        items = [] if at is None else list(_members(text, at))
    except json.JSONDecodeError as error:
        raise InputFileError(
            f"`{shown}` is not JSON: line {error.lineno}: {error.msg.lower()}",
            hint=_HINT,
            details={"rows": [{"line": error.lineno, "item": None, "message": error.msg}]},
        ) from None
    except (ValueError, RecursionError):
        raise InputFileError(f"`{shown}` is not JSON", hint=_HINT) from None
    if at is None:
        raise InputFileError(f"`{shown}` holds no list of instruments", hint=_HINT)
    return items


def _list_at(text: str) -> int | None:
    """Return where the list of instruments begins, None where there is none. Raises JSONDecodeError."""
    _DECODER.decode(text)
    at = _solid(text, 0)
    while text[at] == "{":
        inside = [value_at for name, value_at in _fields(text, at) if name in ("data", "items")]
        if not inside:
            return None
        at = inside[0]
    return at if text[at] == "[" else None


def _fields(text: str, at: int) -> Iterator[tuple[object, int]]:
    """Yield the name of each field of the object that begins at `at`, and where its value does."""
    at = _solid(text, at + 1)
    while text[at] != "}":
        name, end = _DECODER.raw_decode(text, at)
        value_at = _solid(text, _solid(text, end) + 1)
        yield name, value_at
        at = _after(text, value_at)[1]


def _members(text: str, at: int) -> Iterator[tuple[int, object]]:
    """Yield each member of the list that begins at `at`, with the line where it begins, from 1."""
    line, seen = 1, 0
    at = _solid(text, at + 1)
    while text[at] != "]":
        line, seen = line + text.count("\n", seen, at), at
        value, at = _after(text, at)
        yield line, value


def _after(text: str, at: int) -> tuple[object, int]:
    """Return the value that begins at `at`, and where the next one or the end of its list or object is."""
    value, end = _DECODER.raw_decode(text, at)
    end = _solid(text, end)
    return value, _solid(text, end + 1) if text[end] == "," else end


def _solid(text: str, at: int) -> int:
    """Return the first place from `at` on that is no blank."""
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()


def _instrument(item: object) -> Instrument:
    if not isinstance(item, Mapping):
        raise ValueError("is not an object")
    for name in item:
        if name not in FIELDS:
            near = get_close_matches(str(name), FIELDS, n=1)
            raise ValueError(f"`{name}` is not known" + (f": did you mean `{near[0]}`?" if near else ""))
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
