"""Accounts as a table, as facts, as JSON and as CSV: the one place that names their fields.

The rule to keep: the return is the equity's change against what was paid in, and unknown where nothing was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from papertrade.engine.account import AccountBook
from papertrade.engine.money import CONTEXT, HUNDRED, exact
from papertrade.engine.trade import Status
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet, Value
from papertrade.render.facts import Fact, show_facts
from papertrade.render.json import Encodable, two_places
from papertrade.render.numbers import iso_z, local_minute, money, signed_money, signed_percent, toned
from papertrade.render.portfolio_json import summary_json
from papertrade.render.sums import summary_facts
from papertrade.render.tables import Column, number
from papertrade.render.text import Cell, Tone
from papertrade.runs.reporting import Overview, Standpoint
from papertrade.store.rows import AccountRow

_COLUMNS: Final = (
    Column(""),
    Column("Account"),
    number("Equity"),
    Column("Currency"),
    number("Return"),
    number("Drawdown"),
    number("Realised"),
    number("Unrealised", drop=1),
    number("Free"),
    number("Tied up", drop=2),
    number("Open"),
    number("Waiting", drop=3),
    number("Epoch", drop=4),
)
_HEADER: Final = (
    "name", "is_current", "currency", "epoch", "created_at", "equity", "return_percent", "capital", "realized",
    "unrealized", "cash", "reserved", "open_trades", "pending_trades", "closed_trades", "max_drawdown_percent",
)  # fmt: skip


def show_accounts(told: Sequence[Overview], current: str, screen: Screen) -> None:
    """Write all accounts side by side."""
    screen.table(_COLUMNS, [_row(one, current) for one in told])


def show_account(told: Overview, now: Standpoint, screen: Screen) -> None:
    """Write one account's books."""
    account, book = told.account, told.book
    summary = told.portfolio.summary
    screen.line(Cell(account.name, Tone.STRONG), Cell(f"  {account.currency}, epoch {account.epoch}"))
    gain, fall = signed_percent(return_percent(told)), drawdown_percent(told)
    facts: list[Fact] = [
        *summary_facts(summary, account.currency, now.zone),
        ("return", [toned(return_percent(told), gain), Cell(f" on {money(book.capital)} paid in")]),
        ("drawdown", "" if fall is None else f"{signed_percent(fall)} at most, from a peak"),
        ("realised", toned(book.realized, signed_money(book.realized))),
        ("trades", ", ".join(f"{count} {status}" for status, count in told.counts.items()) or "none"),
        ("created", local_minute(account.created_ms, now.zone)),
    ]
    show_facts(screen, facts, indent=2)


def overview_json(told: Overview, now: Standpoint, current: str) -> Mapping[str, Encodable]:
    """Return an account with what it is worth."""
    counts = told.counts
    return {
        **account_json(told.account, told.book, current),
        "equity": told.portfolio.summary.total_portfolio_value,
        "return_percent": two_places(return_percent(told)),
        "max_drawdown_percent": two_places(drawdown_percent(told)),
        "unrealized": told.portfolio.summary.total_unrealized_pnl,
        "open_trades": counts.get(Status.OPEN, 0),
        "pending_trades": counts.get(Status.PENDING, 0),
        "closed_trades": counts.get(Status.CLOSED, 0),
        "zone": str(now.zone),
        "summary": summary_json(told.portfolio.summary),
    }


def account_json(account: AccountRow, book: AccountBook, current: str) -> Mapping[str, Encodable]:
    """Return an account with its books; realised is net of all fees."""
    return {
        "name": account.name,
        "is_current": account.name == current,
        "currency": account.currency,
        "epoch": book.epoch,
        "created_at": iso_z(account.created_ms),
        "balance": book.balance,
        "capital": book.capital,
        "realized": book.realized,
        "cash": book.cash,
        "reserved": book.reserved,
    }


def account_sheet(told: Sequence[Overview], current: str) -> Sheet:
    """Return the accounts as CSV records."""
    return Sheet(_HEADER, [_record(one, current) for one in told])


def book_line(book: AccountBook) -> str:
    """Say in one line what an account has."""
    tied = "" if book.reserved == 0 else f", tied up {money(book.reserved)}"
    return f"free {money(book.cash)} {book.currency}{tied}"


def return_percent(told: Overview) -> Decimal | None:
    """Return what the equity gained, in percent of what was paid in; None where nothing was."""
    capital = told.book.capital
    if capital <= 0:
        return None
    with exact():
        return (told.portfolio.summary.total_portfolio_value - capital) * HUNDRED / capital


def drawdown_percent(told: Overview) -> Decimal | None:
    """Return the deepest fall from a peak in percent, 0 or below; None where it was not asked for or none is known."""
    fall = None if told.drawdown is None else told.drawdown.value
    return None if fall is None else CONTEXT.multiply(fall, HUNDRED)


def _row(told: Overview, current: str) -> tuple[str | Cell, ...]:
    summary, book = told.portfolio.summary, told.book
    gain = return_percent(told)
    unrealized = summary.total_unrealized_pnl
    return (
        "*" if told.account.name == current else "",
        told.account.name,
        money(summary.total_portfolio_value),
        told.account.currency,
        toned(gain, signed_percent(gain)),
        signed_percent(drawdown_percent(told)),
        toned(book.realized, signed_money(book.realized)),
        toned(unrealized, signed_money(unrealized)),
        money(book.cash),
        money(book.reserved),
        str(told.counts.get(Status.OPEN, 0)),
        str(told.counts.get(Status.PENDING, 0)),
        str(told.account.epoch),
    )


def _record(told: Overview, current: str) -> Sequence[Value]:
    account, book, counts = told.account, told.book, told.counts
    summary = told.portfolio.summary
    return (
        account.name, account.name == current, account.currency, account.epoch, iso_z(account.created_ms),
        summary.total_portfolio_value, _to_cents(return_percent(told)), book.capital, book.realized,
        summary.total_unrealized_pnl, book.cash, book.reserved, counts.get(Status.OPEN, 0),
        counts.get(Status.PENDING, 0), counts.get(Status.CLOSED, 0), _to_cents(drawdown_percent(told)),
    )  # fmt: skip


def _to_cents(percentage: Decimal | None) -> Decimal | None:
    return None if percentage is None else CONTEXT.quantize(percentage, Decimal("0.01"))
