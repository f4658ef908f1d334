"""What one tick works with: the live instruments, what the venue showed of them, and whom that may touch.

Reads only. The index finds the trades; whether one is really touched is decided by the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from papertrade.engine.market import Candle
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass, replace
from papertrade.errors import DatabaseUnusable, FeedError, NotFound, PapertradeError
from papertrade.runs.observe import Market, Need, look
from papertrade.runs.world import World
from papertrade.store.rows import Coverage, CoverageKind, LiveInstrument, Seen, Watermark
from papertrade.store.store import Reader, Writer

PATIENCE = 3
"""How many ticks in a row a trade may break before it holds its instrument back only now and then."""

RETRY_EVERY = 20
"""Of how many ticks one tries a trade again that broke more often than that."""

Loaded: TypeAlias = dict[int, "Trade | PapertradeError"]
"""Trades by number; an error stands for a row that cannot be read."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a tick works with: the live instruments and what the venue showed of them.

    `quoted` are the symbols with trades that quotes decide.
    """

    live: Mapping[str, LiveInstrument]
    market: Market
    foreign: Mapping[str, PapertradeError]
    quoted: frozenset[str] = frozenset()

    def only(self, symbol: str) -> Sighting:
        """Return what was seen of one symbol."""
        return self.of([symbol])

    def of(self, symbols: Sequence[str]) -> Sighting:
        """Return what was seen of some symbols."""
        return Sighting({symbol: self.live[symbol] for symbol in symbols}, self.market, {})

    def marks(self) -> Mapping[str, int | None]:
        """Return from where each symbol was looked at; it moves when a tick gets on."""
        return {symbol: _since(instrument) for symbol, instrument in self.live.items()}

    def candles(self, symbol: str) -> tuple[Candle, ...]:
        """Return the final candles of a symbol that were not processed yet."""
        return self.market.candles.get(symbol, ())

    def has_seen(self, symbol: str, from_ms: int) -> bool:
        """Whether the symbol was looked at from this instant on, or an earlier one."""
        since = _since(self.live[symbol])
        return since is None or since <= from_ms


def sight(world: World, also: Sequence[str]) -> Sighting:
    """Look at the venue: all live instruments, and `also` other symbols. Raises FeedError if it cannot be asked."""
    live, foreign, quoted = _live(world)
    needs = [Need(symbol, _since(instrument)) for symbol, instrument in live.items()]
    needs += [Need(symbol, None) for symbol in also if symbol not in live]
    try:
        market = world.wait(look(world.feed, needs, world.watching, world.clock, also))
    except PapertradeError:
        if world.feed.closure is not None:
            world.store.write(lambda writer: save_venue(world, writer, None))
        raise
    return Sighting(live, market, foreign, quoted)


def seen_of(sighting: Sighting) -> list[Seen]:
    """Return the extremes of each symbol's new candles: what the index is asked with."""
    return [
        Seen(
            venue=instrument.venue,
            symbol=symbol,
            low=min(c.low for c in candles),
            high=max(c.high for c in candles),
            last_open_ms=candles[-1].open_ms,
        )
        for symbol, instrument in sighting.live.items()
        if (candles := sighting.candles(symbol))
    ]


def touched_trades(reader: Reader, sighting: Sighting, seen: Sequence[Seen]) -> dict[str, list[int]]:
    """Return the trades that the new candles may touch, by symbol: the index finds, set-aside ones always count."""
    return touched_or_led(reader, sighting, seen)[0]


def touched_or_led(
    reader: Reader, sighting: Sighting, seen: Sequence[Seen]
) -> tuple[dict[str, list[int]], frozenset[str]]:
    """Return the same trades, and the symbols in which new peaks of their trails may be all that happens to them."""
    asides = {row.symbol: {aside.trade_id for aside in sighting.live[row.symbol].set_aside} for row in seen}
    found = {symbol: set(trade_ids) for symbol, trade_ids in asides.items()}
    others = {symbol for symbol, trade_ids in asides.items() if trade_ids}
    for trade_id, trade in reader.reached(seen).items():
        found[trade.symbol].add(trade_id)
        if not trade.is_led:
            others.add(trade.symbol)
    touched = {symbol: sorted(trade_ids) for symbol, trade_ids in found.items() if trade_ids}
    return touched, frozenset(touched.keys() - others)


