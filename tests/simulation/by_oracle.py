"""A second judge of a trade: the independent oracle of the engine's tests, which knows only the document.

What people did to the trade comes from its events, with the prices they were resolved to; what the market then did
must be what the oracle says, candle by candle. The rule to keep: the engine's rule is not asked here.
"""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from papertrade.engine.exit_wish import BreakEvenWish, ExitWish, Level, LevelKind, TimeLimitWish, TrailWish
from papertrade.engine.market import HOUR_MS, Candle, Side
from papertrade.engine.messages import (
    CostCharged,
    CostKind,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    TradeEvent,
    TradePlaced,
    effective_ms,
)
from papertrade.engine.trade import Levels, Order
from tests.engine.deals import bar_of, frac, happenings, without_money
from tests.engine.oracle import Bar, Choices, Deal, Exits, Happening, Oracle, Wish
from tests.engine.oracle_carry import liquidation
from tests.engine.oracle_stops import After, Even, Prices, Trailing
from tests.simulation.market import Tape
from tests.simulation.model import Life, is_by_hand, without_flags


def by_oracle(life: Life, tape: Tape, until_ms: int, *, has_seconds: bool) -> list[Happening]:
    """Return what the market must have done to a trade when all candles up to `until_ms` have been shown to it."""
    first, *changes = life.by_hand
    oracle = Told(deal_of(first))
    for candle in tape.final(oracle.deal.at_ms, until_ms):
        while changes and effective_ms(changes[0]) < candle.end_ms:
            oracle.hear(changes.pop(0))
        if oracle.state == "ended":
            break
        oracle.show(candle, tape if has_seconds else None)
    return without_money(oracle.happened)


def of_market(life: Life) -> list[Happening]:
    """Return what the market did to a trade as it is recorded, in the oracle's words."""
    return happenings([event for event in without_flags(life.events) if not is_by_hand(event)])


