"""One tick: look at the venue, then let the rule decide every trade that the new candles reach, and record it.

The network comes first, outside any transaction. Instruments where nothing was touched share one
transaction that moves their watermarks; a touched one has its own, at most `BATCH` trades each, and its
watermark moves in the last. A trade that breaks is set aside with its error and stops no other.
A tick run twice, or by two processes at once, changes nothing: a trade knows the last candle applied to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from papertrade.engine.market import Candle
from papertrade.engine.messages import EntryFilled, ExitFilled, TradeFlagged, effective_ms
from papertrade.engine.state import evolve
from papertrade.engine.trade import Flag, Trade
from papertrade.errors import DatabaseUnusable, FeedError, NotFound, PapertradeError, StalePrice
from papertrade.runs.decide import Decided, through_candles
from papertrade.runs.instruments import not_trading
from papertrade.runs.observe import Market, Need, look, look_finer
from papertrade.runs.prices import points_at_fills, points_at_hours
from papertrade.runs.world import Change, TickReport, World
from papertrade.store.rows import (
    Coverage,
    CoverageKind,
    LiveInstrument,
    Recorded,
    Seen,
    SetAside,
    StoredQuote,
    SymbolFailures,
    VenueState,
    Watermark,
)
from papertrade.store.store import Reader, Writer
from papertrade.store.views import InvariantBroken

BATCH = 200

Finer = Mapping[tuple[str, int], Sequence[Candle]]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a tick works with: the live instruments and what the venue showed of them."""

    live: Mapping[str, LiveInstrument]
    market: Market

    def candles(self, symbol: str) -> tuple[Candle, ...]:
        """Return the final candles of a symbol that were not processed yet."""
        return self.market.candles.get(symbol, ())


def tick(world: World, also: Sequence[str] = ()) -> tuple[TickReport, Market]:
    """Catch up all live trades of all accounts; symbols in `also` are looked at as well, for a command's price.

    A long absence takes several looks. Raises FeedError if the venue cannot be asked at all.
    """
    report, market = _look_and_decide(world, also)
    while market.behind:
        later, market = _look_and_decide(world, also)
        changes = (*report.changes, *later.changes)
        report = replace(later, changes=changes, set_aside={**report.set_aside, **later.set_aside})
    return report, market


def _look_and_decide(world: World, also: Sequence[str]) -> tuple[TickReport, Market]:
    live, foreign = _live(world)
    needs = [Need(symbol, _since(instrument)) for symbol, instrument in live.items()]
    needs += [Need(symbol, None) for symbol in also if symbol not in live]
    market = world.wait(look(world.feed, needs, world.watching, world.clock))
    sighting = Sighting(live, market)
    finer = _settle(world, sighting)
    touched = _move_untouched(world, sighting)
    changes: list[Change] = []
    broken: dict[int, str] = {}
    for symbol, trade_ids in touched.items():
        for start in range(0, len(trade_ids), BATCH):
            batch = trade_ids[start : start + BATCH]
            is_last = start + BATCH >= len(trade_ids)
            done, failed = _decide_batch(world, sighting, symbol, batch, finer, is_last=is_last)
            changes.extend(done)
            broken.update(failed)
    changes.extend(_flag_halted(world, sighting))
    failures = {**foreign, **market.failures}
    report = TickReport(
        at_ms=market.at_ms,
        symbols=tuple(sorted(live)),
        changes=tuple(changes),
        failures=failures,
        in_a_row=_remember(world, sighting, changes, failures),
        set_aside=broken,
    )
    return report, market


def _live(world: World) -> tuple[dict[str, LiveInstrument], dict[str, PapertradeError]]:
    """Return the live instruments of the feed's venue, and an error for each of another venue."""
    with world.store.read() as reader:
        instruments = reader.live_instruments()
    venue = world.feed.venue
    foreign: dict[str, PapertradeError] = {
        i.symbol: FeedError(
            f"{i.symbol} has trades at `{i.venue}`, but the feed is `{venue}`",
            code="other_venue",
            hint=f"papertrade config set feed {i.venue}",
        )
        for i in instruments
        if i.venue != venue
    }
    return {i.symbol: i for i in instruments if i.venue == venue}, foreign


