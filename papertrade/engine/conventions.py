"""The choices that a candle leaves open, as data: which touch came first, at which price a gap fills.

An option changes one step of the rule in `touch.py` and nothing else. The defaults are the convention
`conservative`: what is knowable first, then against the trader (docs/semantics.md, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SameCandle(StrEnum):
    """Which of two levels touched inside one candle came first, when nothing finer tells."""

    STOP_FIRST = "stop-first"
    TARGET_FIRST = "target-first"
    NEAREST = "nearest"


class GapFill(StrEnum):
    """The price of a level that the market jumped past: the one it opened at, or the level."""

    OPEN = "open"
    LEVEL = "level"


class LimitFill(StrEnum):
    """Whether a limit fills when its price is touched, or only when the market trades through it."""

    TOUCH = "touch"
    THROUGH = "through"


class EntryAt(StrEnum):
    """Where a backtest places a signal: the next open after it, or the close of the candle it was made in."""

    NEXT_OPEN = "next-open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One named set of choices; the values of `conservative` are the defaults."""

    same_candle: SameCandle = SameCandle.STOP_FIRST
    gap_stop: GapFill = GapFill.OPEN
    gap_target: GapFill = GapFill.LEVEL
    gap_limit: GapFill = GapFill.LEVEL
    limit_fill: LimitFill = LimitFill.TOUCH
    entry: EntryAt = EntryAt.NEXT_OPEN


CONSERVATIVE = Convention()
