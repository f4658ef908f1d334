"""The clock of a tape that is played."""

from __future__ import annotations

import pytest

from papertrade.runs.tape_clock import TapeClock
from tests.runs.desk import VirtualClock


@pytest.mark.parametrize(("pause", "elapsed"), [(0.5, 15), (15, 15), (15.001, 30), (60, 60)])
def test_sleeps_end_at_full_grains(pause: float, elapsed: int) -> None:
    clock = TapeClock(1_000_000, None, VirtualClock())
    clock.pause(pause)
    assert (clock.now_ms(), clock.monotonic()) == (1_000_000 + elapsed * 1000, elapsed)


def test_it_plays_as_fast_as_wanted_and_waits_for_nothing_without_a_speed() -> None:
    real = VirtualClock()
    TapeClock(0, None, real).pause(600)
    assert real.pauses == []
    TapeClock(0, 60, real).pause(600)
    assert real.pauses == [10]
