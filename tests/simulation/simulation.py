"""One seed, one world: who acts when, what goes wrong meanwhile, and whether the books are right after all.

Actors take turns on one thread. Wherever a process could be overtaken by another (before a transaction, around
a request to the venue) others may run first, and time may pass: such a run is nested in the call that waits.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import Event
from papertrade.errors import PapertradeError
from papertrade.runs.world import World
from papertrade.store.locks import write_lock_path
from papertrade.store.rows import EventFilter
from papertrade.store.store import Store
from tests.simulation.actors import Actor, first_accounts
from tests.simulation.audit import Auditor
from tests.simulation.clock import SimulatedClock, Waiting
from tests.simulation.crashes import Fate, SimulatedStore
from tests.simulation.judge import (
    all_is_there,
    compare,
    is_beyond_the_books,
    locks_are_free,
    nobody_acted_on_old_prices,
    nothing_was_broken,
)
from tests.simulation.model import Life, lives
from tests.simulation.printed import compare_printed
from tests.simulation.script import ACCOUNTS
from tests.simulation.seams import small_steps
from tests.simulation.setting import FIRST_MINUTE, MINUTES, START_MS, setting_of
from tests.simulation.story import newest_events, told
from tests.simulation.user import User
from tests.simulation.venue import ScriptedFeed, Trouble
from tests.simulation.watchers import Cron, Loop, Watcher

T = TypeVar("T")

_SHM = Path("/dev/shm")
_DIGEST = "SELECT hash FROM event ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a seed led to; `digest` is the last link of the journal's chain."""

    seed: int
    digest: str
    kinds: tuple[str, ...]
    lives: tuple[Life, ...]
    compared: int
    simulated_ms: int
    struck: dict[str, int] = field(default_factory=dict)


