"""While values are made by the million the collector rests; afterwards it is as it was, and does not walk them."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from papertrade.runs.collector import uncollected


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    was_on = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if was_on else gc.disable)()


def test_values_made_meanwhile_are_old_afterwards() -> None:
    gc.enable()
    with uncollected():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    young = {id(value) for generation in (0, 1) for value in gc.get_objects(generation=generation)}
    assert gc.isenabled()
    assert not young & {id(value) for value in made}
    assert gc.get_freeze_count() == 0


def test_what_was_off_or_frozen_stays_so() -> None:
    gc.disable()
    gc.freeze()
    frozen = gc.get_freeze_count()
    with uncollected():
        pass
    assert not gc.isenabled()
    assert gc.get_freeze_count() >= frozen - 100