def _since(instrument: LiveInstrument) -> int | None:
    """Return the first instant that some live trade of the instrument has not seen."""
    marks = [aside.from_ms for aside in instrument.set_aside]
    if instrument.watermark is not None:
        marks.append(instrument.watermark.end_ms)
    return min(marks, default=None)


def _settle(world: World, sighting: Sighting) -> Finer:
    """Fetch finer candles for every candle that touched both sides of a trade, until no question is open."""
    finer: dict[tuple[str, int], Sequence[Candle]] = {}
    if world.watching.settle is None:
        return finer
    while True:
        with world.store.read() as reader:
            questions = _open_questions(reader, sighting, finer)
        if not questions:
            return finer
        finer.update(world.wait(look_finer(world.feed, questions, world.watching)))


def _open_questions(reader: Reader, sighting: Sighting, finer: Finer) -> list[tuple[str, Candle]]:
    found: dict[tuple[str, int], Candle] = {}
    for symbol, trades in _touched(reader, sighting).items():
        own = _of_symbol(finer, symbol)
        for trade in trades.values():
            decided = _guarded(trade, sighting.candles(symbol), own)
            if isinstance(decided, Decided):
                found.update({(symbol, c.open_ms): c for c in decided.open_questions})
    return [(symbol, candle) for (symbol, _), candle in found.items()]


def _touched(reader: Reader, sighting: Sighting) -> dict[str, dict[int, Trade | PapertradeError]]:
    """Return the trades that the new candles may touch, by symbol: the index finds, set-aside ones always count."""
    seen = [_seen(sighting, symbol) for symbol in sighting.live if sighting.candles(symbol)]
    found: dict[str, dict[int, Trade | PapertradeError]] = {}
    for trade_id, trade in _loaded(reader, reader.touched(seen)).items():
        symbol = trade.order.symbol if isinstance(trade, Trade) else _symbol_of(reader, trade_id, seen)
        found.setdefault(symbol, {})[trade_id] = trade
    for row in seen:
        aside = [aside.trade_id for aside in sighting.live[row.symbol].set_aside]
        found.setdefault(row.symbol, {}).update(_loaded(reader, aside))
    return {symbol: trades for symbol, trades in found.items() if trades}


def _seen(sighting: Sighting, symbol: str) -> Seen:
    candles = sighting.candles(symbol)
    return Seen(
        venue=sighting.live[symbol].venue,
        symbol=symbol,
        low=min(c.low for c in candles),
        high=max(c.high for c in candles),
        last_open_ms=candles[-1].open_ms,
    )


def _symbol_of(reader: Reader, trade_id: int, seen: Sequence[Seen]) -> str:
    """Find the symbol of a trade whose row cannot be read: the one whose own search finds it."""
    return next(row.symbol for row in seen if trade_id in reader.touched([row]))


def _loaded(reader: Reader, trade_ids: Sequence[int]) -> dict[int, Trade | PapertradeError]:
    """Return the trades, and an error for each row that cannot be read: one broken trade stops no other."""
    if not trade_ids:
        return {}
    try:
        return dict(reader.trades(trade_ids))
    except DatabaseUnusable:
        return {trade_id: _loaded_singly(reader, trade_id) for trade_id in trade_ids}


def _loaded_singly(reader: Reader, trade_id: int) -> Trade | PapertradeError:
    try:
        trade = reader.trade(trade_id)
    except DatabaseUnusable as error:
        return error
    return NotFound(f"trade `{trade_id}` does not exist") if trade is None else trade