class Simulation:
    """A world that runs; `is_quiet` leaves out every fault and polls every 30 s."""

    def __init__(self, seed: int, folder: Path, *, is_quiet: bool = False, audit_every: int = 20) -> None:
        self.seed = seed
        self.setting = setting_of(seed)
        self.chance = random.Random(f"{seed}:faults")
        self.clock = SimulatedClock(START_MS + FIRST_MINUTE * MINUTE_MS)
        if not is_quiet:
            self.clock.error_ms = self.chance.choice([0, -7_000, 45_000, 3_600_000, -90_000_000])
        self.is_quiet = is_quiet
        self.trouble = Trouble.drawn(self.chance)
        self.fate = Fate.drawn(self.chance)
        self.overtaking = self.chance.choice([0.0, 0.02, 0.06])
        self.meddling = self.chance.choice([0.0, 0.0, 0.0005, 0.003])
        self.has_losable_locks = self.chance.random() < 0.5
        self.looks = (
            []
            if is_quiet
            else sorted(self.chance.sample(range(FIRST_MINUTE, MINUTES), self.chance.choice([0, 0, 0, 1])))
        )
        self.clock_jumps = self.chance.choice([0.0, 0.0, 0.05])
        if is_quiet:
            self._calm()
        self.path = folder / f"{seed}{'-quiet' if is_quiet else ''}.db"
        self.waiting = Waiting(self.clock)
        self.depth = 0
        self.struck: dict[str, int] = {}
        self.acknowledged: list[Event] = []
        first_accounts(self.path, self.clock)
        plain = Store.open(self.path, now_ms=self.clock.now_ms, run_id="auditor", pause=self.clock.pause)
        self.auditor = Auditor(plain, audit_every)
        self.actors: list[Actor] = [User(self, "user", self.setting.script)]
        watchers = 1 if is_quiet else self.chance.choice([1, 1, 2, 3])
        self.actors += [Watcher(self, f"watch{n}", is_steady=is_quiet) for n in range(watchers)]
        if not is_quiet:
            self.actors += [Loop(self, f"loop{n}") for n in range(self.chance.choice([0, 0, 1, 2]))]
            self.actors += [Cron(self, "cron")] * self.chance.choice([0, 0, 1])

    # -- what actors are given -------------------------------------------------------------------------

    def world(self, name: str) -> World:
        """Open the database for an actor, as a process that starts does."""
        return World(
            store=self.haunted(name),
            feed=ScriptedFeed(
                self.setting.tapes, self.clock, self.trouble, has_seconds=self.setting.weather.has_seconds
            ),
            clock=self.clock,
            rules=self.setting.rules,
            watching=self.setting.watching,
            wait=self.wait,
        )

    def haunted(self, name: str) -> SimulatedStore:
        """Open the store with everything that may happen to it."""
        store = SimulatedStore.open(self.path, now_ms=self.clock.now_ms, run_id=name, pause=self.clock.pause)
        if not isinstance(store, SimulatedStore):
            raise TypeError("the store forgot its class")
        store.haunt(self.fate, self, self.auditor)
        return store

    def wait(self, coroutine: Coroutine[object, object, T], /) -> T:
        """Run what talks to the venue; others may act before it asks and before its answer is used."""
        self.others()
        answer = self.waiting(coroutine)
        self.others()
        return answer

    def others(self) -> None:
        """Let another actor overtake the one that runs, now and then after a long time."""
        if self.depth >= 3 or self.overtaking == 0.0 or self.chance.random() >= self.overtaking:
            return
        self.clock.advance(self.chance.choice([1, 200, 3_000, 20_000, 61_000, 200_000]))
        self._somebody()

    def amid(self, path: Path, *, is_writing: bool) -> None:
        """Let another actor run while a transaction waits; now and then somebody has deleted the writers' lock file.

        With the file there other writers wait in vain; without it only SQLite's own lock keeps them apart.
        """
        if self.depth == 0 or self.depth >= 3 or self.meddling == 0.0 or self.chance.random() >= self.meddling:
            return
        if is_writing and self.has_losable_locks:
            write_lock_path(path).unlink(missing_ok=True)
            self._count("lock file deleted")
        self.clock.advance(self.chance.choice([1, 50, 1_000]))
        self._count("overtaken in a write" if is_writing else "overtaken in a read")
        self._somebody()

    def _somebody(self) -> None:
        ready = [a for a in self.actors if not a.is_busy and a.may_overtake()]
        if ready:
            self.run(self.chance.choice(ready))

    def _count(self, kind: str) -> None:
        self.struck[kind] = self.struck.get(kind, 0) + 1

    def run(self, actor: Actor) -> None:
        """Let an actor take its turn; one that dies is started anew."""
        self.depth += 1
        actor.is_busy = True
        try:
            with self.fate.elsewhere():
                self._turn(actor)
        finally:
            actor.is_busy = False
            self.depth -= 1

    def _turn(self, actor: Actor) -> None:
        try:
            actor.turn()
        except PapertradeError as error:
            actor.failed(error)
        except BaseException:
            if not self.fate.is_dead:
                raise
            actor.revive()

    # -- the two phases --------------------------------------------------------------------------------

    def play(self) -> Outcome:
        """Run the seed: first with faults, then without; raises Unsound if anything is wrong."""
        with small_steps(self.setting):
            try:
                self._safety()
                self._calm()
                last_ms = self._liveness()
                return self._judge(last_ms)
            except Exception as error:
                error.add_note(f"{told(self.seed)}\n{newest_events(self.auditor.store)}")
                raise
            finally:
                self.close()

    def _safety(self) -> None:
        end_ms = self.setting.end_ms
        while True:
            actor = min(self.actors, key=lambda a: a.next_ms)
            if max(actor.next_ms, self.clock.true_ms) >= end_ms:
                return
            if actor.next_ms > self.clock.true_ms:
                is_asleep = not self.is_quiet and actor.next_ms - self.clock.true_ms > 5 * MINUTE_MS
                self.clock.advance(actor.next_ms - self.clock.true_ms, is_asleep=is_asleep)
            if self.chance.random() < self.clock_jumps:
                self.clock.error_ms += self.chance.choice([-3_600_000, 3_600_000, -86_400_000, 2_000])
            self.run(actor)
            if self.looks and self.clock.true_ms >= START_MS + self.looks[0] * MINUTE_MS:
                self.looks.pop(0)
                self._compare_printed()

    def _calm(self) -> None:
        self.trouble.is_quiet = self.fate.is_quiet = True
        self.fate.forgive()
        self.overtaking = self.meddling = self.clock_jumps = 0.0

    def _liveness(self) -> int:
        """Three ticks without faults; returns the instant of the last one."""
        watcher = next(a for a in self.actors if isinstance(a, Watcher))
        self.clock.true_ms = max(self.clock.true_ms, self.setting.end_ms)
        for _ in range(3):
            watcher.turn()
            self.clock.advance(30_000)
        return self.clock.true_ms - 30_000

    def _judge(self, last_ms: int) -> Outcome:
        """Compare every trade with the one it must be, and what was said and is printed with the books."""
        self.auditor.check()
        setting = self.setting
        with self.auditor.store.read() as reader:
            found = lives(reader)
            aside = nothing_was_broken(reader, may_break=setting.weather.absurd > 0)
            journal = reader.events(EventFilter())
            digest = str(reader._connection.exec_driver_sql(_DIGEST).scalar_one())
        all_is_there(self.acknowledged, journal)
        symbols = {life.trade.id: life.order.symbol for life in found}
        nobody_acted_on_old_prices(journal, setting.tapes, symbols, setting.watching.max_age_ms)
        compared = [life for life in found if life.is_comparable and life.trade.id not in aside]
        if setting.weather.absurd > 0:
            tapes = setting.tapes
            compared = [c for c in compared if not is_beyond_the_books(c, tapes[c.order.symbol], last_ms)]
        for life in compared:
            compare(life, setting.tapes[life.order.symbol], last_ms, has_seconds=setting.has_seconds)
        self._compare_printed()
        for actor in self.actors:
            actor.close()
        locks_are_free(self.auditor.store)
        return Outcome(
            seed=self.seed,
            digest=digest,
            kinds=tuple(row.kind for row in journal),
            lives=tuple(found),
            compared=len(compared),
            simulated_ms=self.clock.true_ms - START_MS - FIRST_MINUTE * MINUTE_MS,
            struck={**self.trouble.struck, **self.fate.struck, **self.struck},
        )

    def _compare_printed(self) -> None:
        """Compare what is printed; the account of fractions knows of no costs but those of fills."""
        if self.setting.rules.funding is not None or self.setting.rules.borrow is not None:
            return
        account = ACCOUNTS[self.seed % 4 == 3]
        leverage = Fraction(int(self.setting.rules.leverage))
        compare_printed(self.auditor.store, account, self.clock.true_ms, leverage)

    def close(self) -> None:
        """Give everything back."""
        for actor in self.actors:
            actor.close()
        self.auditor.store.close()
        self.waiting.close()


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder for databases, in memory where the system has such a place, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="papertrade-simulation-", dir=_SHM if _SHM.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def simulate(seed: int, folder: Path, *, is_quiet: bool = False, audit_every: int = 20) -> Outcome:
    """Run one seed. Raises Unsound, or whatever escaped from the program."""
    return Simulation(seed, folder, is_quiet=is_quiet, audit_every=audit_every).play()
