"""The one envelope that `--json` prints, and the encoding of values inside it.

Commands say explicitly which fields they show, as mappings of plain values; nothing here walks
dataclasses. The rule to keep: decimals are strings in plain notation, times are `iso_z` strings, and
the text is pure ASCII, so no foreign character reaches a terminal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from papertrade.engine.money import CONTEXT, plain
from papertrade.errors import Json, PapertradeError
from papertrade.render.numbers import iso_z

_CENT = Decimal("0.01")

Encodable: TypeAlias = "bool | int | float | str | Decimal | Sequence[Encodable] | Mapping[str, Encodable] | None"
"""What `encode` takes. Enums are StrEnums, so their value is what is written; floats are statistics."""


def encode(value: Encodable) -> Json:
    """Turn decimals and finite floats into plain strings, StrEnums into their values, tuples into lists.

    Raises ValueError for NaN and infinities: an unknown is None.
    """
    match value:
        case None | bool():
            return value
        case str():
            return str(value)
        case Decimal():
            return _number(value)
        case float():
            return _number(Decimal(repr(value)) if math.isfinite(value) else Decimal("NaN"))
        case int():
            return int(value)
        case Mapping():
            return {key: encode(item) for key, item in value.items()}
        case Sequence():
            return [encode(item) for item in value]


def two_places(percentage: Decimal | None) -> str | None:
    """Write what is in percent with two decimals, half to even: `64.00`; None stays None."""
    return None if percentage is None else f"{CONTEXT.quantize(percentage, _CENT):f}"


def listing(items: Sequence[Encodable], total: int) -> Mapping[str, Encodable]:
    """Shape a list; `total` counts what the filters found, however many are shown."""
    return {"items": items, "total": total}


def success_envelope(data: Encodable, at_ms: int) -> str:
    """Write the envelope of a command that was done, as one line with its end."""
    return _line({"success": True, "data": encode(data), "timestamp": iso_z(at_ms)})


def failure_envelope(error: PapertradeError, at_ms: int) -> str:
    """Write the envelope of a command that failed; `data` is there only if something was achieved."""
    failure: dict[str, Json] = {
        "code": error.error_code,
        "message": error.message,
        "hint": error.hint,
        "details": error.details,
    }
    reached: dict[str, Json] = {} if error.data is None else {"data": error.data}
    return _line({"success": False, "error": failure, **reached, "timestamp": iso_z(at_ms)})


def event_line(name: str, at_ms: int, data: Encodable) -> str:
    """Write one event of a stream, as one line with its end."""
    return _line({"event": name, "at": iso_z(at_ms), "data": encode(data)})


def json_text(value: Encodable) -> str:
    """Write one value as JSON on one line, without the line's end."""
    return _text(encode(value))


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"`{value}` cannot be written as a number; an unknown is null")
    return plain(value)


def _line(value: Mapping[str, Json]) -> str:
    return f"{_text(value)}\n"


def _text(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    # DEL is ASCII, so json leaves it; it can only stand inside a string.
    return text.replace("\x7f", "\\u007f")
