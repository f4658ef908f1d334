"""How a quantity came about: the size that was wished, the account and the prices it was worked out from, the cuts.

Values only; `sizing` works them out and `reports.explain_size` takes them apart. The rule to keep: with the terms of
the order they are enough to work the quantity out again.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

from papertrade.engine.signal import Size, SizeKind
from papertrade.engine.values import dataclass

_QUANTITY: Final = SizeKind.QUANTITY


class CutBy(StrEnum):
    """What made a quantity smaller than its wish."""

    DEFAULT_CAP = "default_cap"  # the most notional of a size that was not named
    GUARD = "guard"
    CAP = "cap"
    CASH = "cash"
    BOOK = "book"  # what the order book held


@dataclass(frozen=True, slots=True)
class Cut:
    """A quantity made smaller, and the number that it goes by.

    `limit` is a notional for the default size's cap and a cap's room, a factor for guards, the free cash, the depth.
    """

    by: CutBy
    limit: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """What a quantity was worked out from; the cuts in the order in which they were made.

    `price` is the expected fill with its slippage and `fee_rate` what entering there costs. `stop_out` is where a
    stop loss is expected to be filled, None where the size does not go by risk.
    """

    size: Size
    is_default: bool
    balance: Decimal
    price: Decimal
    fee_rate: Decimal
    stop_out: Decimal | None = None
    cuts: tuple[Cut, ...] = ()

    def is_as_asked(self, quantity: Decimal) -> bool:
        """Whether `quantity` is the very one that was asked for, so that there is nothing to tell."""
        return self.size.kind is _QUANTITY and self.size.value == quantity
