"""Reading whole tables row by row, oldest first, so that an export of a large book needs no more memory than one.

The rule to keep: a stream belongs to its snapshot; it ends with the `read` block that it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Select, select

from papertrade.engine.trade import ExitReason, Trade
from papertrade.engine.values import dataclass
from papertrade.store import failures
from papertrade.store.accounts import POSTINGS, read_posting
from papertrade.store.rows import FillRow, LedgerRow, NoteRow, SignalRow, TradeFilter
from papertrade.store.signals import read_note, read_signal
from papertrade.store.snapshot import R, Snapshot, V
from papertrade.store.tables import EVENT, FILL, LEDGER, NOTE, SIGNAL, TRADE, EventTable
from papertrade.store.trade_rows import read_trade
from papertrade.store.trades import read_fill, trade_conditions

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which rows of a table to stream; what is None or empty does not restrict, nor what the table does not have.

    `since_ms` and `until_ms` (not included) hold for the time that the table goes by: when a fill or a note
    was made, when a posting took effect, when an event was recorded, when a signal was made by its author.
    """

    account_id: int | None = None
    symbol: str | None = None
    source: str | None = None
    tag: str | None = None
    reasons: tuple[ExitReason, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One event as the journal holds it: `body` is the text that `digest` covers, with all that stands before it."""

    seq: int
    recorded_ms: int
    wall_ms: int
    effective_ms: int
    run_id: str
    kind: str
    account_id: int | None
    trade_id: int | None
    signal_id: int | None
    body: str
    previous: str
    digest: str


class StreamReads(Snapshot):
    """Reading without holding more than a few hundred rows."""

    def each_trade(self, wanted: TradeFilter) -> Iterator[Trade]:
        """Yield the trades that match, by number; the filter's paging is not looked at."""
        return self._each(select(TRADE).where(*trade_conditions(wanted)).order_by(TRADE.c.id), read_trade)

    def each_signal(self, wanted: RowFilter) -> Iterator[SignalRow]:
        """Yield the signals that match, by number."""
        query = select(SIGNAL).order_by(SIGNAL.c.id)
        if wanted.symbol is not None:
            query = query.where(SIGNAL.c.symbol == wanted.symbol)
        if wanted.source is not None:
            query = query.where(SIGNAL.c.source == wanted.source)
        if wanted.since_ms is not None:
            query = query.where(SIGNAL.c.made_ms >= wanted.since_ms)
        if wanted.until_ms is not None:
            query = query.where(SIGNAL.c.made_ms < wanted.until_ms)
        rows = self._each(query, read_signal)
        return (row for row in rows if wanted.tag is None or wanted.tag in row.signal.tags)

    def each_fill(self, wanted: RowFilter) -> Iterator[FillRow]:
        """Yield the fills that match, in the order of the journal."""
        query = select(FILL).order_by(FILL.c.event_seq)
        if wanted.account_id is not None:
            query = query.where(FILL.c.account_id == wanted.account_id)
        if wanted.symbol is not None:
            query = query.where(FILL.c.symbol == wanted.symbol)
        if wanted.reasons:
            query = query.where(FILL.c.reason.in_(wanted.reasons))
        if wanted.source is not None or wanted.tag is not None:
            trades = trade_conditions(TradeFilter(source=wanted.source, tag=wanted.tag))
            query = query.where(FILL.c.trade_id.in_(select(TRADE.c.id).where(*trades)))
        if wanted.since_ms is not None:
            query = query.where(FILL.c.at_ms >= wanted.since_ms)
        if wanted.until_ms is not None:
            query = query.where(FILL.c.at_ms < wanted.until_ms)
        return self._each(query, read_fill)

    def each_posting(self, wanted: RowFilter) -> Iterator[LedgerRow]:
        """Yield the postings that match, in the order of the journal."""
        query = POSTINGS.order_by(LEDGER.c.event_seq, LEDGER.c.book)
        if wanted.account_id is not None:
            query = query.where(LEDGER.c.account_id == wanted.account_id)
        if wanted.since_ms is not None:
            query = query.where(EVENT.c.effective_ms >= wanted.since_ms)
        if wanted.until_ms is not None:
            query = query.where(EVENT.c.effective_ms < wanted.until_ms)
        return self._each(query, read_posting)

    def each_event(self, wanted: RowFilter) -> Iterator[JournalLine]:
        """Yield the journal as it is stored."""
        query = select(EVENT).order_by(EVENT.c.seq)
        if wanted.since_ms is not None:
            query = query.where(EVENT.c.recorded_ms >= wanted.since_ms)
        if wanted.until_ms is not None:
            query = query.where(EVENT.c.recorded_ms < wanted.until_ms)
        return self._each(query, _line)

    def each_note(self, wanted: RowFilter) -> Iterator[NoteRow]:
        """Yield the notes that match, by number."""
        query = select(NOTE).order_by(NOTE.c.id)
        if wanted.account_id is not None:
            query = query.where(NOTE.c.account_id == wanted.account_id)
        if wanted.symbol is not None:
            query = query.where(NOTE.c.symbol == wanted.symbol)
        if wanted.since_ms is not None:
            query = query.where(NOTE.c.at_ms >= wanted.since_ms)
        if wanted.until_ms is not None:
            query = query.where(NOTE.c.at_ms < wanted.until_ms)
        rows = self._each(query, read_note)
        return (row for row in rows if wanted.tag is None or wanted.tag in row.tags)

    def _each(self, query: Select[*tuple[object, ...]], read: Callable[[R], V]) -> Iterator[V]:
        """Run a query and yield its rows as values, a few hundred in memory at a time."""
        table = query.columns_clause_froms[0]
        rows = self._connection.execute(query, execution_options={"yield_per": _CHUNK})
        try:
            for row in rows:
                # A row has the columns of its table as attributes, converted by their types.
                yield read(row)  # type: ignore[arg-type]
        except (ValueError, TypeError, KeyError) as error:
            raise failures.unreadable(self._path, f"a row of `{table}`", error) from error
        finally:
            rows.close()


def _line(row: EventTable) -> JournalLine:
    return JournalLine(
        seq=row.seq,
        recorded_ms=row.recorded_ms,
        wall_ms=row.wall_ms,
        effective_ms=row.effective_ms,
        run_id=row.run_id,
        kind=row.kind,
        account_id=row.account_id,
        trade_id=row.trade_id,
        signal_id=row.signal_id,
        body=row.body,
        previous=row.prev,
        digest=row.hash,
    )
