"""How an event changes a trade: the one fold that makes the `trade` view from the journal.

`evolve` is used when an event is made, when it is recorded and when `check` replays the journal, so a
trade is a function of its events and of nothing else. No rule lives here: events carry the numbers.
"""

from __future__ import annotations

from typing import assert_never

from papertrade.engine.market import Side
from papertrade.engine.messages import (
    Cause,
    CostCharged,
    CostKind,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    StopMoved,
    TagsChanged,
    TradeEnded,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
    TradeVoided,
)
from papertrade.engine.money import ZERO, exact
from papertrade.engine.trade import CLOSED, OPEN, PENDING, ExitReason, Flag, Levels, Order, Ruling, Status, Trade, Trail
from papertrade.engine.values import replace


def evolve(trade: Trade | None, event: TradeEvent) -> Trade:
    """Return the trade after `event`; `trade` is None only for the event that begins it.

    Raises ValueError for an event that cannot follow: a second ending, a fill of nothing.
    """
    with exact():
        return following(trade, event)


def following(trade: Trade | None, event: TradeEvent) -> Trade:
    """Do what `evolve` does, for callers that are inside `exact()` already."""
    match event:
        case TradePlaced():
            return _placed(event.trade_id, event.order, event)
        case EntryFilled(order=Order() as order):
            return _entered(event, order, order.placed_at, order.whole_from, order.tags, order.flags)
        case _ if trade is None:
            raise ValueError(f"trade {event.trade_id} does not exist yet")
        case EntryFilled():
            waited = _in_state(trade, PENDING)
            return _entered(event, waited.order, waited.applied_to, waited.whole_from, waited.tags, waited.flags)
        case ExitFilled():
            return _exited(_in_state(trade, OPEN), event)
        case CostCharged():
            return _charged(_in_state(trade, OPEN), event)
        case StopMoved():
            return _moved(_in_state(trade, OPEN), event)
        case TradeEnded():
            return _ended(_in_state(trade, Status.PENDING), event)
        case TradeVoided():
            return _voided(trade, event)
        case LevelsChanged():
            return replace(_live(trade), rulings=_with_ruling(trade.rulings, event.ruling))
        case TradeFlagged():
            return replace(trade, flags=_with_flags(trade.flags, event.flags))
        case TagsChanged():
            return replace(trade, tags=event.tags)
        case _:
            assert_never(event)


def ruling_at(trade: Trade, open_ms: int) -> Ruling:
    """Return the exits that rule a candle opening at `open_ms`: the newest that began by then."""
    for ruling in reversed(trade.rulings):
        if ruling.from_ms <= open_ms:
            return ruling
    return trade.rulings[0]


def levels_at(trade: Trade, open_ms: int) -> Levels:
    """Return the exit prices that rule a candle opening at `open_ms`. Raises ValueError before the entry."""
    levels = ruling_at(trade, open_ms).levels
    if levels is None:
        raise ValueError(f"trade {trade.id} has no exit prices before it is entered")
    return levels


def _placed(trade_id: int, order: Order, event: TradePlaced) -> Trade:
    return Trade(
        id=trade_id,
        order=order,
        status=Status.PENDING,
        quantity=order.quantity,
        open_quantity=ZERO,
        reserve=event.reserve + event.fee,
        rulings=(Ruling(order.placed_at, order.exits),),
        applied_to=order.placed_at,
        whole_from=order.whole_from,
        tags=order.tags,
        flags=order.flags,
    )


def _entered(
    event: EntryFilled, order: Order, applied_to: int, whole_from: int, tags: tuple[str, ...], flags: tuple[Flag, ...]
) -> Trade:
    """Make the open trade: all that it takes from the time before is when it was placed, and its marks."""
    levels = event.rulings[0].levels
    return Trade(
        id=event.trade_id,
        order=order,
        status=OPEN,
        quantity=event.quantity,
        open_quantity=event.quantity,
        reserve=event.reserve,
        rulings=event.rulings,
        applied_to=applied_to if event.applied_to is None else event.applied_to,
        whole_from=whole_from if event.applied_to is None else event.applied_to,
        tags=tags,
        flags=_with_flags(flags, event.flags),
        entry_price=event.price,
        opened_at=event.at_ms,
        initial_stop=None if levels is None else levels.first_stop,
        liquidation_price=event.liquidation_price,
        entry_fee=event.fee,
        entry_fee_left=event.fee,
        fees=event.fee,
        slippage=event.slippage,
    )


def _exited(trade: Trade, event: ExitFilled) -> Trade:
    left = trade.open_quantity - event.quantity
    if left < ZERO or event.is_final != (left == ZERO):
        raise ValueError(f"trade {trade.id} cannot close {event.quantity} of {trade.open_quantity}")
    rulings = trade.rulings
    if event.target is not None:
        rulings = tuple(r if r.levels is None else replace(r, levels=r.levels.without(event.target)) for r in rulings)
    return replace(
        trade,
        status=CLOSED if event.is_final else OPEN,
        open_quantity=left,
        reserve=trade.reserve - event.reserve_released,
        rulings=rulings,
        applied_to=trade.applied_to if event.applied_to is None else event.applied_to,
        whole_from=_whole_from(trade, event.cause, event.applied_to),
        flags=_with_flags(trade.flags, event.flags),
        entry_fee_left=trade.entry_fee_left - event.entry_fee_share,
        fees=trade.fees + event.fee,
        slippage=trade.slippage + event.slippage,
        gross=trade.gross + event.gross,
        realized=trade.realized + event.realized,
        funding_left=trade.funding_left - event.funding_share,
        exit_value=trade.exit_value + event.price * event.quantity,
        exit_reason=event.reason if event.is_final else None,
        closed_at=event.at_ms if event.is_final else None,
        is_ambiguous=trade.is_ambiguous or event.is_ambiguous,
    )


