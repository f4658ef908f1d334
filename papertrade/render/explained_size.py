"""How a quantity came about, as text and as the scripting contract writes it.

The rule to keep: what is written after `=` is what the numbers before it give, shortened at `...`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from papertrade.engine.money import plain
from papertrade.engine.signal import SizeKind
from papertrade.engine.sized import Cut, CutBy
from papertrade.engine.trade import Order
from papertrade.render.facts import Fact
from papertrade.render.json import Encodable
from papertrade.render.numbers import exact_or_cut
from papertrade.reports.explain_size import SizeExplained, explain_size

_PURPOSES: Final = {
    SizeKind.NOTIONAL: "to buy or sell for",
    SizeKind.PERCENT: "to buy or sell for",
    SizeKind.RISK_PERCENT: "to lose at the stop",
    SizeKind.RISK_AMOUNT: "to lose at the stop",
}


def size_facts(order: Order, currency: str) -> list[Fact]:
    """Return the arithmetic of a quantity, a line for each cut; nothing where it is the one that was asked for."""
    told = explain_size(order)
    if told is None:
        return []
    return [("size", _asked(told, currency)), *(("cut", _cut(cut, told, currency)) for cut in told.sizing.cuts)]


def size_json(order: Order) -> Mapping[str, Encodable] | None:
    """Return what a quantity was worked out from, None where it is the one that was asked for."""
    told = explain_size(order)
    if told is None:
        return None
    sizing = told.sizing
    return {
        "kind": sizing.size.kind,
        "value": sizing.size.value,
        "default": sizing.is_default,
        "balance": sizing.balance,
        "price": sizing.price,
        "stop_out": sizing.stop_out,
        "entry_fee_rate": sizing.fee_rate,
        "exit_fee_rate": told.exit_fee_rate,
        "amount": told.amount,
        "for_one": told.for_one,
        "unrounded": told.unrounded,
        "quantity_step": told.step,
        "asked": told.asked,
        "cuts": [{"by": cut.by, "limit": cut.limit, "quantity": cut.quantity} for cut in sizing.cuts],
        "quantity": told.quantity,
    }


def _asked(told: SizeExplained, currency: str) -> str:
    sizing, size = told.sizing, told.sizing.size
    rounded = "" if told.unrounded == told.asked else f", down to the step {plain(told.step)} = {plain(told.asked)}"
    if told.amount is None or told.for_one is None:
        return f"{plain(size.value)} asked for{rounded}"
    amount = f"{plain(told.amount)} {currency}"
    if size.kind in (SizeKind.PERCENT, SizeKind.RISK_PERCENT):
        amount = f"{plain(size.value)} % of the balance {plain(sizing.balance)} = {amount}"
    default = " (the default)" if sizing.is_default else ""
    one = plain(sizing.price) if sizing.stop_out is None else f"({_loss_of_one(told)})"
    sum_ = f"{plain(told.amount)} / {one} = {exact_or_cut(told.unrounded)}"
    return f"{amount} {_PURPOSES[size.kind]}{default}; {sum_}{rounded}"


def _loss_of_one(told: SizeExplained) -> str:
    """Write out what a quantity of 1 loses at the stop: the way there, and the fees of both ends."""
    sizing = told.sizing
    price, out = plain(sizing.price), "0" if sizing.stop_out is None else plain(sizing.stop_out)
    way = f"|{price} - {out}|"
    return f"{way} + {price} x {plain(sizing.fee_rate)} + {out} x {plain(told.exit_fee_rate)}"


def _cut(cut: Cut, told: SizeExplained, currency: str) -> str:
    price, limit = plain(told.sizing.price), plain(cut.limit)
    on_step = f"down to the step = {plain(cut.quantity)}"
    match cut.by:
        case CutBy.DEFAULT_CAP:
            return f"sizing.max_notional allows {limit} {currency}: {limit} / {price}, {on_step}"
        case CutBy.GUARD:
            return f"guards: x {limit}, {on_step}"
        case CutBy.CAP:
            return f"a cap leaves {limit} {currency}: {limit} / {price}, {on_step}"
        case CutBy.CASH:
            return f"the free {limit} {currency} pay the reserve and the fee of {plain(cut.quantity)}"
        case CutBy.BOOK:
            return f"the order book holds {limit}: {plain(cut.quantity)}"
