"""The `account` commands: wallets side by side, and money in and out of them.

Reset and withdraw catch up first: they need to know what is free. The rule to keep: no question is asked while a
lock is held, and none where nobody can answer.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from typing import Annotated

import typer

from papertrade.bootstrap import ACCOUNT_SETTING, Books, Desk, open_books, open_world
from papertrade.commands.answer import Answer, say
from papertrade.commands.freshness import Seen, lag_of, say_lag, standpoint
from papertrade.commands.options import Csv, NoCatchUp, invocation
from papertrade.engine.account import AccountBook
from papertrade.engine.money import from_units, parse_decimal, plain, to_units
from papertrade.engine.values import replace
from papertrade.errors import NotFound, UsageProblem
from papertrade.invocation import Invocation
from papertrade.render.accounts import (
    account_json,
    account_sheet,
    book_line,
    overview_json,
    show_account,
    show_accounts,
)
from papertrade.render.json import listing
from papertrade.render.text import safe
from papertrade.runs.accounts import MOST, create_account, move_cash, opening_cash, reset_account
from papertrade.runs.reporting import overview, overviews
from papertrade.store.rows import AccountRow
from papertrade.store.store import Reader

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z0-9]{1,16}", re.ASCII)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]
OptionalName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="The account's name; left out, the current.")
]
AmountArgument = Annotated[str, typer.Argument(metavar="AMOUNT", help="In the account's currency.")]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; kept in the journal.")]


def list_accounts(ctx: typer.Context, csv: Csv = False) -> Answer:  # noqa: ARG001 (the shell looks at it)
    """List all accounts side by side: equity, return, drawdown, results, what is free and tied up.

    The current one carries a *. The return is what the equity gained on what was paid in, the drawdown its deepest
    fall from a peak, both since the account began or was last reset. Each is in its own currency, and no sum is
    made. Values are at the last stored marks; the venue is not asked.
    """
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)
            told = overviews(reader, now)
            lag = lag_of(books, reader, now)
        say_lag(books, lag, now)
        current = books.account.name
    return Answer(
        data=listing([overview_json(one, now, current) for one in told], len(told)),
        show=partial(show_accounts, told, current),
        sheet=account_sheet(told, current),
    )


def show(ctx: typer.Context, name: OptionalName = None) -> Answer:
    """Show one account's books: worth, free, tied up, deposits, results.

    papertrade account show main
    """
    with open_books(_apart(invocation(ctx), name)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)
            told = overview(reader, _named(reader, name or books.account.name), now, with_drawdown=True)
            lag = lag_of(books, reader, now)
        say_lag(books, lag, now)
        current = books.account.name
    seen = Seen(now, lag, None)
    return Answer(data=overview_json(told, now, current), show=partial(show_account, told, seen.now))


def create(
    ctx: typer.Context,
    name: NameArgument,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="Default: account.currency of the settings.")
    ] = None,
    cash: Annotated[
        str | None, typer.Option("--cash", metavar="AMOUNT", help="Default: account.cash of the settings.")
    ] = None,
) -> Answer:
    """Create an account with its starting cash.

    papertrade account create scalping --cash 500
    """
    call = invocation(ctx)
    if _NAME.fullmatch(name) is None:
        raise UsageProblem(
            f"account name `{safe(name)[:64]}` is not allowed",
            hint="1 to 64 letters, digits, `.`, `_` or `-`, the first a letter or digit",
        )
    with open_books(_apart(call, name)) as books:
        settings = books.settings.account
        code = settings.currency if currency is None else currency.upper()
        if _CURRENCY.fullmatch(code) is None:
            raise UsageProblem(f"currency `{safe(code)[:20]}` is not allowed", hint="1 to 16 letters or digits: USDT")
        amount = settings.cash if cash is None else _amount(cash, "--cash")
        with books.store.read() as reader:
            now = standpoint(books, reader)
        create_account(books.store, name, code, amount, now.now_ms)
        with books.store.read() as reader:
            told = overview(reader, _named(reader, name), now)
        current = books.account.name
    say(call, f"papertrade account use {name} makes it the current one")
    return Answer(
        data=overview_json(told, now, current),
        show=lambda screen: screen.line(f"created account `{name}`: {book_line(told.book)}"),
    )


def use(ctx: typer.Context, name: NameArgument) -> Answer:
    """Choose the account that commands act on.

    --account and PAPERTRADE_ACCOUNT beat the choice.
    """
    call = invocation(ctx)
    with open_books(_apart(call, name)) as books:
        with books.store.read() as reader:
            account = _named(reader, name)
            book = reader.account_book(account)
        books.store.write(lambda writer: writer.put_setting(ACCOUNT_SETTING, account.name))
    named = call.flags.account or call.environment.get("PAPERTRADE_ACCOUNT")
    if named and named != name:
        say(call, f"PAPERTRADE_ACCOUNT or --account still names `{named}`, which beats this choice")
    return Answer(
        data=account_json(account, book, name),
        show=lambda screen: screen.line(f"account `{name}` is now the current one: {book_line(book)}"),
    )


def deposit(ctx: typer.Context, amount: AmountArgument, note: NoteOption = "") -> Answer:
    """Put cash in.

    papertrade account deposit 500 --note "monthly"
    """
    value = _amount(amount, "amount", is_above_zero=True)
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)
        book = move_cash(books.store, books.account.name, value, note, now.now_ms)
        return _moved(books, book, f"deposited {plain(value)} {book.currency}")


def withdraw(
    ctx: typer.Context, amount: AmountArgument, note: NoteOption = "", no_catch_up: NoCatchUp = False
) -> Answer:
    """Take free cash out, after catching up: a stop that was hit meanwhile has freed its reserve.

    papertrade account withdraw 500
    """
    value = _amount(amount, "amount", is_above_zero=True)
    with open_world(invocation(ctx)) as desk:
        at_ms = _present(desk, forced=no_catch_up)
        book = move_cash(desk.books.store, desk.books.account.name, value.copy_negate(), note, at_ms)
        return _moved(desk.books, book, f"withdrew {plain(value)} {book.currency}")


def reset(
    ctx: typer.Context,
    cash: Annotated[
        str | None, typer.Option("--cash", metavar="AMOUNT", help="Start with this; default: as it began last time.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Answer:
    """Close everything at mark, cancel what waits, and start again; the past stays readable.

    A new epoch begins: figures count anew, old trades stay in `trades`, old figures in `metrics --epoch 1`.

    papertrade account reset --cash 10000
    """
    from papertrade.commands.results import caught_up

    call = invocation(ctx)
    value = None if cash is None else _amount(cash, "--cash", is_above_zero=True)
    with open_world(call) as desk:
        books = desk.books
        with books.store.read() as reader:
            live = len(reader.live_trades(account_id=books.account.id))
            start = opening_cash(reader, books.account, books.settings.account.cash) if value is None else value
        if not yes:
            _ask(call, f"reset account `{books.account.name}`: end {live} live trades and start with {plain(start)}?")
        present = caught_up(desk, [], forced=False)
        book, done = reset_account(desk.world, books.account.name, start, present)
        with books.store.read() as reader:
            account = _named(reader, book.name)
    text = f"account `{book.name}` begins epoch {book.epoch}: {book_line(book)}; ended {len(done)} trades"
    return Answer(
        data={**account_json(account, book, account.name), "ended_trades": [one.trade_id for one in done]},
        show=lambda screen: screen.line(text),
    )


def _present(desk: Desk, *, forced: bool) -> int:
    """Catch up, where anything is live, and return the venue's time."""
    from papertrade.commands.results import caught_up

    with desk.books.store.read() as reader:
        now = standpoint(desk.books, reader)
        has_live = reader.live_count() > 0
    return caught_up(desk, [], forced=forced).at_ms if has_live and not forced else now.now_ms


