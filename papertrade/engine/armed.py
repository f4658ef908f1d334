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
            favourable = None if levels is None else favourable_price(levels, trade.side)
            limit = None if levels is None else levels.time_limit
            if trade.side is Side.LONG:
                return Armed(adverse, favourable, limit)
            return Armed(favourable, adverse, limit)
        case _:
            return Armed()


def reach(trade: Trade) -> Armed:
    """Return the widest armed prices over all exits that may still rule a candle."""
    if len(trade.rulings) == 1:
        return armed(trade, trade.rulings[0])
    each = [armed(trade, ruling) for ruling in trade.rulings]
    return Armed(
        max((a.below for a in each if a.below is not None), default=None),
        min((a.above for a in each if a.above is not None), default=None),
        min((a.at for a in each if a.at is not None), default=None),
    )


def favourable_price(levels: Levels, side: Side) -> Decimal | None:
    """Return the nearest price that does a trade good: a target, a break-even's trigger, a trail's activation or peak.

    Beyond the peak, not at it, a trail moves; that it is offered there is harmless.
    """
    target, trail, even = levels.next_target(), levels.trail, levels.break_even
    price = None if target is None else target.price
    if not levels.has_moving_stop:
        return price
    begins = None if trail is None else trail.activation if trail.peak is None else trail.peak
    trigger = None if even is None or even.is_armed else even.trigger
    prices = [p for p in (price, begins, trigger) if p is not None]
    return min(prices, key=lambda p: p * side.sign, default=None)


def adverse_price(trade: Trade, levels: Levels | None) -> Decimal | None:
    """Return the nearest price that ends an open trade against it: its stop or its liquidation."""
    stop = None if levels is None else levels.stop
    prices = [p for p in (stop, trade.liquidation_price) if p is not None]
    if not prices:
        return None
    return max(prices) if trade.side is Side.LONG else min(prices)
