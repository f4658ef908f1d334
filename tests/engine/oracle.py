"""The rules of docs/semantics.md, sections 3 to 6, said a second time and as simply as possible.

Plain fractions, no step of the engine reused, no speed wanted: a trade is described by a `Deal`, candles go
in, and out comes the list of what happened. It was written from the document, before the engine was read;
the one rule to keep is that it never learns from the engine, only from the document. Where the document
leaves a choice, a comment that begins with "Read as" says how it is read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from fractions import Fraction

from tests.engine.oracle_carry import Carry, Holder, liquidation
from tests.engine.oracle_stops import After, Even, Prices, Trailing, even_price, rules_fit
from tests.engine.oracle_words import (
    CENT_OF_A_MILLIONTH,
    FINEST,
    ONE,
    Bar,
    Choices,
    Deal,
    Exits,
    Happening,
    Wish,
    ceil_to,
    fee,
    floor_to,
)

__all__ = ["Bar", "Choices", "Deal", "Exits", "Happening", "Oracle", "Wish", "judge"]
"""The words too, so that a test needs one import."""


class Oracle(Holder):
    """Walks one deal through candles."""

    def __init__(self, deal: Deal) -> None:
        self.deal = deal
        self.sign = 1 if deal.side == "long" else -1
        self.happened: list[Happening] = []
        self.state = "waiting"
        self.entry = Fraction(0)
        self.left = Fraction(0)
        self.reserve = Fraction(0)
        self.liquidation: Fraction | None = None
        self.opened_ms = deal.at_ms
        self.carry = Carry(deal.at_ms, deal.at_ms)
        self.wishes: list[tuple[int, Exits]] = [(-1, deal.exits)]
        self.rulings: list[tuple[int, Prices]] = []
        step = deal.price_step or FINEST
        falls = (self.sign == 1) == (deal.entry == "limit")
        # Read as: an entry's price is a level too, so it is rounded to the step, the harder way to reach it.
        self.level = floor_to(deal.price, step) if falls else ceil_to(deal.price, step)
        # Read as: what a pending entry ties up is worked out at the price it expects, slippage included.
        expected = self._filled(self.level, self.sign == 1, deal.entry == "stop")
        self.tied = self._reserve(expected, deal.quantity) + fee(expected, deal.quantity, deal.taker)
        if deal.entry == "market":
            self._enter(deal.price, deal.quantity, -1, deal.at_ms)

    # money ------------------------------------------------------------------------------------------------

    def _reserve(self, price: Fraction, quantity: Fraction) -> Fraction:
        return Fraction(round(price * quantity / self.deal.leverage / CENT_OF_A_MILLIONTH)) * CENT_OF_A_MILLIONTH

    def _filled(self, raw: Fraction, buying: bool, taker: bool) -> Fraction:
        worse = raw * self.deal.slippage_bps / 10_000 if taker else Fraction(0)
        step = self.deal.price_step or FINEST
        return ceil_to(raw + worse, step) if buying else floor_to(raw - worse, step)

    # prices -----------------------------------------------------------------------------------------------

    def _beyond(self, price: Fraction, level: Fraction, favourable: bool) -> bool:
        """Whether price is at or beyond the level, seen from the trade: a target is favourable, a stop is not."""
        up = (self.sign == 1) == favourable
        return price >= level if up else price <= level

    def _worst(self, bar: Bar) -> Fraction:
        return bar.low if self.sign == 1 else bar.high

    def _best(self, bar: Bar) -> Fraction:
        return bar.high if self.sign == 1 else bar.low

    def _price_of(self, wish: Wish, risk: Fraction) -> Fraction:
        if wish.kind.startswith("be"):
            return self.entry if wish.kind == "be:gross" else even_price(self.deal, self.entry, self.left)
        raw = {
            "price": wish.value,
            "percent": self.entry * (1 + wish.value / 100),
            "risk": self.entry + self.sign * wish.value * risk,
        }[wish.kind]
        step = self.deal.price_step or FINEST
        return floor_to(raw, step) if self.sign == 1 else ceil_to(raw, step)

    def _prices(self, exits: Exits) -> Prices:
        stop = None if exits.stop is None else self._price_of(exits.stop, Fraction(0))
        risk = Fraction(0) if stop is None else abs(self.entry - stop)
        shares: dict[Fraction, Fraction] = {}
        for wish, fraction in exits.targets:
            price = self._price_of(wish, risk)
            shares[price] = shares.get(price, Fraction(0)) + fraction
        targets = sorted(shares.items(), key=lambda target: target[0] * self.sign)
        takes_all = sum((fraction for _, fraction in targets), Fraction(0)) == 1
        own = None if stop is None else (stop, "stop_loss")
        return self._with_rules(Prices(own, targets, set(), self.left, takes_all), exits, risk)

    def _with_rules(self, prices: Prices, exits: Exits, risk: Fraction) -> Prices:
        """Add what moves the stop; what resolves to the same as in another ruling is the same thing."""
        if exits.trail is not None:
            (distance, begins), gap = exits.trail, exits.trail[0].value
            gap = gap * risk if distance.kind == "risk" else gap
            start = None if begins is None else self._price_of(begins, risk)
            made = Trailing(distance.kind, gap, start, self.entry if start is None else None)
            prices.trail = next((p.trail for _, p in self.rulings if p.trail == made), made)
        if exits.even is not None:
            price = self._price_of(Wish("be:gross" if exits.even[1] else "be"), risk)
            even = Even(self._price_of(exits.even[0], risk), price)
            prices.even = next((p.even for _, p in self.rulings if p.even == even), even)
        if exits.after is not None:
            reason = "break_even" if exits.after.kind.startswith("be") else "stop_loss"
            after = After(self._price_of(exits.after, risk), reason)
            prices.after = next((p.after for _, p in self.rulings if p.after == after), after)
        if exits.limit is not None:
            kind, at_ms = exits.limit
            prices.limit = at_ms + (self.opened_ms if kind == "age" else 0)
        return prices

    def _ruling(self, open_ms: int) -> Prices:
        return [prices for from_ms, prices in self.rulings if from_ms <= open_ms][-1]

    def _adverse(self, prices: Prices) -> tuple[Fraction, str] | None:
        stop = prices.stop(self.sign, self.deal.price_step or FINEST)
        levels = [] if stop is None else [stop]
        if self.liquidation is not None:
            levels.append((self.liquidation, "liquidation"))
        if not levels:
            return None
        return max(levels, key=lambda level: level[0] * self.sign)

    # entries and exits ------------------------------------------------------------------------------------

    def _enter(self, price: Fraction, quantity: Fraction, open_ms: int, stamp: int) -> bool:
        """Open the trade; return whether the levels that rule now lie on the right sides of the fill."""
        deal = self.deal
        self.entry, self.left, self.state, self.opened_ms = price, quantity, "open", stamp
        self.carry = Carry(stamp, stamp)
        for from_ms, exits in self.wishes:
            self.rulings.append((from_ms, self._prices(exits)))
        self.reserve = self._reserve(price, quantity)
        self.liquidation = liquidation(deal, price, ONE, price / deal.leverage)
        if self.liquidation is not None and (price - self.liquidation) * self.sign <= 0:
            return False
        prices = self._ruling(open_ms)
        wrong = [t for t, _ in prices.targets if t == price or not self._beyond(t, price, True)]
        own = None if prices.own is None else prices.own[0]
        if own is not None and (own == price or not self._beyond(own, price, False)):
            wrong.append(own)
        if wrong or any(level <= 0 for level in [*[t for t, _ in prices.targets], own or ONE]):
            return False
        return rules_fit(prices, price, stamp, self.sign)

    def _fill_entry(self, raw: Fraction, stamp: int, open_ms: int) -> bool:
        deal = self.deal
        taker = deal.entry == "stop"
        rate = deal.taker if taker else deal.maker
        price = self._filled(raw, self.sign == 1, taker)
        quantity = self._paid_for(price, rate)
        least = quantity < deal.quantity_min or quantity * price < deal.notional_min
        # Read as: only a quantity that had to shrink can be too small; the one placed was big enough.
        too_small = quantity == 0 or (quantity < deal.quantity and least)
        if too_small or not self._enter(price, quantity, open_ms, stamp):
            self.state = "ended"
            self.happened.append(Happening("rejected", Fraction(0), Fraction(0), stamp))
            return False
        self.happened.append(Happening("entry", price, quantity, stamp))
        return True

    def _paid_for(self, price: Fraction, rate: Fraction) -> Fraction:
        """Return the quantity, or the most whole steps that what was tied up pays for with the fee."""
        wanted, step = self.deal.quantity, self.deal.quantity_step or FINEST
        if self._reserve(price, wanted) + fee(price, wanted, rate) <= self.tied:
            return wanted
        low, high = 0, int(wanted / step)
        while low < high:
            middle = (low + high + 1) // 2
            pays = self._reserve(price, middle * step) + fee(price, middle * step, rate) <= self.tied
            low, high = (middle, high) if pays else (low, middle - 1)
        return low * step

    def _exit(self, quantity: Fraction, raw: Fraction, reason: str, stamp: int, ambiguous: bool) -> None:
        self.settle(raw, stamp)
        maker = reason == "take_profit"
        price = self._filled(raw, self.sign == -1, not maker)
        share = self.reserve
        if quantity != self.left:
            share = Fraction(round(share * quantity / self.left / CENT_OF_A_MILLIONTH)) * CENT_OF_A_MILLIONTH
        gross = (price - self.entry) * quantity * self.sign
        net = max(gross - fee(price, quantity, self.deal.maker if maker else self.deal.taker), -share)
        self.reserve -= share
        self.left -= quantity
        if self.left == 0:
            self.state = "ended"
        self.happened.append(Happening(reason, price, quantity, stamp, ambiguous, net))

    def _part(self, prices: Prices, position: int, price: Fraction) -> Fraction:
        fraction = prices.targets[position][1]
        # Read as: the last one is the last that is left, for a far one may have been taken by exits that ruled before.
        is_last = sum(target not in prices.taken for target, _ in prices.targets) == 1
        if is_last and prices.takes_all:
            return self.left
        part = min(floor_to(prices.base * fraction, self.deal.quantity_step or FINEST), self.left)
        rest = self.left - part
        for piece in (part, rest):
            if piece < self.deal.quantity_min or piece * price < self.deal.notional_min or piece == 0:
                return self.left
        return part

    def _takes(self, price: Fraction, target: Fraction) -> bool:
        # Read as: `limit_fill` is about every maker's order that waits, so about targets too.
        through = self.deal.choices.limit_fill == "through" and price == target
        return not through and self._beyond(price, target, True)

    def _take_targets(self, prices: Prices, up_to: Fraction, stamp: int, ambiguous: bool, at_open: bool) -> None:
        """Take every target at or before `up_to`, nearest first; then the stop goes where it shall after the first."""
        for position, (target, _) in enumerate(prices.targets):
            if self.left > 0 and target not in prices.taken and self._takes(up_to, target):
                raw = up_to if at_open else target
                self._exit(self._part(prices, position, raw), raw, "take_profit", stamp, ambiguous)
                for _, other in self.rulings:
                    other.taken.add(target)
                after = prices.after
                if after is not None and not after.is_used and self.left > 0:
                    after.is_used = True
                    for _, other in self.rulings:
                        other.after_a_target(after, self.sign)

    def change(self, at_ms: int, exits: Exits) -> None:
        """Change the exits by hand: they rule from the next whole minute on."""
        from_ms = -(-at_ms // 60_000) * 60_000
        if self.state == "waiting":
            old = self.wishes[-1][1]
            kept = Exits(exits.stop, exits.targets, old.trail, old.even, old.limit, old.after)
            self.wishes.append((from_ms, kept))
        elif self.state == "open":
            self.rulings.append((from_ms, self._prices(exits).keeping(self.rulings[-1][1])))

    # the path ---------------------------------------------------------------------------------------------

    def apply(self, bar: Bar, finer: Sequence[Bar] = ()) -> None:
        """Apply one final candle; finer ones order what it touched on both sides, if they reach as far."""
        before = deepcopy(self)
        self._walk(bar, (bar,))
        happened = self.happened[len(before.happened) :]
        reaches = bool(finer) and min(f.low for f in finer) <= bar.low and max(f.high for f in finer) >= bar.high
        if reaches and any(h.ambiguous for h in happened):
            self.__dict__ = before.__dict__
            self._walk(bar, finer)

    def _walk(self, bar: Bar, insides: Sequence[Bar]) -> None:
        deal = self.deal
        if self.state == "ended" or bar.open_ms + bar.length_ms <= deal.at_ms:
            return
        if bar.open_ms < deal.at_ms:
            self._jump(bar.close, bar.last_ms, bar.open_ms, False)
            if self.state == "open":
                self._ruling(bar.open_ms).follow(bar.close, self.sign)
            return
        if self.state == "waiting" and deal.expires_ms is not None and bar.open_ms >= deal.expires_ms:
            self.state = "ended"
            self.happened.append(Happening("expired", Fraction(0), Fraction(0), bar.open_ms))
            return
        self._jump(bar.open, bar.open_ms, bar.open_ms, True)
        for inside in insides:
            if self.state == "waiting":
                self._wait_inside(inside, bar)
            elif self.state == "open":
                self._live_inside(inside, bar)

    def _jump(self, price: Fraction, stamp: int, open_ms: int, is_whole: bool) -> None:
        deal = self.deal
        if self.state == "waiting":
            if deal.entry == "limit":
                through = deal.choices.limit_fill == "through" and price == self.level
                if through or not self._beyond(price, self.level, False):
                    return
                raw = self.level if deal.choices.gap_limit == "level" else price
            else:
                if not self._beyond(price, self.level, True):
                    return
                raw = price
            if not self._fill_entry(raw, stamp, open_ms):
                return
        if self.state != "open":
            return
        before = len(self.happened)
        if is_whole:
            self.charge_due(price, stamp)
        has_paid = len(self.happened) > before
        prices = self._ruling(open_ms)
        adverse = self._adverse(prices)
        is_due = is_whole and prices.limit is not None and stamp >= prices.limit
        if adverse is not None and self._beyond(price, adverse[0], False):
            # Read as: a level that a payment has just moved past the open cannot be filled at.
            raw = price if is_due or has_paid or deal.choices.gap_stop == "open" else adverse[0]
            self._exit(self.left, raw, adverse[1], stamp, False)
            return
        self._take_targets(prices, price, stamp, False, is_due or deal.choices.gap_target == "open")
        if is_due and self.left > 0:
            self._exit(self.left, price, "time_limit", stamp, False)

    def _wait_inside(self, inside: Bar, bar: Bar) -> None:
        deal, is_limit = self.deal, self.deal.entry == "limit"
        reached = self._worst(inside) if is_limit else self._best(inside)
        through = is_limit and deal.choices.limit_fill == "through" and reached == self.level
        if through or not self._beyond(reached, self.level, not is_limit):
            return
        if not self._fill_entry(self.level, bar.last_ms, bar.open_ms):
            return
        prices = self._ruling(bar.open_ms)
        adverse = self._adverse(prices)
        if adverse is not None and self._beyond(self._worst(inside), adverse[0], False):
            certain = is_limit or self._beyond(inside.close, adverse[0], False)
            self._exit(self.left, adverse[0], adverse[1], bar.last_ms, not certain)
            return
        self._take_targets(prices, inside.close if is_limit else self._best(inside), bar.last_ms, False, False)
        if is_limit:
            prices.follow(inside.close, self.sign)
        else:
            self._follow_to_close(prices, inside, bar)

    def _led(self, inside: Bar, bar: Bar) -> Fraction:
        """The favourable extreme of an inside, no better than that of its candle."""
        return min(self._best(inside) * self.sign, self._best(bar) * self.sign) * self.sign

    def _follow_to_close(self, prices: Prices, inside: Bar, bar: Bar) -> None:
        """Move the stops after the favourable extreme; the close comes after it, with high-first the other one too."""
        prices.follow(self._led(inside, bar), self.sign)
        adverse = self._adverse(prices)
        after = self._worst(inside) if self.deal.choices.trail == "high-first" else inside.close
        if self.left > 0 and adverse is not None and self._beyond(after, adverse[0], False):
            doubt = not self._beyond(inside.close, adverse[0], False)
            self._exit(self.left, adverse[0], adverse[1], bar.last_ms, doubt)

    def _live_inside(self, inside: Bar, bar: Bar) -> None:
        prices = self._ruling(bar.open_ms)
        worst, stamp = self._worst(inside), bar.last_ms
        adverse = self._adverse(prices)
        waiting = [target for target, _ in prices.targets if target not in prices.taken]
        reached = bool(waiting) and self._takes(self._best(inside), waiting[0])
        if adverse is None or not self._beyond(worst, adverse[0], False):
            self._take_targets(prices, self._best(inside), stamp, False, False)
            self._follow_to_close(prices, inside, bar)
        elif not reached or self._adverse_first(inside):
            doubt = reached or self._order_matters(prices, adverse, inside, bar)
            self._exit(self.left, adverse[0], adverse[1], stamp, doubt)
        else:
            self._take_targets(prices, self._best(inside), stamp, True, False)
            # The stop may have gone nearer after the first target: the way to the old one leads past it.
            left = self._adverse(prices)
            if left is not None and self.left > 0:
                self._exit(self.left, left[0], left[1], stamp, True)

    def _order_matters(self, prices: Prices, adverse: tuple[Fraction, str], inside: Bar, bar: Bar) -> bool:
        """Whether a touched stop would be another one, had the other extreme come first."""
        moved = deepcopy(prices)
        moved.follow(self._led(inside, bar), self.sign)
        after = self._adverse(moved)
        return after is not None and after[0] != adverse[0]

    def _adverse_first(self, bar: Bar) -> bool:
        match self.deal.choices.same_candle:
            case "stop-first":
                return True
            case "target-first":
                return False
            case _:
                return abs(bar.open - self._worst(bar)) <= abs(self._best(bar) - bar.open)


def judge(deal: Deal, bars: Sequence[Bar], finer: Mapping[int, Sequence[Bar]] | None = None) -> list[Happening]:
    """Return everything that happens to a deal over these candles; `finer` is by the candle's open time."""
    oracle = Oracle(deal)
    changes = list(deal.changes)
    for bar in bars:
        while changes and changes[0][0] <= bar.last_ms:
            oracle.change(*changes.pop(0))
        oracle.apply(bar, (finer or {}).get(bar.open_ms, ()))
    return oracle.happened
