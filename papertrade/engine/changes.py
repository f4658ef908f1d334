"""What people ask of a trade that exists, decided: close it or a part of it, cancel it, change its exits. Pure.

Each function returns the event, or a Refusal that says what had happened before. Opening is in `step.py`;
what the market does to a trade is decided in `touch.py`, never here.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertrade.engine.account import AccountBook
from papertrade.engine.book_fills import Depth, filled_of, walked
from papertrade.engine.carry import leave
from papertrade.engine.exit_wish import (
    BreakEvenWish,
    ExitWish,
    Level,
    LevelKind,
    TargetWish,
    TimeLimitWish,
    TrailWish,
)
from papertrade.engine.fills import Decision, fee_of, fee_rate, part_to_close
from papertrade.engine.instants import to_iso
from papertrade.engine.levels import (
    Entered,
    break_even_of,
    check_rules,
    check_sides,
    resolve,
    stop_of,
    time_limit_of,
    trail_of,
    with_rules,
)
from papertrade.engine.market import MINUTE_MS, Quote, first_whole_open
from papertrade.engine.messages import (
    Cause,
    CostCharged,
    ExitFilled,
    LevelsChanged,
    Liquidity,
    Refusal,
    TradeEnded,
    TradeVoided,
)
from papertrade.engine.money import ONE, ZERO, exact, floor_to, plain
from papertrade.engine.signal import EntryType
from papertrade.engine.state import levels_at
from papertrade.engine.step import Rules
from papertrade.engine.trade import ExitReason, Flag, Levels, Ruling, Status, Stop, Trade
from papertrade.engine.values import dataclass, replace

_ENDINGS = {
    ExitReason.STOP_LOSS: "stop",
    ExitReason.TAKE_PROFIT: "target",
    ExitReason.MANUAL: "closed by hand",
}


@dataclass(frozen=True, slots=True)
class TooSmall:
    """Why a part could not leave alone: `asked` of a trade, on its step, or what it would have `left` (`is_rest`).

    `asked` is 0 where the part is less than one step.
    """

    asked: Decimal
    left: Decimal
    is_rest: bool


def close_trade(
    trade: Trade,
    fraction: Decimal,
    raw_price: Decimal,
    quote: Quote | None,
    at_ms: int,
    flags: Sequence[Flag] = (),
    depth: Depth | None = None,
) -> tuple[CostCharged | ExitFilled, ...] | Refusal:
    """Close a fraction (0…1] of what is open at `raw_price`; without a quote the price is the user's own.

    With a `depth` it leaves at what the order book gives; what that does not fill stays open (flag `thin_book`).

    What holding the trade has cost until then is charged before the exit.
    """
    with exact():
        cause = Cause(rule="5 closed by hand", raw_price=raw_price, quote=quote)
        return _leave(trade, fraction, cause, at_ms, flags, depth)


def too_small_to_part(trade: Trade, fraction: Decimal, closed: Decimal) -> TooSmall | None:
    """Return why more than a fraction (0…1] of what was open was to leave, None where it was not.

    `closed` is the quantity that did leave.
    """
    with exact():
        asked = floor_to(trade.open_quantity * fraction, trade.order.terms.quantity_grid)
        left = trade.open_quantity - asked
    # Of two pieces of which one is too small, the smaller one is.
    return TooSmall(asked, left, is_rest=left < asked) if closed > asked else None


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


def void_trade(trade: Trade, account: AccountBook, reason: str, at_ms: int) -> TradeVoided | Refusal:
    """Take a trade back, whatever became of it: what it posted is posted the other way round.

    Refused if it is void already, belongs to an epoch that is over, or if the cash that it gained is not there.
    """
    if Flag.VOID in trade.flags:
        hint = f"papertrade show {trade.id}"
        return Refusal("already_void", f"trade `{trade.id}` is void already", hint, {"trade_id": trade.id})
    if not trade.status.is_live and trade.entry_price is None:
        return ended_refusal(trade)
    if trade.order.epoch != account.epoch:
        return Refusal(
            "earlier_epoch",
            f"trade `{trade.id}` belongs to epoch {trade.order.epoch}, which was ended by a reset",
            None,
            {"trade_id": trade.id, "epoch": trade.order.epoch},
        )
    void = TradeVoided(
        trade_id=trade.id,
        reserve=trade.reserve,
        fees=trade.fees,
        gross=trade.gross,
        funding=trade.funding,
        reason=reason,
        at_ms=at_ms,
    )
    with exact():
        back = void.cash_back
        if account.cash + back < 0:
            return Refusal(
                "insufficient_funds",
                f"taking trade `{trade.id}` back costs `{plain(-back)}` {account.currency}, "
                f"`{plain(account.cash)}` is free",
                "close another trade, or deposit",
                {"need": plain(-back), "have": plain(account.cash), "shortfall": plain(-back - account.cash)},
            )
    return void


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitChange:
    """New exits for a live trade; what `keeps` says stays as it is."""

    stop: Level | None = None
    targets: tuple[TargetWish, ...] = ()
    trail: TrailWish | None = None
    break_even: BreakEvenWish | None = None
    time_limit: TimeLimitWish | None = None
    keeps_stop: bool = True
    keeps_targets: bool = True
    keeps_trail: bool = True
    keeps_break_even: bool = True
    keeps_time_limit: bool = True


def modify_trade(trade: Trade, change: ExitChange, price: Decimal, at_ms: int, rules: Rules) -> LevelsChanged | Refusal:
    """Change a live trade's exits from the next whole candle on; new ones are checked against the price of now.

    Those of a waiting trade are checked against its entry instead, and again when it fills.
    Relative levels and risks count from the entry, as they did when the trade was opened; `be` is worked out for
    what is open now; a new trail without an activation follows from `price` on. A trail or break-even that is
    taken away leaves the stop where it had moved it. Raises ValueError for wishes that contradict each other
    (fractions over 1, a target in risks without a stop).
    """
    if not trade.status.is_live:
        return ended_refusal(trade)
    with exact():
        from_ms = counts_from(trade, at_ms, rules)
        if trade.status is Status.PENDING:
            wish = _changed_wish(trade.ruling.wish, change)
            asked = replace(wish, time_limit=None) if change.keeps_time_limit else wish
            wrong = _wrong_while_waiting(trade, asked, at_ms)
            return wrong or LevelsChanged(trade_id=trade.id, ruling=Ruling(from_ms, wish), at_ms=at_ms)
        levels = _changed_levels(trade, change, price)
        # Kept levels are not asked about: the minute still forming may have touched one already.
        new = _only_changed(levels, change)
        wrong = check_sides(new, trade.side, price, "the price") or check_rules(
            new, trade.side, price, "the price", at_ms
        )
        return wrong or LevelsChanged(trade_id=trade.id, ruling=Ruling(from_ms, as_wish(levels), levels), at_ms=at_ms)


def counts_from(trade: Trade, at_ms: int, rules: Rules) -> int:
    """Return the open time of the first candle that a change of a trade's exits made at `at_ms` counts for."""
    return max(first_whole_open(at_ms, rules.candle_ms), trade.whole_from)


