"""Progress of work that is mostly over before anybody wonders: shown only once it has taken longer than a second.

The rule to keep: nothing on stdout, and nothing at all where stderr is no terminal or `-q` was given.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final

from papertrade.commands.answer import progress
from papertrade.invocation import Invocation
from papertrade.render.console import Progress

PATIENCE_SECONDS: Final = 1.0


class LateProgress:
    """Call it with how many of how many steps are done; use it with `with`."""

    def __init__(self, call: Invocation, label: str) -> None:
        self._call = call
        self._label = label
        self._began = call.clock.monotonic()
        self._shown: Progress | None = None
        self._done = 0

    def __enter__(self) -> LateProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown is not None:
            self._shown.__exit__(kind, error, at)

    def __call__(self, done: int, total: int) -> None:
        """Note how far the work is."""
        if self._shown is None:
            if self._call.clock.monotonic() - self._began < PATIENCE_SECONDS:
                return
            self._shown = progress(self._call, self._label, total).__enter__()
        self._shown.advance(done - self._done)
        self._done = done
