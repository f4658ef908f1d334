"""A trade as the scripting contract writes it (docs/scripting.md): the one place that names its fields."""

from __future__ import annotations

from collections.abc import Mapping

from papertrade.engine.money import ZERO
from papertrade.engine.trade import BreakEven, Levels, Status, Trail
from papertrade.render.json import Encodable, two_places
from papertrade.render.lived_json import coverage_json, excursion_json
from papertrade.render.numbers import iso_z
from papertrade.reports.trade_view import TradeView


def trade_json(view: TradeView) -> Mapping[str, Encodable]:
    """Return the fields of one trade; unknown is None."""
    trade = view.trade
    order = trade.order
    source, _, external_id = order.signal_key.partition(":")
    levels = view.levels
    is_open = trade.status is Status.OPEN
    return {
        "id": trade.id,
        "account": view.account,
        "venue": order.venue,
        "signal": {"id": order.signal_id, "source": source, "external_id": external_id},
        "symbol": order.symbol,
        "side": order.side,
        "status": trade.status,
        "exit_reason": trade.exit_reason,
        "entry_type": order.entry_type,
        "entry_level": order.entry_price,
        "quantity": trade.quantity,
        "open_quantity": trade.open_quantity,
        "entry_price": trade.entry_price,
        "stop_loss": levels.stop,
        "initial_stop": trade.initial_stop,
        "take_profits": [{"price": t.price, "fraction": t.fraction, "filled": t.is_filled} for t in levels.targets],
        **exits_json(levels),
        "exit_price": trade.exit_price,
        "mark_price": None if view.mark is None else view.mark.price,
        "mark_age_seconds": None if view.mark_age_ms is None else view.mark_age_ms // 1000,
        "placed_at": iso_z(order.placed_at),
        "opened_at": None if trade.opened_at is None else iso_z(trade.opened_at),
        "closed_at": None if trade.closed_at is None else iso_z(trade.closed_at),
        "expires_at": None if order.expires_at is None else iso_z(order.expires_at),
        "levels_from": iso_z(max(trade.ruling.from_ms, trade.whole_from)),
        "leverage": order.terms.leverage,
        "reserve": trade.reserve,
        "fees": trade.fees,
        "slippage": trade.slippage,
        "funding": trade.funding,
        "borrow_cost": trade.borrow_cost,
        "realized_pnl": trade.realized,
        "unrealized_pnl": view.unrealized if is_open else ZERO,
        "pnl_percent": two_places(view.net_percent),
        "r_multiple": view.r_multiple,
        "ambiguous": trade.is_ambiguous,
        "flags": list(trade.flags),
        "next_armed": {
            "below": view.armed.below,
            "above": view.armed.above,
            "at": None if view.armed.at is None else iso_z(view.armed.at),
        },
        "liquidation_price": trade.liquidation_price,
        "maintenance_rate": order.terms.maintenance,
        "coverage": coverage_json(view.observed),
        "unverified": view.is_unverified,
        "excursion": excursion_json(view.excursion),
        "tags": list(trade.tags),
        "reason": order.reason,
        "confidence": order.confidence,
    }


def exits_json(levels: Levels) -> Mapping[str, Encodable]:
    """Return the exits beside a stop and targets, in prices, and which of the stops `stop_loss` is."""
    return {
        "stop_reason": None if levels.stop is None else levels.reason,
        "trail": None if levels.trail is None else _trail(levels.trail),
        "break_even": None if levels.break_even is None else _break_even(levels.break_even),
        "stop_after_first_target": None if levels.after_first is None else levels.after_first.price,
        "time_limit": None if levels.time_limit is None else iso_z(levels.time_limit),
    }


def _trail(trail: Trail) -> Mapping[str, Encodable]:
    return {
        "distance": trail.distance,
        "unit": "percent" if trail.is_percent else "price",
        "activation": trail.activation,
        "active": trail.peak is not None,
        "peak": trail.peak,
        "stop": trail.stop,
    }


def _break_even(even: BreakEven) -> Mapping[str, Encodable]:
    return {"trigger": even.trigger, "stop": even.stop, "gross": even.is_gross, "active": even.is_armed}
