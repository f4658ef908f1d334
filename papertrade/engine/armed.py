"""Armed prices, the one idea: a live trade reacts to at most a price below, a price above and an instant.

`armed` says what a trade reacts to under one set of exits; `reach` is the widest of all sets that may rule
a candle not seen yet, which is what finders search by: they may offer too much, never too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from papertrade.engine.market import Side
from papertrade.engine.trade import Levels, Ruling, Status, Trade


@dataclass(frozen=True, slots=True)
class Armed:
    """The prices and the instant (UTC ms) that a trade reacts to; None where there is none."""

    below: Decimal | None = None
    above: Decimal | None = None
    at: int | None = None


def armed(trade: Trade, ruling: Ruling) -> Armed:
    """Return what the trade reacts to while `ruling` is in force; nothing once it has ended."""
    match trade.status:
        case Status.PENDING:
            below = trade.order.entry_type.waits_below(trade.side)
            price = trade.order.entry_price
            return Armed(price if below else None, None if below else price, trade.order.expires_at)
        case Status.OPEN:
            levels = ruling.levels
            adverse = adverse_price(trade, levels)
            target = None if levels is None else levels.next_target()
            favourable = None if target is None else target.price
            if trade.side is Side.LONG:
                return Armed(adverse, favourable)
            return Armed(favourable, adverse)
        case _:
            return Armed()


def reach(trade: Trade) -> Armed:
    """Return the widest armed prices over all exits that may still rule a candle."""
    each = [armed(trade, ruling) for ruling in trade.rulings]
    return Armed(
        max((a.below for a in each if a.below is not None), default=None),
        min((a.above for a in each if a.above is not None), default=None),
        min((a.at for a in each if a.at is not None), default=None),
    )


def adverse_price(trade: Trade, levels: Levels | None) -> Decimal | None:
    """Return the nearest price that ends an open trade against it: its stop or its liquidation."""
    stop = None if levels is None else levels.stop
    prices = [p for p in (stop, trade.liquidation_price) if p is not None]
    if not prices:
        return None
    return max(prices) if trade.side is Side.LONG else min(prices)
