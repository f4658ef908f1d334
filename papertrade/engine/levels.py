"""From wishes to prices: resolves stops and targets from an entry, on the step, against the trader.

Absolute, relative and R levels become prices once, from the entry fill. A stop is rounded away from the
entry, a target towards it: down for a long, up for a short.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from typing import Final, assert_never

from papertrade.engine.exit_wish import BreakEvenWish, ExitWish, Level, LevelKind, TargetWish, TimeLimitWish, TrailWish
from papertrade.engine.fills import even_price
from papertrade.engine.instants import to_iso
from papertrade.engine.market import LONG, SHORT, Side
from papertrade.engine.messages import Refusal
from papertrade.engine.money import CONTEXT, GRID, HUNDRED, ONE, ZERO, ceil_to, floor_to, plain
from papertrade.engine.trade import SHARE_GRID, BreakEven, ExitReason, Levels, Stop, Target, Terms, Trail
from papertrade.engine.values import dataclass, replace

_PRICE: Final = LevelKind.PRICE


def against_trader(price: Decimal, side: Side, grid: Decimal) -> Decimal:
    """Round a level of a trade to the grid of its prices: down for a long, up for a short."""
    return floor_to(price, grid) if side is LONG else ceil_to(price, grid)


def resolve(
    wish: ExitWish, side: Side, entry: Decimal, grid: Decimal, base_quantity: Decimal, risk: Decimal | None = None
) -> Levels:
    """Turn the wished stop and targets into prices around `entry`, on `grid` (`Terms.price_grid`).

    `risk` is the price distance of 1R; None takes it from the wished stop. Targets come out nearest first,
    those that round to one price are merged. What moves the stop or limits the time is added by `with_rules`.
    """
    stop = None
    if wish.stop is not None:
        stop = against_trader(_price(wish.stop, side, entry, ZERO, -side.sign), side, grid)
    if risk is None:
        risk = ZERO if stop is None else abs(CONTEXT.subtract(entry, stop))
    shares: dict[Decimal, Decimal] = {}
    for target, fraction in zip(wish.targets, _fractions(wish.targets), strict=True):
        price = against_trader(_price(target.level, side, entry, risk, side.sign), side, grid)
        shares[price] = CONTEXT.add(shares[price], fraction) if price in shares else fraction
    nearest_first = sorted(shares.items(), reverse=side is SHORT)
    if len(wish.targets) > 1 and wish.targets[0].fraction is None:
        farthest, _ = nearest_first[-1]
        nearest_first[-1] = farthest, reduce(CONTEXT.subtract, [share for _, share in nearest_first[:-1]], ONE)
    return Levels(stop, tuple([Target(price, share) for price, share in nearest_first]), base_quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """An entry as the levels count from it: `fee` is the entry fee of `quantity`, `stop` the one that makes 1R."""

    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    terms: Terms
    opened_at: int
    stop: Decimal | None = None

    @property
    def risk(self) -> Decimal:
        """The price distance of 1R; 0 without a stop."""
        return ZERO if self.stop is None else abs(CONTEXT.subtract(self.price, self.stop))

    def price_of(self, level: Level, towards: int) -> Decimal:
        """Return the price of any level, rounded against the trader; `towards` is the sign of an unsigned percentage.

        A break-even price is rounded away from the entry, or it would lose.
        """
        match level.kind:
            case LevelKind.EVEN:
                return even_price(self.side, self.price, self.fee, self.quantity, self.terms)
            case LevelKind.EVEN_GROSS:
                return self.price
            case _:
                price = _price(level, self.side, self.price, self.risk, towards)
                return against_trader(price, self.side, self.terms.price_grid)


def with_rules(levels: Levels, wish: ExitWish, entered: Entered) -> Levels:
    """Add to a stop and targets what the wish says about trail, break-even, the first target and the time."""
    limit = wish.time_limit
    trail = None if wish.trail is None else trail_of(wish.trail, entered, entered.price)
    even = None if wish.break_even is None else break_even_of(wish.break_even, entered)
    after = None if wish.after_first is None else stop_of(wish.after_first, entered)
    ruled = levels.with_stops(levels.own_stop, trail, even, after, entered.side)
    return ruled if limit is None else replace(ruled, time_limit=time_limit_of(limit, entered.opened_at))


def stop_of(level: Level, entered: Entered) -> Stop:
    """Resolve a stop of a trade that is entered: any level may be one; at break-even its reason says so."""
    reason = ExitReason.BREAK_EVEN if level.kind.is_even else ExitReason.STOP_LOSS
    return Stop(entered.price_of(level, -entered.side.sign), reason)


def trail_of(wish: TrailWish, entered: Entered, price: Decimal) -> Trail:
    """Resolve a trail; one without an activation follows from `price` on."""
    distance, sign = wish.distance.value, entered.side.sign
    if wish.distance.kind is LevelKind.RISK:
        distance = CONTEXT.multiply(distance, entered.risk)
    activation = None if wish.activation is None else entered.price_of(wish.activation, sign)
    trail = Trail(distance, wish.percent is not None, activation)
    return trail if activation is not None else led_by(trail, price, entered.side, entered.terms.price_grid)


def led_by(trail: Trail, peak: Decimal, side: Side, grid: Decimal) -> Trail:
    """Return a trail that follows `peak`: its stop at the distance from it, rounded away from the market."""
    gap = trail.distance
    if trail.is_percent:
        gap = CONTEXT.divide(CONTEXT.multiply(peak, gap), HUNDRED)
    stop = against_trader(CONTEXT.subtract(peak, CONTEXT.multiply(gap, side.sign)), side, grid)
    return Trail(trail.distance, trail.is_percent, trail.activation, peak, stop)


def break_even_of(wish: BreakEvenWish, entered: Entered) -> BreakEven:
    """Resolve a break-even: its trigger, and the price where the stop goes."""
    stop = entered.price_of(Level(LevelKind.EVEN_GROSS if wish.is_gross else LevelKind.EVEN), 0)
    return BreakEven(entered.price_of(wish.trigger, entered.side.sign), stop, wish.is_gross)


def time_limit_of(wish: TimeLimitWish, opened_at: int) -> int | None:
    """Return the instant of a time limit (UTC ms): its own, or so long after the entry."""
    return wish.at_ms if wish.after_ms is None else opened_at + wish.after_ms


def check_rules(levels: Levels, side: Side, reference: Decimal, name: str, at_ms: int) -> Refusal | None:
    """Return why a trail, break-even, stop after the first target or time limit cannot be, or None.

    What waits for a better price must lie beyond `reference` (an entry or a price, named `name`), and the stop
    that it moves must lie this side of it. A time limit must be later than `at_ms`.
    """
    trail, even, target = levels.trail, levels.break_even, levels.next_target()
    if trail is not None:
        if trail.activation is not None and (trail.activation - reference) * side.sign <= 0:
            return _wrong_side("trail activation", trail.activation, side, reference, name)
        begins = reference if trail.activation is None else trail.activation
        if (led_by(trail, begins, side, GRID).stop or ZERO) <= 0:
            far = f"{plain(trail.distance)}%" if trail.is_percent else plain(trail.distance)
            return Refusal("invalid_level", f"trail `{far}` is no less than the price it begins at, `{plain(begins)}`")
    if even is not None and not even.is_armed:
        if (even.trigger - reference) * side.sign <= 0:
            return _wrong_side("break-even trigger", even.trigger, side, reference, name)
        if (even.trigger - even.stop) * side.sign <= 0:
            return _not_beyond("break-even trigger", even.trigger, "break-even price", even.stop, side)
    after = levels.after_first
    if after is not None and target is not None and (target.price - after.price) * side.sign <= 0:
        return _not_beyond("first target", target.price, "stop after it", after.price, side)
    if levels.time_limit is not None and levels.time_limit <= at_ms:
        limit = to_iso(levels.time_limit)
        return Refusal("time_limit_passed", f"time limit `{limit}` has passed", None, {"time_limit": limit})
    return None


def _not_beyond(what: str, level: Decimal, other: str, limit: Decimal, side: Side) -> Refusal:
    needed = "above" if side is Side.LONG else "below"
    return Refusal(
        "wrong_side",
        f"{what} `{plain(level)}` of a {side} trade must be {needed} the {other} `{plain(limit)}`",
        None,
        {"level": plain(level), "limit": plain(limit), "side": str(side)},
    )


def check_sides(levels: Levels, side: Side, reference: Decimal, name: str) -> Refusal | None:
    """Return why a level lies on the wrong side of `reference` (an entry or a price, named `name`), or None."""
    stop, is_long = levels.stop, side is LONG
    if stop is not None and (stop >= reference if is_long else stop <= reference):
        return _wrong_side("stop", stop, side, reference, name)
    lowest = ONE if stop is None else stop
    for target in levels.targets:
        price = target.price
        if not target.is_filled and (price <= reference if is_long else price >= reference):
            return _wrong_side("target", price, side, reference, name)
        lowest = min(lowest, price)
    if lowest <= ZERO:
        return Refusal("invalid_level", f"level `{plain(lowest)}` is not a price: it must be above 0")
    return None


def _wrong_side(what: str, level: Decimal, side: Side, reference: Decimal, name: str) -> Refusal:
    relation = "above" if level > reference else "below" if level < reference else "at"
    other = Side.SHORT if side is Side.LONG else Side.LONG
    needed = "below" if (what == "stop") == (side is Side.LONG) else "above"
    is_plain = what in ("stop", "target")
    hint = (
        f"swap --sl and --tp, or use --side {other}"
        if name == "entry" and is_plain
        else f"the {what} of a {side} trade must be {needed} `{plain(reference)}`"
    )
    details = {"level": plain(level), "reference": plain(reference), "side": str(side), "needed": needed}
    return Refusal(
        "wrong_side",
        f"{what} `{plain(level)}` is {relation} {name} `{plain(reference)}` for a {side} trade",
        hint,
        details if is_plain else {**details, "what": what},
    )


def _price(level: Level, side: Side, entry: Decimal, risk: Decimal, towards: int) -> Decimal:
    """Return the unrounded price of one level; `towards` is the sign of an unsigned percentage."""
    if level.kind is _PRICE:
        return level.value
    match level.kind:
        case LevelKind.PERCENT:
            change = level.value * towards
        case LevelKind.SIGNED_PERCENT:
            change = level.value
        case LevelKind.RISK:
            return CONTEXT.add(entry, CONTEXT.multiply(level.value * side.sign, risk))
        case LevelKind.EVEN | LevelKind.EVEN_GROSS:
            return entry
        case _:
            assert_never(level.kind)
    return CONTEXT.multiply(entry, CONTEXT.divide(HUNDRED + change, HUNDRED))


def _fractions(targets: Sequence[TargetWish]) -> list[Decimal]:
    """Return each target's fraction; without any given an equal share, rounded up: the farthest one takes what is left.

    So each share of a quantity that has as many steps is a whole one.
    """
    given = [t.fraction for t in targets if t.fraction is not None]
    if given or len(targets) < 2:
        return given or [ONE] * len(targets)
    return [ceil_to(CONTEXT.divide(ONE, len(targets)), SHARE_GRID)] * len(targets)
