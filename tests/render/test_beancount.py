"""The law of the beancount export: any books pass bean-check, and no number of them can be changed unseen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import pytest
from beancount import loader
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.account import Book
from papertrade.engine.money import from_units
from papertrade.engine.trade import Trade
from papertrade.render.beancount import LedgerSource, beancount_text
from papertrade.store.rows import AccountRow, LedgerRow

DAY_MS = 86_400_000
NUMBER = re.compile(r"-?[0-9]+\.[0-9]{8} [A-Z~]")


def account(number: int, name: str, currency: str) -> AccountRow:
    return AccountRow(id=number, name=name, currency=currency, epoch=1, epoch_seq=1, created_ms=1_700_000_000_000)


def no_trades(_: Iterable[int]) -> Mapping[int, Trade]:
    return {}


def text_of(accounts: Sequence[AccountRow], rows: Sequence[LedgerRow]) -> str:
    source = LedgerSource(accounts=accounts, postings=lambda: rows, trades=no_trades, made_ms=1_800_000_000_000)
    return "".join(beancount_text(source))


def errors_of(text: str) -> list[str]:
    _, errors, _ = loader.load_string(text)
    return [str(error) for error in errors]


def event(seq: int, account_id: int, amounts: Sequence[tuple[Book, int]], at_ms: int) -> list[LedgerRow]:
    """Return balanced postings: what is left over of the amounts goes to capital."""
    left = -sum(units for _, units in amounts)
    lines = [*amounts, *([(Book.CAPITAL, left)] if left else [])]
    return [
        LedgerRow(
            event_seq=seq,
            account_id=account_id,
            trade_id=None,
            book=book,
            amount=from_units(units),
            kind="cash_moved",
            effective_ms=at_ms,
            recorded_ms=at_ms,
        )
        for book, units in lines
    ]


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
currencies = st.one_of(
    st.from_regex(r"[A-Z0-9][A-Z0-9._]{0,31}", fullmatch=True),
    st.sampled_from(["USDT", "1INCH", "X1INCH", "TRUE", "NULL", "A", "A.", "A-", "__", "00000000000000000.0"]),
)
units = st.integers(min_value=-(10**17), max_value=10**17).filter(lambda value: value != 0)
books = st.sampled_from([book for book in Book if book is not Book.CAPITAL])
movements = st.tuples(st.integers(0, 3), st.dictionaries(books, units, min_size=1), st.integers(0, 20 * DAY_MS))


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[list[AccountRow], list[LedgerRow]]:
    accounts = [
        account(number, name, draw(currencies))
        for number, name in enumerate(draw(st.lists(names, min_size=1, max_size=4, unique=True)), 1)
    ]
    rows: list[LedgerRow] = []
    for seq, (who, amounts, after_ms) in enumerate(draw(st.lists(movements, max_size=12)), 1):
        account_id = accounts[who % len(accounts)].id
        rows += event(seq, account_id, list(amounts.items()), 1_700_000_000_000 + after_ms)
    return accounts, rows


@settings(max_examples=60, deadline=None)
@given(ledgers())
def test_any_books_pass(ledger: tuple[list[AccountRow], list[LedgerRow]]) -> None:
    assert errors_of(text_of(*ledger)) == []


@settings(max_examples=60, deadline=None)
@given(ledgers().filter(lambda ledger: ledger[1] != []), st.data())
def test_an_edited_number_is_found(ledger: tuple[list[AccountRow], list[LedgerRow]], data: st.DataObject) -> None:
    text = text_of(*ledger)
    places = [found.start() for found in NUMBER.finditer(text) if not found[0].startswith("0.00000000")]
    place = data.draw(st.sampled_from(places))
    last = place + re.match(r"-?[0-9]+\.[0-9]{8}", text[place:]).end() - 1  # type: ignore[union-attr]
    digit = str((int(text[last]) + data.draw(st.integers(1, 9))) % 10)
    assert errors_of(f"{text[:last]}{digit}{text[last + 1 :]}") != []


def test_a_currency_that_beancount_does_not_take_keeps_its_name_beside() -> None:
    accounts = [account(1, "main", "1INCH"), account(2, "Main", "X1INCH"), account(3, "m.a_i-n", "NULL")]
    rows = [row for n in (1, 2, 3) for row in event(n, n, [(Book.CASH, 1)], 1_700_000_000_000)]
    text = text_of(accounts, rows)
    assert errors_of(text) == []
    assert '2023-11-14 commodity X1INCH-2\n  name: "1INCH"\n' in text
    assert '2023-11-14 commodity X1INCH\n  name: "X1INCH"\n' in text
    assert '2023-11-14 commodity XNULL\n  name: "NULL"\n' in text
    assert '2023-11-14 open Assets:Papertrade:Main-2:Cash X1INCH-2\n  account: "main"\n' in text
    assert '2023-11-14 open Assets:Papertrade:Main:Cash X1INCH\n  account: "Main"\n' in text
    assert '2023-11-14 open Equity:Papertrade:M-a-i-n:Capital XNULL\n  account: "m.a_i-n"\n' in text


def test_balances_are_those_of_the_effective_day_however_late_it_was_recorded() -> None:
    late, early = 1_700_000_000_000 + DAY_MS, 1_700_000_000_000
    rows = [*event(1, 1, [(Book.CASH, 300_000_000)], late), *event(2, 1, [(Book.CASH, -1)], early)]
    text = text_of([account(1, "main", "USDT")], rows)
    assert errors_of(text) == []
    balances = re.findall(r"^(\S+) balance Assets:Papertrade:Main:Cash  (\S+) ~ 0.00000000 USDT$", text, re.MULTILINE)
    assert balances == [("2023-11-15", "-0.00000001"), ("2023-11-16", "2.99999999")]


def test_the_postings_of_one_event_stay_together_in_long_books() -> None:
    rows = [
        row for seq in range(1, 700) for row in event(seq, 1, [(Book.CASH, 5), (Book.FEES, 2)], 1_700_000_000_000 + seq)
    ]
    text = text_of([account(1, "main", "USDT")], rows)
    assert len(re.findall(r"^\S+ \* ", text, re.MULTILINE)) == 699
    assert errors_of(text) == []


@pytest.mark.parametrize("amount", ["0.1", "-12345678901.00000001"])
def test_amounts_have_eight_decimals(amount: str) -> None:
    units = int(Decimal(amount) * 100_000_000)
    text = text_of([account(1, "main", "USDT")], event(1, 1, [(Book.CASH, units)], 1_700_000_000_000))
    assert f"Cash  {Decimal(amount):.8f} USDT" in text
