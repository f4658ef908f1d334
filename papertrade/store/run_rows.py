"""What the store hands out of saved runs: one with its number, and what a list shows of it.

The rule to keep: plain values; what a run holds is the engine's own `SavedRun`.
"""

from __future__ import annotations

from papertrade.engine.saved_run import RunFigure, SavedRun
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """What a list shows of a saved run."""

    id: int
    name: str
    kind: str
    made_ms: int
    version: str
    trades: int
    figures: tuple[RunFigure, ...]


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A saved run with its number."""

    id: int
    run: SavedRun
