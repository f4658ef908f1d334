"""One trade's life as the store knows it: its events with the state after each, its notes, its explanation.

Reads only; how it is told belongs to render. The rule to keep: a state shown beside an event is the state right
after it.
"""

from __future__ import annotations

from papertrade.engine.guard_events import GuardActed
from papertrade.engine.messages import (
    CostCharged,
    EntryFilled,
    Event,
    ExitFilled,
    LevelsChanged,
    Refused,
    StopMoved,
    TagsChanged,
    TradeEnded,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
    TradeVoided,
    TrailsMoved,
)
from papertrade.engine.state import evolve
from papertrade.engine.trade import Trade
from papertrade.engine.trails import moves_of
from papertrade.engine.values import dataclass, replace
from papertrade.reports.explain import Explanation, RefusedOnce, Stamped, explain
from papertrade.reports.trade_costs import TradeCosts, trade_costs
from papertrade.reports.trade_view import TradeView
from papertrade.runs.views import trade_views
from papertrade.store.rows import Coverage, EventFilter, NoteRow, SignalRow
from papertrade.store.store import Reader


@dataclass(frozen=True, slots=True)
class Moment:
    """An event of a trade, when it took effect (UTC ms), and the trade right after it."""

    stamp: Stamped
    at_ms: int
    after: Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Everything that is stored of one trade; `gaps` are the stretches of its life without candles."""

    view: TradeView
    signal: SignalRow | None
    moments: tuple[Moment, ...]
    notes: tuple[NoteRow, ...]
    gaps: tuple[Coverage, ...]

    @property
    def costs(self) -> TradeCosts | None:
        """What the trade cost so far; None for one that was never entered, or was taken back."""
        return trade_costs(self.view, (moment.stamp.event for moment in self.moments))


def life_of(reader: Reader, trade: Trade, now_ms: int) -> Life:
    """Return a trade's life up to now; notes on its signal count as its own."""
    order = trade.order
    notes = {note.id: note for note in reader.notes(trade_id=trade.id)}
    notes |= {note.id: note for note in reader.notes(signal_id=order.signal_id) if note.trade_id is None}
    until_ms = now_ms if trade.closed_at is None else trade.closed_at
    return Life(
        view=trade_views(reader, [trade], now_ms)[0],
        signal=reader.signal(order.signal_id),
        moments=_moments(reader, trade),
        notes=tuple(notes[number] for number in sorted(notes)),
        gaps=reader.coverage(order.venue, order.symbol, order.placed_at, until_ms),
    )


def explanation_of(reader: Reader, trade: Trade) -> Explanation:
    """Take a trade's fills apart, with the refusals that its signal met with in the same account."""
    stamps = [moment.stamp for moment in _moments(reader, trade)]
    order = trade.order
    since = _named_since(reader, trade)
    refused = reader.events(EventFilter(account_id=order.account_id, kinds=("refused",), after_seq=since))
    refusals = [
        RefusedOnce(row.effective_ms, row.event)
        for row in refused
        if isinstance(row.event, Refused) and row.event.signal_key == order.signal_key
    ]
    acts = reader.events(EventFilter(trade_id=trade.id, kinds=("guard_acted",)))
    held_back = tuple(row.event for row in acts if isinstance(row.event, GuardActed))
    return replace(explain(stamps, refusals), acts=held_back)


def _named_since(reader: Reader, trade: Trade) -> int:
    """Return the event that gave a signal without a name of its own its number, 0 of one that was named.

    An unnamed idea that is refused is not stored, and the next one gets the number that it would have had.
    """
    order = trade.order
    name = order.signal_key.partition(":")[2]
    if name.partition("-")[0] != str(order.signal_id):
        return 0
    added = reader.events(EventFilter(signal_id=order.signal_id, kinds=("signal_added",), limit=1))
    return added[0].seq if added else 0


def _moments(reader: Reader, trade: Trade) -> tuple[Moment, ...]:
    state: Trade | None = None
    found: list[Moment] = []
    for row in reader.events(EventFilter(trade_id=trade.id)):
        for event in trade_events(row.event, trade.id):
            state = evolve(state, event)
            at_ms = event.at_ms if isinstance(event, StopMoved) else row.effective_ms
            found.append(Moment(Stamped(row.seq, row.recorded_ms, event), at_ms, state))
    return tuple(found)


def trade_events(event: Event, trade_id: int) -> tuple[TradeEvent, ...]:
    """Return what an event did to a trade: its part of one that many trades share; nothing for a remark."""
    if isinstance(event, TrailsMoved):
        return tuple(moves_of(event, trade_id))
    alone = trade_event(event)
    return () if alone is None else (alone,)


def trade_event(event: Event) -> TradeEvent | None:
    """Return an event that changes one trade; None for any other, such as a note about it."""
    match event:
        case (
            TradePlaced()
            | EntryFilled()
            | ExitFilled()
            | CostCharged()
            | StopMoved()
            | TradeEnded()
            | TradeVoided()
            | LevelsChanged()
            | TradeFlagged()
            | TagsChanged()
        ):
            return event
        case _:
            return None
