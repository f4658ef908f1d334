"""Trades that quotes decide at once (`decides: quotes`): each look's price fills or ends them, flagged `observed`.

The way of the original system, on purpose: what happens between two looks is missed. Final candles leave these
trades alone (`decide.through_candles`). The rule to keep: a price that a command could not act on decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from papertrade.engine.conventions import DecidedBy
from papertrade.engine.market import Quote
from papertrade.engine.trade import Trade
from papertrade.errors import PapertradeError
from papertrade.runs.decide import through_quote
from papertrade.runs.recording import rows_of
from papertrade.runs.sighting import Sighting, load
from papertrade.runs.world import Change, World
from papertrade.store.rows import Seen
from papertrade.store.store import Reader, Writer


def decide_quoted(world: World, sighting: Sighting, halted: Collection[str]) -> list[Change]:
    """Let the quotes of this look decide, a transaction for each symbol that has such trades; return what changed.

    Symbols without a fresh price are left out: a blind stretch has its own rule.
    """
    market = sighting.market
    quotes = {
        symbol: quote
        for symbol, quote in market.quotes.items()
        if symbol in sighting.quoted and symbol not in market.failures and symbol not in halted
    }
    if not quotes or not world.feed.has_candles:
        return []
    with world.store.read() as reader:
        waiting = {trade.order.symbol for trade in _reached(world, reader, quotes)}
    changes: list[Change] = []
    for symbol in sorted(waiting):
        changes += world.store.write(partial(_decide, world, symbol, quotes[symbol]))
    return changes


def _reached(world: World, reader: Reader, quotes: Mapping[str, Quote]) -> list[Trade]:
    """Return the trades under such a convention that the quotes may touch, if they were placed before them."""
    found = reader.touched([_seen(world, symbol, quote) for symbol, quote in quotes.items()])
    return [
        trade
        for trade in load(reader, list(found)).values()
        if not isinstance(trade, PapertradeError)
        and trade.order.terms.convention.decides is DecidedBy.QUOTES
        and trade.order.placed_at < quotes[trade.order.symbol].at_ms
    ]


def _seen(world: World, symbol: str, quote: Quote) -> Seen:
    prices = [price for price in (quote.last, quote.bid, quote.ask) if price is not None]
    return Seen(venue=world.feed.venue, symbol=symbol, low=min(prices), high=max(prices), last_open_ms=quote.at_ms)


def _decide(world: World, symbol: str, quote: Quote, writer: Writer) -> list[Change]:
    changes = []
    for trade in _reached(world, writer, {symbol: quote}):
        decided = through_quote(trade, quote)
        if decided.events:
            changes.append(Change(trade, decided.trade, decided.events))
    writer.record(*rows_of(changes))
    return changes
