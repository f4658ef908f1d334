"""How single values lie in SQLite: money as whole units of 1e-8, prices and quantities as canonical text.

The same conversions serve the typed columns of the tables and the hot paths that write raw rows. The rule
to keep: no float is ever bound or read, except the search hints of the armed prices.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final, NoReturn

from sqlalchemy import Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

from papertrade.engine.codec import parse_long_decimal
from papertrade.engine.money import from_units, plain, to_units
from papertrade.errors import Refused

_UNITS_MAX: Final = 2**63 - 1


def units(amount: Decimal) -> int:
    """Return an amount in units of 1e-8. Raises Refused beyond the 92 billion that a column holds."""
    whole = to_units(amount)
    if abs(whole) > _UNITS_MAX:
        raise Refused(
            f"amount `{plain(amount)}` is more than a ledger can hold",
            hint="trade a smaller quantity",
            code="amount_too_large",
        )
    return whole


def optional_units(amount: Decimal | None) -> int | None:
    """Return an amount in units of 1e-8, None for None."""
    return None if amount is None else units(amount)


def optional_plain(value: Decimal | None) -> str | None:
    """Return the canonical text of a price or quantity, None for None."""
    return None if value is None else plain(value)


def optional_decimal(text: str | None) -> Decimal | None:
    """Read a price or quantity, None for None. Raises ValueError for anything else."""
    return None if text is None else parse_long_decimal(text)


def hint_at_least(price: Decimal) -> float:
    """Return a float that is never below `price`, at most two ulps above."""
    return math.nextafter(float(price), math.inf)


def hint_at_most(price: Decimal) -> float:
    """Return a float that is never above `price`, at most two ulps below."""
    return math.nextafter(float(price), -math.inf)


class MoneyUnits(TypeDecorator[Decimal]):
    """An amount of account currency, stored as an integer of 1e-8."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Convert to units."""
        return optional_units(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Convert from units."""
        return None if value is None else from_units(value)


class DecimalText(TypeDecorator[Decimal]):
    """A price or quantity of any length, stored as canonical plain text; SQL cannot order or add it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Convert to canonical text. Raises TypeError for a float."""
        if value is not None and not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is not a Decimal")
        return optional_plain(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Convert from text."""
        return optional_decimal(value)

    class comparator_factory(TypeDecorator.Comparator[Decimal]):  # noqa: N801  # SQLAlchemy's name
        """Equality only: `'9' > '10'` is true for text."""

        def _refuse(self, *_: Any, **__: Any) -> NoReturn:
            raise TypeError("decimal text cannot be compared, ordered or added in SQL: do it in Python")

        __lt__ = __le__ = __gt__ = __ge__ = __add__ = __sub__ = __mul__ = _refuse
        desc = asc = between = _refuse
