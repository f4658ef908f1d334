"""What one trade cost so far, beside what the same trade would have made without any cost.

Works from the trade's events. The rule to keep: a cost that nobody gave a rate for is None, never 0, and is no part of
the total.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from papertrade.engine.messages import Cause, EntryFilled, ExitFilled, Liquidity, TradeEvent
from papertrade.engine.money import ZERO, exact, up_to_grid
from papertrade.engine.trade import Flag
from papertrade.engine.values import dataclass
from papertrade.reports.trade_view import TradeView


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeCosts:
    """What a trade cost so far, in account currency; below 0 it was received.

    `slippage` counts from the best price seen to the price paid, rounding included; `spread` from the middle of bid
    and ask to the best price, over the taker's fills where both were seen; None if there is none of these but
    `spread_unknown`, the number of taker's fills without them, is not 0. `funding` and `borrow` are None where they
    are not modelled. `costless` = net + `total`, None without a net.
    """

    fees: Decimal
    slippage: Decimal
    spread: Decimal | None
    spread_unknown: int
    funding: Decimal | None
    borrow: Decimal | None
    total: Decimal
    costless: Decimal | None

    @property
    def not_modelled(self) -> tuple[str, ...]:
        """The costs that nobody gave a rate for."""
        named = (("funding", self.funding), ("borrow", self.borrow))
        return tuple(name for name, cost in named if cost is None)


def trade_costs(view: TradeView, events: Iterable[TradeEvent]) -> TradeCosts | None:
    """Return what a trade cost by its events; None for one that was never entered, or was taken back."""
    trade, terms = view.trade, view.trade.order.terms
    if trade.entry_price is None or Flag.VOID in trade.flags:
        return None
    with exact():
        spreads = [
            spread_of(event.cause, event.liquidity, event.quantity)
            for event in events
            if isinstance(event, EntryFilled | ExitFilled)
        ]
        known = [spread for spread in spreads if spread is not None]
        spread = sum(known, ZERO) if known else None
        total = trade.fees + trade.slippage + (ZERO if spread is None else spread) + trade.funding
        return TradeCosts(
            fees=trade.fees,
            slippage=trade.slippage,
            spread=spread,
            spread_unknown=len(spreads) - len(known),
            funding=None if terms.funding is None else trade.funding - trade.borrow_cost,
            borrow=None if terms.borrow is None else trade.borrow_cost,
            total=total,
            costless=None if view.net is None else view.net + total,
        )


def spread_of(cause: Cause, liquidity: Liquidity, quantity: Decimal) -> Decimal | None:
    """Return half the spread times the quantity, rounded up at 1e-8; None for a taker whose bid and ask nobody saw.

    A maker, and a price named by the user, crosses none.
    """
    quote = cause.quote
    if liquidity is Liquidity.MAKER or (quote is None and cause.candle is None):
        return ZERO
    if quote is None or quote.bid is None or quote.ask is None:
        return None
    with exact():
        return up_to_grid(max(quote.ask - quote.bid, ZERO) / 2 * quantity)
