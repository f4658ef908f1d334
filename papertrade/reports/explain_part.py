"""The arithmetic behind the quantity of an exit: what was asked for, the rounding, and why more or less left.

The rule to keep: `fraction` · `base` = `asked`, no more than is open, rounded down to the step is `on_step`; `because`
says how `quantity` comes from that, and what the order book did not fill stays open.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from papertrade.engine.fills import is_last_target, is_under_minimum
from papertrade.engine.messages import ExitFilled
from papertrade.engine.money import exact, floor_to
from papertrade.engine.trade import ExitReason, Flag, Levels, Target, Terms, Trade
from papertrade.engine.values import dataclass


class Because(StrEnum):
    """Why an exit is of that size."""

    ASKED = "asked"  # what was asked for, on the step
    LAST_TARGET = "last_target"  # the last target takes all that is left
    PART_TOO_SMALL = "part_too_small"  # the part is under the minimum: all leaves
    REST_TOO_SMALL = "rest_too_small"  # what it would leave is under the minimum: all leaves
    EVERYTHING = "everything"  # a stop, a time limit or a liquidation asks for no part


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How much should leave, and why.

    `asked` is None where no part was asked for (with `on_step`, `fraction` and `base`), and in older journals
    (`because` too); the latter two are None where a person named a quantity. The least quantity and notional are
    judged at `price`. `is_cut_by_book` says that the order book filled less than `quantity`.
    """

    because: Because | None
    quantity: Decimal
    price: Decimal
    is_cut_by_book: bool
    terms: Terms
    fraction: Decimal | None = None
    base: Decimal | None = None
    asked: Decimal | None = None
    on_step: Decimal | None = None


def explain_part(event: ExitFilled, before: Trade, levels: Levels) -> Part:
    """Take the quantity of an exit apart; `levels` are those that it met, `before` is the trade just before it."""
    with exact():
        target = levels.next_target()
        if target is not None and target.price == event.target:
            return _at_target(event, before, levels, target)
        if event.fraction is not None:
            return _judged(event, before, event.fraction * before.open_quantity, event.fraction, before.open_quantity)
        if event.asked is not None:
            return _sold(event, before, event.asked)
        is_known = event.target is None and event.reason is not ExitReason.MANUAL
        return Part(
            because=Because.EVERYTHING if is_known else None,
            quantity=before.open_quantity if is_known else event.quantity,
            price=event.cause.raw_price,
            is_cut_by_book=Flag.THIN_BOOK in event.flags,
            terms=before.order.terms,
        )


def _at_target(event: ExitFilled, before: Trade, levels: Levels, target: Target) -> Part:
    if is_last_target(levels, target):
        return _last(event, before, levels, target)
    return _judged(event, before, levels.base_quantity * target.fraction, target.fraction, levels.base_quantity)


def _last(event: ExitFilled, before: Trade, levels: Levels, target: Target) -> Part:
    return Part(
        because=Because.LAST_TARGET,
        quantity=before.open_quantity,
        price=event.cause.raw_price,
        is_cut_by_book=False,
        terms=before.order.terms,
        fraction=target.fraction,
        base=levels.base_quantity,
    )


def _judged(event: ExitFilled, before: Trade, asked: Decimal, fraction: Decimal, base: Decimal) -> Part:
    """Judge a fraction: all leaves where it, or what it would leave, is under the minimum."""
    terms, price, whole = before.order.terms, _price_judged(event, before), before.open_quantity
    on_step = floor_to(min(asked, whole), terms.quantity_grid)
    because = Because.ASKED
    if is_under_minimum(on_step, price, terms):
        because = Because.PART_TOO_SMALL
    elif on_step < whole and is_under_minimum(whole - on_step, price, terms):
        because = Because.REST_TOO_SMALL
    quantity = on_step if because is Because.ASKED else whole
    return Part(
        because=because,
        quantity=quantity,
        price=price,
        is_cut_by_book=event.quantity < quantity,
        terms=terms,
        fraction=fraction,
        base=base,
        asked=asked,
        on_step=on_step,
    )


def _sold(event: ExitFilled, before: Trade, asked: Decimal) -> Part:
    """Judge what a plain sell order still wanted: all leaves where the rest would be under the minimum."""
    part = min(asked, before.open_quantity)
    is_whole = event.quantity == before.open_quantity > part
    return Part(
        because=Because.REST_TOO_SMALL if is_whole else Because.ASKED,
        quantity=event.quantity if is_whole else part,
        price=_price_judged(event, before),
        is_cut_by_book=event.quantity < part,
        terms=before.order.terms,
        asked=asked,
        on_step=part,
    )


def _price_judged(event: ExitFilled, before: Trade) -> Decimal:
    """Return the price of the least notional: the quote's also where the fill then walked the order book."""
    cause = event.cause
    return cause.quote.mark(before.side) if cause.walked and cause.quote is not None else cause.raw_price
