"""What a trade cost beside the same trade without costs: by hand, and by the law that the two differ by the costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.changes import close_trade, void_trade
from papertrade.engine.market import Candle, Quote, Side
from papertrade.engine.messages import Cause, EntryFilled, ExitFilled, Liquidity, Refusal, TradeEvent
from papertrade.engine.order_book import BookLevel, OrderBook
from papertrade.engine.state import evolve
from papertrade.engine.step import Rules, open_trade
from papertrade.engine.trade import Flag, Funding, Trade
from papertrade.reports.marks import Mark
from papertrade.reports.trade_costs import TradeCosts, spread_of, trade_costs
from papertrade.reports.trade_view import view
from tests.engine.deals import RICH, opening_of
from tests.engine.tables import deal_of

D = Decimal
CANDLE = Candle(open_ms=0, interval_ms=60_000, open=D(100), high=D(101), low=D(99), close=D(100))


def quote(bid: str, ask: str) -> Quote:
    return Quote(at_ms=60_000, last=D(bid), bid=D(bid), ask=D(ask))


def at_quotes(
    text: str, rules: Rules, opened_at: Quote, closed_at: Quote | None, book: OrderBook | None = None
) -> tuple[Trade, list[TradeEvent]]:
    """Open a trade at one quote and close it at another, if there is one."""
    entry = open_trade(replace(opening_of(deal_of(text)), quote=opened_at, book=book), rules)
    assert isinstance(entry, EntryFilled), entry
    trade = evolve(None, entry)
    events: list[TradeEvent] = [entry]
    if closed_at is not None:
        left = close_trade(trade, D(1), closed_at.mark(trade.side), closed_at, 60_000)
        assert not isinstance(left, Refusal), left
        events += left
        for event in left:
            trade = evolve(trade, event)
    return trade, events


def costs_of(trade: Trade, events: Sequence[TradeEvent], mark: str | None = None) -> TradeCosts:
    seen = None if mark is None else Mark(price=D(mark), at_ms=60_000)
    costs = trade_costs(view(trade, "main", seen, 60_000), events)
    assert costs is not None
    return costs


def test_a_round_trip_by_hand() -> None:
    """Bid 99, ask 101, 2 bought: 10 bps make 101 to 101.101; sold at 109 less 10 bps; the middles are 100 and 110."""
    rules = Rules(maker=D("0.001"), taker=D("0.001"), slippage_bps=D(10))
    costs = costs_of(*at_quotes("long 2 at 100", rules, quote("99", "101"), quote("109", "111")))
    fees = D("0.202202") + D("0.217782")
    slippage = D("0.202") + D("0.218")
    assert costs == TradeCosts(
        fees=fees,
        slippage=slippage,
        spread=D(4),
        spread_unknown=0,
        funding=None,
        borrow=None,
        total=fees + slippage + 4,
        costless=D(20),
    )
    assert costs.not_modelled == ("funding", "borrow")


def test_an_open_trade_counts_to_its_mark() -> None:
    costs = costs_of(*at_quotes("short 2 at 100", Rules(), quote("99", "101"), None), mark="95")
    assert (costs.fees, costs.slippage, costs.spread, costs.costless) == (D("0.198"), D(0), D(2), D(10))
    unseen = costs_of(*at_quotes("short 2 at 100", Rules(), quote("99", "101"), None))
    assert (unseen.total, unseen.costless) == (costs.total, None)


def test_a_walked_book_counts_from_its_best_price() -> None:
    book = OrderBook(at_ms=0, bids=(), asks=(BookLevel(D(101), D(1)), BookLevel(D(103), D(1))))
    costs = costs_of(*at_quotes("long 2 at 100", Rules(taker=D(0)), quote("99", "101"), None, book), mark="100")
    assert (costs.fees, costs.slippage, costs.spread) == (D(0), D(2), D(2))
    assert costs.costless == 0


def test_what_is_modelled_is_a_number_and_what_is_not_is_named() -> None:
    rules = Rules(funding=Funding(D("0.0001"), 28_800_000))
    trade, events = at_quotes("long 1 at 100", rules, quote("100", "100"), None)
    costs = costs_of(replace(trade, funding=D("0.7"), borrow_cost=D("0.2")), events)
    assert (costs.funding, costs.borrow, costs.not_modelled) == (D("0.5"), None, ("borrow",))
    both = replace(trade.order, terms=replace(trade.order.terms, borrow=D("0.05")))
    costs = costs_of(replace(trade, order=both, funding=D("-0.3"), borrow_cost=D("0.2")), events)
    assert (costs.funding, costs.borrow, costs.not_modelled) == (D("-0.5"), D("0.2"), ())
    assert costs.total == costs.fees - D("0.3")


def test_neither_what_was_never_entered_nor_what_is_void_cost_anything() -> None:
    trade, events = at_quotes("long 1 at 100", Rules(), quote("99", "101"), None)
    void = void_trade(trade, RICH, "wrong", 60_000)
    assert not isinstance(void, Refusal), void
    after = evolve(trade, void)
    assert Flag.VOID in after.flags
    assert trade_costs(view(after, "main", None, 60_000), [*events, void]) is None


SPREADS = [
    # bid, ask, liquidity, quantity, cost
    ("99", "101", "taker", "2", "2"),
    ("99", "101", "maker", "2", "0"),
    ("100", "100", "taker", "2", "0"),
    ("101", "99", "taker", "2", "0"),
    ("0.00000001", "0.00000002", "taker", "1", "0.00000001"),
    ("0.00000001", "0.00000002", "taker", "3", "0.00000002"),
]


@pytest.mark.parametrize(("bid", "ask", "liquidity", "quantity", "cost"), SPREADS)
def test_the_spread_of_a_fill(bid: str, ask: str, liquidity: str, quantity: str, cost: str) -> None:
    cause = Cause(rule="x", raw_price=D(1), quote=quote(bid, ask))
    assert spread_of(cause, Liquidity(liquidity), D(quantity)) == D(cost)


def test_a_spread_that_nobody_saw_is_not_known() -> None:
    of_candle = Cause(rule="x", raw_price=D(100), candle=CANDLE)
    of_last = Cause(rule="x", raw_price=D(100), quote=Quote(at_ms=0, last=D(100), bid=D(99)))
    of_the_user = Cause(rule="x", raw_price=D(100))
    assert spread_of(of_candle, Liquidity.TAKER, D(1)) is None
    assert spread_of(of_last, Liquidity.TAKER, D(1)) is None
    assert spread_of(of_candle, Liquidity.MAKER, D(1)) == 0
    assert spread_of(of_the_user, Liquidity.TAKER, D(1)) == 0


def test_unknown_spreads_are_counted_and_known_ones_summed() -> None:
    trade, events = at_quotes("long 2 at 100", Rules(), quote("99", "101"), quote("99", "101"))
    left = events[1]
    assert isinstance(left, ExitFilled)
    unseen = replace(left, cause=Cause(rule="x", raw_price=D(99), candle=CANDLE))
    one, none = costs_of(trade, [events[0], unseen]), costs_of(trade, [unseen])
    assert (one.spread, one.spread_unknown) == (D(2), 1)
    assert (none.spread, none.spread_unknown) == (None, 1)


prices = st.integers(9_000, 11_000)
halves = st.integers(0, 300)


@given(
    side=st.sampled_from(["long", "short"]),
    middles=st.tuples(prices, prices),
    half=halves,
    quantity=st.integers(1, 500),
    bps=st.integers(0, 100),
    step=st.sampled_from(["0.01", "0.5", "0"]),
)
@settings(deadline=None)
def test_without_costs_a_round_trip_makes_what_the_middle_moved(
    side: str, middles: tuple[int, int], half: int, quantity: int, bps: int, step: str
) -> None:
    """Exactly: what fees, slippage with its rounding, and the spread took is what the middles' own move lacks."""
    first, last = (D(middle) / 100 for middle in middles)
    gap = D(half) / 100
    rules = Rules(taker=D("0.001"), slippage_bps=D(bps), leverage=D(1))
    seen = [Quote(at_ms=60_000, last=at, bid=at - gap, ask=at + gap) for at in (first, last)]
    with_quantity = f"{side} {D(quantity) / 10} at 100" + (f" step {step}" if step != "0" else "")
    trade, events = at_quotes(with_quantity, rules, seen[0], seen[1])
    costs = costs_of(trade, events)
    assert costs.costless is not None
    moved = Fraction(last - first) * Side(side).sign * Fraction(quantity, 10)
    assert abs(Fraction(costs.costless) - moved) <= Fraction(5, 10**8)
    assert costs.total == costs.costless - trade.realized
    assert min(costs.fees, costs.slippage, costs.spread or D(0)) >= 0
