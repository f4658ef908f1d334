"""The arithmetic behind a quantity: what was asked for, for what a unit, the rounding, and each cut.

The rule to keep: `amount` / `for_one` rounded down to the step is `asked`, and the last cut is what was placed.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.money import HUNDRED, exact, floor_to
from papertrade.engine.signal import SizeKind
from papertrade.engine.sized import Sizing
from papertrade.engine.sizing import loss_of_one
from papertrade.engine.trade import Order
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeExplained:
    """How a quantity came about. `unrounded` = `amount` / `for_one`; both are None for a size that is a quantity.

    `amount` is account money: the notional, or what a stop-out may lose. `for_one` is what a quantity of 1 has of it:
    the price, or the way to `sizing.stop_out` with the fees of both ends.
    """

    sizing: Sizing
    amount: Decimal | None
    for_one: Decimal | None
    exit_fee_rate: Decimal
    unrounded: Decimal
    step: Decimal
    asked: Decimal
    quantity: Decimal


def explain_size(order: Order) -> SizeExplained | None:
    """Take an order's quantity apart; None where it is the very one that was asked for."""
    sizing, terms = order.sizing, order.terms
    if sizing is None:
        return None
    with exact():
        amount = _amount(sizing)
        for_one = None if amount is None else _for_one(sizing, terms.taker)
        unrounded = sizing.size.value if amount is None or for_one is None else amount / for_one
        return SizeExplained(
            sizing=sizing,
            amount=amount,
            for_one=for_one,
            exit_fee_rate=terms.taker,
            unrounded=unrounded,
            step=terms.quantity_step,
            asked=floor_to(unrounded, terms.quantity_grid),
            quantity=order.quantity,
        )


def _amount(sizing: Sizing) -> Decimal | None:
    match sizing.size.kind:
        case SizeKind.QUANTITY:
            return None
        case SizeKind.PERCENT | SizeKind.RISK_PERCENT:
            return sizing.balance * sizing.size.value / HUNDRED
        case SizeKind.NOTIONAL | SizeKind.RISK_AMOUNT:
            return sizing.size.value


def _for_one(sizing: Sizing, exit_rate: Decimal) -> Decimal:
    if sizing.stop_out is None:
        return sizing.price
    return loss_of_one(sizing.price, sizing.stop_out, sizing.fee_rate, exit_rate)
