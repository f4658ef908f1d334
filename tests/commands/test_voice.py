"""A voice whose stream goes away is silent, and never the end of a watch."""

from __future__ import annotations

import errno
import os
from datetime import UTC
from pathlib import Path

from papertrade.commands.voice import EventVoice, LineVoice, Mouth
from papertrade.errors import DatabaseUnusable
from papertrade.invocation import Flags, Invocation
from papertrade.render.text import Cell
from papertrade.render.watch_events import Setting
from papertrade.runs.watch import Ended, Failed, Jumped
from tests.cli import FixedClock, Stream


class Shaky(Stream):
    """A stream that fails while it is told to."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number: int | None = number
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        if self.number is not None:
            raise OSError(self.number, os.strerror(self.number))
        return super().write(text)


def invocation(out: Stream, err: Stream, flags: Flags = Flags()) -> Invocation:  # noqa: B008
    return Invocation(
        clock=FixedClock(), started_ms=0, environment={}, stdin=Stream(), stdout=out, stderr=err, flags=flags
    )


def test_a_stream_that_is_gone_is_given_up() -> None:
    stream = Shaky(errno.EPIPE)
    mouth = Mouth(stream, invocation(stream, Stream()))
    for _ in range(3):
        mouth.line([Cell("x")])
        mouth.write("y")
    assert stream.writes == 1


def test_a_full_disk_may_be_emptied() -> None:
    stream = Shaky(errno.ENOSPC)
    mouth = Mouth(stream, invocation(stream, Stream()))
    mouth.line([Cell("lost")])
    mouth.write("lost")
    stream.number = None
    mouth.line([Cell("told")])
    assert stream.text() == "told\n"


def test_what_was_left_in_a_dead_streams_buffer_goes_nowhere(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        mouth = Mouth(stream, invocation(Stream(), Stream()))
        mouth.write("told to nobody\n")
        mouth.write("again\n")
    assert stream.closed


def test_the_other_stream_still_speaks() -> None:
    out, err = Shaky(errno.EIO), Stream()
    voice = LineVoice(invocation(out, err), UTC)
    voice(Jumped(9_000))
    voice(Ended("SIGHUP", 1, 0, 0))
    assert err.text().splitlines()[1] == "watch ended (SIGHUP): 1 tick, 0 skipped, 0 failed"


def test_a_stream_of_events_tells_warnings_beside_it() -> None:
    out, err = Stream(), Stream()
    voice = EventVoice(invocation(out, err), UTC, Setting("tape", 30_000))
    voice(Failed(DatabaseUnusable("the disk is full"), 1, is_reminder=False))
    voice(Ended("stop", 1, 0, 0))
    voice.close()
    assert err.text() == "warning: the disk is full; trying again at the next tick\n"
    assert out.text() == (
        '{"event": "watch_ended", "at": "2026-11-20T10:00:00.000Z", '
        '"data": {"reason": "stop", "ticks": 1, "skipped": 0, "failed_ticks": 0}}\n'
    )
