"""Backtests and sweeps of programs are those of the commands: same request, same trades, same figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from papertrade import Convention, Instrument, backtest, candles_from, signal, sweep
from papertrade.api.account import AccountOptions
from papertrade.engine.conventions import NAMED, GapFill, SameCandle
from papertrade.engine.signal import Size, SizeKind
from papertrade.engine.sizing import SizingRules
from papertrade.engine.step import Rules
from papertrade.engine.trade import ExitReason, Funding
from papertrade.runs.backtest import BacktestRequest
from papertrade.runs.backtest import backtest as run
from papertrade.runs.backtest_report import equity_of, report_of
from papertrade.runs.sweeps.grid import Grid, parse_holds, parse_percents
from papertrade.runs.sweeps.rank import RankBy
from papertrade.runs.sweeps.sweep import SweepRequest
from papertrade.runs.sweeps.sweep import sweep as run_sweep
from tests.api.files import MINUTE_MS, ROWS, START_MS, ideas, walk

SERIES = walk().series()
END_MS = START_MS + ROWS * MINUTE_MS


def test_without_arguments_it_is_the_run_with_the_defaults() -> None:
    result = run(BacktestRequest(signals=ideas(), candles={"BTCUSDT": SERIES}))
    found = backtest(ideas(), SERIES)
    assert len(found.trades) >= 40
    assert (found.trades, found.refused, found.result.booked) == (result.trades, result.refused, result.booked)
    equity = equity_of(result)
    assert list(found.equity.points()) == list(equity.points())
    assert found.metrics == report_of(result, equity)
    assert found.metrics is found.metrics
    assert found.equity is found.equity


def test_every_argument_reaches_the_run() -> None:
    other = walk(8).series("ETHUSDT")
    instrument = Instrument(
        venue="binance",
        symbol="BTCUSDT",
        base="BTC",
        quote="USD",
        price_step=Decimal("0.01"),
        notional_min=Decimal(5),
    )
    found = backtest(
        [*ideas(), *ideas(symbol="ETHUSDT")],
        [SERIES, other],
        cash="5000.5",
        currency="USD",
        maker="0.05%",
        taker=0.0002,
        slippage_bps=2,
        leverage=3,
        maintenance_rate="0.5%",
        funding_rate="-0.01%",
        funding_every="1h",
        borrow_rate=0.05,
        options={"same_candle": "nearest", "gap_target": "open"},
        default_risk=2,
        default_percent="5%",
        max_notional="50%",
        on_short_cash="shrink",
        max_open=3,
        instruments=[instrument],
        start="2018-06-01",
        end=date(2018, 6, 2),
    )
    rules = Rules(
        maker=Decimal("0.0005"),
        taker=Decimal("0.0002"),
        slippage_bps=Decimal(2),
        leverage=Decimal(3),
        maintenance=Decimal("0.005"),
        funding=Funding(Decimal("-0.0001"), 3_600_000),
        borrow=Decimal("0.05"),
        convention=Convention(same_candle=SameCandle.NEAREST, gap_target=GapFill.OPEN),
        sizing=SizingRules(
            risk_percent=Decimal(2), percent=Decimal(5), max_notional_percent=Decimal(50), may_shrink=True
        ),
    )
    expected = run(
        BacktestRequest(
            signals=[*ideas(), *ideas(symbol="ETHUSDT")],
            candles={"BTCUSDT": SERIES, "ETHUSDT": other},
            rules=rules,
            cash=Decimal("5000.5"),
            currency="USD",
            instruments={"BTCUSDT": instrument},
            from_ms=START_MS,
            to_ms=START_MS + 86_400_000,
            max_open=3,
        )
    )
    assert (found.trades, found.refused, found.result.book) == (expected.trades, expected.refused, expected.book)
    assert {refused.refusal.code for refused in found.refused} == {"max_open"}


def test_detail_orders_the_touches() -> None:
    minutes = candles_from("AAAUSDT", [START_MS], [100], [111], [94], [100], interval="1m")
    seconds = [START_MS, START_MS + 1_000, START_MS + 2_000]
    finer = candles_from("AAAUSDT", seconds, [100, 110, 111], [110, 111, 111], [100, 110, 94], [110, 111, 100])
    idea = signal("AAAUSDT", "long", time=START_MS, stop=95, take_profit=110, size=1)
    (guessed,) = backtest([idea], minutes).trades
    (known,) = backtest([idea], minutes, detail=finer).trades
    assert (guessed.exit_reason, guessed.is_ambiguous) == (ExitReason.STOP_LOSS, True)
    assert (known.exit_reason, known.is_ambiguous) == (ExitReason.TAKE_PROFIT, False)
    with pytest.raises(ValueError, match="detail: candles of AAAUSDT must be finer than 60 s"):
        backtest([idea], minutes, detail=minutes)


def test_one_size_for_all_beats_their_own() -> None:
    own = [signal("BTCUSDT", "long", time=START_MS + n * MINUTE_MS, size=1) for n in range(3)]
    assert {trade.quantity for trade in backtest(own, SERIES, notional=500, max_open=1).trades} != {Decimal(1)}
    found = backtest(own, {"btc/usdt": SERIES}, size="0.25")
    assert {trade.quantity for trade in found.trades} == {Decimal("0.25")}
    assert Size(SizeKind.QUANTITY, Decimal(1)) == own[0].size


def test_a_convention_by_name_or_as_a_value() -> None:
    value = Convention(same_candle=SameCandle.TARGET_FIRST)
    named = backtest(ideas(), SERIES, convention="conservative", options={"same_candle": "target-first"})
    assert named.trades == backtest(ideas(), SERIES, convention=value).trades
    assert {backtest(ideas(1), SERIES, convention=name).trades[0].order.terms.convention for name in NAMED} == set(
        NAMED.values()
    )


def test_signals_may_be_generated_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    found = backtest((idea for idea in ideas(5)), iter([SERIES]), progress=lambda done, all_: told.append((done, all_)))
    assert len(found.trades) == 5
    assert told[-1] == (5, 5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"cash": 0}, "cash: `0` must lie between 0.00000001 and 1000000000"),
        ({"cash": "much"}, "cash: `much` is not a plain decimal number"),
        ({"cash": float("inf")}, "cash: `Infinity` is not a number"),
        ({"fee_rate": "20%"}, "fee_rate: `20%` must lie between 0 and 0.1 (`0.001` is `0.1%`)"),
        ({"fee_rate": 0, "maker": 0, "taker": 0}, "fee_rate: says nothing beside maker and taker"),
        ({"funding_rate": 1}, "funding_rate: `1` must lie between -0.1 and 0.1 (`0.001` is `0.1%`)"),
        ({"funding_rate": 0, "funding_every": "30m"}, "funding_every: `30m` must lie between 1h and 24h"),
        ({"funding_rate": 0, "funding_every": "soon"}, "funding_every: `soon` is not a duration"),
        ({"leverage": 0.5}, "leverage: `0.5` must lie between 1 and 125"),
        ({"slippage_bps": -1}, "slippage_bps: `-1` must lie between 0 and 1000"),
        ({"default_risk": "0%"}, "default_risk: `0` must be above 0 and at most 100 percent"),
        ({"on_short_cash": "beg"}, "on_short_cash: `beg` is not known: one of refuse, shrink"),
        ({"max_open": 0}, "max_open: `0` must be 1 or more, None for any number"),
        ({"size": 1, "risk": "1%"}, "size and risk exclude each other"),
        ({"size": "1%"}, "size: `1%` is not a size: write a plain number"),
        ({"options": {"same_candel": "nearest"}}, "options: there is no `same_candel`: one of same_candle, gap_stop"),
        ({"options": {"same_candle": "first"}}, "options: same_candle `first` is not known: one of stop-first"),
        ({"convention": "kind"}, "convention: `kind` is not known: one of conservative"),
        ({"start": "2018-06-02", "end": "2018-06-01"}, "start: `2018-06-02` is not before end `2018-06-01`"),
        ({"end": "2018-06-01T10:00"}, "end: time `2018-06-01T10:00` has no zone"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_named(words: AccountOptions, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        backtest(ideas(1), SERIES, **words)
    assert str(caught.value).startswith(said)


def test_candles_must_be_told_apart() -> None:
    with pytest.raises(ValueError, match="candles: there are two series of BTCUSDT"):
        backtest(ideas(1), [SERIES, walk(8).series()])
    with pytest.raises(ValueError, match="candles: none were given"):
        backtest(ideas(1), [])


def test_start_and_end_cut_signals_and_candles() -> None:
    found = backtest(ideas(), SERIES, start=datetime(2018, 6, 1, 12, tzinfo=UTC), end=END_MS - 600 * MINUTE_MS)
    assert (found.result.begins_ms, found.result.ends_ms) == (START_MS + 720 * MINUTE_MS, END_MS - 600 * MINUTE_MS)
    assert 0 < len(found.trades) < len(backtest(ideas(), SERIES).trades)


SUMMARIES: Mapping[str, str] = {
    "some": """\
