"""What people write beside their trades: notes and tags. They never change a number."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertrade.engine.messages import NoteAdded, TagsChanged
from papertrade.engine.state import evolve
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.errors import NotFound, Refused
from papertrade.store.rows import Recorded
from papertrade.store.store import Store, Writer

TAGS_MAX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A note to be written, on a trade, a signal, a symbol, or on nothing in particular."""

    account_id: int
    text: str
    trade_id: int | None = None
    signal_id: int | None = None
    symbol: str | None = None
    tags: tuple[str, ...] = ()
    confidence: Decimal | None = None


def add_note(store: Store, remark: Remark, at_ms: int) -> NoteAdded:
    """Write a note down as of `at_ms`, the venue's time."""

    def write(writer: Writer) -> NoteAdded:
        note = NoteAdded(
            note_id=writer.next_note_id(),
            account_id=remark.account_id,
            text=remark.text,
            trade_id=remark.trade_id,
            signal_id=remark.signal_id,
            symbol=remark.symbol,
            tags=remark.tags,
            confidence=remark.confidence,
        )
        writer.record([Recorded(note, at_ms)])
        return note

    return store.write(write)


def change_tags(store: Store, trade_id: int, add: Sequence[str], remove: Sequence[str], at_ms: int) -> Trade:
    """Put tags on a trade and take others off; returns it as it is then. Nothing is written if nothing changes."""

    def write(writer: Writer) -> Trade:
        trade = writer.trade(trade_id)
        if trade is None:
            raise NotFound(f"trade `{trade_id}` does not exist", hint="papertrade trades")
        tags = tuple(sorted({*trade.tags, *add} - set(remove)))
        if len(tags) > TAGS_MAX:
            raise Refused(
                f"trade `{trade_id}` would have {len(tags)} tags, at most {TAGS_MAX} are kept", code="too_many_tags"
            )
        if tags == trade.tags:
            return trade
        event = TagsChanged(trade_id=trade_id, tags=tags)
        writer.record([Recorded(event, at_ms)], {trade_id: trade})
        return evolve(trade, event)

    return store.write(write)
