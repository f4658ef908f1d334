"""Those who look: commands that catch up, ticks from cron, and the watch itself as `papertrade watch` drives it.

Cron and the watch take the watch's lock, as their commands do; at most one of them ever holds it. The rule to keep:
what is asked of a watch here is what docs/semantics.md and docs/reliability.md promise, never how it is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from papertrade.runs.once import watch_once
from papertrade.runs.round import Round, go_round
from papertrade.runs.stop_signals import Stopping
from papertrade.runs.tick import tick
from papertrade.runs.watch import Notice, Rhythm, Watch
from papertrade.runs.world import World
from papertrade.store.locks import WatchLock
from tests.simulation.actors import Actor
from tests.simulation.audit import Unsound

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

INTERVAL_MS = 30_000


class Watcher(Actor):
    """Catches up at odd times, as commands do, or every 30 s if steady."""

    def __init__(self, simulation: Simulation, name: str, *, is_steady: bool) -> None:
        super().__init__(simulation, name)
        self.is_steady = is_steady

    def step(self) -> None:
        chance = self.simulation.chance
        pause = INTERVAL_MS if self.is_steady else chance.choice([5_000, 30_000, 30_000, 60_000, 140_000, 600_000])
        self.next_ms = self.simulation.clock.true_ms + pause
        if self.is_steady or chance.random() < 0.5:
            tick(self.world)
        else:
            go_round(self.world)


class Cron(Actor):
    """`watch --once`, each time as a process of its own; while a watch runs it has nothing to do."""

    def step(self) -> None:
        self.next_ms = self.simulation.clock.true_ms + self.simulation.chance.choice([60_000, 60_000, 300_000])
        lock = WatchLock.take(self.world.store.path, self.name, self.simulation.clock.pause)
        try:
            watch_once(self.world, 1, list)
        finally:
            lock.release()


class Loop(Actor):
    """The watch, woken for its slots or late; whoever comes while another one runs is sent away, and comes again."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        super().__init__(simulation, name)
        self.watch: Watch | None = None
        self.lock: WatchLock | None = None
        self.stopping = Stopping()
        self.rounds = 0
        self.last_elapsed_ms = 0

    def step(self) -> None:
        chance, clock = self.simulation.chance, self.simulation.clock
        self.next_ms = clock.true_ms + chance.choice([10_000, 30_000, 30_000, 60_000, 95_000, 300_000])
        if self.watch is None:
            self.watch = self._begun()
        if chance.random() < 0.03:
            self.stopping.ask("stop")
        is_due = clock.elapsed_ms - self.last_elapsed_ms >= INTERVAL_MS and self.stopping.reason is None
        rounds = self.rounds
        is_over = self.watch.step() is None
        if is_due and self.rounds == rounds:
            raise Unsound(f"{self.name} slept through a slot: {clock.elapsed_ms - self.last_elapsed_ms} ms went by")
        self.last_elapsed_ms = clock.elapsed_ms
        if is_over:
            self.world.store.close()
            self.revive()
        else:
            self._look_alive()

    def revive(self) -> None:
        super().revive()
        self._gone()

    def close(self) -> None:
        super().close()
        self._gone()

    def _begun(self) -> Watch:
        """Begin to watch, if nobody else does. Raises WatchRunning."""
        clock = self.simulation.clock
        self.lock = WatchLock.take(self.world.store.path, self.name, clock.pause)
        self.stopping = Stopping()
        self.last_elapsed_ms = clock.elapsed_ms - INTERVAL_MS
        try:
            watch = Watch(self.world, Rhythm(interval_ms=INTERVAL_MS), _not_heard, self.stopping, list, self._go)
            watch.begin(1)
        except BaseException:
            self._gone()
            raise
        return watch

    def _go(self, world: World) -> Round:
        self.rounds += 1
        return go_round(world)

    def _look_alive(self) -> None:
        """Nobody may take a watch that lives for a dead one."""
        with self.simulation.auditor.store.read() as reader:
            run = reader.run(self.world.store.run_id)
        if run is None or run.ended_ms is not None:
            raise Unsound(f"{self.name} is alive, and the books say it was killed: {run}")

    def _gone(self) -> None:
        """End as a process: the kernel takes back what it held."""
        self.watch = None
        if self.lock is not None:
            self.lock.release()
            self.lock = None


def _not_heard(notice: Notice) -> None:
    """Nobody reads what a simulated watch says."""
