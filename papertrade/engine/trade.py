"""One round trip that began with one signal: its order, its levels, its state. Values only, no decisions.

PENDING → OPEN → CLOSED, or PENDING → CANCELLED / EXPIRED / REJECTED. State and cause are two fields.
A trade carries the terms it was placed under (costs, steps, convention), so the rule in `touch.py`
needs nothing but the trade and what the market did.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from papertrade.engine.conventions import CONSERVATIVE, Convention
from papertrade.engine.later import LATER
from papertrade.engine.market import Side
from papertrade.engine.money import CONTEXT, GRID, ONE, ZERO
from papertrade.engine.signal import EntryType, ExitWish
from papertrade.engine.sized import Sizing
from papertrade.engine.values import dataclass

THINNEST = Decimal("0.000000000000000001")
SHARE_GRID = THINNEST.scaleb(-22)
"""What a share of a quantity is rounded up to: a third of 3 is 1 then, on any step and at any size."""


class Status(StrEnum):
    """Where a trade stands; the first two are live."""

    PENDING = "pending"
    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def is_live(self) -> bool:
        """Whether the market can still change the trade."""
        return self is OPEN or self is PENDING


PENDING: Final = Status.PENDING
OPEN: Final = Status.OPEN
CLOSED: Final = Status.CLOSED


class ExitReason(StrEnum):
    """Why a trade, or a part of it, was closed."""

    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    BREAK_EVEN = "break_even"
    TIME_LIMIT = "time_limit"
    MANUAL = "manual"
    LIQUIDATION = "liquidation"


class Flag(StrEnum):
    """What a reader of a trade must know beside its numbers."""

    AT_TOUCH = "at_touch"  # a maker's exit at the very extreme of a candle
    SHRUNK = "shrunk"  # a fill paid only for a part of the quantity placed
    SIZE_CAPPED = "size_capped"  # the default size was cut to sizing.max_notional
    OBSERVED = "observed"  # decided by a quote in a blind stretch
    UNVERIFIED = "unverified"  # a command acted without catching up
    OFF_MARKET = "off_market"  # closed at a price named by the user
    SETTLED = "settled"  # finer candles told which level was touched first
    HALTED = "halted"  # the venue does not trade the instrument
    GUARDED = "guarded"  # a guard made the size smaller
    VOID = "void"  # taken back by hand as if it had never been; counts nowhere
    THIN_BOOK = "thin_book"  # the order book filled only a part of what was asked for
    AT_CAP = "at_cap"  # the size was cut to what a cap left


@dataclass(frozen=True, slots=True)
class Funding:
    """At each UTC multiple of `every_ms` a long pays its notional · `rate` and a short gets it; below 0 the reverse."""

    rate: Decimal
    every_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a trade costs and how it is rounded, fixed when it is placed.

    `maker` and `taker` are fee rates (0.001 = 0.1 %), `slippage_bps` basis points a taker loses a side. `funding`
    and `borrow` (a rate a year) are None where they are not modelled. `maintenance` is the part of its notional
    that a trade is liquidated with.
    """

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    slippage_bps: Decimal = ZERO
    leverage: Decimal = ONE
    price_step: Decimal = ZERO
    quantity_step: Decimal = GRID
    quantity_min: Decimal = ZERO
    notional_min: Decimal = ZERO
    convention: Convention = CONSERVATIVE
    funding: Funding | None = field(default=None, metadata=LATER)
    borrow: Decimal | None = field(default=None, metadata=LATER)
    maintenance: Decimal = field(default=ZERO, metadata=LATER)

    @property
    def has_carry(self) -> bool:
        """Whether holding a trade costs anything by itself."""
        return self.funding is not None or self.borrow is not None

    @property
    def price_grid(self) -> Decimal:
        """What prices are rounded to: the price step, or 1e-18 where the instrument has none."""
        return self.price_step if self.price_step != ZERO else THINNEST

    @property
    def quantity_grid(self) -> Decimal:
        """What quantities are rounded down to: the quantity step, or 1e-18 where there is none."""
        return self.quantity_step if self.quantity_step != ZERO else THINNEST


