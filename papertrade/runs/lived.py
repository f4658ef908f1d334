"""What live trades lived through: how much of it was seen, and how far the price went meanwhile.

Reads only, from the candles that ticks went through and the stretches without any. The rule to keep: what was not
seen is unknown; nothing is guessed from the candles around it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from papertrade.engine.market import MINUTE_MS, Candle, floor_ms
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.reports.coverage import Gap, Observed, observed
from papertrade.reports.excursion import Between, Reached, reached, stay_of
from papertrade.store.rows import Coverage, CoverageKind, Watermark
from papertrade.store.seen_candles import CandleHour, Place
from papertrade.store.store import Reader


class StoredCandles:
    """The candles of one instrument as the store knows them: by the hour, and one by one where that matters.

    `gaps` are its stretches without candles; a hole, which the venue does not fill, is known to be empty.
    """

    def __init__(self, hours: Sequence[CandleHour], gaps: Iterable[Coverage]) -> None:
        self._hours = hours
        self._opens = [hour.hour_ms for hour in hours]
        self._holes = [(gap.from_ms, gap.to_ms) for gap in gaps if gap.kind is CoverageKind.HOLE]

    def candle_at(self, at_ms: int) -> Candle | None:
        """Return the candle that contains an instant; None where there is none, or none is known."""
        place = bisect_right(self._opens, at_ms) - 1
        if place < 0:
            return None
        return next((c for c in reversed(self._hours[place].candles) if c.open_ms <= at_ms < c.end_ms), None)

    def between(self, from_ms: int, to_ms: int) -> Between:
        """Return what the candles that open at or after `from_ms` and end by `to_ms` reached."""
        known_ms = sum(max(0, min(end, to_ms) - max(start, from_ms)) for start, end in self._holes)
        lows: list[Decimal] = []
        highs: list[Decimal] = []
        for place in range(max(bisect_right(self._opens, from_ms) - 1, 0), bisect_right(self._opens, to_ms - 1)):
            hour = self._hours[place]
            if hour.first_ms >= from_ms and hour.end_ms <= to_ms:
                lows.append(hour.low)
                highs.append(hour.high)
                known_ms += hour.seen_ms
                continue
            for candle in hour.candles:
                if candle.open_ms >= from_ms and candle.end_ms <= to_ms:
                    lows.append(candle.low)
                    highs.append(candle.high)
                    known_ms += candle.interval_ms
        return Between(min(lows, default=None), max(highs, default=None), known_ms >= to_ms - from_ms)

    def last_end(self, at_ms: int) -> int:
        """Return where the newest candle that can have ended by an instant ends."""
        place = bisect_right(self._opens, at_ms) - 1
        known = self._hours[place].candles if place >= 0 else ()
        return floor_ms(at_ms, known[-1].interval_ms if known else MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Lived:
    """How much of a trade's life was observed, and the extremes it met.

    `reached` is None for one that was never entered, and where a part of its time in the market was not seen.
    """

    observed: Observed
    reached: Reached | None


def lived(reader: Reader, trades: Sequence[Trade], now_ms: int) -> tuple[Lived, ...]:
    """Return what each trade lived through, in their order; a live one as far as its instrument was processed."""
    places = {(trade.order.venue, trade.order.symbol) for trade in trades}
    if not places:
        return ()
    gaps = {place: reader.coverage(*place) for place in sorted(places)}
    marks = reader.fill_marks(trade.id for trade in trades if trade.opened_at is not None)
    ends = {place: _processed_to(reader.watermark(*place), gaps[place], now_ms) for place in places}
    hours = reader.candle_hours(_spans(trades, ends))
    candles = {place: StoredCandles(found, gaps[place]) for place, found in hours.items()}
    missing = {place: [Gap(g.from_ms, g.to_ms, g.is_bridged) for g in known] for place, known in gaps.items()}
    found = []
    for trade in trades:
        place = (trade.order.venue, trade.order.symbol)
        fills = marks.get(trade.id, ())
        exits = tuple(fill.price for fill in fills if fill.is_exit)
        stay = stay_of(trade, exits, ends[place])
        quoted_at = [fill.at_ms for fill in fills if fill.is_observed]
        met = None if stay is None else reached(stay, candles[place])
        found.append(Lived(observed(trade, ends[place], missing[place], quoted_at), met))
    return tuple(found)


def _processed_to(mark: Watermark | None, gaps: Sequence[Coverage], now_ms: int) -> int:
    """Return how far the life of an instrument's trades is known: its candles, or what was seen to be without any."""
    seen_to = max([0 if mark is None else mark.end_ms, *(gap.to_ms for gap in gaps)])
    return min(seen_to, now_ms)


def _spans(trades: Sequence[Trade], ends: Mapping[Place, int]) -> dict[Place, tuple[int, int]]:
    """Return the time for which the candles of each instrument are needed."""
    spans: dict[Place, tuple[int, int]] = {}
    for trade in trades:
        if trade.opened_at is None:
            continue
        place = (trade.order.venue, trade.order.symbol)
        until = (ends[place] if trade.closed_at is None else trade.closed_at) + 1
        first, last = spans.get(place, (trade.opened_at, until))
        spans[place] = (min(first, trade.opened_at), max(last, until))
    return spans