2 trades closed, 1 won, 1 lost, 1 open, 1 pending, 1 signals refused
net profit 4.585 USDT (4.585 … 15.585, 1 ambiguous exit)
total return -, max drawdown -0.01 %, Sharpe -, profit factor 1.88, win rate 50.00 %
only 2 closed trades: under 30 these figures are mostly luck""",
    "none": """\
0 trades closed, 0 won, 0 lost, 0 open, 0 pending, 0 signals refused
net profit 0 USDT
total return -, max drawdown 0.00 %, Sharpe -, profit factor -, win rate -
no closed trades: these figures say nothing yet""",
}


def test_the_summary_says_what_came_of_it() -> None:
    times = [START_MS + n * MINUTE_MS for n in range(3)]
    candles = candles_from("AAAUSDT", times, [100, 105, 110], [104, 111, 110], [99, 94, 109], [104, 110, 109])
    asked = [
        signal("AAAUSDT", "long", time=times[0], stop=90, take_profit=110, size=1),
        signal("AAAUSDT", "long", time=times[1], stop=100, take_profit=111, size=1),
        signal("AAAUSDT", "long", time=times[2], size=1),
        signal("AAAUSDT", "long", time=times[2], entry=50, size=1),
        signal("BBBUSDT", "long", time=times[2], size=1),
    ]
    found = backtest(asked, candles)
    assert found.summary() == SUMMARIES["some"]
    assert repr(found) == "<Backtest: 4 trades, 1 signals refused>"
    assert backtest([], candles).summary() == SUMMARIES["none"]


def test_a_sweep_is_that_of_the_runs() -> None:
    grid = Grid(parse_percents("0.5:1.5:0.5"), parse_percents("1,none"), parse_holds("2h,none"))
    base = BacktestRequest(signals=ideas(), candles={"BTCUSDT": SERIES}, cash=Decimal(5_000))
    expected = run_sweep(SweepRequest(base=base, grid=grid, rank=RankBy.WIN_RATE, top=4, train=Decimal("0.7")))
    found = sweep(
        ideas(),
        SERIES,
        take_profit=[0.5, Decimal(1), "1.5%"],
        stop=[1, None],
        hold=["2h", None],
        rank="win_rate",
        top=4,
        train="70%",
        cash=5_000,
    )
    assert (found.best, found.split_ms, found.tried) == (expected.best, expected.split_ms, 12)
    assert found.order.tolist() == expected.order.tolist()
    assert all(best.agrees for best in found.best)


def test_what_is_not_swept_stays_and_a_walk_walks() -> None:
    told: list[str] = []
    # A sweep follows one target, so the parts are swept; each signal keeps its own stop.
    found = sweep(ideas(70), SERIES, take_profit=1, walk=1, progress=told.append)
    assert (found.tried, found.best[0].combination.stop) == (1, None)
    assert found.walk is not None
    assert len(found.walk.windows) == 1
    assert told[0] == "ranking"


def test_workers_change_nothing() -> None:
    alone = sweep(ideas(10), SERIES, take_profit="0.5:2:0.5", stop=1)
    assert sweep(ideas(10), SERIES, take_profit="0.5:2:0.5", stop=1, workers=2).best == alone.best


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"rank": "luck"}, "rank: `luck` is not known: one of net_profit, sharpe"),
        ({"workers": 0}, "workers: `0` must lie between 1 and 256"),
        ({"train": 2}, "train: `2` must lie between 0 and 1"),
        ({"top": 0}, "top `0` must lie between 1 and 1000"),
        ({"stop": "1:2"}, "stop: `1:2` is no range"),
        ({"hold": ["5"]}, "hold: `5` is not a duration"),
    ],
    ids=str,
)
def test_a_wrong_axis_is_refused(words: Mapping[str, str | int], said: str) -> None:
    arguments: dict[str, str | int] = {"take_profit": 1, **words}
    with pytest.raises(ValueError) as caught:
        sweep(ideas(1), SERIES, **arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("signals", "candles", "said"),
    [
        ("ideas.csv", SERIES, "signals: 'ideas.csv' is not Signal objects: load_signals(\"ideas.csv\")"),
        (None, SERIES, "signals: None is not Signal objects"),
        (["a"], SERIES, "signals: 'a' is not a Signal: "),
        ([], "btc.csv", 'candles: \'btc.csv\' is not CandleSeries objects: load_candles("btc.csv", "BTCUSDT")'),
        ([], None, "candles: None is not CandleSeries objects"),
        ([], [1], "candles: 1 is not a CandleSeries: "),
        ([], {"BTCUSDT": "btc.csv"}, "candles: 'btc.csv' is not a CandleSeries: "),
    ],
)
def test_paths_and_none_are_not_taken_for_their_content(signals: object, candles: object, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        backtest(signals, candles)  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)
    with pytest.raises(TypeError, match=r"^(signals|candles): "):
        sweep(signals, candles, stop=1)  # type: ignore[arg-type]


def test_nothing_to_sweep_and_an_argument_that_is_none() -> None:
    with pytest.raises(ValueError, match="nothing to sweep"):
        sweep(ideas(1), SERIES)
    with pytest.raises(TypeError, match="casch"):
        sweep(ideas(1), SERIES, stop=1, casch=5)  # type: ignore[call-arg]
