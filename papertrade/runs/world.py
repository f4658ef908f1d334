"""What every run is made of: a store, a feed, a clock and the rules. Put together in `bootstrap.py`."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import field
from datetime import UTC, tzinfo
from typing import Protocol, TypeVar

from papertrade.engine.messages import CostCharged, TradeEvent
from papertrade.engine.step import Rules
from papertrade.engine.trade import Status, Trade
from papertrade.engine.values import dataclass
from papertrade.errors import PapertradeError
from papertrade.feeds.feed import Feed
from papertrade.runs.clock import Clock
from papertrade.runs.observe import ObservationRules
from papertrade.store.store import Store

T = TypeVar("T")


class Waiter(Protocol):
    """Runs a coroutine to its end; one event loop for the whole process, so that connections live on."""

    def __call__(self, coroutine: Coroutine[object, object, T], /) -> T:
        """Return what the coroutine returns."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The things outside, and the rules. `wait` runs what talks to the venue; `zone` is the one whose days count."""

    store: Store
    feed: Feed
    clock: Clock
    rules: Rules
    watching: ObservationRules
    wait: Waiter
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one trade; `before` is None for a trade that began."""

    before: Trade | None
    after: Trade
    events: tuple[TradeEvent, ...]

    @property
    def deed(self) -> TradeEvent:
        """What it is about: the first event that is not just a cost of holding the trade."""
        return next((event for event in self.events if not isinstance(event, CostCharged)), self.events[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class TickReport:
    """What one tick did. `failures` are by symbol, with how many ticks in a row each has failed."""

    at_ms: int
    symbols: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    failures: Mapping[str, PapertradeError] = field(default_factory=dict)
    in_a_row: Mapping[str, int] = field(default_factory=dict)
    set_aside: Mapping[int, str] = field(default_factory=dict)

    @property
    def filled(self) -> tuple[Change, ...]:
        """The waiting entries that were filled."""
        return tuple(
            c
            for c in self.changes
            if c.before is not None and c.before.status is Status.PENDING and c.after.entry_price is not None
        )

    @property
    def closed(self) -> tuple[Change, ...]:
        """The trades that ended with an exit."""
        return tuple(c for c in self.changes if c.after.status is Status.CLOSED)
