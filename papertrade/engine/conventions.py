"""The choices that a candle leaves open, as data: which touch came first, at which price a gap fills.

An option changes one step of the rule in `touch.py` and nothing else. The defaults are the convention
`conservative`: what is knowable first, then against the trader (docs/semantics.md, section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final

from papertrade.engine.later import LATER
from papertrade.engine.values import dataclass


class SameCandle(StrEnum):
    """Which of two levels touched inside one candle came first, when nothing finer tells."""

    STOP_FIRST = "stop-first"
    TARGET_FIRST = "target-first"
    NEAREST = "nearest"


class GapFill(StrEnum):
    """The price of a level that the market jumped past: the one it opened at, or the level."""

    OPEN = "open"
    LEVEL = "level"


class TrailOn(StrEnum):
    """The level a candle tests a trail and a break-even with: the one known before it, or as its own extreme makes it.

    Whatever the option, a close beyond the level that the extreme makes exits there: the close is last.
    """

    PREVIOUS = "previous"
    HIGH_FIRST = "high-first"


class LimitFill(StrEnum):
    """Whether a limit fills when its price is touched, or only when the market trades through it."""

    TOUCH = "touch"
    THROUGH = "through"


class EntryAt(StrEnum):
    """Where a backtest places a signal: the next open after it, or the close of the candle it was made in."""

    NEXT_OPEN = "next-open"
    CLOSE = "close"


class DecidedBy(StrEnum):
    """What ends a trade live: final candles, or each quote at once at the price that the poll saw."""

    FINAL_CANDLES = "final-candles"
    QUOTES = "quotes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One named set of choices; the values of `conservative` are the defaults."""

    same_candle: SameCandle = SameCandle.STOP_FIRST
    gap_stop: GapFill = GapFill.OPEN
    gap_target: GapFill = GapFill.LEVEL
    gap_limit: GapFill = GapFill.LEVEL
    limit_fill: LimitFill = LimitFill.TOUCH
    trail: TrailOn = field(default=TrailOn.PREVIOUS, metadata=LATER)
    entry: EntryAt = field(default=EntryAt.NEXT_OPEN, metadata=LATER)
    decides: DecidedBy = field(default=DecidedBy.FINAL_CANDLES, metadata=LATER)


CONSERVATIVE: Final = Convention()
"""What is knowable first, then against the trader."""

FREQTRADE: Final = Convention(trail=TrailOn.HIGH_FIRST, limit_fill=LimitFill.THROUGH)
"""Freqtrade's backtesting: entries at the next open, the stop before the target, a stop gapped past exits at the open;
a trailing stop is raised with the candle's own high before its low is tested (`ft_stoploss_adjust`), and a target
must be exceeded (`min_roi_reached`)."""

BACKTESTING_PY: Final = Convention(gap_target=GapFill.OPEN, gap_limit=GapFill.OPEN)
"""The broker of the Python package backtesting.py (`_process_orders`, 0.6.6): the stop before the target, a limit fills
when it is touched, and what the open has passed fills at the open, for better or worse."""

TRADINGVIEW: Final = Convention(same_candle=SameCandle.NEAREST, gap_target=GapFill.OPEN, gap_limit=GapFill.OPEN)
"""TradingView's broker emulator without a bar magnifier: the price goes to the extreme nearer the open first, and
what the open has passed fills at the open."""

OBSERVED: Final = Convention(decides=DecidedBy.QUOTES, gap_target=GapFill.OPEN, gap_limit=GapFill.OPEN)
"""The original system: a poll decides at once, at the price that it saw, for better or worse."""

NAMED: Final[Mapping[str, Convention]] = {
    "conservative": CONSERVATIVE,
    "freqtrade": FREQTRADE,
    "backtesting.py": BACKTESTING_PY,
    "tradingview": TRADINGVIEW,
    "observed": OBSERVED,
}
"""Every named set of choices."""