def ended_refusal(trade: Trade, last_price: Decimal | None = None) -> Refusal:
    """Return the refusal of a change to a trade that is not there any more, with what happened to it.

    `last_price` is that of the exit that ended it; without, the price of all its exits stands for it.
    """
    what = f"{trade.status}"
    if Flag.VOID in trade.flags:
        what = "it was taken back"
    elif trade.exit_reason is not None:
        word = _ENDINGS.get(trade.exit_reason, str(trade.exit_reason).replace("_", " "))
        price = trade.exit_price if last_price is None else last_price
        what = f"{word} `{plain(price or ZERO)}`"
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
            **({} if last_price is None else {"last_exit_price": plain(last_price)}),
            "closed_at": None if trade.closed_at is None else to_iso(trade.closed_at),
        },
    )


def _leave(
    trade: Trade, fraction: Decimal, cause: Cause, at_ms: int, flags: Sequence[Flag], depth: Depth | None
) -> tuple[CostCharged | ExitFilled, ...] | Refusal:
    if trade.status is not Status.OPEN:
        return ended_refusal(trade)
    part = part_to_close(trade, trade.open_quantity * fraction, cause.raw_price)
    marks = tuple(flags)
    if depth is not None:
        filled = filled_of(part, depth, trade.order.terms, trade.order.symbol)
        if isinstance(filled, Refusal):
            return filled
        marks += (Flag.THIN_BOOK,) if filled < part else ()
        part, cause = filled, walked(cause, filled, depth)
    decision = Decision(
        cause=cause,
        reason=ExitReason.MANUAL,
        liquidity=Liquidity.TAKER,
        at_ms=at_ms,
        flags=marks,
        fraction=fraction,
    )
    return leave(trade, part, decision)


def _changed_wish(old: ExitWish, change: ExitChange) -> ExitWish:
    return ExitWish(
        old.stop if change.keeps_stop else change.stop,
        old.targets if change.keeps_targets else change.targets,
        old.trail if change.keeps_trail else change.trail,
        old.break_even if change.keeps_break_even else change.break_even,
        old.time_limit if change.keeps_time_limit else change.time_limit,
        old.after_first,
    )


