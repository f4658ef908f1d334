"""An amount that is named itself or as a part of a base, and the names of everything that may hold an order back.

Values only; what they do is in `guards.py` and `caps.py`. The rule to keep: a name here is a word of the journal,
so none is ever renamed.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from papertrade.engine.money import CONTEXT, HUNDRED, plain
from papertrade.engine.values import dataclass


class GuardName(StrEnum):
    """What may hold an order back: guards first, then caps, in the order in which they are told."""

    HOURS = "hours"
    MAX_OPEN = "max_open"
    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    COOLDOWN = "cooldown"
    LOCKOUT = "lockout"
    CAP_SYMBOL = "cap_symbol"
    CAP_SIDE = "cap_side"
    CAP_SOURCE = "cap_source"
    CAP_TOTAL = "cap_total"


class Action(StrEnum):
    """What a guard does to an order: refuse it, make it smaller, or only say something."""

    HALT = "halt"
    SHRINK = "shrink"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Number:
    """One number behind an adjustment, by its name."""

    name: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount of account money, or percent of a base."""

    value: Decimal
    is_percent: bool = False

    def of(self, base: Decimal) -> Decimal:
        """Return the limit in account money, not rounded."""
        if not self.is_percent:
            return self.value
        return CONTEXT.divide(CONTEXT.multiply(base, self.value), HUNDRED)

    def __str__(self) -> str:
        return f"{plain(self.value)}%" if self.is_percent else plain(self.value)
