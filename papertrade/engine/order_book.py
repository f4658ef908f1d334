"""An order book of one moment, and what a taker pays who walks it: exact, level by level. Values only.

Buyers take asks from the lowest up, sellers bids from the highest down. The rule to keep: nothing beyond the depth
that was seen is ever assumed to be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from papertrade.engine.money import ZERO, exact, plain
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True)
class BookLevel:
    """So much quantity at one price."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBook:
    """The bids, highest first, and the asks, lowest first, of one moment (UTC ms); one side may be empty."""

    at_ms: int
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]

    def __post_init__(self) -> None:
        for name, side, sign in (("bids", self.bids, -1), ("asks", self.asks, 1)):
            for level in side:
                if not (level.price.is_finite() and level.quantity.is_finite()):
                    raise ValueError(f"{name} hold a level that is no number")
                if level.price <= 0 or level.quantity <= 0:
                    raise ValueError(f"{name} hold `{plain(level.quantity)}` at `{plain(level.price)}`: not above 0")
            if any((after.price - before.price) * sign <= 0 for before, after in pairwise(side)):
                raise ValueError(f"{name} are not in the order of their prices")
        if self.bids and self.asks and self.bids[0].price >= self.asks[0].price:
            best = f"bid `{plain(self.bids[0].price)}` is not below ask `{plain(self.asks[0].price)}`"
            raise ValueError(f"the book is crossed: {best}")

    @property
    def spread(self) -> Decimal | None:
        """The best ask less the best bid; None where a side is empty."""
        with exact():
            return self.asks[0].price - self.bids[0].price if self.bids and self.asks else None

    def against(self, is_buying: bool) -> tuple[BookLevel, ...]:
        """Return the levels that a taker meets, best first."""
        return self.asks if is_buying else self.bids


@dataclass(frozen=True, slots=True)
class Walk:
    """What a taker got: the levels taken, in order, their quantity and Σ price · quantity."""

    taken: tuple[BookLevel, ...]
    quantity: Decimal
    notional: Decimal

    @property
    def average(self) -> Decimal:
        """The price weighted by quantity, to the engine's precision. Raises ZeroDivisionError for an empty walk."""
        with exact():
            return self.notional / self.quantity


def walk(levels: Sequence[BookLevel], wanted: Decimal) -> Walk:
    """Take `wanted` from the levels, best first; less where they hold less."""
    taken: list[BookLevel] = []
    left, notional = wanted, ZERO
    with exact():
        for level in levels:
            if left <= 0:
                break
            part = min(left, level.quantity)
            taken.append(BookLevel(level.price, part))
            notional += level.price * part
            left -= part
        return Walk(tuple(taken), wanted - max(left, ZERO), notional)