def _wrong_while_waiting(trade: Trade, wish: ExitWish, at_ms: int) -> Refusal | None:
    """Return why exits do not suit the price that an entry waits for."""
    order, side = trade.order, trade.side
    entry, terms = order.waiting_price, order.terms
    levels = resolve(wish, side, entry, terms.price_grid, trade.quantity)
    wrong = check_sides(levels, side, entry, "entry")
    if wrong is not None:
        return wrong
    liquidity = Liquidity.MAKER if order.entry_type is EntryType.LIMIT else Liquidity.TAKER
    entered = Entered(
        side=side,
        price=entry,
        quantity=trade.quantity,
        fee=fee_of(entry, trade.quantity, fee_rate(liquidity, terms)),
        terms=terms,
        opened_at=at_ms,
        stop=levels.stop,
    )
    return check_rules(with_rules(levels, wish, entered), side, entry, "entry", at_ms)


def _changed_levels(trade: Trade, change: ExitChange, price: Decimal) -> Levels:
    """Resolve the new exits of an open trade; kept ones keep their prices and what was taken of them."""
    old = levels_at(trade, trade.ruling.from_ms)
    entry, side, terms = trade.entered_price, trade.side, trade.order.terms
    entered = Entered(
        side=side,
        price=entry,
        quantity=trade.open_quantity,
        fee=trade.entry_fee_left,
        terms=terms,
        opened_at=trade.opened_at or 0,
        stop=trade.initial_stop,
    )
    own = _own_stop(old, change, entered)
    if trade.initial_stop is None and own is not None:
        entered = replace(entered, stop=own.price)
    _refuse_contradictions(own, change)
    trail = old.trail
    if not change.keeps_trail:
        trail = None if change.trail is None else trail_of(change.trail, entered, price)
    even = old.break_even
    if not change.keeps_break_even:
        even = None if change.break_even is None else break_even_of(change.break_even, entered)
    levels = old
    if not change.keeps_time_limit:
        limit = None if change.time_limit is None else time_limit_of(change.time_limit, entered.opened_at)
        levels = replace(levels, time_limit=limit)
    if not change.keeps_targets:
        made = resolve(ExitWish(_price_of(own), change.targets), side, entry, terms.price_grid, ONE, entered.risk)
        levels = replace(levels, targets=made.targets, base_quantity=trade.open_quantity)
    return levels.with_stops(own, trail, even, old.after_first, side)


def _refuse_contradictions(own: Stop | None, change: ExitChange) -> None:
    """Raise ValueError for new wishes that cannot be together, or not without a stop."""
    ExitWish(_price_of(own), change.targets, change.trail, change.break_even, change.time_limit)


def _own_stop(old: Levels, change: ExitChange, entered: Entered) -> Stop | None:
    """Return the trade's own stop after a change; where a trail or break-even is taken away, theirs is kept."""
    if not change.keeps_stop:
        return None if change.stop is None else stop_of(change.stop, entered)
    stops = [] if old.own_stop is None else [old.own_stop]
    if old.trail is not None and old.trail.stop is not None and not change.keeps_trail and change.trail is None:
        stops.append(Stop(old.trail.stop))
    even = old.break_even
    if even is not None and even.is_armed and not change.keeps_break_even and change.break_even is None:
        stops.append(Stop(even.stop, ExitReason.BREAK_EVEN))
    return max(stops, key=lambda stop: stop.price * entered.side.sign, default=None)


def _only_changed(levels: Levels, change: ExitChange) -> Levels:
    """Return the levels that a change made, without those that it kept."""
    own = levels.own_stop
    return Levels(
        None if change.keeps_stop or own is None else own.price,
        () if change.keeps_targets else levels.targets,
        ZERO,
        trail=None if change.keeps_trail else levels.trail,
        break_even=None if change.keeps_break_even else levels.break_even,
        after_first=levels.after_first,
        time_limit=None if change.keeps_time_limit else levels.time_limit,
    )


def as_wish(levels: Levels) -> ExitWish:
    """Return resolved exits as wishes in plain prices; targets that were taken are left out."""
    trail, even, after = levels.trail, levels.break_even, levels.after_first
    targets = tuple(TargetWish(_at(t.price), t.fraction) for t in levels.targets if not t.is_filled)
    has_more = len(targets) > 1 or any(t.fraction != ONE for t in targets)
    wished = None
    if trail is not None:
        distance = Level(LevelKind.PERCENT if trail.is_percent else LevelKind.PRICE, trail.distance)
        wished = TrailWish(distance, None if trail.activation is None else _at(trail.activation))
    return ExitWish(
        _price_of(levels.own_stop),
        targets,
        wished,
        None if even is None else BreakEvenWish(_at(even.trigger), even.is_gross),
        None if levels.time_limit is None else TimeLimitWish(at_ms=levels.time_limit),
        _price_of(after) if has_more else None,
    )


def _price_of(stop: Stop | None) -> Level | None:
    return None if stop is None else _at(stop.price)


def _at(price: Decimal) -> Level:
    return Level(LevelKind.PRICE, price)
