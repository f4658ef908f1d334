"""What a fill costs: slippage, rounding, fees, the reserve's share. Turns a decided price into an event.

Which price, and when, is decided elsewhere (`touch.py` for the market, `step.py` for people); here is the
arithmetic, once, for entries and exits alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertrade.engine.market import LONG, SHORT, Side
from papertrade.engine.messages import MAKER, Cause, ExitFilled, Liquidity
from papertrade.engine.money import GRID, ONE, ZERO, ceil_to, floor_to, to_grid, up_to_grid
from papertrade.engine.order_book import BookLevel
from papertrade.engine.trade import ExitReason, Flag, Levels, Target, Terms, Trade
from papertrade.engine.values import dataclass

_BPS = Decimal(10_000)
_HALF_A_UNIT = Decimal("0.000000005")  # what rounding may take off a reserve; a fee it can only raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """That a trade leaves, at which price and why; `target` is the price of the target it leaves at.

    `applied_to` is the end of the candle, or the instant of the quote, that decided; None where people did, who asked
    for a `fraction` of what was open, or for a quantity (`asked`).
    """

    cause: Cause
    reason: ExitReason
    liquidity: Liquidity
    at_ms: int
    target: Decimal | None = None
    is_ambiguous: bool = False
    applied_to: int | None = None
    flags: tuple[Flag, ...] = ()
    fraction: Decimal | None = None
    asked: Decimal | None = None


def filled_price(raw: Decimal, is_buying: bool, liquidity: Liquidity, terms: Terms) -> Decimal:
    """Return the price that a fill gets: a taker's worsened by slippage, on the step against the trader, above 0."""
    bps = ZERO if liquidity is MAKER else terms.slippage_bps
    grid = terms.price_grid
    if is_buying:
        return ceil_to(raw if bps == ZERO else raw * (_BPS + bps) / _BPS, grid)
    return max(floor_to(raw if bps == ZERO else raw * (_BPS - bps) / _BPS, grid), grid)


def paid_price(cause: Cause, is_buying: bool, liquidity: Liquidity, terms: Terms) -> Decimal:
    """Return the price of a fill: the mean of the levels of the order book that it took, else as `filled_price`.

    A limit order pays no worse than its limit.
    """
    if not cause.walked:
        price = filled_price(cause.raw_price, is_buying, liquidity, terms)
        if cause.limit is None:
            return price
        return min(price, cause.limit) if is_buying else max(price, cause.limit)
    mean = mean_price(cause.walked)
    return ceil_to(mean, terms.price_grid) if is_buying else max(floor_to(mean, terms.price_grid), terms.price_grid)


def mean_price(levels: Sequence[BookLevel]) -> Decimal:
    """Return the price of the levels of an order book that were taken, weighted by quantity and not rounded."""
    return sum((level.price * level.quantity for level in levels), ZERO) / sum(level.quantity for level in levels)


def fee_of(price: Decimal, quantity: Decimal, rate: Decimal) -> Decimal:
    """Return notional · rate, rounded up at 1e-8."""
    return up_to_grid(price * quantity * rate)


def fee_rate(liquidity: Liquidity, terms: Terms) -> Decimal:
    """Return the rate that applies to a maker or a taker."""
    return terms.maker if liquidity is MAKER else terms.taker


def slippage_of(price: Decimal, raw: Decimal, quantity: Decimal) -> Decimal:
    """Return what a fill of `quantity` at `price` lost against `raw`, rounded up at 1e-8."""
    return ZERO if price == raw else up_to_grid(abs(price - raw) * quantity)


def reserve_of(price: Decimal, quantity: Decimal, terms: Terms) -> Decimal:
    """Return what an entry ties up: notional / leverage on the money grid."""
    return to_grid(price * quantity / terms.leverage)


def affordable(price: Decimal, rate: Decimal, available: Decimal, terms: Terms) -> Decimal:
    """Return the most, on the quantity grid, whose reserve and fee `available` pays for; 0 if nothing."""
    of_unit = price * (ONE / terms.leverage + rate)
    most = floor_to((available + _HALF_A_UNIT) / of_unit, terms.quantity_grid)
    if ZERO < reserve_of(price, most, terms) + fee_of(price, most, rate) <= available:
        return most
    return max(floor_to((available - 2 * GRID) / of_unit, terms.quantity_grid), ZERO)


def liquidation_price(side: Side, entry: Decimal, terms: Terms) -> Decimal | None:
    """Return where loss plus exit fee eat the reserve, rounded away from the entry; None if never.

    Source: docs/semantics.md section 4.6, with entry / leverage as the reserve of a unit: what is left of it is to
    pay the fee and to be the maintenance rate's part of the notional. A long without leverage cannot lose more than
    its reserve.
    """
    return ruin_price(side, entry, entry / terms.leverage, ONE, terms)


def ruin_price(side: Side, entry: Decimal, reserve: Decimal, quantity: Decimal, terms: Terms) -> Decimal | None:
    """Return the liquidation price of a quantity that holds a reserve of any size."""
    least = terms.taker + terms.maintenance
    if side is LONG:
        left = entry * quantity - reserve
        if left <= ZERO:
            return None
        price = floor_to(left / (quantity * (ONE - least)), terms.price_grid)
        return price if price > ZERO else None
    return ceil_to((entry * quantity + reserve) / (quantity * (ONE + least)), terms.price_grid)