def _moved(books: Books, book: AccountBook, what: str) -> Answer:
    account = books.account
    return Answer(
        data=account_json(account, book, account.name),
        show=lambda screen: screen.line(f"{what}: {book_line(book)}"),
    )


def _amount(text: str, name: str, *, is_above_zero: bool = False) -> Decimal:
    """Read an amount of money. Raises UsageProblem."""
    try:
        value = parse_decimal(text)
        on_grid = from_units(to_units(value)) == value
    except ValueError:
        on_grid, value = False, Decimal(0)
    if not on_grid or value < 0 or value > MOST or (is_above_zero and value == 0):
        least = "above 0" if is_above_zero else "0 or more"
        raise UsageProblem(
            f"{name} `{safe(text)[:40]}` is not an amount",
            hint=f"a plain number {least} with at most 8 decimals, up to {MOST}",
        )
    return value


def _apart(call: Invocation, name: str | None) -> Invocation:
    """Leave out an account chosen elsewhere where the command names one: it need not exist."""
    if name is None:
        return call
    environment = {key: value for key, value in call.environment.items() if key != "PAPERTRADE_ACCOUNT"}
    return replace(call, flags=replace(call.flags, account=None), environment=environment)


def _named(reader: Reader, name: str) -> AccountRow:
    account = reader.account_named(name)
    if account is None:
        raise NotFound(f"account `{safe(name)[:64]}` does not exist", hint="papertrade account list")
    return account


def _ask(call: Invocation, question: str) -> None:
    """Ask on a terminal; where nobody can answer, the command itself is the answer. Raises UsageProblem for a no."""
    if not call.stdin.isatty():
        return
    call.stderr.write(f"{question} [y/N] ")
    call.stderr.flush()
    if call.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageProblem("nothing was changed", hint="answer y, or add --yes", code="not_confirmed")
