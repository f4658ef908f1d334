"""Runs the real command line for tests: in this process with a fixed clock, or as a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from papertrade.cli import main
from papertrade.commands.table import Table
from papertrade.errors import Json
from papertrade.runs.clock import Clock

NOW_MS = 1_795_168_800_000
NOW = "2026-11-20T10:00:00.000Z"

_ROOT = Path(__file__).resolve().parents[1]


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at_ms: int = NOW_MS) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        """Return the time it was set to."""
        return self.at_ms

    def monotonic(self) -> float:
        """Return the same time in seconds."""
        return self.at_ms / 1000

    def pause(self, seconds: float) -> None:
        """Move on by as much, at once."""
        self.at_ms += int(seconds * 1000)


class Stream(io.TextIOWrapper):
    """A captured stream that may claim to be a terminal."""

    def __init__(self, *, is_terminal: bool = False, content: bytes = b"") -> None:
        self.bytes = io.BytesIO(content)
        super().__init__(self.bytes, encoding="ascii")
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        """Claim what the test wants."""
        return self.is_terminal

    def text(self) -> str:
        """Return all that was written, as UTF-8."""
        self.flush()
        return self.bytes.getvalue().decode("utf-8")


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left: its exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Json]:
        """The one JSON line on stdout; anything else there is an error."""
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1
        value = json.loads(self.out)
        assert isinstance(value, dict)
        assert value["success"] is (self.code == 0)
        return value

    @property
    def error(self) -> dict[str, Json]:
        """The envelope's error."""
        value = self.envelope["error"]
        assert isinstance(value, dict)
        return value


def run(
    args: Sequence[str],
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    *,
    clock: Clock | None = None,
    table: Table | None = None,
    is_terminal: bool = False,
) -> Result:
    """Run `papertrade ARGS` in this process: fresh streams, the environment plus `env`, a fixed clock."""
    out, err = Stream(is_terminal=is_terminal), Stream(is_terminal=is_terminal)
    with (
        patch.dict(os.environ, env or {}),
        patch.object(sys, "stdin", Stream(content=stdin.encode(), is_terminal=is_terminal)),
        patch.object(sys, "stdout", out),
        patch.object(sys, "stderr", err),
    ):
        code = main(list(args), clock=clock if clock is not None else FixedClock(), table=table)
    return Result(code, out.text(), err.text())


def run_process(
    args: Sequence[str], env: Mapping[str, str] | None = None, stdin: str = "", *, timeout: float = 60
) -> Result:
    """Run `python -m papertrade ARGS` as a process of its own, with the system clock."""
    done = subprocess.run(
        [sys.executable, "-m", "papertrade", *args],
        input=stdin.encode(),
        capture_output=True,
        cwd=_ROOT,
        env={**os.environ, **(env or {})},
        timeout=timeout,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
