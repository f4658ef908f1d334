"""A trade taken back, in the tables: the one change that an ended trade's row may still make, once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.changes import void_trade
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import Refusal
from papertrade.engine.money import ZERO
from papertrade.engine.trade import Flag, Status
from papertrade.errors import PapertradeError
from papertrade.store.rows import TradeFilter
from papertrade.store.store import Store, Writer
from tests.store.children import exit_codes, in_children
from tests.store.stories import START_MS, a_candle, a_signal, entered, founded, opened, record, shown

DONE, REFUSED = 0, 6
LESS_FEES = "UPDATE ledger SET amount_u = amount_u - 1 WHERE event_seq = 6 AND book = 'fees'"


def closed_at_a_loss(writer: Writer) -> None:
    """Make an account whose only trade was stopped."""
    founded(writer)
    number = entered(writer, a_signal("stopped"))
    shown(writer, number, a_candle(START_MS + MINUTE_MS, "97", "101"))


def take_back(writer: Writer, number: int) -> int:
    """Void a trade as a command does; returns the exit code that it would end with."""
    trade, account = writer.trades([number])[number], writer.account(1)
    assert account is not None
    decided = void_trade(trade, writer.account_book(account), "a slip", trade.applied_to)
    if isinstance(decided, Refusal):
        return REFUSED
    record(writer, decided, before=trade)
    return DONE


@pytest.fixture
def stopped(store: Store) -> Store:
    store.write(closed_at_a_loss)
    return store


def test_an_ended_trade_is_taken_back_once(stopped: Store) -> None:
    assert stopped.write(lambda writer: take_back(writer, 1)) == DONE
    assert stopped.write(lambda writer: take_back(writer, 1)) == REFUSED
    with stopped.read() as reader:
        (trade,) = reader.trades_page(TradeFilter(or_void=True)).trades
        account = reader.accounts()[0]
        book = reader.account_book(account)
        assert reader.void_trades(account, 1) == (1,)
        assert reader.trade_counts(account) == {}
        assert reader.closed_profit(account, 0, START_MS * 2) == (0, Decimal(0))
    assert (trade.status, trade.flags, trade.realized, trade.fees) == (Status.CLOSED, (Flag.VOID,), ZERO, ZERO)
    assert (book.cash, book.reserved, book.realized) == (Decimal(10_000), ZERO, ZERO)
    assert stopped.check().is_sound


def test_a_rebuild_tells_it_again(stopped: Store) -> None:
    stopped.write(lambda writer: take_back(writer, 1))
    with stopped.read() as reader:
        before = reader.trade(1)
    assert stopped.rebuild().before.is_sound
    with stopped.read() as reader:
        assert reader.trade(1) == before
    assert stopped.check().is_sound


def test_the_filter_takes_void_beside_states_or_alone(stopped: Store) -> None:
    stopped.write(lambda writer: (take_back(writer, 1), entered(writer, a_signal("open"))))
    with stopped.read() as reader:

        def found(wanted: TradeFilter) -> list[int]:
            return [trade.id for trade in reader.trades_page(wanted).trades]

        assert found(TradeFilter()) == [2, 1]
        assert found(TradeFilter(or_void=True)) == [1]
        assert found(TradeFilter(statuses=(Status.OPEN,), or_void=True)) == [2, 1]
        assert found(TradeFilter(statuses=(Status.CLOSED,))) == [1]


def test_the_row_of_an_ended_trade_changes_in_no_other_way(stopped: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "book.db")) as outsider:
        with pytest.raises(sqlite3.IntegrityError, match="an ended trade is frozen"):
            outsider.execute("UPDATE trade SET realized_u = 0 WHERE id = 1")
        with pytest.raises(sqlite3.IntegrityError, match="void_is_nothing"):
            outsider.execute("UPDATE trade SET is_void = 1 WHERE id = 1")
    stopped.write(lambda writer: take_back(writer, 1))
    with closing(sqlite3.connect(tmp_path / "book.db")) as outsider:
        for change in ("is_void = 0", "realized_u = 5", "status = 'cancelled'"):
            with pytest.raises(sqlite3.IntegrityError, match=r"frozen|illegal change|void_is_nothing"):
                outsider.execute(f"UPDATE trade SET {change} WHERE id = 1")


@pytest.mark.parametrize(
    ("statement", "invariant", "record"),
    [
        (LESS_FEES, "void_posts_nothing", "trade 1 fees"),
        ("DELETE FROM event WHERE kind = 'trade_voided'", "voided_once", "trade 1"),
        ("UPDATE trade SET reserve_u = 1 WHERE id = 1", "reserve", "trade 1"),
    ],
)
def test_a_void_that_is_none_is_found(
    stopped: Store, tmp_path: Path, statement: str, invariant: str, record: str
) -> None:
    stopped.write(lambda writer: take_back(writer, 1))
    with closing(sqlite3.connect(tmp_path / "book.db")) as outsider:
        for (name,) in outsider.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            outsider.execute(f"DROP TRIGGER {name}")
        outsider.execute("PRAGMA foreign_keys = OFF")
        outsider.execute("PRAGMA ignore_check_constraints = ON")
        outsider.execute(statement)
        outsider.commit()
    assert (invariant, record) in {(d.invariant, d.record) for d in stopped.check().differences}


@pytest.mark.parametrize("count", [2, 8])
def test_of_many_that_take_it_back_at_once_one_does(tmp_path: Path, count: int) -> None:
    path = tmp_path / "book.db"
    with closing(opened(path)) as store:
        store.write(closed_at_a_loss)

    def void(_: int) -> int:
        with closing(opened(path)) as own:
            try:
                return own.write(lambda writer: take_back(writer, 1))
            except PapertradeError as error:
                return error.exit_code

    assert exit_codes(in_children(count, void)) == [DONE] + [REFUSED] * (count - 1)
    with closing(opened(path)) as store:
        assert store.check().is_sound
        with store.read() as reader:
            assert reader.account_book(reader.accounts()[0]).cash == 10_000
