"""How a trade is entered: what it gets at the fill's price, with levels resolved, or why it is rejected.

A fill of a waiting order draws only on what the order had tied up when it was placed, so neither later
deposits nor the order of instruments can change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertrade.engine.exit_wish import ExitWish
from papertrade.engine.fills import (
    affordable,
    fee_of,
    fee_rate,
    filled_price,
    is_ruined,
    liquidation_price,
    paid_price,
    reserve_of,
    slippage_of,
)
from papertrade.engine.levels import Entered, check_rules, check_sides, resolve, with_rules
from papertrade.engine.market import LONG, Side
from papertrade.engine.messages import TAKER, Cause, EntryFilled, Liquidity, TradeEnded
from papertrade.engine.money import ZERO, plain
from papertrade.engine.state import ruling_at
from papertrade.engine.trade import Flag, Levels, Order, Ruling, Status, Terms, Trade
from papertrade.engine.values import replace


def enter(trade: Trade, cause: Cause, liquidity: Liquidity, at_ms: int) -> EntryFilled | TradeEnded:
    """Fill a waiting order at the price of `cause`, shrunk to what its reserve pays, or reject it."""
    order = trade.order
    terms = order.terms
    candle = cause.candle
    seen_from, seen_to = (at_ms, at_ms) if candle is None else (candle.open_ms, candle.end_ms)
    observed = (Flag.OBSERVED,) if candle is None else ()
    active = ruling_at(trade, seen_from)
    rulings = (active, *(r for r in trade.rulings if r.from_ms > seen_from))
    price = filled_price(cause.raw_price, order.side is Side.LONG, liquidity, terms)
    rate = fee_rate(liquidity, terms)
    quantity = trade.quantity
    if reserve_of(price, quantity, terms) + fee_of(price, quantity, rate) > trade.reserve:
        quantity = affordable(price, rate, trade.reserve, terms)
    is_shrunk = quantity < trade.quantity
    why: str | None = f"at `{plain(price)}` its reserve pays for less than the instrument's minimum"
    # Only a shrunk fill can be too small: the quantity placed was big enough.
    if not is_shrunk or _is_enough(quantity, price, terms):
        event = _fill(trade.id, order, rulings, price, quantity, liquidity, cause, at_ms)
        why = _rejection(event.rulings[0].levels, order, price, at_ms)
    if why is not None:
        return TradeEnded(
            trade_id=trade.id,
            status=Status.REJECTED,
            released=trade.reserve,
            why=why,
            at_ms=at_ms,
            applied_to=seen_to,
            flags=observed,
            cause=cause,
        )
    return replace(
        event,
        order=None,
        released=trade.reserve - event.reserve - event.fee,
        applied_to=seen_to,
        flags=(*observed, Flag.SHRUNK) if is_shrunk else observed,
    )


def enter_at_once(trade_id: int, order: Order, cause: Cause, at_ms: int, levels: Levels | None = None) -> EntryFilled:
    """Enter as a taker at the price of `cause`; that the levels suit it was checked when it was sized.

    `levels` are those of the check, where the caller has them.
    """
    price = paid_price(cause, order.side is LONG, TAKER, order.terms)
    ruling = Ruling(order.placed_at, order.exits, levels)
    return _fill(trade_id, order, (ruling,), price, order.quantity, TAKER, cause, at_ms)


def _fill(
    trade_id: int,
    order: Order,
    rulings: Sequence[Ruling],
    price: Decimal,
    quantity: Decimal,
    liquidity: Liquidity,
    cause: Cause,
    at_ms: int,
) -> EntryFilled:
    terms = order.terms
    rate = fee_rate(liquidity, terms)
    fee = fee_of(price, quantity, rate)
    return EntryFilled(
        trade_id=trade_id,
        order=order,
        quantity=quantity,
        price=price,
        liquidity=liquidity,
        fee_rate=rate,
        fee=fee,
        slippage=slippage_of(price, cause.raw_price, quantity),
        reserve=reserve_of(price, quantity, terms),
        released=ZERO,
        rulings=tuple(
            [
                r
                if r.levels is not None
                else Ruling(r.from_ms, r.wish, _levels(r.wish, order, price, quantity, fee, at_ms))
                for r in rulings
            ]
        ),
        liquidation_price=liquidation_price(order.side, price, terms),
        cause=cause,
        at_ms=at_ms,
    )


def _levels(wish: ExitWish, order: Order, price: Decimal, quantity: Decimal, fee: Decimal, at_ms: int) -> Levels:
    levels = resolve(wish, order.side, price, order.terms.price_grid, quantity)
    if wish.is_plain:
        return levels
    entered = Entered(
        side=order.side, price=price, quantity=quantity, fee=fee, terms=order.terms, opened_at=at_ms, stop=levels.stop
    )
    return with_rules(levels, wish, entered)


def _is_enough(quantity: Decimal, price: Decimal, terms: Terms) -> bool:
    return quantity > 0 and quantity >= terms.quantity_min and quantity * price >= terms.notional_min


def _rejection(levels: Levels | None, order: Order, price: Decimal, at_ms: int) -> str | None:
    """Return why a fill is rejected: its exits do not suit its price, or it would be liquidated by it."""
    side = order.side
    if is_ruined(side, price, order.terms):
        return f"at `{plain(price)}` its liquidation price is no farther than its entry"
    wrong = None if levels is None else check_sides(levels, side, price, "entry")
    if wrong is None and levels is not None:
        wrong = check_rules(levels, side, price, "entry", at_ms)
    return None if wrong is None else wrong.message
