"""What is read is what was recorded: accounts, signals, notes, trades, fills, the ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select

from papertrade.engine.account import Book
from papertrade.engine.market import Side
from papertrade.engine.messages import CashMoved, EpochStarted, Liquidity, SignalAdded
from papertrade.engine.state import evolve
from papertrade.engine.trade import ExitReason, Flag, Status, Trade
from papertrade.errors import DatabaseUnusable
from papertrade.store.rows import EventFilter, Recorded, SignalFilter, TradeFilter
from papertrade.store.schema import table_statement
from papertrade.store.store import Reader, Store, Writer
from papertrade.store.tables import TRADE, TradeTable
from papertrade.store.trade_rows import INSERT_TRADE, read_trade, trade_row
from papertrade.store.views import Projection
from tests.store.stories import START_MS, a_candle, a_signal, an_order, entered, entry, founded, opened, shown


def numbers(reader: Reader, **wanted: object) -> list[int]:
    page = reader.trades_page(TradeFilter(**wanted))  # type: ignore[arg-type]
    return [trade.id for trade in page.trades]


def folded(reader: Reader) -> dict[int, Trade]:
    """Return every trade as its events make it."""
    trades: dict[int, Trade] = {}
    for row in reader.events(EventFilter(kinds=TRADE_KINDS)):
        assert row.trade_id is not None
        trades[row.trade_id] = evolve(trades.get(row.trade_id), row.event)  # type: ignore[arg-type]
    return trades


TRADE_KINDS = (
    "trade_placed",
    "entry_filled",
    "exit_filled",
    "trade_ended",
    "levels_changed",
    "trade_flagged",
    "tags_changed",
)


def test_a_stored_trade_is_the_fold_of_its_events(book: Store) -> None:
    with book.read() as reader:
        expected = folded(reader)
        assert reader.trades(expected) == expected
        assert {number: reader.trade(number) for number in expected} == expected
        assert {trade.status for trade in expected.values()} == {
            Status.PENDING,
            Status.OPEN,
            Status.CLOSED,
            Status.CANCELLED,
            Status.EXPIRED,
        }


def test_what_does_not_exist_is_none(book: Store) -> None:
    with book.read() as reader:
        assert reader.trade(99) is None
        assert reader.trades([99, 1]).keys() == {1}
        assert reader.signal(99) is None
        assert reader.account(99) is None
        assert reader.account_named("nobody") is None
        assert reader.signal_known_as("scanner", "nothing") is None
        assert reader.live_trade_of(1, 1) is None


def test_live_trades_are_found_by_account_and_instrument(book: Store) -> None:
    with book.read() as reader:
        every = reader.live_trades()
        assert [(t.id, t.status) for t in every] == [(3, Status.OPEN), (6, Status.PENDING), (7, Status.OPEN)]
        assert [t.id for t in reader.live_trades(account_id=2)] == [6]
        assert [t.id for t in reader.live_trades(symbol="ETHUSDT")] == [3]
        assert reader.live_trades(venue="other") == ()
        assert reader.live_count() == 3
        living = reader.live_trade_of(2, 6)
        assert living is not None and living.id == 6


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [7, 6, 5, 4, 3, 2, 1]),
        ({"account_id": 1}, [7, 5, 4, 3, 2, 1]),
        ({"epoch": 2}, []),
        ({"statuses": (Status.CLOSED, Status.EXPIRED)}, [5, 2, 1]),
        ({"exit_reasons": (ExitReason.TAKE_PROFIT,)}, [3, 2]),
        ({"exit_reasons": (ExitReason.STOP_LOSS, ExitReason.MANUAL)}, [1]),
        ({"symbol": "ETHUSDT"}, [3]),
        ({"source": "other"}, [6]),
        ({"side": Side.SHORT}, [6, 3]),
        ({"signal_id": 2}, [2]),
        ({"tag": "slow"}, [1]),
        ({"tag": "swing"}, [7]),
        ({"tag": "sl"}, []),
        ({"since_ms": START_MS + 60_000 + 59_999}, [7, 2, 1]),
        ({"until_ms": START_MS + 1}, [6, 3]),
        ({"until_ms": START_MS}, []),
        ({"until_ms": START_MS + 60_000 + 59_999}, [6, 5, 4, 3]),
        ({"before": 4, "limit": 2}, [3, 2]),
    ],
)
def test_trades_are_filtered(book: Store, wanted: dict[str, object], expected: list[int]) -> None:
    with book.read() as reader:
        assert numbers(reader, **wanted) == expected


@pytest.mark.parametrize(
    ("account_id", "symbol", "since_ms", "expected"),
    [
        (1, "BTCUSDT", START_MS, [7, 5, 4, 2, 1]),
        (1, "ETHUSDT", START_MS, [3]),
        (2, "BTCUSDT", START_MS, [6]),
        (1, "BTCUSDT", START_MS + 1, []),
    ],
)
def test_what_was_placed_lately_is_read_newest_first(
    book: Store, account_id: int, symbol: str, since_ms: int, expected: list[int]
) -> None:
    with book.read() as reader:
        assert [trade.id for trade in reader.trades_placed_since(account_id, symbol, since_ms)] == expected


def test_a_page_knows_how_many_there_are_without_paging(book: Store) -> None:
    with book.read() as reader:
        page = reader.trades_page(TradeFilter(account_id=1, before=4, limit=1))
    assert ([t.id for t in page.trades], page.total) == ([3], 6)


def test_fills_carry_every_number_of_their_event(book: Store) -> None:
    with book.read() as reader:
        first, half, rest = reader.fills(trade_id=2)
        assert reader.fills(account_id=2) == ()
        assert [f.trade_id for f in reader.fills(until_ms=START_MS + 1)] == [1, 2, 3]
        assert {f.trade_id for f in reader.fills(account_id=1, since_ms=START_MS + 60_000)} == {1, 2, 3, 7}
    assert (first.leg, first.n, first.is_buy, first.price, first.raw_price) == (
        "entry",
        1,
        True,
        Decimal("100.05"),
        Decimal(100),
    )
    assert (first.slippage, first.fee, first.notional) == (Decimal("0.025"), Decimal("0.050025"), Decimal("50.025"))
    assert (first.gross, first.realized, first.reason, first.liquidity) == (None, None, None, Liquidity.TAKER)
    assert (half.leg, half.n, half.is_buy, half.quantity, half.reason) == (
        "exit",
        2,
        False,
        Decimal("0.25"),
        ExitReason.TAKE_PROFIT,
    )
    assert (half.level, half.trade_side, half.symbol) == (half.price, Side.LONG, "BTCUSDT")
    assert half.realized is not None and rest.realized is not None and rest.gross is not None
    assert rest.realized < rest.gross
    assert (rest.n, rest.is_ambiguous, rest.flags) == (3, False, ())


def test_a_shorts_entry_sells_and_its_exit_buys(book: Store) -> None:
    with book.read() as reader:
        assert [f.is_buy for f in reader.fills(trade_id=3)] == [False, True]


def test_the_ledger_is_read_with_its_times_and_sums_to_the_book(book: Store) -> None:
    with book.read() as reader:
        main = reader.account_named("main")
        assert main is not None
        lines = reader.ledger(account_id=1)
        money = reader.account_book(main)
        of_trade = reader.ledger(trade_id=1)
        assert reader.ledger(after_seq=reader.last_seq()) == ()
    cash = sum((line.amount for line in lines if line.book is Book.CASH), Decimal(0))
    assert money.cash == cash
    assert money.cash + money.reserved == money.capital + money.realized
    assert {line.kind for line in of_trade} == {"entry_filled", "exit_filled"}
    assert {line.trade_id for line in of_trade} == {1}
    assert of_trade[-1].effective_ms == START_MS + 2 * 60_000 - 1
    assert of_trade[-1].recorded_ms < START_MS + 60_000


def test_a_new_epoch_begins_with_what_was_left(store: Store) -> None:
    def story(writer: Writer) -> None:
        founded(writer, cash="1000")
        shown(writer, entered(writer, a_signal("a")), a_candle(START_MS + 60_000, "90", "100"))
        writer.record([Recorded(EpochStarted(account_id=1, epoch=2), START_MS)])
        writer.record([Recorded(CashMoved(account_id=1, amount=Decimal(500)), START_MS)])
        shown(writer, entered(writer, a_signal("b")), a_candle(START_MS + 60_000, "100", "120"))

    store.write(story)
    with store.read() as reader:
        account = reader.account(1)
        assert account is not None
        money = reader.account_book(account)
        lost = next(t.realized for t in reader.trades([1]).values())
        won = next(t.realized for t in reader.trades([2]).values())
    assert (account.epoch, money.epoch) == (2, 2)
    assert money.realized == won > 0 > lost
    assert money.capital == 1500 + lost
    assert money.cash == money.capital + money.realized


def test_what_waits_is_reserved(book: Store) -> None:
    with book.read() as reader:
        second = reader.account_named("second")
        assert second is not None
        money = reader.account_book(second)
    assert (money.cash, money.reserved) == (Decimal("450.951"), Decimal("49.049"))
    assert (money.capital, money.realized) == (Decimal(500), Decimal(0))
    assert second.created_ms == START_MS


def test_signals_are_read_and_filtered(book: Store) -> None:
    with book.read() as reader:
        page = reader.signals(SignalFilter())
        assert (page.total, page.signals[0].id, page.signals[-1].id) == (8, 8, 1)
        assert page.signals[-1].signal == a_signal("stopped", tags=("slow",), confidence=Decimal("0.8"))
        assert [s.id for s in reader.signals(SignalFilter(source="other")).signals] == [8, 6]
        assert [s.id for s in reader.signals(SignalFilter(is_cancelled=True)).signals] == [8]
        assert [s.id for s in reader.signals(SignalFilter(is_cancelled=False, symbol="ETHUSDT")).signals] == [3]
        paged = reader.signals(SignalFilter(before=5, limit=2))
        assert ([s.id for s in paged.signals], paged.total) == ([4, 3], 8)
        known = reader.signal_known_as("scanner", "stopped")
        assert known is not None and known == reader.signal(1)
        assert known.added_ms == START_MS


def test_new_means_never_traded_here_not_expired_not_cancelled(book: Store) -> None:
    def more(writer: Writer) -> None:
        for name, expires in (("fresh", None), ("late", START_MS)):
            signal = a_signal(name, expires_at_ms=expires)
            number = writer.next_signal_id()
            writer.record([Recorded(SignalAdded(signal_id=number, signal=signal), START_MS)])

    book.write(more)
    with book.read() as reader:
        assert [s.signal.external_id for s in reader.untraded_signals(1, START_MS)] == ["waiting", "fresh"]
        assert [s.signal.external_id for s in reader.untraded_signals(1, START_MS - 1, "scanner")] == ["fresh", "late"]
        assert "stopped" in {s.signal.external_id for s in reader.untraded_signals(2, START_MS)}


def test_the_trades_of_signals_are_known_with_their_state(book: Store) -> None:
    with book.read() as reader:
        assert reader.trades_of_signals(1, [1, 7, 8]) == {1: ((1, Status.CLOSED),), 7: ((7, Status.OPEN),)}
        assert reader.trades_of_signals(2, [1]) == {}


def test_notes_are_found_by_what_they_are_about(book: Store) -> None:
    with book.read() as reader:
        every = reader.notes()
        assert [n.text for n in every] == ["a bad day", "stopped too early"]
        assert reader.notes(trade_id=1) == reader.notes(signal_id=1) == reader.notes(symbol="BTCUSDT") == every[1:]
        assert reader.notes(account_id=2) == ()
    assert (every[0].tags, every[1].confidence, every[1].at_ms) == (("mood",), Decimal("0.25"), START_MS + 60_000)


def test_flags_and_tags_survive(book: Store) -> None:
    with book.read() as reader:
        trade = reader.trade(7)
    assert trade is not None
    assert (trade.tags, trade.flags) == (("kept", "swing"), (Flag.UNVERIFIED,))
    assert [r.from_ms for r in trade.rulings] == [START_MS, START_MS + 2 * 60_000]


def test_a_read_is_one_snapshot(book: Store, store: Store) -> None:
    other = opened(store.path)
    with book.read() as reader:
        before = reader.last_seq()
        other.write(lambda w: founded(w, "third"))
        assert reader.last_seq() == before
    with book.read() as reader:
        assert reader.last_seq() == before + 2
    other.close()


@pytest.mark.parametrize(
    ("damage", "table"),
    [
        ("UPDATE trade SET rulings = '[' WHERE id = 1", "trade"),
        ("UPDATE signal SET content = '{}' WHERE id = 1", "signal"),
        ("UPDATE event SET kind = 'nonsense' WHERE seq = 1", "event"),
        ("UPDATE trade SET entry_price = '9.' WHERE id = 1", "trade"),
    ],
)
def test_a_row_that_cannot_be_is_an_unusable_database(book: Store, damage: str, table: str) -> None:
    def harm(writer: Writer) -> None:
        for trigger in ("trade_frozen", "trade_fixed", "signal_fixed", "event_no_update"):
            writer._connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        writer._connection.exec_driver_sql(damage)

    book.write(harm)
    with pytest.raises(DatabaseUnusable, match=f"a row of `{table}` cannot be read") as failed, book.read() as reader:
        (reader.trades_page(TradeFilter()), reader.signals(SignalFilter()), reader.events(EventFilter()))
    assert "papertrade check" in str(failed.value.hint)


@given(price=st.decimals("0.01", "99999999", places=2), quantity=st.decimals("0.000000000001", "900", places=12))
def test_a_row_gives_back_its_trade(price: Decimal, quantity: Decimal) -> None:
    projection = Projection.of({})
    projection.add(1, START_MS, entry(1, an_order(1, a_signal(), quantity=quantity), str(price)))
    with create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql(table_statement(TRADE))
        connection.exec_driver_sql(INSERT_TRADE, trade_row(projection.trades[1]))
        row = cast(TradeTable, connection.execute(select(TRADE)).one())
    assert read_trade(row) == projection.trades[1]
