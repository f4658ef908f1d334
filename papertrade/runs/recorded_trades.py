"""An account's trades with all that happened to them, out of the journal; what `parity` and `whatif` tell again.

The rule to keep: a trade here is the fold of its events and not the view, so what is compared is the truth itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from papertrade.engine.codec import KIND_OF
from papertrade.engine.conventions import DecidedBy
from papertrade.engine.market import INTERVALS, Candle, floor_ms
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
    TrailsMoved,
)
from papertrade.engine.state import evolve
from papertrade.engine.trade import Flag, Trade
from papertrade.engine.trails import moves_of
from papertrade.engine.values import dataclass
from papertrade.runs.retell import Beginning, is_by_hand
from papertrade.store.rows import AccountRow, EventFilter, TradeFilter
from papertrade.store.store import Reader

_KINDS: Final = tuple(
    KIND_OF[kind]
    for kind in (
        TradePlaced,
        EntryFilled,
        ExitFilled,
        CostCharged,
        StopMoved,
        TrailsMoved,
        TradeEnded,
        TradeVoided,
        LevelsChanged,
        TradeFlagged,
        TagsChanged,
    )
)
_NO_PROMISE: Final[Mapping[Flag, str]] = {
    Flag.VOID: "it was taken back by hand",
    Flag.OBSERVED: "a quote decided it in a stretch without candles",
    Flag.UNVERIFIED: "a command acted on it without catching up",
    Flag.OFF_MARKET: "it was closed at a price of your own",
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What candles are asked for: a symbol of a venue, at an interval of so many milliseconds."""

    venue: str
    symbol: str
    interval_ms: int

    @property
    def interval(self) -> str:
        """The interval by the venue's name."""
        return next(name for name, length in INTERVALS.items() if length == self.interval_ms)


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    """A trade as the journal has it; `until_ms` is how far the market has been processed for it.

    `place` are the candles that it was watched with; `horizon_ms` is how far those of its instrument have been
    processed, None where it has no live trade. `no_promise` is why the trade cannot be told again, None if it can.
    """

    trade: Trade
    begin: Beginning
    events: tuple[TradeEvent, ...]
    place: Place
    until_ms: int
    horizon_ms: int | None = None
    no_promise: str | None = None

    @property
    def deeds(self) -> tuple[TradeEvent, ...]:
        """What people did to it after it began."""
        return tuple(event for event in self.events[1:] if is_by_hand(event))

    @property
    def from_ms(self) -> int:
        """The open of the first candle that can matter to it."""
        return floor_ms(self.trade.order.placed_at, self.place.interval_ms)


def recorded_trades(
    reader: Reader, account: AccountRow, wanted: TradeFilter, interval_ms: int
) -> tuple[RecordedTrade, ...]:
    """Return the trades of the account's present epoch that match; time filters hold for when a trade was placed.

    `interval_ms` is what the account is watched with now, for trades that no candle has touched yet.
    """
    rows = reader.events(EventFilter(account_id=account.id, kinds=_KINDS, after_seq=account.epoch_seq))
    events: dict[int, list[TradeEvent]] = {}
    for row in rows:
        if isinstance(row.event, TrailsMoved):
            for move in moves_of(row.event):
                events.setdefault(move.trade_id, []).append(move)
        elif isinstance(row.event, TradeEvent) and row.trade_id is not None:
            events.setdefault(row.trade_id, []).append(row.event)
    timeless = TradeFilter(
        account_id=account.id,
        epoch=account.epoch,
        statuses=wanted.statuses,
        exit_reasons=wanted.exit_reasons,
        or_void=wanted.or_void,
        symbol=wanted.symbol,
        source=wanted.source,
        tag=wanted.tag,
        side=wanted.side,
        signal_id=wanted.signal_id,
    )
    marks = {(live.venue, live.symbol): live.watermark for live in reader.live_instruments()}
    watermarks = {place: mark.end_ms for place, mark in marks.items() if mark is not None}
    asides = {aside.trade_id: aside.from_ms for aside in reader.trades_set_aside()}
    found = []
    for trade in reader.each_trade(timeless):
        if _is_in_time(trade.order.placed_at, wanted) and trade.id in events:
            horizon_ms = watermarks.get((trade.order.venue, trade.order.symbol))
            found.append(_recorded(events[trade.id], interval_ms, horizon_ms, asides.get(trade.id)))
    return tuple(found)


def _recorded(
    events: list[TradeEvent], interval_ms: int, horizon_ms: int | None, aside_ms: int | None
) -> RecordedTrade:
    begin = events[0]
    if not isinstance(begin, TradePlaced | EntryFilled):
        raise TypeError(f"trade {begin.trade_id} begins with {type(begin).__name__}")
    trade = evolve(None, begin)
    for event in events[1:]:
        trade = evolve(trade, event)
    lengths = {candle.interval_ms for candle in candles_of(events)} or {interval_ms}
    seen_ms = aside_ms if aside_ms is not None else horizon_ms or 0
    ended_ms = max(trade.applied_to, trade.closed_at or 0)
    return RecordedTrade(
        trade=trade,
        begin=begin,
        events=tuple(events),
        place=Place(trade.order.venue, trade.order.symbol, min(lengths)),
        until_ms=max(ended_ms, seen_ms) if trade.status.is_live else ended_ms,
        horizon_ms=horizon_ms,
        no_promise=_no_promise(trade, lengths),
    )


def candles_of(events: Iterable[TradeEvent]) -> list[Candle]:
    """Return the candles that decided something, as they were then."""
    causes = (event.cause for event in events if isinstance(event, EntryFilled | ExitFilled | CostCharged))
    return [cause.candle for cause in causes if cause.candle is not None]


def _no_promise(trade: Trade, lengths: set[int]) -> str | None:
    if trade.order.terms.convention.decides is DecidedBy.QUOTES:
        return "observed: quotes decide it, by its convention"
    for flag, why in _NO_PROMISE.items():
        if flag in trade.flags:
            return f"{flag}: {why}"
    if len(lengths) > 1:
        return "it was watched with candles of several lengths"
    return None


def _is_in_time(placed_at: int, wanted: TradeFilter) -> bool:
    is_after = wanted.since_ms is None or placed_at >= wanted.since_ms
    return is_after and (wanted.until_ms is None or placed_at < wanted.until_ms)