def is_ruined(side: Side, entry: Decimal, terms: Terms) -> bool:
    """Whether a trade would be beyond its liquidation price from the first: too much leverage for what must be left."""
    ruin = liquidation_price(side, entry, terms)
    return ruin is not None and (entry - ruin) * side.sign <= 0


def even_price(side: Side, entry: Decimal, entry_fee: Decimal, quantity: Decimal, terms: Terms) -> Decimal:
    """Return the stop, nearest to the entry, at which `quantity` leaves without a net loss (semantics 1, `be`).

    Counts the entry fee, the taker's fee of the exit and its slippage; rounded to the step away from the entry.
    """
    price = _even_price(side, entry, entry_fee, quantity, terms)
    fill = filled_price(price, side is Side.SHORT, Liquidity.TAKER, terms)
    net = to_grid((fill - entry) * side.sign * quantity) - fee_of(fill, quantity, terms.taker) - entry_fee
    return price if net >= 0 else _even_price(side, entry, entry_fee + 2 * GRID, quantity, terms)


def _even_price(side: Side, entry: Decimal, entry_fee: Decimal, quantity: Decimal, terms: Terms) -> Decimal:
    """Solve without the rounding of money, which takes at most one and a half units of 1e-8."""
    worse, grid = terms.slippage_bps / _BPS, terms.price_grid
    if side is Side.LONG:
        fill = ceil_to((entry + entry_fee / quantity) / (ONE - terms.taker), grid)
        return ceil_to(fill / (ONE - worse), grid)
    fill = floor_to((entry - entry_fee / quantity) / (ONE + terms.taker), grid)
    return floor_to(fill / (ONE + worse), grid)


def exit_fill(trade: Trade, quantity: Decimal, decision: Decision) -> ExitFilled:
    """Return the event that closes `quantity` of an open trade as decided.

    The last part releases all that is left of the reserve, the entry fee and what holding it has cost. No exit costs
    more than its share of the reserve: the fee stands and the gross loss is cut to fee − share.
    """
    terms = trade.order.terms
    is_final = quantity == trade.open_quantity
    side, raw = trade.order.side, decision.cause.raw_price
    price = paid_price(decision.cause, side is SHORT, decision.liquidity, terms)
    rate = fee_rate(decision.liquidity, terms)
    share = trade.reserve if is_final else to_grid(trade.reserve * quantity / trade.open_quantity)
    entry_fee = trade.entry_fee_left if is_final else to_grid(trade.entry_fee_left * quantity / trade.open_quantity)
    funding = trade.funding_left if is_final else to_grid(trade.funding_left * quantity / trade.open_quantity)
    fee = fee_of(price, quantity, rate)
    entry = trade.entered_price
    gross = max(to_grid((price - entry if side is LONG else entry - price) * quantity), fee - share)
    return ExitFilled(
        trade_id=trade.id,
        quantity=quantity,
        price=price,
        reason=decision.reason,
        liquidity=decision.liquidity,
        fee_rate=rate,
        fee=fee,
        slippage=slippage_of(price, raw, quantity),
        gross=gross,
        reserve_released=share,
        entry_fee_share=entry_fee,
        realized=gross - fee - entry_fee - funding,
        is_final=is_final,
        cause=decision.cause,
        at_ms=decision.at_ms,
        target=decision.target,
        is_ambiguous=decision.is_ambiguous,
        applied_to=decision.applied_to,
        flags=(*decision.flags, *_touch_flags(decision, side)),
        funding_share=funding,
        fraction=decision.fraction,
        asked=decision.asked,
    )


def part_to_close(trade: Trade, wanted: Decimal, price: Decimal) -> Decimal:
    """Return how much really leaves when `wanted` should: all, if it or the rest would be under the minimum."""
    terms = trade.order.terms
    part = floor_to(min(wanted, trade.open_quantity), terms.quantity_grid)
    if any(is_under_minimum(piece, price, terms) for piece in (part, trade.open_quantity - part)):
        return trade.open_quantity
    return part


def is_under_minimum(piece: Decimal, price: Decimal, terms: Terms) -> bool:
    """Whether a piece is nothing, or too small to leave or to stay on its own."""
    return piece <= ZERO or piece < terms.quantity_min or piece * price < terms.notional_min


def part_at_target(trade: Trade, levels: Levels, target: Target, price: Decimal) -> Decimal:
    """Return how much leaves at a target: its fraction, or all at the last one and where a piece would be too small."""
    if is_last_target(levels, target):
        return trade.open_quantity
    return part_to_close(trade, levels.base_quantity * target.fraction, price)


def is_last_target(levels: Levels, target: Target) -> bool:
    """Whether a target takes all that is left: the only one not taken yet, of fractions that sum to 1."""
    if len(levels.targets) == 1:
        return target.fraction == ONE
    return sum(not t.is_filled for t in levels.targets) == 1 and sum(t.fraction for t in levels.targets) == 1


def _touch_flags(decision: Decision, side: Side) -> tuple[Flag, ...]:
    """Flag a maker's exit whose level is the very extreme of its candle: a touch that may not have filled."""
    candle = decision.cause.candle
    if candle is None or decision.liquidity is not MAKER:
        return ()
    return (Flag.AT_TOUCH,) if decision.cause.level == (candle.high if side is LONG else candle.low) else ()
