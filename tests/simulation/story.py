"""How a failing seed tells of itself: which it is, of which commit, how to see it again, and what happened last."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from papertrade.errors import PapertradeError
from papertrade.store.rows import EventFilter
from papertrade.store.store import Store

_LAST = 20
_LINE = 200


def told(seed: int) -> str:
    """Return the lines that name a seed and how to run it again."""
    return (
        f"papertrade simulation seed={seed} commit={commit()}\nreplay it with: python -m tests.simulation --seed {seed}"
    )


def commit() -> str:
    """Return the commit that the tests lie in, `unknown` outside a repository."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    done = subprocess.run(
        [git, "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def newest_events(store: Store) -> str:
    """Return the last events of a database, a line each; what cannot be read is said instead."""
    try:
        with store.read() as reader:
            rows = reader.events(EventFilter(last=_LAST))
    except (PapertradeError, SQLAlchemyError, RuntimeError, ValueError) as error:
        return f"its last events cannot be read: {error}"
    lines = (f"  {row.seq} by {row.run_id} at {row.effective_ms}: {row.event}"[:_LINE] for row in rows)
    return "\n".join(["its last events:", *lines])
