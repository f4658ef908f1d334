"""Armed prices, the one idea: a live trade reacts to at most a price below, a price above and an instant.

`armed` says what a trade reacts to under one set of exits; `reach` is the widest of all sets that may rule
a candle not seen yet, which is what finders search by: they may offer too much, never too little.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.carry import next_due
from papertrade.engine.market import LONG, Side
from papertrade.engine.trade import OPEN, PENDING, Levels, Ruling, Trade
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Armed:
    """The prices and the instant (UTC ms) that a trade reacts to; None where there is none."""

    below: Decimal | None = None
    above: Decimal | None = None
    at: int | None = None


def armed(trade: Trade, ruling: Ruling) -> Armed:
    """Return what the trade reacts to while `ruling` is in force; nothing once it has ended."""
    status, side = trade.status, trade.order.side
    if status is OPEN:
        levels = ruling.levels
        adverse = adverse_price(trade, levels)
        favourable = None if levels is None else favourable_price(levels, side)
        limit = _instant(trade, levels)
        return Armed(adverse, favourable, limit) if side is LONG else Armed(favourable, adverse, limit)
    if status is PENDING:
        below = trade.order.entry_type.waits_below(side)
        price = trade.order.entry_price
        return Armed(price if below else None, None if below else price, trade.order.expires_at)
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


def beside_trail(trade: Trade, levels: Levels) -> Armed:
    """Return what an open trade reacts to under `levels` but for its trail following the market."""
    adverse = adverse_price(trade, levels)
    target, even = levels.next_target(), levels.break_even
    prices = [] if target is None else [target.price]
    if even is not None and not even.is_armed:
        prices.append(even.trigger)
    favourable = min(prices, key=lambda price: price * trade.side.sign, default=None)
    if trade.side is Side.LONG:
        return Armed(adverse, favourable, _instant(trade, levels))
    return Armed(favourable, adverse, _instant(trade, levels))


def _instant(trade: Trade, levels: Levels | None) -> int | None:
    """Return when time itself does something to an open trade: its time limit, or the next cost of holding it."""
    limit = None if levels is None else levels.time_limit
    due = next_due(trade) if trade.order.terms.has_carry else None
    return limit if due is None else due if limit is None else min(limit, due)


def favourable_price(levels: Levels, side: Side) -> Decimal | None:
    """Return the nearest price that does a trade good: a target, a break-even's trigger, a trail's activation or peak.

    Beyond the peak, not at it, a trail moves; that it is offered there is harmless.
    """
    target, trail, even = levels.next_target(), levels.trail, levels.break_even
    price = None if target is None else target.price
    if trail is None and even is None:
        return price
    begins = None if trail is None else trail.activation if trail.peak is None else trail.peak
    trigger = None if even is None or even.is_armed else even.trigger
    prices = [p for p in (price, begins, trigger) if p is not None]
    return min(prices, key=lambda p: p * side.sign, default=None)


def adverse_price(trade: Trade, levels: Levels | None) -> Decimal | None:
    """Return the nearest price that ends an open trade against it: its stop or its liquidation."""
    stop = None if levels is None else levels.stop
    liquidation = trade.liquidation_price
    if stop is None or liquidation is None:
        return liquidation if stop is None else stop
    return max(stop, liquidation) if trade.order.side is LONG else min(stop, liquidation)
