"""What holding a trade cost, explained: as facts for a person, and as JSON complete enough to compute it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from papertrade.engine.messages import CostKind
from papertrade.engine.money import plain
from papertrade.render.facts import Fact
from papertrade.render.json import Encodable
from papertrade.render.numbers import exact_or_cut, iso_z, local_second
from papertrade.reports.explain import ChargeExplained

TITLES = {CostKind.FUNDING: "Funding", CostKind.BORROW: "Interest"}
"""What a charge is called."""


def charge_facts(told: ChargeExplained, currency: str, zone: tzinfo) -> list[Fact]:
    """Return the arithmetic of one charge."""
    charge = told.event
    facts: list[Fact] = [("for", _span(told, zone)), ("notional", _notional(told))]
    rate = plain(charge.rate)
    if charge.kind is CostKind.FUNDING:
        sum_ = f"{exact_or_cut(charge.notional)} x {'' if told.pays_positive else '-'}{rate}".replace("--", "")
    else:
        sum_ = f"{exact_or_cut(charge.notional)} x {rate} x {charge.to_ms - charge.from_ms} ms / {told.year_ms} ms"
    rounded = "" if told.unrounded == charge.owed else f"{exact_or_cut(told.unrounded)}, rounded up at 1e-8 = "
    facts.append(("owed", f"{sum_} = {rounded}{plain(charge.owed)} {currency}"))
    facts.append(("cash", _paid(told)))
    if charge.liquidation_price is not None and charge.amount > 0:
        facts.append(("ruin", f"liquidation at {plain(charge.liquidation_price)} now (section 4.6)"))
    return facts


def _span(told: ChargeExplained, zone: tzinfo) -> str:
    charge = told.event
    if charge.kind is CostKind.FUNDING:
        return f"the funding time {local_second(charge.to_ms, zone)}"
    return f"{local_second(charge.from_ms, zone)} to {local_second(charge.to_ms, zone)}"


def _notional(told: ChargeExplained) -> str:
    charge = told.event
    product = f"{plain(charge.quantity)} x {plain(charge.price)}"
    if told.borrowed_share is not None:
        product += f" x ({plain(told.leverage)} - 1) / {plain(told.leverage)}"
    return f"{product} = {exact_or_cut(charge.notional)}"


def _paid(told: ChargeExplained) -> str:
    charge = told.event
    if charge.amount < 0:
        return f"+{plain(-charge.amount)} to free cash"
    left = f"{plain(told.reserve_before)} - {plain(charge.amount)} = {plain(told.reserve_after)} left of the reserve"
    return f"{left}: no more than there was" if charge.amount < charge.owed else left


def charge_json(told: ChargeExplained) -> Mapping[str, Encodable]:
    """Return every number of one charge, without its cause."""
    charge = told.event
    return {
        "kind": charge.kind,
        "from": iso_z(charge.from_ms),
        "to": iso_z(charge.to_ms),
        "quantity": charge.quantity,
        "price": charge.price,
        "borrowed_share": told.borrowed_share,
        "notional": charge.notional,
        "rate": charge.rate,
        "year_ms": told.year_ms,
        "owed_before_rounding": told.unrounded,
        "owed": charge.owed,
        "amount": charge.amount,
        "reserve_before": told.reserve_before,
        "reserve_after": told.reserve_after,
        "liquidation_price": charge.liquidation_price,
    }
