"""What the tests of commands share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.days import BUSY, Days, market, two_days
from tests.commands.trading_desk import TradingDesk, trading_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    """A venue, a new database, and the commands between them."""
    with trading_desk(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    """Two busy days at a small market, lived through once; nobody writes into these books."""
    with market(tmp_path_factory.mktemp("days"), **BUSY) as days:
        two_days(days)
        yield days


@pytest.fixture
def days(played: Days, tmp_path: Path) -> Days:
    """A copy of these books to work on, at 2026-11-20T10:00Z, beside the same market."""
    return played.copied_to(tmp_path)


@pytest.fixture
def first_day(tmp_path: Path) -> Iterator[Days]:
    """The same market on the first morning, without books."""
    folder = tmp_path / "first"
    folder.mkdir()
    with market(folder, **BUSY) as days:
        yield days
