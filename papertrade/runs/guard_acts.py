"""What guards and caps did to one order, as events: shared by commands and backtests, without a store.

The rule to keep: an order that another rule refused was not adjusted, so nothing is told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import tzinfo
from decimal import Decimal

from papertrade.engine.caps import FREE, Room, room_text
from papertrade.engine.guard_events import Figures, GuardActed
from papertrade.engine.guards import Stand
from papertrade.engine.instants import from_ms
from papertrade.engine.limits import Action, GuardName, Number
from papertrade.engine.messages import EntryFilled, Refusal, TradePlaced
from papertrade.engine.money import ZERO
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.trade import Flag, Order
from papertrade.engine.values import replace


def local_minute_of(at_ms: int, zone: tzinfo) -> tuple[int, int]:
    """Return the weekday (0 is Monday) and the minute of the day of an instant in a zone."""
    local = from_ms(at_ms).astimezone(zone)
    return local.weekday(), local.hour * 60 + local.minute


def acts_of(
    opening: Opening, decided: TradePlaced | EntryFilled | Refusal, rules: Rules, figures: Callable[[], Figures]
) -> tuple[GuardActed, ...]:
    """Return what guards and caps did to an order that was decided so; `figures` is asked only if they did."""
    order = None if isinstance(decided, Refusal) else decided.order
    found = list(_refused(opening, decided) if isinstance(decided, Refusal) else _adjusted(opening, order))
    if not found:
        return ()
    free = open_trade(replace(opening, restraint=FREE), rules)
    at_figures = figures()
    return tuple(
        GuardActed(
            account_id=opening.account.account_id,
            guard=guard,
            action=action,
            symbol=opening.signal.symbol,
            side=str(opening.signal.side),
            signal_key=opening.signal.key,
            message=message,
            numbers=numbers,
            before=None if isinstance(free, Refusal) or free.order is None else free.order.quantity,
            after=ZERO if order is None else order.quantity,
            figures=at_figures,
            at_ms=opening.at_ms,
            trade_id=None if order is None else opening.trade_id,
        )
        for guard, action, message, numbers in found
    )


def _refused(opening: Opening, refusal: Refusal) -> Iterator[tuple[GuardName, Action, str, tuple[Number, ...]]]:
    if refusal.code == "guard":
        for stand in opening.restraint.stands:
            if stand.response.action is Action.HALT:
                yield stand.guard, Action.HALT, stand.message, stand.numbers
    room = opening.restraint.tightest
    if refusal.code == "cap" and room is not None:
        yield room.cap, Action.HALT, room_text(room), _numbers(room)


def _adjusted(opening: Opening, order: Order | None) -> Iterator[tuple[GuardName, Action, str, tuple[Number, ...]]]:
    for stand in opening.restraint.stands:
        yield stand.guard, stand.response.action, stand.message, _with_factor(stand)
    room = opening.restraint.tightest
    if order is not None and Flag.AT_CAP in order.flags and room is not None:
        yield room.cap, Action.SHRINK, room_text(room), _numbers(room)


def _with_factor(stand: Stand) -> tuple[Number, ...]:
    return (*stand.numbers, Number("factor", stand.factor)) if stand.factor != 1 else stand.numbers


def _numbers(room: Room) -> tuple[Number, ...]:
    told: dict[str, Decimal] = {"limit": room.limit, "used": room.used, "left": room.left}
    return tuple(Number(name, value) for name, value in told.items())
