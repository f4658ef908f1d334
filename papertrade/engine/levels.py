"""From wishes to prices: resolves stops and targets from an entry, on the step, against the trader.

Absolute, relative and R levels become prices once, from the entry fill. A stop is rounded away from the
entry, a target towards it: down for a long, up for a short.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

from papertrade.engine.market import Side
from papertrade.engine.messages import Refusal
from papertrade.engine.money import CONTEXT, GRID, HUNDRED, ONE, ZERO, ceil_to, floor_to, plain
from papertrade.engine.signal import ExitWish, Level, LevelKind, TargetWish
from papertrade.engine.trade import Levels, Target


def against_trader(price: Decimal, side: Side, grid: Decimal) -> Decimal:
    """Round a level of a trade to the grid of its prices: down for a long, up for a short."""
    return floor_to(price, grid) if side is Side.LONG else ceil_to(price, grid)


def resolve(
    wish: ExitWish, side: Side, entry: Decimal, grid: Decimal, base_quantity: Decimal, risk: Decimal | None = None
) -> Levels:
    """Turn wishes into prices around `entry`, on `grid` (`Terms.price_grid`).

    `risk` is the price distance of 1R; None takes it from the wished stop. Targets come out nearest first,
    those that round to one price are merged.
    """
    stop = None
    if wish.stop is not None:
        stop = against_trader(_price(wish.stop, side, entry, ZERO, -side.sign), side, grid)
    if risk is None:
        risk = ZERO if stop is None else abs(CONTEXT.subtract(entry, stop))
    shares: dict[Decimal, Decimal] = {}
    for target, fraction in zip(wish.targets, _fractions(wish.targets), strict=True):
        price = against_trader(_price(target.level, side, entry, risk, side.sign), side, grid)
        shares[price] = shares.get(price, ZERO) + fraction
    nearest_first = sorted(shares, reverse=side is Side.SHORT)
    return Levels(stop, tuple(Target(price, shares[price]) for price in nearest_first), base_quantity)


def check_sides(levels: Levels, side: Side, reference: Decimal, name: str) -> Refusal | None:
    """Return why a level lies on the wrong side of `reference` (an entry or a price, named `name`), or None."""
    if levels.stop is not None and (levels.stop - reference) * side.sign >= 0:
        return _wrong_side("stop", levels.stop, side, reference, name)
    for target in levels.targets:
        if not target.is_filled and (target.price - reference) * side.sign <= 0:
            return _wrong_side("target", target.price, side, reference, name)
    lowest = min((p for p in (levels.stop, *(t.price for t in levels.targets)) if p is not None), default=ONE)
    if lowest <= 0:
        return Refusal("invalid_level", f"level `{plain(lowest)}` is not a price: it must be above 0")
    return None


def _wrong_side(what: str, level: Decimal, side: Side, reference: Decimal, name: str) -> Refusal:
    relation = "above" if level > reference else "below" if level < reference else "at"
    other = Side.SHORT if side is Side.LONG else Side.LONG
    needed = "below" if (what == "stop") == (side is Side.LONG) else "above"
    hint = (
        f"swap --sl and --tp, or use --side {other}"
        if name == "entry"
        else f"the {what} of a {side} trade must be {needed} `{plain(reference)}`"
    )
    return Refusal(
        "wrong_side",
        f"{what} `{plain(level)}` is {relation} {name} `{plain(reference)}` for a {side} trade",
        hint,
        {"level": plain(level), "reference": plain(reference), "side": str(side), "needed": needed},
    )


def _price(level: Level, side: Side, entry: Decimal, risk: Decimal, towards: int) -> Decimal:
    """Return the unrounded price of one level; `towards` is the sign of an unsigned percentage."""
    match level.kind:
        case LevelKind.PRICE:
            return level.value
        case LevelKind.PERCENT:
            change = level.value * towards
        case LevelKind.SIGNED_PERCENT:
            change = level.value
        case LevelKind.RISK:
            return CONTEXT.add(entry, CONTEXT.multiply(level.value * side.sign, risk))
        case _:
            assert_never(level.kind)
    return CONTEXT.multiply(entry, CONTEXT.divide(HUNDRED + change, HUNDRED))


def _fractions(targets: Sequence[TargetWish]) -> list[Decimal]:
    """Return each target's fraction; without any given they share equally and sum to exactly 1."""
    given = [t.fraction for t in targets if t.fraction is not None]
    if given or not targets:
        return given
    share = floor_to(CONTEXT.divide(ONE, len(targets)), GRID)
    return [share] * (len(targets) - 1) + [ONE - share * (len(targets) - 1)]
