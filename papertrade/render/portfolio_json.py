"""What an account holds, as the scripting contract writes it (docs/scripting.md): `portfolio` and the board's sums.

The rule to keep: fields ending in `_percent` have two decimals, every other number all of its digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from papertrade.render.csv import Sheet, Value
from papertrade.render.json import Encodable, two_places
from papertrade.render.numbers import iso_z
from papertrade.reports.portfolio import Holding, Portfolio, Summary
from papertrade.runs.reporting import Standpoint

_HEADER: Final = (
    "symbol", "venue", "side", "quantity", "avg_price", "current_price", "marked_at", "market_value", "value",
    "cost_basis", "unrealized_pnl", "pnl_percent", "allocation_percent", "liquidation_price",
    "liquidation_distance_percent",
)  # fmt: skip


def portfolio_json(held: Portfolio, account: str, currency: str, now: Standpoint) -> Mapping[str, Encodable]:
    """Return wallet, holdings and summary."""
    return {
        "account": account,
        "currency": currency,
        "zone": str(now.zone),
        "wallet": {"balance": held.wallet.balance, "reserved": held.wallet.reserved},
        "holdings": [_holding(holding, now) for holding in held.holdings],
        "summary": summary_json(held.summary),
    }


def summary_json(summary: Summary) -> Mapping[str, Encodable]:
    """Return the sums of an account."""
    return {
        "total_cash": summary.total_cash,
        "total_reserved": summary.total_reserved,
        "total_holdings_value": summary.total_holdings_value,
        "total_portfolio_value": summary.total_portfolio_value,
        "total_unrealized_pnl": summary.total_unrealized_pnl,
        "today_pnl": summary.today_pnl,
        "today_equity_change": summary.today_equity_change,
        "holdings_count": summary.holdings_count,
        "unpriced_count": summary.unpriced_count,
        "at_risk_to_stops": summary.at_risk_to_stops,
        "without_stop_count": summary.without_stop_count,
        "margin_level_percent": two_places(summary.margin_level_percent),
    }


def portfolio_sheet(held: Portfolio) -> Sheet:
    """Return the holdings as CSV records."""
    return Sheet(_HEADER, [_record(holding) for holding in held.holdings])


def _record(holding: Holding) -> Sequence[Value]:
    return (
        holding.symbol, holding.venue, holding.side, holding.quantity, holding.avg_price, holding.current_price,
        None if holding.marked_at is None else iso_z(holding.marked_at), holding.market_value, holding.value,
        holding.cost_basis, holding.unrealized_pnl, holding.pnl_percent, holding.allocation_percent,
        None if holding.liquidation is None else holding.liquidation.price,
        None if holding.liquidation is None else holding.liquidation.distance_percent,
    )  # fmt: skip


def _holding(holding: Holding, now: Standpoint) -> Mapping[str, Encodable]:
    marked_at, ruin = holding.marked_at, holding.liquidation
    return {
        "symbol": holding.symbol,
        "venue": holding.venue,
        "side": holding.side,
        "quantity": holding.quantity,
        "avg_price": holding.avg_price,
        "current_price": holding.current_price,
        "marked_at": None if marked_at is None else iso_z(marked_at),
        "mark_age_seconds": None if marked_at is None else max(0, now.now_ms - marked_at) // 1000,
        "market_value": holding.market_value,
        "value": holding.value,
        "cost_basis": holding.cost_basis,
        "unrealized_pnl": holding.unrealized_pnl,
        "pnl_percent": two_places(holding.pnl_percent),
        "allocation_percent": two_places(holding.allocation_percent),
        "trade_ids": list(holding.trade_ids),
        "liquidation_price": None if ruin is None else ruin.price,
        "liquidation_distance_percent": None if ruin is None else two_places(ruin.distance_percent),
        "liquidation_trade_id": None if ruin is None else ruin.trade_id,
    }
