"""Saved backtests: one row each, found by number or by name. A cache: no account knows of them.

The whole run is the engine's value as text; beside it stands what a list shows, so that listing reads no trades.
The rule to keep: a name is taken once, and a number is never a name.
"""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from papertrade.engine.codec import decode, decode_many, encode
from papertrade.engine.saved_run import RunFigure, SavedRun
from papertrade.store.cache_tables import RUN_SAVED, RunSavedTable
from papertrade.store.run_rows import RunLine, StoredRun
from papertrade.store.snapshot import Snapshot


class SavedRunReads(Snapshot):
    """Reading saved runs."""

    def saved_runs(self) -> tuple[RunLine, ...]:
        """Return what a list shows of every saved run, oldest first."""
        columns = [column for column in RUN_SAVED.c if column.name != "content"]
        return self._values(select(*columns).order_by(RUN_SAVED.c.id), _line)

    def saved_run(self, number: int) -> StoredRun | None:
        """Return a saved run, None if there is none of that number."""
        return self._one(select(RUN_SAVED).where(RUN_SAVED.c.id == number), _whole)

    def saved_run_named(self, name: str) -> StoredRun | None:
        """Return a saved run, None if there is none of that name."""
        return self._one(select(RUN_SAVED).where(RUN_SAVED.c.name == name), _whole)


class SavedRunWrites(Snapshot):
    """Saving and deleting runs."""

    def save_run(self, run: SavedRun) -> int:
        """Store a run and return its number. Raises ValueError for a name that is taken."""
        taken = self._connection.execute(select(RUN_SAVED.c.id).where(RUN_SAVED.c.name == run.name)).first()
        if taken is not None:
            raise ValueError(f"run `{run.name}` exists")
        number = 1 + self._number("SELECT max(id) FROM run_saved")
        self._connection.execute(
            insert(RUN_SAVED).values(
                id=number,
                name=run.name,
                kind=run.kind,
                made_ms=run.made_at_ms,
                version=run.version,
                trades=len(run.trades),
                figures=encode(run.figures),
                content=encode(run),
            )
        )
        return number

    def delete_run(self, number: int) -> None:
        """Delete a saved run."""
        self._connection.execute(delete(RUN_SAVED).where(RUN_SAVED.c.id == number))


def _line(row: RunSavedTable) -> RunLine:
    return RunLine(
        id=row.id,
        name=row.name,
        kind=row.kind,
        made_ms=row.made_ms,
        version=row.version,
        trades=row.trades,
        figures=decode_many(RunFigure, row.figures),
    )


def _whole(row: RunSavedTable) -> StoredRun:
    return StoredRun(row.id, decode(SavedRun, row.content))
