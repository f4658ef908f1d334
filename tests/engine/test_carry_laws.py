"""What must hold of funding, interest and maintenance whatever the deal and the tape; the oracle says the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.account import postings
from papertrade.engine.armed import reach
from papertrade.engine.changes import close_trade
from papertrade.engine.market import Candle, Quote
from papertrade.engine.messages import CostCharged, ExitFilled, Refusal, TradeEvent
from papertrade.engine.money import ZERO, exact
from papertrade.engine.state import evolve
from papertrade.engine.step import open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import Status, Trade
from tests.engine.carried import carried_deals
from tests.engine.deals import MINUTE, bars, candle_of, happenings, opened, opening_of, play, rules_of
from tests.engine.oracle import Bar, Deal, Exits, Happening, judge
from tests.engine.test_touch_against_oracle import as_entered
from tests.engine.test_touch_laws import reaches, reread


@st.composite
def stories(draw: st.DrawFn, *, with_changes: bool = False) -> tuple[Deal, list[Bar]]:
    """Draw a deal that the engine accepts, and the candles after it."""
    deal, begins = draw(carried_deals(with_changes=with_changes))
    assume(not isinstance(open_trade(opening_of(deal), rules_of(deal)), Refusal))
    return deal, draw(bars(first_ms=begins))


def shown(trade: Trade, candles: list[Candle]) -> tuple[Trade, list[TradeEvent]]:
    events: list[TradeEvent] = []
    for candle in candles:
        trade, more = touch(trade, candle)
        events.extend(more)
    return trade, events


def without_nets(happened: list[Happening]) -> list[Happening]:
    return [replace(one, net=Fraction(0)) for one in happened]


@settings(max_examples=350)
@given(stories(with_changes=True))
def test_rule_equals_oracle_to_the_last_digit(story: tuple[Deal, list[Bar]]) -> None:
    deal, tape = story
    _, events = play(deal, [candle_of(bar) for bar in tape])
    assert happenings(events) == without_nets(judge(as_entered(deal), tape))


@settings(max_examples=250)
@given(stories(with_changes=True))
def test_finder_and_rule_equal_the_rule_on_every_candle(story: tuple[Deal, list[Bar]]) -> None:
    deal, tape = story
    candles = [candle_of(bar) for bar in tape]
    assert play(deal, candles, found=lambda trade, candle: reaches(reach(trade), candle)) == play(deal, candles)


@settings(max_examples=150)
@given(stories(), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6))
def test_how_a_tape_is_polled_changes_nothing(story: tuple[Deal, list[Bar]], polls: list[tuple[int, int]]) -> None:
    deal, tape = story
    candles = [candle_of(bar) for bar in tape]
    at_once = shown(opened(deal), candles)
    trade, events, done = opened(deal), list[TradeEvent](), 0
    for back, forward in polls:
        trade, more = shown(trade, candles[max(done - back, 0) : done + forward])
        events += more
        done = min(done + forward, len(candles))
    trade, more = shown(trade, candles[done:])
    assert (trade, events + more) == at_once


@settings(max_examples=300)
@given(stories(), st.sampled_from([Decimal("0.3"), Decimal(1)]), st.integers(1, 12 * MINUTE))
def test_the_ledger_and_the_trade_agree_and_no_more_than_the_reserve_is_lost(
    story: tuple[Deal, list[Bar]], fraction: Decimal, after_ms: int
) -> None:
    deal, tape = story
    first = open_trade(opening_of(deal), rules_of(deal))
    assert not isinstance(first, Refusal)
    trade, events = shown(evolve(None, first), [candle_of(bar) for bar in tape])
    at_ms = max(trade.applied_to, trade.opened_at or 0) + after_ms
    by_hand = close_trade(trade, fraction, Decimal(100), Quote(at_ms=at_ms, last=Decimal(100)), at_ms)
    every = [first, *events, *(() if isinstance(by_hand, Refusal) else by_hand)]
    books: dict[str, Decimal] = {}
    again: Trade | None = None
    entered = ZERO
    with exact():
        for event in every:
            lines = postings(event)
            assert sum((line.amount for line in lines), ZERO) == 0
            for line in lines:
                books[line.book] = books.get(line.book, ZERO) + line.amount
            again = evolve(again, reread(event))
            assert again.reserve >= 0
            assert again.reserve == books.get("reserved", ZERO)
            entered = max(entered, again.reserve)
        assert again is not None
        spent = books.get("realized_pnl", ZERO) + books.get("fees", ZERO) + books.get("funding", ZERO)
        assert again.realized - again.entry_fee_left - again.funding_left == -spent
        assert again.funding == books.get("funding", ZERO)
        assert again.funding - again.funding_left == sum(
            (event.funding_share for event in every if isinstance(event, ExitFilled)), ZERO
        )
        assert again.funding == sum((event.amount for event in every if isinstance(event, CostCharged)), ZERO)
        received = sum((-e.amount for e in every if isinstance(e, CostCharged) and e.amount < 0), ZERO)
        if again.status is Status.CLOSED:
            assert again.realized >= received - entered - again.entry_fee
            assert again.funding_left == again.reserve == 0


@settings(max_examples=150)
@given(stories())
def test_without_rates_nothing_is_charged_and_without_a_maintenance_rate_all_is_as_before(
    story: tuple[Deal, list[Bar]],
) -> None:
    deal, tape = story
    deal = replace(deal, funding=None, borrow=None)
    assume(not isinstance(open_trade(opening_of(deal), rules_of(deal)), Refusal))
    trade, events = shown(opened(deal), [candle_of(bar) for bar in tape])
    assert not any(isinstance(event, CostCharged) for event in events)
    assert (trade.funding, trade.funding_left, trade.borrow_cost) == (ZERO, ZERO, ZERO)
    assert (trade.funded_to, trade.borrowed_to) == (None, None)


@settings(max_examples=150)
@given(stories())
def test_a_higher_maintenance_rate_never_liquidates_later(story: tuple[Deal, list[Bar]]) -> None:
    deal, _ = story
    lower, higher = replace(deal, maintenance=Fraction(0)), replace(deal, maintenance=Fraction(1, 100))
    assume(not isinstance(open_trade(opening_of(higher), rules_of(higher)), Refusal))
    nearer, farther = (evolve_first(one).liquidation_price for one in (higher, lower))
    sign = 1 if deal.side == "long" else -1
    assert farther is None or (nearer is not None and (nearer - farther) * sign >= 0)


def evolve_first(deal: Deal) -> Trade:
    """Open a deal at once, whatever it would wait for."""
    return opened(replace(deal, entry="market", expires_ms=None, exits=Exits()))
