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
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import TradeEvent
from papertrade.engine.step import Rules
from papertrade.errors import PapertradeError
from papertrade.runs import observe, tick
from papertrade.runs.observe import ObservationRules
from papertrade.runs.world import World
from papertrade.store.rows import EventFilter
from papertrade.store.store import Store
from tests.simulation.actors import Actor, Loop, User, Watcher, first_accounts
from tests.simulation.audit import Auditor, Unsound
from tests.simulation.clock import SimulatedClock, Waiting
from tests.simulation.crashes import Fate, SimulatedStore
from tests.simulation.market import Tape, Weather, random_tape, random_weather
from tests.simulation.model import Life, listed, lives, modelled, without_flags
from tests.simulation.script import Line, random_script
from tests.simulation.venue import ScriptedFeed, Trouble

T = TypeVar("T")

START_MS = 1_700_000_040_000
MINUTES = 72
FIRST_MINUTE = 20
"""How much of the market lies before the user comes: commands look back for the newest candle."""

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
    struck: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What does not depend on how the world is run: the market, the user, the way of looking."""

    weather: Weather
    tapes: dict[str, Tape]
    script: list[Line]
    watching: ObservationRules
    rules: Rules
    look_candles: int
    batch: int

    @property
    def has_seconds(self) -> bool:
        """Whether seconds settle what a minute leaves open."""
        return self.weather.has_seconds and self.watching.settle is not None

    @property
    def end_ms(self) -> int:
        """When the market ends."""
        return START_MS + MINUTES * MINUTE_MS


def setting_of(seed: int) -> Setting:
    """Draw a seed's market and user."""
    chance = random.Random(f"{seed}:setting")
    weather = random_weather(chance)
    names = ["AAAUSDT", "BBBUSDT", "CCCUSDT"][: chance.choice([1, 2, 2, 3])]
    tapes = {name: random_tape(chance, name, START_MS, MINUTES, weather) for name in names}
    begin_ms, end_ms = START_MS + FIRST_MINUTE * MINUTE_MS, START_MS + (MINUTES - 10) * MINUTE_MS
    return Setting(
        weather=weather,
        tapes=tapes,
        script=random_script(chance, tapes, begin_ms, end_ms),
        watching=ObservationRules(settle=chance.choice(["1s", "1s", None])),
        rules=Rules(slippage_bps=Decimal(chance.choice([0, 0, 5])), leverage=Decimal(chance.choice([1, 1, 1, 5]))),
        look_candles=chance.choice([7, 15, 5_000]),
        batch=chance.choice([1, 2, 200]),
    )


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
        self.clock_jumps = self.chance.choice([0.0, 0.0, 0.05])
        if is_quiet:
            self._calm()
        self.path = folder / f"{seed}{'-quiet' if is_quiet else ''}.db"
        self.waiting = Waiting(self.clock)
        self.depth = 0
        self.acknowledged: list[TradeEvent] = []
        first_accounts(self.path, self.clock)
        plain = Store.open(self.path, now_ms=self.clock.now_ms, run_id="auditor", pause=self.clock.pause)
        self.auditor = Auditor(plain, audit_every)
        self.actors: list[Actor] = [User(self, "user", self.setting.script)]
        watchers = 1 if is_quiet else self.chance.choice([1, 1, 2, 3])
        self.actors += [Watcher(self, f"watch{n}", is_steady=is_quiet) for n in range(watchers)]
        if not is_quiet and self.chance.random() < 0.3:
            self.actors.append(Loop(self, "loop"))

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
        store.haunt(self.fate, self.others, self.auditor.look)
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
        ready = [a for a in self.actors if not a.is_busy and a.may_overtake()]
        if ready:
            self.run(self.chance.choice(ready))

    def run(self, actor: Actor) -> None:
        """Let an actor take its turn; one that dies is started anew."""
        self.depth += 1
        fate_before, self.fate.is_dead = self.fate.is_dead, False
        actor.is_busy = True
        try:
            actor.step()
        except PapertradeError as error:
            actor.failed(error)
        except BaseException:
            if not self.fate.is_dead:
                raise
            actor.revive()
        finally:
            actor.is_busy = False
            self.fate.is_dead = fate_before
            self.depth -= 1

    # -- the two phases --------------------------------------------------------------------------------

    def play(self) -> Outcome:
        """Run the seed: first with faults, then without; raises Unsound if anything is wrong."""
        with _small_steps(self.setting):
            try:
                self._safety()
                self._calm()
                last_ms = self._liveness()
                return self._judge(last_ms)
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

    def _calm(self) -> None:
        self.trouble.is_quiet = self.fate.is_quiet = True
        self.fate.forgive()
        self.overtaking = self.clock_jumps = 0.0

    def _liveness(self) -> int:
        """Three ticks without faults; returns the instant of the last one."""
        watcher = next(a for a in self.actors if isinstance(a, Watcher))
        self.clock.true_ms = max(self.clock.true_ms, self.setting.end_ms)
        for _ in range(3):
            watcher.step()
            self.clock.advance(30_000)
        return self.clock.true_ms - 30_000

    def _judge(self, last_ms: int) -> Outcome:
        """Compare every trade with the one it must be."""
        self.auditor.check()
        with self.auditor.store.read() as reader:
            found = lives(reader)
            aside = {a.trade_id: a.error for a in reader.trades_set_aside()}
            journal = reader.events(EventFilter())
            digest = str(reader._connection.exec_driver_sql(_DIGEST).scalar_one())
        if any(error == "" for error in aside.values()) or (aside and self.setting.weather.absurd == 0):
            raise Unsound(f"set aside after three quiet ticks: {aside}")
        recorded = [row.event for row in journal]
        for event in self.acknowledged:
            if event not in recorded:
                raise Unsound(f"somebody was told of {event}, which is not in the journal")
        compared = [life for life in found if life.is_comparable and life.trade.id not in aside]
        for life in compared:
            self._compare(life, last_ms)
        return Outcome(
            seed=self.seed,
            digest=digest,
            kinds=tuple(row.kind for row in journal),
            lives=tuple(found),
            compared=len(compared),
            struck={**self.trouble.struck, **self.fate.struck},
        )

    def _compare(self, life: Life, last_ms: int) -> None:
        tape = self.setting.tapes[life.order.symbol]
        actual = without_flags(life.events)
        try:
            expected = modelled(life, tape, last_ms, has_seconds=self.setting.has_seconds)
        except ValueError as error:
            raise Unsound(
                f"trade {life.trade.id}: what was done to it cannot follow: {error}\n{listed(actual)}"
            ) from error
        if actual != expected:
            raise Unsound(
                f"trade {life.trade.id} of {life.order.symbol} {life.order.side}\n"
                f"must be\n{listed(expected)}\nand is\n{listed(actual)}"
            )

    def close(self) -> None:
        """Give everything back."""
        for actor in self.actors:
            actor.close()
        self.auditor.store.close()
        self.waiting.close()


@contextmanager
def _small_steps(setting: Setting) -> Iterator[None]:
    """Make looks and batches as small as the seed wants, so that few trades and candles need several."""
    before = observe._LOOK_CANDLES, tick.BATCH
    observe._LOOK_CANDLES, tick.BATCH = setting.look_candles, setting.batch
    try:
        yield
    finally:
        observe._LOOK_CANDLES, tick.BATCH = before


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder for databases, in memory where the system has such a place, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="papertrade-simulation-", dir=_SHM if _SHM.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def told(seed: int) -> str:
    """Return the lines that name a failing seed and how to run it again."""
    return f"papertrade simulation seed={seed}\nreplay it with: python -m tests.simulation --seed {seed}"


def simulate(seed: int, folder: Path, *, is_quiet: bool = False, audit_every: int = 20) -> Outcome:
    """Run one seed. Raises Unsound, or whatever escaped from the program."""
    return Simulation(seed, folder, is_quiet=is_quiet, audit_every=audit_every).play()
