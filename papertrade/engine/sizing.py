"""From a wished size to a quantity: on the step, within the instrument's limits, at most what cash pays for.

Risk sizing counts fees and slippage of both ways, so that a clean stop-out loses the stated risk.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, assert_never

from papertrade.engine.caps import FREE, Restraint, Room, held_back, room_text
from papertrade.engine.fills import affordable, fee_of, fee_rate, filled_price, reserve_of
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Side
from papertrade.engine.messages import Liquidity, Refusal
from papertrade.engine.money import GRID, HUNDRED, ONE, ZERO, ceil_to, floor_to, plain
from papertrade.engine.signal import Size, SizeKind
from papertrade.engine.sized import Cut, CutBy, Sizing
from papertrade.engine.trade import Terms
from papertrade.engine.values import dataclass, replace

BY_RISK: Final = (SizeKind.RISK_PERCENT, SizeKind.RISK_AMOUNT)
"""The sizes that need a stop loss."""

_QUANTITY: Final = SizeKind.QUANTITY


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingRules:
    """The sizes of trades that name none: percents of the balance, capped at `max_notional_percent`."""

    risk_percent: Decimal = ONE
    percent: Decimal = Decimal(10)
    max_notional_percent: Decimal = Decimal(20)
    may_shrink: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a size is worked out from; `price` is the expected fill, `stop` the resolved stop loss.

    `restraint` is what guards and caps leave.
    """

    side: Side
    price: Decimal
    stop: Decimal | None
    liquidity: Liquidity
    instrument: Instrument
    terms: Terms
    restraint: Restraint = FREE


@dataclass(frozen=True, slots=True)
class Sized:
    """A quantity that may be placed, and how it came about."""

    quantity: Decimal
    sizing: Sizing

    def cut(self, by: CutBy, limit: Decimal) -> Sized:
        """Return it cut to at most a quantity of `limit`."""
        quantity = min(self.quantity, limit)
        return Sized(quantity, replace(self.sizing, cuts=(*self.sizing.cuts, Cut(by, limit, quantity))))


def size_up(size: Size | None, ask: Ask, balance: Decimal, cash: Decimal, rules: SizingRules) -> Sized | Refusal:
    """Return the quantity for a wished size, or the default size where there is none."""
    wished = _default(ask, rules) if size is None else size
    raw = _quantity(wished, ask, balance)
    if isinstance(raw, Refusal):
        return raw
    quantity = floor_to(raw, ask.terms.quantity_grid)
    cuts: tuple[Cut, ...] = ()
    if size is None:
        most = balance * rules.max_notional_percent / HUNDRED
        cuts = _cut_to(CutBy.DEFAULT_CAP, most, floor_to(most / ask.price, ask.terms.quantity_grid), quantity)
        quantity = _left(quantity, cuts)
    held = held_back(quantity, ask.price, ask.terms.quantity_grid, ask.restraint)
    if isinstance(held, Room):
        return _over_cap(held, quantity, ask)
    outside = _outside_limits(_left(quantity, held), ask)
    if outside is not None:
        return _of(outside, quantity) if held else outside
    within = _within_cash(_left(quantity, held), ask, cash, rules.may_shrink)
    if isinstance(within, Refusal):
        return within
    cuts = (*cuts, *held, *within)
    sizing = Sizing(
        size=wished,
        is_default=size is None,
        balance=balance,
        price=ask.price,
        fee_rate=fee_rate(ask.liquidity, ask.terms),
        stop_out=_stop_out(ask) if wished.kind in BY_RISK else None,
        cuts=cuts,
    )
    return Sized(_left(quantity, cuts), sizing)


def _cut_to(by: CutBy, limit: Decimal, most: Decimal, quantity: Decimal) -> tuple[Cut, ...]:
    return (Cut(by, limit, most),) if most < quantity else ()


def _left(quantity: Decimal, cuts: tuple[Cut, ...]) -> Decimal:
    return cuts[-1].quantity if cuts else quantity


def tied_up(price: Decimal, quantity: Decimal, terms: Terms) -> Decimal:
    """Return what placing ties up: the reserve and the fee at the taker rate."""
    return reserve_of(price, quantity, terms) + fee_of(price, quantity, terms.taker)


def loss_of_one(price: Decimal, stop_out: Decimal, entry_rate: Decimal, exit_rate: Decimal) -> Decimal:
    """Return what a stop-out loses for a quantity of 1: the way to the stop, and the fees of both ends."""
    return abs(price - stop_out) + price * entry_rate + stop_out * exit_rate


def _default(ask: Ask, rules: SizingRules) -> Size:
    if ask.stop is None:
        return Size(SizeKind.PERCENT, rules.percent)
    return Size(SizeKind.RISK_PERCENT, rules.risk_percent)


