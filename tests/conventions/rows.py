"""Rows of published tables: a trade, the bars, what must happen; played by the engine under a named convention.

How the texts are read is said in `tests/engine/tables.py`; options are never in the text, the name sets them all.
"""

from __future__ import annotations

from dataclasses import replace

from papertrade.engine.conventions import NAMED
from tests.engine.deals import candle_of, play
from tests.engine.oracle import Choices
from tests.engine.tables import deal_of, tape_of, told


def choices_of(name: str) -> Choices:
    """Return the options of a named convention that decide what a candle does."""
    options = NAMED[name]
    return Choices(
        same_candle=options.same_candle,
        gap_stop=options.gap_stop,
        gap_target=options.gap_target,
        gap_limit=options.gap_limit,
        limit_fill=options.limit_fill,
        trail=options.trail,
    )


def outcome(name: str, trade: str, bars: str) -> str:
    """Return what happens to the trade, in the words of the table."""
    deal = replace(deal_of(trade), choices=choices_of(name))
    _, events = play(deal, [candle_of(bar) for bar in tape_of(bars)])
    return told(events)
