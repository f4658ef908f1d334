"""What a simulated world must have come to once it was left alone: every trade, and everything that was said.

Each function raises Unsound with what must be and what is. Nothing here runs while actors act.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import EntryFilled, Event, ExitFilled
from papertrade.engine.money import ZERO
from papertrade.engine.trade import ExitReason, Flag
from papertrade.store.locks import WatchLock, write_lock
from papertrade.store.rows import JournalRow
from papertrade.store.store import Reader, Store
from tests.engine.oracle import Happening
from tests.simulation.audit import Unsound
from tests.simulation.by_oracle import by_oracle, of_market
from tests.simulation.market import Tape
from tests.simulation.model import Life, listed, modelled, without_flags

MOST = Decimal(92_000_000_000)
"""What a ledger holds, in whole units of currency."""


def is_beyond_the_books(life: Life, tape: Tape, last_ms: int) -> bool:
    """Whether the market showed a price at which a trade was worth more than a ledger holds.

    It is set aside then with an error, and somebody may have closed it by hand before the end.
    """
    seen = tape.final(life.order.placed_at, (life.trade.closed_at or last_ms) + MINUTE_MS)
    highest = max((candle.high for candle in seen), default=ZERO)
    return highest * life.order.quantity > MOST


def compare(life: Life, tape: Tape, last_ms: int, *, has_seconds: bool) -> None:
    """Compare a trade with the one that it must be, by the rule and by the document."""
    actual = without_flags(life.events)
    name = f"trade {life.trade.id} of {life.order.symbol} {life.order.side}"
    try:
        expected = without_flags(modelled(life, tape, last_ms, has_seconds=has_seconds))
    except ValueError as error:
        raise Unsound(f"{name}: what was done to it cannot follow: {error}\n{listed(actual)}") from error
    if actual != expected:
        raise Unsound(f"{name}\nmust be\n{listed(expected)}\nand is\n{listed(actual)}")
    by_document, happened = by_oracle(life, tape, last_ms, has_seconds=has_seconds), of_market(life)
    if by_document != happened:
        told = _told(by_document)
        raise Unsound(f"{name}\nmust by the document be\n{told}\nand is\n{_told(happened)}\n{listed(actual)}")


def nothing_was_broken(reader: Reader, *, may_break: bool) -> frozenset[int]:
    """Return the trades that cannot be decided; after three quiet ticks none may be behind, or broken for nothing."""
    aside = {a.trade_id: a.error for a in reader.trades_set_aside()}
    if any(error == "" for error in aside.values()) or (aside and not may_break):
        raise Unsound(f"set aside after three quiet ticks: {aside}")
    return frozenset(aside)


def all_is_there(told: Sequence[Event], journal: Sequence[JournalRow]) -> None:
    """Look whether everything that somebody was told of is in the journal."""
    recorded = [row.event for row in journal]
    for event in told:
        if event not in recorded:
            raise Unsound(f"somebody was told of {event}, which is not in the journal")


def nobody_acted_on_old_prices(
    journal: Sequence[JournalRow], tapes: Mapping[str, Tape], symbols: Mapping[int, str], max_age_ms: int
) -> None:
    """Look whether every fill that a command made had a candle young enough behind its price."""
    for row in journal:
        event = row.event
        by_hand = (isinstance(event, EntryFilled) and event.order is not None) or (
            isinstance(event, ExitFilled) and event.reason is ExitReason.MANUAL
        )
        if not by_hand or not isinstance(event, EntryFilled | ExitFilled) or Flag.UNVERIFIED in _flags(event):
            continue
        opens = [o for o in tapes[symbols[event.trade_id]].minutes if o <= event.at_ms]
        age_ms = event.at_ms - max(opens) - MINUTE_MS
        if age_ms > max_age_ms:
            raise Unsound(f"event {row.seq}: a fill at a price whose newest candle ended {age_ms} ms before")


def locks_are_free(store: Store) -> None:
    """Look whether whoever died or ended gave back what he held."""
    with write_lock(store.path, lambda _: None):
        pass
    WatchLock.take(store.path, "the end", lambda _: None).release()


def _flags(event: EntryFilled | ExitFilled) -> tuple[Flag, ...]:
    placed = event.order.flags if isinstance(event, EntryFilled) and event.order is not None else ()
    return (*event.flags, *placed)


def _told(happened: Sequence[Happening]) -> str:
    lines = (
        f"  {h.stamp // MINUTE_MS % 1000:03d}:{h.stamp % MINUTE_MS / 1000:06.3f} {h.reason} {float(h.quantity)} "
        f"at {float(h.price)}{' ambiguous' if h.ambiguous else ''}"
        for h in happened
    )
    return "\n".join(lines)
