"""200 seeds in every run: whatever the market, the user, the crashes and the turns, the books are right.

A seed draws other things when the simulation changes; what a seed has found gets a test of its own where the bug was.
Seeds beyond the 200 that once failed are kept in regressions.txt and run always.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.audit import Unsound
from tests.simulation.model import alike, anonymous
from tests.simulation.planted import chain_not_extended
from tests.simulation.simulation import Outcome, scratch, simulate
from tests.simulation.story import told

CHUNK = 10


def outcome_of(seed: int, folder: Path, *, is_quiet: bool = False) -> Outcome:
    """Run a seed; a failure says by itself which one it was and how to see it again."""
    return simulate(seed, folder, is_quiet=is_quiet)


@pytest.mark.parametrize("first", range(0, 200, CHUNK))
def test_whatever_happens_the_books_are_right(first: int) -> None:
    with scratch() as folder:
        outcomes = [outcome_of(seed, folder) for seed in range(first, first + CHUNK)]
    assert sum(outcome.compared for outcome in outcomes) >= CHUNK
    assert sum(sum(outcome.struck.values()) for outcome in outcomes) >= CHUNK


def regressions() -> list[int]:
    """Return the seeds that once failed; a line of the file is a seed and what it found."""
    lines = (Path(__file__).parent / "regressions.txt").read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("seed", regressions())
def test_a_seed_that_once_failed_fails_no_more(seed: int, tmp_path: Path) -> None:
    assert outcome_of(seed, tmp_path).digest


def test_a_world_of_faults_and_a_quiet_one_agree() -> None:
    """The same market and user, polled every 30 s without a fault: the same trades, wherever they were made alike."""
    pairs = 0
    with scratch() as folder:
        for seed in range(0, 200, 20):
            disturbed = outcome_of(seed, folder)
            quiet = outcome_of(seed, folder, is_quiet=True)
            for one, other in alike(disturbed.lives, quiet.lives):
                assert anonymous(one.events) == anonymous(other.events), told(seed)
                pairs += 1
    assert pairs >= 20


def test_a_seed_leads_to_one_journal() -> None:
    with scratch() as first, scratch() as second:
        assert simulate(7, first).digest == simulate(7, second).digest


def test_a_seed_leads_to_one_journal_in_every_process() -> None:
    """Nothing hangs on the order of a set: two processes that hash differently write the same journals."""
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "4", "--start", "20", "--digests"]
    said = [
        subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == 4


def test_a_failing_seed_says_how_to_see_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain_not_extended(monkeypatch)
    with pytest.raises(Unsound) as failure:
        simulate(12, tmp_path)
    (note,) = failure.value.__notes__
    first, second, third, *events = note.splitlines()
    assert re.fullmatch(r"papertrade simulation seed=12 commit=([0-9a-f]{7,}|unknown)", first)
    assert second == "replay it with: python -m tests.simulation --seed 12"
    assert third == "its last events:"
    assert 1 <= len(events) <= 20
