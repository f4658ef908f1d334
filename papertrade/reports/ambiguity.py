"""How much hangs on exits whose order inside a candle nobody knows: the worst, chosen and best net profit.

An exit is ambiguous when one candle touched the stop and the target, or the stop and a price that would have moved
it, or the stop and the stop entry, and nothing finer told which came first.
The rule to keep: worst <= chosen <= best, and chosen is what the ledger booked.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from papertrade.engine.follow import followed
from papertrade.engine.messages import ExitFilled
from papertrade.engine.money import CONTEXT, exact, to_grid
from papertrade.engine.state import levels_at
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbiguousExit:
    """Gross profit of one ambiguous exit as booked, and had the stop, the target or a move of the stop been first.

    None where there was no such level, or the candle did not reach it.
    """

    trade_id: int
    booked: Decimal
    at_stop: Decimal | None
    at_target: Decimal | None
    at_moved: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """Net profit with every ambiguous exit settled against, as booked, and for the trader.

    The difference in fees between the alternatives is left out.
    """

    ambiguous_exits: int
    worst: Decimal
    chosen: Decimal
    best: Decimal


def ambiguous_exit(trade: Trade, fill: ExitFilled) -> AmbiguousExit:
    """Take both outcomes of an ambiguous fill from the levels of its trade, before or after that fill."""
    candle = fill.cause.candle
    levels = levels_at(trade, fill.at_ms if candle is None else candle.open_ms)
    target = fill.target
    if target is None:
        following = levels.next_target()
        target = None if following is None else following.price
    moved = None
    if candle is not None:
        best = candle.high if trade.side.sign > 0 else candle.low
        with exact():
            if target is not None and (best - target) * trade.side.sign < 0:
                target = None
            if levels.has_moving_stop:
                moved = followed(levels, best, trade.side, trade.order.terms.price_grid)
    return AmbiguousExit(
        trade_id=trade.id,
        booked=fill.gross,
        at_stop=_gross(trade, fill.quantity, levels.stop),
        at_target=_gross(trade, fill.quantity, target),
        at_moved=None if moved is None or moved is levels else _gross(trade, fill.quantity, moved.stop),
    )


def band(net_profit: Decimal, exits: Iterable[AmbiguousExit]) -> Band:
    """Widen the net profit by what each ambiguous exit could have been instead; without any all three are equal."""
    worst = best = net_profit
    count = 0
    with exact():
        for one in exits:
            outcomes = [gross for gross in (one.booked, one.at_stop, one.at_target, one.at_moved) if gross is not None]
            worst += min(outcomes) - one.booked
            best += max(outcomes) - one.booked
            count += 1
    return Band(count, worst, net_profit, best)


def _gross(trade: Trade, quantity: Decimal, price: Decimal | None) -> Decimal | None:
    if price is None:
        return None
    move = CONTEXT.multiply(CONTEXT.subtract(price, trade.entered_price), trade.side.sign)
    return to_grid(CONTEXT.multiply(move, quantity))
