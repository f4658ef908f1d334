"""Plain sell orders: how one quantity leaves the trades that plain buy orders opened, oldest first. Pure.

A sell at the market closes parts now; one that waits becomes a take profit on the oldest trades. Trades that
came from signals are never touched. The rule to keep: what was asked for comes out exactly, or is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertrade.engine.book_fills import depth_of, filled_of, walked
from papertrade.engine.carry import leave
from papertrade.engine.changes import as_wish, counts_from
from papertrade.engine.fills import Decision
from papertrade.engine.levels import against_trader
from papertrade.engine.market import Quote, Side
from papertrade.engine.messages import Cause, CostCharged, ExitFilled, LevelsChanged, Liquidity, Refusal
from papertrade.engine.money import ONE, ZERO, ceil_to, exact, floor_to, plain
from papertrade.engine.order_book import OrderBook
from papertrade.engine.outlook import outlook
from papertrade.engine.step import Rules
from papertrade.engine.trade import SHARE_GRID, ExitReason, Flag, Levels, Ruling, Status, Target, Terms, Trade
from papertrade.engine.values import dataclass, replace

ORDER_SOURCE = "order"
"""The source of the signals that plain orders are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SellOrder:
    """What to sell: a quantity, or for an amount of cash, or all where both are None; `limit` None is now."""

    symbol: str
    quantity: Decimal | None = None
    notional: Decimal | None = None
    limit: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selling:
    """A sell order beside what it is decided from: all live trades of the symbol in the account, oldest first."""

    order: SellOrder
    trades: Sequence[Trade]
    quote: Quote
    at_ms: int
    flags: tuple[Flag, ...] = ()
    book: OrderBook | None = None


def is_plain_order(trade: Trade) -> bool:
    """Whether a trade is one that a plain buy order opened."""
    return trade.side is Side.LONG and trade.order.signal_key.startswith(f"{ORDER_SOURCE}:")


def sell(selling: Selling, rules: Rules) -> tuple[CostCharged | ExitFilled, ...] | tuple[LevelsChanged, ...] | Refusal:
    """Decide a sell order: fills now, targets for later, or why not. A limit that the bid has reached fills now.

    What holding a trade has cost until then is charged before its fill.
    """
    with exact():
        held = [t for t in selling.trades if t.status is Status.OPEN and is_plain_order(t)]
        if not held:
            return _short_of(selling, selling.order.quantity, ZERO, ZERO)
        terms = held[0].order.terms
        limit = selling.order.limit
        price = selling.quote.selling()
        stepped = None if limit is None else against_trader(limit, Side.LONG, terms.price_grid)
        if stepped is None or stepped <= price:
            cause = Cause(rule="5 closed by hand", raw_price=price, quote=selling.quote, limit=stepped)
            return _sell_now(selling, held, cause, rules)
        return _sell_later(selling, held, stepped, rules)


def _sell_now(
    selling: Selling, held: Sequence[Trade], cause: Cause, rules: Rules
) -> tuple[CostCharged | ExitFilled, ...] | Refusal:
    price = cause.raw_price
    has = sum((t.open_quantity for t in held), ZERO)
    wanted = _wanted(selling, held[0].order.terms, price, has)
    if isinstance(wanted, Refusal):
        return wanted
    depth, unfilled = None, ZERO
    flags = selling.flags
    if selling.book is not None:
        depth = depth_of(selling.book, False, selling.order.limit, is_refusing=rules.refuses_thin_book)
        filled = filled_of(wanted, depth, held[0].order.terms, selling.order.symbol)
        if isinstance(filled, Refusal):
            return filled
        flags += (Flag.THIN_BOOK,) if filled < wanted else ()
        unfilled, wanted = wanted - filled, filled
    decision = Decision(
        cause=cause,
        reason=ExitReason.MANUAL,
        liquidity=Liquidity.TAKER,
        at_ms=selling.at_ms,
        flags=flags,
    )
    fills: list[CostCharged | ExitFilled] = []
    left = wanted
    for trade in held:
        if left <= ZERO:
            break
        decision = replace(decision, asked=left + unfilled)
        part = min(left, trade.open_quantity)
        left -= part
        if depth is None and _is_dust(trade.open_quantity - part, price, trade.order.terms):
            part = trade.open_quantity
        if depth is not None:
            decision = replace(decision, cause=walked(cause, part, depth))
            depth = depth.beyond(part)
        fills.extend(leave(trade, part, decision))
    return tuple(fills)


