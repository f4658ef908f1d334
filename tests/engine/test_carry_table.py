"""What holding a trade costs, as a table of sentences: the trade, the minutes, and what must happen.

How the short texts are read is said in `tables.py`; a charge is told with its amount. 52.56 a year are 0.01 % a
minute, so that interest can be checked by hand. Every row is checked against the engine and against the oracle.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine.armed import reach
from papertrade.engine.changes import close_trade
from papertrade.engine.conventions import DecidedBy
from papertrade.engine.market import Quote
from papertrade.engine.messages import CostCharged, CostKind, ExitFilled, Refusal
from papertrade.engine.state import evolve
from papertrade.engine.step import open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import Trade
from tests.engine.deals import MINUTE, candle_of, happenings, opened, opening_of, play, rules_of, without_money
from tests.engine.oracle import judge
from tests.engine.tables import bar_at, deal_of, tape_of, told, trade_of

QUIET = "100 101 99 100"
DAY = 1440 * MINUTE
D = Decimal

ROWS: list[tuple[str, str, str, str]] = [
    # funding: who pays, and when
    (
        "a long pays at the open of the funding time",
        "long 1 at 100 fund 0.01 every 2m",
        f"{QUIET} | {QUIET} | 102 103 101 102",
        "funding 1.02 open2",
    ),
    (
        "a short receives what a long pays",
        "short 1 at 100 fund 0.01 every 2m",
        f"{QUIET} | {QUIET} | 102 103 101 102",
        "funding -1.02 open2",
    ),
    ("below 0 a long receives", "long 1 at 100 fund -0.01 every 1m", f"{QUIET} | {QUIET}", "funding -1 open1"),
    ("below 0 a short pays", "short 1 at 100 fund -0.01 every 1m", f"{QUIET} | {QUIET}", "funding 1 open1"),
    (
        "a trade entered at the funding time does not pay for it",
        "long 1 at 100 opened 2m fund 0.01 every 2m",
        f"- | - | {QUIET} | {QUIET} | 104 104 104 104",
        "funding 1.04 open4",
    ),
    (
        "a trade entered a millisecond before pays",
        "long 1 at 100 opened 119999ms fund 0.01 every 2m",
        f"- | {QUIET} | 104 104 104 104",
        "funding 1.04 open2",
    ),
    (
        "an entry inside the minute before pays",
        "long 1 limit 98 fund 0.01 every 1m",
        "100 101 97 98 | 99 100 98.5 99",
        "entry 1 at 98 end0; funding 0.99 open1",
    ),
    (
        "an entry at that very open does not",
        "long 1 limit 98 fund 0.01 every 1m",
        f"{QUIET} | 97 98 96 97 | 97 98 96 97",
        "entry 1 at 98 open1; funding 0.97 open2",
    ),
    (
        "three funding times in one absence are paid at the price after it",
        "long 1 at 100 fund 0.01 every 1m",
        f"{QUIET} | - | - | 103 104 102 103",
        "funding 1.03 open3; funding 1.03 open3; funding 1.03 open3",
    ),
    (
        "a funding time within a minute is paid at the next open",
        "long 1 at 100 fund 0.01 every 90s",
        f"{QUIET} | {QUIET} | 102 103 101 102",
        "funding 1.02 open2",
    ),
    (
        "or before an exit inside that minute, at the price of the exit",
        "long 1 at 100 sl 95 fund 0.01 every 90s",
        f"{QUIET} | 100 101 94 96",
        "funding 0.95 end1; stop_loss 1 at 95 end1",
    ),
    (
        "what is paid is rounded up at 1e-8: 0.7 x 101.23456789 x 0.0001 = 0.0070864197523",
        "long 0.7 at 100 fund 0.0001 every 1m",
        f"{QUIET} | 101.23456789 102 101 101.5",
        "funding 0.00708642 open1",
    ),
    (
        "what is received is rounded down",
        "short 0.7 at 100 fund 0.0001 every 1m",
        f"{QUIET} | 101.23456789 102 101 101.5",
        "funding -0.00708641 open1",
    ),
    (
        "after a part has left, only the rest pays",
        "long 1 at 100 tp 110:0.5 tp 130:0.5 fund 0.01 every 1m",
        "100 110.5 99 105 | 105 106 104 105",
        "take_profit 0.5 at 110 end0; funding 0.525 open1",
    ),
    # before anything else at that open
    (
        "before a gap through the stop",
        "long 1 at 100 sl 95 fund 0.01 every 1m",
        f"{QUIET} | 90 91 89 90",
        "funding 0.9 open1; stop_loss 1 at 90 open1",
    ),
    (
        "before a time limit",
        "long 1 at 100 time 1m fund 0.01 every 1m",
        f"{QUIET} | {QUIET}",
        "funding 1 open1; time_limit 1 at 100 open1",
    ),
    (
        "before a gap through the target",
        "short 1 at 100 tp 90 fund 0.01 every 1m",
        f"{QUIET} | 85 86 84 85",
        "funding -0.85 open1; take_profit 1 at 90 open1",
    ),
    # the reserve
    (
        "paid 4.8 of 10, liquidated at 94.8; paid twice, at 99.6: the open is beyond it",
        "long 1 at 100 lev 10 fund 0.05 every 1m",
        f"{QUIET} | 96 97 95 96 | 96 97 95 96",
        "funding 4.8 open1; funding 4.8 open2; liquidation 1 at 96 open2",
    ),
    (
        "also where a stop that is jumped past fills at its level: the new one was never there to fill at",
        "long 1 at 100 lev 10 fund 0.05 every 1m gap_stop level",
        f"{QUIET} | 96 97 95 96 | 96 97 95 96",
        "funding 4.8 open1; funding 4.8 open2; liquidation 1 at 96 open2",
    ),
    (
        "a short pays 5.25 of 10: its liquidation comes from 110 to 104.75, and the open is beyond it",
        "short 1 at 100 lev 10 fund -0.05 every 1m",
        f"{QUIET} | 105 105 103 104",
        "funding 5.25 open1; liquidation 1 at 105 open1",
    ),
    (
        "a winner pays no more than the reserve that is left",
        "long 1 at 100 lev 10 fund 0.06 every 1m",
        f"{QUIET} | 120 121 119 120 | 120 121 119 120 | 120 121 119 120",
        "funding 7.2 open1; funding 2.8 open2; funding 0 open3",
    ),
    (
        "a long without leverage can be liquidated once it has paid: 50 of 100",
        "long 1 at 100 fund 0.5 every 1m",
        f"{QUIET} | 100 101 49 60",
        "funding 50 open1; liquidation 1 at 50 end1",
    ),
    # interest
    (
        "a short pays interest to the millisecond, on the price it leaves at: 105 for 119.999 s",
        "short 1 at 100 sl 105 borrow 52.56",
        f"{QUIET} | 100 106 99 100",
        "borrow 0.02099983 end1; stop_loss 1 at 105 end1",
    ),
    (
        "a long with leverage 5 pays it on 80: for 59.999 s",
        "long 1 at 100 lev 5 sl 95 borrow 52.56",
        "100 101 94 99",
        "borrow 0.00799987 end0; stop_loss 1 at 95 end0",
    ),
    (
        "a long without leverage borrows nothing",
        "long 1 at 100 sl 95 borrow 52.56",
        "100 101 94 99",
        "stop_loss 1 at 95 end0",
    ),
    (
        "each part that leaves first pays for all that was open until then",
        "short 1 at 100 tp 90:0.5 tp 80:0.5 borrow 52.56",
        "100 101 89.5 95 | 95 96 79 80",
        "borrow 0.00899985 end0; take_profit 0.5 at 90 end0; borrow 0.004 end1; take_profit 0.5 at 80 end1",
    ),
    (
        "funding goes before interest",
        "short 1 at 100 time 1m fund 0.01 every 1m borrow 52.56",
        f"{QUIET} | {QUIET}",
        "funding -1 open1; borrow 0.01 open1; time_limit 1 at 100 open1",
    ),
    # maintenance
    (
        "4 % must be left: 80 / 0.96 = 83.333…, down to the step",
        "long 1 at 100 lev 5 keep 0.04 step 0.01",
        "100 101 83.34 90 | 90 91 83.33 90",
        "liquidation 1 at 83.33 end1",
    ),
    (
        "of a short: 120 / 1.04 = 115.384…, up to the step",
        "short 1 at 100 lev 5 keep 0.04 step 0.01",
        "100 115.38 99 110 | 110 115.39 109 110",
        "liquidation 1 at 115.39 end1",
    ),
    (
        "with the exit's fee: 80 / (1 - 0.001 - 0.04) = 83.42…",
        "long 1 at 100 lev 5 keep 0.04 fee 0.001 step 0.01",
        "100 101 83.42 90",
        "liquidation 1 at 83.42 end0",
    ),
    (
        "without leverage a long keeps what it has",
        "long 1 at 100 keep 0.04",
        "100 100 0.01 0.01",
        "",
    ),
]


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_carry_table(sentence: str, trade: str, minutes: str, happens: str) -> None:
    _, events = play(deal_of(trade), [candle_of(bar) for bar in tape_of(minutes)])
    assert told(events) == happens, sentence


@pytest.mark.parametrize(("sentence", "trade", "minutes", "happens"), ROWS, ids=[row[0] for row in ROWS])
def test_oracle_agrees_with_every_row(sentence: str, trade: str, minutes: str, happens: str) -> None:
    deal, tape = deal_of(trade), tape_of(minutes)
    _, events = play(deal, [candle_of(bar) for bar in tape])
    assert happenings(events) == without_money(judge(deal, tape)), sentence


def test_the_numbers_of_a_liquidation_by_funding() -> None:
    trade = trade_of("long 1 at 100 lev 10 fund 0.05 every 1m", f"{QUIET} | 96 97 95 96")
    assert (trade.reserve, trade.liquidation_price) == (D("5.2"), D("94.8"))
    assert (trade.funding, trade.funding_left, trade.realized) == (D("4.8"), D("4.8"), D(0))
    ended, (paid, left) = touch(trade, candle_of(bar_at(2, "96", "97", "95", "96")))
    assert isinstance(paid, CostCharged)
    assert isinstance(left, ExitFilled)
    assert (paid.amount, paid.owed, paid.notional, paid.liquidation_price) == (D("4.8"), D("4.8"), D(96), D("99.6"))
    # No more than the 0.4 that were left: of 10 reserved 9.6 were paid.
    assert (left.gross, left.reserve_released, left.funding_share) == (D("-0.4"), D("0.4"), D("9.6"))
    assert (ended.realized, ended.funding, ended.funding_left, ended.reserve) == (D(-10), D("9.6"), D(0), D(0))


def test_a_part_takes_its_share_of_what_was_paid() -> None:
    trade = trade_of("long 1 at 100 tp 110:0.25 fund 0.01 every 1m", f"{QUIET} | 100 110.5 99 105")
    assert (trade.funding, trade.funding_left, trade.reserve) == (D(1), D("0.75"), D("74.25"))
    assert trade.realized == D("2.25")  # 10 x 0.25 - 0.25


def test_a_candle_that_only_charges_has_been_seen() -> None:
    trade = trade_of("long 1 at 100 fund 0.01 every 1m", f"{QUIET} | {QUIET}")
    assert (trade.applied_to, trade.whole_from) == (2 * MINUTE, 0)


def test_at_midnight_interest_is_charged_and_the_rest_with_the_exit() -> None:
    deal = deal_of("short 1 at 100 sl 130 opened 1439m borrow 52.56")
    before, at, after = (bar_at(m, "120", "121", "119", "120") for m in (1439, 1440, 1441))
    trade, events = play(deal, [candle_of(bar) for bar in (before, at, after)])
    (charge,) = events
    assert isinstance(charge, CostCharged)
    assert (charge.kind, charge.from_ms, charge.to_ms, charge.at_ms) == (CostKind.BORROW, DAY - MINUTE, DAY, DAY)
    assert (charge.price, charge.amount, trade.borrow_cost, trade.funding) == (
        D(120),
        D("0.012"),
        D("0.012"),
        D("0.012"),
    )
    by_hand = close_trade(trade, D(1), D(130), None, DAY + 150_000)
    assert not isinstance(by_hand, Refusal)
    last, left = by_hand
    assert isinstance(last, CostCharged)
    assert isinstance(left, ExitFilled)
    assert (last.from_ms, last.to_ms, last.amount) == (DAY, DAY + 150_000, D("0.0325"))  # 130 x 0.0001 x 2.5
    assert (left.funding_share, left.realized) == (D("0.0445"), D("-30.0445"))


def test_a_long_borrows_what_is_not_its_own() -> None:
    deal = deal_of("long 1 at 100 lev 5 opened 1439m borrow 0.365")
    _, (charge,) = play(deal, [candle_of(bar_at(minute, "101", "102", "100", "101")) for minute in (1439, 1440)])
    assert isinstance(charge, CostCharged)
    assert (charge.price, charge.notional, charge.from_ms, charge.to_ms) == (D(100), D(80), DAY - MINUTE, DAY)
    assert charge.amount == D("0.00005556")  # 80 x 0.001 / 1440, rounded up at 1e-8


def test_a_close_by_hand_pays_what_is_due_by_then_at_its_own_price() -> None:
    trade = trade_of("long 1 at 100 fund 0.01 every 2m", f"{QUIET} | {QUIET}")
    early = close_trade(trade, D(1), D(104), None, 119_999)
    late = close_trade(trade, D("0.5"), D(104), Quote(at_ms=130_000, last=D(104)), 130_000)
    assert not isinstance(early, Refusal)
    assert not isinstance(late, Refusal)
    assert told(early) == "manual 1 at 104 end1"
    assert told(late) == "funding 1.04 130000ms; manual 0.5 at 104 130000ms"
    # The minute of the funding time, final only now, does not charge again.
    rest = trade
    for event in late:
        rest = evolve(rest, event)
    assert touch(rest, candle_of(bar_at(2, "102", "103", "101", "102")))[1] == ()


@pytest.mark.parametrize(
    ("trade", "ruin"), [("long 1 at 100 lev 25 keep 0.04", "100"), ("short 1 at 100 lev 20 keep 0.05", "100")]
)
def test_a_trade_that_would_be_liquidated_at_its_entry_is_refused(trade: str, ruin: str) -> None:
    deal = deal_of(trade)
    refusal = open_trade(opening_of(deal), rules_of(deal))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "over_leveraged"
    assert refusal.details["liquidation_price"] == ruin


def test_nothing_is_armed_where_no_rate_is_given() -> None:
    def armed_at(trade: str) -> int | None:
        return reach(opened(deal_of(trade))).at

    assert armed_at("long 1 at 100") is None
    assert armed_at("long 1 at 100 borrow 0.05") is None
    assert armed_at("long 1 at 100 fund 0 every 2m") is None
    assert armed_at("long 1 at 100 fund 0.01 every 2m") == 2 * MINUTE
    assert armed_at("short 1 at 100 fund 0.01 every 2m borrow 0.05 time 1m") == MINUTE
    assert armed_at("short 1 at 100 borrow 0.05") == DAY


def test_a_waiting_trade_pays_nothing() -> None:
    trade: Trade = opened(deal_of("long 1 limit 98 fund 0.01 every 2m"))
    assert reach(trade).at is None


def test_a_quote_charges_only_where_quotes_decide_or_a_part_leaves() -> None:
    trade = trade_of("long 1 at 100 sl 95 fund 0.01 every 1m", QUIET)
    assert touch(trade, Quote(at_ms=70_000, last=D(101))) == (trade, ())
    assert (
        told(touch(trade, Quote(at_ms=70_000, last=D(94)))[1])
        == "funding 0.94 70000ms; stop_loss 1 at 94 70000ms observed"
    )
    observed = replace(trade.order.terms, convention=replace(trade.order.terms.convention, decides=DecidedBy.QUOTES))
    trade = replace(trade, order=replace(trade.order, terms=observed))
    paid, events = touch(trade, Quote(at_ms=70_000, last=D(101)))
    assert told(events) == "funding 1.01 70000ms"
    assert touch(paid, Quote(at_ms=71_000, last=D(101)))[1] == ()
