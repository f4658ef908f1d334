"""What it costs to hold a trade: funding at its instants, interest on what is borrowed. Pure and exact.

Who pays, on what, since when, and what that leaves of the reserve; when a candle or a quote makes it due is decided
in `touch.py`, the instants are armed in `armed.py`. The rule to keep: a trade pays out of its own reserve only, so
what it comes to depends on nothing but the trade and its market (docs/semantics.md section 6).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from papertrade.engine.fills import Decision, exit_fill, ruin_price
from papertrade.engine.market import Side
from papertrade.engine.messages import Cause, CostCharged, CostKind, ExitFilled
from papertrade.engine.money import ONE, ZERO, up_to_grid
from papertrade.engine.state import following
from papertrade.engine.trade import Funding, Status, Trade
from papertrade.engine.values import dataclass

DAY_MS: Final = 86_400_000
YEAR_MS: Final = 365 * DAY_MS
"""What a rate of interest is for."""

FUNDING: Final = "6 funding"
BORROW: Final = "6 borrow"


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a trade pays and at which price (`cause.raw_price`); `applied_to` is None where people caused it."""

    cause: Cause
    at_ms: int
    applied_to: int | None


@dataclass(frozen=True, slots=True)
class _Bill:
    """What is owed for a stretch of time; a funding's is the one instant."""

    kind: CostKind
    rate: Decimal
    price: Decimal
    notional: Decimal
    owed: Decimal
    from_ms: int
    to_ms: int


def next_due(trade: Trade) -> int | None:
    """Return the next instant (UTC ms) at which an open trade pays or is paid; None where no rate is given."""
    if not trade.order.terms.has_carry or trade.status is not Status.OPEN:
        return None
    dues = [due for due in (_funding_due(trade), _interest_due(trade)) if due is not None]
    return min(dues, default=None)


def due_charges(trade: Trade, occasion: Occasion) -> tuple[CostCharged, ...]:
    """Return what an open trade has to pay by now, in time order, funding first. To be called inside `exact()`."""
    charges: list[CostCharged] = []
    while (due := next_due(trade)) is not None and due <= occasion.at_ms:
        funding, price = trade.order.terms.funding, occasion.cause.raw_price
        if funding is not None and due == _funding_due(trade):
            bill = _funding(trade, funding, due, price)
        else:
            bill = _interest(trade, due, price)
        charges.append(_charged(trade, bill, occasion))
        trade = following(trade, charges[-1])
    return tuple(charges)


def leave(trade: Trade, quantity: Decimal, decision: Decision) -> tuple[CostCharged | ExitFilled, ...]:
    """Return the events that close `quantity` as decided: first what holding it has cost until then, then the exit.

    To be called inside `exact()`.
    """
    if not trade.order.terms.has_carry:
        return (exit_fill(trade, quantity, decision),)
    occasion = Occasion(decision.cause, decision.at_ms, decision.applied_to)
    charges = list(due_charges(trade, occasion))
    for charge in charges:
        trade = following(trade, charge)
    if _interest_due(trade) is not None and _since(trade, trade.borrowed_to) < decision.at_ms:
        bill = _interest(trade, decision.at_ms, decision.cause.raw_price)
        charges.append(_charged(trade, bill, occasion))
        trade = following(trade, charges[-1])
    return (*charges, exit_fill(trade, quantity, decision))


def _since(trade: Trade, mark: int | None) -> int:
    """Return from when on something is not charged yet: a mark, or the entry."""
    return trade.opened_at or 0 if mark is None else mark


def _funding_due(trade: Trade) -> int | None:
    funding = trade.order.terms.funding
    if funding is None or funding.rate == 0:
        return None
    return (_since(trade, trade.funded_to) // funding.every_ms + 1) * funding.every_ms


def _interest_due(trade: Trade) -> int | None:
    """Return the next midnight; None for a trade that borrows nothing: a long without leverage."""
    terms = trade.order.terms
    if not terms.borrow or (trade.side is Side.LONG and terms.leverage == 1):
        return None
    return (_since(trade, trade.borrowed_to) // DAY_MS + 1) * DAY_MS


def _funding(trade: Trade, funding: Funding, due: int, price: Decimal) -> _Bill:
    notional = trade.open_quantity * price
    owed = notional * funding.rate * trade.side.sign
    return _Bill(CostKind.FUNDING, funding.rate, price, notional, owed, due, due)


def _interest(trade: Trade, to_ms: int, price: Decimal) -> _Bill:
    """Return the interest since it was last charged: a short borrows the thing, a long the money for it."""
    terms = trade.order.terms
    rate = terms.borrow or ZERO
    borrowed, parts = trade.open_quantity * price, ONE
    if trade.side is Side.LONG:
        price = trade.entered_price
        borrowed, parts = trade.open_quantity * price * (terms.leverage - ONE), terms.leverage
    from_ms = _since(trade, trade.borrowed_to)
    # One division each, so that what comes out even is exact.
    owed = borrowed * rate * (to_ms - from_ms) / (parts * YEAR_MS)
    return _Bill(CostKind.BORROW, rate, price, borrowed / parts, owed, from_ms, to_ms)


def _charged(trade: Trade, bill: _Bill, occasion: Occasion) -> CostCharged:
    """Return the event: rounded against the trade, a payment no more than the reserve that is left."""
    owed = up_to_grid(bill.owed)
    amount = min(owed, trade.reserve)
    liquidation = trade.liquidation_price
    if amount > 0:
        held = trade.reserve - amount
        liquidation = ruin_price(trade.side, trade.entered_price, held, trade.open_quantity, trade.order.terms)
    cause = occasion.cause
    rule = FUNDING if bill.kind is CostKind.FUNDING else BORROW
    return CostCharged(
        trade_id=trade.id,
        kind=bill.kind,
        amount=amount,
        owed=owed,
        rate=bill.rate,
        quantity=trade.open_quantity,
        price=bill.price,
        notional=bill.notional,
        from_ms=bill.from_ms,
        to_ms=bill.to_ms,
        liquidation_price=liquidation,
        cause=Cause(rule=rule, raw_price=cause.raw_price, candle=cause.candle, quote=cause.quote),
        at_ms=occasion.at_ms,
        applied_to=occasion.applied_to,
    )
