"""What guards judge by, read from the rows: what is held, what waits, what was won and lost, and when."""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.market import MINUTE_MS, Side
from papertrade.store.guard_reads import HeldTrade, Lifespan
from papertrade.store.rows import AccountRow
from papertrade.store.store import Reader, Store, Writer
from tests.store.stories import START_MS, a_candle, a_signal, entered, founded, shown

END = START_MS + 2 * MINUTE_MS - 1
LATER = END + MINUTE_MS


def main_account(reader: Reader) -> AccountRow:
    account = reader.account_named("main")
    assert account is not None
    return account


def test_what_a_book_holds_is_read_trade_by_trade(book: Store) -> None:
    with book.read() as reader:
        account = main_account(reader)
        held, trades = reader.held_trades(account), reader.trades([3, 7])
        assert reader.pending_trades(account) == ()
        assert (reader.live_count_of(account), [trade.trade_id for trade in held]) == (2, [3, 7])
        assert held[0] == HeldTrade(
            trade_id=3,
            venue="binance",
            symbol="ETHUSDT",
            side=Side.SHORT,
            source="scanner",
            quantity=trades[3].open_quantity,
            entry_price=Decimal("99.95"),  # 100 less the slippage
            opened_at=START_MS,
        )
        second = reader.account_named("second")
        assert second is not None
        assert [trade.status for trade in reader.pending_trades(second)] == ["pending"]


def test_each_trade_lived_from_its_placing_to_its_end(book: Store) -> None:
    with book.read() as reader:
        account = main_account(reader)
        lost, won = (int(trade.realized * 10**8) for trade in reader.trades([1, 2]).values())
        assert reader.outcomes(account, END) == (0, 1)
        assert reader.outcomes(account, LATER) == (1, 1)
        lives = reader.lifespans(account)
    assert lost < 0 < won
    assert sorted(lives, key=str) == sorted(
        [
            Lifespan(START_MS, END, lost),
            Lifespan(START_MS, LATER, won),
            Lifespan(START_MS, None, None),
            Lifespan(START_MS, START_MS + MINUTE_MS, None),
            Lifespan(START_MS, START_MS + MINUTE_MS, None),
            Lifespan(START_MS, None, None),
        ],
        key=str,
    )


def test_losses_in_a_row_end_with_the_last_that_was_none(store: Store) -> None:
    def story(writer: Writer) -> None:
        founded(writer)
        for at, symbol in enumerate(("BTCUSDT", "ETHUSDT", "BTCUSDT"), start=1):
            number = entered(writer, a_signal(str(at), symbol=symbol))
            low, high = ("100", "104.5") if at == 1 else ("97", "101")
            shown(writer, number, a_candle(START_MS + at * MINUTE_MS, low, high))
            if at == 1:
                shown(writer, number, a_candle(START_MS + 2 * MINUTE_MS, "100", "109", close="108"))

    store.write(story)
    won, first, last = (START_MS + minute * MINUTE_MS - 1 for minute in (3, 3, 4))
    with store.read() as reader:
        account = main_account(reader)
        assert reader.losing_streak(account, -1, last) == (2, last)
        assert reader.losing_streak(account, -1, last - 1) == (1, first)
        assert reader.losing_streak(account, last, last) == (0, None)
        assert reader.losses_of(account, "BTCUSDT", (-1, last), 5) == (last,)
        assert reader.losses_of(account, "ETHUSDT", (-1, first), 5) == (first,)
        assert reader.losses_of(account, "ETHUSDT", (first, last), 5) == ()
        assert reader.symbols_lost(account, -1, first) == ("ETHUSDT",)
        assert reader.symbols_lost(account, -1, last) == ("BTCUSDT", "ETHUSDT")
        assert reader.outcomes(account, won - 1) == (0, 0)
        assert reader.outcomes(account, last) == (1, 2)
