"""A fresh store for every test, and one whose book has everything in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from papertrade.store.store import Store
from tests.store.stories import ScriptedClock, opened, whole_book


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


@pytest.fixture
def store(tmp_path: Path, clock: ScriptedClock) -> Iterator[Store]:
    made = opened(tmp_path / "book.db", clock)
    yield made
    made.close()


@pytest.fixture
def book(store: Store) -> Store:
    """A store with accounts, signals and trades in every state."""
    store.write(whole_book)
    return store
