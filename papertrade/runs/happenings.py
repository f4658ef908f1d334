"""What happened, as a watch and its listeners name it: journal events with the state of their trade beside them.

The names are those of `watch --json` and of the notification targets. The journal is the source, so what
another command did meanwhile is told like what the watch did itself. The rule to keep: a state shown beside
an event is the state right after that event, never a later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from papertrade.engine.account import AccountBook
from papertrade.engine.follow import NEW_PEAK
from papertrade.engine.guard_events import GuardActed
from papertrade.engine.limits import Action
from papertrade.engine.messages import (
    CostCharged,
    EntryFilled,
    Event,
    ExitFilled,
    LevelsChanged,
    Refused,
    StopMoved,
    TagsChanged,
    TradeEnded,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
    TradeVoided,
    TrailsMoved,
)
from papertrade.engine.state import evolve
from papertrade.engine.trade import Status, Trade
from papertrade.engine.trails import moves_of
from papertrade.engine.values import dataclass
from papertrade.reports.trade_view import TradeView
from papertrade.runs.views import trade_views
from papertrade.runs.world import Change
from papertrade.store.rows import EventFilter, JournalRow
from papertrade.store.store import Reader

ORDER_FILLED: Final = "order_filled"
TRADE_OPENED: Final = "trade_opened"
TRADE_CHANGED: Final = "trade_changed"
TRADE_CLOSED: Final = "trade_closed"
REFUSED: Final = "refused"
GUARD_ACTED: Final = "guard_acted"

_ABOUT_A_TRADE: Final = (
    TradePlaced,
    EntryFilled,
    ExitFilled,
    CostCharged,
    StopMoved,
    TradeEnded,
    TradeVoided,
    LevelsChanged,
    TradeFlagged,
    TagsChanged,
)

_TO_A_TRADE: Final = (*_ABOUT_A_TRADE, TrailsMoved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event that listeners are told about.

    `names` are what it is called: an order that waited and was filled is `order_filled` and `trade_opened`.
    `view` is the trade right after it, `book` the account as it is now; both None for a refused opening and a guard.
    """

    names: tuple[str, ...]
    event: TradeEvent | Refused | GuardActed
    view: TradeView | None = None
    book: AccountBook | None = None


def names_of(event: Event) -> tuple[str, ...]:
    """Return what listeners call an event; nothing for one that concerns no trade."""
    match event:
        case EntryFilled():
            return (TRADE_OPENED,) if event.order is not None else (ORDER_FILLED, TRADE_OPENED)
        case ExitFilled():
            return (TRADE_CLOSED,) if event.is_final else (TRADE_CHANGED,)
        case TradeEnded():
            return (REFUSED,) if event.status is Status.REJECTED else (TRADE_CHANGED,)
        case CostCharged():
            # As regular as the clock, and for every open trade.
            return ()
        case StopMoved():
            # A trail that only follows is not told: it would be a line a minute for every trade.
            return () if event.cause.rule == NEW_PEAK else (TRADE_CHANGED,)
        case TradePlaced() | TradeVoided() | LevelsChanged() | TradeFlagged() | TagsChanged():
            return (TRADE_CHANGED,)
        case Refused():
            return (REFUSED,)
        case GuardActed():
            # What a guard refused is told as refused.
            return () if event.action is Action.HALT else (GUARD_ACTED,)
        case _:
            return ()


def of_changes(reader: Reader, changes: Sequence[Change], now_ms: int) -> tuple[Happening, ...]:
    """Return what a tick changed, each event with its trade right after it; `now_ms` is the venue's time."""
    told = [change for change in changes if any(names_of(event) for event in change.events)]
    pairs = [(event, state) for change in told for event, state in _steps(change)]
    return _told(reader, pairs, now_ms)


def of_rows(reader: Reader, rows: Sequence[JournalRow], now_ms: int) -> tuple[Happening, ...]:
    """Return what listeners are told of some rows of the journal, in its order."""
    states = states_after(reader, [row for row in rows if names_of(row.event)])
    return _told(reader, [(row.event, states.get(row.seq)) for row in rows], now_ms)


def states_after(reader: Reader, rows: Iterable[JournalRow]) -> dict[int, Trade]:
    """Return each row's trade right after the row's event, by the number of the row; none for one of several trades."""
    rows = [row for row in rows if row.trade_id is not None and isinstance(row.event, _TO_A_TRADE)]
    wanted = {row.seq for row in rows}
    states: dict[int, Trade] = {}
    for trade_id in dict.fromkeys(row.trade_id for row in rows if row.seq in wanted):
        trade: Trade | None = None
        for row in reader.events(EventFilter(trade_id=trade_id)):
            for event in _of_trade(row, trade_id):
                trade = evolve(trade, event)
                if row.seq in wanted:
                    states[row.seq] = trade
    return states


def _of_trade(row: JournalRow, trade_id: int | None) -> Iterable[TradeEvent]:
    """Return what a row of the journal did to a trade."""
    if isinstance(row.event, TrailsMoved):
        return moves_of(row.event, trade_id)
    return (row.event,) if isinstance(row.event, _ABOUT_A_TRADE) else ()


def _steps(change: Change) -> list[tuple[Event, Trade | None]]:
    steps: list[tuple[Event, Trade | None]] = []
    trade = change.before
    for event in change.events:
        trade = evolve(trade, event)
        steps.append((event, trade))
    return steps


def _told(reader: Reader, pairs: Sequence[tuple[Event, Trade | None]], now_ms: int) -> tuple[Happening, ...]:
    pairs = [(event, trade) for event, trade in pairs if names_of(event)]
    known = [trade for _, trade in pairs if trade is not None]
    views = iter(trade_views(reader, known, now_ms))
    books = {account.id: reader.account_book(account) for account in reader.accounts()} if known else {}
    told: list[Happening] = []
    for event, trade in pairs:
        if isinstance(event, Refused | GuardActed):
            told.append(Happening(names=names_of(event), event=event))
        elif isinstance(event, _ABOUT_A_TRADE) and trade is not None:
            book = books[trade.order.account_id]
            told.append(Happening(names=names_of(event), event=event, view=next(views), book=book))
    return tuple(told)
