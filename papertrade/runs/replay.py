"""One trade through a series of candles: the array finder looks for the next touch, the rule decides it.

The in-memory counterpart of a watch's catch-up, for backtests and for whatever plays recorded trades again. A
trade draws only on its own reserve once it is placed, so its life needs no account. The rule to keep: nothing
here knows when a stop is hit.
"""

from __future__ import annotations

from dataclasses import dataclass

from papertrade.engine.armed import reach
from papertrade.engine.market import Candle
from papertrade.engine.messages import TradeEvent
from papertrade.engine.touch import has_ambiguous_exit, touch
from papertrade.engine.trade import Trade
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.touch_scan import TouchIndex


class Track:
    """The candles of one symbol, ready to be searched; `detail` are finer candles that order touches."""

    def __init__(self, series: CandleSeries, detail: CandleSeries | None = None) -> None:
        self.series = series
        self.detail = detail
        self.index = TouchIndex(series)

    def first_reaching(self, trade: Trade, start: int) -> int:
        """Return the first candle from `start` on that the rule must see; the number of candles if none.

        The candle in which a trade was placed or changed by hand shows only its close, so it is always offered.
        """
        series = self.series
        if start < len(series) and int(series.open_ms[start]) < trade.whole_from:
            return start
        armed = reach(trade)
        index = self.index
        found = index.first(start, index.floor_price(armed.below), index.ceil_price(armed.above))
        return found if armed.at is None else max(start, min(found, series.index_from(armed.at)))

    def finer(self, candle: Candle) -> tuple[Candle, ...]:
        """Return the finer candles inside one; none without a detail series."""
        if self.detail is None:
            return ()
        start, end = self.detail.index_from(candle.open_ms), self.detail.index_from(candle.end_ms)
        return tuple(self.detail.candle(index) for index in range(start, end))


@dataclass(frozen=True, slots=True)
class Replayed:
    """A trade after its candles, and what happened to it, in time order."""

    trade: Trade
    events: tuple[TradeEvent, ...]


def replay(trade: Trade, track: Track, until_ms: int | None = None, first: int | None = None) -> Replayed:
    """Take a live trade through the candles after those applied to it that end at or before `until_ms`.

    None takes all of them. `first` is the first candle that can matter to the trade where the caller knows it.
    """
    series = track.series
    at = series.index_from(trade.applied_to - series.interval_ms + 1)
    end = len(series) if until_ms is None else series.index_from(until_ms - series.interval_ms + 1)
    found = track.first_reaching(trade, at) if first is None else first
    events: list[TradeEvent] = []
    while found < end:
        trade, happened = _shown(trade, track, series.candle(found))
        events.extend(happened)
        if not trade.status.is_live:
            break
        found = track.first_reaching(trade, found + 1)
    return Replayed(trade, tuple(events))


def _shown(trade: Trade, track: Track, candle: Candle) -> tuple[Trade, tuple[TradeEvent, ...]]:
    """Show the rule one candle, and the finer ones inside it where it asks for them."""
    after, happened = touch(trade, candle)
    if track.detail is not None and has_ambiguous_exit(happened):
        return touch(trade, candle, track.finer(candle))
    return after, happened
