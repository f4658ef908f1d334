"""The arithmetic behind each move of a stop by rule: where the trail stands and where break-even is.

Works from the event and the trade before it, so what is explained is what was booked. The rule to keep: every
price here can be computed again from the numbers beside it.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.fills import even_price
from papertrade.engine.messages import Cause, StopMoved
from papertrade.engine.money import HUNDRED
from papertrade.engine.state import levels_at
from papertrade.engine.trade import BreakEven, ExitReason, Levels, Trade, Trail
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailed:
    """A trail's stop: peak ∓ `gap` = `unrounded`, rounded to the step away from the market.

    `gap` is the distance, or `distance` percent of the peak.
    """

    peak: Decimal
    distance: Decimal
    is_percent: bool
    gap: Decimal
    unrounded: Decimal
    step: Decimal
    is_rounded_up: bool
    stop: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Evened:
    """A break-even price: entry with `entry_fee` / `quantity`, then the taker's fee and slippage of the exit.

    Net: (entry ± entry_fee / quantity) / (1 ∓ taker) / (1 ∓ slippage), each rounded to the step away from the
    entry; two units of 1e-8 more of fee where the rounding of money needs them. Gross: the entry price.
    """

    trigger: Decimal
    entry: Decimal
    entry_fee: Decimal
    quantity: Decimal
    taker: Decimal
    slippage_bps: Decimal
    is_gross: bool
    stop: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StopExplained:
    """One move: event `seq`, recorded at `recorded_ms`; the stop in force before and after, why, and the arithmetic.

    `trail` is set where the trail's own stop moved, `even` where the break-even began to stand; the one in force
    is the nearest to the market of all.
    """

    seq: int
    recorded_ms: int
    at_ms: int
    cause: Cause
    stop_before: Decimal | None
    reason_before: ExitReason | None
    stop: Decimal
    reason: ExitReason
    trail: Trailed | None
    even: Evened | None
    is_after_first: bool


def explain_stop(stamp: tuple[int, int], event: StopMoved, before: Trade, after: Trade) -> StopExplained:
    """Take a move apart; `stamp` is the event's number and when it was recorded. To be called inside `exact()`."""
    old, new = levels_at(before, event.from_ms), levels_at(after, event.from_ms)
    return StopExplained(
        seq=stamp[0],
        recorded_ms=stamp[1],
        at_ms=event.at_ms,
        cause=event.cause,
        stop_before=old.stop,
        reason_before=None if old.stop is None else old.reason,
        stop=event.stop,
        reason=event.reason,
        trail=_trailed(before, old, new.trail),
        even=_evened(before, old, new.break_even),
        is_after_first=event.is_after_first,
    )


def _trailed(before: Trade, old: Levels, trail: Trail | None) -> Trailed | None:
    if trail is None or trail.peak is None or trail.stop is None or (old.trail is not None and old.trail == trail):
        return None
    gap = trail.peak * trail.distance / HUNDRED if trail.is_percent else trail.distance
    return Trailed(
        peak=trail.peak,
        distance=trail.distance,
        is_percent=trail.is_percent,
        gap=gap,
        unrounded=trail.peak - gap * before.side.sign,
        step=before.order.terms.price_step,
        is_rounded_up=before.side.sign < 0,
        stop=trail.stop,
    )


def _evened(before: Trade, old: Levels, even: BreakEven | None) -> Evened | None:
    if even is None or not even.is_armed or (old.break_even is not None and old.break_even.is_armed):
        return None
    terms, entry = before.order.terms, before.entered_price
    fee, quantity = before.entry_fee, before.quantity
    if not even.is_gross and even_price(before.side, entry, fee, quantity, terms) != even.stop:
        # Worked out by hand after a part had left, from what was open then.
        fee, quantity = before.entry_fee_left, before.open_quantity
    return Evened(
        trigger=even.trigger,
        entry=entry,
        entry_fee=fee,
        quantity=quantity,
        taker=terms.taker,
        slippage_bps=terms.slippage_bps,
        is_gross=even.is_gross,
        stop=even.stop,
    )
