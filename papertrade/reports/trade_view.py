"""A trade as people and scripts see it: the stored trade beside its mark and what follows from the two.

Computes nothing that the engine decides; the profit shown of an open trade is what closing it at the mark
would leave before the exit's own costs. The rule to keep: what is not known is None, with the mark's age.
"""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.armed import Armed, armed
from papertrade.engine.fills import fee_of, fee_rate
from papertrade.engine.levels import Entered, led_by, resolve, with_rules
from papertrade.engine.messages import Liquidity
from papertrade.engine.money import CONTEXT, GRID, HUNDRED, exact
from papertrade.engine.signal import EntryType
from papertrade.engine.trade import Levels, Status, Trade, Trail
from papertrade.engine.values import dataclass, replace
from papertrade.reports.coverage import Observed, is_unverified
from papertrade.reports.excursion import Excursion, Reached, excursion
from papertrade.reports.marks import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeView:
    """One trade to show. Percentages are of the entry notional; money is in account currency.

    `levels` are the newest exits asked for, worked out from the waiting price while nothing is entered.
    """

    trade: Trade
    account: str
    levels: Levels
    armed: Armed
    mark: Mark | None
    mark_age_ms: int | None
    unrealized: Decimal | None
    net: Decimal | None
    net_percent: Decimal | None
    r_multiple: Decimal | None
    observed: Observed | None
    excursion: Excursion | None

    @property
    def is_unverified(self) -> bool:
        """Whether anything but final candles and people's own prices in time may have shaped its result."""
        return is_unverified(self.trade, self.observed)


def view(
    trade: Trade,
    account: str,
    mark: Mark | None,
    now_ms: int,
    seen: Observed | None = None,
    met: Reached | None = None,
) -> TradeView:
    """Return what there is to show of a trade; `seen` None leaves out how much of its life was observed."""
    with exact():
        is_open = trade.status is Status.OPEN
        unrealized = trade.unrealized(mark.price) if is_open and mark is not None else None
        net = _net(trade, unrealized)
        notional = None if trade.entry_price is None else trade.entry_price * trade.quantity
        risk = trade.initial_risk
        return TradeView(
            trade=trade,
            account=account,
            levels=shown_levels(trade),
            armed=armed(trade, trade.ruling),
            mark=mark if is_open else None,
            mark_age_ms=max(0, now_ms - mark.at_ms) if is_open and mark is not None else None,
            unrealized=unrealized,
            net=net,
            net_percent=None if net is None or notional is None else _grid(net * HUNDRED / notional),
            r_multiple=None if net is None or risk is None or risk == 0 else _grid(net / risk),
            observed=seen,
            excursion=excursion(trade, met),
        )


def _net(trade: Trade, unrealized: Decimal | None) -> Decimal | None:
    """Return the profit net of all that was paid: realised, and for what is open at the mark."""
    match trade.status:
        case Status.CLOSED:
            return trade.realized
        case Status.OPEN if unrealized is not None:
            return trade.realized + unrealized - trade.entry_fee_left - trade.funding_left
        case _:
            return None


def shown_levels(trade: Trade) -> Levels:
    """Return the newest exits asked for, worked out from the waiting price while nothing is entered."""
    with exact():
        levels = trade.ruling.levels
        return _levels_if_filled(trade) if levels is None else levels


def _levels_if_filled(trade: Trade) -> Levels:
    order, wish = trade.order, trade.ruling.wish
    price, terms = order.waiting_price, order.terms
    levels = resolve(wish, trade.side, price, terms.price_grid, trade.quantity)
    if wish.is_plain:
        return levels
    liquidity = Liquidity.MAKER if order.entry_type is EntryType.LIMIT else Liquidity.TAKER
    entered = Entered(
        side=trade.side,
        price=price,
        quantity=trade.quantity,
        fee=fee_of(price, trade.quantity, fee_rate(liquidity, terms)),
        terms=terms,
        opened_at=order.placed_at,
        stop=levels.stop,
    )
    # A limit that counts from an entry that is still to come is no instant yet.
    is_dated = wish.time_limit is not None and wish.time_limit.at_ms is not None
    return with_rules(levels, wish if is_dated else replace(wish, time_limit=None), entered)


def trail_stop_at(trade: Trade, trail: Trail, peak: Decimal) -> Decimal | None:
    """Return where a trail's stop stands once the best price is `peak`."""
    with exact():
        return led_by(trail, peak, trade.side, trade.order.terms.price_grid).stop


def _grid(value: Decimal) -> Decimal:
    return CONTEXT.quantize(value, GRID)
