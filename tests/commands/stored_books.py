"""A database with a trade in every state, made by the engine's own rules, for commands that only read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from papertrade.store.rows import CheckReport
from papertrade.store.store import Writer
from tests.store.stories import opened, whole_book


def size_of(env: Mapping[str, str]) -> CheckReport:
    """Return how much there is to check in a database that `stored` made."""
    store = opened(Path(env["PAPERTRADE_DB"]))
    report = store.check()
    store.close()
    return report


def in_words(report: CheckReport) -> str:
    """Say how much was checked, as the commands say it."""
    return f"{report.events} events, {report.trades} trades, {report.postings} postings; everything agrees"


def stored(folder: Path, write: Callable[[Writer], None] = whole_book) -> dict[str, str]:
    """Make a database in a folder and return the environment in which commands use it."""
    path = folder / "books.db"
    store = opened(path)
    store.write(write)
    store.close()
    return {"PAPERTRADE_DB": str(path), "PAPERTRADE_CONFIG": ""}
