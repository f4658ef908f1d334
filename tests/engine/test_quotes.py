"""What quotes do to trades in a blind stretch: jumps at the price seen, flagged, with nothing reached behind them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.engine.account import AccountBook, posted
from papertrade.engine.market import Quote
from papertrade.engine.messages import CashMoved
from papertrade.engine.money import exact
from papertrade.engine.step import open_trade
from papertrade.engine.touch import touch
from tests.engine.deals import opened, opening_of, rules_of
from tests.engine.tables import candles_of, deal_of, told

D = Decimal
LONG = "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5"
LIMIT = "long 1 limit 98 sl 95 tp 104 expires 5m"


def quote(price: str, at_ms: int = 90_000) -> Quote:
    """A quote whose last price nobody may use: the bid is given, the ask is one higher."""
    return Quote(at_ms=at_ms, last=D(1_000), bid=D(price), ask=D(price) + 1)


@pytest.mark.parametrize(
    ("sentence", "trade", "bid", "happens"),
    [
        ("a long leaves at the bid it sees, beyond its stop", LONG, "93", "stop_loss 1 at 93 90000ms observed"),
        ("a bid at the stop touches it", LONG, "95", "stop_loss 1 at 95 90000ms observed"),
        ("a bid past a target takes it at its level", LONG, "111", "take_profit 0.5 at 110 90000ms observed"),
        ("a bid between the levels does nothing", LONG, "100", ""),
        ("a short leaves at the ask", "short 1 at 100 sl 105", "105", "stop_loss 1 at 106 90000ms observed"),
        ("a short whose stop only the bid would miss stays", "short 1 at 100 sl 105", "103.9", ""),
        ("a limit fills when the ask reaches it", LIMIT, "97", "entry 1 at 98 90000ms observed"),
        ("a limit whose price only the bid has reached waits", LIMIT, "98", ""),
        ("a bid under the stop at the fill ends it at once", LIMIT, "94", "entry 1 at 98 90000ms observed; "
         "stop_loss 1 at 94 90000ms observed"),
        ("a stop entry fills at the ask", "long 1 stop 102", "102", "entry 0.99 at 103 90000ms observed shrunk"),
        ("an expired entry ends before it can fill", "long 1 limit 98 expires 1m", "97", "expired 90000ms observed"),
    ],
)  # fmt: skip
def test_quote_table(sentence: str, trade: str, bid: str, happens: str) -> None:
    _, events = touch(opened(deal_of(trade)), quote(bid))
    assert told(events) == happens, sentence


def test_candles_that_turn_up_after_a_quote_decided_do_not_reach_behind_it() -> None:
    trade, _ = touch(opened(deal_of(LIMIT)), quote("97"))
    minutes = candles_of("100 101 90 97 | 97 99 90 98 | 98 98 94 96")
    trade, events = touch(trade, minutes[0])
    assert events == ()
    trade, events = touch(trade, minutes[1])
    assert events == ()
    trade, events = touch(trade, minutes[2])
    assert told(events) == "stop_loss 1 at 95 end2"


def test_a_minute_in_which_a_quote_took_a_target_shows_only_its_close() -> None:
    trade, _ = touch(opened(deal_of(LONG)), quote("111"))
    trade, events = touch(trade, candles_of("- | 100 112 90 108")[0])
    assert events == ()
    trade, events = touch(trade, candles_of("- | 100 112 90 94")[0])
    assert told(events) == "stop_loss 0.5 at 94 end1"


def test_an_ended_trade_sees_nothing() -> None:
    trade, _ = touch(opened(deal_of(LONG)), quote("93"))
    assert touch(trade, quote("1")) == (trade, ())


def test_books_after_events_add_up() -> None:
    book = AccountBook(account_id=1, name="main", currency="USDT")
    deal = deal_of("long 1 at 100 sl 95 fee 0.001")
    entry = open_trade(opening_of(deal), rules_of(deal))
    for event in (CashMoved(account_id=1, amount=D(500)), entry, *touch(opened(deal), quote("93"))[1]):
        book = posted(book, event)  # type: ignore[arg-type]
    with exact():
        assert (book.cash, book.reserved, book.capital) == (D("492.807"), D(0), D(500))
        assert book.realized == D("-7.193")
        assert book.balance == book.cash