@dataclass(frozen=True, slots=True)
class Target:
    """A take-profit price and the fraction of `Levels.base_quantity` that leaves there."""

    price: Decimal
    fraction: Decimal
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """A price that ends a trade against it, and the reason it ends for."""

    price: Decimal
    reason: ExitReason = ExitReason.STOP_LOSS


@dataclass(frozen=True, slots=True)
class Trail:
    """A stop that follows the best price: `distance` is a price difference, or percent of the peak.

    Once `activation` is reached (at once where it is None) `peak` is the best price since, and `stop` stands
    at the distance from it; both are None before.
    """

    distance: Decimal
    is_percent: bool
    activation: Decimal | None = None
    peak: Decimal | None = None
    stop: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BreakEven:
    """A stop at the price where nothing is lost; it stands from the touch of `trigger` on (`is_armed`)."""

    trigger: Decimal
    stop: Decimal
    is_gross: bool = False
    is_armed: bool = False


@dataclass(frozen=True, slots=True)
class Levels:
    """Resolved exit prices, on the price step: the stop in force and the targets, nearest first.

    Fractions are of `base_quantity`: what was open when these levels were made. `stop` is the nearest to the
    market of the trade's own stop, its trail and its break-even, `reason` says which; `own` is its own stop
    where there is a trail or a break-even beside it. `after_first` is where its own stop goes when the first
    target is taken, None once it went there. `time_limit` is the instant (UTC ms) from which it leaves.
    """

    stop: Decimal | None
    targets: tuple[Target, ...]
    base_quantity: Decimal
    reason: ExitReason = field(default=ExitReason.STOP_LOSS, metadata=LATER)
    own: Stop | None = field(default=None, metadata=LATER)
    trail: Trail | None = field(default=None, metadata=LATER)
    break_even: BreakEven | None = field(default=None, metadata=LATER)
    after_first: Stop | None = field(default=None, metadata=LATER)
    time_limit: int | None = field(default=None, metadata=LATER)

    @property
    def has_moving_stop(self) -> bool:
        """Whether a better price can move the stop."""
        return self.trail is not None or self.break_even is not None

    @property
    def own_stop(self) -> Stop | None:
        """The stop that stands whatever the trail and the break-even do."""
        if self.has_moving_stop:
            return self.own
        return None if self.stop is None else Stop(self.stop, self.reason)

    @property
    def first_stop(self) -> Decimal | None:
        """The stop that the risk counts from at the entry: the trade's own, else a trail that begins there."""
        return self.stop if self.own is None else self.own.price

    def with_stops(
        self, own: Stop | None, trail: Trail | None, break_even: BreakEven | None, after_first: Stop | None, side: Side
    ) -> Levels:
        """Return these levels with other stops, the nearest to the market in force; a tie goes to the own stop."""
        each = [] if own is None else [own]
        if trail is not None and trail.stop is not None:
            each.append(Stop(trail.stop, ExitReason.TRAILING_STOP))
        if break_even is not None and break_even.is_armed:
            each.append(Stop(break_even.stop, ExitReason.BREAK_EVEN))
        nearest = max(each, key=lambda stop: stop.price * side.sign, default=None)
        return Levels(
            None if nearest is None else nearest.price,
            self.targets,
            self.base_quantity,
            ExitReason.STOP_LOSS if nearest is None else nearest.reason,
            None if trail is None and break_even is None else own,
            trail,
            break_even,
            after_first,
            self.time_limit,
        )

    def next_target(self) -> Target | None:
        """Return the nearest target that is not filled yet."""
        for target in self.targets:
            if not target.is_filled:
                return target
        return None

    def without(self, price: Decimal) -> Levels:
        """Mark the target at `price` as filled."""
        targets = tuple(Target(t.price, t.fraction, t.is_filled or t.price == price) for t in self.targets)
        return Levels(
            self.stop,
            targets,
            self.base_quantity,
            self.reason,
            self.own,
            self.trail,
            self.break_even,
            self.after_first,
            self.time_limit,
        )


