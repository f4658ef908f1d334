"""One trade through many candles: finds the next candle that reaches its armed prices and lets the rule decide.

In-memory half of catch-up. The finder may offer too much, never too little; what happens is decided by
`engine.touch` alone. Candles in which a trail only follows are one move, to the best price of them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from papertrade.engine.armed import Armed, beside_trail, reach
from papertrade.engine.conventions import DecidedBy
from papertrade.engine.follow import follow
from papertrade.engine.levels import led_by
from papertrade.engine.market import Candle, Quote, Side
from papertrade.engine.messages import Cause, TradeEvent
from papertrade.engine.money import exact
from papertrade.engine.state import following
from papertrade.engine.touch import has_ambiguous_exit, touch
from papertrade.engine.trade import Status, Trade, Trail
from papertrade.engine.trails import is_new_peak
from papertrade.engine.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Decided:
    """A trade after some candles, what happened, and candles in which finer ones would tell an order."""

    trade: Trade
    events: tuple[TradeEvent, ...]
    open_questions: tuple[Candle, ...] = ()


def through_candles(
    trade: Trade, candles: Sequence[Candle], finer: Mapping[int, Sequence[Candle]], since_ms: int = 0
) -> Decided:
    """Take a trade through candles in time order; those that end at or before `since_ms` are left out.

    `finer` maps a candle's open time to the finer candles inside it: empty where the venue has none. A
    candle that is not in it and that touched both sides is an open question. A trade that quotes decide stays as it is.
    """
    if trade.order.terms.convention.decides is DecidedBy.QUOTES:
        return Decided(trade, ())
    questions: list[Candle] = []
    course = _Course(trade)
    with exact():
        for candle in candles:
            if candle.end_ms <= since_ms or not course.needs_rule(candle):
                continue
            happened = course.show(candle, finer.get(candle.open_ms, ()))
            if has_ambiguous_exit(happened) and candle.open_ms not in finer:
                questions.append(candle)
            if not course.trade.status.is_live:
                break
        course.catch_up_trail()
    return Decided(course.trade, tuple(course.events), tuple(questions))


def through_quote(trade: Trade, quote: Quote) -> Decided:
    """Take a trade through a quote: of a blind stretch, or of any look where quotes decide."""
    after, events = touch(trade, quote)
    return Decided(after, events)


class _Course:
    """One trade on its way through candles.

    `trail` is where its trail stands after the candles skipped so far, and `best` the one of them that led it there;
    `trail` is None while a trail is not all that a candle may move (see `engine.follow`). `armed` is all else.
    """

    def __init__(self, trade: Trade) -> None:
        self.events: list[TradeEvent] = []
        self.trade: Trade
        self.trail: Trail | None
        self.best: Candle | None
        self._stand(trade)

    def needs_rule(self, candle: Candle) -> bool:
        """Whether the rule has to see this candle; one that only leads the trail is remembered."""
        if _reaches(self.armed, candle):
            return True
        if self.trail is None:
            return False
        is_long = self.trade.side is Side.LONG
        best, worst = (candle.high, candle.low) if is_long else (candle.low, candle.high)
        trail = self.trail
        if trail.peak is None or (best > trail.peak if is_long else best < trail.peak):
            if candle.open_ms < self.trade.whole_from or candle.end_ms <= self.trade.applied_to:
                return True
            trail = led_by(trail, best, self.trade.side, self.trade.order.terms.price_grid)
        if trail.stop is None or (worst <= trail.stop if is_long else worst >= trail.stop):
            return True
        if trail is not self.trail:
            self.trail, self.best = trail, candle
        return False

    def show(self, candle: Candle, finer: Sequence[Candle]) -> tuple[TradeEvent, ...]:
        """Let the rule decide a candle; return what happened in it."""
        self.catch_up_trail()
        trade, happened = touch(self.trade, candle, finer)
        if happened:
            self._add(happened)
            self._stand(trade)
        return happened

    def catch_up_trail(self) -> None:
        """Move the trail to the best price of the candles that were skipped."""
        if self.best is None:
            return
        best = self.best
        price = best.high if self.trade.side is Side.LONG else best.low
        moved = follow(self.trade, price, best.open_ms, best.last_ms, best.end_ms)
        if moved is not None:
            cause = Cause(rule=moved.cause.rule, raw_price=price, level=moved.stop, candle=best)
            moved = replace(moved, cause=cause)
            self._add((moved,))
            self.trade = following(self.trade, moved)
        self.best = None

    def _add(self, happened: Sequence[TradeEvent]) -> None:
        """Add events; of two new peaks in a row under the same exits only the better one decided anything."""
        for event in happened:
            if self.events and is_new_peak(event) and is_new_peak(self.events[-1]) and len(self.trade.rulings) == 1:
                self.events.pop()
            self.events.append(event)

    def _stand(self, trade: Trade) -> None:
        self.trade = trade
        self.best = None
        levels = trade.rulings[0].levels if trade.status is Status.OPEN and len(trade.rulings) == 1 else None
        self.trail = None if levels is None else levels.trail
        if levels is None or self.trail is None or self.trail.peak is None:
            self.trail, self.armed = None, reach(trade)
        else:
            self.armed = beside_trail(trade, levels)


def _reaches(prices: Armed, candle: Candle) -> bool:
    return (
        (prices.below is not None and candle.low <= prices.below)
        or (prices.above is not None and candle.high >= prices.above)
        or (prices.at is not None and candle.open_ms >= prices.at)
    )
