"""The rules of docs/semantics.md, sections 3 to 6, said a second time and as simply as possible.

Plain fractions, no step of the engine reused, no speed wanted: a trade is described by a `Deal`, candles go
in, and out comes the list of what happened. It was written from the document, before the engine was read;
the one rule to keep is that it never learns from the engine, only from the document. Where the document
leaves a choice, a comment that begins with "Read as" says how it is read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction

FINEST = Fraction(1, 10**18)
CENT_OF_A_MILLIONTH = Fraction(1, 10**8)
ONE = Fraction(1)


@dataclass(frozen=True)
class Bar:
    """One candle: open time, length, and four prices."""

    open_ms: int
    length_ms: int
    open: Fraction
    high: Fraction
    low: Fraction
    close: Fraction

    @property
    def last_ms(self) -> int:
        return self.open_ms + self.length_ms - 1


@dataclass(frozen=True)
class Wish:
    """A level: `price`, `percent` (signed change from the entry) or `risk` (multiples of entry to stop)."""

    kind: str
    value: Fraction


@dataclass(frozen=True)
class Exits:
    """A stop, and targets with the fraction of the quantity that leaves at each."""

    stop: Wish | None = None
    targets: tuple[tuple[Wish, Fraction], ...] = ()


@dataclass(frozen=True)
class Choices:
    """The options of section 4, by their names in the document."""

    same_candle: str = "stop-first"
    gap_stop: str = "open"
    gap_target: str = "level"
    gap_limit: str = "level"
    limit_fill: str = "touch"


@dataclass(frozen=True)
class Deal:
    """A trade as described. A market deal was entered at `price` at `at_ms`; the others wait for `price`."""

    side: str
    entry: str
    price: Fraction
    quantity: Fraction
    at_ms: int
    exits: Exits = Exits()
    changes: tuple[tuple[int, Exits], ...] = ()
    expires_ms: int | None = None
    maker: Fraction = Fraction(0)
    taker: Fraction = Fraction(0)
    slippage_bps: Fraction = Fraction(0)
    leverage: Fraction = ONE
    price_step: Fraction = Fraction(0)
    quantity_step: Fraction = CENT_OF_A_MILLIONTH
    quantity_min: Fraction = Fraction(0)
    notional_min: Fraction = Fraction(0)
    choices: Choices = Choices()


@dataclass(frozen=True)
class Happening:
    """What happened: `entry`, `expired`, `rejected` or an exit reason; net is what an exit posts to cash flow."""

    reason: str
    price: Fraction
    quantity: Fraction
    stamp: int
    ambiguous: bool = False
    net: Fraction = Fraction(0)


@dataclass
class Prices:
    """The exits of one deal as prices."""

    stop: Fraction | None
    targets: list[tuple[Fraction, Fraction]]
    taken: set[Fraction] = field(default_factory=set)
    base: Fraction = Fraction(0)
    takes_all: bool = False


class Oracle:
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
            self._enter(deal.price, deal.quantity, -1)

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
        return Prices(stop, targets, set(), self.left, takes_all)

    def _ruling(self, open_ms: int) -> Prices:
        return [prices for from_ms, prices in self.rulings if from_ms <= open_ms][-1]

    def _adverse(self, prices: Prices) -> tuple[Fraction, str] | None:
        levels = [] if prices.stop is None else [(prices.stop, "stop_loss")]
        if self.liquidation is not None:
            levels.append((self.liquidation, "liquidation"))
        if not levels:
            return None
        return max(levels, key=lambda level: level[0] * self.sign)

    # entries and exits ------------------------------------------------------------------------------------

    def _enter(self, price: Fraction, quantity: Fraction, open_ms: int) -> bool:
        """Open the trade; return whether the levels that rule now lie on the right sides of the fill."""
        deal = self.deal
        self.entry, self.left, self.state = price, quantity, "open"
        self.rulings = [(from_ms, self._prices(exits)) for from_ms, exits in self.wishes]
        self.reserve = self._reserve(price, quantity)
        if self.sign == 1:
            level = (price - price / deal.leverage) / (1 - deal.taker)
            level = floor_to(level, deal.price_step or FINEST)
        else:
            level = (price + price / deal.leverage) / (1 + deal.taker)
            level = ceil_to(level, deal.price_step or FINEST)
        self.liquidation = level if level > 0 else None
        prices = self._ruling(open_ms)
        wrong = [t for t, _ in prices.targets if t == price or not self._beyond(t, price, True)]
        if prices.stop is not None and (prices.stop == price or not self._beyond(prices.stop, price, False)):
            wrong.append(prices.stop)
        return not wrong and all(level > 0 for level in [*[t for t, _ in prices.targets], prices.stop or ONE])

    def _fill_entry(self, raw: Fraction, stamp: int, open_ms: int) -> bool:
        deal = self.deal
        taker = deal.entry == "stop"
        rate = deal.taker if taker else deal.maker
        price = self._filled(raw, self.sign == 1, taker)
        quantity = self._paid_for(price, rate)
        least = quantity < deal.quantity_min or quantity * price < deal.notional_min
        # Read as: only a quantity that had to shrink can be too small; the one placed was big enough.
        too_small = quantity == 0 or (quantity < deal.quantity and least)
        if too_small or not self._enter(price, quantity, open_ms):
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
        maker = reason == "take_profit"
        price = self._filled(raw, self.sign == -1, not maker)
        share = self.reserve if quantity == self.left else self.reserve * quantity / self.left
        gross = (price - self.entry) * quantity * self.sign
        net = max(gross - fee(price, quantity, self.deal.maker if maker else self.deal.taker), -share)
        self.reserve -= share
        self.left -= quantity
        if self.left == 0:
            self.state = "ended"
        self.happened.append(Happening(reason, price, quantity, stamp, ambiguous, net))

    def _part(self, prices: Prices, position: int, price: Fraction) -> Fraction:
        fraction = prices.targets[position][1]
        is_last = position == len(prices.targets) - 1
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

    def _take_targets(self, prices: Prices, up_to: Fraction, stamp: int, ambiguous: bool, jumped: bool) -> None:
        """Take every target at or before `up_to`, nearest first."""
        for position, (target, _) in enumerate(prices.targets):
            if self.left > 0 and target not in prices.taken and self._takes(up_to, target):
                raw = up_to if jumped and self.deal.choices.gap_target == "open" else target
                self._exit(self._part(prices, position, raw), raw, "take_profit", stamp, ambiguous)
                for _, other in self.rulings:
                    other.taken.add(target)

    def change(self, at_ms: int, exits: Exits) -> None:
        """Change the exits by hand: they rule from the next whole minute on."""
        from_ms = -(-at_ms // 60_000) * 60_000
        if self.state == "waiting":
            self.wishes.append((from_ms, exits))
        elif self.state == "open":
            self.rulings.append((from_ms, self._prices(exits)))

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
            self._jump(bar.close, bar.last_ms, bar.open_ms)
            return
        if self.state == "waiting" and deal.expires_ms is not None and bar.open_ms >= deal.expires_ms:
            self.state = "ended"
            self.happened.append(Happening("expired", Fraction(0), Fraction(0), bar.open_ms))
            return
        self._jump(bar.open, bar.open_ms, bar.open_ms)
        for inside in insides:
            if self.state == "waiting":
                self._wait_inside(inside, bar)
            elif self.state == "open":
                self._live_inside(inside, bar)

    def _jump(self, price: Fraction, stamp: int, open_ms: int) -> None:
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
        prices = self._ruling(open_ms)
        adverse = self._adverse(prices)
        if adverse is not None and self._beyond(price, adverse[0], False):
            raw = price if deal.choices.gap_stop == "open" else adverse[0]
            self._exit(self.left, raw, adverse[1], stamp, False)
            return
        self._take_targets(prices, price, stamp, False, True)

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
        else:
            self._take_targets(prices, inside.close if is_limit else self._best(inside), bar.last_ms, False, False)

    def _live_inside(self, inside: Bar, bar: Bar) -> None:
        prices = self._ruling(bar.open_ms)
        adverse = self._adverse(prices)
        stopped = adverse is not None and self._beyond(self._worst(inside), adverse[0], False)
        waiting = [target for target, _ in prices.targets if target not in prices.taken]
        both = stopped and bool(waiting) and self._takes(self._best(inside), waiting[0])
        if not (stopped and (not both or self._adverse_first(inside))):
            self._take_targets(prices, self._best(inside), bar.last_ms, both, False)
        if adverse is not None and stopped and self.left > 0:
            self._exit(self.left, adverse[0], adverse[1], bar.last_ms, both)

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


def fee(price: Fraction, quantity: Fraction, rate: Fraction) -> Fraction:
    """Return a fee, rounded up at 1e-8."""
    return ceil_to(price * quantity * rate, CENT_OF_A_MILLIONTH)


def floor_to(value: Fraction, step: Fraction) -> Fraction:
    """Round down to a multiple of step."""
    return (value // step) * step


def ceil_to(value: Fraction, step: Fraction) -> Fraction:
    """Round up to a multiple of step."""
    return -((-value) // step) * step
