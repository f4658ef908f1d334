"""What people ask of a trade that exists, decided: close it or a part of it, cancel it, change its exits. Pure.

Each function returns the event, or a Refusal that says what had happened before. Opening is in `step.py`;
what the market does to a trade is decided in `touch.py`, never here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from papertrade.engine.fills import Decision, exit_fill, part_to_close
from papertrade.engine.instants import to_iso
from papertrade.engine.levels import check_sides, resolve
from papertrade.engine.market import MINUTE_MS, Quote, first_whole_open
from papertrade.engine.messages import Cause, ExitFilled, LevelsChanged, Liquidity, Refusal, TradeEnded
from papertrade.engine.money import ZERO, exact, plain
from papertrade.engine.signal import ExitWish, Level, LevelKind, TargetWish
from papertrade.engine.state import levels_at
from papertrade.engine.step import Rules
from papertrade.engine.trade import ExitReason, Flag, Levels, Ruling, Status, Trade

_ENDINGS = {
    ExitReason.STOP_LOSS: "stop",
    ExitReason.TAKE_PROFIT: "target",
    ExitReason.MANUAL: "closed by hand",
}


def close_trade(
    trade: Trade, fraction: Decimal, raw_price: Decimal, quote: Quote | None, at_ms: int, flags: Sequence[Flag] = ()
) -> ExitFilled | Refusal:
    """Close a fraction (0…1] of what is open at `raw_price`; without a quote the price is the user's own."""
    with exact():
        cause = Cause(rule="5 closed by hand", raw_price=raw_price, quote=quote)
        return _leave(trade, trade.open_quantity * fraction, cause, at_ms, flags)


def cancel_trade(trade: Trade, why: str, at_ms: int) -> TradeEnded | Refusal:
    """Cancel a waiting entry and release what it had tied up."""
    if trade.status is not Status.PENDING:
        refusal = ended_refusal(trade)
        if trade.status is Status.OPEN:
            return replace(
                refusal,
                code="not_pending",
                message=f"trade `{trade.id}` is open, there is nothing waiting to cancel",
                hint=f"papertrade close {trade.id}",
            )
        return refusal
    return TradeEnded(
        trade_id=trade.id, status=Status.CANCELLED, released=trade.reserve, why=why or "cancelled by hand", at_ms=at_ms
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitChange:
    """New exits for a live trade; what `keeps` says stays as it is."""

    stop: Level | None = None
    targets: tuple[TargetWish, ...] = ()
    keeps_stop: bool = True
    keeps_targets: bool = True


def modify_trade(trade: Trade, change: ExitChange, price: Decimal, at_ms: int, rules: Rules) -> LevelsChanged | Refusal:
    """Change a live trade's exits from the next whole candle on; new ones are checked against the price of now.

    Those of a waiting trade are checked against its entry instead, and again when it fills.
    Relative levels and risks count from the entry, as they did when the trade was opened. Raises ValueError
    for wishes that contradict each other (fractions over 1, a target in risks without a stop).
    """
    if not trade.status.is_live:
        return ended_refusal(trade)
    with exact():
        from_ms = counts_from(trade, at_ms, rules)
        if trade.status is Status.PENDING:
            wish = _changed_wish(trade.ruling.wish, change)
            entry, grid = trade.order.waiting_price, trade.order.terms.price_grid
            wrong = check_sides(resolve(wish, trade.side, entry, grid, trade.quantity), trade.side, entry, "entry")
            return wrong or LevelsChanged(trade_id=trade.id, ruling=Ruling(from_ms, wish), at_ms=at_ms)
        levels = _changed_levels(trade, change)
        # Kept levels are not asked about: the minute still forming may have touched one already.
        new = Levels(None if change.keeps_stop else levels.stop, () if change.keeps_targets else levels.targets, ZERO)
        wrong = check_sides(new, trade.side, price, "the price")
        return wrong or LevelsChanged(trade_id=trade.id, ruling=Ruling(from_ms, as_wish(levels), levels), at_ms=at_ms)


def counts_from(trade: Trade, at_ms: int, rules: Rules) -> int:
    """Return the open time of the first candle that a change of a trade's exits made at `at_ms` counts for."""
    return max(first_whole_open(at_ms, rules.candle_ms), trade.whole_from)


def ended_refusal(trade: Trade) -> Refusal:
    """Return the refusal of a change to a trade that is not there any more, with what happened to it."""
    what = f"{trade.status}"
    if trade.exit_reason is not None:
        word = _ENDINGS.get(trade.exit_reason, str(trade.exit_reason).replace("_", " "))
        what = f"{word} `{plain(trade.exit_price or ZERO)}`"
    if trade.closed_at is not None:
        minutes = trade.closed_at // MINUTE_MS
        what += f" at {minutes // 60 % 24:02d}:{minutes % 60:02d} UTC"
    elif trade.status is Status.PENDING:
        return Refusal(
            "not_open",
            f"trade `{trade.id}` is not open yet: its entry waits at `{plain(trade.order.waiting_price)}`",
            f"papertrade cancel {trade.id}",
            {"trade_id": trade.id, "status": str(trade.status)},
        )
    return Refusal(
        "already_ended",
        f"trade `{trade.id}` already ended: {what}",
        f"papertrade show {trade.id}",
        {
            "trade_id": trade.id,
            "status": str(trade.status),
            "exit_reason": None if trade.exit_reason is None else str(trade.exit_reason),
            "exit_price": None if trade.exit_price is None else plain(trade.exit_price),
            "closed_at": None if trade.closed_at is None else to_iso(trade.closed_at),
        },
    )


def _leave(trade: Trade, wanted: Decimal, cause: Cause, at_ms: int, flags: Sequence[Flag]) -> ExitFilled | Refusal:
    if trade.status is not Status.OPEN:
        return ended_refusal(trade)
    decision = Decision(
        cause=cause, reason=ExitReason.MANUAL, liquidity=Liquidity.TAKER, at_ms=at_ms, flags=tuple(flags)
    )
    return exit_fill(trade, part_to_close(trade, wanted, cause.raw_price), decision)


def _changed_wish(old: ExitWish, change: ExitChange) -> ExitWish:
    return ExitWish(
        old.stop if change.keeps_stop else change.stop,
        old.targets if change.keeps_targets else change.targets,
    )


def _changed_levels(trade: Trade, change: ExitChange) -> Levels:
    """Resolve the new exits of an open trade; kept ones keep their prices and what was taken of them."""
    old = levels_at(trade, trade.ruling.from_ms)
    entry = trade.entered_price
    risk = None if trade.initial_stop is None else abs(entry - trade.initial_stop)
    grid = trade.order.terms.price_grid
    asked = ExitWish(change.stop if not change.keeps_stop else as_wish(old).stop, change.targets)
    new = resolve(asked, trade.side, entry, grid, trade.open_quantity, risk)
    if change.keeps_targets:
        return replace(old, stop=new.stop)
    return new


def as_wish(levels: Levels) -> ExitWish:
    """Return resolved exits as wishes in plain prices; targets that were taken are left out."""
    stop = None if levels.stop is None else Level(LevelKind.PRICE, levels.stop)
    open_targets = [t for t in levels.targets if not t.is_filled]
    return ExitWish(stop, tuple(TargetWish(Level(LevelKind.PRICE, t.price), t.fraction) for t in open_targets))
