"""What is known of the market between runs: instruments, watermarks, quotes, prices, coverage, venues.

Caches: no number of a trade or an account lives here. The rule to keep: a watermark never moves back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import and_, delete, select, text

from papertrade.engine.codec import decode, encode
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Quote
from papertrade.engine.money import plain
from papertrade.store import failures
from papertrade.store.armed_index import Reached, reached
from papertrade.store.cache_tables import (
    COVERAGE,
    INSTRUMENT,
    PRICE,
    QUOTE,
    VENUE,
    VENUE_SYMBOL,
    WATERMARK,
    WATERMARK_ASIDE,
    CoverageTable,
    InstrumentTable,
    PriceTable,
    QuoteTable,
    VenueSymbolTable,
    VenueTable,
    WatermarkAsideTable,
    WatermarkTable,
)
from papertrade.store.columns import optional_plain
from papertrade.store.rows import (
    Coverage,
    CoverageKind,
    LiveInstrument,
    PricePoint,
    Seen,
    SetAside,
    StoredInstrument,
    StoredQuote,
    SymbolFailures,
    VenueState,
    Watermark,
)
from papertrade.store.snapshot import NUMBERS, Snapshot, among, cells, upsert
from papertrade.store.tables import LIVE, TRADE

# One index probe for each instrument that has live trades, however many trades those are.
_NEXT: Final = f"(SELECT n.{{0}} FROM trade AS n INDEXED BY live_below WHERE n.{LIVE} {{1}} ORDER BY n.{{0}} LIMIT 1)"
LIVE_INSTRUMENTS: Final = f"""
WITH RECURSIVE
  venues(venue) AS (
    SELECT {_NEXT.format("venue", "")}
    UNION ALL
    SELECT {_NEXT.format("venue", "AND n.venue > v.venue")} FROM venues AS v WHERE v.venue IS NOT NULL),
  symbols(venue, symbol) AS (
    SELECT v.venue, {_NEXT.format("symbol", "AND n.venue = v.venue")} FROM venues AS v WHERE v.venue IS NOT NULL
    UNION ALL
    SELECT s.venue, {_NEXT.format("symbol", "AND n.venue = s.venue AND n.symbol > s.symbol")}
    FROM symbols AS s WHERE s.symbol IS NOT NULL)