def _move_untouched(world: World, sighting: Sighting) -> dict[str, list[int]]:
    """Move the watermarks of untouched instruments and keep what was seen, in one transaction."""

    def write(writer: Writer) -> dict[str, list[int]]:
        touched = {symbol: sorted(trades) for symbol, trades in _touched(writer, sighting).items()}
        quiet = [symbol for symbol in sighting.live if symbol not in touched and sighting.candles(symbol)]
        writer.move_watermarks([_watermark(sighting, symbol) for symbol in quiet])
        venue = world.feed.venue
        writer.put_quotes(
            [
                StoredQuote(venue=venue, symbol=s, quote=q)
                for s, q in sighting.market.quotes.items()
                if s in sighting.live
            ]
        )
        writer.put_coverage([hole for symbol in sighting.live for hole in _holes(sighting, symbol)])
        writer.put_prices(
            [p for symbol in sighting.live for p in points_at_hours(venue, symbol, *_known(sighting, symbol))]
        )
        _save_venue(world, writer, sighting.market)
        return touched

    return world.store.write(write)


def _decide_batch(
    world: World, sighting: Sighting, symbol: str, trade_ids: Sequence[int], finer: Finer, *, is_last: bool
) -> tuple[list[Change], dict[int, str]]:
    """Decide and record a batch of touched trades of one instrument in one transaction."""
    own = _of_symbol(finer, symbol)
    candles = sighting.candles(symbol)

    def write(writer: Writer) -> tuple[list[Change], dict[int, str]]:
        changes: list[Change] = []
        broken: dict[int, str] = {}
        for trade_id, trade in _loaded(writer, trade_ids).items():
            decided = _guarded(trade, candles, own)
            if isinstance(decided, Decided):
                changes.append(Change(trade if isinstance(trade, Trade) else None, decided.trade, decided.events))
            else:
                broken[trade_id] = decided
        changes = [c for c in changes if c.events]
        broken.update(_record(writer, changes))
        done = [c for c in changes if c.after.id not in broken]
        _keep_asides(writer, sighting.live[symbol], trade_ids, broken)
        if is_last:
            writer.move_watermarks([_watermark(sighting, symbol)])
        return done, broken

    return world.store.write(write)


def _guarded(
    trade: Trade | PapertradeError, candles: Sequence[Candle], finer: Mapping[int, Sequence[Candle]]
) -> Decided | str:
    """Take a trade through the candles; a trade that breaks, whatever the bug, is a sentence and no exception."""
    if isinstance(trade, PapertradeError):
        return trade.message
    try:
        return through_candles(trade, candles, finer)
    except (ValueError, ArithmeticError, TypeError, LookupError) as error:
        return f"{type(error).__name__}: {error}"


def _record(writer: Writer, changes: Sequence[Change]) -> dict[int, str]:
    """Record all changes at once; if the store refuses that, one by one, so that only the bad one is left out."""
    try:
        with writer.savepoint():
            writer.record(*_rows(changes))
    except (ValueError, InvariantBroken):
        return _record_singly(writer, changes)
    return {}


def _record_singly(writer: Writer, changes: Sequence[Change]) -> dict[int, str]:
    broken: dict[int, str] = {}
    for change in changes:
        try:
            with writer.savepoint():
                writer.record(*_rows([change]))
        except (ValueError, InvariantBroken) as error:
            broken[change.after.id] = str(error)
    return broken


def _rows(changes: Sequence[Change]) -> tuple[list[Recorded], dict[int, Trade]]:
    rows = [Recorded(event, effective_ms(event)) for change in changes for event in change.events]
    return rows, {change.before.id: change.before for change in changes if change.before is not None}


def _keep_asides(
    writer: Writer, instrument: LiveInstrument, trade_ids: Sequence[int], broken: Mapping[int, str]
) -> None:
    """Remember from where a broken trade has to be caught up; forget the ones that went through."""
    known = {aside.trade_id: aside for aside in instrument.set_aside}
    mark = 0 if instrument.watermark is None else instrument.watermark.end_ms
    writer.take_trades_back([trade_id for trade_id in trade_ids if trade_id in known and trade_id not in broken])
    for trade_id, error in broken.items():
        old = known.get(trade_id)
        ticks = 1 if old is None else old.ticks + 1
        writer.set_trade_aside(
            SetAside(trade_id=trade_id, from_ms=mark if old is None else old.from_ms, error=error, ticks=ticks)
        )


