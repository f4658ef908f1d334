"""What a taker met beyond the price: the levels of an order book that it took, and the spread that it crossed.

The rule to keep: what is written after `=` is what the numbers before it give, shortened at `...`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from papertrade.engine.messages import Cause, Liquidity
from papertrade.engine.money import canonical, exact, plain
from papertrade.render.facts import Fact
from papertrade.render.json import Encodable
from papertrade.render.numbers import exact_or_cut
from papertrade.reports.explain import EntryExplained, ExitExplained
from papertrade.reports.explain_price import Priced
from papertrade.reports.trade_costs import spread_of

_LEVELS_SHOWN: Final = 4


def walk_facts(fill: EntryExplained | ExitExplained, *, has_walked: bool) -> list[Fact]:
    """Return the levels that a fill took; `has_walked` says that another fill of the trade took some."""
    levels = fill.priced.walked
    if not levels:
        if has_walked and fill.cause.candle is not None and fill.liquidity is Liquidity.TAKER:
            return [("book", "not known for a past candle: the slippage is that of slippage_bps")]
        return []
    shown = levels if len(levels) <= _LEVELS_SHOWN + 1 else levels[:_LEVELS_SHOWN]
    told = ", ".join(f"{plain(level.quantity)} at {plain(level.price)}" for level in shown)
    if len(shown) < len(levels):
        told += f" and {len(levels) - len(shown)} levels more, to {plain(levels[-1].price)}"
    return [("book", f"took {told}")]


def mean_text(priced: Priced, quantity: Decimal) -> str:
    """Write out the price of several levels: `201 / 2 = 100.5`."""
    mean = f"{plain(canonical(priced.walked_notional))} / {plain(quantity)} = {exact_or_cut(priced.worsened)}"
    return f"the mean of the book {mean}"


def slippage_facts(fill: EntryExplained | ExitExplained) -> list[Fact]:
    """Return what a fill lost against the best price that it could have had, by slippage, the book or rounding."""
    price, raw = fill.priced.price, fill.priced.raw
    if fill.slippage == 0:
        return []
    with exact():
        unrounded = canonical(abs(price - raw) * fill.quantity)
    high, low = (price, raw) if price > raw else (raw, price)
    sum_ = f"({plain(high)} - {plain(low)}) x {plain(fill.quantity)} = {plain(unrounded)}"
    rounded = "" if unrounded == fill.slippage else f", rounded up at 1e-8 = {plain(fill.slippage)}"
    against = " against the best price of the book" if fill.priced.walked else ""
    return [("slippage", f"{sum_}{rounded}{against}, within the price")]


def spread_facts(fill: EntryExplained | ExitExplained) -> list[Fact]:
    """Return what crossing half of the spread cost, where bid and ask were seen and differ."""
    spread, quote = spread_of(fill.cause, fill.liquidity, fill.quantity), fill.cause.quote
    if spread is None or spread == 0 or quote is None or quote.bid is None or quote.ask is None:
        return []
    half = f"({plain(quote.ask)} - {plain(quote.bid)}) / 2"
    return [("spread", f"{half} x {plain(fill.quantity)} = {plain(spread)}, within the price")]


def walk_json(priced: Priced, cause: Cause, liquidity: Liquidity, quantity: Decimal) -> Mapping[str, Encodable]:
    """Return the levels taken, none where no book was walked, and what the spread cost, None where nobody saw it."""
    with exact():
        return {
            "walked": [{"price": level.price, "quantity": level.quantity} for level in priced.walked],
            "walked_notional": priced.walked_notional if priced.walked else None,
            "spread_cost": spread_of(cause, liquidity, quantity),
        }
