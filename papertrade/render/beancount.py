"""The ledger as a beancount file: what bean-check, fava and hledger's importers read.

Cash and Reserved are Assets, RealizedPnL is Income, Fees and Funding are Expenses, Capital is Equity; the signs
are the ledger's own. Dates are effective ones, in UTC. After each day on which a book moved its balance is
asserted, to the last digit. The rule to keep: whatever an account or a currency is called, the file is valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final

from papertrade.engine.account import Book
from papertrade.engine.money import GRID, ZERO, exact
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.render.numbers import iso_z
from papertrade.render.text import safe
from papertrade.store.rows import AccountRow, LedgerRow

BOOKS: Final[Mapping[Book, tuple[str, str]]] = {
    Book.CASH: ("Assets", "Cash"),
    Book.RESERVED: ("Assets", "Reserved"),
    Book.REALIZED_PNL: ("Income", "RealizedPnL"),
    Book.FEES: ("Expenses", "Fees"),
    Book.FUNDING: ("Expenses", "Funding"),
    Book.CAPITAL: ("Equity", "Capital"),
}
"""The root and the last part of each book's account: `Assets:Papertrade:Main:Cash`."""

_COMMODITY: Final = re.compile(r"[A-Z][A-Z0-9._-]{0,21}[A-Z0-9]", re.ASCII)
_KEYWORDS: Final = ("TRUE", "FALSE", "NULL")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSource:
    """What a ledger file is made from. `postings` starts anew at each call; `trades` finds trades by number."""

    accounts: Sequence[AccountRow]
    postings: Callable[[], Iterable[LedgerRow]]
    trades: Callable[[Iterable[int]], Mapping[int, Trade]]
    made_ms: int


def beancount_text(source: LedgerSource) -> Iterator[str]:
    """Yield the file, a directive or more at a time. The postings are read twice; no row is kept."""
    names = _Names.of(source.accounts)
    days = _Days()
    for row in source.postings():
        days.add(row)
    yield from _head(source, names)
    yield from _openings(source.accounts, names, days)
    for rows in _chunks(source.postings()):
        trades = source.trades({row.trade_id for row in rows if row.trade_id is not None})
        for _, lines in groupby(rows, key=attrgetter("event_seq")):
            yield _transaction(list(lines), trades, names)
    yield from _assertions(names, days)


@dataclass(frozen=True, slots=True)
class _Names:
    """The legal name of each account, by number, and of each currency."""

    accounts: Mapping[int, str]
    currencies: Mapping[int, str]
    commodities: Mapping[str, str]

    @classmethod
    def of(cls, accounts: Sequence[AccountRow]) -> _Names:
        """Give every account and every currency a legal name that no other has."""
        named = _distinct([account.name for account in accounts], _component)
        commodities = _distinct([account.currency for account in accounts], _commodity)
        return cls(
            {account.id: named[account.name] for account in accounts},
            {account.id: commodities[account.currency] for account in accounts},
            commodities,
        )

    def book(self, account_id: int, book: Book) -> str:
        """Return the full name of a book of an account."""
        root, leaf = BOOKS[book]
        return f"{root}:Papertrade:{self.accounts[account_id]}:{leaf}"


class _Days:
    """What each book moved by on each day, and the first day of each account."""

    def __init__(self) -> None:
        self.moved: dict[tuple[int, Book], dict[date, Decimal]] = {}
        self.first: dict[int, date] = {}

    def add(self, row: LedgerRow) -> None:
        """Count one posting."""
        day = _day(row.effective_ms)
        sums = self.moved.setdefault((row.account_id, row.book), {})
        with exact():
            sums[day] = sums.get(day, ZERO) + row.amount
        self.first[row.account_id] = min(day, self.first.get(row.account_id, day))


def _head(source: LedgerSource, names: _Names) -> Iterator[str]:
    yield f"; papertrade ledger, made {iso_z(source.made_ms)}. Simulated money: no order was sent anywhere.\n"
    yield 'option "title" "papertrade"\n'
    for commodity in dict.fromkeys(names.commodities.values()):
        yield f'option "operating_currency" "{commodity}"\n'