SELECT venue, symbol FROM symbols WHERE symbol IS NOT NULL ORDER BY venue, symbol
"""


_ASIDES: Final = (
    select(WATERMARK_ASIDE)
    .join(TRADE, TRADE.c.id == WATERMARK_ASIDE.c.trade_id)
    .where(text(f"trade.{LIVE}"))
    .order_by(WATERMARK_ASIDE.c.trade_id)
)
_PLACES: Final = select(TRADE.c.id, TRADE.c.venue, TRADE.c.symbol).where(TRADE.c.id.in_(NUMBERS))


# Every tick reads or writes these for every live instrument, so they go round the expression language (P4).
_MOVE_WATERMARK: Final = """
INSERT INTO watermark(venue, symbol, end_ms, close) VALUES (?, ?, ?, ?)
ON CONFLICT(venue, symbol) DO UPDATE SET end_ms = excluded.end_ms, close = excluded.close
WHERE excluded.end_ms > watermark.end_ms
"""
_WATERMARKS: Final = "SELECT venue, symbol, end_ms, close FROM watermark"
_PUT_QUOTE: Final = """
INSERT INTO quote(venue, symbol, last, bid, ask, at_ms) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT(venue, symbol) DO UPDATE
SET last = excluded.last, bid = excluded.bid, ask = excluded.ask, at_ms = excluded.at_ms
"""


class MarketReads(Snapshot):
    """Reading what is known of the market."""

    def touched(self, seen: Sequence[Seen]) -> dict[int, str]:
        """Return the live trades that may react to what was seen, with their symbols; too many, never too few."""
        return {number: found.symbol for number, found in self.reached(seen).items()}

    def reached(self, seen: Sequence[Seen]) -> dict[int, Reached]:
        """Return the same trades, and of each whether a new peak may be all that it reacts to."""
        return reached(self._connection, seen)

    def live_instruments(self) -> tuple[LiveInstrument, ...]:
        """Return the instruments that have live trades, by venue and symbol, with how far each is processed."""
        pairs = [(str(venue), str(symbol)) for venue, symbol in self._connection.exec_driver_sql(LIVE_INSTRUMENTS)]
        instruments = {(i.instrument.venue, i.instrument.symbol): i.instrument for i in self.instruments()}
        marks = self._watermarks()
        aside = self._aside_by_instrument()
        return tuple(
            LiveInstrument(
                venue=venue,
                symbol=symbol,
                instrument=instruments.get((venue, symbol)),
                watermark=marks.get((venue, symbol)),
                set_aside=tuple(aside.get((venue, symbol), ())),
            )
            for venue, symbol in pairs
        )

    def watermark(self, venue: str, symbol: str) -> Watermark | None:
        """Return how far an instrument has been processed, None if never."""
        query = select(WATERMARK).where(WATERMARK.c.venue == venue, WATERMARK.c.symbol == symbol)
        return self._one(query, _watermark)

    def trades_set_aside(self) -> tuple[SetAside, ...]:
        """Return the live trades that broke and are caught up from their own mark."""
        return self._values(_ASIDES, _aside)

    def instrument(self, venue: str, symbol: str) -> StoredInstrument | None:
        """Return what a venue last said of an instrument, None if it was never asked."""
        query = select(INSTRUMENT).where(INSTRUMENT.c.venue == venue, INSTRUMENT.c.symbol == symbol)
        return self._one(query, _instrument)

    def instruments(self, venue: str | None = None) -> tuple[StoredInstrument, ...]:
        """Return the known instruments, of one venue or all, by venue and symbol."""
        query = select(INSTRUMENT).order_by(INSTRUMENT.c.venue, INSTRUMENT.c.symbol)
        return self._values(query if venue is None else query.where(INSTRUMENT.c.venue == venue), _instrument)

    def quote(self, venue: str, symbol: str) -> StoredQuote | None:
        """Return the last quote seen of an instrument, None if none was."""
        return self._one(select(QUOTE).where(QUOTE.c.venue == venue, QUOTE.c.symbol == symbol), _quote)

    def quotes(self) -> tuple[StoredQuote, ...]:
        """Return the last quote of every instrument that has one."""
        return self._values(select(QUOTE).order_by(QUOTE.c.venue, QUOTE.c.symbol), _quote)

    def prices(self, venue: str, symbol: str, from_ms: int, to_ms: int) -> tuple[PricePoint, ...]:
        """Return the prices of an instrument from `from_ms` to before `to_ms`, oldest first."""
        query = select(PRICE).where(PRICE.c.venue == venue, PRICE.c.symbol == symbol)
        between = and_(PRICE.c.at_ms >= from_ms, PRICE.c.at_ms < to_ms)
        return self._values(query.where(between).order_by(PRICE.c.at_ms), _price)

    def price_at(self, venue: str, symbol: str, at_ms: int) -> PricePoint | None:
        """Return the newest price at or before an instant, None if there is none."""
        query = select(PRICE).where(PRICE.c.venue == venue, PRICE.c.symbol == symbol, PRICE.c.at_ms <= at_ms)
        return self._one(query.order_by(PRICE.c.at_ms.desc()), _price)

    def coverage(self, venue: str, symbol: str, from_ms: int = 0, to_ms: int | None = None) -> tuple[Coverage, ...]:
        """Return the stretches without candles that overlap from `from_ms` to before `to_ms`, oldest first."""
        query = select(COVERAGE).where(COVERAGE.c.venue == venue, COVERAGE.c.symbol == symbol)
        query = query.where(COVERAGE.c.to_ms > from_ms).order_by(COVERAGE.c.from_ms)
        return self._values(query if to_ms is None else query.where(COVERAGE.c.from_ms < to_ms), _coverage)

    def venue_state(self, venue: str) -> VenueState:
        """Return what is known of a venue; all defaults if nothing is."""
        found = self._one(select(VENUE).where(VENUE.c.venue == venue), _venue)
        return VenueState(venue=venue) if found is None else found

    def venue_states(self) -> tuple[VenueState, ...]:
        """Return what is known of every venue."""
        return self._values(select(VENUE).order_by(VENUE.c.venue), _venue)

    def symbol_failures(self) -> tuple[SymbolFailures, ...]:
        """Return the symbols that could not be priced at the last tick."""
        return self._values(select(VENUE_SYMBOL).order_by(VENUE_SYMBOL.c.venue, VENUE_SYMBOL.c.symbol), _failures)

    def _watermarks(self) -> dict[tuple[str, str], Watermark]:
        rows = self._connection.exec_driver_sql(_WATERMARKS).all()
        try:
            return {(v, s): Watermark(venue=v, symbol=s, end_ms=end, close=Decimal(close)) for v, s, end, close in rows}
        except (ArithmeticError, ValueError, TypeError) as error:
            raise failures.unreadable(self._path, "a row of `watermark`", error) from error

    def _aside_by_instrument(self) -> dict[tuple[str, str], list[SetAside]]:
        found: dict[tuple[str, str], list[SetAside]] = {}
        asides = self.trades_set_aside()
        if asides:
            places = {
                row.id: (row.venue, row.symbol)
                for row in self._connection.execute(_PLACES, {"numbers": among(a.trade_id for a in asides)})
            }
            for aside in asides:
                found.setdefault(places[aside.trade_id], []).append(aside)
        return found


class MarketWrites(MarketReads):
    """Remembering what is known of the market."""

    def put_instruments(self, instruments: Sequence[StoredInstrument]) -> None:
        """Remember what venues said of instruments."""
        rows: list[dict[str, object]] = [
            {
                "venue": i.instrument.venue,
                "symbol": i.instrument.symbol,
                "content": encode(i.instrument),
                "fetched_ms": i.fetched_ms,
            }
            for i in instruments
        ]
        upsert(self._connection, INSTRUMENT, rows)

    def move_watermarks(self, marks: Sequence[Watermark]) -> None:
        """Move watermarks forward; one that would move back stays where it is."""
        if marks:
            rows = [(m.venue, m.symbol, m.end_ms, plain(m.close)) for m in marks]
            self._connection.exec_driver_sql(_MOVE_WATERMARK, rows)

    def set_trade_aside(self, aside: SetAside) -> None:
        """Remember that a trade broke, and from where it must be caught up."""
        upsert(self._connection, WATERMARK_ASIDE, [cells(WATERMARK_ASIDE, aside)])

    def take_trades_back(self, trade_ids: Iterable[int]) -> None:
        """Forget that trades were set aside."""
        for number in trade_ids:
            self._connection.execute(delete(WATERMARK_ASIDE).where(WATERMARK_ASIDE.c.trade_id == number))

    def put_quotes(self, quotes: Sequence[StoredQuote]) -> None:
        """Remember the last quote of instruments."""
        if quotes:
            rows = [
                (
                    q.venue,
                    q.symbol,
                    plain(q.quote.last),
                    optional_plain(q.quote.bid),
                    optional_plain(q.quote.ask),
                    q.quote.at_ms,
                )
                for q in quotes
            ]
            self._connection.exec_driver_sql(_PUT_QUOTE, rows)

    def put_prices(self, prices: Sequence[PricePoint]) -> None:
        """Remember prices that equity is computed from."""
        upsert(self._connection, PRICE, [cells(PRICE, price) for price in prices])

    def put_coverage(self, stretches: Sequence[Coverage]) -> None:
        """Remember stretches without candles; one that begins where a known one began replaces it."""
        upsert(self._connection, COVERAGE, [cells(COVERAGE, stretch) for stretch in stretches])

    def put_venue_state(self, state: VenueState) -> None:
        """Remember what is known of a venue."""
        upsert(self._connection, VENUE, [cells(VENUE, state)])

    def put_symbol_failures(self, failures: Sequence[SymbolFailures]) -> None:
        """Remember symbols that could not be priced."""
        upsert(self._connection, VENUE_SYMBOL, [cells(VENUE_SYMBOL, failure) for failure in failures])

    def forget_symbol_failures(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Forget failures of (venue, symbol) pairs that could be priced again."""
        for venue, symbol in symbols:
            query = delete(VENUE_SYMBOL).where(VENUE_SYMBOL.c.venue == venue, VENUE_SYMBOL.c.symbol == symbol)
            self._connection.execute(query)


