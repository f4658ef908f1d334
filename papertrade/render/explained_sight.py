"""Where what a fill was decided by came from, and how old it was by the time that it was recorded.

The rule to keep: a candle is as old as its end, a quote as the instant that the venue gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from papertrade.engine.messages import Cause
from papertrade.render.json import Encodable
from papertrade.render.numbers import iso_z


@dataclass(frozen=True, slots=True)
class Vantage:
    """The venue that was looked at, and how far its clock is ahead of the local one, which stamps what is recorded."""

    venue: str
    offset_ms: int = 0


def sight_json(cause: Cause, recorded_ms: int, vantage: Vantage) -> Mapping[str, Encodable]:
    """Return the source of what was seen (`final_candle`, `quote`, `user`), its end, and its age in whole seconds.

    A price named by the user has no venue, no end and no age.
    """
    until_ms = None
    if cause.candle is not None:
        until_ms = cause.candle.end_ms
    elif cause.quote is not None:
        until_ms = cause.quote.at_ms
    recorded = recorded_ms + vantage.offset_ms
    return {
        "source": "user" if until_ms is None else "final_candle" if cause.candle is not None else "quote",
        "venue": None if until_ms is None else vantage.venue,
        "until": None if until_ms is None else iso_z(until_ms),
        "recorded_at": iso_z(recorded_ms),
        "age_seconds": None if until_ms is None else max(0, recorded - until_ms) // 1000,
    }
