"""Plain sell orders: what leaves which trade, oldest first, exactly; and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.account import AccountBook, posted
from papertrade.engine.changes import cancel_trade, close_trade
from papertrade.engine.market import Quote
from papertrade.engine.messages import CashMoved, Cause, CostCharged, ExitFilled, LevelsChanged, Refusal, TradeEvent
from papertrade.engine.money import CONTEXT, ONE, ZERO, plain
from papertrade.engine.orders import Selling, SellOrder, is_plain_order, sell
from papertrade.engine.outlook import outlook
from papertrade.engine.state import evolve
from papertrade.engine.step import Rules
from papertrade.engine.touch import touch
from papertrade.engine.trade import Trade
from tests.engine.test_outlook import opened

RULES = Rules()
BID = Decimal(100)


def bought(*quantities: str) -> list[Trade]:
    return [opened(quantity=q, source="order", trade_id=n) for n, q in enumerate(quantities, start=1)]


def decide(
    trades: Sequence[Trade],
    quantity: str | None = None,
    *,
    limit: str | None = None,
    notional: str | None = None,
    bid: Decimal = BID,
) -> tuple[CostCharged | ExitFilled, ...] | tuple[LevelsChanged, ...] | Refusal:
    order = SellOrder(
        symbol="BTCUSDT",
        quantity=None if quantity is None else Decimal(quantity),
        notional=None if notional is None else Decimal(notional),
        limit=None if limit is None else Decimal(limit),
    )
    quote = Quote(at_ms=40_000, last=Decimal("100.01"), bid=bid, ask=Decimal("100.02"))
    return sell(Selling(order=order, trades=trades, quote=quote, at_ms=40_000), RULES)


def after(trades: Sequence[Trade], decided: Sequence[TradeEvent] | Refusal) -> list[Trade]:
    """Return the trades after what was decided."""
    assert not isinstance(decided, Refusal), decided
    by_id = {trade.id: trade for trade in trades}
    for event in decided:
        by_id[event.trade_id] = evolve(by_id[event.trade_id], event)
    return list(by_id.values())


def refused(decided: Sequence[TradeEvent] | Refusal) -> tuple[str, str]:
    assert isinstance(decided, Refusal)
    return decided.code, decided.message


def promised(trade: Trade) -> dict[str, str]:
    return {plain(fill.cause.raw_price): plain(fill.quantity) for fill in outlook(trade).targets}


NOW = [
    ("1.5", ["0", "1.5"]),
    ("1", ["0", "2"]),
    ("0.5", ["0.5", "2"]),
    ("3", ["0", "0"]),
    ("2.97", ["0", "0"]),  # what is left, 0.03, is under the minimum of 5: it goes too
    ("1.0009", ["0", "2"]),  # rounded down to the step
    (None, ["0", "0"]),
]


@pytest.mark.parametrize(("quantity", "left"), NOW)
def test_a_sell_at_the_market_takes_the_oldest_first(quantity: str | None, left: list[str]) -> None:
    trades = bought("1", "2")
    assert [t.open_quantity for t in after(trades, decide(trades, quantity))] == [Decimal(q) for q in left]


def test_a_sell_at_the_market_shows_the_quote_it_saw() -> None:
    decided = decide(bought("1"))
    assert isinstance(decided, tuple)
    (event,) = decided
    assert isinstance(event, ExitFilled)
    quote = Quote(at_ms=40_000, last=Decimal("100.01"), bid=BID, ask=Decimal("100.02"))
    assert event.cause == Cause(rule="5 closed by hand", raw_price=BID, quote=quote)


def test_a_piece_of_an_order_may_be_small_where_the_order_is_not() -> None:
    trades = bought("1", "2")
    assert [t.open_quantity for t in after(trades, decide(trades, "1.001"))] == [Decimal(0), Decimal("1.999")]


def test_an_amount_of_cash_is_sold_at_the_bid() -> None:
    trades = bought("1", "2")
    (first, second) = after(trades, decide(trades, notional="150"))
    assert (first.exit_price, second.open_quantity) == (BID, Decimal("1.5"))


def test_only_plain_longs_are_sold() -> None:
    mine, signals, short = bought("1")[0], opened(trade_id=2), opened("short", source="order", trade_id=3)
    waiting = opened(source="order", trade_id=4, entry=("limit", "95"))
    assert [is_plain_order(t) for t in (mine, signals, short, waiting)] == [True, False, False, True]
    everything = [mine, signals, short, waiting]
    assert [t.open_quantity for t in after(everything, decide(everything))] == [
        Decimal(0),
        Decimal(1),
        Decimal(1),
        Decimal(0),
    ]
    assert refused(decide([signals, short, waiting], "1")) == (
        "insufficient_holdings",
        "cannot sell `1` of BTCUSDT: plain orders hold `0`; not touched, because signals opened them: "
        "`2` (long 1 of test:2), `3` (short 1 of order:3)",
    )
    assert refused(decide([]))[1] == "cannot sell BTCUSDT: plain orders hold `0`"


@pytest.mark.parametrize(
    ("held", "hint"),
    [
        ((), "papertrade buy BTCUSDT"),
        (("0.5",), "papertrade sell BTCUSDT --quantity 0.5"),
        (("1", "2"), "papertrade sell BTCUSDT --quantity 3"),
    ],
)
def test_what_can_be_sold_instead_is_hinted(held: tuple[str, ...], hint: str) -> None:
    refusal = decide(bought(*held), "4")
    assert isinstance(refusal, Refusal)
    assert refusal.hint == hint


def test_more_than_is_held_is_refused() -> None:
    assert refused(decide(bought("1", "2"), "3.001"))[1] == "cannot sell `3.001` of BTCUSDT: plain orders hold `3`"
    assert refused(decide(bought("1"), notional="200"))[1] == "cannot sell `2` of BTCUSDT: plain orders hold `1`"


@pytest.mark.parametrize("quantity", ["0.0001", "0.049"])
def test_less_than_the_minimum_is_refused(quantity: str) -> None:
    code, message = refused(decide(bought("1"), quantity))
    assert (code, message.endswith("is under the instrument's minimum, `0.05`")) == ("below_minimum", True)


def test_all_that_is_held_is_sold_even_where_it_has_become_less_than_the_minimum() -> None:
    trades, bid = bought("0.05", "0.05"), Decimal(40)  # 0.1 at 40 is 4, under the minimum of 5
    assert [t.open_quantity for t in after(trades, decide(trades, "0.1", bid=bid))] == [Decimal(0), Decimal(0)]
    assert refused(decide(trades, "0.05", bid=bid))[0] == "below_minimum"


def test_a_limit_at_the_bid_fills_now_as_a_taker() -> None:
    trades = bought("1")
    decided = decide(trades, limit="100.009")  # on the step: 100
    assert isinstance(decided, tuple)
    assert [type(event) for event in decided] == [ExitFilled]


def test_a_limit_above_the_bid_becomes_targets() -> None:
    trades = after(bought("1", "3"), decide(bought("1", "3"), "2", limit="105"))
    assert [promised(t) for t in trades] == [{"105": "1"}, {"105": "1"}]
    trades = after(trades, decide(trades, "0.5", limit="105"))
    trades = after(trades, decide(trades, "1", limit="103"))
    assert promised(trades[1]) == {"103": "1", "105": "1.5"}
    trades = after(trades, decide(trades, limit="110"))
    assert promised(trades[1]) == {"103": "1", "105": "1.5", "110": "0.5"}
    levels = trades[1].ruling.levels
    assert levels is not None
    assert sum((t.fraction for t in levels.targets), ZERO) == ONE
    assert refused(decide(trades, "1", limit="120"))[1] == (
        "cannot sell `1` of BTCUSDT: plain orders hold `4`, `4` of it is promised to other targets"
    )


def test_a_new_target_counts_from_the_next_whole_minute_and_keeps_the_stop() -> None:
    trades = [opened("long", "95", source="order")]
    (trade,) = after(trades, decide(trades, "0.5", limit="105"))
    assert trade.ruling.levels is not None
    assert (trade.ruling.from_ms, trade.ruling.levels.stop) == (60_000, Decimal(95))


def test_a_piece_too_small_to_stand_alone_is_refused_for_later() -> None:
    assert refused(decide(bought("1", "2"), "1.01", limit="105")) == (
        "below_minimum",
        "the piece of it on trade `2`, `0.01`, is under the instrument's minimum, `0.048`",
    )


def test_what_is_free_but_too_small_is_not_promised() -> None:
    trades = bought("1", "2")
    trades = after(trades, decide(trades, "0.96", limit="105"))
    assert [promised(t) for t in trades] == [{"105": "1"}, {}]  # 0.04 at 105 is under the minimum: it goes with it
    trades = [opened("long", None, ("115:0.3", "105:0.66"), source="order"), *bought("1", "2")[1:]]
    trades = after(trades, decide(trades, "1", limit="110"))
    assert [promised(t) for t in trades] == [{"105": "0.66", "115": "0.34"}, {"110": "1"}]


def test_filled_targets_are_left_out_of_a_new_ruling() -> None:
    trades = bought("3")
    trades = after(trades, decide(trades, "1", limit="105"))
    (trade, _) = touch(trades[0], Quote(at_ms=70_000, last=Decimal(105)))
    assert trade.open_quantity == 2
    order = SellOrder(symbol="BTCUSDT", limit=Decimal(105))
    quote = Quote(at_ms=80_000, last=Decimal(104))
    (again,) = after([trade], sell(Selling(order=order, trades=[trade], quote=quote, at_ms=80_000), RULES))
    assert promised(again) == {"105": "2"}


@given(
    bought_steps=st.lists(st.integers(100, 50_000), min_size=1, max_size=4),
    asked=st.lists(st.tuples(st.integers(100, 20_000), st.integers(101, 120)), min_size=1, max_size=4),
)
def test_every_waiting_sell_comes_out_whole(bought_steps: list[int], asked: list[tuple[int, int]]) -> None:
    trades = bought(*(str(CONTEXT.divide(Decimal(n), Decimal(1000))) for n in bought_steps))
    expected: dict[Decimal, Decimal] = {}
    for steps, price in asked:
        quantity = CONTEXT.divide(Decimal(steps), Decimal(1000))
        decided = decide(trades, str(quantity), limit=str(price))
        done = () if isinstance(decided, Refusal) else decided
        trades = after(trades, done)
        expected[Decimal(price)] = expected.get(Decimal(price), Decimal(0)) + (quantity if done else Decimal(0))
    left = sum((t.open_quantity for t in trades), Decimal(0))
    for level in sorted(expected):
        trades = [touch(t, Quote(at_ms=100_000 + int(level), last=level))[0] for t in trades]
        now = sum((t.open_quantity for t in trades), ZERO)
        # A rest under the minimum of 5 goes with its piece, which may then be missing further up.
        dust = CONTEXT.divide(Decimal(5 * len(trades)), Decimal(100))
        assert abs(CONTEXT.subtract(CONTEXT.subtract(left, now), expected[level])) <= dust
        left = now


def test_the_books_after_an_event_are_those_of_its_postings() -> None:
    book = AccountBook(account_id=1, name="main", currency="USDT")
    book = posted(book, CashMoved(account_id=1, amount=Decimal(1000)))
    waiting = opened(entry=("limit", "95"))
    ended = cancel_trade(waiting, "", 40_000)
    assert not isinstance(ended, Refusal)
    assert (book.cash, book.capital, book.balance) == (Decimal(1000), Decimal(1000), Decimal(1000))
    trade = bought("1")[0]
    events = close_trade(trade, Decimal(1), Decimal(110), None, 50_000)
    assert not isinstance(events, Refusal)
    after_exit = posted(book, events[0])
    assert (after_exit.cash, after_exit.reserved) == (Decimal("1109.89"), Decimal(-100))
    assert after_exit.realized == Decimal("9.89")
    assert posted(book, ended).cash == Decimal("1095.095")