class Told(Oracle):
    """The oracle, told also of what people did."""

    def show(self, candle: Candle, tape: Tape | None) -> None:
        """Apply a candle; if there is a tape its seconds settle what the candle leaves open."""
        if tape is None:
            self._walk(_bar(candle), (_bar(candle),))
            return
        before, seen = deepcopy(self.__dict__, {id(self.deal): self.deal}), len(self.happened)
        self._walk(_bar(candle), (_bar(candle),))
        if any(h.ambiguous for h in self.happened[seen:]):
            self.__dict__ = before
            self.apply(_bar(candle), [bar_of(second) for second in tape.minutes[candle.open_ms].seconds()])

    def hear(self, event: TradeEvent) -> None:
        """Take in a deed."""
        match event:
            case LevelsChanged():
                self._exits_changed(event)
            case CostCharged():
                self._charged(event)
            case ExitFilled():
                self.left -= frac(event.quantity)
                self.reserve -= frac(event.reserve_released)
                self.state = self.state if self.left > 0 else "ended"
            case _:
                self.state = "ended"

    def _charged(self, event: CostCharged) -> None:
        """Pay what a deed made due, up to the instant that the event says."""
        if event.kind is CostKind.FUNDING:
            self.carry.funded = event.to_ms
        else:
            self.carry.interest = event.to_ms
        if event.amount > 0:
            self.reserve -= frac(event.amount)
            self.liquidation = liquidation(self.deal, self.entry, self.left, self.reserve)

    def _exits_changed(self, event: LevelsChanged) -> None:
        from_ms = -(-event.at_ms // 60_000) * 60_000
        if self.state == "waiting":
            self.wishes.append((from_ms, exits_of(event.ruling.wish, self.sign)))
        elif event.ruling.levels is not None:
            self.rulings.append((from_ms, self._resolved(event.ruling.levels)))

    def _resolved(self, levels: Levels) -> Prices:
        """Say resolved exits in the oracle's words; what is as it was is the same thing, and moves with it."""
        old, own = self.rulings[-1][1], levels.own_stop
        prices = Prices(
            own=None if own is None else (frac(own.price), str(own.reason)),
            targets=[(frac(t.price), frac(t.fraction)) for t in levels.targets],
            taken={frac(t.price) for t in levels.targets if t.is_filled},
            base=frac(levels.base_quantity),
            takes_all=sum(frac(t.fraction) for t in levels.targets) == 1,
            limit=levels.time_limit,
        )
        trail, even, after = levels.trail, levels.break_even, levels.after_first
        if trail is not None:
            kind = "percent" if trail.is_percent else "price"
            made = Trailing(kind, frac(trail.distance), _optional(trail.activation), _optional(trail.peak))
            prices.trail = old.trail if _same_trail(old.trail, made) else made
        if even is not None:
            now = Even(frac(even.trigger), frac(even.stop), even.is_armed)
            prices.even = old.even if old.even == now else now
        if after is not None:
            then = After(frac(after.price), str(after.reason))
            prices.after = old.after if old.after == then else then
        return prices


def deal_of(first: TradeEvent) -> Deal:
    """Describe a trade as it began. Raises TypeError for an event that begins none."""
    match first:
        case TradePlaced():
            return _deal(first.order, str(first.order.entry_type), first.order.waiting_price, first.order.quantity)
        case EntryFilled(order=Order() as order):
            return _deal(order, "market", first.price, first.quantity)
        case _:
            raise TypeError(f"{first} begins no trade")


def exits_of(wish: ExitWish, sign: int) -> Exits:
    """Say wished exits in the oracle's words."""
    shares = [Fraction(1, len(wish.targets)) if t.fraction is None else frac(t.fraction) for t in wish.targets]
    return Exits(
        None if wish.stop is None else _wish(wish.stop, -sign),
        tuple((_wish(t.level, sign), part) for t, part in zip(wish.targets, shares, strict=True)),
        None if wish.trail is None else _trail(wish.trail, sign),
        None if wish.break_even is None else _even(wish.break_even, sign),
        None if wish.time_limit is None else _limit(wish.time_limit),
        None if wish.after_first is None else _wish(wish.after_first, -sign),
    )


def _deal(order: Order, entry: str, price: Decimal, quantity: Decimal) -> Deal:
    terms, convention = order.terms, order.terms.convention
    sign = 1 if order.side is Side.LONG else -1
    return Deal(
        side=str(order.side),
        entry=entry,
        price=frac(price),
        quantity=frac(quantity),
        at_ms=order.placed_at,
        exits=exits_of(order.exits, sign),
        expires_ms=order.expires_at,
        maker=frac(terms.maker),
        taker=frac(terms.taker),
        slippage_bps=frac(terms.slippage_bps),
        leverage=frac(terms.leverage),
        price_step=frac(terms.price_step),
        quantity_step=frac(terms.quantity_step),
        quantity_min=frac(terms.quantity_min),
        notional_min=frac(terms.notional_min),
        choices=Choices(
            str(convention.same_candle),
            str(convention.gap_stop),
            str(convention.gap_target),
            str(convention.gap_limit),
            str(convention.limit_fill),
            str(convention.trail),
        ),
        funding=None if terms.funding is None else frac(terms.funding.rate),
        funding_every=8 * HOUR_MS if terms.funding is None else terms.funding.every_ms,
        borrow=None if terms.borrow is None else frac(terms.borrow),
        maintenance=frac(terms.maintenance),
    )


def _wish(level: Level, towards: int) -> Wish:
    """Say a level; a percentage without a sign goes `towards` the winning or the losing side."""
    match level.kind:
        case LevelKind.PERCENT:
            return Wish("percent", frac(level.value) * towards)
        case LevelKind.SIGNED_PERCENT:
            return Wish("percent", frac(level.value))
        case _:
            return Wish(str(level.kind), frac(level.value))


def _trail(wish: TrailWish, sign: int) -> tuple[Wish, Wish | None]:
    distance = Wish(str(wish.distance.kind), frac(wish.distance.value))
    return distance, None if wish.activation is None else _wish(wish.activation, sign)


def _even(wish: BreakEvenWish, sign: int) -> tuple[Wish, bool]:
    return _wish(wish.trigger, sign), wish.is_gross


def _limit(wish: TimeLimitWish) -> tuple[str, int]:
    return ("at", wish.at_ms or 0) if wish.after_ms is None else ("age", wish.after_ms)


def _same_trail(old: Trailing | None, made: Trailing) -> bool:
    """Whether a trail is the one of before, whichever way its distance was said."""
    if old is None or (old.kind == "percent") != (made.kind == "percent"):
        return False
    return (old.distance, old.begins, old.peak) == (made.distance, made.begins, made.peak)


def _optional(value: Decimal | None) -> Fraction | None:
    return None if value is None else frac(value)


@lru_cache(maxsize=1024)
def _bar(candle: Candle) -> Bar:
    return bar_of(candle)
