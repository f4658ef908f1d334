"""The words of the oracle: candles, wishes, options, deals, and what happens; plain fractions, nothing computed.

Written from docs/semantics.md like the oracle itself; the one rule to keep is that it never learns from the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """A level: `price`, `percent` (signed change from the entry), `risk` (of entry to stop), `be`, `be:gross`.

    As the distance of a trail: a price difference, percent of the best price (unsigned), or risks.
    """

    kind: str
    value: Fraction = Fraction(0)


@dataclass(frozen=True)
class Exits:
    """A stop, and targets with the fraction of the quantity that leaves at each.

    `trail` is a distance and where it begins, `even` a trigger and whether the stop goes to the gross price,
    `limit` is (`age`, ms) or (`at`, ms), `after` where the stop goes after the first target.
    """

    stop: Wish | None = None
    targets: tuple[tuple[Wish, Fraction], ...] = ()
    trail: tuple[Wish, Wish | None] | None = None
    even: tuple[Wish, bool] | None = None
    limit: tuple[str, int] | None = None
    after: Wish | None = None


@dataclass(frozen=True)
class Choices:
    """The options of section 4, by their names in the document."""

    same_candle: str = "stop-first"
    gap_stop: str = "open"
    gap_target: str = "level"
    gap_limit: str = "level"
    limit_fill: str = "touch"
    trail: str = "previous"


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
    funding: Fraction | None = None
    funding_every: int = 8 * 3_600_000
    borrow: Fraction | None = None
    maintenance: Fraction = Fraction(0)


@dataclass(frozen=True)
class Happening:
    """What happened: `entry`, `expired`, `rejected` or an exit reason; net is what an exit posts to cash flow.

    Of `funding` and `borrow` the price is the amount, and the quantity what was open.
    """

    reason: str
    price: Fraction
    quantity: Fraction
    stamp: int
    ambiguous: bool = False
    net: Fraction = Fraction(0)


def fee(price: Fraction, quantity: Fraction, rate: Fraction) -> Fraction:
    """Return a fee, rounded up at 1e-8."""
    return ceil_to(price * quantity * rate, CENT_OF_A_MILLIONTH)


def floor_to(value: Fraction, step: Fraction) -> Fraction:
    """Round down to a multiple of step."""
    return (value // step) * step


def ceil_to(value: Fraction, step: Fraction) -> Fraction:
    """Round up to a multiple of step."""
    return -((-value) // step) * step
