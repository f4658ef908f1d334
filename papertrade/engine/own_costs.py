"""What a venue or a symbol costs where that is not what everything costs. Values only.

A symbol's own cost beats its venue's, a venue's beats the general one. The rule to keep: resolved once, when a trade
is placed, into its terms.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from papertrade.engine.instrument import Instrument
from papertrade.engine.trade import Funding, Terms
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCosts:
    """The costs of a venue, or of a symbol, by its name; None is as everywhere."""

    name: str
    maker: Decimal | None = None
    taker: Decimal | None = None
    slippage_bps: Decimal | None = None
    funding: Funding | None = None
    borrow: Decimal | None = None


def with_own_costs(
    terms: Terms, instrument: Instrument, venues: Iterable[OwnCosts], symbols: Iterable[OwnCosts]
) -> Terms:
    """Return the terms with what the instrument's venue, and then the instrument itself, costs of its own."""
    found = [own for own in venues if own.name == instrument.venue]
    found += [own for own in symbols if own.name == instrument.symbol]
    for own in found:
        terms = Terms(
            maker=terms.maker if own.maker is None else own.maker,
            taker=terms.taker if own.taker is None else own.taker,
            slippage_bps=terms.slippage_bps if own.slippage_bps is None else own.slippage_bps,
            leverage=terms.leverage,
            price_step=terms.price_step,
            quantity_step=terms.quantity_step,
            quantity_min=terms.quantity_min,
            notional_min=terms.notional_min,
            convention=terms.convention,
            funding=terms.funding if own.funding is None else own.funding,
            borrow=terms.borrow if own.borrow is None else own.borrow,
            maintenance=terms.maintenance,
        )
    return terms


def without_fees(
    own: Iterable[OwnCosts],
    *,
    maker: bool,
    taker: bool,
    slippage: bool,
    funding: bool = False,
    borrow: bool = False,
) -> tuple[OwnCosts, ...]:
    """Leave out what somebody has said for all: the maker's fee, the taker's, the slippage, what holding costs.

    Those of which nothing is left are left out too.
    """
    left = (
        OwnCosts(
            name=each.name,
            maker=None if maker else each.maker,
            taker=None if taker else each.taker,
            slippage_bps=None if slippage else each.slippage_bps,
            funding=None if funding else each.funding,
            borrow=None if borrow else each.borrow,
        )
        for each in own
    )
    return tuple(each for each in left if each != OwnCosts(name=each.name))
