"""One tick: look at the venue, then let the rule decide every trade that the new candles reach, and record it.

The network comes first, outside any transaction. Instruments where nothing was touched share one
transaction that moves their watermarks; a touched one has its own, at most `BATCH` trades each, and its
watermark moves in the last. A trade that breaks is set aside with its error and stops no other.
A tick run twice, or by two processes at once, changes nothing: a trade knows the last candle applied to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from papertrade.engine.market import Candle
from papertrade.engine.messages import EntryFilled, ExitFilled, TradeFlagged, effective_ms
from papertrade.engine.state import evolve
from papertrade.engine.trade import Flag, Trade
from papertrade.errors import PapertradeError, StalePrice
from papertrade.runs.decide import Decided, through_candles
from papertrade.runs.instruments import not_trading
from papertrade.runs.observe import Market, look_finer
from papertrade.runs.prices import points_at_fills, points_at_hours
from papertrade.runs.sighting import (
    Loaded,
    Sighting,
    holes,
    known_before,
    load,
    save_venue,
    sight,
    touched_trades,
    watermark_after,
)
from papertrade.runs.world import Change, TickReport, World
from papertrade.store.rows import (
    Recorded,
    SetAside,
    StoredQuote,
    SymbolFailures,
)
from papertrade.store.store import Reader, Writer
from papertrade.store.views import InvariantBroken

BATCH = 200

Finer = Mapping[tuple[str, int], Sequence[Candle]]


def tick(world: World, also: Sequence[str] = ()) -> tuple[TickReport, Market]:
    """Catch up all live trades of all accounts; symbols in `also` are looked at as well, for a command's price.

    A long absence takes several looks. Raises FeedError if the venue cannot be asked at all.
    """
    report, sighting = _look_and_decide(world, also)
    while sighting.market.behind:
        later, next_sighting = _look_and_decide(world, also)
        changes = (*report.changes, *later.changes)
        report = replace(later, changes=changes, set_aside={**report.set_aside, **later.set_aside})
        if next_sighting.marks() == sighting.marks():
            break
        sighting = next_sighting
    return report, sighting.market


def _look_and_decide(world: World, also: Sequence[str]) -> tuple[TickReport, Sighting]:
    sighting = sight(world, also)
    finer = _settle(world, sighting)
    changes: list[Change] = []
    broken: dict[int, str] = {}
    for symbol, trade_ids in _move_untouched(world, sighting).items():
        done, failed = _decide_symbol(world, sighting.only(symbol), symbol, trade_ids, finer)
        changes.extend(done)
        broken.update(failed)
    changes.extend(_flag_halted(world, sighting))
    failures = {**sighting.foreign, **sighting.market.failures}
    report = TickReport(
        at_ms=sighting.market.at_ms,
        symbols=tuple(sorted(sighting.live)),
        changes=tuple(changes),
        failures=failures,
        in_a_row=_remember(world, sighting, changes, failures),
        set_aside=broken,
    )
    return report, sighting


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
    for symbol, trades in touched_trades(reader, sighting).items():
        own = _of_symbol(finer, symbol)
        for trade in trades.values():
            decided = _guarded(trade, sighting.candles(symbol), own)
            if isinstance(decided, Decided):
                found.update({(symbol, c.open_ms): c for c in decided.open_questions})
    return [(symbol, candle) for (symbol, _), candle in found.items()]


def _move_untouched(world: World, sighting: Sighting) -> dict[str, list[int]]:
    """Move the watermarks of untouched instruments and keep what was seen, in one transaction."""

    def write(writer: Writer) -> dict[str, list[int]]:
        touched = {symbol: sorted(trades) for symbol, trades in touched_trades(writer, sighting).items()}
        quiet = [symbol for symbol in sighting.live if symbol not in touched and sighting.candles(symbol)]
        writer.move_watermarks([watermark_after(sighting, symbol) for symbol in quiet])
        venue = world.feed.venue
        writer.put_quotes(
            [
                StoredQuote(venue=venue, symbol=s, quote=q)
                for s, q in sighting.market.quotes.items()
                if s in sighting.live
            ]
        )
        writer.put_coverage([hole for symbol in sighting.live for hole in holes(sighting, symbol)])
        writer.put_prices(
            [p for symbol in sighting.live for p in points_at_hours(venue, symbol, *known_before(sighting, symbol))]
        )
        save_venue(world, writer, sighting.market)
        return touched

    return world.store.write(write)


def _decide_symbol(
    world: World, sighting: Sighting, symbol: str, trade_ids: Sequence[int], finer: Finer
) -> tuple[list[Change], dict[int, str]]:
    """Decide the touched trades of one instrument, a transaction for each batch; the last moves the watermark.

    Inside that last one the index is asked again: another process may just have placed a trade in a minute
    that the watermark is about to pass.
    """
    changes: list[Change] = []
    broken: dict[int, str] = {}

    def write(writer: Writer, batch: Sequence[int], is_last: bool) -> None:
        loaded = load(writer, batch)
        if is_last:
            late = touched_trades(writer, sighting).get(symbol, {})
            loaded |= {number: trade for number, trade in late.items() if number not in trade_ids}
        done, failed = _decide_batch(writer, loaded, sighting.candles(symbol), _of_symbol(finer, symbol))
        _keep_asides(writer, sighting, symbol, list(loaded), failed)
        if is_last:
            writer.move_watermarks([watermark_after(sighting, symbol)])
        changes.extend(done)
        broken.update(failed)

    for start in range(0, len(trade_ids), BATCH):
        batch = trade_ids[start : start + BATCH]
        world.store.write(partial(write, batch=batch, is_last=start + BATCH >= len(trade_ids)))
    return changes, broken


def _decide_batch(
    writer: Writer, loaded: Loaded, candles: Sequence[Candle], finer: Mapping[int, Sequence[Candle]]
) -> tuple[list[Change], dict[int, str]]:
    """Decide and record some trades; return what changed, and the error of each trade that broke."""
    changes: list[Change] = []
    broken: dict[int, str] = {}
    for trade_id, trade in loaded.items():
        decided = _guarded(trade, candles, finer)
        if isinstance(decided, str):
            broken[trade_id] = decided
        elif isinstance(trade, Trade) and decided.events:
            changes.append(Change(trade, decided.trade, decided.events))
    broken.update(_record(writer, changes))
    return [c for c in changes if c.after.id not in broken], broken


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
    writer: Writer, sighting: Sighting, symbol: str, trade_ids: Sequence[int], broken: Mapping[int, str]
) -> None:
    """Remember from where a broken trade has to be caught up; let go of one that has caught up with the others."""
    instrument = sighting.live[symbol]
    known = {aside.trade_id: aside for aside in instrument.set_aside}
    mark = 0 if instrument.watermark is None else instrument.watermark.end_ms
    reached = sighting.candles(symbol)[-1].end_ms
    for trade_id in trade_ids:
        old = known.get(trade_id)
        error = broken.get(trade_id)
        if error is not None:
            ticks, from_ms = (1, mark) if old is None else (old.ticks + 1, old.from_ms)
            writer.set_trade_aside(SetAside(trade_id=trade_id, from_ms=from_ms, error=error, ticks=ticks))
        elif old is not None and reached >= mark:
            writer.take_trades_back([trade_id])
        elif old is not None:
            writer.set_trade_aside(SetAside(trade_id=trade_id, from_ms=reached, error="", ticks=0))


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
        writer.put_prices(
            [p for s in sighting.live for p in points_at_fills(venue, s, instants, *known_before(sighting, s))]
        )
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


def _of_symbol(finer: Finer, symbol: str) -> dict[int, Sequence[Candle]]:
    return {open_ms: candles for (name, open_ms), candles in finer.items() if name == symbol}
