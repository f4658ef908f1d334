"""Where the program is made smaller and faster for a simulation, without another rule: sizes of steps, one dialect.

Everything is put back afterwards.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

from sqlalchemy import Engine, Pool, create_engine

from papertrade.runs import observe, tick
from papertrade.store import database
from tests.simulation.setting import Setting


@contextmanager
def small_steps(setting: Setting) -> Iterator[None]:
    """Make looks and batches as small as the seed wants, so that few trades and candles need several.

    A look takes more candles than a command asks for to find the newest, as in the program.
    """
    recent = min(setting.look_candles - 2, observe._RECENT_CANDLES)
    with (
        patch.object(observe, "_LOOK_CANDLES", setting.look_candles),
        patch.object(observe, "_RECENT_CANDLES", recent),
        patch.object(tick, "BATCH", setting.batch),
        patch.object(database, "create_engine", _of_one_dialect),
    ):
        yield


def _of_one_dialect(url: str, *, creator: Callable[[], sqlite3.Connection], poolclass: type[Pool]) -> Engine:
    """Make an engine that keeps its compiled statements together with all others: a seed opens dozens."""
    engine = create_engine(url, creator=creator, poolclass=poolclass)
    engine.dialect, engine._compiled_cache = _first().dialect, _first()._compiled_cache
    return engine


@cache
def _first() -> Engine:
    """Return the engine whose dialect all share, once it has seen a database."""
    engine = create_engine("sqlite://")
    engine.connect().close()
    return engine
