"""What reports are filled from: how far live trades are behind, epochs, the day so far, the curve's gain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.commands.freshness import lag_text
from papertrade.engine.market import DAY_MS, MINUTE_MS
from papertrade.engine.messages import CashMoved, EpochStarted, Event
from papertrade.engine.money import ZERO
from papertrade.runs.reporting import Curve, Lag, Standpoint, curve, epoch_of, history, live_lag, portfolio_of, today
from papertrade.store.rows import PricePoint, Recorded, SetAside, Watermark
from papertrade.store.store import Store
from tests.store.stories import START_MS, a_signal, entered, founded, opened

NOW_MS = START_MS + 2 * DAY_MS
NOW = Standpoint(NOW_MS, UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path / "books.db")
    made.write(founded)
    yield made
    made.close()


def test_nothing_live_is_never_behind(store: Store) -> None:
    with store.read() as reader:
        assert live_lag(reader, NOW_MS, 0) is None


def test_live_trades_are_behind_their_watermark_and_the_set_aside_are_behind_more(store: Store) -> None:
    number = store.write(lambda writer: entered(writer, a_signal()))
    with store.read() as reader:
        assert live_lag(reader, NOW_MS, 0) == Lag(1, None)
    mark = Watermark(venue="binance", symbol="BTCUSDT", end_ms=NOW_MS - MINUTE_MS, close=Decimal(100))
    store.write(lambda writer: writer.move_watermarks([mark]))
    with store.read() as reader:
        assert live_lag(reader, NOW_MS, MINUTE_MS) is None
        assert live_lag(reader, NOW_MS, MINUTE_MS - 1) == Lag(1, NOW_MS - MINUTE_MS)
    aside = SetAside(trade_id=number, from_ms=START_MS, error="ValueError: x", ticks=1)
    store.write(lambda writer: writer.set_trade_aside(aside))
    with store.read() as reader:
        assert live_lag(reader, NOW_MS, MINUTE_MS) == Lag(1, START_MS, (number,))


def test_what_was_never_caught_up_is_said_without_a_time() -> None:
    assert lag_text(Lag(2, None), NOW) == "live trades of 2 symbols were never caught up: papertrade watch --once"


def test_an_account_without_an_earlier_day_opened_at_zero(store: Store) -> None:
    with store.read() as reader:
        account = reader.accounts()[0]
        day = today(reader, account, Standpoint(START_MS + MINUTE_MS, UTC))
        assert (day.pnl, day.flow, day.opening_equity) == (ZERO, Decimal(10_000), ZERO)
        held = portfolio_of(reader, account, Standpoint(START_MS + MINUTE_MS, UTC))
        assert held.summary.today_equity_change == 0


def test_a_day_that_opened_with_an_unpriced_trade_has_no_change(store: Store) -> None:
    store.write(lambda writer: entered(writer, a_signal()))
    with store.read() as reader:
        account = reader.accounts()[0]
        assert today(reader, account, NOW).opening_equity is None
        assert portfolio_of(reader, account, NOW).summary.today_equity_change is None


def test_the_day_opens_with_the_last_close_before_midnight(store: Store) -> None:
    store.write(lambda writer: entered(writer, a_signal()))
    midnight = NOW_MS // DAY_MS * DAY_MS
    points = [
        PricePoint(venue="binance", symbol="BTCUSDT", at_ms=midnight - MINUTE_MS, price=Decimal(101)),
        PricePoint(venue="binance", symbol="BTCUSDT", at_ms=midnight + 1, price=Decimal(500)),
    ]
    store.write(lambda writer: writer.put_prices(points))
    with store.read() as reader:
        account = reader.accounts()[0]
        day = today(reader, account, NOW)
        # Half a coin entered at 100.05: 10000 less its fee of 0.050025, and 0.95 of rise on 0.5.
        assert (day.pnl, day.flow, day.opening_equity) == (ZERO, ZERO, Decimal("10000.424975"))
        line = curve(reader, account, epoch_of(reader, account), NOW_MS, midnight)
        assert (line.opening, line.gain) == (line.whole[0], Decimal("199.5"))


def test_an_epoch_that_was_emptied_and_one_that_had_nothing_to_take_out(store: Store) -> None:
    def reset(epoch: int, cash: str) -> None:
        emptied = [CashMoved(account_id=1, amount=-Decimal(cash), note="reset")] * (cash != "0")
        events: list[Event] = [*emptied, EpochStarted(account_id=1, epoch=epoch)]
        store.write(lambda writer: writer.record([Recorded(event, NOW_MS) for event in events]))

    reset(2, "10000")
    reset(3, "0")
    with store.read() as reader:
        account = reader.accounts()[0]
        first, second, third = (epoch_of(reader, account, number) for number in (1, 2, None))
        assert [step.flow for step in history(reader, account, first).money] == [Decimal(10_000)]
        assert history(reader, account, second).money == []
        assert history(reader, account, third).money == []
        assert curve(reader, account, second, NOW_MS) == Curve(())
    assert (first.until_seq, second.after_seq, second.until_seq, third.until_seq) == (2, 4, 4, None)
    assert Curve(()).gain == 0
