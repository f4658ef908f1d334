"""Wallets: create, deposit, withdraw, reset. Money moves only as postings of events."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from papertrade.engine.account import AccountBook, withdraw
from papertrade.engine.instrument import normalise_symbol
from papertrade.engine.messages import AccountCreated, CashMoved, EpochStarted, Event, Refusal
from papertrade.engine.money import from_units, to_units
from papertrade.engine.trade import Status, Trade
from papertrade.errors import PapertradeError
from papertrade.errors import Refused as RefusedError
from papertrade.runs.catch_up import Present
from papertrade.runs.closing import Done, cancel_one, close_one
from papertrade.runs.opening import book_of, refusal_error
from papertrade.runs.world import World
from papertrade.store.rows import AccountRow, EventFilter, Recorded
from papertrade.store.store import Reader, Store, Writer

OPENING: Final = "opening balance"
"""The note of the deposit that an epoch begins with."""

RESET: Final = "account reset"
"""Why the trades of an account end that is reset."""

MOST: Final = Decimal(1_000_000_000)
"""The largest deposit: far below what 64 bits of 1e-8 hold, far above what anybody trades."""


def create_account(store: Store, name: str, currency: str, cash: Decimal, at_ms: int) -> None:
    """Create an account with its first deposit. Raises Refused if the name is taken."""

    def write(writer: Writer) -> None:
        if writer.account_named(name) is not None:
            raise RefusedError(
                f"account `{name}` already exists", code="account_exists", hint="papertrade account list"
            )
        begin_account(writer, name, currency, cash, at_ms)

    store.write(write)


def begin_account(writer: Writer, name: str, currency: str, cash: Decimal, at_ms: int) -> None:
    """Create an account inside a transaction."""
    account_id = writer.next_account_id()
    created = AccountCreated(account_id=account_id, name=name, currency=normalise_symbol(currency))
    writer.record([Recorded(created, at_ms)])
    if cash > 0:
        writer.record([Recorded(CashMoved(account_id=account_id, amount=cash, note=OPENING), at_ms)])


def move_cash(store: Store, account: str, amount: Decimal, note: str, at_ms: int) -> AccountBook:
    """Deposit (above 0) or withdraw (below 0). Raises Refused beyond the free cash or the bounds."""
    if amount == 0 or abs(amount) > MOST or from_units(to_units(amount)) != amount:
        raise RefusedError(f"amount `{amount}` must be above 0 and at most {MOST}", code="invalid_amount")

    def write(writer: Writer) -> AccountBook:
        book = book_of(writer, account)
        event: CashMoved | Refusal = CashMoved(account_id=book.account_id, amount=amount, note=note)
        if amount < 0:
            event = withdraw(book, -amount, note)
        if isinstance(event, Refusal):
            raise refusal_error(event)
        writer.record([Recorded(event, at_ms)])
        return book_of(writer, account)

    return store.write(write)


def opening_cash(reader: Reader, account: AccountRow, otherwise: Decimal) -> Decimal:
    """Return what an account's present epoch began with; `otherwise` where it began without money."""
    wanted = EventFilter(account_id=account.id, kinds=("cash_moved",), after_seq=account.epoch_seq, limit=1)
    for row in reader.events(wanted):
        if isinstance(row.event, CashMoved) and row.event.note == OPENING and row.event.amount > 0:
            return row.event.amount
    return otherwise


def reset_account(world: World, account: str, cash: Decimal, present: Present) -> tuple[AccountBook, list[Done]]:
    """Close and cancel everything, take all cash out, and start a new epoch with `cash`.

    Raises the first error of a trade that could not be ended; the account then stays in its epoch.
    """
    done = [_end(world, trade, present) for trade in _live(world, account)]
    failed = next((d.error for d in done if d.error is not None), None)
    if failed is not None:
        raise failed

    def write(writer: Writer) -> AccountBook:
        book = book_of(writer, account)
        if book.reserved != 0:
            raise _still_live(account)
        events: list[Event] = [EpochStarted(account_id=book.account_id, epoch=book.epoch + 1)]
        if book.cash > 0:
            events.insert(0, CashMoved(account_id=book.account_id, amount=-book.cash, note="reset"))
        events.append(CashMoved(account_id=book.account_id, amount=cash, note=OPENING))
        writer.record([Recorded(event, present.at_ms) for event in events])
        return book_of(writer, account)

    return world.store.write(write), done


def _live(world: World, account: str) -> tuple[Trade, ...]:
    with world.store.read() as reader:
        row = reader.account_named(account)
        return () if row is None else tuple(reader.live_trades(account_id=row.id))


def _end(world: World, trade: Trade, present: Present) -> Done:
    if trade.status is Status.PENDING:
        return cancel_one(world, trade.id, present, RESET)
    return close_one(world, trade.id, Decimal(1), present, reason=RESET)


def _still_live(account: str) -> PapertradeError:
    return RefusedError(
        f"account `{account}` got a new trade while it was being reset",
        code="still_live",
        hint=f"papertrade account reset {account}",
    )
