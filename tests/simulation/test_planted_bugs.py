"""The simulation is not blind: bugs planted in the program are found, each within 200 seeds.

Which seed finds each is in `planted.py`; the search here begins at that one, so that a run costs a few seeds. It may
shift a little when the simulation draws other things: then the next ones are tried, and `python -m tests.simulation
--planted` prints the table anew.
"""

from __future__ import annotations

import pytest

from tests.simulation.planted import OUR_OWN, THE_TWELVE, WITHIN, Plant, first_failure

PLANTED = {**THE_TWELVE, **OUR_OWN}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found_within_200_seeds(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PLANTED[plant] < WITHIN
    plant(monkeypatch)
    found = first_failure(range(PLANTED[plant], WITHIN))
    assert found is not None, f"{plant.__name__} is not found by the seeds from {PLANTED[plant]} to {WITHIN}"


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_the_table_of_planted_bugs_is_true(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    found = first_failure(range(WITHIN))
    assert found is not None
    assert found[0] == PLANTED[plant]


def test_the_twelve_are_twelve() -> None:
    assert len(THE_TWELVE) == 12
