"""Being asked to end: by a signal, politely once and at once the second time, or by another part of the program.

The only place that touches signal handlers. The rule to keep: a handler only sets a word; what ends, and
when, is decided by whoever asks for it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """Whether somebody wants an end, and who; None as long as nobody does."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def ask(self, reason: str) -> None:
        """Ask for an end; the first reason stands."""
        if self.reason is None:
            self.reason = reason


def leave_at_once(code: int) -> None:
    """End the process without another word; everything that matters is committed, and locks die with us."""
    os._exit(code)


@contextmanager
def stopped_by_signals(stopping: Stopping, leave: Callable[[int], None] = leave_at_once) -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP ask for an end while the block runs; a second one ends the process.

    A parent's script that ignores SIGINT for its background jobs must not make us deaf, so handlers are set
    whatever stood there before; only a SIGHUP that is ignored stays so, for that is what `nohup` asks for.
    """

    def handle(number: int, _: FrameType | None) -> None:
        if stopping.reason is not None:
            leave(128 + number)
        stopping.ask(signal.Signals(number).name)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    wanted = [n for n in _SIGNALS if not (n is signal.SIGHUP and before[n] is signal.SIG_IGN)]
    for number in wanted:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in wanted:
            old = before[number]
            signal.signal(number, signal.SIG_DFL if old is None else old)
