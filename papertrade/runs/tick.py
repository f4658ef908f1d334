"""One tick: look at the venue, then let the rule decide every trade that the new candles reach, and record it.

The network comes first, outside any transaction. Instruments where nothing was touched share one transaction that
moves their watermarks, and those where new peaks only led trails share some (`led.py`); a touched one has its own,
at most `BATCH` trades each, and its watermark moves in the last. A trade that breaks is set aside with its error and
stops no other. A tick run twice, or by two processes at once, changes nothing: a trade knows the last candle applied
to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from papertrade.engine.market import Candle
from papertrade.engine.messages import EntryFilled, ExitFilled, TradeFlagged
from papertrade.engine.state import evolve
from papertrade.engine.trade import Flag, Trade
from papertrade.engine.values import replace
from papertrade.errors import PapertradeError
from papertrade.runs.blind import bridged, decide_blind, stale_symbols
from papertrade.runs.decide import Decided, through_candles
from papertrade.runs.instruments import not_trading
from papertrade.runs.led import lead_trails
from papertrade.runs.observe import Market, look_finer
from papertrade.runs.prices import points_at_fills, points_at_hours
from papertrade.runs.quoted import decide_quoted
from papertrade.runs.recording import CANNOT_BE, rows_of
from papertrade.runs.sighting import (
    Sighting,
    holes,
    known_before,
    load,
    save_venue,
    seen_of,
    sight,
    touched_or_led,
    touched_trades,
    watermark_after,
)
from papertrade.runs.world import Change, TickReport, World
from papertrade.store.rows import PricePoint, SetAside, StoredQuote, SymbolFailures
from papertrade.store.store import Reader, Writer

BATCH = 200


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
    stale = stale_symbols(sighting)
    halted = not_trading(world, stale) if stale else ()
    touched, may_be_led = _move_untouched(world, sighting, is_acted_on=bool(also))
    changes, led = lead_trails(world, sighting, touched, may_be_led)
    broken: dict[int, str] = {}
    failures = {**sighting.foreign, **sighting.market.failures}
    for symbol, trade_ids in touched.items():
        if symbol in led:
            continue
        done, failed, unsettled = _decide_symbol(world, sighting, symbol, trade_ids)
        changes.extend(done)
        broken.update(failed)
        if unsettled is not None:
            failures[symbol] = unsettled
    changes.extend(_flag_halted(world, sighting, halted))
    changes.extend(decide_blind(world, sighting, halted))
    changes.extend(decide_quoted(world, sighting, halted))
    report = TickReport(
        at_ms=sighting.market.at_ms,
        symbols=tuple(sorted(sighting.live)),
        changes=tuple(changes),
        failures=failures,
        in_a_row=_remember(world, sighting, changes, failures),
        set_aside=broken,
    )
    return report, sighting


def _move_untouched(
    world: World, sighting: Sighting, *, is_acted_on: bool
) -> tuple[dict[str, list[int]], frozenset[str]]:
    """Move the watermarks of untouched instruments and keep what was seen, in one transaction.

    Returns the trades that may be touched, by symbol, and the symbols in which new peaks may be all there is to it.
    """
    venue = world.feed.venue
    stale = stale_symbols(sighting)
    quotes = [
        StoredQuote(venue=venue, symbol=symbol, quote=quote)
        for symbol, quote in sighting.market.quotes.items()
        if symbol in sighting.live and symbol not in stale
    ]
    marks = {symbol: watermark_after(sighting, symbol) for symbol in sighting.live if sighting.candles(symbol)}
    gaps = [hole for symbol in sighting.live for hole in holes(sighting, symbol)]
    seen = seen_of(sighting)

    def write(writer: Writer) -> tuple[dict[str, list[int]], frozenset[str]]:
        touched, may_be_led = touched_or_led(writer, sighting, seen)
        writer.move_watermarks([mark for symbol, mark in marks.items() if symbol not in touched])
        writer.put_quotes(quotes)
        writer.put_coverage([*bridged(writer, sighting), *gaps])
        writer.put_prices(list(_price_points(writer, sighting, is_acted_on)))
        writer.keep_candles(venue, {symbol: sighting.candles(symbol) for symbol in marks})
        save_venue(world, writer, sighting.market)
        return touched, may_be_led

    return world.store.write(write)


def _price_points(reader: Reader, sighting: Sighting, is_acted_on: bool) -> Iterator[PricePoint]:
    """Yield the prices at full hours, at fills that symbols without their candles missed, and now if a command acts."""
    market = sighting.market
    failed = {failing.symbol for failing in reader.symbol_failures()}
    late = {s: c for s in sighting.live if (c := sighting.candles(s)) and (len(c) > 1 or s in failed)}
    fills = reader.fill_instants(min(c[0].open_ms for c in late.values()), market.at_ms) if late else ()
    for symbol, instrument in sighting.live.items():
        watermark, candles = known_before(sighting, symbol)
        yield from points_at_hours(instrument.venue, symbol, watermark, candles)
        if symbol in late:
            first = candles[0]
            missed = [at_ms for at_ms in fills if at_ms == first.open_ms or at_ms >= first.last_ms]
            yield from points_at_fills(instrument.venue, symbol, missed, watermark, candles)
        if is_acted_on and symbol not in market.behind:
            forming = market.forming.get(symbol)
            known = candles if forming is None else (*candles, forming)
            yield from points_at_fills(instrument.venue, symbol, [market.at_ms], watermark, known)


class _FinerWanted(Exception):
    """Some candles touched both sides of a trade, and nobody has asked yet which side came first."""

    def __init__(self, candles: Sequence[Candle]) -> None:
        super().__init__("finer candles are wanted")
        self.candles = candles


def _decide_symbol(
    world: World, sighting: Sighting, symbol: str, trade_ids: Sequence[int]
) -> tuple[list[Change], dict[int, str], PapertradeError | None]:
    """Decide the touched trades of one instrument, a transaction for each batch; the last moves the watermark.

    A batch in which finer candles could tell more is undone, and decided again once they have been asked for;
    if the venue could not be asked, it and the rest wait for the next tick, and the reason is returned.
    """
    changes: list[Change] = []
    broken: dict[int, str] = {}
    finer: dict[int, Sequence[Candle]] = {}
    start = 0
    while start < len(trade_ids):
        batch = trade_ids[start : start + BATCH]
        rest = None if start + BATCH < len(trade_ids) else trade_ids
        try:
            done, failed = world.store.write(partial(_decide_batch, world, sighting, symbol, batch, rest, finer))
        except _FinerWanted as wanted:
            answers = world.wait(look_finer(world.feed, [(symbol, c) for c in wanted.candles], world.watching))
            failure = next((a for a in answers.values() if isinstance(a, PapertradeError)), None)
            if failure is not None:
                return changes, broken, failure
            finer |= {at: answer for (_, at), answer in answers.items() if not isinstance(answer, PapertradeError)}
            continue
        changes.extend(done)
        broken.update(failed)
        start += BATCH
    return changes, broken, None


def _decide_batch(
    world: World,
    sighting: Sighting,
    symbol: str,
    batch: Sequence[int],
    decided_ids: Sequence[int] | None,
    finer: Mapping[int, Sequence[Candle]],
    writer: Writer,
) -> tuple[list[Change], dict[int, str]]:
    """Decide and record some trades of an instrument; return what changed, and the error of each that broke.

    `decided_ids` is set for the last batch: all trades that were found before. The index is asked again then,
    because another process may just have placed a trade in a minute that the watermark is about to pass.
    """
    loaded = load(writer, batch)
    if decided_ids is not None:
        own = sighting.only(symbol)
        found = touched_trades(writer, own, seen_of(own)).get(symbol, [])
        loaded |= load(writer, [number for number in found if number not in decided_ids])
    changes: list[Change] = []
    broken: dict[int, str] = {}
    questions: dict[int, Candle] = {}
    asides = {aside.trade_id: aside for aside in writer.trades_set_aside()}
    for trade_id, trade in loaded.items():
        aside = asides.get(trade_id)
        if aside is not None and not sighting.has_seen(symbol, aside.from_ms):  # it lacks the candles before these
            broken |= {trade_id: aside.error} if aside.error else {}
            continue
        decided = _guarded(trade, sighting.candles(symbol), finer)
        if isinstance(decided, str):
            broken[trade_id] = decided
            continue
        questions |= {candle.open_ms: candle for candle in decided.open_questions}
        if isinstance(trade, Trade) and decided.events:
            changes.append(Change(trade, decided.trade, decided.events))
    if questions and world.watching.settle is not None:
        raise _FinerWanted(list(questions.values()))
    broken.update(_record(writer, changes))
    changes = [change for change in changes if change.after.id not in broken]
    # With the fills, so that a crash loses no fill's own price; those of the other symbols follow in `_remember`.
    own_prices = points_at_fills(world.feed.venue, symbol, _instants(changes), *known_before(sighting, symbol))
    writer.put_prices(own_prices)
    _keep_asides(writer, sighting, symbol, {number: asides.get(number) for number in loaded}, broken)
    if decided_ids is not None:
        writer.move_watermarks([watermark_after(sighting, symbol)])
    return changes, broken


def _instants(changes: Sequence[Change]) -> list[int]:
    """Return when the fills among some changes happened, each instant once."""
    fills = (e for change in changes for e in change.events if isinstance(e, EntryFilled | ExitFilled))
    return sorted({event.at_ms for event in fills})


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
            writer.record(*rows_of(changes))
    except CANNOT_BE:
        return _record_singly(writer, changes)
    return {}


def _record_singly(writer: Writer, changes: Sequence[Change]) -> dict[int, str]:
    broken: dict[int, str] = {}
    for change in changes:
        try:
            with writer.savepoint():
                writer.record(*rows_of([change]))
        except CANNOT_BE as error:
            broken[change.after.id] = str(error)
    return broken


def _keep_asides(
    writer: Writer, sighting: Sighting, symbol: str, asides: Mapping[int, SetAside | None], broken: Mapping[int, str]
) -> None:
    """Remember from where a broken trade has to be caught up; let go of one that has caught up with the others."""
    instrument = sighting.live[symbol]
    mark = 0 if instrument.watermark is None else instrument.watermark.end_ms
    reached = sighting.candles(symbol)[-1].end_ms
    for trade_id, old in asides.items():
        error = broken.get(trade_id)
        if error is not None:
            ticks, from_ms = (1, mark) if old is None else (old.ticks + 1, old.from_ms)
            writer.set_trade_aside(SetAside(trade_id=trade_id, from_ms=from_ms, error=error, ticks=ticks))
        elif old is not None and sighting.has_seen(symbol, old.from_ms):
            passed = writer.watermark(instrument.venue, symbol)
            if passed is None or reached >= passed.end_ms:
                writer.take_trades_back([trade_id])
            else:
                writer.set_trade_aside(SetAside(trade_id=trade_id, from_ms=reached, error="", ticks=0))


def _flag_halted(world: World, sighting: Sighting, halted: Sequence[str]) -> list[Change]:
    """Flag the live trades of symbols that the venue says it does not trade; they stay open."""
    if not halted:
        return []

    def write(writer: Writer) -> list[Change]:
        changes: list[Change] = []
        for symbol in halted:
            for trade in load(writer, writer.live_numbers(world.feed.venue, symbol)).values():
                if isinstance(trade, Trade) and Flag.HALTED not in trade.flags:
                    event = TradeFlagged(trade_id=trade.id, flags=(Flag.HALTED,), at_ms=sighting.market.at_ms)
                    changes.append(Change(trade, evolve(trade, event), (event,)))
        writer.record(*rows_of(changes))
        return changes

    return world.store.write(write)


def _remember(
    world: World, sighting: Sighting, changes: Sequence[Change], failures: Mapping[str, PapertradeError]
) -> Mapping[str, int]:
    """Keep all symbols' prices at the instants of fills, and count each symbol's failures in a row."""
    venue = world.feed.venue
    instants = _instants(changes)
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
