"""What a trade stands to lose at its stop and to win at its targets, all costs included. Pure.

The arithmetic is that of the real fills (`fills.exit_fill`), folded over the trade's levels; nothing is
computed here a second time. A waiting entry is looked at as if it filled at the price it waits for.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.armed import adverse_price
from papertrade.engine.entries import enter
from papertrade.engine.fills import Decision, exit_fill, part_at_target
from papertrade.engine.messages import Cause, ExitFilled, Liquidity
from papertrade.engine.money import ZERO, exact
from papertrade.engine.signal import EntryType
from papertrade.engine.state import evolve
from papertrade.engine.trade import ExitReason, Levels, Status, Trade
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a trade may end: all of it at its stop or liquidation (None without), or its targets, nearest first.

    Each is the fill as it would be, net in `realized`; `left` stays open after the last target.
    """

    worst: ExitFilled | None
    targets: tuple[ExitFilled, ...]
    left: Decimal

    @property
    def loss(self) -> Decimal | None:
        """The net result at the stop, normally below 0; None if nothing ends the trade against it."""
        return None if self.worst is None else self.worst.realized

    @property
    def win(self) -> Decimal | None:
        """The net result of all targets together; None without any."""
        with exact():
            return sum((fill.realized for fill in self.targets), ZERO) if self.targets else None


def outlook(trade: Trade) -> Outlook:
    """Return how a live trade may end under the newest exits asked for; nothing for one that has ended."""
    with exact():
        entered = _entered(trade) if trade.status is Status.PENDING else trade
        levels = entered.ruling.levels
        if entered.status is not Status.OPEN or levels is None:
            return Outlook(None, (), ZERO)
        after, targets = _through_targets(entered, levels)
        return Outlook(_at_worst(entered, levels), targets, after.open_quantity)


def _entered(trade: Trade) -> Trade:
    order = trade.order
    price = order.waiting_price
    liquidity = Liquidity.MAKER if order.entry_type is EntryType.LIMIT else Liquidity.TAKER
    cause = Cause(rule="4.4 entry touched", raw_price=price, level=price)
    return evolve(trade, enter(trade, cause, liquidity, trade.ruling.from_ms))


def _at_worst(trade: Trade, levels: Levels) -> ExitFilled | None:
    price = adverse_price(trade, levels)
    if price is None:
        return None
    reason = levels.reason if price == levels.stop else ExitReason.LIQUIDATION
    return exit_fill(trade, trade.open_quantity, _decision(price, reason, Liquidity.TAKER))


def _through_targets(trade: Trade, levels: Levels) -> tuple[Trade, tuple[ExitFilled, ...]]:
    """Let a trade leave at each target that is not filled yet, until nothing is left."""
    fills: list[ExitFilled] = []
    while trade.status is Status.OPEN and (target := levels.next_target()) is not None:
        quantity = part_at_target(trade, levels, target, target.price)
        decision = _decision(target.price, ExitReason.TAKE_PROFIT, Liquidity.MAKER)
        fills.append(exit_fill(trade, quantity, decision))
        trade = evolve(trade, fills[-1])
        levels = levels.without(target.price)
    return trade, tuple(fills)


def _decision(price: Decimal, reason: ExitReason, liquidity: Liquidity) -> Decision:
    cause = Cause(rule="if the level is reached", raw_price=price, level=price)
    target = price if reason is ExitReason.TAKE_PROFIT else None
    return Decision(cause=cause, reason=reason, liquidity=liquidity, at_ms=0, target=target)
