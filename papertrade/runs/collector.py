"""Python's search for garbage, paused where values without cycles are made by the million.

A backtest makes some dozen values a trade, and the collector would walk all of them again and again to find
nothing. The rule to keep: what was on before is on again afterwards, and what was made meanwhile is old by then.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the cyclic garbage collector; reference counting goes on.

    Freezing and thawing moves all values to the oldest generation without a walk; else the very next value made would
    have the collector walk every one that was made meanwhile. What a caller has frozen himself stays so.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            gc.freeze()
            gc.unfreeze()
        if was_on:
            gc.enable()
