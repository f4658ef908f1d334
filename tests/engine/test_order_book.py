"""Walking an order book: exact, best levels first, never more than is there; orders that walk it, by hand, by law."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.book_fills import depth_of, filled_of
from papertrade.engine.changes import close_trade
from papertrade.engine.messages import EntryFilled, ExitFilled, Refusal
from papertrade.engine.order_book import BookLevel, OrderBook, walk
from papertrade.engine.orders import Selling, SellOrder, sell
from papertrade.engine.own_costs import OwnCosts, without_fees
from papertrade.engine.signal import Size, SizeKind
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.trade import Flag, Funding, Terms
from tests.engine.deals import opening_of
from tests.engine.tables import deal_of

D = Decimal


def levels(text: str) -> tuple[BookLevel, ...]:
    """Read `100.5x1 101x4`."""
    pairs = [part.split("x") for part in text.split()]
    return tuple(BookLevel(D(price), D(quantity)) for price, quantity in pairs)


BOOK = OrderBook(at_ms=0, bids=levels("99.5x2 99x5"), asks=levels("100.5x1 101x4 102x10"))
WALKING = Rules(maker=D(0), taker=D(0), walks_book=True)


@pytest.mark.parametrize(
    ("wanted", "taken", "quantity", "notional"),
    [
        ("1", "100.5x1", "1", "100.5"),
        ("3", "100.5x1 101x2", "3", "302.5"),
        ("5", "100.5x1 101x4", "5", "504.5"),
        ("100", "100.5x1 101x4 102x10", "15", "1524.5"),
        ("0", "", "0", "0"),
    ],
)
def test_a_walk_takes_the_best_levels_first(wanted: str, taken: str, quantity: str, notional: str) -> None:
    found = walk(BOOK.asks, D(wanted))
    assert (found.taken, found.quantity, found.notional) == (levels(taken), D(quantity), D(notional))


@pytest.mark.parametrize(
    ("bids", "asks", "why"),
    [
        ("99x1 99.5x1", "", "not in the order"),
        ("99x1 99x1", "", "not in the order"),
        ("", "101x1 100x1", "not in the order"),
        ("100x1", "100x1", "crossed"),
        ("0x1", "", "not above 0"),
        ("", "100x0", "not above 0"),
        ("NaNx1", "", "no number"),
        ("", "100xInfinity", "no number"),
    ],
)
def test_a_book_that_cannot_be_is_refused(bids: str, asks: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        OrderBook(at_ms=0, bids=levels(bids), asks=levels(asks))


def test_the_spread_needs_both_sides() -> None:
    assert BOOK.spread == D(1)
    assert replace(BOOK, bids=()).spread is None


def opening(text: str, book: OrderBook = BOOK, **change: object) -> Opening:
    return replace(opening_of(deal_of(text)), book=book, **change)  # type: ignore[arg-type]


def opened(text: str, rules: Rules = WALKING, book: OrderBook = BOOK, **change: object) -> EntryFilled | Refusal:
    event = open_trade(opening(text, book, **change), rules)
    assert isinstance(event, EntryFilled | Refusal)
    return event


def entered(text: str, rules: Rules = WALKING, book: OrderBook = BOOK, **change: object) -> EntryFilled:
    event = opened(text, rules, book, **change)
    assert isinstance(event, EntryFilled), event
    return event


def test_a_buy_pays_the_mean_of_the_asks_that_it_takes() -> None:
    event = entered("long 3 at 100 sl 90 step 0.01")
    assert (event.quantity, event.price, event.slippage) == (D(3), D("100.84"), D("1.02"))
    assert (event.cause.raw_price, event.cause.walked) == (D("100.5"), levels("100.5x1 101x2"))


def test_a_short_gets_the_mean_of_the_bids() -> None:
    event = entered("short 3 at 100 sl 110 step 0.01")
    assert (event.quantity, event.price) == (D(3), D("99.33"))


def test_what_the_depth_does_not_hold_is_left_out_or_refused() -> None:
    event = entered("long 40 at 100 sl 90")
    assert event.quantity == D(15)
    assert event.order is not None
    assert Flag.THIN_BOOK in event.order.flags
    refused = opened("long 40 at 100 sl 90", replace(WALKING, refuses_thin_book=True))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.details) == ("thin_book", {"need": "40", "available": "15"})


def test_a_book_that_holds_it_all_is_not_thin() -> None:
    event, left = entered("long 15 at 100 sl 90"), closed("7", "1")
    assert event.order is not None
    assert isinstance(left, ExitFilled)
    assert (event.quantity, event.order.flags, left.quantity, left.flags) == (D(15), (), D(7), ())


def test_an_empty_book_fills_nothing() -> None:
    refused = opened("long 1 at 100", book=OrderBook(at_ms=0, bids=(), asks=()))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.hint) == ("thin_book", "wait, or use a limit")


@pytest.mark.parametrize(
    ("sentence", "text", "entry"),
    [
        ("a stop over the best ask is wrong before anything is walked", "long 15 at 100 sl 100.5", "100"),
        ("a target over the best ask may be under the mean of what is taken", "long 15 at 100 tp 100.5", "101"),
    ],
)
def test_levels_are_checked_at_the_best_price_and_at_the_mean(sentence: str, text: str, entry: str) -> None:
    refused = opened(text, book=OrderBook(at_ms=0, bids=(), asks=levels("100x5 101x5 102x5")))
    assert isinstance(refused, Refusal), sentence
    assert (refused.code, f"entry `{entry}`" in refused.message) == ("wrong_side", True), sentence


def test_a_size_by_risk_loses_no_more_than_meant() -> None:
    event = entered("long 1 at 100 sl 97", size=Size(SizeKind.RISK_AMOUNT, D(50)))
    lost = (event.price - 97) * event.quantity
    assert D(45) < lost <= D(50)


def test_a_limit_takes_nothing_beyond_its_price() -> None:
    base = opening_of(deal_of("long 8 at 100 sl 90"))
    signal = replace(base.signal, entry_price=D(101), entry_type=type(base.signal.entry_type)("limit"))
    event = open_trade(replace(base, signal=signal, book=BOOK, quote=replace(base.quote, last=D(100))), WALKING)  # type: ignore[type-var]
    assert isinstance(event, EntryFilled)
    assert (event.quantity, event.cause.walked) == (D(5), levels("100.5x1 101x4"))


def closed(quantity: str, fraction: str, *, is_refusing: bool = False) -> ExitFilled | Refusal:
    trade = evolve(None, entered(f"long {quantity} at 100"))
    quote = opening_of(deal_of("long 1 at 100")).quote
    assert quote is not None
    depth = depth_of(BOOK, False, None, is_refusing=is_refusing)
    events = close_trade(trade, D(fraction), D(100), quote, 60_000, (), depth)
    return events if isinstance(events, Refusal) else next(e for e in events if isinstance(e, ExitFilled))


def test_a_close_gets_the_bids_and_what_they_do_not_take_stays_open() -> None:
    event = closed("3", "1")
    assert isinstance(event, ExitFilled)
    assert (event.quantity, event.price, event.is_final) == (D(3), (D(199) + 99) / 3 // D("1e-18") * D("1e-18"), True)
    thin = closed("10", "1")
    assert isinstance(thin, ExitFilled)
    assert (thin.quantity, thin.is_final, thin.flags) == (D(7), False, (Flag.THIN_BOOK,))
    refused = closed("10", "1", is_refusing=True)
    assert isinstance(refused, Refusal)
    assert refused.code == "thin_book"


def test_a_sell_walks_on_from_trade_to_trade() -> None:
    trades = [replace(evolve(None, entered("long 3 at 100")), id=number) for number in (1, 2)]
    trades = [replace(t, order=replace(t.order, signal_key=f"order:{t.id}")) for t in trades]
    quote = opening_of(deal_of("long 1 at 100")).quote
    assert quote is not None
    selling = Selling(order=SellOrder(symbol="BTCUSDT"), trades=trades, quote=quote, at_ms=60_000, book=BOOK)
    events = sell(selling, WALKING)
    assert not isinstance(events, Refusal)
    walked = [e.cause.walked for e in events if isinstance(e, ExitFilled)]
    assert walked == [levels("99.5x2 99x1"), levels("99x3")]
    assert [e.flags for e in events if isinstance(e, ExitFilled)] == [(), ()]
    refused = sell(
        replace(selling, book=replace(BOOK, bids=levels("99.5x1"))), replace(WALKING, refuses_thin_book=True)
    )
    assert isinstance(refused, Refusal)
    assert refused.code == "thin_book"


asks = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 40)), min_size=1, max_size=8).map(
    lambda pairs: tuple(
        BookLevel(D(100) + sum(step for step, _ in pairs[: at + 1]), D(quantity) / 4)
        for at, (_, quantity) in enumerate(pairs)
    )
)


@given(asks, st.integers(1, 400), st.integers(1, 400))
def test_a_larger_order_never_gets_a_better_price(side: tuple[BookLevel, ...], one: int, other: int) -> None:
    small, large = sorted((D(one) / 4, D(other) / 4))
    assert walk(side, small).average <= walk(side, large).average
    assert walk(side, large).average >= side[0].price


@given(asks, st.integers(1, 400), st.integers(1, 400))
def test_two_parts_take_what_the_whole_takes(side: tuple[BookLevel, ...], one: int, other: int) -> None:
    depth = depth_of(OrderBook(at_ms=0, bids=(), asks=side), True, None, is_refusing=False)
    first = walk(depth.levels, D(one) / 4)
    rest = walk(depth.beyond(first.quantity).levels, D(other) / 4)
    whole = walk(depth.levels, D(one) / 4 + D(other) / 4)
    assert (first.quantity + rest.quantity, first.notional + rest.notional) == (whole.quantity, whole.notional)


@given(asks, st.integers(1, 400))
def test_no_more_is_filled_than_is_there(side: tuple[BookLevel, ...], wanted: int) -> None:
    depth = depth_of(OrderBook(at_ms=0, bids=(), asks=side), True, None, is_refusing=False)
    filled = filled_of(D(wanted), depth, Terms(quantity_step=D("0.25")), "X")
    assert isinstance(filled, Refusal) or filled == min(D(wanted), depth.quantity)


def test_a_symbols_own_costs_beat_its_venues_and_those_the_general_ones() -> None:
    rules = Rules(
        venue_costs=(OwnCosts(name="test", maker=D("0.0002"), taker=D("0.0005"), slippage_bps=D(3)),),
        symbol_costs=(
            OwnCosts(name="BTCUSDT", taker=D(0), funding=Funding(D("0.0001"), 28_800_000), borrow=D("0.05")),
            OwnCosts(name="OTHER", maker=D("0.1")),
        ),
    )
    instrument = opening_of(deal_of("long 1 at 100")).instrument
    terms = rules.terms(instrument)
    assert (terms.maker, terms.taker, terms.slippage_bps) == (D("0.0002"), D(0), D(3))
    assert (terms.funding, terms.borrow) == (Funding(D("0.0001"), 28_800_000), D("0.05"))
    other = rules.terms(replace(instrument, venue="else", symbol="ETHUSDT"))
    assert (other.maker, other.taker, other.funding) == (D("0.001"), D("0.001"), None)


def test_what_is_said_for_all_leaves_out_single_costs() -> None:
    own = OwnCosts(name="X", maker=D(1), taker=D(2), slippage_bps=D(3), borrow=D(4))
    assert without_fees([own], maker=True, taker=False, slippage=True) == (OwnCosts(name="X", taker=D(2), borrow=D(4)),)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 50))
def test_higher_costs_never_leave_more(bps: int, more: int, quantity: int) -> None:
    """A round trip in one candle: more slippage or a higher fee never gives a better result."""
    results = []
    for slip, rate in ((bps, D("0.001")), (bps + more, D("0.001")), (bps + more, D("0.002"))):
        rules = Rules(taker=rate, slippage_bps=D(slip))
        event = open_trade(opening_of(deal_of(f"long {quantity} at 100 step 0.01")), rules)
        assert isinstance(event, EntryFilled)
        trade = evolve(None, event)
        left = close_trade(trade, D(1), D(100), None, 60_000)
        assert not isinstance(left, Refusal)
        results.append(sum(Fraction(e.realized) for e in left if isinstance(e, ExitFilled)))
    assert results == sorted(results, reverse=True)


def test_the_side_of_a_short_is_the_bids() -> None:
    assert depth_of(BOOK, False, D("99.2"), is_refusing=True).levels == levels("99.5x2")