def _quantity(size: Size, ask: Ask, balance: Decimal) -> Decimal | Refusal:
    """Return the unrounded quantity of a wished size."""
    if size.kind is _QUANTITY:
        return size.value
    match size.kind:
        case SizeKind.NOTIONAL:
            return size.value / ask.price
        case SizeKind.PERCENT:
            return balance * size.value / HUNDRED / ask.price
        case SizeKind.RISK_PERCENT:
            return _from_risk(balance * size.value / HUNDRED, ask)
        case SizeKind.RISK_AMOUNT:
            return _from_risk(size.value, ask)
        case _:
            assert_never(size.kind)


def _from_risk(amount: Decimal, ask: Ask) -> Decimal | Refusal:
    stop = _stop_out(ask)
    if stop is None:
        return Refusal("no_stop", "a size by risk needs a stop loss", "add --sl, or size with --size or --notional")
    return amount / loss_of_one(ask.price, stop, fee_rate(ask.liquidity, ask.terms), ask.terms.taker)


def _stop_out(ask: Ask) -> Decimal | None:
    """Return where the stop loss is expected to be filled, with its slippage."""
    if ask.stop is None:
        return None
    return filled_price(ask.stop, ask.side is Side.SHORT, Liquidity.TAKER, ask.terms)


def _outside_limits(quantity: Decimal, ask: Ask) -> Refusal | None:
    """Return the refusal of a quantity beyond the instrument's limits, with the one that would be enough."""
    limits = ask.instrument
    step = ask.terms.quantity_grid
    least = ZERO
    if limits.quantity_min != ZERO or limits.notional_min != ZERO:
        least = max(ceil_to(limits.quantity_min, step), ceil_to(limits.notional_min / ask.price, step))
    if quantity <= ZERO or quantity < least:
        least = max(least, step if ask.terms.quantity_step != 0 else GRID)
        return Refusal(
            "below_minimum",
            f"`{plain(quantity)}` {limits.base} is under the minimum of {limits.symbol}, `{plain(least)}`",
            f"use --size {plain(least)} or more (about {plain(ceil_to(least * ask.price, GRID))} {limits.quote})",
            {"quantity": plain(quantity), "minimum": plain(least), "price": plain(ask.price)},
        )
    if limits.quantity_max == ZERO and limits.notional_max == ZERO:
        return None
    most = min(m for m in (limits.quantity_max, limits.notional_max / ask.price) if m != 0)
    if quantity > most:
        top = floor_to(most, step)
        return Refusal(
            "above_maximum",
            f"`{plain(quantity)}` {limits.base} is over the maximum of {limits.symbol}, `{plain(top)}`",
            f"use --size {plain(top)} or less",
            {"quantity": plain(quantity), "maximum": plain(top), "price": plain(ask.price)},
        )
    return None


def _over_cap(room: Room, quantity: Decimal, ask: Ask) -> Refusal:
    need = quantity * ask.price
    enough = floor_to(room.left / ask.price, ask.terms.quantity_grid)
    instead = f"use --size {plain(enough)} or less, or " if enough > 0 else ""
    setting = f"caps.{room.cap.removeprefix('cap_')}"
    ways = f"close a trade, raise {setting}, or set caps.on_cap: shrink"
    if ask.restraint.may_shrink:
        ways = f"close a trade, or raise {setting}"
    return Refusal(
        "cap",
        f"{room.cap}: {room_text(room)}, this trade needs `{plain(need)}`",
        f"{instead}{ways}",
        {
            "cap": str(room.cap),
            "limit": plain(room.limit),
            "used": plain(room.used),
            "left": plain(room.left),
            "need": plain(need),
            "affordable": plain(enough),
        },
    )


def _of(refusal: Refusal, wished: Decimal) -> Refusal:
    """Say in a refusal of what guards and caps left how much was asked for."""
    message = f"{refusal.message}: guards and caps leave no more of `{plain(wished)}`"
    details = {**refusal.details, "wished": plain(wished)}
    return replace(refusal, message=message, hint="papertrade guards", details=details)


def _within_cash(quantity: Decimal, ask: Ask, cash: Decimal, may_shrink: bool) -> tuple[Cut, ...] | Refusal:
    """Return how the cash at hand cuts a quantity, or the refusal where it may not or is not enough."""
    need = tied_up(ask.price, quantity, ask.terms)
    if need <= cash:
        return ()
    enough = affordable(ask.price, ask.terms.taker, cash, ask.terms)
    if may_shrink and enough > 0:
        return _outside_limits(enough, ask) or (Cut(CutBy.CASH, cash, enough),)
    currency = ask.instrument.quote
    return Refusal(
        "insufficient_funds",
        f"short of cash: it needs `{plain(need)}` {currency}, `{plain(cash)}` is free, short by `{plain(need - cash)}`",
        f"use --size {plain(enough)} or less, deposit, or close a trade"
        if enough > 0
        else "deposit, or close a trade to free its reserve",
        {
            "need": plain(need),
            "have": plain(cash),
            "shortfall": plain(need - cash),
            "affordable": plain(enough),
        },
    )
