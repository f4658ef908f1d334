"""Fills of a taker who walks the order book of the moment: how much of an order it fills, and at which prices.

Only what a command does at once has a book; what a past candle decides has none. The rule to keep: the price of a
fill is the mean of the levels it took, weighted by quantity, on the step against the trader.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.messages import Cause, Refusal
from papertrade.engine.money import ZERO, floor_to, plain
from papertrade.engine.order_book import BookLevel, OrderBook, walk
from papertrade.engine.trade import Terms
from papertrade.engine.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Depth:
    """What a taker meets: the levels, best first, whether the order is refused where they are too thin."""

    levels: tuple[BookLevel, ...]
    is_refusing: bool = False

    @property
    def quantity(self) -> Decimal:
        """What all levels together hold."""
        return sum((level.quantity for level in self.levels), ZERO)

    def beyond(self, taken: Decimal) -> Depth:
        """Return what is left after somebody took so much from the best levels on."""
        left: list[BookLevel] = []
        for level in self.levels:
            part = min(taken, level.quantity)
            taken -= part
            if part < level.quantity:
                left.append(BookLevel(level.price, level.quantity - part))
        return Depth(tuple(left), self.is_refusing)


def depth_of(book: OrderBook, is_buying: bool, limit: Decimal | None, *, is_refusing: bool) -> Depth:
    """Return what a taker meets, up to a limit that it does not go beyond."""
    sign = 1 if is_buying else -1
    levels = book.against(is_buying)
    return Depth(
        tuple(each for each in levels if limit is None or (limit - each.price) * sign >= 0), is_refusing=is_refusing
    )


def filled_of(wanted: Decimal, depth: Depth, terms: Terms, symbol: str) -> Decimal | Refusal:
    """Return how much of a wanted quantity the book fills, on the step; refused where that is too little."""
    there = floor_to(depth.quantity, terms.quantity_grid)
    if there >= wanted:
        return wanted
    best = depth.levels[0].price if depth.levels else ZERO
    is_enough = there > 0 and there >= terms.quantity_min and there * best >= terms.notional_min
    if is_enough and not depth.is_refusing:
        return there
    return Refusal(
        "thin_book",
        f"the order book of {symbol} fills `{plain(there)}` of `{plain(wanted)}`",
        f"use --size {plain(there)} or less" if is_enough else "wait, or use a limit",
        {"need": plain(wanted), "available": plain(there)},
    )


def walked(cause: Cause, quantity: Decimal, depth: Depth) -> Cause:
    """Return the cause of a fill that took this quantity from the book; the best level is the price seen."""
    taken = walk(depth.levels, quantity).taken
    return replace(cause, raw_price=taken[0].price, walked=taken)
