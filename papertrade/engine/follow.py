"""How stops move by rule: a trail and a break-even after a better price, the own stop after the first target.

`touch` applies these moves; a finder that skips candles may apply `follow` for all of them at once. When a
stop is reached is decided in `touch.py`. The rule to keep: nothing here moves a stop away from the market.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from papertrade.engine.levels import led_by
from papertrade.engine.market import Side
from papertrade.engine.messages import Cause, StopMoved
from papertrade.engine.money import ZERO, exact
from papertrade.engine.state import levels_at
from papertrade.engine.trade import BreakEven, Levels, Status, Trade, Trail
from papertrade.engine.values import replace

NEW_PEAK: Final = "4.3 new peak"
"""The rule by which a trail follows: what happens often, and is worth a line in the journal only."""


def follow(trade: Trade, best: Decimal, from_ms: int, at_ms: int, applied_to: int) -> StopMoved | None:
    """Return how the stops of an open trade move after the favourable extreme `best`; None if they stay.

    `from_ms` is the open of the candle that reached `best` (or the instant of a quote): the exits that rule there
    move. `at_ms` and `applied_to` go into the event.

    The moves depend on the best price only, not on the way there. So a finder may skip every candle in which
    no exit price, no target and no time limit is reached and whose close is not beyond the stop that its own
    extreme makes, and call this once with the best extreme of all that it skipped: the trade (but for the
    mark `applied_to`) and every later fill are those of the rule run on each candle. Candles under different
    exits of one trade (`Trade.rulings`) must not share a call, and with the option `trail: high-first` no skipped
    candle may reach the stop that its own extreme makes.
    """
    with exact():
        before = levels_at(trade, from_ms)
        after = followed(before, best, trade.side, trade.order.terms.price_grid)
    if trade.status is not Status.OPEN or after is before:
        return None
    is_armed_now = _is_armed(after) and not _is_armed(before)
    rule = "4.3 break-even reached" if is_armed_now else NEW_PEAK
    return _event(trade, after, Cause(rule=rule, raw_price=best, level=after.stop), from_ms, at_ms, applied_to)


def follow_first_target(trade: Trade, price: Decimal, from_ms: int, at_ms: int, applied_to: int) -> StopMoved | None:
    """Return how the stop moves because the first target was taken at `price`; None if it shall not."""
    before = levels_at(trade, from_ms)
    own, after = before.own_stop, before.after_first
    if after is None:
        return None
    nearer = after if own is None or (after.price - own.price) * trade.side.sign > 0 else own
    levels = before.with_stops(nearer, before.trail, before.break_even, None, trade.side)
    cause = Cause(rule="4.5 first target taken", raw_price=price, level=levels.stop)
    return replace(_event(trade, levels, cause, from_ms, at_ms, applied_to), is_after_first=True)


def followed(levels: Levels, best: Decimal, side: Side, grid: Decimal) -> Levels:
    """Return the levels after the favourable extreme `best`: the very same object where nothing moves.

    To be called inside `exact()`.
    """
    trail = None if levels.trail is None else _trailed(levels.trail, best, side, grid)
    even = None if levels.break_even is None else _armed(levels.break_even, best, side)
    if trail is levels.trail and even is levels.break_even:
        return levels
    return levels.with_stops(levels.own_stop, trail, even, levels.after_first, side)


def _trailed(trail: Trail, best: Decimal, side: Side, grid: Decimal) -> Trail:
    if trail.peak is not None:
        return led_by(trail, best, side, grid) if (best - trail.peak) * side.sign > 0 else trail
    begins = trail.activation is None or (best - trail.activation) * side.sign >= 0
    return led_by(trail, best, side, grid) if begins else trail


def _armed(even: BreakEven, best: Decimal, side: Side) -> BreakEven:
    if even.is_armed or (best - even.trigger) * side.sign < 0:
        return even
    return replace(even, is_armed=True)


def _is_armed(levels: Levels) -> bool:
    return levels.break_even is not None and levels.break_even.is_armed


def _event(trade: Trade, after: Levels, cause: Cause, from_ms: int, at_ms: int, applied_to: int) -> StopMoved:
    return StopMoved(
        trade_id=trade.id,
        stop=after.stop or ZERO,
        reason=after.reason,
        peak=None if after.trail is None else after.trail.peak,
        trail_stop=None if after.trail is None else after.trail.stop,
        is_even=_is_armed(after),
        is_after_first=False,
        from_ms=from_ms,
        cause=cause,
        at_ms=at_ms,
        applied_to=applied_to,
    )
