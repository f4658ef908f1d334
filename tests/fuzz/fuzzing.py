"""Running targets against edited input, and telling what came out that should not."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import Target

SLOW_SECONDS = 0.1


@dataclass
class Found:
    """What fuzzing a target came to."""

    name: str
    executions: int = 0
    refused: int = 0
    escapes: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """Yield the seeds as they are, then edits of them without an end."""
    chance = random.Random(f"{target.name}:{seed}")
    yield from target.seeds
    while True:
        yield mutated(chance, chance.choice(target.seeds))


def fuzzed(target: Target, seed: int, executions: int | None = None, seconds: float | None = None) -> Found:
    """Run a target so often, or for so long; an input that was slow once counts if it is slow again."""
    found = Found(target.name)
    began = time.monotonic()
    for raw in inputs(target, seed):
        if executions is not None and found.executions >= executions:
            break
        if seconds is not None and time.monotonic() - began >= seconds:
            break
        found.executions += 1
        if _run(target, raw, found) > SLOW_SECONDS and min(_run(target, raw, found) for _ in range(3)) > SLOW_SECONDS:
            found.slow.append(repr(raw[:200]))
    return found


def _run(target: Target, raw: bytes, found: Found) -> float:
    began = time.perf_counter()
    try:
        target.run(raw)
    except target.declared:
        found.refused += 1
    except Exception as error:
        found.escapes.append(f"{type(error).__name__}: {error}: {raw[:200]!r}")
    return time.perf_counter() - began
