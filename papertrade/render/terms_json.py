"""What a trade was placed under, as the scripting contract writes it: rates, steps, minimums, the convention.

The rule to keep: fields are only ever added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from papertrade.engine.conventions import NAMED, Convention
from papertrade.engine.trade import Terms
from papertrade.render.json import Encodable


def terms_json(terms: Terms) -> Mapping[str, Encodable]:
    """Return the terms of a trade; a rate that is not modelled is None, and so is the name of a set without one."""
    funding = terms.funding
    name = next((name for name, named in NAMED.items() if named == terms.convention), None)
    return {
        "maker": terms.maker,
        "taker": terms.taker,
        "slippage_bps": terms.slippage_bps,
        "leverage": terms.leverage,
        "maintenance_rate": terms.maintenance,
        "funding": None if funding is None else {"rate": funding.rate, "every_seconds": funding.every_ms // 1000},
        "borrow_rate": terms.borrow,
        "price_step": terms.price_step,
        "quantity_step": terms.quantity_step,
        "quantity_min": terms.quantity_min,
        "notional_min": terms.notional_min,
        "convention": {"name": name, **convention_options(terms.convention)},
    }


def convention_options(convention: Convention) -> Mapping[str, str]:
    """Return each option of a convention with its value."""
    return {option.name: str(getattr(convention, option.name)) for option in fields(convention)}