def _watermark(row: WatermarkTable) -> Watermark:
    return Watermark(venue=row.venue, symbol=row.symbol, end_ms=row.end_ms, close=row.close)


def _aside(row: WatermarkAsideTable) -> SetAside:
    return SetAside(trade_id=row.trade_id, from_ms=row.from_ms, error=row.error, ticks=row.ticks)


def _instrument(row: InstrumentTable) -> StoredInstrument:
    return StoredInstrument(decode(Instrument, row.content), row.fetched_ms)


def _quote(row: QuoteTable) -> StoredQuote:
    quote = Quote(at_ms=row.at_ms, last=row.last, bid=row.bid, ask=row.ask)
    return StoredQuote(venue=row.venue, symbol=row.symbol, quote=quote)


def _price(row: PriceTable) -> PricePoint:
    return PricePoint(venue=row.venue, symbol=row.symbol, at_ms=row.at_ms, price=row.price)


def _coverage(row: CoverageTable) -> Coverage:
    return Coverage(
        venue=row.venue,
        symbol=row.symbol,
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        kind=CoverageKind(row.kind),
        is_bridged=bool(row.is_bridged),
    )


def _venue(row: VenueTable) -> VenueState:
    return VenueState(
        venue=row.venue,
        closed_until_ms=row.closed_until_ms,
        closed_reason=row.closed_reason,
        clock_offset_ms=row.clock_offset_ms,
        measured_ms=row.measured_ms,
        failures=row.failures,
        last_error=row.last_error,
    )


def _failures(row: VenueSymbolTable) -> SymbolFailures:
    return SymbolFailures(
        venue=row.venue,
        symbol=row.symbol,
        failures=row.failures,
        last_error=row.last_error,
        since_ms=row.since_ms,
    )
