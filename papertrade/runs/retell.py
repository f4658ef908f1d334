"""One recorded trade told again: what people did stands as recorded, what the market did is derived afresh.

A deed (an entry at once, a close, a cancel, a change of exits by hand) goes before the candle still forming at its
instant; every candle that had ended by then goes first. The rule to keep: nothing here decides what a candle does
to a trade, that is `replay`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, assert_never

from papertrade.engine.carry import leave
from papertrade.engine.fills import Decision
from papertrade.engine.levels import Entered, resolve, with_rules
from papertrade.engine.messages import (
    CostCharged,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    StopMoved,
    TagsChanged,
    TradeEnded,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
    TradeVoided,
)
from papertrade.engine.money import exact
from papertrade.engine.state import evolve
from papertrade.engine.trade import Ruling, Status, Trade
from papertrade.runs.replay import Replayed, Track, replay

Beginning: TypeAlias = TradePlaced | EntryFilled
"""How a trade began: it was placed to wait, or entered at once."""


def is_by_hand(event: TradeEvent) -> bool:
    """Whether people did this, and not a candle or a quote that was shown to the rule."""
    match event:
        case TradePlaced() | TradeVoided() | LevelsChanged() | TradeFlagged() | TagsChanged():
            return True
        case EntryFilled():
            return event.order is not None
        case ExitFilled() | TradeEnded():
            return event.applied_to is None
        case StopMoved() | CostCharged():
            return False
        case _:
            assert_never(event)


def retell(begin: Beginning, deeds: Sequence[TradeEvent], track: Track, until_ms: int) -> Replayed:
    """Tell a trade from its beginning through the candles that end at or before `until_ms`.

    `deeds` are what people did to it afterwards, in the order of the journal; one that cannot follow (the trade has
    ended before, or was never entered) is left out.
    """
    teller = _Teller(evolve(None, begin), track, [begin])
    for deed in deeds:
        at_ms = _instant(deed)
        if at_ms is not None:
            teller.watch(min(at_ms, until_ms))
        teller.do(deed)
    teller.watch(until_ms)
    return Replayed(teller.trade, tuple(teller.events))


def _instant(deed: TradeEvent) -> int | None:
    """Return when a deed was done; None for remarks, which no candle can come before or after."""
    return None if isinstance(deed, TradeFlagged | TagsChanged | TradePlaced) else deed.at_ms


class _Teller:
    """One trade on its way through candles and deeds."""

    def __init__(self, trade: Trade, track: Track, events: list[TradeEvent]) -> None:
        self.trade = trade
        self.events = events
        self._track = track
        self._seen_to = 0

    def watch(self, until_ms: int) -> None:
        """Take the trade through the candles up to an instant; those it was shown before are not looked at again."""
        if not self.trade.status.is_live or until_ms <= self._seen_to:
            return
        series = self._track.series
        start = series.index_from(max(self.trade.applied_to, self._seen_to) - series.interval_ms + 1)
        life = replay(self.trade, self._track, until_ms, start)
        self.trade, self._seen_to = life.trade, until_ms
        self.events.extend(life.events)

    def do(self, deed: TradeEvent) -> None:
        """Do what was done by hand, as far as the trade is still such that it can be done."""
        for event in _following(self.trade, deed):
            self.trade = evolve(self.trade, event)
            self.events.append(event)


def _following(trade: Trade, deed: TradeEvent) -> tuple[TradeEvent, ...]:
    """Return the events that a deed makes of the trade as it is now, none where it can make none."""
    match deed:
        case ExitFilled():
            return _close(trade, deed) if trade.status is Status.OPEN else ()
        case TradeEnded():
            return (_cancel(trade, deed),) if trade.status is Status.PENDING else ()
        case LevelsChanged():
            return (_change(trade, deed),) if trade.status.is_live else ()
        case TradeVoided():
            return ()
        case TradeFlagged() | TagsChanged():
            return (deed,)
        case TradePlaced() | EntryFilled() | StopMoved() | CostCharged():
            raise ValueError(f"trade {trade.id}: {type(deed).__name__} is nothing that is done by hand to a trade")
        case _:
            assert_never(deed)


def _close(trade: Trade, deed: ExitFilled) -> tuple[TradeEvent, ...]:
    """Close what was closed, at its price; all where that was all or where less is left. What is due goes first."""
    with exact():
        quantity = trade.open_quantity if deed.is_final else min(deed.quantity, trade.open_quantity)
        decision = Decision(
            cause=deed.cause,
            reason=deed.reason,
            liquidity=deed.liquidity,
            at_ms=deed.at_ms,
            flags=deed.flags,
        )
        return leave(trade, quantity, decision)


def _cancel(trade: Trade, deed: TradeEnded) -> TradeEnded:
    return TradeEnded(trade_id=trade.id, status=deed.status, released=trade.reserve, why=deed.why, at_ms=deed.at_ms)


def _entry_of(trade: Trade) -> Entered:
    return Entered(
        side=trade.side,
        price=trade.entered_price,
        quantity=trade.quantity,
        fee=trade.entry_fee,
        terms=trade.order.terms,
        opened_at=trade.opened_at or trade.order.placed_at,
        stop=trade.initial_stop,
    )


def _change(trade: Trade, deed: LevelsChanged) -> LevelsChanged:
    """Change the exits; wishes of a trade that was still waiting then are resolved if it is not now."""
    ruling = deed.ruling
    if trade.status is Status.PENDING or ruling.levels is not None:
        return deed
    with exact():
        grid = trade.order.terms.price_grid
        levels = resolve(ruling.wish, trade.side, trade.entered_price, grid, trade.open_quantity)
        if not ruling.wish.is_plain:
            levels = with_rules(levels, ruling.wish, _entry_of(trade))
    return LevelsChanged(
        trade_id=trade.id, ruling=Ruling(ruling.from_ms, ruling.wish, levels), at_ms=deed.at_ms, reason=deed.reason
    )
