"""Funding and interest live and in backtests: one engine, however the market was looked at, and books that add up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from papertrade.engine.account import postings
from papertrade.engine.market import HOUR_MS, Candle, Side
from papertrade.engine.messages import CostCharged, CostKind, ExitFilled, TradeEvent
from papertrade.engine.money import ZERO, exact, from_units
from papertrade.engine.own_costs import OwnCosts
from papertrade.engine.signal import ExitWish, Signal, parse_level, parse_size, parse_target
from papertrade.engine.state import evolve
from papertrade.engine.step import Rules
from papertrade.engine.touch import touch
from papertrade.engine.trade import Funding, Status, Trade
from papertrade.feeds.candle_series import series_of
from papertrade.runs.backtest import BacktestRequest, BacktestResult, backtest
from papertrade.runs.backtest_report import equity_of, report_of
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import close_one
from papertrade.runs.differences import Reason
from papertrade.runs.tick import tick
from papertrade.store.rows import EventFilter
from tests.engine.deals import happenings, without_money
from tests.engine.oracle import Bar, Deal, judge
from tests.engine.test_carry_laws import stories
from tests.runs.desk import Desk, candle, desk_at, flat
from tests.runs.test_backtest_against_oracle import life, placed, request_of
from tests.runs.told import told

D = Decimal
FUNDING = Funding(D("0.0005"), 8 * HOUR_MS)
RULES = Rules(leverage=D(5), funding=FUNDING, borrow=D("0.2"), maintenance=D("0.005"))


@settings(max_examples=200, deadline=None)
@given(stories())
def test_backtest_equals_oracle_on_any_tape(story: tuple[Deal, list[Bar]]) -> None:
    deal, tape = story
    result = backtest(request_of(deal, tape))
    assume(result.trades)
    expected = judge(placed(deal, tape, result.trades[0]), tape)
    assert happenings(life(result)) == without_money(expected)


def hours(seed: int, days: int = 12) -> list[Candle]:
    """Return a random walk of hours, a few of them missing."""
    chance, price, made = random.Random(seed), 1000, []
    for number in range(days * 24):
        last = max(100, price + chance.randint(-12, 12))
        high, low = max(price, last) + chance.randint(0, 6), min(price, last) - chance.randint(0, 6)
        if chance.random() > 0.08:
            first, top, bottom, close = (D(p) / 10 for p in (price, high, low, last))
            at = number * HOUR_MS
            made.append(Candle(open_ms=at, interval_ms=HOUR_MS, open=first, high=top, low=bottom, close=close))
        price = last
    return made


def ideas(candles: Sequence[Candle], seed: int) -> list[Signal]:
    chance = random.Random(seed)
    return [
        Signal(
            source="test",
            external_id=str(number),
            symbol="BTCUSDT",
            side=chance.choice([Side.LONG, Side.SHORT]),
            made_at_ms=chance.choice(candles[:-30]).open_ms,
            exits=ExitWish(parse_level("6%"), (parse_target("5%:0.5"), parse_target("9%:0.5"))),
            size=parse_size("notional", "500"),
        )
        for number in range(20)
    ]


@pytest.fixture(scope="module", params=[1, 2, 3])
def run(request: pytest.FixtureRequest) -> tuple[BacktestResult, list[Candle]]:
    candles = hours(request.param)
    asked = BacktestRequest(
        signals=ideas(candles, request.param), candles={"BTCUSDT": series_of("BTCUSDT", HOUR_MS, candles)}, rules=RULES
    )
    return backtest(asked), candles


def of_trade(result: BacktestResult, number: int) -> list[TradeEvent]:
    return [booked.event for booked in result.booked if booked.event.trade_id == number]


def test_eight_hour_funding_is_what_the_rule_charges_candle_by_candle(run: tuple[BacktestResult, list[Candle]]) -> None:
    result, candles = run
    charged = 0
    for trade in result.trades:
        first, *events = of_trade(result, trade.id)
        again, expected = evolve(None, first), list[TradeEvent]()
        for one in candles:
            again, more = touch(again, one)
            expected += more
        assert events == expected
        assert again == trade
        charged += sum(isinstance(event, CostCharged) for event in events)
    assert charged > 100


def test_the_books_of_a_backtest_add_up(run: tuple[BacktestResult, list[Candle]]) -> None:
    result, _ = run
    trades, book = result.trades, result.book
    curve = equity_of(result)
    with exact():
        for booked in result.booked:
            assert sum((line.amount for line in postings(booked.event)), ZERO) == 0
        assert book.cash + book.reserved == book.capital + book.realized
        assert book.reserved == sum((trade.reserve for trade in trades), ZERO)
        assert book.realized == sum((t.realized - t.entry_fee_left - t.funding_left for t in trades), ZERO)
        last = from_units(int(curve.equity[-1]))
        mark = result.series["BTCUSDT"].price(result.series["BTCUSDT"].close, -1)
        assert last == book.cash + book.reserved + sum((trade.unrealized(mark) for trade in trades), ZERO)
    costs = report_of(result, curve).costs
    closed = [trade for trade in trades if trade.status is Status.CLOSED]
    assert costs.funding == sum((trade.funding for trade in closed), ZERO) != 0
    assert costs.borrow_cost == sum((trade.borrow_cost for trade in closed), ZERO) > 0


def test_a_ranking_is_asked_without_what_holding_costs() -> None:
    own = OwnCosts(name="BTCUSDT", taker=D(0), funding=FUNDING, borrow=D(1))
    request = BacktestRequest(signals=[], candles={}, rules=replace(RULES, symbol_costs=(own,)))
    assert request.rules.has_carry
    assert not request.unrestrained().rules.has_carry
    assert request.unrestrained().rules.symbol_costs[0].taker == 0


def minutes() -> list[Candle]:
    """Return minutes around 100, two of them missing."""
    chance = random.Random(5)
    made = []
    for number in range(40):
        low, high = 100 - chance.randint(0, 3), 100 + chance.randint(0, 3)
        made.append(candle(number, f"{chance.randint(low, high)} {high} {low} {chance.randint(low, high)}"))
    return [one for number, one in enumerate(made) if number not in (10, 25)]


def carried(desk: Desk, rules: Rules) -> Desk:
    return replace(desk, world=replace(desk.world, rules=rules))


def events_of(desk: Desk) -> list[TradeEvent]:
    with desk.world.store.read() as reader:
        rows = reader.events(EventFilter(trade_id=1))
    return [row.event for row in rows if isinstance(row.event, TradeEvent)]


@pytest.mark.parametrize("every", [1, 7, 39])
def test_how_often_somebody_looks_changes_no_charge(tmp_path: Path, every: int) -> None:
    rules = Rules(leverage=D(5), funding=Funding(D("0.001"), 300_000), borrow=D(2))
    with desk_at(tmp_path, {"AAAUSDT": minutes()}) as plain:
        desk = carried(plain, rules)
        trade = desk.long(sl="90", tp="120")
        first = desk.clock.at_ms
        for number in range(every, 40, every):
            desk.clock.at_ms = first + number * 60_000
            tick(desk.world)
        desk.clock.at_ms = first + 39 * 60_000
        tick(desk.world)
        again, expected = trade, list[TradeEvent]()
        for one in minutes()[:-1]:
            again, more = touch(again, one)
            expected += more
        assert events_of(desk)[1:] == expected
        assert desk.trade() == again
        assert [event.kind for event in expected if isinstance(event, CostCharged)] == [CostKind.FUNDING] * 7
        assert desk.world.store.check().is_sound
        report = told(desk)
        assert (report.compared, report.differences) == (1, ())


def test_a_close_by_hand_is_charged_to_its_own_instant(tmp_path: Path) -> None:
    rules = Rules(leverage=D(5), funding=Funding(D("0.001"), 300_000), borrow=D(2))
    with desk_at(tmp_path, {"AAAUSDT": minutes()}) as plain:
        desk = carried(plain, rules)
        desk.long(sl="90", tp="120")
        desk.clock.at_ms += 5 * 60_000
        done = close_one(desk.world, 1, D("0.5"), catch_up(desk.world, ["AAAUSDT"]))
        assert done.change is not None
        *charges, left = done.change.events
        assert isinstance(left, ExitFilled)
        assert done.change.deed == left
        assert [charge.to_ms for charge in charges if isinstance(charge, CostCharged)] == [
            desk.clock.at_ms - 30_000,  # the funding time, whose minute is not final yet
            desk.clock.at_ms,
        ]
        desk.clock.at_ms += 60_000
        tick(desk.world)
        assert isinstance(events_of(desk)[-1], ExitFilled)
        assert desk.world.store.check().is_sound
        report = told(desk)
        assert (report.compared, report.differences) == (1, ())


def test_a_symbol_has_rates_of_its_own(tmp_path: Path) -> None:
    own = OwnCosts(name="AAAUSDT", funding=Funding(D("0.002"), 600_000), borrow=D("0.5"))
    with desk_at(tmp_path) as plain:
        trade: Trade = carried(plain, Rules(symbol_costs=(own,))).long()
    assert (trade.order.terms.funding, trade.order.terms.borrow) == (own.funding, own.borrow)


def test_a_corrected_open_at_a_funding_time_is_found(tmp_path: Path) -> None:
    rules = Rules(funding=Funding(D("0.01"), 300_000))
    with desk_at(tmp_path, {"AAAUSDT": flat(10)}) as plain:
        desk = carried(plain, rules)
        desk.long(sl="90", tp="120")
        desk.clock.at_ms += 6 * 60_000
        tick(desk.world)
        assert desk.trade().funding == 1
        desk.tape["AAAUSDT"][5] = candle(5, "102 102 100 100")
        report = told(desk)
    assert [(d.field, d.recorded, d.replayed) for d in report.differences] == [
        ("funding", D(1), D("1.02")),
        ("liquidation_price", D("1.001001001001001001"), D("1.021021021021021021")),
        ("reserve", D(99), D("98.98")),
        ("charges[1].amount", D(1), D("1.02")),
        ("charges[1].notional", D(100), D(102)),
    ]
    assert {d.reason for d in report.differences} == {Reason.CANDLE_CORRECTED}
