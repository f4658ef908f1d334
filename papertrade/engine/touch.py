"""The one rule: what a live trade does when the market shows a candle or a quote. Pure and exact.

A quote is a JUMP to its price. A candle is a JUMP to its open, then a SWEEP over its inside. Finer candles
may order the touches inside it; they never price them. Everything that decides a trade by a price goes
through `touch`: the watch, the catch-up and the backtest differ only in what they show it.
The numbers in brackets are sections of docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

from papertrade.engine.armed import adverse_price
from papertrade.engine.carry import Occasion, due_charges, leave
from papertrade.engine.conventions import DecidedBy, GapFill, LimitFill, SameCandle, TrailOn
from papertrade.engine.entries import enter
from papertrade.engine.fills import Decision, part_at_target
from papertrade.engine.follow import follow, follow_first_target, followed
from papertrade.engine.market import LONG, Candle, Quote
from papertrade.engine.messages import MAKER, TAKER, Cause, ExitFilled, StopMoved, TradeEnded, TradeEvent
from papertrade.engine.money import exact
from papertrade.engine.signal import EntryType
from papertrade.engine.state import following, levels_at
from papertrade.engine.trade import OPEN, PENDING, ExitReason, Flag, Status, Target, Trade
from papertrade.engine.values import replace


def touch(trade: Trade, seen: Candle | Quote, finer: Sequence[Candle] = ()) -> tuple[Trade, tuple[TradeEvent, ...]]:
    """Return the trade after what was seen, and what happened to it; no events when nothing did.

    `finer` are the candles inside `seen` at a shorter interval, in time order. They are asked only where an
    exit would have to be chosen between two levels, and only if together they reach as far as `seen` does.
    """
    if not trade.status.is_live:
        return trade, ()
    with exact():
        walk = _Walk(trade, seen)
        walk.go()
        if finer and isinstance(seen, Candle) and has_ambiguous_exit(walk.events) and _covers(finer, seen):
            walk = _Walk(trade, seen, finer)
            walk.go()
    return walk.trade, tuple(walk.events)


def has_ambiguous_exit(events: Sequence[TradeEvent]) -> bool:
    """Whether finer candles could tell more: an exit had to be chosen between two levels of one candle."""
    return any(isinstance(event, ExitFilled) and event.is_ambiguous for event in events)


def _covers(finer: Sequence[Candle], candle: Candle) -> bool:
    return min(f.low for f in finer) <= candle.low and max(f.high for f in finer) >= candle.high


class _Walk:
    """One trade on its way through one candle or quote, collecting what happens.

    `levels` are the exits that rule here and `adverse` the price that ends the trade against it: None while it
    waits, and kept up to date by `_add`.
    """

    def __init__(self, trade: Trade, seen: Candle | Quote, finer: Sequence[Candle] = ()) -> None:
        self.seen = seen
        self.finer = finer
        self.events: list[TradeEvent] = []
        self._has_moved = False
        self._has_paid = False
        self.convention = trade.order.terms.convention
        self.is_long = trade.order.side is LONG
        self.from_ms, self.to_ms = (seen.open_ms, seen.end_ms) if isinstance(seen, Candle) else (seen.at_ms, seen.at_ms)
        self._stand(trade)

    def go(self) -> None:
        """Walk the whole path of what was seen."""
        if self.to_ms <= self.trade.applied_to:
            return
        if isinstance(self.seen, Quote):
            self.quote(self.seen)
        else:
            self.candle(self.seen)

    # -- what is seen ------------------------------------------------------------------------------

    def quote(self, quote: Quote) -> None:
        """Jump to a quote: sells see the bid, buys the ask [3]."""
        if self.is_waiting:
            price = quote.entry_price(self.trade.order.side)
            if self._expires(price, quote.at_ms):
                return
            self._jump_entry(price, quote.at_ms)
        price = quote.mark(self.trade.order.side)
        if self.convention.decides is DecidedBy.QUOTES:
            self._charge(price, quote.at_ms)
        self._jump_exits(price, quote.at_ms)
        self._follow(price, quote.at_ms)

    def candle(self, candle: Candle) -> None:
        """Walk through a candle; the one of the trade's own entry or placing shows only its close [5]."""
        if candle.open_ms < self.trade.whole_from:
            if self.is_waiting:
                self._jump_entry(candle.close, candle.last_ms)
            self._jump_exits(candle.close, candle.last_ms, may_be_due=False)
            self._follow(candle.close, candle.last_ms)
            return
        if self.is_waiting:
            if self._expires(candle.open, candle.open_ms):
                return
            self._jump_entry(candle.open, candle.open_ms)
        self._charge(candle.open, candle.open_ms)
        self._jump_exits(candle.open, candle.open_ms)
        for inside in self.finer or (candle,):
            if self.is_waiting:
                self._sweep_entry(inside, candle)
            elif self.is_open:
                self._sweep_exits(inside, candle)

    # -- entries [4.4] -----------------------------------------------------------------------------

    def _expires(self, price: Decimal, at_ms: int) -> bool:
        expires_at = self.trade.order.expires_at
        if expires_at is None or at_ms < expires_at:
            return False
        self._add(
            TradeEnded(
                trade_id=self.trade.id,
                status=Status.EXPIRED,
                released=self.trade.reserve,
                why="its time to be filled ran out",
                at_ms=at_ms,
                applied_to=self.to_ms,
                flags=(Flag.OBSERVED,) if isinstance(self.seen, Quote) else (),
                cause=self._cause("4.5 expired", price, None),
            )
        )
        return True

    def _jump_entry(self, price: Decimal, at_ms: int) -> None:
        """Fill a waiting entry that the market jumped to or past: a limit at its level, a stop at the price seen."""
        level = self.trade.order.waiting_price
        is_limit = self.trade.order.entry_type is EntryType.LIMIT
        if not self._passes(price, level, self.trade.order.entry_type.waits_below(self.trade.order.side), is_limit):
            return
        at_level = is_limit and self.convention.gap_limit is GapFill.LEVEL
        cause = self._cause("4.4 open beyond the entry", level if at_level else price, level)
        self._add(enter(self.trade, cause, MAKER if is_limit else TAKER, at_ms))

    def _sweep_entry(self, inside: Candle, candle: Candle) -> None:
        """Fill a waiting entry that the candle sweeps over, then judge the rest of the same candle."""
        level = self.trade.order.waiting_price
        is_limit = self.trade.order.entry_type is EntryType.LIMIT
        below = self.trade.order.entry_type.waits_below(self.trade.order.side)
        if not self._passes(inside.low if below else inside.high, level, below, is_limit):
            return
        cause = self._cause("4.4 entry touched", level, level)
        self._add(enter(self.trade, cause, MAKER if is_limit else TAKER, candle.last_ms))
        if is_limit:
            self._after_limit(inside, candle)
        else:
            self._after_stop(inside, candle)

    def _after_limit(self, inside: Candle, candle: Candle) -> None:
        """The way from a limit to a stop beyond it lies behind the fill: certain. A better price needs the close."""
        worst, _ = self._extremes(inside)
        if (stop := self._adverse_reached(worst)) is not None:
            self._leave(stop, stop, "4.4 stop beyond the limit", candle.last_ms)
        while (target := self._target_reached(inside.close)) is not None:
            self._take(target, target.price, "4.4 close beyond the target", candle.last_ms)
        self._follow(inside.close, candle.last_ms)

    def _after_stop(self, inside: Candle, candle: Candle) -> None:
        """Whether the stop loss was touched before a stop entry or after it, only the close can tell.

        The favourable extreme lies behind the fill, for the entry is on the way to it: a trail may follow it.
        """
        worst, best = self._extremes(inside)
        if (stop := self._adverse_reached(worst)) is not None:
            is_open_question = self._adverse_reached(inside.close) is None
            self._leave(stop, stop, "4.4 stop in the candle of entry", candle.last_ms, is_ambiguous=is_open_question)
        self._take_swept(best, candle.last_ms, "4.4 target in the candle of entry")
        self._follow_to_close(best, inside, candle)

    # -- what holding costs [6] --------------------------------------------------------------------

    def _charge(self, price: Decimal, at_ms: int) -> None:
        """Pay what is due by now, before anything else happens at this price."""
        if not self.trade.order.terms.has_carry:
            return
        for charge in due_charges(self.trade, Occasion(self._cause("", price, None), at_ms, self.to_ms)):
            self._has_paid = True
            self._add(charge)

    # -- exits [4.1 to 4.5] ------------------------------------------------------------------------

    def _jump_exits(self, price: Decimal, at_ms: int, *, may_be_due: bool = True) -> None:
        """Leave at a stop jumped past at the price seen, or at each target jumped past at its level.

        At the time limit all of this, and what is left after it, leaves at the price seen.
        """
        if self.levels is None:
            return
        limit = self.levels.time_limit
        is_due = may_be_due and limit is not None and at_ms >= limit
        if (stop := self._adverse_reached(price)) is not None:
            # A level that what was paid just now has moved past the price was never there to fill at.
            at_level = self.convention.gap_stop is GapFill.LEVEL and not is_due and not self._has_paid
            self._leave(stop, stop if at_level else price, "4.1 open beyond the stop", at_ms)
        while (target := self._target_reached(price)) is not None:
            at_level = self.convention.gap_target is GapFill.LEVEL and not is_due
            self._take(target, target.price if at_level else price, "4.1 open beyond the target", at_ms)
        if is_due and self.is_open:
            self._close_all(self._cause("4.5 time limit", price, None), ExitReason.TIME_LIMIT, at_ms)

    def _sweep_exits(self, inside: Candle, candle: Candle) -> None:
        """Leave at what the inside of the candle touches; if at both, in the order of the convention."""
        worst, best = self._extremes(inside)
        stop, target = self._adverse_reached(worst), self._target_reached(best)
        if stop is None:
            self._take_swept(best, candle.last_ms, "4.2 target touched")
            self._follow_to_close(best, inside, candle)
        elif target is None or self._stop_counts_first(inside):
            in_doubt = target is not None or self._moves_in_doubt(best)
            self._leave(stop, stop, "4.2 stop touched", candle.last_ms, is_ambiguous=in_doubt)
        else:
            self._take_swept(best, candle.last_ms, "4.2 target touched", is_ambiguous=True)
            if (stop := self._adverse_reached(worst)) is not None:
                self._leave(stop, stop, "4.2 stop touched", candle.last_ms, is_ambiguous=True)

    def _moves_in_doubt(self, best: Decimal) -> bool:
        """Whether a touched stop would be another one if the favourable extreme came first."""
        if self.levels is None or not self.levels.has_moving_stop:
            return False
        moved = followed(self.levels, self._within(best), self.trade.order.side, self.trade.order.terms.price_grid)
        return adverse_price(self.trade, moved) != self.adverse

    def _stop_counts_first(self, inside: Candle) -> bool:
        """Which of two levels touched in one candle counts as first; a tie of distances goes to the stop."""
        match self.convention.same_candle:
            case SameCandle.STOP_FIRST:
                return True
            case SameCandle.TARGET_FIRST:
                return False
            case SameCandle.NEAREST:
                worst, best = self._extremes(inside)
                return abs(inside.open - worst) <= abs(inside.open - best)
            case _:
                assert_never(self.convention.same_candle)

    def _follow_to_close(self, best: Decimal, inside: Candle, candle: Candle) -> None:
        """Move the stops after the favourable extreme and test what comes after it: the close, certainly [4.3].

        With `high-first` the other extreme comes after it too.
        """
        self._follow(best, candle.last_ms)
        if not self._has_moved:
            return
        if (stop := self._adverse_reached(inside.close)) is not None:
            self._leave(stop, stop, "4.3 close beyond the moved stop", candle.last_ms)
        elif self.convention.trail is TrailOn.HIGH_FIRST:
            worst, _ = self._extremes(inside)
            if (stop := self._adverse_reached(worst)) is not None:
                self._leave(stop, stop, "4.2 stop touched", candle.last_ms, is_ambiguous=True)

    def _follow(self, best: Decimal, at_ms: int) -> None:
        if self.levels is None or not self.levels.has_moving_stop or not self.is_open:
            return
        self._add_moves(follow(self.trade, self._within(best), self.from_ms, at_ms, self.to_ms))

    def _leave(self, level: Decimal, price: Decimal, rule: str, at_ms: int, *, is_ambiguous: bool = False) -> None:
        """Close all at `price` because the stop or the liquidation price at `level` was reached."""
        reason = ExitReason.LIQUIDATION
        if self.levels is not None and self.levels.stop == level:
            reason = self.levels.reason
        cause = self._cause("4.6 liquidation price reached" if reason is ExitReason.LIQUIDATION else rule, price, level)
        self._close_all(cause, reason, at_ms, is_ambiguous=is_ambiguous)

    def _close_all(self, cause: Cause, reason: ExitReason, at_ms: int, *, is_ambiguous: bool = False) -> None:
        decision = Decision(
            cause=cause,
            reason=reason,
            liquidity=TAKER,
            at_ms=at_ms,
            is_ambiguous=is_ambiguous,
            applied_to=self.to_ms,
            flags=self._exit_flags(at_ms, is_ambiguous),
        )
        self._leave_with(self.trade.open_quantity, decision)

    def _leave_with(self, quantity: Decimal, decision: Decision) -> None:
        for event in leave(self.trade, quantity, decision):
            self._add(event)

    def _take_swept(self, best: Decimal, at_ms: int, rule: str, *, is_ambiguous: bool = False) -> None:
        while (target := self._target_reached(best)) is not None:
            self._take(target, target.price, rule, at_ms, is_ambiguous=is_ambiguous)

    def _take(self, target: Target, price: Decimal, rule: str, at_ms: int, *, is_ambiguous: bool = False) -> None:
        """Close the target's fraction, or all where it is the last one or too small a piece is left."""
        levels = levels_at(self.trade, self.from_ms)
        quantity = part_at_target(self.trade, levels, target, price)
        decision = Decision(
            cause=self._cause(rule, price, target.price),
            reason=ExitReason.TAKE_PROFIT,
            liquidity=MAKER,
            at_ms=at_ms,
            target=target.price,
            is_ambiguous=is_ambiguous,
            applied_to=self.to_ms,
            flags=self._exit_flags(at_ms, is_ambiguous),
        )
        self._leave_with(quantity, decision)
        if levels.after_first is None or not self.is_open:
            return
        self._add_moves(follow_first_target(self.trade, target.price, self.from_ms, at_ms, self.to_ms))

    # -- leaves ------------------------------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether the entry is still pending."""
        return self.trade.status is PENDING

    @property
    def is_open(self) -> bool:
        """Whether something can still be closed."""
        return self.trade.status is OPEN

    def _add(self, event: TradeEvent) -> None:
        self.events.append(event)
        self._stand(following(self.trade, event))

    def _add_moves(self, event: StopMoved | None) -> None:
        """Add a move of the rule, if there is one, with what was seen as its cause."""
        if event is None:
            return
        cause = event.cause
        self._has_moved = True
        self._add(replace(event, cause=self._cause(cause.rule, cause.raw_price, cause.level)))

    def _stand(self, trade: Trade) -> None:
        self.trade = trade
        self.levels = levels = levels_at(trade, self.from_ms) if trade.status is OPEN else None
        self.adverse = None if levels is None else adverse_price(trade, levels)

    def _cause(self, rule: str, raw_price: Decimal, level: Decimal | None) -> Cause:
        if isinstance(self.seen, Candle):
            return Cause(rule=rule, raw_price=raw_price, level=level, candle=self.seen)
        return Cause(rule=rule, raw_price=raw_price, level=level, quote=self.seen)

    def _exit_flags(self, at_ms: int, is_ambiguous: bool) -> tuple[Flag, ...]:
        if isinstance(self.seen, Quote):
            return (Flag.OBSERVED,)
        return (Flag.SETTLED,) if self.finer and at_ms != self.from_ms and not is_ambiguous else ()

    def _passes(self, price: Decimal, level: Decimal, below: bool, is_maker: bool) -> bool:
        """Whether `price` reaches `level` from its far side; a maker may have to be traded through."""
        if price == level:
            return not is_maker or self.convention.limit_fill is not LimitFill.THROUGH
        return price < level if below else price > level

    def _adverse_reached(self, price: Decimal) -> Decimal | None:
        """Return the stop or liquidation price that `price` reaches, None if neither or nothing is open."""
        level = self.adverse
        if level is None or not self._passes(price, level, self.is_long, is_maker=False):
            return None
        return level

    def _target_reached(self, price: Decimal) -> Target | None:
        """Return the next target that `price` reaches, None if it does not or nothing is open."""
        target = None if self.levels is None else self.levels.next_target()
        if target is None or not self._passes(price, target.price, not self.is_long, is_maker=True):
            return None
        return target

    def _within(self, best: Decimal) -> Decimal:
        """Return a favourable extreme no better than that of the candle seen: finer candles never price [5]."""
        if not self.finer or not isinstance(self.seen, Candle):
            return best
        return min(best, self.seen.high) if self.is_long else max(best, self.seen.low)

    def _extremes(self, inside: Candle) -> tuple[Decimal, Decimal]:
        """Return the extreme that hurts the trade and the one that favours it."""
        if self.is_long:
            return inside.low, inside.high
        return inside.high, inside.low
