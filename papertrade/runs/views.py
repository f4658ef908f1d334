"""Trades with what the store knows beside them: account names, last marks, gaps in observation."""

from __future__ import annotations

from collections.abc import Sequence

from papertrade.engine.trade import Status, Trade
from papertrade.reports.marks import Mark
from papertrade.reports.trade_view import Gap, TradeView, view
from papertrade.store.store import Reader


def trade_views(reader: Reader, trades: Sequence[Trade], now_ms: int) -> tuple[TradeView, ...]:
    """Return each trade with its mark and how much of its life was observed; `now_ms` is the venue's time."""
    names = {account.id: account.name for account in reader.accounts()}
    quotes = {(q.venue, q.symbol): q.quote for q in reader.quotes()}
    places = {(t.order.venue, t.order.symbol) for t in trades}
    gaps = {place: [Gap(c.from_ms, c.to_ms, c.is_bridged) for c in reader.coverage(*place)] for place in sorted(places)}
    shown = []
    for trade in trades:
        place = (trade.order.venue, trade.order.symbol)
        quote = quotes.get(place) if trade.status is Status.OPEN else None
        mark = None if quote is None else Mark(quote.mark(trade.side), quote.at_ms)
        shown.append(view(trade, names[trade.order.account_id], mark, now_ms, gaps[place]))
    return tuple(shown)
