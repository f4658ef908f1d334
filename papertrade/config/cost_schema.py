"""The settings of how fills slip, and of costs that only a venue or a symbol has: a part of `schema.py`'s table."""

from __future__ import annotations

from typing import Final

from papertrade.config.cost_sections import own_costs
from papertrade.config.setting import Reader, Setting
from papertrade.config.settings import OnThinBook, SlippageBy
from papertrade.config.values import choice
from papertrade.engine.own_costs import OwnCosts, without_fees

SLIPPAGE_BY: Final = Setting(
    "costs.slippage",
    choice(SlippageBy),
    "bps",
    "What a taker loses: nothing, slippage_bps, or what the real order book of the moment says. Fills that a past "
    "candle decides have no book: they slip by slippage_bps.",
)
ON_THIN_BOOK: Final = Setting(
    "costs.on_thin_book",
    choice(OnThinBook),
    "partial",
    "With `book`: whether an order beyond the depth of the book is filled in part, or refused.",
)
VENUES: Final = Setting(
    "costs.venues",
    own_costs(of_venues=True),
    "{}",
    "Costs of one venue, where they are not those above.",
    "binance: {maker: 0.075%, taker: 0.075%}\n",
)
SYMBOLS: Final = Setting(
    "costs.symbols",
    own_costs(of_venues=False),
    "{}",
    "Costs of one symbol; they beat those of its venue.",
    "BTCUSDT: {maker: 0%, taker: 0.05%, slippage_bps: 1, funding: 0.01%, funding_every: 8h, borrow: 5%}\n",
)
SETTINGS: Final[tuple[Setting[object], ...]] = (SLIPPAGE_BY, ON_THIN_BOOK, VENUES, SYMBOLS)


def own(value: Reader, setting: Setting[tuple[OwnCosts, ...]]) -> tuple[OwnCosts, ...]:
    """Return the costs of venues, or of symbols, as configured; with `slippage: none` none of them slips either."""
    is_still = value(SLIPPAGE_BY) is SlippageBy.NONE
    return without_fees(value(setting), maker=False, taker=False, slippage=is_still)