def _charged(trade: Trade, event: CostCharged) -> Trade:
    """Take a payment from the reserve; what is received goes to the account."""
    is_funding = event.kind is CostKind.FUNDING
    return replace(
        trade,
        reserve=trade.reserve - max(event.amount, ZERO),
        liquidation_price=event.liquidation_price,
        applied_to=trade.applied_to if event.applied_to is None else event.applied_to,
        whole_from=_whole_from(trade, event.cause, event.applied_to),
        funding=trade.funding + event.amount,
        borrow_cost=trade.borrow_cost if is_funding else trade.borrow_cost + event.amount,
        funding_left=trade.funding_left + event.amount,
        funded_to=event.to_ms if is_funding else trade.funded_to,
        borrowed_to=trade.borrowed_to if is_funding else event.to_ms,
    )


def _moved(trade: Trade, event: StopMoved) -> Trade:
    """Move the stops; exits that rule later and kept the same trail or break-even move with them."""
    before = levels_at(trade, event.from_ms)
    return replace(
        trade,
        rulings=tuple(
            r if r.levels is None else Ruling(r.from_ms, r.wish, _stops_moved(r.levels, before, event, trade.side))
            for r in trade.rulings
        ),
        applied_to=event.applied_to,
        whole_from=_whole_from(trade, event.cause, event.applied_to),
        flags=_with_flags(trade.flags, () if event.cause.quote is None else (Flag.OBSERVED,)),
    )


def _whole_from(trade: Trade, cause: Cause, applied_to: int | None) -> int:
    """Return the first candle that a trade sees whole: a quote leaves the one around it half seen.

    After a candle the next one is whole anyway, and what the rule does moves no `levels_from`.
    """
    if applied_to is None or cause.quote is None:
        return trade.whole_from
    return max(trade.whole_from, applied_to)


def _stops_moved(levels: Levels, before: Levels, event: StopMoved, side: Side) -> Levels:
    own, trail, even, after = levels.own_stop, levels.trail, levels.break_even, levels.after_first
    if event.is_after_first and after is not None and after == before.after_first:
        own = after if own is None or (after.price - own.price) * side.sign > 0 else own
        after = None
    if trail is not None and trail == before.trail:
        trail = Trail(trail.distance, trail.is_percent, trail.activation, event.peak, event.trail_stop)
    if even is not None and even == before.break_even:
        even = replace(even, is_armed=event.is_even)
    return levels.with_stops(own, trail, even, after, side)


def _ended(trade: Trade, event: TradeEnded) -> Trade:
    return replace(
        trade,
        status=event.status,
        reserve=trade.reserve - event.released,
        applied_to=trade.applied_to if event.applied_to is None else event.applied_to,
        closed_at=event.at_ms,
        flags=_with_flags(trade.flags, event.flags),
    )


def _voided(trade: Trade, event: TradeVoided) -> Trade:
    """Leave a trade that cost and earned nothing: out at its own entry price, or never entered."""
    if Flag.VOID in trade.flags:
        raise ValueError(f"trade {trade.id} is void already")
    was_entered = trade.entry_price is not None
    return replace(
        trade,
        status=Status.CLOSED if was_entered else trade.status if not trade.status.is_live else Status.CANCELLED,
        open_quantity=ZERO,
        reserve=trade.reserve - event.reserve,
        entry_fee_left=ZERO,
        fees=trade.fees - event.fees,
        slippage=ZERO,
        gross=trade.gross - event.gross,
        realized=ZERO,
        funding=trade.funding - event.funding,
        borrow_cost=ZERO,
        funding_left=ZERO,
        exit_value=trade.entered_price * trade.quantity if was_entered else ZERO,
        exit_reason=(trade.exit_reason or ExitReason.MANUAL) if was_entered else None,
        closed_at=event.at_ms if trade.closed_at is None else trade.closed_at,
        flags=_with_flags(trade.flags, (Flag.VOID,)),
    )


def _live(trade: Trade) -> Trade:
    if not trade.status.is_live:
        raise ValueError(f"trade {trade.id} already ended")
    return trade


def _in_state(trade: Trade, status: Status) -> Trade:
    if trade.status is not status:
        raise ValueError(f"trade {trade.id} is {trade.status}, not {status}")
    return trade


def _with_ruling(rulings: tuple[Ruling, ...], new: Ruling) -> tuple[Ruling, ...]:
    """Append exits that rule from a later candle; of several from one candle the last rules."""
    return (*(r for r in rulings if r.from_ms < new.from_ms or r is rulings[0]), new)


def _with_flags(flags: tuple[Flag, ...], more: tuple[Flag, ...]) -> tuple[Flag, ...]:
    return tuple(sorted({*flags, *more})) if more else flags
