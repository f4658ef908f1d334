"""Reading what a stranger sent: JSON within bounds, single values, and how both are shown in messages.

Nothing here knows a venue or the network. The rule to keep: a number is money only when it came as the
plain decimal text a venue writes; everything else is refused with the raw text, shortened and printable.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from papertrade.engine.money import parse_decimal

Answer: TypeAlias = "bool | int | str | Decimal | list[Answer] | dict[str, Answer] | None"

LAST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN_MAX: Final = 60


def parse_json(body: bytes) -> Answer:
    """Read a JSON body; fractions become Decimal, the values of a key that occurs twice become one list.

    NaN and the infinities arrive as their text, so that whoever expects a number there refuses that one
    item and not its neighbours. Raises ValueError for everything that is no JSON, nesting too deep included.
    """
    try:
        answer: Answer = json.loads(body.decode(), parse_float=Decimal, parse_constant=str)
        if body.count(b":") != _count_top_keys(answer):
            answer = json.loads(
                body.decode(), parse_float=Decimal, parse_constant=str, object_pairs_hook=_gather_repeated
            )
    except (RecursionError, ArithmeticError) as error:
        raise ValueError(f"{type(error).__name__} in the JSON") from None
    return answer


def excerpt(value: object) -> str:
    """Show a foreign value in a message: one line, printable, at most about 60 characters."""
    text = repr(value)[1:-1] if isinstance(value, str) and len(value) <= _SHOWN_MAX else _SHORT.repr(value)
    return text if len(text) <= 2 * _SHOWN_MAX else f"{text[: 2 * _SHOWN_MAX]}..."


def read_price(value: Answer) -> Decimal:
    """Read a price above 0. Raises ValueError."""
    price = read_amount(value)
    if price <= 0:
        raise ValueError(f"`{excerpt(value)}` is not above 0")
    return price


def read_amount(value: Answer) -> Decimal:
    """Read a number of 0 or more. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"`{excerpt(value)}` is not a number in text form")
    try:
        amount = parse_decimal(value)
    except ValueError:
        raise ValueError(f"`{excerpt(value)}` is not a plain decimal number") from None
    if amount < 0:
        raise ValueError(f"`{excerpt(value)}` is below 0")
    return amount


def read_time_ms(value: Answer) -> int:
    """Read UTC epoch milliseconds, 1970 to 9999. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LAST_MS:
        raise ValueError(f"`{excerpt(value)}` is not a time in milliseconds")
    return value


def read_word(value: Answer) -> str:
    """Read a short printable text such as an asset's name. Raises ValueError."""
    if not isinstance(value, str) or not 1 <= len(value) <= 32 or not value.isprintable() or " " in value:
        raise ValueError(f"`{excerpt(value)}` is not a name")
    return value


def utc_text(at_ms: int) -> str:
    """Show an instant as ISO-8601 UTC with milliseconds."""
    instant = _EPOCH + timedelta(milliseconds=at_ms)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def _count_top_keys(answer: Answer) -> int:
    """Count the distinct keys of the answer, or of the objects it lists, without looking deeper.

    Every key of the body has a colon: if there are no more colons than keys counted here, none repeats.
    """
    if isinstance(answer, list) and set(map(type, answer)) == {dict}:
        return sum(len(item) for item in answer if isinstance(item, dict))
    return len(answer) if isinstance(answer, dict) else 0


def _gather_repeated(pairs: Sequence[tuple[str, Answer]]) -> Mapping[str, Answer]:
    gathered = dict(pairs)
    if len(gathered) != len(pairs):
        for key in gathered:
            values = [value for name, value in pairs if name == key]
            gathered[key] = values if len(values) > 1 else values[0]
    return gathered


def _shortener() -> reprlib.Repr:
    short = reprlib.Repr()
    short.maxlevel, short.maxdict, short.maxlist = 2, 4, 6
    short.maxstring = short.maxother = short.maxlong = _SHOWN_MAX
    return short


_SHORT: Final = _shortener()
