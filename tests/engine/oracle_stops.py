"""How the oracle moves a stop: a trail, a break-even, the stop after the first target, and which one is in force.

Written from docs/semantics.md, sections 1, 4.3 and 4.5; the one rule to keep is that it never learns from the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tests.engine.oracle_words import CENT_OF_A_MILLIONTH, FINEST, ONE, Deal, ceil_to, fee, floor_to


@dataclass
class Trailing:
    """A trail of one deal; `peak` is the best price since it began, None before."""

    kind: str
    distance: Fraction
    begins: Fraction | None
    peak: Fraction | None = None

    def stop(self, sign: int, step: Fraction) -> Fraction | None:
        if self.peak is None:
            return None
        gap = self.peak * self.distance / 100 if self.kind == "percent" else self.distance
        return floor_to(self.peak - gap, step) if sign == 1 else ceil_to(self.peak + gap, step)

    def follow(self, best: Fraction, sign: int) -> None:
        if self.peak is not None:
            self.peak = best if (best - self.peak) * sign > 0 else self.peak
        elif self.begins is None or (best - self.begins) * sign >= 0:
            self.peak = best


@dataclass
class Even:
    """A break-even of one deal."""

    trigger: Fraction
    price: Fraction
    stands: bool = False


@dataclass
class After:
    """Where the deal's own stop goes after the first target."""

    price: Fraction
    reason: str
    is_used: bool = False


@dataclass
class Prices:
    """The exits of one deal as prices; rulings that kept a trail, a break-even or a later stop share it."""

    own: tuple[Fraction, str] | None
    targets: list[tuple[Fraction, Fraction]]
    taken: set[Fraction] = field(default_factory=set)
    base: Fraction = Fraction(0)
    takes_all: bool = False
    trail: Trailing | None = None
    even: Even | None = None
    after: After | None = None
    limit: int | None = None

    def stop(self, sign: int, step: Fraction) -> tuple[Fraction, str] | None:
        """The nearest to the market of own stop, trail and break-even; at equal prices the own stop."""
        stops = [] if self.own is None else [self.own]
        trailed = None if self.trail is None else self.trail.stop(sign, step)
        if trailed is not None:
            stops.append((trailed, "trailing_stop"))
        if self.even is not None and self.even.stands:
            stops.append((self.even.price, "break_even"))
        return max(stops, key=lambda stop: stop[0] * sign, default=None)

    def follow(self, best: Fraction, sign: int) -> None:
        """Move what a better price moves."""
        if self.trail is not None:
            self.trail.follow(best, sign)
        if self.even is not None and (best - self.even.trigger) * sign >= 0:
            self.even.stands = True

    def keeping(self, old: Prices) -> Prices:
        """Take over what a change of stop and targets leaves as it is."""
        self.trail, self.even, self.after, self.limit = old.trail, old.even, old.after, old.limit
        return self

    def after_a_target(self, after: After, sign: int) -> None:
        """Move the own stop, if it is this deal's way and nearer to the market."""
        if self.after is after and (self.own is None or (after.price - self.own[0]) * sign > 0):
            self.own = (after.price, after.reason)


def rules_fit(prices: Prices, price: Fraction, stamp: int, sign: int) -> bool:
    """Whether what waits for a better price lies ahead, and what it moves the stop to lies this side of it."""
    trail, even, after = prices.trail, prices.even, prices.after
    ahead = [(prices.targets[0][0], after.price)] if after is not None and prices.targets else []
    if even is not None:
        ahead += [(even.trigger, price), (even.trigger, even.price)]
    if trail is not None:
        ahead += [] if trail.begins is None else [(trail.begins, price)]
        start = Trailing(trail.kind, trail.distance, None, price if trail.begins is None else trail.begins)
        if (start.stop(sign, CENT_OF_A_MILLIONTH) or 0) <= 0:
            return False
    return all((far - near) * sign > 0 for far, near in ahead) and (prices.limit is None or prices.limit > stamp)


def even_price(deal: Deal, entry: Fraction, quantity: Fraction) -> Fraction:
    """The price at which all leaves without a net loss, rounded away from the entry."""
    paid = fee(entry, quantity, deal.maker if deal.entry == "limit" else deal.taker)
    price = _solved(deal, entry, quantity, paid)
    return (
        price
        if _net(deal, entry, quantity, paid, price) >= 0
        else _solved(deal, entry, quantity, paid + 2 * CENT_OF_A_MILLIONTH)
    )


def _solved(deal: Deal, entry: Fraction, quantity: Fraction, paid: Fraction) -> Fraction:
    step, worse = deal.price_step or FINEST, deal.slippage_bps / 10_000
    if deal.side == "long":
        filled = ceil_to((entry + paid / quantity) / (ONE - deal.taker), step)
        return ceil_to(filled / (ONE - worse), step)
    filled = floor_to((entry - paid / quantity) / (ONE + deal.taker), step)
    return floor_to(filled / (ONE + worse), step)


def _net(deal: Deal, entry: Fraction, quantity: Fraction, paid: Fraction, price: Fraction) -> Fraction:
    step, worse = deal.price_step or FINEST, deal.slippage_bps / 10_000
    if deal.side == "long":
        filled = floor_to(price * (ONE - worse), step)
        gross = (filled - entry) * quantity
    else:
        filled = ceil_to(price * (ONE + worse), step)
        gross = (entry - filled) * quantity
    in_money = Fraction(round(gross / CENT_OF_A_MILLIONTH)) * CENT_OF_A_MILLIONTH
    return in_money - fee(filled, quantity, deal.taker) - paid
