"""Which columns of a file are the six of a candle.

Names are read in any case and order, and other columns are left alone. The rule to keep: a column is never guessed
from its place; one that is missing or there twice is refused by its name.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

COLUMNS: Final = ("time", "open", "high", "low", "close", "volume")
TIME_NAMES: Final = ("time", "open_time", "open time", "timestamp", "date", "datetime")
"""Names of the column of times; if a file has several, the first of these is taken."""


def column_places(header: Sequence[str]) -> tuple[int, ...]:
    """Return where time, open, high, low, close and volume stand. Raises ValueError, a message a line."""
    names = [name.strip().lower() for name in header]
    wanted = [next((time for time in TIME_NAMES if time in names), "time"), *COLUMNS[1:]]
    messages = [_missing(column, names) for column in wanted if column not in names]
    messages.extend(f"the column `{column}` stands there twice" for column in wanted if names.count(column) > 1)
    if messages:
        raise ValueError("\n".join(messages))
    return tuple(names.index(column) for column in wanted)


def has_any(header: Sequence[str]) -> bool:
    """Whether one of the names is that of a candle's column."""
    return any(name.strip().lower() in (*TIME_NAMES, *COLUMNS) for name in header)


def _missing(column: str, names: Sequence[str]) -> str:
    others = [name for name in names if name not in (*TIME_NAMES, *COLUMNS)]
    close = difflib.get_close_matches(column, others, n=1, cutoff=0.5)
    advice = f": is it `{close[0]}`?" if close else ""
    return f"the column `{column}` is missing{advice}"
