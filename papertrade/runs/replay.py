"""One trade through a series of candles: the array finder looks for the next touch, the rule decides it.

The in-memory counterpart of a watch's catch-up, for backtests and for whatever plays recorded trades again. A
trade draws only on its own reserve once it is placed, so its life needs no account. The rule to keep: nothing
here knows when a stop is hit.
"""

from __future__ import annotations

from functools import cached_property

from papertrade.engine.armed import reach
from papertrade.engine.conventions import DecidedBy
from papertrade.engine.follow import follow
from papertrade.engine.market import Candle, Quote, Side
from papertrade.engine.messages import StopMoved, TradeEvent
from papertrade.engine.state import evolve
from papertrade.engine.touch import has_ambiguous_exit, touch
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass, replace
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.touch_scan import TouchIndex
from papertrade.runs.trail_scan import first_followed, trail_of, without_peak


class Track:
    """The candles of one symbol, ready to be searched; `detail` are finer candles that order touches.

    With `shows_quotes` a candle shows a trade one price, its close at its last millisecond: see `quoted`.
    """

    def __init__(self, series: CandleSeries, detail: CandleSeries | None = None, *, shows_quotes: bool = False) -> None:
        self.series = series
        self.detail = detail
        self.index = TouchIndex(series)
        self._shows_quotes = shows_quotes

    @cached_property
    def quoted(self) -> Track:
        """The same candles for trades that quotes decide (`decides: quotes`): the closes, and nothing between them."""
        closes = self.series.close
        return Track(replace(self.series, open=closes, high=closes, low=closes), shows_quotes=True)

    def of(self, trade: Trade) -> Track:
        """Return what a trade is shown, by its own convention."""
        return self.quoted if trade.order.terms.convention.decides is DecidedBy.QUOTES else self

    def seen(self, index: int) -> Candle | Quote:
        """Return what a candle shows."""
        candle = self.series.candle(index)
        return Quote(at_ms=candle.last_ms, last=candle.close) if self._shows_quotes else candle

    def after(self, applied_to: int) -> int:
        """Return the first candle that shows more than what is applied."""
        return self.series.index_from(applied_to - self.series.interval_ms + (2 if self._shows_quotes else 1))

    def _from(self, at_ms: int) -> int:
        """Return the first candle that shows something at or after an instant."""
        return self.series.index_from(at_ms - (self.series.interval_ms - 1 if self._shows_quotes else 0))

    def first_reaching(self, trade: Trade, start: int) -> int:
        """Return the first candle from `start` on that the rule must see; the number of candles if none.

        The candle in which a trade was placed or changed by hand shows only its close, so it is always offered.
        """
        series = self.series
        if start < len(series) and series.open_ms.item(start) < trade.whole_from:
            return start
        armed = reach(trade)
        index = self.index
        found = index.first(start, index.floor_price(armed.below), index.ceil_price(armed.above))
        return found if armed.at is None else max(start, min(found, self._from(armed.at)))

    def followed(self, trade: Trade, start: int, end: int) -> tuple[int, StopMoved | None]:
        """Return the first candle before `end` that may do more to a trailing trade than move its stop, and that move.

        All moves of the candles before it are one, to the best price of them all.
        """
        trail = trail_of(trade)
        if trail is None or (start < end and self.series.open_ms.item(start) < trade.whole_from):
            return min(self.first_reaching(trade, start), end), None
        end = min(self.first_reaching(without_peak(trade), start), end)
        found = first_followed(self.series, trade.side, trail, start, end)
        if found.best is None:
            return found.index, None
        return found.index, _moved(trade, self.seen(found.best))

    def finer(self, candle: Candle) -> tuple[Candle, ...]:
        """Return the finer candles inside one; none without a detail series."""
        if self.detail is None:
            return ()
        start, end = self.detail.index_from(candle.open_ms), self.detail.index_from(candle.end_ms)
        return tuple(self.detail.candle(index) for index in range(start, end))


def _moved(trade: Trade, seen: Candle | Quote) -> StopMoved | None:
    """Return how the stops of a trade follow the best price of what was seen."""
    if isinstance(seen, Quote):
        moved = follow(trade, seen.last, seen.at_ms, seen.at_ms, seen.at_ms)
        return None if moved is None else replace(moved, cause=replace(moved.cause, quote=seen))
    best = seen.high if trade.side is Side.LONG else seen.low
    moved = follow(trade, best, seen.open_ms, seen.last_ms, seen.end_ms)
    return None if moved is None else replace(moved, cause=replace(moved.cause, candle=seen))


@dataclass(frozen=True, slots=True)
class Replayed:
    """A trade after its candles, and what happened to it, in time order."""

    trade: Trade
    events: tuple[TradeEvent, ...]


def replay(trade: Trade, track: Track, until_ms: int | None = None, start: int | None = None) -> Replayed:
    """Take a live trade through the candles after those applied to it that end at or before `until_ms`.

    None takes all of them. `start` is the first candle to look at where the caller knows better.
    """
    track = track.of(trade)
    series = track.series
    at = track.after(trade.applied_to) if start is None else start
    end = len(series) if until_ms is None else series.index_from(until_ms - series.interval_ms + 1)
    events: list[TradeEvent] = []
    while trade.status.is_live:
        at, moved = track.followed(trade, at, end)
        if moved is not None:
            trade = evolve(trade, moved)
            events.append(moved)
        if at >= end:
            break
        trade, happened = _shown(trade, track, track.seen(at))
        events.extend(happened)
        at += 1
    return Replayed(trade, tuple(events))


def _shown(trade: Trade, track: Track, seen: Candle | Quote) -> tuple[Trade, tuple[TradeEvent, ...]]:
    """Show the rule one candle, and the finer ones inside it where it asks for them; or one price."""
    after, happened = touch(trade, seen)
    if isinstance(seen, Candle) and track.detail is not None and has_ambiguous_exit(happened):
        return touch(trade, seen, track.finer(seen))
    return after, happened
