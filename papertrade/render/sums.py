"""The sums of an account in a few lines: equity and what it is made of, the day, what the stops put at risk.

Shared by the board, `portfolio` and `account show`. The rule to keep: equity is free + tied up + unrealised, and
those are the three that stand beside it.
"""

from __future__ import annotations

from datetime import tzinfo
from decimal import Decimal

from papertrade.engine.money import HUNDRED, ZERO, exact
from papertrade.render.facts import Fact
from papertrade.render.numbers import UNKNOWN, money, percent, signed_money, toned
from papertrade.render.text import Cell, Tone
from papertrade.reports.portfolio import Summary


def summary_facts(summary: Summary, currency: str, zone: tzinfo) -> list[Fact]:
    """Return equity, today and risk."""
    return [
        ("equity", equity_cells(summary, currency)),
        ("today", today_cells(summary, zone)),
        ("at risk", risk_cells(summary)),
    ]


def equity_cells(summary: Summary, currency: str) -> list[Cell]:
    """Say what the account is worth, and of what that is made."""
    unrealized = summary.total_unrealized_pnl
    return [
        Cell(f"{money(summary.total_portfolio_value)} {currency}", Tone.STRONG),
        Cell(f"  free {money(summary.total_cash)}, tied up {money(summary.total_reserved)}, unrealised "),
        toned(unrealized, signed_money(unrealized)),
    ]


def today_cells(summary: Summary, zone: tzinfo) -> list[Cell]:
    """Say how the equity changed today, and what the trades that closed brought."""
    change = summary.today_equity_change
    return [
        toned(change, UNKNOWN if change is None else signed_money(change)),
        Cell(", closed trades "),
        toned(summary.today_pnl, signed_money(summary.today_pnl)),
        Cell(f" (days in {zone})", Tone.DIM),
    ]


def risk_cells(summary: Summary) -> list[Cell]:
    """Say what would be lost if every stop filled now, and how many trades have none."""
    if summary.holdings_count == 0:
        return [Cell("nothing: no trade is open")]
    text = money(summary.at_risk_to_stops)
    share = share_text(summary.at_risk_to_stops, summary.total_portfolio_value)
    cells = [Cell(f"{text}{share} if every stop filled now, costs included")]
    if summary.without_stop_count > 0:
        many = summary.without_stop_count > 1
        text = f"; {summary.without_stop_count} open {'trades have' if many else 'trade has'} no stop"
        cells.append(Cell(text, Tone.WARNING))
    if summary.unpriced_count > 0:
        text = f"; {summary.unpriced_count} without a price, valued at entry"
        cells.append(Cell(text, Tone.WARNING))
    return cells


def share_text(part: Decimal, whole: Decimal) -> str:
    """Say what part of a whole something is: ` (1.20%)`; empty for a whole of 0 or less."""
    if whole <= ZERO:
        return ""
    with exact():
        return f" ({percent(part * HUNDRED / whole)})"
