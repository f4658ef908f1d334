"""Python's search for garbage, paused where values without cycles are made by the million.

A backtest makes some dozen values a trade, and the collector would walk all of them again and again to find
nothing. The rule to keep: what was on before is on again afterwards.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the cyclic garbage collector; reference counting goes on."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
