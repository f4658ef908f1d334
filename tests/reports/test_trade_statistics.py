"""Statistics of closed trades: a hand-checked dozen, every empty case, and what must not change them."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.market import Side
from papertrade.engine.money import ZERO, exact, plain
from papertrade.engine.state import evolve
from papertrade.engine.trade import ExitReason
from papertrade.reports.activity import break_even_slippage, costs, exposure, holding_times
from papertrade.reports.breakdown import breakdown
from papertrade.reports.closed_trade import ClosedTrade, closed_trade
from papertrade.reports.metric import Metric, undefined
from papertrade.reports.trade_statistics import Streaks, TradeStatistics, outcomes_of, trade_statistics
from tests.reports.builders import MINUTE, a_closed_trade, an_open_trade, left

NETS = ["10", "20", "-5", "0", "-10", "-1", "30", "10"]


def statistics_of(trades: list[ClosedTrade]) -> TradeStatistics:
    return trade_statistics(outcomes_of(trades))


def in_order(nets: list[str], risk: str | None = None) -> list[ClosedTrade]:
    return [a_closed_trade(n, net, n * MINUTE, risk=risk) for n, net in enumerate(nets, 1)]


def shown(metric: Metric) -> str | None:
    return metric.reason if metric.value is None else plain(metric.value)


def test_eight_trades_by_hand() -> None:
    found = statistics_of(in_order(NETS, risk="10"))
    counts = (found.total_trades, found.winning_trades, found.losing_trades, found.break_even_trades)
    assert counts == (8, 4, 3, 1)
    sums = (found.net_profit, found.gross_profit, found.gross_loss)
    assert sums == (Decimal(54), Decimal(70), Decimal(16))
    figures = {
        "win_rate": found.win_rate,  # 4 / 7
        "profit_factor": found.profit_factor,  # 70 / 16
        "expectancy": found.expectancy,  # 54 / 8
        "expectancy_r": found.expectancy_r,  # 5.4 / 8
        "average_win": found.average_win,  # 70 / 4
        "average_loss": found.average_loss,  # 16 / 3
        "largest_win": found.largest_win,
        "largest_loss": found.largest_loss,
        "payoff": found.payoff,  # 17.5 / (16 / 3)
        "kelly": found.kelly,  # 4/7 - (3/7) / 3.28125
        "sqn": found.sqn,  # √8 · 0.675 / 1.34244
    }
    assert {name: shown(metric) for name, metric in figures.items()} == {
        "win_rate": "0.571428571429",
        "profit_factor": "4.375",
        "expectancy": "6.75",
        "expectancy_r": "0.675",
        "average_win": "17.5",
        "average_loss": "5.33333333",
        "largest_win": "30",
        "largest_loss": "10",
        "payoff": "3.28125",
        "kelly": "0.440816326531",
        "sqn": "1.42217866395",
    }
    assert (found.win_rate_percent, found.trades_with_r) == ("57.14", 8)
    assert found.streaks == Streaks(2, 2, 2)
    assert found.note == "only 8 closed trades: under 30 these figures are mostly luck"


def test_the_contract_s_example_of_a_win_rate() -> None:
    found = statistics_of(in_order(["1"] * 16 + ["-1"] * 9))
    assert (shown(found.win_rate), found.win_rate_percent) == ("0.64", "64.00")


def test_from_thirty_trades_on_there_is_no_note() -> None:
    assert statistics_of(in_order(["1"] * 30)).note is None
    assert statistics_of(in_order(["1"])).note == "only 1 closed trade: under 30 these figures are mostly luck"


NO_TRADES = {
    "win_rate": "no winning or losing trade",
    "profit_factor": "no losing trade",
    "expectancy": "no closed trade",
    "expectancy_r": "no closed trade has an initial stop",
    "sqn": "needs 2 trades with an initial stop, has 0",
    "average_win": "no winning trade",
    "average_loss": "no losing trade",
    "largest_win": "no winning trade",
    "largest_loss": "no losing trade",
    "payoff": "no winning trade",
    "kelly": "no winning trade",
}
ONLY_WINS = NO_TRADES | {
    "win_rate": "1",
    "expectancy": "2",
    "average_win": "2",
    "largest_win": "3",
    "payoff": "no losing trade",
    "kelly": "no losing trade",
}
ONLY_LOSSES = NO_TRADES | {
    "win_rate": "0",
    "profit_factor": "0",
    "expectancy": "-2",
    "average_loss": "2",
    "largest_loss": "3",
}
ONLY_BREAK_EVEN = NO_TRADES | {"expectancy": "0"}
EMPTY_CASES = [
    ([], NO_TRADES, None),
    (["1", "3"], ONLY_WINS, "100.00"),
    (["-1", "-3"], ONLY_LOSSES, "0.00"),
    (["0"], ONLY_BREAK_EVEN, None),
]


@pytest.mark.parametrize(("nets", "expected", "rate"), EMPTY_CASES, ids=["none", "wins", "losses", "break-even"])
def test_what_is_undefined_says_why(nets: list[str], expected: dict[str, str], rate: str | None) -> None:
    found = statistics_of(in_order(nets))
    metrics: dict[str, Metric] = {name: getattr(found, name) for name in expected}
    assert {name: shown(metric) for name, metric in metrics.items()} == expected
    assert found.win_rate_percent == rate


def test_sqn_of_equal_multiples_is_undefined() -> None:
    found = statistics_of(in_order(["1", "1"], risk="1"))
    assert (found.sqn, found.expectancy_r) == (undefined("the R multiples do not vary"), Metric(Decimal(1)))


def test_only_trades_with_an_initial_stop_have_an_r() -> None:
    trades = [a_closed_trade(1, "10", risk="5"), a_closed_trade(2, "99"), a_closed_trade(3, "-5", risk="5")]
    found = statistics_of(trades)
    assert (found.trades_with_r, shown(found.expectancy_r)) == (2, "0.5")


STREAKS = [
    (["0"], Streaks(0, 0, 0)),
    (["1", "0", "1"], Streaks(1, 0, 1)),
    (["-1", "-1", "1", "-2"], Streaks(1, 2, -1)),
    (["1", "1", "0"], Streaks(2, 0, 0)),
]


@pytest.mark.parametrize(("nets", "expected"), STREAKS)
def test_streaks(nets: list[str], expected: Streaks) -> None:
    assert statistics_of(in_order(nets)).streaks == expected


def test_holding_times_in_seconds() -> None:
    trades = [a_closed_trade(n, closed_at=10_000 + ms, opened_at=10_000) for n, ms in enumerate([1, 5000, 3000, 2000])]
    times = holding_times(trades)
    assert [shown(m) for m in (times.mean, times.median, times.shortest, times.longest)] == ["2.5", "2.5", "0.001", "5"]
    assert shown(holding_times(trades[:3]).median) == "3"
    assert holding_times([]).median == undefined("no closed trade")


EXPOSURES = [
    ("no trade", [], 100, "no trade was entered"),
    ("just entered", [(50, 50)], 50, "no time has passed since the entry"),
    ("half the time", [(0, 50)], 100, "0.5"),
    ("overlapping counts once", [(0, 40), (20, 50)], 100, "0.5"),
    ("one inside the other", [(0, 50), (10, 20)], 100, "0.5"),
    ("two apart", [(0, 20), (70, 100)], 100, "0.5"),
    ("what lies after the end does not count", [(0, 50), (90, 200), (150, 300)], 100, "0.6"),
]


@pytest.mark.parametrize(("case", "spans", "until", "expected"), EXPOSURES, ids=[row[0] for row in EXPOSURES])
def test_exposure(case: str, spans: list[tuple[int, int]], until: int, expected: str) -> None:
    assert shown(exposure(spans, until)) == expected


def test_costs_are_those_of_both_sides() -> None:
    trades = [a_closed_trade(1, "3", fees="0.2", slippage="1"), a_closed_trade(2, "-1", fees="0.2", slippage="0.5")]
    found = costs(trades)
    assert (found.fees, found.slippage, found.turnover) == (Decimal("0.4"), Decimal("1.5"), Decimal(400))
    assert shown(found.break_even_slippage_bps) == "87.5"


def test_slippage_of_the_break_even_leaves_nothing() -> None:
    net, turnover = Decimal("12.34"), Decimal(1000)
    bps = break_even_slippage(net, ZERO, turnover).value
    assert bps is not None
    assert net - turnover * bps / 10_000 == 0


def test_break_even_slippage_is_undefined_for_a_losing_or_absent_record() -> None:
    assert costs([]).break_even_slippage_bps == undefined("no closed trade")
    losing = costs([a_closed_trade(1, "-3", slippage="1")]).break_even_slippage_bps
    assert losing == undefined("the net profit is not above 0 even without slippage")


def test_a_breakdown_by_everything() -> None:
    trades = [
        a_closed_trade(1, "5", symbol="ETHUSDT", tags=("b", "a")),
        a_closed_trade(2, "-2", side=Side.SHORT, source="mine", reason=ExitReason.STOP_LOSS),
        a_closed_trade(3, "1", tags=("a",)),
    ]
    found = breakdown(trades)
    kinds = (found.symbol, found.side, found.source, found.tag, found.exit_reason)
    assert [[(group.name, group.trades, plain(group.net_profit)) for group in groups] for groups in kinds] == [
        [("BTCUSDT", 2, "-1"), ("ETHUSDT", 1, "5")],
        [("long", 2, "6"), ("short", 1, "-2")],
        [("mine", 1, "-2"), ("scan", 2, "6")],
        [("a", 2, "6"), ("b", 1, "5"), (None, 1, "-2")],
        [("stop_loss", 1, "-2"), ("take_profit", 2, "6")],
    ]
    btc = found.symbol[0]
    assert (btc.winning, btc.losing, btc.win_rate_percent, shown(btc.profit_factor)) == (1, 1, "50.00", "0.5")
    assert breakdown([]).tag == ()


def test_a_closed_engine_trade_becomes_a_row_of_the_statistics() -> None:
    trade = an_open_trade(7, price="100", quantity="0.5", stop="95", at_ms=5)
    closed = evolve(trade, left(trade, Decimal(110), Decimal("0.5"), 99, ExitReason.TAKE_PROFIT))
    assert closed_trade(closed) == ClosedTrade(
        trade_id=7,
        venue="binance",
        symbol="BTCUSDT",
        side=Side.LONG,
        source="scan",
        exit_reason=ExitReason.TAKE_PROFIT,
        opened_at=5,
        closed_at=99,
        entry_notional=Decimal(50),
        exit_notional=Decimal(55),
        net=Decimal("4.895"),
        fees=Decimal("0.105"),
        slippage=ZERO,
        risk=Decimal("2.5"),
    )
    with pytest.raises(ValueError, match="trade 7 is open, not closed"):
        closed_trade(trade)


nets_drawn = st.lists(st.decimals(-(10**6), 10**6, places=8), max_size=40)


@given(nets_drawn, st.randoms(use_true_random=False))
def test_the_order_in_which_trades_are_given_changes_nothing(nets: list[Decimal], random: Random) -> None:
    trades = in_order([str(net) for net in nets], risk="7")
    turned = trades[::-1]
    random.shuffle(turned)
    assert statistics_of(turned) == statistics_of(trades)
    assert breakdown(turned) == breakdown(trades)


@given(nets_drawn, st.integers(1, 10**6))
def test_ratios_do_not_depend_on_the_size_of_the_money(nets: list[Decimal], factor: int) -> None:
    with exact():
        scaled = [str(net * factor) for net in nets]
        risk = str(Decimal(7) * factor)
    once, more = (
        statistics_of(in_order([str(net) for net in nets], risk="7")),
        statistics_of(in_order(scaled, risk=risk)),
    )
    names = ("win_rate", "profit_factor", "payoff", "kelly", "streaks", "win_rate_percent")
    assert [getattr(more, name) for name in names] == [getattr(once, name) for name in names]
    floats = [(float(s.expectancy_r.value or 0), float(s.sqn.value or 0)) for s in (once, more)]
    assert floats[1] == pytest.approx(floats[0], rel=1e-6, abs=1e-9)


@given(nets_drawn)
def test_every_trade_is_a_win_a_loss_or_break_even(nets: list[Decimal]) -> None:
    found = statistics_of(in_order([str(net) for net in nets]))
    assert found.winning_trades + found.losing_trades + found.break_even_trades == len(nets)
    with exact():
        assert found.gross_profit - found.gross_loss == found.net_profit == sum(nets, ZERO)
