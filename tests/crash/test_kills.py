"""`kill -9` in the middle of commands: the same deaths as in `test_every_statement.py`, with the kernel's own hand.

A few of them in every run; `make crash` kills at every statement, and at 500 moments of no statement's choosing.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.crash.disk import Countdown, at_every_statement, die
from tests.crash.scenes import COMMANDS, LATER_MS, Command, Stage, a_stage, books
from tests.crash.test_every_statement import sound
from tests.store.children import exit_codes, in_children, killed

KILLED = -signal.SIGKILL
SOME = [command for command in COMMANDS if command.name in {"watch --once -q", "close --all", "signal import --open"}]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = a_stage(tmp_path_factory.mktemp("stage"))
    with made.server:
        yield made


def statements(command: Command, stage: Stage, folder: Path) -> int:
    """Run a command to its end and return how many statements and commits it makes."""
    stage.ready(command, folder)
    counted = Countdown(0, die)
    with at_every_statement(counted.step):
        assert stage.run(command, folder).code == 0
    return counted.seen


def kill_at(command: Command, stage: Stage, folder: Path, number: int) -> int:
    """Run a command in a process that dies at its n-th statement; returns how the process ended."""

    def work(_: int) -> int:
        with at_every_statement(Countdown(number, die).step):
            return stage.run(command, folder).code

    (code,) = exit_codes(in_children(1, work))
    return code


def ends_well(command: Command, stage: Stage, folder: Path, after: str) -> None:
    """Check what a death left, ask again, and compare with what comes out without a death."""
    sound(stage, folder)
    if command.counts_twice:
        return
    assert stage.run(command, folder).code in (0, command.again)
    sound(stage, folder)
    assert command.has_steps or books(folder / "book.db") == after


def kills(command: Command, stage: Stage, scratch: Path, numbers: Sequence[int]) -> None:
    whole = scratch / "whole"
    count = statements(command, stage, whole)
    after = books(whole / "book.db")
    for number in numbers or range(1, count + 1):
        folder = stage.ready(command, scratch / f"{number}")
        assert kill_at(command, stage, folder, number) == KILLED
        ends_well(command, stage, folder, after)


@pytest.mark.parametrize("command", SOME, ids=lambda command: f"{command.name} {command.setting}")
def test_f01_a_kill_at_some_statements_leaves_whole_books(command: Command, stage: Stage, tmp_path: Path) -> None:
    kills(command, stage, tmp_path, [3, 17, 31])


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.name} {command.setting}")
def test_a_kill_at_every_statement_leaves_whole_books(command: Command, stage: Stage, tmp_path: Path) -> None:
    kills(command, stage, tmp_path, [])


@pytest.mark.slow
def test_kills_at_500_moments_leave_whole_books(stage: Stage, tmp_path: Path) -> None:
    dice = random.Random(5)
    command = COMMANDS[0]
    whole = stage.ready(command, tmp_path / "whole")
    assert stage.run(command, whole).code == 0
    after = books(whole / "book.db")
    for number in range(500):
        folder = stage.ready(command, tmp_path / f"{number}")
        stage.server.now_ms = LATER_MS
        (child,) = in_children(1, lambda _, folder=folder: stage.run(command, folder).code)  # type: ignore[misc]
        time.sleep(dice.random() * 0.12)
        assert killed(child) in (KILLED, 0)
        ends_well(command, stage, folder, after)