def load(reader: Reader, trade_ids: Sequence[int]) -> Loaded:
    """Return the trades, and an error for each row that cannot be read: one broken trade stops no other."""
    if not trade_ids:
        return {}
    try:
        return dict(reader.trades(trade_ids))
    except DatabaseUnusable:
        return {trade_id: _load_singly(reader, trade_id) for trade_id in trade_ids}


def _load_singly(reader: Reader, trade_id: int) -> Trade | PapertradeError:
    try:
        trade = reader.trade(trade_id)
    except DatabaseUnusable as error:
        return error
    return NotFound(f"trade `{trade_id}` does not exist") if trade is None else trade


def _live(world: World) -> tuple[dict[str, LiveInstrument], dict[str, PapertradeError], frozenset[str]]:
    """Return the live instruments of the feed's venue, an error for each of another venue, and `Sighting.quoted`."""
    venue = world.feed.venue
    with world.store.read() as reader:
        instruments = reader.live_instruments()
        quoted = reader.quoted_symbols(venue)
    foreign: dict[str, PapertradeError] = {
        i.symbol: FeedError(
            f"{i.symbol} has trades at `{i.venue}`, but the feed is `{venue}`",
            code="other_venue",
            hint=f"papertrade config set feed {i.venue}",
        )
        for i in instruments
        if i.venue != venue
    }
    return {i.symbol: i for i in instruments if i.venue == venue}, foreign, quoted


def _since(instrument: LiveInstrument) -> int | None:
    """Return the first instant that some live trade of the instrument has not seen.

    A trade that broke `PATIENCE` ticks in a row counts once in `RETRY_EVERY` ticks: its candles are asked for
    again and again, and by then many.
    """
    counting = [aside for aside in instrument.set_aside if aside.ticks < PATIENCE or aside.ticks % RETRY_EVERY == 0]
    marks = [aside.from_ms for aside in counting]
    if instrument.watermark is not None:
        marks.append(instrument.watermark.end_ms)
    return min(marks, default=None)


def watermark_after(sighting: Sighting, symbol: str) -> Watermark:
    """Return how far a symbol with new candles is processed once they are decided."""
    last = sighting.candles(symbol)[-1]
    return Watermark(venue=sighting.live[symbol].venue, symbol=symbol, end_ms=last.end_ms, close=last.close)


def known_before(sighting: Sighting, symbol: str) -> tuple[Watermark | None, tuple[Candle, ...]]:
    """Return how far a symbol was processed before, and its new candles."""
    return sighting.live[symbol].watermark, sighting.candles(symbol)


def holes(sighting: Sighting, symbol: str) -> list[Coverage]:
    """Return the stretches for which the venue has no candles between those it has."""
    watermark, candles = known_before(sighting, symbol)
    if watermark is None or not candles:
        return []
    ends = [watermark.end_ms, *(c.end_ms for c in candles)]
    return [
        Coverage(venue=watermark.venue, symbol=symbol, from_ms=end, to_ms=candle.open_ms, kind=CoverageKind.HOLE)
        for end, candle in zip(ends, candles, strict=False)
        if candle.open_ms > end
    ]


def save_venue(world: World, writer: Writer, market: Market | None) -> None:
    """Remember the venue's clock, and its ban if it has banned us, for the processes that come after."""
    closure = world.feed.closure
    known = writer.venue_state(world.feed.venue)
    writer.put_venue_state(
        replace(
            known,
            closed_until_ms=None if closure is None else closure.until_ms,
            closed_reason="" if closure is None else closure.reason,
            clock_offset_ms=known.clock_offset_ms if market is None else market.offset_ms,
            measured_ms=known.measured_ms if market is None else world.clock.now_ms(),
        )
    )
