"""Where what a fill was decided by came from, and how old it was by the time that it was recorded.

The rule to keep: a candle is as old as its end, a quote as the instant that the venue gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import Cause
from papertrade.engine.money import plain
from papertrade.render.facts import Fact
from papertrade.render.json import Encodable
from papertrade.render.numbers import age, iso_z, local_second


@dataclass(frozen=True, slots=True)
class Vantage:
    """The venue that was looked at, and how far its clock is ahead of the local one, which stamps what is recorded."""

    venue: str
    offset_ms: int = 0


def sight_facts(cause: Cause, recorded_ms: int, vantage: Vantage, zone: tzinfo) -> list[Fact]:
    """Return the candle or quote with its numbers, then its venue, and its age when what it decided was recorded."""
    facts: list[Fact] = [("seen", _seen(cause, zone))]
    if (until_ms := _until(cause)) is not None:
        facts.append(("source", f"{vantage.venue}, {age(until_ms, recorded_ms + vantage.offset_ms)} old when recorded"))
    return facts


def _until(cause: Cause) -> int | None:
    if cause.candle is not None:
        return cause.candle.end_ms
    return None if cause.quote is None else cause.quote.at_ms


def _seen(cause: Cause, zone: tzinfo) -> str:
    if cause.candle is not None:
        c = cause.candle
        shown = 16 if c.interval_ms >= MINUTE_MS else 19
        clock = f"{local_second(c.open_ms, zone)[:shown]} to {local_second(c.end_ms, zone)[11:shown]}"
        prices = f"open {plain(c.open)}, high {plain(c.high)}, low {plain(c.low)}, close {plain(c.close)}"
        return f"candle {clock}: {prices}"
    if cause.quote is not None:
        q = cause.quote
        known = [("bid", q.bid), ("ask", q.ask), ("last", q.last)]
        prices = ", ".join(f"{name} {plain(price)}" for name, price in known if price is not None)
        return f"quote of {local_second(q.at_ms, zone)}: {prices}"
    return "nothing: the price was named by the user"


def sight_json(cause: Cause, recorded_ms: int, vantage: Vantage) -> Mapping[str, Encodable]:
    """Return the source of what was seen (`final_candle`, `quote`, `user`), its end, and its age in whole seconds.

    A price named by the user has no venue, no end and no age.
    """
    until_ms = _until(cause)
    return {
        "source": "user" if until_ms is None else "final_candle" if cause.candle is not None else "quote",
        "venue": None if until_ms is None else vantage.venue,
        "until": None if until_ms is None else iso_z(until_ms),
        "recorded_at": iso_z(recorded_ms),
        "age_seconds": None if until_ms is None else max(0, recorded_ms + vantage.offset_ms - until_ms) // 1000,
    }
