"""Trades as rows of a table for a person.

What a trade's state is called is decided here, once. The rule to keep: an exit reason is shown in words, and
what is not known is `-`, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from papertrade.engine.money import HUNDRED, exact, plain
from papertrade.engine.trade import Flag, Status
from papertrade.render.console import Screen
from papertrade.render.numbers import (
    UNKNOWN,
    exact_number,
    percent,
    r_multiple,
    short_minute,
    signed_money,
    signed_percent,
    toned,
)
from papertrade.render.tables import Column, Row, number, words
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_lines import REASONS
from papertrade.reports.trade_view import TradeView

UNORDERED: Final = "two levels in one candle"
"""What the `?` behind a state stands for."""

TRADE_COLUMNS: Sequence[Column] = (
    number("#"),
    Column("Side"),
    number("Quantity"),
    Column("Symbol"),
    number("Entry"),
    number("Exit/mark"),
    number("P/L"),
    number("%", drop=4),
    number("R"),
    Column("State"),
    Column("Opened", drop=3),
    Column("Ended", drop=1),
    words("Source", drop=5),
    words("Tags", drop=6),
)


def show_trades(views: Sequence[TradeView], zone: tzinfo, screen: Screen) -> None:
    """Write a table of trades."""
    screen.table(TRADE_COLUMNS, [trade_row(view, zone) for view in views])


def doubts(views: Sequence[TradeView], unverified: str = "not verified, see show") -> list[str]:
    """Say what the marks behind the states of these trades mean; nothing if none has one."""
    told = []
    views = [view for view in views if Flag.VOID not in view.trade.flags]
    if any(view.trade.is_ambiguous for view in views):
        told.append(f"? = {UNORDERED}")
    if any(view.is_unverified for view in views):
        told.append(f"! = {unverified}")
    return told


def trade_row(view: TradeView, zone: tzinfo) -> Row:
    """Return the cells of one trade under `TRADE_COLUMNS`."""
    trade = view.trade
    order = trade.order
    exit_or_mark = trade.exit_price if view.mark is None else view.mark.price
    return (
        str(trade.id),
        str(trade.side),
        plain(trade.quantity if trade.open_quantity == 0 else trade.open_quantity),
        order.symbol,
        exact_number(order.entry_price if trade.entry_price is None else trade.entry_price),
        exact_number(exit_or_mark),
        toned(view.net, signed_money(view.net)),
        toned(view.net, signed_percent(view.net_percent)),
        toned(view.net, UNKNOWN if view.r_multiple is None else r_multiple(view.r_multiple).removesuffix("R")),
        state_cell(view),
        short_minute(trade.opened_at, zone),
        short_minute(trade.closed_at, zone),
        order.signal_key.partition(":")[0],
        ", ".join(trade.tags),
    )


def state_cell(view: TradeView) -> Cell:
    """Say where a trade stands: `open`, `limit waits`, `take profit`.

    `stop loss ?` where the order was unknown, `stop loss !` where not all of its life was seen by final candles.
    """
    trade = view.trade
    doubt = (" ?" if trade.is_ambiguous else "") + (" !" if view.is_unverified else "")
    match trade.status:
        case Status.PENDING:
            return Cell(f"{trade.order.entry_type} waits{doubt}", Tone.DIM)
        case Status.OPEN if trade.open_quantity != trade.quantity:
            with exact():
                left = trade.open_quantity * HUNDRED / trade.quantity
            return Cell(f"open {percent(left, 0)}{doubt}")
        case _ if Flag.VOID in trade.flags:
            return Cell("void", Tone.DIM)
        case Status.CLOSED if trade.exit_reason is not None:
            return Cell(f"{REASONS[trade.exit_reason]}{doubt}")
        case _:
            return Cell(f"{trade.status}{doubt}")
