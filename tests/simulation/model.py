"""The trades as they must be: each alone, through every candle of its symbol, by the rule and nothing else.

No store, no index, no polling, no crash: one trade, its own changes by hand at their own instants, and all final
candles in time order. What the simulated world recorded of it must be exactly this. Whether the rule itself is right
is asked in by_oracle.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from papertrade.engine.conventions import DecidedBy
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import (
    CostCharged,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    StopMoved,
    TradeEnded,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
    TradeVoided,
    TrailsMoved,
    effective_ms,
)
from papertrade.engine.signal import ExitWish
from papertrade.engine.state import evolve
from papertrade.engine.touch import has_ambiguous_exit, touch
from papertrade.engine.trade import ExitReason, Flag, Order, Ruling, Status, Trade
from papertrade.engine.trails import is_new_peak, moves_of
from papertrade.store.rows import EventFilter
from papertrade.store.store import Reader
from tests.simulation.market import Tape

_OF_A_LIFE = (
    TradePlaced,
    EntryFilled,
    ExitFilled,
    CostCharged,
    StopMoved,
    TradeEnded,
    TradeVoided,
    LevelsChanged,
    TradeFlagged,
)


@dataclass(frozen=True)
class Life:
    """One trade as it was recorded: all its events, in the order of the journal."""

    trade: Trade
    events: tuple[TradeEvent, ...]

    @property
    def order(self) -> Order:
        return self.trade.order

    @property
    def by_hand(self) -> tuple[TradeEvent, ...]:
        """What people did to it, beginning with its opening."""
        return tuple(event for event in self.events if is_by_hand(event))

    @property
    def is_comparable(self) -> bool:
        """Whether its result may depend on nothing but the market and its own changes, never on who looked when."""
        by_candles = self.order.terms.convention.decides is DecidedBy.FINAL_CANDLES
        return by_candles and not {Flag.OBSERVED, Flag.UNVERIFIED} & set(self.trade.flags)


def lives(reader: Reader) -> list[Life]:
    """Return every trade with its events."""
    found: dict[int, list[TradeEvent]] = {}
    for row in reader.events(EventFilter()):
        if isinstance(row.event, TrailsMoved):
            for move in moves_of(row.event):
                found[move.trade_id].append(move)
        elif isinstance(row.event, _OF_A_LIFE):
            found.setdefault(row.event.trade_id, []).append(row.event)
    trades = reader.trades(found)
    return [Life(trades[number], tuple(events)) for number, events in sorted(found.items())]


def is_by_hand(event: TradeEvent) -> bool:
    match event:
        case TradePlaced() | TradeVoided() | LevelsChanged():
            return True
        case EntryFilled():
            return event.order is not None
        case ExitFilled():
            return event.reason is ExitReason.MANUAL
        case CostCharged():
            return event.applied_to is None
        case TradeEnded():
            return event.status is Status.CANCELLED
        case _:
            return False


def without_flags(events: Sequence[TradeEvent]) -> list[TradeEvent]:
    """Leave out what only remarks on a trade, and the new peaks that others followed before anything came of them."""
    kept: list[TradeEvent] = []
    for event in events:
        if not isinstance(event, TradeFlagged):
            if kept and is_new_peak(event) and is_new_peak(kept[-1]):
                kept.pop()
            kept.append(event)
    return kept


def modelled(life: Life, tape: Tape, until_ms: int, *, has_seconds: bool) -> list[TradeEvent]:
    """Return the events that a trade must have had when all candles up to `until_ms` have been shown to it."""
    first, *changes = life.by_hand
    trade = evolve(None, first)
    events: list[TradeEvent] = [first]
    for candle in tape.final(trade.order.placed_at, until_ms):
        while changes and effective_ms(changes[0]) < candle.end_ms:
            trade = evolve(trade, changes[0])
            events.append(changes.pop(0))
        after, happened = touch(trade, candle)
        if has_seconds and has_ambiguous_exit(happened):
            after, happened = touch(trade, candle, tape.minutes[candle.open_ms].seconds())
        trade = after
        events.extend(happened)
    for change in changes:
        trade = evolve(trade, change)
        events.append(change)
    return events


def alike(one: Sequence[Life], other: Sequence[Life]) -> list[tuple[Life, Life]]:
    """Pair the trades of two worlds that were opened and changed by hand in the same way at the same instants."""
    there = {_deed(life): life for life in other if life.is_comparable}
    return [(life, there[_deed(life)]) for life in one if life.is_comparable and _deed(life) in there]


def anonymous(events: Sequence[TradeEvent]) -> list[TradeEvent]:
    """Return events without the numbers that depend on what else happened in a world, and without remarks."""
    return [_nameless(event) for event in without_flags(events)]


def _deed(life: Life) -> tuple[TradeEvent, ...]:
    return tuple(anonymous(life.by_hand))


def _nameless(event: TradeEvent) -> TradeEvent:
    event = replace(event, trade_id=0)
    if isinstance(event, TradePlaced | EntryFilled) and event.order is not None:
        return replace(event, order=replace(event.order, signal_id=0, sizing=None))
    return event


def listed(events: Sequence[TradeEvent]) -> str:
    """Print events a line each, short enough to compare."""
    return "\n".join(f"  {_told(event)}" for event in events)


def _told(event: TradeEvent) -> str:
    """Return an event in a line: its minute of the simulation, and the numbers that decide."""
    at = effective_ms(event)
    when = f"{at // MINUTE_MS % 1000:03d}:{at % MINUTE_MS / 1000:06.3f} {type(event).__name__}"
    match event:
        case TradePlaced():
            order = event.order
            return f"{when} {order.entry_type} {order.entry_price} {_wished(order.exits)} until {order.expires_at}"
        case EntryFilled():
            return (
                f"{when} {event.quantity} at {event.price} by {event.cause.rule} {event.flags} {_ruled(event.rulings)}"
            )
        case ExitFilled():
            sure = "ambiguous" if event.is_ambiguous else ""
            return f"{when} {event.reason} {event.quantity} at {event.price} by {event.cause.rule} {event.flags} {sure}"
        case TradeEnded():
            return f"{when} {event.status} {event.why}"
        case CostCharged():
            return f"{when} {event.kind} {event.amount} for {event.quantity} at {event.price} to {event.to_ms}"
        case LevelsChanged():
            return f"{when} {_ruled([event.ruling])}"
        case StopMoved():
            return f"{when} to {event.stop} ({event.reason}) by {event.cause.rule}"
        case _:
            return when


def _ruled(rulings: Sequence[Ruling]) -> str:
    return " then ".join(f"[from {r.from_ms // MINUTE_MS % 1000:03d} {_wished(r.wish)}]" for r in rulings)


def _wished(exits: ExitWish) -> str:
    more = {"trail": exits.trail, "even": exits.break_even, "limit": exits.time_limit, "after": exits.after_first}
    rules = "".join(f" {name} {wish}" for name, wish in more.items() if wish is not None)
    return f"stop {exits.stop} targets {', '.join(map(str, exits.targets))}{rules}"
