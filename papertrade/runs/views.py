"""Trades with what the store knows beside them: account names, last marks, what they lived through."""

from __future__ import annotations

from collections.abc import Sequence

from papertrade.engine.trade import Status, Trade
from papertrade.reports.marks import Mark
from papertrade.reports.trade_view import TradeView, view
from papertrade.runs.lived import lived
from papertrade.store.store import Reader


def trade_views(reader: Reader, trades: Sequence[Trade], now_ms: int) -> tuple[TradeView, ...]:
    """Return each trade with its mark and what it lived through; `now_ms` is the venue's time."""
    names = {account.id: account.name for account in reader.accounts()}
    quotes = {(q.venue, q.symbol): q.quote for q in reader.quotes()}
    shown = []
    for trade, life in zip(trades, lived(reader, trades, now_ms), strict=True):
        quote = quotes.get((trade.order.venue, trade.order.symbol)) if trade.status is Status.OPEN else None
        mark = None if quote is None else Mark(quote.mark(trade.side), quote.at_ms)
        shown.append(view(trade, names[trade.order.account_id], mark, now_ms, life.observed, life.reached))
    return tuple(shown)
