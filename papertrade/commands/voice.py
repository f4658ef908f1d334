"""How a watch speaks while it runs: lines for a person, or one JSON event a line; each flushed at once.

News goes to stdout, everything else to stderr. On a terminal a status line stands below and is rewritten in
place. The rule to keep: a stream that is gone (a closed terminal, a reader that left) is given up without a
word, and the watch goes on.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from datetime import tzinfo
from typing import Final, TextIO

from papertrade.invocation import Invocation
from papertrade.render.console import Screen
from papertrade.render.json import event_line
from papertrade.render.tables import cut
from papertrade.render.text import Cell
from papertrade.render.watch_events import Setting, watch_events
from papertrade.render.watch_lines import Rank, Told, notice_lines, status_line
from papertrade.runs.watch import Ended, Notice, Ticked

_GONE: Final = frozenset({errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO, errno.ECONNRESET})


class Mouth:
    """One stream that may go away at any time."""

    def __init__(self, stream: TextIO, call: Invocation) -> None:
        self.screen = Screen(stream, call.environment, wants_color=call.flags.wants_color)
        self._stream = stream
        self._is_gone = False

    def line(self, cells: Sequence[Cell]) -> None:
        """Write one line, broken between words on a terminal, and flush it."""
        if not self._is_gone:
            try:
                self.screen.flow(*cells)
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def write(self, text: str) -> None:
        """Write a text as it is and flush it."""
        if not self._is_gone:
            try:
                self._stream.write(text)
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Point a stream that is gone at nothing; one whose disk is full may come back."""
        if error.errno not in _GONE:
            return
        self._is_gone = True
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        except OSError:
            return


class LineVoice:
    """Tells a person what happens."""

    def __init__(self, call: Invocation, zone: tzinfo) -> None:
        self._out = Mouth(call.stdout, call)
        self._err = Mouth(call.stderr, call)
        self._zone = zone
        self._is_quiet = call.is_quiet
        self._verbosity = call.verbosity
        is_plain = call.environment.get("TERM", "") == "dumb"
        both = self._out.screen.is_terminal and self._err.screen.is_terminal
        self._has_status = both and not is_plain and not call.is_quiet
        self._status = ""

    def __call__(self, notice: Notice) -> None:
        """Write the lines of a notice, the status line below them."""
        told = list(notice_lines(notice, self._zone))
        if told:
            self._clear()
        for line in told:
            self._line(line)
        if isinstance(notice, Ticked):
            self._after_round(notice)
        elif isinstance(notice, Ended):
            self._status = ""
        elif told and self._has_status:
            self._err.write(self._status)

    def _line(self, line: Told) -> None:
        match line.rank:
            case Rank.NEWS:
                self._out.line(line.cells)
            case Rank.REMARK if self._is_quiet:
                return
            case _:
                self._err.line(line.cells)

    def _after_round(self, notice: Ticked) -> None:
        if self._has_status:
            self._clear()
            self._status = cut(status_line(notice, self._zone), self._err.screen.width - 1, is_unicode=False)
            self._err.write(self._status)
        elif self._verbosity > 0:
            self._err.line([Cell(status_line(notice, self._zone))])

    def _clear(self) -> None:
        if self._has_status and self._status:
            self._err.write("\r\x1b[K")

    def close(self) -> None:
        """Take the status line away."""
        self._clear()
        self._has_status = False


class EventVoice:
    """Tells a script what happens, and what is no event of the contract as a warning on stderr."""

    def __init__(self, call: Invocation, zone: tzinfo, setting: Setting) -> None:
        self._out = Mouth(call.stdout, call)
        self._err = Mouth(call.stderr, call)
        self._clock = call.clock
        self._zone = zone
        self._setting = setting

    def __call__(self, notice: Notice) -> None:
        """Write the events of a notice, each on its line."""
        events = list(watch_events(notice, self._setting))
        for name, at_ms, data in events:
            self._out.write(event_line(name, self._clock.now_ms() if at_ms is None else at_ms, data))
        if not events:
            for told in notice_lines(notice, self._zone):
                if told.rank is Rank.WARNING:
                    self._err.line(told.cells)

    def close(self) -> None:
        """Do nothing: every line is complete."""
