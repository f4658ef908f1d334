"""How a trade is entered: what it gets at the fill's price, with levels resolved, or why it is rejected.

A fill of a waiting order draws only on what the order had tied up when it was placed, so neither later
deposits nor the order of instruments can change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from papertrade.engine.fills import affordable, fee_of, fee_rate, filled_price, liquidation_price, reserve_of
from papertrade.engine.levels import check_sides, resolve
from papertrade.engine.market import Side
from papertrade.engine.messages import Cause, EntryFilled, Liquidity, TradeEnded
from papertrade.engine.money import ZERO, plain, up_to_grid
from papertrade.engine.state import ruling_at
from papertrade.engine.trade import Flag, Order, Ruling, Status, Trade


def enter(trade: Trade, cause: Cause, liquidity: Liquidity, at_ms: int) -> EntryFilled | TradeEnded:
    """Fill a waiting order at the price of `cause`, shrunk to what its reserve pays, or reject it."""
    order = trade.order
    terms = order.terms
    candle = cause.candle
    seen_from, seen_to = (at_ms, at_ms) if candle is None else (candle.open_ms, candle.end_ms)
    active = ruling_at(trade, seen_from)
    rulings = (active, *(r for r in trade.rulings if r.from_ms > seen_from))
    price = filled_price(cause.raw_price, order.side is Side.LONG, liquidity, terms)
    rate = fee_rate(liquidity, terms)
    quantity = trade.quantity
    if reserve_of(price, quantity, terms) + fee_of(price, quantity, rate) > trade.reserve:
        quantity = affordable(price, rate, trade.reserve, terms)
    is_shrunk = quantity < trade.quantity
    why = _rejection(order, active, price, quantity, is_shrunk)
    if why is not None:
        return TradeEnded(
            trade_id=trade.id,
            status=Status.REJECTED,
            released=trade.reserve,
            why=why,
            at_ms=at_ms,
            applied_to=seen_to,
        )
    event = _fill(trade.id, order, rulings, price, quantity, liquidity, cause, at_ms)
    return replace(
        event,
        order=None,
        released=trade.reserve - event.reserve - event.fee,
        applied_to=seen_to,
        flags=(*((Flag.OBSERVED,) if candle is None else ()), *((Flag.SHRUNK,) if is_shrunk else ())),
    )


def enter_at_once(trade_id: int, order: Order, cause: Cause, at_ms: int) -> EntryFilled:
    """Enter as a taker at the price of `cause`; that the levels suit it was checked when it was sized."""
    price = filled_price(cause.raw_price, order.side is Side.LONG, Liquidity.TAKER, order.terms)
    ruling = Ruling(order.placed_at, order.exits)
    return _fill(trade_id, order, (ruling,), price, order.quantity, Liquidity.TAKER, cause, at_ms)


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
    return EntryFilled(
        trade_id=trade_id,
        order=order,
        quantity=quantity,
        price=price,
        liquidity=liquidity,
        fee_rate=rate,
        fee=fee_of(price, quantity, rate),
        slippage=up_to_grid(abs(price - cause.raw_price) * quantity),
        reserve=reserve_of(price, quantity, terms),
        released=ZERO,
        rulings=tuple(
            replace(r, levels=resolve(r.wish, order.side, price, terms.price_grid, quantity)) for r in rulings
        ),
        liquidation_price=liquidation_price(order.side, price, terms),
        cause=cause,
        at_ms=at_ms,
    )


def _rejection(order: Order, ruling: Ruling, price: Decimal, quantity: Decimal, is_shrunk: bool) -> str | None:
    """Return why a fill is rejected; only a shrunk one can be too small, the quantity placed was big enough."""
    terms = order.terms
    is_small = quantity <= 0 or quantity < terms.quantity_min or quantity * price < terms.notional_min
    if is_shrunk and is_small:
        return f"at `{plain(price)}` its reserve pays for less than the instrument's minimum"
    levels = resolve(ruling.wish, order.side, price, terms.price_grid, quantity)
    wrong = check_sides(levels, order.side, price, "entry")
    return None if wrong is None else wrong.message
