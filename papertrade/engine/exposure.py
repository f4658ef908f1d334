"""How much of an account is at work: the notional of its live trades, together and by what an order shares with them.

Open: open quantity · entry price. Pending: the placed quantity · the price that its reserve was worked out from.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from papertrade.engine.caps import Exposure
from papertrade.engine.fills import filled_price
from papertrade.engine.market import Side
from papertrade.engine.messages import Liquidity
from papertrade.engine.money import ZERO, exact
from papertrade.engine.signal import EntryType
from papertrade.engine.trade import Order, Trade
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Stake:
    """The notional of one live trade, and what caps tell trades apart by."""

    symbol: str
    side: Side
    source: str
    notional: Decimal


def source_of(signal_key: str) -> str:
    """Return the source of a signal by its key."""
    return signal_key.partition(":")[0]


def stake_of(trade: Trade) -> Stake:
    """Return what a live trade puts at stake."""
    order = trade.order
    with exact():
        if trade.entry_price is None:
            notional = placed_price(order) * order.quantity
        else:
            notional = trade.open_quantity * trade.entry_price
    return Stake(order.symbol, order.side, source_of(order.signal_key), notional)


def placed_price(order: Order) -> Decimal:
    """Return the price that a waiting order expects to be filled at. Raises ValueError for a market entry."""
    liquidity = Liquidity.MAKER if order.entry_type is EntryType.LIMIT else Liquidity.TAKER
    return filled_price(order.waiting_price, order.side is Side.LONG, liquidity, order.terms)


def exposure_of(stakes: Iterable[Stake], symbol: str, side: Side, source: str) -> Exposure:
    """Sum the stakes of one account for an order of this symbol, side and source."""
    by_symbol = by_side = by_source = total = ZERO
    with exact():
        for stake in stakes:
            total += stake.notional
            if stake.symbol == symbol:
                by_symbol += stake.notional
            if stake.side is side:
                by_side += stake.notional
            if stake.source == source:
                by_source += stake.notional
    return Exposure(symbol=by_symbol, side=by_side, source=by_source, total=total)
