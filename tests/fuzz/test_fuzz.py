"""500 edited inputs for every reader; `make fuzz` goes on for minutes."""

from __future__ import annotations

import pytest

from tests.fuzz.fuzzing import fuzzed
from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_but_its_own_error_comes_out_of_a_reader(target: Target) -> None:
    found = fuzzed(target, seed=1, executions=500)
    assert found.escapes == []
    assert found.slow == []
    assert found.executions == 500


def test_the_fuzzer_sees_an_error_that_is_not_declared() -> None:
    target = Target("careless", int, (b"1",), declared=())
    assert len(fuzzed(target, seed=1, executions=50).escapes) >= 20


@pytest.mark.parametrize("target", [t for t in TARGETS if t.declared], ids=lambda target: target.name)
def test_seeds_are_good_and_edits_are_refused(target: Target) -> None:
    """The inputs are near enough to be read, and far enough to be refused: some of each."""
    assert fuzzed(target, seed=2, executions=len(target.seeds)).refused <= len(target.seeds) // 2
    assert fuzzed(target, seed=2, executions=300).refused >= 10