@dataclass(frozen=True, slots=True)
class Ruling:
    """Exits that rule from the candle that opens at `from_ms` on, as wished and, once entered, as prices."""

    from_ms: int
    wish: ExitWish
    levels: Levels | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was placed: everything about a trade that never changes. Times are UTC ms by the venue's clock.

    `sizing` is how the quantity came about, None where it is what was asked for (and in older journals).
    """

    account_id: int
    epoch: int
    signal_id: int
    signal_key: str
    venue: str
    symbol: str
    side: Side
    entry_type: EntryType
    entry_price: Decimal | None
    quantity: Decimal
    exits: ExitWish
    terms: Terms
    placed_at: int
    whole_from: int
    expires_at: int | None = None
    confidence: Decimal | None = None
    reason: str = ""
    tags: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    sizing: Sizing | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        if self.quantity <= ZERO:
            raise ValueError(f"quantity `{self.quantity}` must be above 0")

    @property
    def waiting_price(self) -> Decimal:
        """The price that a limit or stop entry waits for. Raises ValueError for a market entry."""
        if self.entry_price is None:
            raise ValueError("a market entry waits for no price")
        return self.entry_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """The state of one trade: a function of its events and nothing else.

    `reserve` is what it ties up now (while pending, with the fee); `realized` is net of exit fees and of the
    entry fee's share; `exit_value` is Σ price · quantity over its exits; `rulings` are the exits in force and
    those that rule from a later candle; no candle that ends at or before `applied_to` reaches it again.
    `funding` is what holding it has cost so far (below 0: was received), `borrow_cost` the interest in it and
    `funding_left` what is not in `realized` yet. Up to `funded_to` and `borrowed_to` it is charged, None: not yet.
    """

    id: int
    order: Order
    status: Status
    quantity: Decimal
    open_quantity: Decimal
    reserve: Decimal
    rulings: tuple[Ruling, ...]
    applied_to: int
    whole_from: int
    tags: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    entry_price: Decimal | None = None
    opened_at: int | None = None
    initial_stop: Decimal | None = None
    liquidation_price: Decimal | None = None
    entry_fee: Decimal = ZERO
    entry_fee_left: Decimal = ZERO
    fees: Decimal = ZERO
    slippage: Decimal = ZERO
    gross: Decimal = ZERO
    realized: Decimal = ZERO
    exit_value: Decimal = ZERO
    exit_reason: ExitReason | None = None
    closed_at: int | None = None
    is_ambiguous: bool = False
    funding: Decimal = ZERO
    borrow_cost: Decimal = ZERO
    funding_left: Decimal = ZERO
    funded_to: int | None = None
    borrowed_to: int | None = None

    @property
    def side(self) -> Side:
        """The side of the trade."""
        return self.order.side

    @property
    def ruling(self) -> Ruling:
        """The newest exits asked for, which may rule only from the next whole candle."""
        return self.rulings[-1]

    @property
    def entered_price(self) -> Decimal:
        """The entry price of a trade that was entered. Raises ValueError before."""
        if self.entry_price is None:
            raise ValueError(f"trade {self.id} was never entered")
        return self.entry_price

    @property
    def exit_quantity(self) -> Decimal:
        """How much has been closed so far."""
        return ZERO if self.entry_price is None else self.quantity - self.open_quantity

    @property
    def exit_price(self) -> Decimal | None:
        """The quantity-weighted exit price to 1e-8; None while nothing is closed."""
        closed = self.exit_quantity
        return None if closed == 0 else CONTEXT.quantize(CONTEXT.divide(self.exit_value, closed), GRID)

    @property
    def initial_risk(self) -> Decimal | None:
        """R: |entry − initial stop| · quantity in money; None without an initial stop."""
        if self.entry_price is None or self.initial_stop is None:
            return None
        return CONTEXT.multiply(abs(self.entry_price - self.initial_stop), self.quantity)

    @property
    def r_multiple(self) -> Decimal | None:
        """Realised profit in units of the initial risk; None without an initial stop."""
        risk = self.initial_risk
        return None if risk is None or risk == 0 else CONTEXT.divide(self.realized, risk)

    def unrealized(self, mark: Decimal) -> Decimal:
        """Return the gross profit of the open quantity at `mark`, on the money grid."""
        if self.entry_price is None or self.open_quantity == 0:
            return ZERO
        move = CONTEXT.multiply(CONTEXT.subtract(mark, self.entry_price), self.side.sign)
        return CONTEXT.quantize(CONTEXT.multiply(move, self.open_quantity), GRID)
