"""How the price and the fee of a fill came about, step by step.

The rule to keep: every number can be computed again from the numbers beside it.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.fills import mean_price
from papertrade.engine.market import Side
from papertrade.engine.messages import Cause, Liquidity
from papertrade.engine.money import ZERO, exact
from papertrade.engine.order_book import BookLevel
from papertrade.engine.trade import Order
from papertrade.engine.values import dataclass

_BPS = Decimal(10_000)
_JUMPS = frozenset({"4.1 open beyond the stop", "4.1 open beyond the target", "4.4 open beyond the entry"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """How a price came about: `raw` as decided, worsened by slippage, then rounded to the step against the trader.

    `step` 0 means that the instrument has none. Where the order book was `walked`, `raw` is its best price and
    `worsened` the mean of the levels taken, weighted by quantity. `limit` is the worst that a limit order pays.
    """

    raw: Decimal
    slippage_bps: Decimal
    worsened: Decimal
    step: Decimal
    is_rounded_up: bool
    price: Decimal
    walked: tuple[BookLevel, ...] = ()
    limit: Decimal | None = None

    @property
    def is_limited(self) -> bool:
        """Whether slippage alone would have been beyond the limit, which was paid instead."""
        if self.limit is None:
            return False
        return self.worsened > self.limit if self.is_rounded_up else self.worsened < self.limit

    @property
    def walked_notional(self) -> Decimal:
        """Σ price · quantity of the levels that were taken."""
        with exact():
            return sum((level.price * level.quantity for level in self.walked), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """A fee: price · quantity = `notional`, · rate = `unrounded`, rounded up at 1e-8 to `fee`."""

    price: Decimal
    quantity: Decimal
    notional: Decimal
    rate: Decimal
    unrounded: Decimal
    fee: Decimal


def price_jumped_to(cause: Cause, at_ms: int, side: Side, *, is_entry: bool) -> Decimal | None:
    """Return the price that the market had jumped to when a level of it was filled; None where it swept there.

    A candle's open is stamped with its open time; of the candle in which a command acted only the close counts.
    """
    if cause.level is None:
        return None
    if cause.quote is not None:
        return cause.quote.entry_price(side) if is_entry else cause.quote.mark(side)
    if cause.candle is None:
        return None
    if at_ms == cause.candle.open_ms:
        return cause.candle.open
    return cause.candle.close if cause.rule in _JUMPS else None


def priced_of(cause: Cause, price: Decimal, liquidity: Liquidity, order: Order, *, is_buying: bool) -> Priced:
    """Take a fill's price apart."""
    bps = ZERO if liquidity is Liquidity.MAKER or cause.walked else order.terms.slippage_bps
    worsened = cause.raw_price * (_BPS + bps if is_buying else _BPS - bps) / _BPS
    if cause.walked:
        worsened = mean_price(cause.walked)
    return Priced(
        raw=cause.raw_price,
        slippage_bps=bps,
        worsened=worsened,
        step=order.terms.price_step,
        is_rounded_up=is_buying,
        price=price,
        walked=cause.walked,
        limit=cause.limit,
    )


def charged_of(price: Decimal, quantity: Decimal, rate: Decimal, fee: Decimal) -> Charged:
    """Take a fee apart."""
    notional = price * quantity
    return Charged(price=price, quantity=quantity, notional=notional, rate=rate, unrounded=notional * rate, fee=fee)
