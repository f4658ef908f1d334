"""Every scenario of the exit tables gives the same through three doors: the rule alone, `backtest`, and `watch`.

The tables and their sentences are in tests/engine; there each row meets the rule and the oracle. Left out are the
rows that no signal file can say: opened inside a minute, or changed by hand; they go through two doors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from papertrade.engine.market import MINUTE_MS
from tests.e2e.doors import Outcome, Scenario, backtested, is_for_every_door, scenarios, watched
from tests.engine import test_entry_table, test_even_and_time_table, test_exit_table, test_trail_table
from tests.engine.deals import candle_of, play
from tests.engine.tables import told

pytestmark = pytest.mark.xdist_group("three doors")  # so that its doors are opened once, not by each worker

EVERY = scenarios(
    [*test_exit_table.ROWS, *test_trail_table.ROWS, *test_even_and_time_table.ROWS, *test_entry_table.ROWS]
)
SCENES = [scene for scene in EVERY if is_for_every_door(scene)]


def test_there_are_enough_scenarios() -> None:
    assert len(SCENES) >= 120
    assert len({scene.sentence for scene in SCENES}) == len(SCENES)


@cache
def by_backtest() -> Mapping[str, Outcome]:
    with TemporaryDirectory() as folder:
        return backtested(SCENES, Path(folder))


@cache
def by_watch(every_ms: int = MINUTE_MS) -> Mapping[str, Outcome]:
    with TemporaryDirectory() as folder:
        return watched(SCENES, Path(folder), every_ms)


def by_one_late_look() -> Mapping[str, Outcome]:
    return by_watch(600 * MINUTE_MS)


def ruled(scene: Scenario) -> Outcome:
    """Show the rule every candle; the money is the trade's."""
    trade, events = play(scene.deal, [candle_of(bar) for bar in scene.bars])
    return Outcome(told(events), trade.realized, trade.fees)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.sentence)
def test_every_door_gives_the_same(scene: Scenario) -> None:
    rule = ruled(scene)
    assert rule.happens == scene.happens
    assert by_backtest()[scene.symbol] == rule
    assert by_watch()[scene.symbol] == rule
    assert by_one_late_look()[scene.symbol] == rule
