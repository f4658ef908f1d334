"""Progress that waits: nothing for quick work, one line on a terminal for slow work, wiped away at the end."""

from __future__ import annotations

import pytest

from papertrade.commands.late_progress import LateProgress
from papertrade.invocation import Flags, Invocation
from tests.cli import FixedClock, Stream


def told(steps: list[tuple[float, int]], *, is_terminal: bool = True, is_quiet: bool = False) -> str:
    """Return what work of ten steps writes: after so many seconds, so many steps are done."""
    clock, err = FixedClock(), Stream(is_terminal=is_terminal)
    call = Invocation(
        clock=clock,
        started_ms=clock.now_ms(),
        environment={},
        stdin=Stream(),
        stdout=Stream(),
        stderr=err,
        flags=Flags(is_quiet=is_quiet),
    )
    with LateProgress(call, "backtest") as tell:
        for seconds, done in steps:
            clock.pause(seconds)
            tell(done, 10)
    return err.text()


def test_quick_work_says_nothing() -> None:
    assert told([(0.3, 2), (0.3, 5), (0.3, 10)]) == ""


def test_slow_work_says_how_far_it_is_and_wipes_it_away() -> None:
    assert told([(0.5, 2), (0.6, 4), (0.5, 9)]) == (
        "\rbacktest   0% (0/10)\x1b[K\rbacktest  40% (4/10)\x1b[K\rbacktest  90% (9/10)\x1b[K\r\x1b[K"
    )


@pytest.mark.parametrize(("is_terminal", "is_quiet"), [(False, False), (True, True)])
def test_nobody_is_told_who_does_not_look(is_terminal: bool, is_quiet: bool) -> None:
    assert told([(2, 4)], is_terminal=is_terminal, is_quiet=is_quiet) == ""
