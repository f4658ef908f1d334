"""The machine of `machine.py`, run a little in every test run and for long by `make stateful`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import Commands

QUIET = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
    "phases": (Phase.explicit, Phase.generate),
}
"""A walk that fails is printed as it was: making it smaller would take minutes a step."""


@pytest.mark.parametrize("part", range(2))
def test_whatever_a_user_does_the_numbers_agree(part: int) -> None:
    """Two parts, so that two processes share them; each is another walk."""
    run_state_machine_as_test(
        Commands,
        settings=settings(max_examples=3, stateful_step_count=30 + part, derandomize=True, database=None, **QUIET),  # type: ignore[arg-type]
    )


@pytest.mark.slow
def test_whatever_a_user_does_for_long_the_numbers_agree() -> None:
    run_state_machine_as_test(
        Commands,
        settings=settings(max_examples=200, stateful_step_count=50, **QUIET),  # type: ignore[arg-type]
    )
