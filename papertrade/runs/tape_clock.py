"""The time of a tape that is played: it moves only while somebody sleeps, as fast as wanted.

The rule to keep: work takes no time here, so what a tape shows does not depend on the machine that plays it.
"""

from __future__ import annotations

import math

from papertrade.runs.clock import Clock


class TapeClock:
    """A clock that begins at `start_ms`. `speed` is tape seconds a second, None for no waiting at all.

    Sleeps end at full multiples of `grain_seconds`, so that a watch that looks around twice a second
    does not do so for every half second of a tape.
    """

    def __init__(self, start_ms: int, speed: float | None, real: Clock, grain_seconds: int = 15) -> None:
        self._start_ms = start_ms
        self._speed = speed
        self._real = real
        self._grain = grain_seconds
        self._elapsed = 0

    def now_ms(self) -> int:
        """Return the tape's time, UTC epoch milliseconds."""
        return self._start_ms + self._elapsed * 1000

    def monotonic(self) -> float:
        """Return how much of the tape was played, in seconds."""
        return float(self._elapsed)

    def pause(self, seconds: float) -> None:
        """Play on for at least so long."""
        until = math.ceil((self._elapsed + seconds) / self._grain) * self._grain
        if self._speed is not None:
            self._real.pause((until - self._elapsed) / self._speed)
        self._elapsed = until
