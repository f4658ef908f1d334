"""What a market shows: quotes, candles and their intervals. Prices are exact and positive, times are UTC ms.

A value that could not be a price (zero, negative, NaN, a high below the low) cannot be constructed, so
nothing behind this file needs to ask again.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

from papertrade.engine.money import ZERO, plain
from papertrade.engine.values import dataclass

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

INTERVALS: Final[dict[str, int]] = {
    "1s": 1_000,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
}
"""Candle intervals by the venue's name, in milliseconds; all divide a UTC day."""


class Side(StrEnum):
    """LONG gains when the price rises, SHORT when it falls."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short."""
        return 1 if self is LONG else -1


# A member named by its class costs as much as a decimal operation, so what runs once a touch has names of its own.
LONG: Final = Side.LONG
SHORT: Final = Side.SHORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One observed price; `at_ms` is the venue's instant, bid and ask are None where unknown."""

    at_ms: int
    last: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None

    def __post_init__(self) -> None:
        _check_price(self.last)
        if self.bid is not None:
            _check_price(self.bid)
        if self.ask is not None:
            _check_price(self.ask)

    def buying(self) -> Decimal:
        """Return what a buyer pays now: the ask if known, else the last price."""
        return self.last if self.ask is None else self.ask

    def selling(self) -> Decimal:
        """Return what a seller gets now: the bid if known, else the last price."""
        return self.last if self.bid is None else self.bid

    def entry_price(self, side: Side) -> Decimal:
        """Return the price at which a trade of this side would be entered now."""
        return self.buying() if side is Side.LONG else self.selling()

    def mark(self, side: Side) -> Decimal:
        """Return the price at which a trade of this side would be left now: bid for longs, ask for shorts."""
        return self.selling() if side is Side.LONG else self.buying()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """Open, high, low, close and volume of one interval that starts at `open_ms`."""

    open_ms: int
    interval_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO

    def __post_init__(self) -> None:
        low, high = self.low, self.high
        _check_price(low)
        _check_price(high)
        if not (low <= self.open <= high and low <= self.close <= high):
            raise ValueError(
                f"candle at {self.open_ms}: open `{plain(self.open)}` and close `{plain(self.close)}` "
                f"must lie between low `{plain(self.low)}` and high `{plain(self.high)}`"
            )
        if not self.volume.is_finite() or self.volume < ZERO:
            raise ValueError(f"candle at {self.open_ms}: volume `{plain(self.volume)}` must be 0 or more")

    @property
    def end_ms(self) -> int:
        """The first instant after the candle."""
        return self.open_ms + self.interval_ms

    @property
    def last_ms(self) -> int:
        """The candle's last millisecond: the stamp of what happened inside it."""
        return self.open_ms + self.interval_ms - 1


def floor_ms(at_ms: int, interval_ms: int) -> int:
    """Return the open time of the candle that contains `at_ms`."""
    return at_ms - at_ms % interval_ms


def first_whole_open(at_ms: int, interval_ms: int) -> int:
    """Return the open time of the first candle that lies wholly at or after `at_ms`."""
    return -(-at_ms // interval_ms) * interval_ms


def _check_price(price: Decimal) -> None:
    if not price.is_finite() or price <= ZERO:
        raise ValueError(f"`{plain(price)}` is not a price: it must be above 0")
