"""A hammer from beginning to end: begin the processes, kill some, read what they wrote, judge."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.cli import run
from tests.hammer.history import Call, anomalies, calls_in
from tests.hammer.workers import (
    Hammer,
    Worker,
    environment,
    lives_in,
    misbehaved,
    venue,
    waits_in,
    write_signals,
)
from tests.store.children import in_children


@dataclass(frozen=True)
class Verdict:
    """What a hammer came to."""

    calls: list[Call]
    trades: int
    killed: int
    anomalies: list[str]
    misbehaviour: list[str]
    is_sound: bool
    waits_us: list[int]
    seconds: float

    def wait_ms(self, share: float) -> float:
        """Return the wait for the write lock that this share of the writers stayed under."""
        return self.waits_us[min(int(len(self.waits_us) * share), len(self.waits_us) - 1)] / 1000

    def __str__(self) -> str:
        codes = Counter(f"{call.kind} {call.code}" for call in self.calls)
        return (
            f"{len(self.calls)} calls in {self.seconds:.0f} s, {self.trades} trades, {self.killed} processes killed\n"
            f"{len(self.anomalies)} anomalies, {len(self.misbehaviour)} wrong answers, books sound: {self.is_sound}\n"
            f"write lock: p50 {self.wait_ms(0.5):.1f}, p99 {self.wait_ms(0.99):.1f}, max {self.wait_ms(1):.1f} ms\n"
            + ", ".join(f"{name}: {times}" for name, times in sorted(codes.items()))
        )


def hammered(hammer: Hammer, folder: Path, kills: int = 0) -> Verdict:
    """Run a hammer on a new database in a folder; every process that is killed begins again."""
    path = folder / "book.db"
    write_signals(folder / "signals.csv", hammer.signals)
    with venue(hammer.seed) as server:
        settings = environment(path, server.base_url)
        done = run(["signal", "import", str(folder / "signals.csv")], settings)
        if done.code != 0:
            raise ValueError(done.err)
        began = time.monotonic()
        killed = _watch_over(hammer, folder, settings, kills)
        seconds = time.monotonic() - began
        is_sound = run(["check", "-q"], settings).code == 0
    calls = calls_in(folder.glob("history-*.jsonl"))
    lives, deposited = lives_in(path)
    return Verdict(
        calls=calls,
        trades=len(lives),
        killed=killed,
        anomalies=anomalies(calls, lives, deposited),
        misbehaviour=misbehaved(calls),
        is_sound=is_sound,
        waits_us=waits_in(folder) or [0],
        seconds=seconds,
    )


def _watch_over(hammer: Hammer, folder: Path, settings: dict[str, str], kills: int) -> int:
    """Begin the processes, kill one now and then and begin it again; returns how many died so."""
    chance = random.Random(hammer.seed)

    def work(number: int) -> int:
        return Worker(number, hammer, folder, settings).go()

    living = set(in_children(hammer.processes, work))
    killed = 0
    while living:
        time.sleep(0.02)
        if killed < kills and chance.random() < 0.02:
            victim = chance.choice(sorted(living))
            os.kill(victim, signal.SIGKILL)
            killed += 1
            living |= set(in_children(1, work))
        for child in sorted(living):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended == 0:
                continue
            living.remove(child)
            code = os.waitstatus_to_exitcode(status)
            if code not in (0, -signal.SIGKILL):
                raise ValueError(f"a process ended with {code}")
    return killed
