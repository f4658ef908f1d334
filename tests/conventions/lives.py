"""Rows of the conventions' tables: an order, the candles, a named set, and in words what came of it.

An order is written as in `tests.engine.tables`, without quantity: `long sl 95 tp 110`, `short limit 104 sl 108`,
`long trails 3%@+5% sl -10%`. It is made when the first candle ends. Candles are `open high low close` of one minute
after the other, split by commas.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.conventions import Convention
from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.messages import TradePlaced
from papertrade.engine.signal import EntryType, Signal, Size, SizeKind
from papertrade.engine.step import Rules
from papertrade.feeds.candle_series import series_of
from papertrade.runs.backtest import BacktestRequest, backtest
from tests.engine.deals import dec, exit_wish_of
from tests.engine.tables import candles_of, deal_of, told

SYMBOL = "BTCUSDT"


def happened(order: str, candles: str, convention: Convention) -> str:
    """Run one order through a backtest without costs and tell its fills, or why it was refused."""
    series = series_of(SYMBOL, MINUTE_MS, candles_of(candles.replace(",", "|")))
    rules = Rules(maker=Decimal(0), taker=Decimal(0), convention=convention)
    request = BacktestRequest(
        signals=[signal_of(order, MINUTE_MS)], candles={SYMBOL: series}, rules=rules, cash=Decimal(10**6)
    )
    result = backtest(request)
    if result.refused:
        return f"refused: {result.refused[0].refusal.code}"
    events = [booked.event for booked in result.booked]
    return told([event for event in events if not isinstance(event, TradePlaced)]).replace(" 1 at ", " ")


def signal_of(order: str, made_at_ms: int) -> Signal:
    """Read an order."""
    side, *words = order.split()
    kind, price = (words.pop(0), words.pop(0)) if words[:1] in (["limit"], ["stop"]) else ("market", "1")
    deal = deal_of(" ".join([side, "1", "at" if kind == "market" else kind, price, *words]))
    return Signal(
        source="row",
        external_id="1",
        symbol=SYMBOL,
        side=Side(side),
        made_at_ms=made_at_ms,
        entry_type=EntryType(kind),
        entry_price=None if kind == "market" else dec(deal.price),
        exits=exit_wish_of(deal.exits),
        size=Size(SizeKind.QUANTITY, Decimal(1)),
        expires_at_ms=deal.expires_ms,
    )
