"""The world of every test: 100 columns, no colour, nothing inherited from the person who runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_KEPT = "PAPERTRADE_TEST_DATA"
_UNCOUNTED = (
    "crash/",
    "e2e/",
    "engine/test_carry_laws",
    "engine/test_stop_laws",
    "engine/test_touch_",
    "fuzz/",
    "hammer/",
    "runs/test_backtest_against_oracle",
    "runs/test_decide",
    "runs/test_lived",
    "runs/test_polling",
    "runs/test_retell",
    "runs/test_whatif",
    "simulation/",
    "soak/",
    "stateful/",
    "store/test_faults",
    "test_hostile_",
)
"""Long laws and tests of the whole, not counted as coverage: what they meet, a test beside the code has to meet too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave them without tracing, which takes as long again."""
    for item in items:
        if item.path.relative_to(_HERE).as_posix().startswith(_UNCOUNTED):
            item.add_marker("no_cover")


@pytest.fixture(scope="session", autouse=True)
def plain_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take the person's settings, home and terminal out of the environment for the whole session."""
    home = tmp_path_factory.mktemp("home")
    before = dict(os.environ)
    for name in list(os.environ):
        if "PAPERTRADE_" in name and name != _KEPT:
            del os.environ[name]
    for name in ("FORCE_COLOR", "TERM", "LC_ALL", "LC_CTYPE"):
        os.environ.pop(name, None)
    os.environ.update(COLUMNS="100", NO_COLOR="1", LANG="C.UTF-8", HOME=str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        os.environ[name] = str(home / name.lower())
    yield
    os.environ.clear()
    os.environ.update(before)