def _flag_halted(world: World, sighting: Sighting) -> list[Change]:
    """Flag the live trades of symbols that the venue says it does not trade; they stay open."""
    stale = [s for s, error in sighting.market.failures.items() if isinstance(error, StalePrice) and s in sighting.live]
    halted = not_trading(world, stale) if stale else ()
    if not halted:
        return []

    def write(writer: Writer) -> list[Change]:
        changes: list[Change] = []
        for symbol in halted:
            for trade in writer.live_trades(symbol=symbol):
                if Flag.HALTED not in trade.flags:
                    event = TradeFlagged(trade_id=trade.id, flags=(Flag.HALTED,), at_ms=sighting.market.at_ms)
                    changes.append(Change(trade, evolve(trade, event), (event,)))
        writer.record(*_rows(changes))
        return changes

    return world.store.write(write)


def _remember(
    world: World, sighting: Sighting, changes: Sequence[Change], failures: Mapping[str, PapertradeError]
) -> Mapping[str, int]:
    """Keep the prices at the instants of fills, and count each symbol's failures in a row."""
    venue = world.feed.venue
    fills = (e for change in changes for e in change.events if isinstance(e, EntryFilled | ExitFilled))
    instants = sorted({event.at_ms for event in fills})
    with world.store.read() as reader:
        known = {f.symbol: f for f in reader.symbol_failures() if f.venue == venue}
    failed = {symbol: failures[symbol] for symbol in sighting.live if symbol in failures}
    if not instants and not known and not failed:
        return {}
    counted = [_counted(sighting, symbol, error, known.get(symbol)) for symbol, error in failed.items()]

    def write(writer: Writer) -> None:
        for symbol in sighting.live if instants else ():
            writer.put_prices(points_at_fills(venue, symbol, instants, *_known(sighting, symbol)))
        writer.forget_symbol_failures([(venue, symbol) for symbol in known if symbol not in failed])
        writer.put_symbol_failures(counted)

    world.store.write(write)
    return {f.symbol: f.failures for f in counted}


def _counted(sighting: Sighting, symbol: str, error: PapertradeError, known: SymbolFailures | None) -> SymbolFailures:
    return SymbolFailures(
        venue=sighting.live[symbol].venue,
        symbol=symbol,
        failures=1 if known is None else known.failures + 1,
        last_error=error.message,
        since_ms=sighting.market.at_ms if known is None else known.since_ms,
    )


def _watermark(sighting: Sighting, symbol: str) -> Watermark:
    last = sighting.candles(symbol)[-1]
    return Watermark(venue=sighting.live[symbol].venue, symbol=symbol, end_ms=last.end_ms, close=last.close)


def _known(sighting: Sighting, symbol: str) -> tuple[Watermark | None, tuple[Candle, ...]]:
    return sighting.live[symbol].watermark, sighting.candles(symbol)


def _holes(sighting: Sighting, symbol: str) -> list[Coverage]:
    """Return the stretches for which the venue has no candles between those it has."""
    watermark, candles = _known(sighting, symbol)
    if watermark is None or not candles:
        return []
    ends = [watermark.end_ms, *(c.end_ms for c in candles)]
    return [
        Coverage(venue=watermark.venue, symbol=symbol, from_ms=end, to_ms=candle.open_ms, kind=CoverageKind.HOLE)
        for end, candle in zip(ends, candles, strict=False)
        if candle.open_ms > end
    ]


def _of_symbol(finer: Finer, symbol: str) -> dict[int, Sequence[Candle]]:
    return {open_ms: candles for (name, open_ms), candles in finer.items() if name == symbol}


def _save_venue(world: World, writer: Writer, market: Market) -> None:
    closure = world.feed.closure
    writer.put_venue_state(
        VenueState(
            venue=world.feed.venue,
            closed_until_ms=None if closure is None else closure.until_ms,
            closed_reason="" if closure is None else closure.reason,
            clock_offset_ms=market.offset_ms,
            measured_ms=world.clock.now_ms(),
        )
    )
