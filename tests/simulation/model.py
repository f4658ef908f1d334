"""The trades as they must be: each alone, through every candle of its symbol, by the rule and nothing else.

No store, no index, no polling, no crash: one trade, its own changes by hand at their own instants, and all final
candles in time order. What the simulated world recorded of it must be exactly this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import (
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    TradeEnded,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
    effective_ms,
)
from papertrade.engine.signal import ExitWish
from papertrade.engine.state import evolve
from papertrade.engine.touch import has_ambiguous_exit, touch
from papertrade.engine.trade import ExitReason, Flag, Order, Ruling, Status, Trade
from papertrade.store.rows import EventFilter
from papertrade.store.store import Reader
from tests.simulation.market import Tape


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
        """Whether its result may depend on nothing but the market and its own changes."""
        return not {Flag.OBSERVED, Flag.UNVERIFIED} & set(self.trade.flags)


def lives(reader: Reader) -> list[Life]:
    """Return every trade with its events."""
    found: dict[int, list[TradeEvent]] = {}
    for row in reader.events(EventFilter()):
        if isinstance(row.event, TradePlaced | EntryFilled | ExitFilled | TradeEnded | LevelsChanged | TradeFlagged):
            found.setdefault(row.event.trade_id, []).append(row.event)
    trades = reader.trades(found)
    return [Life(trades[number], tuple(events)) for number, events in sorted(found.items())]


def is_by_hand(event: TradeEvent) -> bool:
    match event:
        case TradePlaced() | LevelsChanged():
            return True
        case EntryFilled():
            return event.order is not None
        case ExitFilled():
            return event.reason is ExitReason.MANUAL
        case TradeEnded():
            return event.status is Status.CANCELLED
        case _:
            return False


def without_flags(events: Sequence[TradeEvent]) -> list[TradeEvent]:
    """Leave out what only remarks on a trade."""
    return [event for event in events if not isinstance(event, TradeFlagged)]


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
        return replace(event, order=replace(event.order, signal_id=0))
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
        case LevelsChanged():
            return f"{when} {_ruled([event.ruling])}"
        case _:
            return when


def _ruled(rulings: Sequence[Ruling]) -> str:
    return " then ".join(f"[from {r.from_ms // MINUTE_MS % 1000:03d} {_wished(r.wish)}]" for r in rulings)


def _wished(exits: ExitWish) -> str:
    return f"stop {exits.stop} targets {', '.join(map(str, exits.targets))}"
