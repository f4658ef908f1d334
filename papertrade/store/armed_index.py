"""The live finder: which trades may what was seen of the market touch, asked of the index in one statement.

Levels are compared as floats that were widened outwards on both sides, so a touch is never hidden; the rule
decides with exact prices. The rule to keep: every probe names its index, so that a missing one is an error
and never a slow scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from sqlalchemy import Connection

from papertrade.engine.values import dataclass
from papertrade.store.columns import hint_at_least, hint_at_most
from papertrade.store.rows import Seen
from papertrade.store.tables import LIVE

_CHUNK: Final = 4_000  # rows of five parameters; SQLite takes 32766 parameters in one statement

_PROBE: Final = (
    "SELECT t.id, t.symbol, {leads} FROM seen AS s CROSS JOIN trade AS t INDEXED BY {index} "
    f"WHERE t.venue = s.venue AND t.symbol = s.symbol AND t.{{condition}} AND t.{LIVE}"
)


@dataclass(frozen=True, slots=True)
class Reached:
    """A live trade that may react to what was seen; `is_led`: at most its trail or a target, at a better price."""

    symbol: str
    is_led: bool


def reached(connection: Connection, seen: Sequence[Seen]) -> dict[int, Reached]:
    """Return the live trades that may react to what was seen, in the order of their numbers."""
    found: dict[int, Reached] = {}
    for start in range(0, len(seen), _CHUNK):
        chunk = seen[start : start + _CHUNK]
        parameters = tuple(
            cell
            for s in chunk
            for cell in (s.venue, s.symbol, hint_at_most(s.low), hint_at_least(s.high), s.last_open_ms)
        )
        rows = connection.exec_driver_sql(finder(len(chunk)), parameters)
        for number, symbol, leads in rows:
            also = found.get(number)
            found[int(number)] = Reached(str(symbol), bool(leads) and (also is None or also.is_led))
    return dict(sorted(found.items()))


@cache
def finder(instruments: int) -> str:
    """Return the statement that searches for this many instruments: three index probes for each."""
    values = ", ".join(["(?, ?, ?, ?, ?)"] * instruments)
    probes = " UNION ".join(
        _PROBE.format(index=index, condition=condition, leads=leads)
        for index, condition, leads in (
            ("live_below", "armed_below >= s.low", "t.trail_peak IS NOT NULL AND t.side = 'short'"),
            ("live_above", "armed_above <= s.high", "t.trail_peak IS NOT NULL AND t.side = 'long'"),
            ("live_at", "armed_at <= s.last_open_ms", "0"),
        )
    )
    return f"WITH seen(venue, symbol, low, high, last_open_ms) AS (VALUES {values}) {probes}"