def _openings(accounts: Sequence[AccountRow], names: _Names, days: _Days) -> Iterator[str]:
    """Open every book of every account on the account's first day, after its currency was named."""
    firsts: dict[str, date] = {}
    for account in accounts:
        first = days.first.get(account.id, _day(account.created_ms))
        firsts[account.currency] = min(first, firsts.get(account.currency, first))
    for currency, first in firsts.items():
        yield f"\n{first} commodity {names.commodities[currency]}\n  name: {_quoted(currency)}\n"
    for account in accounts:
        first = days.first.get(account.id, _day(account.created_ms))
        yield "\n"
        for book in Book:
            yield f"{first} open {names.book(account.id, book)} {names.currencies[account.id]}\n"
            yield f"  account: {_quoted(account.name)}\n"


def _transaction(lines: Sequence[LedgerRow], trades: Mapping[int, Trade], names: _Names) -> str:
    first = lines[0]
    trade = None if first.trade_id is None else trades.get(first.trade_id)
    said = first.kind.replace("_", " ")
    links = ""
    if trade is not None:
        said = f"{said}: {trade.side} {trade.order.symbol}"
        links = f" ^trade-{trade.id} ^signal-{trade.order.signal_id}"
    text = [
        f"\n{_day(first.effective_ms)} * {_quoted(said)} #{first.kind.replace('_', '-')}{links}\n",
        f"  event: {first.event_seq}\n",
        f'  effective: "{iso_z(first.effective_ms)}"\n',
    ]
    if trade is not None:
        text.append(f"  symbol: {_quoted(trade.order.symbol)}\n")
    for row in lines:
        account = names.book(row.account_id, row.book)
        text.append(f"  {account}  {_amount(row.amount)} {names.currencies[row.account_id]}\n")
    return "".join(text)


def _assertions(names: _Names, days: _Days) -> Iterator[str]:
    """Assert each book on the morning after each day on which it moved, oldest first."""
    found: list[tuple[date, str, Decimal, str]] = []
    with exact():
        for (account_id, book), sums in days.moved.items():
            total = ZERO
            for day in sorted(sums):
                total += sums[day]
                morning = day + timedelta(days=1)
                found.append((morning, names.book(account_id, book), total, names.currencies[account_id]))
    yield "\n"
    for morning, account, total, currency in sorted(found):
        # Without the `~ 0` beancount would let 1e-8 pass.
        yield f"{morning} balance {account}  {_amount(total)} ~ {_amount(ZERO)} {currency}\n"


def _chunks(rows: Iterable[LedgerRow], size: int = 500) -> Iterator[list[LedgerRow]]:
    """Yield the postings of some hundred events at a time, none of them torn apart."""
    chunk: list[LedgerRow] = []
    for row in rows:
        if len(chunk) >= size and row.event_seq != chunk[-1].event_seq:
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk


def _distinct(originals: Iterable[str], legal: Callable[[str], str]) -> dict[str, str]:
    """Return a legal name for each original, and never one for two; a legal original keeps its name."""
    given: dict[str, str] = {}
    wanted = list(dict.fromkeys(originals))
    for original in sorted(wanted, key=lambda text: (legal(text) != text, wanted.index(text))):
        name, number = legal(original), 1
        while name in given.values():
            number += 1
            name = f"{legal(original)}-{number}"
        given[original] = name
    return {original: given[original] for original in wanted}


def _component(name: str) -> str:
    """Return a part of an account's name: letters, digits and dashes, an upper-case letter or digit first."""
    bare = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "X"
    return bare[0].upper() + bare[1:]


def _commodity(currency: str) -> str:
    """Return a name that beancount takes for a commodity: `1INCH` becomes `X1INCH`."""
    if _COMMODITY.fullmatch(currency) is not None and currency not in _KEYWORDS:
        return currency
    bare = re.sub(r"[^A-Z0-9]+", "-", currency.upper())[:18].strip("-")
    return f"X{bare}"


def _day(at_ms: int) -> date:
    return (_EPOCH + timedelta(milliseconds=at_ms)).date()


def _amount(value: Decimal) -> str:
    with exact():
        return f"{value.quantize(GRID):f}"


def _quoted(text: str) -> str:
    return '"' + safe(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
