"""Laws of a trade that is taken back: its postings cancel book by book, and nothing else in the books moves."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.account import Book, postings
from papertrade.engine.changes import ExitChange, cancel_trade, close_trade, modify_trade, void_trade
from papertrade.engine.market import Quote
from papertrade.engine.messages import CashMoved, Refusal, TradeEvent, TradeVoided
from papertrade.engine.money import ZERO, exact
from papertrade.engine.state import evolve
from papertrade.engine.step import Rules, open_trade
from papertrade.engine.trade import Flag, Status, Trade
from tests.engine.carried import carried_deals
from tests.engine.deals import MINUTE, RICH, deals, opened, opening_of, rules_of
from tests.engine.oracle import Deal
from tests.engine.test_money_laws import Input, World, apply, inputs


@dataclass
class Kept(World):
    """A world that also remembers what each trade posted to each book."""

    own: dict[int, dict[Book, Decimal]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))

    def record_trade(self, event: TradeEvent) -> None:
        super().record_trade(event)
        with exact():
            for line in postings(event):
                self.own[event.trade_id][line.book] += line.amount


@dataclass(frozen=True)
class Void:
    """Take a trade back, whatever became of it."""

    which: int


costly = carried_deals(with_changes=False).map(lambda drawn: drawn[0])
steps = st.one_of(inputs, costly, st.builds(Void, st.integers(0, 5)))


def take_back(world: Kept, which: int) -> None:
    """Void a trade, and check that this undid its own postings and nobody else's."""
    if not world.trades:
        return
    trade = list(world.trades.values())[which % len(world.trades)]
    before = dict(world.books)
    own = dict(world.own[trade.id])
    decided = void_trade(trade, world.account, "wrong", world.at_ms)
    if isinstance(decided, Refusal):
        assert decided.code in ("already_void", "already_ended", "insufficient_funds")
        return
    world.record_trade(decided)
    with exact():
        assert set(world.own[trade.id].values()) <= {ZERO}
        for book in Book:
            assert world.books[book] == before.get(book, ZERO) - own.get(book, ZERO)


def played(sequence: list[Input | Void]) -> Kept:
    world = Kept()
    world.record(CashMoved(account_id=1, amount=Decimal(1000)))
    for one in sequence:
        if isinstance(one, Void):
            take_back(world, one.which)
        else:
            apply(world, one)
        world.check()
    return world


@settings(max_examples=200)
@given(st.lists(steps, max_size=25))
def test_a_void_undoes_its_own_postings_book_by_book(sequence: list[Input | Void]) -> None:
    played(sequence)


@settings(max_examples=100)
@given(st.lists(st.one_of(costly, inputs), max_size=12), st.permutations(range(12)))
def test_when_all_is_taken_back_only_deposits_are_left(sequence: list[Input | Void], order: list[int]) -> None:
    world = played(sequence)
    world.record(CashMoved(account_id=1, amount=Decimal(10**9)))  # so that gains that were spent can be given back
    for which in order:
        take_back(world, which)
    account = world.account
    assert (account.reserved, account.realized, account.cash) == (ZERO, ZERO, account.capital)
    assert all(
        Flag.VOID in t.flags or t.status in (Status.CANCELLED, Status.EXPIRED, Status.REJECTED)
        for t in world.trades.values()
    )


@settings(max_examples=50)
@given(deals(with_changes=False))
def test_nothing_can_be_done_to_a_void_trade(deal: Deal) -> None:
    event = open_trade(opening_of(deal), rules_of(deal))
    assume(not isinstance(event, Refusal))
    assert not isinstance(event, Refusal)
    trade = evolve(None, event)
    decided = void_trade(trade, RICH, "wrong", deal.at_ms)
    assert isinstance(decided, TradeVoided)
    void = evolve(trade, decided)
    price = Decimal(100)
    refused = [
        close_trade(void, Decimal(1), price, Quote(at_ms=deal.at_ms, last=price), deal.at_ms),
        cancel_trade(void, "", deal.at_ms),
        modify_trade(void, ExitChange(keeps_targets=False), price, deal.at_ms, Rules()),
        void_trade(void, RICH, "again", deal.at_ms),
    ]
    assert [decision.code for decision in refused if isinstance(decision, Refusal)] == ["already_ended"] * 3 + [
        "already_void"
    ]
    with pytest.raises(ValueError, match="is void already"):
        evolve(void, decided)
    assert (void.realized, void.fees, void.slippage, void.reserve, void.open_quantity) == (ZERO,) * 5
    assert void.exit_price == void.entry_price


def test_a_trade_of_another_epoch_and_a_gain_that_is_gone_are_refused() -> None:
    trade = _held()
    assert _code(void_trade(trade, replace(RICH, epoch=2), "wrong", MINUTE)) == "earlier_epoch"
    won = close_trade(trade, Decimal(1), Decimal(110), Quote(at_ms=MINUTE, last=Decimal(110)), MINUTE)
    assert not isinstance(won, Refusal)
    for event in won:
        trade = evolve(trade, event)
    poor = replace(RICH, cash=Decimal("9.99"))
    refused = void_trade(trade, poor, "wrong", MINUTE)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.details) == (
        "insufficient_funds",
        {"need": "10", "have": "9.99", "shortfall": "0.01"},
    )
    assert isinstance(void_trade(trade, replace(RICH, cash=Decimal(10)), "wrong", MINUTE), TradeVoided)


def _held() -> Trade:
    return opened(Deal("long", "market", Fraction(100), Fraction(1), 0))


def _code(decided: TradeVoided | Refusal) -> str:
    return decided.code if isinstance(decided, Refusal) else "done"
