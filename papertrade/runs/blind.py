"""Blind stretches: where the venue has no candles, a quote decides, at the price seen and flagged `observed`.

A stretch is blind once the newest candle is older than `max_age` while the venue goes on quoting a symbol
that it trades. The watermark stays where the candles end: if they turn up after all, trades that no quote
has touched are decided by them, and the stretch counts as bridged. A halted instrument decides nothing. The rule
to keep: candles first; a quote decides no trade that has not seen every candle there is, and none from before them.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from papertrade.engine.market import Quote
from papertrade.engine.money import exact
from papertrade.engine.trade import Trade
from papertrade.errors import StalePrice
from papertrade.runs.decide import through_quote
from papertrade.runs.recording import rows_of
from papertrade.runs.sighting import Sighting, load
from papertrade.runs.world import Change, World
from papertrade.store.rows import Coverage, CoverageKind, Seen, StoredQuote
from papertrade.store.store import Writer

SECOND_LOOK_MS = 5_000
"""How much later a quote far from the last good one must be seen again before it is believed."""


def stale_symbols(sighting: Sighting) -> list[str]:
    """Return the live symbols whose newest candle is too old."""
    failures = sighting.market.failures
    return [symbol for symbol in sighting.live if isinstance(failures.get(symbol), StalePrice)]


def decide_blind(world: World, sighting: Sighting, halted: Collection[str]) -> list[Change]:
    """Let quotes decide in blind stretches, a transaction for each symbol; return what changed."""
    blind = stale_symbols(sighting) if world.feed.has_candles else list(sighting.live)
    changes: list[Change] = []
    for symbol in blind:
        quote = sighting.market.quotes.get(symbol)
        if quote is not None and symbol not in halted:
            changes += world.store.write(partial(_decide, world, sighting, symbol, quote))
    return changes


def bridged(writer: Writer, sighting: Sighting) -> list[Coverage]:
    """Return the blind stretches whose candles have turned up after all."""
    found = []
    for failing in writer.symbol_failures():
        candles = sighting.candles(failing.symbol) if failing.symbol in sighting.live else ()
        if candles:
            known = writer.coverage(failing.venue, failing.symbol, candles[0].open_ms, candles[0].end_ms)
            found += [
                Coverage(
                    venue=row.venue,
                    symbol=row.symbol,
                    from_ms=row.from_ms,
                    to_ms=row.to_ms,
                    kind=row.kind,
                    is_bridged=True,
                )
                for row in known
                if row.kind is CoverageKind.BLIND and row.from_ms == candles[0].open_ms
            ]
    return found


def _decide(world: World, sighting: Sighting, symbol: str, quote: Quote, writer: Writer) -> list[Change]:
    venue = world.feed.venue
    mark = writer.watermark(venue, symbol)
    final = sighting.candles(symbol)
    has_seen_all = not final or (mark is not None and mark.end_ms >= final[-1].end_ms)
    is_later = mark is None or mark.end_ms <= quote.at_ms
    if not has_seen_all or not is_later or not _is_believable(world, symbol, quote, writer):
        return []
    writer.put_quotes([StoredQuote(venue=venue, symbol=symbol, quote=quote)])
    if mark is not None and mark.end_ms < quote.at_ms:
        stretch = Coverage(venue=venue, symbol=symbol, from_ms=mark.end_ms, to_ms=quote.at_ms, kind=CoverageKind.BLIND)
        writer.put_coverage([stretch])
    prices = [price for price in (quote.last, quote.bid, quote.ask) if price is not None]
    seen = Seen(venue=venue, symbol=symbol, low=min(prices), high=max(prices), last_open_ms=quote.at_ms)
    behind = {aside.trade_id for aside in writer.trades_set_aside()}
    changes = []
    for trade in load(writer, [number for number in writer.touched([seen]) if number not in behind]).values():
        if isinstance(trade, Trade):
            decided = through_quote(trade, quote)
            if decided.events:
                changes.append(Change(trade, decided.trade, decided.events))
    writer.record(*rows_of(changes))
    return changes


def _is_believable(world: World, symbol: str, quote: Quote, writer: Writer) -> bool:
    """Whether a quote may decide: near the last good one, or seen so far away a second time."""
    key = f"suspect:{world.feed.venue}:{symbol}"
    suspected = writer.setting(key)
    good = writer.quote(world.feed.venue, symbol)
    with exact():
        is_near = good is None or abs(quote.last - good.quote.last) <= world.watching.max_jump * good.quote.last
    if not is_near and not suspected:
        writer.put_setting(key, str(quote.at_ms))
        return False
    if not is_near and quote.at_ms - int(suspected or 0) < SECOND_LOOK_MS:
        return False
    if suspected:
        writer.put_setting(key, "")
    return True
