"""Time as the simulation makes it: one true time (the venue's), a wall clock beside it, and an event loop.

The wall clock is off and may jump; the monotonic clock stands still while the machine sleeps. The event loop
never waits: when nothing is ready it moves the clock to the next timer, so deadlines are reached at once.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass
class SimulatedClock:
    """`true_ms` is the venue's time; the wall clock shows it with an error."""

    true_ms: int
    error_ms: int = 0
    elapsed_ms: int = 1_000_000

    def now_ms(self) -> int:
        return self.true_ms + self.error_ms

    def monotonic(self) -> float:
        return self.elapsed_ms / 1000

    def pause(self, seconds: float) -> None:
        self.advance(math.ceil(seconds * 1000))

    def advance(self, ms: int, *, is_asleep: bool = False) -> None:
        """Let time pass; a sleeping machine's monotonic clock does not notice."""
        self.true_ms += ms
        self.elapsed_ms += 0 if is_asleep else ms


class _Selector(selectors.SelectSelector):
    """Never waits: where a real one would, time jumps to the next timer."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("the simulation waits for something that never comes")
        if not ready and timeout is not None and timeout > 0:
            self._clock.pause(timeout)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(_Selector(clock))
        self._simulated = clock

    def time(self) -> float:
        return self._simulated.monotonic()


class Waiting:
    """Runs coroutines to their end in virtual time; `close` it."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._loop = _Loop(clock)

    def __call__(self, coroutine: Coroutine[object, object, T], /) -> T:
        return self._loop.run_until_complete(_awaited(coroutine))

    def close(self) -> None:
        self._loop.close()


async def _awaited(coroutine: Coroutine[object, object, T]) -> T:
    return await coroutine
