"""A soak from beginning to end: many open trades, a tick every half minute, kills, a sleep, and what it all cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from papertrade.engine.market import HOUR_MS, Side
from papertrade.engine.signal import ExitWish, Level, LevelKind, Signal, Size, SizeKind, TargetWish, TrailWish
from papertrade.engine.step import Rules
from papertrade.errors import FeedError
from papertrade.runs.accounts import begin_account
from papertrade.runs.catch_up import catch_up
from papertrade.runs.observe import ObservationRules
from papertrade.runs.opening import OpenRequest, open_one
from papertrade.runs.tick import tick
from papertrade.runs.world import World
from papertrade.store.store import Store
from tests.simulation.clock import SimulatedClock, Waiting
from tests.soak.venue import START_MS, EndlessFeed

TICK_MS = 30_000
SLEEP_HOURS = 3
FAILING = 0.05


@dataclass(frozen=True)
class Soak:
    """How long, with how many open trades on how many symbols; killed every so many ticks."""

    hours: int
    trades: int
    symbols: int
    kill_every: int = 900


@dataclass
class Cost:
    """What a soak cost: seconds of each tick, memory in KiB after each hour, files open, the largest log."""

    ticks: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    log_bytes: int = 0
    closed: int = 0
    kills: int = 0
    failed: int = 0
    is_sound: bool = False

    @property
    def growth_kib(self) -> int:
        """How much memory grew after the first hour."""
        return self.memory[-1] - self.memory[0]

    def tick_ms(self, share: float) -> float:
        """Return the time that this share of the ticks stayed under."""
        return sorted(self.ticks)[min(int(len(self.ticks) * share), len(self.ticks) - 1)] * 1000

    def __str__(self) -> str:
        return (
            f"{len(self.ticks)} ticks, {self.closed} trades closed, {self.kills} kills, {self.failed} requests failed\n"
            f"tick p50 {self.tick_ms(0.5):.1f}, p99 {self.tick_ms(0.99):.1f}, max {self.tick_ms(1):.1f} ms\n"
            f"memory {self.memory[0] / 1024:.1f} -> {self.memory[-1] / 1024:.1f} MiB after the first hour, "
            f"grown by {self.growth_kib / 1024:.1f}\n"
            f"files {min(self.files)} to {max(self.files)}, log at most {self.log_bytes / 2**20:.1f} MiB, "
            f"books sound: {self.is_sound}"
        )


def soaked(soak: Soak, path: Path) -> Cost:
    """Run a soak on a new database."""
    clock = SimulatedClock(START_MS + HOUR_MS)
    feed = EndlessFeed(clock, 0.0)
    waiting = Waiting(clock)
    cost = Cost()
    try:
        store = _opened(path, clock)
        store.write(lambda writer: begin_account(writer, "main", "USDT", Decimal(900_000_000), clock.now_ms()))
        _fill(_world(store, feed, clock, waiting), soak)
        feed._failing = FAILING
        for number, has_slept in _slots(soak):
            clock.advance(SLEEP_HOURS * HOUR_MS if has_slept else TICK_MS, is_asleep=has_slept)
            if number % soak.kill_every == 0:
                store.close()
                store = _opened(path, clock)
                cost.kills += 1
            _tick(_world(store, feed, clock, waiting), cost, path)
            if number % 120 == 0:
                cost.memory.append(_memory_kib())
                cost.files.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        feed._failing = 0.0
        _tick(_world(store, feed, clock, waiting), cost, path)
        cost.is_sound = store.check().is_sound
        cost.failed = feed.failed
        store.close()
    finally:
        waiting.close()
    return cost


def _slots(soak: Soak) -> Iterator[tuple[int, bool]]:
    """Yield the ticks, counted from 1, and whether the machine has slept before one."""
    for number in range(1, soak.hours * 120 + 1):
        yield number, number == soak.hours * 60


def _tick(world: World, cost: Cost, path: Path) -> None:
    began = time.perf_counter()
    with suppress(FeedError):
        report, _ = tick(world)
        cost.closed += sum(not change.after.status.is_live for change in report.changes)
    cost.ticks.append(time.perf_counter() - began)
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        cost.log_bytes = max(cost.log_bytes, log.stat().st_size)
    world.store.checkpoint_if_large()


def _opened(path: Path, clock: SimulatedClock) -> Store:
    return Store.open(path, now_ms=clock.now_ms, run_id="soak", pause=clock.pause)


def _world(store: Store, feed: EndlessFeed, clock: SimulatedClock, waiting: Waiting) -> World:
    watching = ObservationRules(settle=None)
    return World(store=store, feed=feed, clock=clock, rules=Rules(), watching=watching, wait=waiting)


def _fill(world: World, soak: Soak) -> None:
    """Open the trades: most with exits that the day does not reach, some that it does, some that trail."""
    symbols = [f"S{number:03}USDT" for number in range(soak.symbols)]
    present = catch_up(world, symbols)
    for number in range(soak.trades):
        opened = open_one(world, "main", OpenRequest(signal=_signal(number, symbols, world), is_again=True), present)
        if opened.error is not None:
            raise opened.error
        world.store.checkpoint_if_large()


def _signal(number: int, symbols: list[str], world: World) -> Signal:
    side = Side.LONG if number % 2 else Side.SHORT
    away = Decimal(1 + number % 7) if number % 10 == 0 else Decimal(40)
    trail = TrailWish(Level(LevelKind.PERCENT, Decimal(30))) if number % 20 == 1 else None
    target = TargetWish(Level(LevelKind.PERCENT, away))
    return Signal(
        source="soak",
        external_id=str(number),
        symbol=symbols[number % len(symbols)],
        side=side,
        made_at_ms=world.clock.now_ms(),
        exits=ExitWish(Level(LevelKind.PERCENT, away), (target,), trail),
        size=Size(SizeKind.QUANTITY, Decimal(1)),
    )


def _memory_kib() -> int:
    with closing(open("/proc/self/status", encoding="ascii")) as stream:  # noqa: PTH123
        return next(int(line.split()[1]) for line in stream if line.startswith("VmRSS:"))
