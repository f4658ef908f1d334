"""Whether a watch runs and how it fares, as another process sees it; and asking it to end.

The lock says who lives, the database says how. The rule to keep: a run that never said goodbye and holds no
lock is dead, whatever its number is used for now.
"""

from __future__ import annotations

from collections.abc import Callable

from papertrade.engine.values import dataclass
from papertrade.runs.notify import GIVEN_UP_MS
from papertrade.runs.watch import LOOP, ONCE
from papertrade.store.locks import watch_holder
from papertrade.store.rows import Run, SetAside, SymbolFailures, VenueState
from papertrade.store.store import Store

_STOP_LOOKS = 15
_STOP_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """What is known of the watch of a database.

    `holder` is who holds the lock, also a single tick; `loop` is the loop that began last, `once` sums up all
    single ticks. `undelivered` notifications wait, `given_up` ones do not any more.
    """

    holder: str | None
    loop: Run | None
    once: Run | None
    live: int
    failing: tuple[SymbolFailures, ...]
    broken: tuple[SetAside, ...]
    venue: VenueState
    undelivered: int
    given_up: int

    @property
    def is_running(self) -> bool:
        """Whether a loop runs; a lock whose holder has not written its name yet counts as one."""
        return self.holder is not None and not self.holder.startswith(ONCE)

    @property
    def was_killed(self) -> bool:
        """Whether the last loop went without a goodbye."""
        return not self.is_running and self.loop is not None and self.loop.ended_ms is None


def watch_state(store: Store, venue: str) -> WatchState:
    """Return how the watch fares."""
    holder = watch_holder(store.path)
    with store.read() as reader:
        waiting = reader.deliveries_waiting()
        given_up = sum(delivery.next_ms >= GIVEN_UP_MS for delivery in waiting)
        return WatchState(
            holder=holder,
            loop=reader.last_run(LOOP),
            once=reader.run(ONCE),
            live=reader.live_count(),
            failing=reader.symbol_failures(),
            broken=tuple(aside for aside in reader.trades_set_aside() if aside.error != ""),
            venue=reader.venue_state(venue),
            undelivered=len(waiting) - given_up,
            given_up=given_up,
        )


def request_stop(store: Store, run_id: str, reason: str, pause: Callable[[float], None]) -> bool:
    """Ask a running loop to end, and wait three seconds for it; returns whether it has ended by then."""
    store.write(lambda writer: writer.request_stop(run_id, reason))
    for _ in range(_STOP_LOOKS):
        pause(_STOP_PAUSE_SECONDS)
        with store.read() as reader:
            run = reader.run(run_id)
        if run is None or run.ended_ms is not None:
            return True
    return False
