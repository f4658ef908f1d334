"""The time, as something that can be handed over: the only module that reads a clock.

What a caller decides from the time belongs to the caller. The rule to keep: everybody else takes a
`Clock` as an argument, so that tests and the simulator own the time.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for stamps, monotonic time for waiting; they may drift apart and the wall may jump."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed point; never runs backwards."""
        ...

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds, rounded down."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds since some fixed point; on Linux it stands still while the machine sleeps."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Sleep; a signal whose handler returns does not shorten it."""
        time.sleep(seconds)
