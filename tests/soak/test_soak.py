"""Hours of watching a few hundred trades: memory, files and the log stay what they are; `make soak` takes a day."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.soaking import Soak, soaked

GROWTH_KIB = 5 * 1024
LOG_BYTES = 8 * 2**20


def test_hours_of_watching_leave_nothing_behind(tmp_path: Path) -> None:
    cost = soaked(Soak(hours=3, trades=300, symbols=20, kill_every=100), tmp_path / "book.db")
    assert cost.is_sound, str(cost)
    assert cost.growth_kib <= GROWTH_KIB, str(cost)
    assert max(cost.files) - min(cost.files) <= 2, str(cost)
    assert cost.log_bytes <= LOG_BYTES, str(cost)
    assert (cost.kills, cost.closed >= 10, cost.failed >= 20) == (3, True, True), str(cost)


@pytest.mark.slow
def test_a_day_of_watching_ten_thousand_trades_leaves_nothing_behind(tmp_path: Path) -> None:
    cost = soaked(Soak(hours=24, trades=10_000, symbols=200), tmp_path / "book.db")
    assert cost.is_sound, str(cost)
    assert cost.growth_kib <= GROWTH_KIB, str(cost)
    assert cost.log_bytes <= LOG_BYTES, str(cost)
    assert cost.tick_ms(0.99) <= 500, str(cost)
