"""`whatif` for a person and as JSON: both results figure by figure, then each trade that comes out otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import TypeAlias

from papertrade.engine.money import CONTEXT, HUNDRED, to_grid
from papertrade.engine.trade import Status, Trade
from papertrade.render.console import Screen
from papertrade.render.json import Encodable
from papertrade.render.metrics_json import metrics_json
from papertrade.render.numbers import (
    UNKNOWN,
    exact_number,
    iso_z,
    money,
    percent,
    r_multiple,
    short_minute,
    signed_money,
    signed_percent,
    toned,
)
from papertrade.render.parity import counted
from papertrade.render.tables import Column, number, words
from papertrade.render.text import Cell
from papertrade.render.trade_lines import REASONS
from papertrade.runs.parity import NotComparable
from papertrade.runs.whatif import Pair, Result, WhatIf

Figure: TypeAlias = "tuple[str, Decimal | None, Decimal | None, str]"
"""A name, the actual value, the other one, and how it is written."""


def show_whatif(found: WhatIf, asked: Sequence[str], zone: tzinfo, screen: Screen) -> None:
    """Write what was asked, both results, and the trades that differ."""
    screen.line(headline(found, asked))
    if found.hand_made > 0:
        what = counted(found.hand_made, "change")
        screen.line(f"left out: {what} by hand, made for the exits that there were")
    if found.pairs:
        screen.blank()
        columns = (Column(""), number("Actual"), number("What if"), number("Change"))
        screen.table(columns, [_row(figure) for figure in figures(found.actual, found.other)])
    differing = [pair for pair in found.pairs if pair.differs]
    if differing:
        screen.blank()
        _show_pairs(differing, zone, screen)
    if found.left_out:
        screen.blank()
        _show_left_out(found.left_out, screen)


def headline(found: WhatIf, asked: Sequence[str]) -> str:
    """Say in one line what was told again and what came of it."""
    if not found.pairs:
        return "no trade could be told again" if found.left_out else "no trades with an entry to tell again"
    count = sum(pair.differs for pair in found.pairs)
    otherwise = "all come out as they did" if count == 0 else f"{count} come{'s' if count == 1 else ''} out otherwise"
    how = f" with {', '.join(asked)}" if asked else ""
    return f"{counted(len(found.pairs), 'trade')} told again{how}: {otherwise}"


def figures(was: Result, is_: Result) -> list[Figure]:
    """Return the figures that are set side by side."""
    actual, other = was.report, is_.report
    a, b = actual.trading_statistics, other.trading_statistics
    return [
        ("Net profit", a.net_profit, b.net_profit, "money"),
        ("Closed trades", Decimal(a.total_trades), Decimal(b.total_trades), "count"),
        ("Still open", Decimal(actual.open_trades), Decimal(other.open_trades), "count"),
        ("  worth, at last", was.unrealized, is_.unrealized, "money"),
        ("Win rate", a.win_rate.value, b.win_rate.value, "share"),
        ("Profit factor", a.profit_factor.value, b.profit_factor.value, "number"),
        ("Expectancy", a.expectancy.value, b.expectancy.value, "money"),
        ("Expectancy R", a.expectancy_r.value, b.expectancy_r.value, "risk"),
        ("Average win", a.average_win.value, b.average_win.value, "number"),
        ("Average loss", a.average_loss.value, b.average_loss.value, "number"),
        ("Max drawdown", actual.risk.drawdown.max_drawdown.value, other.risk.drawdown.max_drawdown.value, "share"),
        ("Fees", actual.costs.fees, other.costs.fees, "number"),
        ("Exits in doubt", Decimal(actual.band.ambiguous_exits), Decimal(other.band.ambiguous_exits), "count"),
    ]


def whatif_json(found: WhatIf, asked: Sequence[str]) -> Mapping[str, Encodable]:
    """Return the fields of `whatif --json`."""
    return {
        "asked": asked,
        "trades": [_pair_json(pair) for pair in found.pairs],
        "changed": sum(pair.differs for pair in found.pairs),
        "hand_made": found.hand_made,
        "left_out": [{"trade_id": t.trade_id, "symbol": t.symbol, "reason": t.reason} for t in found.left_out],
        "metrics": {
            "actual": metrics_json(found.actual.report, list(found.actual.report.recent_trades)),
            "whatif": metrics_json(found.other.report, list(found.other.report.recent_trades)),
        },
        "open_trades": {
            "actual": {"trades": found.actual.report.open_trades, "unrealized_pnl": found.actual.unrealized},
            "whatif": {"trades": found.other.report.open_trades, "unrealized_pnl": found.other.unrealized},
        },
    }


def _row(figure: Figure) -> tuple[str | Cell, ...]:
    name, actual, other, kind = figure
    change = None if actual is None or other is None else CONTEXT.subtract(other, actual)
    return (name, _written(actual, kind), _written(other, kind), _written(change, kind, is_change=True))


def _written(value: Decimal | None, kind: str, *, is_change: bool = False) -> str:
    if value is None:
        return UNKNOWN
    match kind:
        case "count":
            return f"{value:+f}" if is_change and value != 0 else f"{value:f}"
        case "share":
            in_percent = CONTEXT.multiply(value, HUNDRED)
            return signed_percent(in_percent) if is_change else percent(in_percent)
        case "risk":
            return r_multiple(value)
        case "money":
            return signed_money(value)
        case _:
            return signed_money(value) if is_change else money(value)


def _show_pairs(pairs: Sequence[Pair], zone: tzinfo, screen: Screen) -> None:
    columns = (
        number("Trade"),
        Column("Symbol"),
        Column("Side", drop=3),
        Column("Actual"),
        Column(f"until ({zone})", drop=1),
        number("Net"),
        Column("What if"),
        Column("until", drop=2),
        number("Net"),
        number("Change"),
    )
    screen.table(columns, [_pair_row(pair, zone) for pair in pairs])


def _pair_row(pair: Pair, zone: tzinfo) -> tuple[str | Cell, ...]:
    actual, other = pair.actual, pair.other
    change = CONTEXT.subtract(other.realized, actual.realized)
    return (
        str(actual.id),
        actual.order.symbol,
        actual.side,
        _ending(actual),
        short_minute(actual.closed_at, zone),
        signed_money(actual.realized),
        _ending(other),
        short_minute(other.closed_at, zone),
        signed_money(other.realized),
        toned(change, signed_money(change)),
    )


def _ending(trade: Trade) -> str:
    if trade.status is not Status.CLOSED or trade.exit_reason is None:
        return str(trade.status)
    return f"{REASONS[trade.exit_reason]} {exact_number(trade.exit_price)}"


def _show_left_out(left_out: Sequence[NotComparable], screen: Screen) -> None:
    screen.line(f"left out: {counted(len(left_out), 'trade')}")
    rows = [(f"  {left.trade_id}", left.symbol, left.reason) for left in left_out]
    screen.table((Column("  Trade"), Column("Symbol"), words("Why")), rows)


def _pair_json(pair: Pair) -> Mapping[str, Encodable]:
    order = pair.actual.order
    return {
        "trade_id": pair.actual.id,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": pair.actual.quantity,
        "entry_price": pair.actual.entry_price,
        "actual": _side_json(pair.actual),
        "whatif": _side_json(pair.other),
        "changed": pair.differs,
    }


def _side_json(trade: Trade) -> Mapping[str, Encodable]:
    return {
        "status": trade.status,
        "exit_reason": trade.exit_reason,
        "exit_price": trade.exit_price,
        "opened_at": None if trade.opened_at is None else iso_z(trade.opened_at),
        "closed_at": None if trade.closed_at is None else iso_z(trade.closed_at),
        "open_quantity": trade.open_quantity,
        "fees": trade.fees,
        "realized_pnl": trade.realized,
        "r_multiple": None if trade.r_multiple is None else to_grid(trade.r_multiple),
        "ambiguous": trade.is_ambiguous,
    }
