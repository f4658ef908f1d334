"""A closed trade as the statistics need it: what it earned, cost and risked, and by what it can be grouped.

The store or a backtest fills these; `closed_trade` makes one from the engine's value. The rule to keep:
`net` is what the ledger realised for the trade, after all of its fees.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.market import Side
from papertrade.engine.money import CONTEXT, ZERO
from papertrade.engine.trade import ExitReason, Status, Trade
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """One closed trade; money in account currency, times UTC ms.

    `entry_notional` and `exit_notional` are Σ price · quantity; `fees` and `slippage` are money paid, both sides,
    `funding` is what holding it cost (below 0: was received) and `borrow_cost` the interest in it;
    `risk` is 1R in money, None without an initial stop. `is_unverified` says that more than final candles shaped it.
    """

    trade_id: int
    venue: str
    symbol: str
    side: Side
    source: str
    exit_reason: ExitReason
    opened_at: int
    closed_at: int
    entry_notional: Decimal
    exit_notional: Decimal
    net: Decimal
    fees: Decimal = ZERO
    slippage: Decimal = ZERO
    funding: Decimal = ZERO
    borrow_cost: Decimal = ZERO
    risk: Decimal | None = None
    tags: tuple[str, ...] = ()
    is_ambiguous: bool = False
    is_unverified: bool = False


def closed_trade(trade: Trade, *, is_unverified: bool = False) -> ClosedTrade:
    """Take the statistics' view of an engine trade. Raises ValueError for one that is not closed."""
    if (
        trade.status is not Status.CLOSED
        or trade.opened_at is None
        or trade.closed_at is None
        or trade.exit_reason is None
    ):
        raise ValueError(f"trade {trade.id} is {trade.status}, not closed")
    return ClosedTrade(
        trade_id=trade.id,
        venue=trade.order.venue,
        symbol=trade.order.symbol,
        side=trade.side,
        source=trade.order.signal_key.partition(":")[0],
        exit_reason=trade.exit_reason,
        opened_at=trade.opened_at,
        closed_at=trade.closed_at,
        entry_notional=CONTEXT.multiply(trade.entered_price, trade.quantity),
        exit_notional=trade.exit_value,
        net=trade.realized,
        fees=trade.fees,
        slippage=trade.slippage,
        funding=trade.funding,
        borrow_cost=trade.borrow_cost,
        risk=trade.initial_risk,
        tags=trade.tags,
        is_ambiguous=trade.is_ambiguous,
        is_unverified=is_unverified,
    )