def _sell_later(
    selling: Selling, held: Sequence[Trade], price: Decimal, rules: Rules
) -> tuple[LevelsChanged, ...] | Refusal:
    has = sum((t.open_quantity for t in held), ZERO)
    free = {t.id: _free(t, price) for t in held}
    wanted = _wanted(selling, held[0].order.terms, price, sum(free.values(), ZERO), promised=has - sum(free.values()))
    if isinstance(wanted, Refusal):
        return wanted
    changes: list[LevelsChanged] = []
    left = wanted
    for trade in held:
        part = min(left, free[trade.id])
        if part <= ZERO:
            continue
        left -= part
        if part < trade.open_quantity and _is_dust(part, price, trade.order.terms):
            return _too_small(part, price, trade.order.terms, f"the piece of it on trade `{trade.id}`")
        levels = _with_target(trade, price, part)
        ruling = Ruling(counts_from(trade, selling.at_ms, rules), as_wish(levels), levels)
        changes.append(LevelsChanged(trade_id=trade.id, ruling=ruling, at_ms=selling.at_ms, reason="sell order"))
    return tuple(changes)


def _free(trade: Trade, price: Decimal) -> Decimal:
    """Return what no target has been promised; a piece too small to leave on its own cannot be promised either."""
    left = outlook(trade).left
    return ZERO if left < trade.open_quantity and _is_dust(left, price, trade.order.terms) else left


def _with_target(trade: Trade, price: Decimal, quantity: Decimal) -> Levels:
    """Add a quantity to what leaves at `price`, in fractions of what is open now; filled targets are left out.

    Fractions are rounded up at `SHARE_GRID`, so that each quantity comes out whole on the step; the farthest gives way
    where they would exceed 1.
    """
    parts = {fill.cause.raw_price: fill.quantity for fill in outlook(trade).targets}
    parts[price] = parts.get(price, ZERO) + quantity
    base = trade.open_quantity
    targets: list[Target] = []
    room = ONE
    for level in sorted(parts):
        fraction = min(ceil_to(parts[level] / base, SHARE_GRID), room)
        room -= fraction
        targets.append(Target(level, fraction))
    if sum(parts.values()) == base:
        targets[-1] = replace(targets[-1], fraction=targets[-1].fraction + room)
    levels = trade.ruling.levels
    return Levels(None if levels is None else levels.stop, tuple(targets), base)


def _wanted(
    selling: Selling, terms: Terms, price: Decimal, has: Decimal, promised: Decimal = ZERO
) -> Decimal | Refusal:
    """Return the quantity to sell, on the step; refused beyond what there is and under the minimum."""
    order = selling.order
    asked = has
    if order.quantity is not None:
        asked = floor_to(order.quantity, terms.quantity_grid)
    elif order.notional is not None:
        asked = floor_to(order.notional / price, terms.quantity_grid)
    if asked > has or has == ZERO:
        is_all = order.quantity is None and order.notional is None
        return _short_of(selling, None if is_all else asked, has, promised)
    if asked <= ZERO or (asked < has and _is_dust(asked, price, terms)):
        return _too_small(asked, price, terms, "the quantity")
    return asked


def _is_dust(quantity: Decimal, price: Decimal, terms: Terms) -> bool:
    return quantity > ZERO and (quantity < terms.quantity_min or quantity * price < terms.notional_min)


def _short_of(selling: Selling, asked: Decimal | None, has: Decimal, promised: Decimal) -> Refusal:
    """Refuse to sell more than is held (`asked` None: anything at all), naming the trades of signals not eaten."""
    symbol = selling.order.symbol
    others = [t for t in selling.trades if t.status is Status.OPEN and not is_plain_order(t)]
    what = symbol if asked is None else f"`{plain(asked)}` of {symbol}"
    message = f"cannot sell {what}: plain orders hold `{plain(has + promised)}`"
    if promised > 0:
        message += f", `{plain(promised)}` of it is promised to other targets"
    hint = "papertrade orders" if promised > 0 else f"papertrade buy {symbol}"
    if has > 0:
        hint = f"papertrade sell {symbol} --quantity {plain(has)}"
    if others:
        numbers = ", ".join(f"`{t.id}` ({t.side} {plain(t.open_quantity)} of {t.order.signal_key})" for t in others)
        message += f"; not touched, because signals opened them: {numbers}"
        hint += f", or papertrade close {others[0].id}"
    return Refusal(
        "insufficient_holdings",
        message,
        hint,
        {
            "asked": None if asked is None else plain(asked),
            "held": plain(has + promised),
            "promised": plain(promised),
            "available": plain(has),
            "signal_trades": ",".join(str(t.id) for t in others),
        },
    )


def _too_small(quantity: Decimal, price: Decimal, terms: Terms, what: str) -> Refusal:
    step = terms.quantity_grid
    least = max(ceil_to(terms.quantity_min, step), ceil_to(terms.notional_min / price, step), step)
    return Refusal(
        "below_minimum",
        f"{what}, `{plain(quantity)}`, is under the instrument's minimum, `{plain(least)}`",
        f"use --quantity {plain(least)} or more, or --all",
        {"quantity": plain(quantity), "minimum": plain(least), "price": plain(price)},
    )
