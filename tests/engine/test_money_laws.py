"""Laws of money: postings sum to zero, the equity identity, reserves that end at 0, profit that parts cannot change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.account import AccountBook, Book, postings, withdraw
from papertrade.engine.changes import ExitChange, cancel_trade, close_trade, modify_trade
from papertrade.engine.market import Quote, Side
from papertrade.engine.messages import CashMoved, EntryFilled, Event, ExitFilled, Refusal, TradeEvent
from papertrade.engine.money import ZERO, exact
from papertrade.engine.signal import Size, SizeKind, parse_level
from papertrade.engine.state import evolve
from papertrade.engine.step import Rules, open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import Status, Trade
from tests.engine.deals import MINUTE, RICH, bars, candle_of, deals, dec, opened, opening_of, rules_of
from tests.engine.oracle import Bar, Deal, Exits, Wish

UNIT = Decimal("0.00000001")


@dataclass
class World:
    """One account whose ledger is folded from postings alone, and its trades."""

    books: dict[Book, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    trades: dict[int, Trade] = field(default_factory=dict)
    price: Decimal = Decimal(100)
    at_ms: int = 0

    @property
    def account(self) -> AccountBook:
        with exact():
            spent = self.books[Book.REALIZED_PNL] + self.books[Book.FEES] + self.books[Book.FUNDING]
            return AccountBook(
                account_id=1,
                name="main",
                currency="USDT",
                cash=self.books[Book.CASH],
                reserved=self.books[Book.RESERVED],
                capital=-self.books[Book.CAPITAL],
                realized=-spent,
            )

    @property
    def live(self) -> list[Trade]:
        return [trade for trade in self.trades.values() if trade.status.is_live]

    def record(self, event: Event) -> None:
        with exact():
            lines = postings(event)
            assert sum(line.amount for line in lines) == 0
            for line in lines:
                self.books[line.book] += line.amount

    def record_trade(self, event: TradeEvent) -> None:
        self.record(event)
        self.trades[event.trade_id] = evolve(self.trades.get(event.trade_id), event)

    def check(self) -> None:
        account = self.account
        trades = list(self.trades.values())
        with exact():
            unrealized = sum((trade.unrealized(self.price) for trade in trades), ZERO)
            equity = account.cash + account.reserved + unrealized
            assert equity == account.capital + account.realized + unrealized
            assert account.cash >= 0
            assert account.reserved == sum(trade.reserve for trade in trades)
            assert account.realized == sum(t.realized - t.entry_fee_left - t.funding_left for t in trades)
            for trade in trades:
                assert trade.status.is_live or (trade.reserve == 0 and trade.open_quantity == 0)


@dataclass(frozen=True)
class Cash:
    amount: int


@dataclass(frozen=True)
class Close:
    which: int
    percent: int


@dataclass(frozen=True)
class Cancel:
    which: int


@dataclass(frozen=True)
class Modify:
    which: int
    stop: int


Input = Deal | Cash | Close | Cancel | Modify | Bar
indices = st.integers(0, 5)
inputs = st.one_of(
    deals(with_changes=False),
    bars(most=1).map(lambda tape: tape[0]),
    bars(most=1).map(lambda tape: tape[0]),
    st.builds(Cash, st.integers(-300, 300).filter(bool)),
    st.builds(Close, indices, st.sampled_from([10, 33, 50, 100])),
    st.builds(Cancel, indices),
    st.builds(Modify, indices, st.integers(90, 110)),
)


def apply(world: World, given_input: Input) -> None:
    """Drive one input through step or touch, and record what comes of it."""
    quote = Quote(at_ms=world.at_ms, last=world.price)
    match given_input:
        case Deal() as deal:
            opening = replace(opening_of(deal), trade_id=len(world.trades) + 1, account=world.account)
            opening = replace(opening, at_ms=world.at_ms, signal=replace(opening.signal, expires_at_ms=None))
            opening = replace(opening, quote=quote if deal.entry == "market" else None)
            record_unless_refused(world, open_trade(opening, rules_of(deal)))
        case Cash(amount=amount) if amount > 0:
            world.record(CashMoved(account_id=1, amount=Decimal(amount)))
        case Cash(amount=amount):
            moved = withdraw(world.account, Decimal(-amount), "")
            world.record(moved) if isinstance(moved, CashMoved) else None
        case Bar() as bar:
            candle = candle_of(replace(bar, open_ms=world.at_ms - world.at_ms % MINUTE))
            for trade in world.live:
                for event in touch(trade, candle)[1]:
                    world.record_trade(event)
            world.price, world.at_ms = candle.close, candle.end_ms + 30_000
        case Close() if world.live:
            trade = world.live[given_input.which % len(world.live)]
            fraction = Decimal(given_input.percent) / 100
            record_unless_refused(world, close_trade(trade, fraction, quote.mark(trade.side), quote, world.at_ms))
        case Cancel() if world.live:
            record_unless_refused(world, cancel_trade(world.live[given_input.which % len(world.live)], "", world.at_ms))
        case Modify() if world.live:
            trade = world.live[given_input.which % len(world.live)]
            change = ExitChange(stop=parse_level(str(given_input.stop)), keeps_stop=False)
            record_unless_refused(world, modify_trade(trade, change, world.price, world.at_ms, Rules()))
        case _:
            pass


def record_unless_refused(world: World, decided: TradeEvent | Sequence[TradeEvent] | Refusal) -> None:
    events = decided if isinstance(decided, Sequence) else () if isinstance(decided, Refusal) else (decided,)
    for event in events:
        world.record_trade(event)


@settings(max_examples=200)
@given(st.lists(inputs, max_size=25))
def test_equity_identity_after_any_inputs(sequence: list[Input]) -> None:
    world = World()
    world.record(CashMoved(account_id=1, amount=Decimal(1000)))
    for one in sequence:
        apply(world, one)
        world.check()


@settings(max_examples=100)
@given(st.lists(inputs, max_size=15))
def test_cash_comes_back_when_everything_has_ended(sequence: list[Input]) -> None:
    world = World()
    world.record(CashMoved(account_id=1, amount=Decimal(1000)))
    for one in sequence:
        apply(world, one)
    for trade in world.live:
        quote = Quote(at_ms=world.at_ms, last=world.price)
        ending = (
            cancel_trade(trade, "", world.at_ms)
            if trade.status is Status.PENDING
            else close_trade(trade, Decimal(1), world.price, quote, world.at_ms)
        )
        record_unless_refused(world, ending)
    world.check()
    account = world.account
    with exact():
        assert account.reserved == 0
        assert account.cash == account.balance
        assert account.realized == sum(trade.realized for trade in world.trades.values())


def entered(side: str, entry: int, quantity: str, **more: Fraction) -> Trade:
    step = more.pop("quantity_step", Fraction(1, 10**8))
    return opened(Deal(side, "market", Fraction(entry), Fraction(quantity), 0, quantity_step=step, **more))  # type: ignore[arg-type]


def closed(trade: Trade, fraction: Decimal, price: Decimal) -> tuple[Trade, ExitFilled]:
    events = close_trade(trade, fraction, price, Quote(at_ms=1, last=price), 1)
    assert not isinstance(events, Refusal)
    (event,) = events
    assert isinstance(event, ExitFilled)
    return evolve(trade, event), event


prices = st.decimals("50", "199", places=6)
quantities = st.decimals("0.001", "10", places=8).map(str)


@given(st.integers(100, 200), prices, quantities)
def test_long_from_a_to_b_earns_what_short_from_a_to_b_loses(entry: int, price: Decimal, quantity: str) -> None:
    long, _ = closed(entered("long", entry, quantity), Decimal(1), price)
    short, _ = closed(entered("short", entry, quantity), Decimal(1), price)
    assert long.gross == -short.gross


@given(st.integers(100, 200), prices, quantities, st.lists(st.integers(1, 99), max_size=6))
def test_leaving_in_parts_changes_profit_by_a_unit_a_part_at_most(
    entry: int, price: Decimal, quantity: str, percents: list[int]
) -> None:
    rates = {"maker": Fraction(1, 1000), "taker": Fraction(1, 1000)}
    whole, _ = closed(entered("long", entry, quantity, **rates), Decimal(1), price)
    trade, parts = entered("long", entry, quantity, **rates), 0
    for percent in [*percents, 100]:
        if trade.status is Status.OPEN:
            trade, _ = closed(trade, Decimal(percent) / 100, price)
            parts += 1
    assert trade.open_quantity == trade.reserve == trade.entry_fee_left == 0
    assert abs(trade.gross - whole.gross) <= UNIT * parts
    assert 0 <= trade.fees - whole.fees <= UNIT * parts
    with exact():
        assert trade.realized == trade.gross - trade.fees


@settings(max_examples=300)
@given(
    st.sampled_from(["long", "short"]),
    st.integers(1, 2000),
    st.integers(1, 40),
    st.sampled_from(["1", "0.001", "0.00000001"]).map(Fraction),
    st.sampled_from([0, 5, 50]),
)
def test_a_clean_stop_out_loses_the_stated_risk_within_a_quantity_step(
    side: str, amount: int, distance: int, step: Fraction, bps: int
) -> None:
    sign = Side(side).sign
    deal = Deal(
        side,
        "market",
        Fraction(100),
        Fraction(1),
        0,
        Exits(Wish("price", Fraction(100 - sign * distance))),
        maker=Fraction(1, 1000),
        taker=Fraction(1, 1000),
        slippage_bps=Fraction(bps),
        price_step=Fraction(1, 100),
        quantity_step=step,
    )
    opening = replace(opening_of(deal), size=Size(SizeKind.RISK_AMOUNT, Decimal(amount)), account=RICH)
    event = open_trade(opening, rules_of(deal))
    assume(isinstance(event, EntryFilled))
    assert isinstance(event, EntryFilled)
    stop = Fraction(100 - sign * distance)
    low, high = sorted((stop, Fraction(100)))
    trade, _ = touch(evolve(None, event), candle_of(Bar(0, MINUTE, Fraction(100), high, low, stop)))
    assert trade.status is Status.CLOSED
    a_step = dec(step) * (distance + Decimal(2))
    assert amount - a_step <= -trade.realized <= amount + 2 * UNIT
