"""Who acts in a simulation: somebody with a process of his own, who takes turns and may die in one.

An actor owns a world with a store of its own, as a process would; a death takes both, and the next turn begins
with what is on the disk. Who there is: watchers.py, user.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from papertrade.errors import PapertradeError
from papertrade.runs.accounts import create_account
from papertrade.store.store import Store
from tests.simulation.clock import SimulatedClock
from tests.simulation.crashes import SimulatedStore
from tests.simulation.script import ACCOUNTS
from tests.simulation.venue import ScriptedFeed

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation


def first_accounts(path: Path, clock: SimulatedClock) -> None:
    """Make the database and its accounts."""
    store = Store.open(path, now_ms=clock.now_ms, run_id="first", pause=clock.pause)
    for name in ACCOUNTS:
        create_account(store, name, "USDT", Decimal(20_000), clock.true_ms)
    store.close()


class Actor(ABC):
    """Somebody with a process of his own; `next_ms` is when he acts next."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        self.simulation = simulation
        self.name = name
        self.lives = 0
        self.is_busy = False
        self.next_ms = simulation.clock.true_ms
        self.world = simulation.world(name)

    def turn(self) -> None:
        """Take a turn; the venue's patience counts by turns."""
        if isinstance(self.world.feed, ScriptedFeed):
            self.world.feed.begin_turn()
        self.step()

    @abstractmethod
    def step(self) -> None:
        """Do what this actor does in a turn."""

    def may_overtake(self) -> bool:
        """Whether he could act at this instant, while somebody else waits."""
        return True

    def failed(self, error: PapertradeError) -> None:  # noqa: B027 (most have nothing to hear)
        """Hear why a turn came to nothing."""

    def revive(self) -> None:
        """Begin a new life with what is on the disk."""
        store = self.world.store
        if isinstance(store, SimulatedStore):
            store.bury()
        self.lives += 1
        self.world = self.simulation.world(f"{self.name}.{self.lives}")

    def close(self) -> None:
        """Close the database."""
        self.world.store.close()
