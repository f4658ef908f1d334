"""Every scenario of the exit tables gives the same through three doors: the rule alone, `backtest`, and `watch`.

The tables and their sentences are in tests/engine; there each row meets the rule and the oracle. Left out are the
rows that no signal file can say: opened inside a minute, or changed by hand; they go through two doors.
"""

from __future__ import annotations

from collections.abc import Mapping

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


@pytest.fixture(scope="module")
def by_backtest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return backtested(SCENES, tmp_path_factory.mktemp("backtest"))


@pytest.fixture(scope="module")
def by_watch(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return watched(SCENES, tmp_path_factory.mktemp("watch"))


@pytest.fixture(scope="module")
def by_one_late_look(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return watched(SCENES, tmp_path_factory.mktemp("late"), every_ms=600 * MINUTE_MS)


def ruled(scene: Scenario) -> Outcome:
    """Show the rule every candle; the money is the trade's."""
    trade, events = play(scene.deal, [candle_of(bar) for bar in scene.bars])
    return Outcome(told(events), trade.realized, trade.fees)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.sentence)
def test_every_door_gives_the_same(
    scene: Scenario,
    by_backtest: Mapping[str, Outcome],
    by_watch: Mapping[str, Outcome],
    by_one_late_look: Mapping[str, Outcome],
) -> None:
    rule = ruled(scene)
    assert rule.happens == scene.happens
    assert by_backtest[scene.symbol] == rule
    assert by_watch[scene.symbol] == rule
    assert by_one_late_look[scene.symbol] == rule
