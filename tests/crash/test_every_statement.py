"""Every command that writes dies at every statement and commit: the books are as before, as after, or on the way.

On the way are only commands of several transactions, and asking again brings them to the end. Deaths by SIGKILL are
in `test_kills.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.disk import deaths_of, failing_disk
from tests.crash.scenes import COMMANDS, LATER_MS, Command, Stage, a_stage, books

STATEMENTS_MIN = 4
DONE = "what was asked for was done before that"
"""Said where only reading the answer failed."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = a_stage(tmp_path_factory.mktemp("stage"))
    with made.server:
        yield made


def sound(stage: Stage, folder: Path) -> None:
    done = stage.say(["check", "-q"], folder)
    assert (done.code, done.out) == (0, ""), done.out + done.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.name} {command.setting}")
def test_a_death_at_any_statement_leaves_whole_books(command: Command, stage: Stage, tmp_path: Path) -> None:
    folder = stage.ready(command, tmp_path / "run")
    before = books(folder / "book.db")
    with deaths_of(folder, tmp_path / "deaths") as deaths:
        done = stage.run(command, folder)
    assert done.code == 0, done.err
    after = books(folder / "book.db")
    assert deaths.statements >= STATEMENTS_MIN
    for state in deaths.states.values():
        stage.server.now_ms = LATER_MS
        sound(stage, state)
        if command.counts_twice:
            assert books(state / "book.db") in (before, after)
            continue
        again = stage.run(command, state)
        assert again.code in (0, command.again), again.err
        sound(stage, state)
        assert command.has_steps or books(state / "book.db") == after


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.name} {command.setting}")
def test_a_disk_that_fails_at_some_statements_is_said_and_loses_nothing(
    command: Command, stage: Stage, tmp_path: Path
) -> None:
    """The first, the last and one in nine between; `make crash` takes every one."""
    fails_at(command, stage, tmp_path, 9)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.name} {command.setting}")
def test_a_disk_that_fails_at_any_statement_is_said_and_loses_nothing(
    command: Command, stage: Stage, tmp_path: Path
) -> None:
    fails_at(command, stage, tmp_path, 1)


def fails_at(command: Command, stage: Stage, scratch: Path, stride: int) -> None:
    folder = stage.ready(command, scratch / "whole")
    with failing_disk(0) as counted:
        assert stage.run(command, folder).code == 0
    after = books(folder / "book.db")
    for number in sorted({*range(1, counted.seen + 1, stride), counted.seen}):
        folder = stage.ready(command, scratch / f"{number}")
        before = books(folder / "book.db")
        with failing_disk(number):
            failed = stage.run(command, folder)
        assert failed.code != 1, failed.err
        sound(stage, folder)
        if command.counts_twice:
            is_done = failed.code == 0 or DONE in failed.err
            assert books(folder / "book.db") == (after if is_done else before)
            continue
        assert stage.run(command, folder).code in (0, command.again)
        assert command.has_steps or books(folder / "book.db") == after
