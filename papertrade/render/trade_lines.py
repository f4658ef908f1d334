"""One line for each changed trade: number, word, side, quantity, symbol, prices, net and R, then what is free.

Always in this order, so that a log can be read down a column.
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

from papertrade.engine.account import AccountBook
from papertrade.engine.follow import NEW_PEAK
from papertrade.engine.messages import (
    CostCharged,
    CostKind,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    StopMoved,
    TradeEnded,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
    TradeVoided,
)
from papertrade.engine.money import CONTEXT, HUNDRED, plain
from papertrade.engine.trade import ExitReason, Flag, Levels, Status, Trade, Trail
from papertrade.render.numbers import duration, exact_number, local_minute, money, r_multiple, signed_money
from papertrade.render.text import Cell, Tone
from papertrade.reports.trade_view import shown_levels

_WORDS = {
    ExitReason.TAKE_PROFIT: "TARGET",
    ExitReason.STOP_LOSS: "STOP",
    ExitReason.TRAILING_STOP: "TRAIL",
    ExitReason.BREAK_EVEN: "EVEN",
    ExitReason.TIME_LIMIT: "TIME",
    ExitReason.MANUAL: "closed",
    ExitReason.LIQUIDATION: "LIQUIDATED",
}
_ENDINGS = {Status.CANCELLED: "cancelled", Status.EXPIRED: "EXPIRED", Status.REJECTED: "refused"}

_CHARGES = {CostKind.FUNDING: "funding", CostKind.BORROW: "interest"}

REASONS = {reason: str(reason).replace("_", " ") for reason in ExitReason}
"""Exit reasons in words, as tables show them."""


def change_line(event: TradeEvent, after: Trade, account: AccountBook | None) -> list[Cell]:
    """Return the cells of the line for one event of a trade; `account` adds what is free now."""
    word, quantity, rest, tone = _parts(event, after)
    text = f"#{after.id} {word} {after.side} {plain(quantity)} {after.order.symbol}"
    free = "" if account is None else f", free {money(account.cash)} {account.currency}"
    return [Cell(text), Cell(f" {rest}" if rest else "", tone), Cell(free)]


def levels_text(levels: Levels) -> str:
    """Return the exits of a trade: `stop 95, target 110 (50%), trail 2% from 104`; empty without any."""
    parts = [] if levels.stop is None else [f"stop {plain(levels.stop)}{_kind(levels.reason)}"]
    for target in levels.targets:
        if not target.is_filled:
            share = "" if target.fraction == 1 else f" ({plain(_hundredths(target.fraction))}%)"
            parts.append(f"target {plain(target.price)}{share}")
    if levels.trail is not None:
        begins = "" if levels.trail.peak is not None else f" from {exact_number(levels.trail.activation)}"
        parts.append(f"trail {distance_of(levels.trail)}{begins}")
    if levels.break_even is not None and not levels.break_even.is_armed:
        parts.append(f"break-even from {plain(levels.break_even.trigger)}")
    if levels.after_first is not None and levels.next_target() is not None:
        parts.append(f"stop {plain(levels.after_first.price)} after the first target")
    if levels.time_limit is not None:
        parts.append(f"until {local_minute(levels.time_limit, UTC)}")
    return ", ".join(parts)


def changed_text(trade: Trade) -> str:
    """Return the newest exits of a trade, with a time limit that counts from an entry still to come."""
    limit = trade.ruling.wish.time_limit
    waits = trade.status is Status.PENDING and limit is not None and limit.after_ms is not None
    parts = levels_text(shown_levels(trade)), f"time limit {limit}" if waits else ""
    return ", ".join(part for part in parts if part)


def distance_of(trail: Trail) -> str:
    """Return how far a trail stays behind the best price: `2%`, or a price difference `150`."""
    return f"{plain(trail.distance)}%" if trail.is_percent else plain(trail.distance)


def _kind(reason: ExitReason) -> str:
    return "" if reason is ExitReason.STOP_LOSS else f" ({REASONS[reason]})"


def _hundredths(fraction: Decimal) -> Decimal:
    return CONTEXT.quantize(CONTEXT.multiply(fraction, HUNDRED), Decimal("0.01"))


def _parts(event: TradeEvent, after: Trade) -> tuple[str, Decimal, str, Tone]:
    match event:
        case TradePlaced():
            price = plain(after.order.waiting_price)
            tied = money(event.reserve + event.fee)
            return "wait", after.quantity, f"{after.order.entry_type} {price}, {tied} tied up", Tone.PLAIN
        case EntryFilled():
            levels = event.rulings[-1].levels
            exits = "" if levels is None else levels_text(levels)
            parts = [f"at {plain(event.price)}", exits, f"fee {money(event.fee)}", *_remarks(event.flags, after)]
            return "open", event.quantity, ", ".join(p for p in parts if p), Tone.PLAIN
        case ExitFilled():
            return _exit_parts(event, after)
        case CostCharged():
            return _charge_parts(event, after)
        case StopMoved():
            return "moved", after.open_quantity, _moved_text(event), Tone.PLAIN
        case TradeEnded():
            return _ENDINGS[event.status], after.quantity, event.why, Tone.PLAIN
        case TradeVoided():
            return "void", after.quantity, event.reason, Tone.PLAIN
        case LevelsChanged():
            quantity = after.quantity if after.status is Status.PENDING else after.open_quantity
            why = f" ({event.reason})" if event.reason else ""
            return "changed", quantity, f"{changed_text(after)}{why}", Tone.PLAIN
        case TradeFlagged():
            return "flagged", after.quantity, ", ".join(str(f).replace("_", " ") for f in event.flags), Tone.PLAIN
        case _:
            return "tagged", after.quantity, ", ".join(after.tags), Tone.PLAIN


def _moved_text(event: StopMoved) -> str:
    """Say where a stop went by rule and why; one behind another stop stays where it was."""
    if event.is_after_first:
        why = "the first target was taken"
    elif event.cause.rule == NEW_PEAK:
        why = f"new peak {exact_number(event.peak)}"
    else:
        why = f"break-even reached by {plain(event.cause.raw_price)}"
    return f"stop {plain(event.stop)}{_kind(event.reason)}, {why}"


def _exit_parts(event: ExitFilled, after: Trade) -> tuple[str, Decimal, str, Tone]:
    rest = f"{plain(after.entered_price)} -> {plain(event.price)}, net {signed_money(event.realized)}"
    if not event.is_final:
        rest += f", {plain(after.open_quantity)} left"
    else:
        rest += "" if event.quantity == after.quantity else f", whole trade {signed_money(after.realized)}"
        rest += "" if after.r_multiple is None else f" ({r_multiple(after.r_multiple)})"
    if event.is_ambiguous:
        rest += ", ambiguous"
    remarks = _remarks(event.flags, None)
    why = f" ({event.why})" if event.why else ""
    tone = Tone.GAIN if event.realized > 0 else Tone.LOSS if event.realized < 0 else Tone.PLAIN
    return _WORDS[event.reason], event.quantity, ", ".join([rest, *remarks]) + why, tone


def _charge_parts(event: CostCharged, after: Trade) -> tuple[str, Decimal, str, Tone]:
    """Say what holding the trade cost: `funding 0.01% of 6000.00 at 60000, net -0.60`."""
    rate = f"{plain(CONTEXT.multiply(event.rate, HUNDRED).normalize(CONTEXT))}%"
    if event.kind is CostKind.FUNDING:
        rest = f"{rate} of {money(event.notional)} at {plain(event.price)}"
    else:
        rest = f"{rate} a year of {money(event.notional)} for {duration(event.to_ms - event.from_ms)}"
    rest += f", net {signed_money(CONTEXT.minus(event.amount))}"
    if event.amount < event.owed:
        rest += f" of {money(event.owed)}: all that was reserved"
    tone = Tone.LOSS if event.amount > 0 else Tone.GAIN if event.amount < 0 else Tone.PLAIN
    return _CHARGES[event.kind], after.open_quantity, rest, tone


def _remarks(flags: tuple[Flag, ...], after: Trade | None) -> list[str]:
    order_flags = () if after is None else after.order.flags
    return [str(flag).replace("_", " ") for flag in dict.fromkeys((*order_flags, *flags))]
