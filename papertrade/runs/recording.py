"""What a look at the market changed, as rows of the journal: the new peaks of an instrument are one event.

A trade that a better price only led costs next to nothing: it shares its event, and its view changes in a few
columns. The rule to keep: of one trade the order of its events stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from papertrade.engine.messages import Event, StopMoved, effective_ms
from papertrade.engine.trade import Trade
from papertrade.engine.trails import is_new_peak, pooled
from papertrade.errors import Refused
from papertrade.runs.world import Change
from papertrade.store.rows import Recorded
from papertrade.store.views import InvariantBroken

CANNOT_BE: Final = (ValueError, InvariantBroken, Refused)
"""What the store raises for one trade's events that cannot be recorded, an amount beyond its columns among them."""


def rows_of(changes: Sequence[Change]) -> tuple[list[Recorded], dict[int, Trade]]:
    """Return the events of some changes of one instrument, and the trades as they were before them.

    New peaks with which trades began are pooled and come first; whatever followed keeps an event each.
    """
    moves: list[StopMoved] = []
    rest: list[Recorded] = []
    for change in changes:
        leading = [event for event in takewhile(is_new_peak, change.events) if isinstance(event, StopMoved)]
        moves += leading
        rest += [Recorded(event, effective_ms(event)) for event in change.events[len(leading) :]]
    before = {change.before.id: change.before for change in changes if change.before is not None}
    if not moves:
        return rest, before
    order = changes[0].after.order
    event: Event = pooled(order.venue, order.symbol, moves)
    return [Recorded(event, max(move.at_ms for move in moves)), *rest], before
