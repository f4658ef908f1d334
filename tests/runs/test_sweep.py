"""Sweeps as a whole: a table by hand, samples that never mix, honest figures, the same answer from any worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from papertrade.engine.conventions import NAMED
from papertrade.engine.market import DAY_MS, HOUR_MS, Candle, Side
from papertrade.engine.signal import ExitWish, Signal, parse_level, parse_size, parse_target
from papertrade.engine.step import Rules
from papertrade.errors import Refused
from papertrade.feeds.candle_series import series_of
from papertrade.runs.backtest import BacktestRequest
from papertrade.runs.sweeps import legs as legs_module
from papertrade.runs.sweeps.entries import find_entries, fixed_notional
from papertrade.runs.sweeps.grid import Grid, parse_holds, parse_percents
from papertrade.runs.sweeps.rank import Figures, Legs, RankBy, figures_of, parts_of
from papertrade.runs.sweeps.sweep import SweepRequest, SweepResult, sweep
from papertrade.runs.sweeps.workers import missing, spreading
from tests.runs.sweep_cases import START, random_case

FREE = Rules(maker=Decimal(0), taker=Decimal(0))


def candle(number: int, prices: str) -> Candle:
    """Make the candle of one hour from `open high low close`."""
    opened, high, low, close = (Decimal(price) for price in prices.split())
    return Candle(open_ms=START + number * HOUR_MS, interval_ms=HOUR_MS, open=opened, high=high, low=low, close=close)


def signal(number: int, hour: int, side: Side = Side.LONG) -> Signal:
    """Make a signal of one piece at an hour."""
    return Signal(
        source="me",
        external_id=str(number),
        symbol="AAAUSDT",
        side=side,
        made_at_ms=START + hour * HOUR_MS,
        size=parse_size("size", "1"),
    )


def by_hand() -> BacktestRequest:
    """Return two longs at 100: the first sees 101 before 98, the second touches both 97 and 103 in one candle."""
    candles = [
        candle(0, "100 100.5 99.5 100"),
        candle(1, "100 101 99.8 100"),
        candle(2, "100 100 98 98"),
        candle(3, "98 100 98 100"),
        candle(4, "100 103 97 100"),
        candle(5, "100 100.2 99.9 100"),
    ]
    return BacktestRequest(
        signals=[signal(1, 0), signal(2, 4)], candles={"AAAUSDT": series_of("AAAUSDT", HOUR_MS, candles)}, rules=FREE
    )


def days() -> BacktestRequest:
    """Return forty days of hours that rise and fall back, higher each day, with a long at each midnight and noon."""
    hours = [Decimal(hour) for hour in range(40 * 24 + 1)]
    path = [100 + min(hour % 24, 24 - hour % 24) / 5 + hour / 100 for hour in hours]
    candles = []
    for hour in range(40 * 24):
        opened, close = path[hour], path[hour + 1]
        candles.append(
            Candle(
                open_ms=START + hour * HOUR_MS,
                interval_ms=HOUR_MS,
                open=opened,
                high=max(opened, close),
                low=min(opened, close),
                close=close,
            )
        )
    signals = [signal(number, number * 12) for number in range(80)]
    return BacktestRequest(signals=signals, candles={"AAAUSDT": series_of("AAAUSDT", HOUR_MS, candles)}, rules=FREE)


def test_a_table_by_hand() -> None:
    # First trade: target 1 % at 101 (hour 1), target 3 % never before the stop of 2 % at 98 (hour 2).
    # Second trade: its candle touches 97 and 103, so the stop counts, at 98 or, for a stop of 3 %, at 97.
    result = sweep(SweepRequest(base=by_hand(), grid=Grid(parse_percents("1,3,none"), parse_percents("2,3,none"))))
    figures = result.figures
    table = figures.net_profit.reshape(3, 3) / 1e8
    assert table.tolist() == [[1 - 2, 1 - 3, 1 + 1], [-2 - 2, -3 - 3, 3 + 3], [-2 - 2, -3 - 3, 0]]
    assert figures.trades.reshape(3, 3).tolist() == [[2, 2, 2], [2, 2, 2], [2, 2, 0]]
    assert figures.open_trades.reshape(3, 3).tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 2]]
    first = result.best[0]
    assert (first.combination.target, first.combination.stop) == (Decimal(3), None)
    assert first.exact.trading_statistics.net_profit == 6
    assert first.account.trading_statistics.net_profit == 6
    assert (first.refused, all(best.agrees for best in result.best)) == (0, True)
    assert result.tried == 9


def test_ranks_put_what_is_undefined_last_and_equals_in_order() -> None:
    result = sweep(SweepRequest(base=by_hand(), grid=Grid(parse_percents("1,3,none"), parse_percents("2,3,none"))))
    orders = {by: result.figures.order(by).tolist() for by in RankBy}
    assert orders[RankBy.NET_PROFIT][:4] == [5, 2, 8, 0]
    assert orders[RankBy.PROFIT_FACTOR][:2] == [0, 1]  # the others have no loss, or no gain at all
    assert orders[RankBy.EXPECTANCY][-1] == 8
    assert orders[RankBy.SHARPE] == list(range(9))  # six hours have no day end


def test_the_account_itself_may_refuse_what_the_model_takes() -> None:
    base = days()
    poor = replace(base, cash=Decimal(150))
    result = sweep(SweepRequest(base=poor, grid=Grid(parse_percents("1,50"), parse_percents("none")), top=2))
    never = next(best for best in result.best if best.combination.target == 50)
    assert never.exact.open_trades == 80
    assert never.account.open_trades == 1
    assert never.refused == 79


def test_sizes_that_hang_on_the_balance_get_a_fixed_notional() -> None:
    base = days()
    signals = [replace(one, size=None) for one in base.signals[:40]] + list(base.signals[40:])
    result = sweep(SweepRequest(base=replace(base, signals=signals), grid=Grid(parse_percents("1")), top=1))
    assert (result.entries.resized, result.entries.notional) == (40, Decimal(1_000))
    assert fixed_notional(Decimal("12.5")) == Decimal("1.25")


def test_training_sees_nothing_of_what_comes_later() -> None:
    base = days()
    request = SweepRequest(
        base=base, grid=Grid(parse_percents("0.5,1,1.5"), parse_percents("1,none")), train=Decimal("0.5"), top=2
    )
    result = sweep(request)
    assert result.split_ms == base.signals[0].made_at_ms + 79 * 6 * HOUR_MS
    changed = [
        one
        if one.open_ms < result.split_ms
        else Candle(
            open_ms=one.open_ms,
            interval_ms=one.interval_ms,
            open=Decimal(50),
            high=Decimal(200),
            low=Decimal(1),
            close=Decimal(50),
        )
        for one in base.candles["AAAUSDT"]
    ]
    other = sweep(replace(request, base=replace(base, candles={"AAAUSDT": series_of("AAAUSDT", HOUR_MS, changed)})))
    assert_equal_figures(result.figures, other.figures)
    assert result.unseen is not None
    assert other.unseen is not None
    assert result.unseen.figures.net_profit.tolist() != other.unseen.figures.net_profit.tolist()
    trained, later = result.best[0].exact, result.best[0].unseen
    assert later is not None
    assert trained.trading_statistics.total_trades + trained.open_trades == 40
    assert later.trading_statistics.total_trades + later.open_trades == 40
    places = [best.unseen_place for best in sweep(replace(request, top=6)).best]
    assert sorted(place or 0 for place in places) == [1, 2, 3, 4, 5, 6]


def test_walking_forward_trades_each_choice_in_the_next_window() -> None:
    base = days()
    grid = Grid(parse_percents("0.5,1,1.5"), parse_percents("1,none"))
    walk = sweep(SweepRequest(base=base, grid=grid, walk=3)).walk
    assert walk is not None
    assert [window.from_ms for window in walk.windows] == [START + day * DAY_MS for day in (10, 20, 30)]
    assert [window.to_ms for window in walk.windows] == [START + day * DAY_MS for day in (20, 30, 40)]
    reports = [window.report for window in walk.windows if window.report is not None]
    assert sum(report.trading_statistics.net_profit for report in reports) == walk.statistics.net_profit
    assert walk.statistics.total_trades + walk.open_trades == 60
    assert walk.sharpe.value is not None


def test_a_window_without_a_trade_chooses_nothing() -> None:
    base = days()
    late = [one for one in base.signals if one.made_at_ms < START or one.made_at_ms >= START + 25 * DAY_MS]
    first = [base.signals[0]]
    far = Grid(parse_percents("90"), parse_percents("90"))
    walk = sweep(SweepRequest(base=replace(base, signals=[*first, *late]), grid=far, walk=2)).walk
    assert walk is not None
    assert [window.chosen for window in walk.windows] == [None, None]
    assert walk.statistics.total_trades == 0
    assert walk.sharpe.reason == "needs 2 day ends, has 0"


def test_the_best_of_many_is_deflated() -> None:
    grid = Grid(parse_percents("0.1:1.9:0.1"), parse_percents("0.5:3:0.5"))
    result = sweep(SweepRequest(base=days(), grid=grid, rank=RankBy.SHARPE, top=1))
    assert result.luck_sharpe.value is not None
    assert result.luck_sharpe.value > 0
    assert result.deflated_sharpe.value is not None
    assert 0 <= result.deflated_sharpe.value <= 1


def test_signals_without_any_candle_leave_nothing_to_rank() -> None:
    base = replace(days(), signals=[replace(signal(1, 0), symbol="BBBUSDT")])
    result = sweep(SweepRequest(base=base, grid=Grid(parse_percents("1,2")), top=1))
    assert result.figures.trades.tolist() == [0, 0]
    assert [one.refusal.code for one in result.entries.refused] == ["no_candles"]
    assert result.luck_sharpe.reason == "fewer than two of the combinations have a Sharpe ratio"


def test_what_a_sweep_cannot_keep_is_refused() -> None:
    base = days()
    parts = ExitWish(parse_level("1%"), (parse_target("1%:0.5"), parse_target("2%:0.5")))
    risks = ExitWish(parse_level("1%"), (parse_target("2R"),))
    stops = Grid(stops=parse_percents("1,2"))
    for exits, code in ((parts, "targets_in_parts"), (risks, "target_in_risks")):
        signals = [replace(one, exits=exits) for one in base.signals]
        with pytest.raises(Refused) as refusal:
            sweep(SweepRequest(base=replace(base, signals=signals), grid=stops))
        assert refusal.value.error_code == code


def test_too_little_to_split_is_refused() -> None:
    base = replace(days(), signals=[signal(1, 0), signal(2, 0)])
    grid = Grid(parse_percents("1"))
    with pytest.raises(Refused, match="cannot be split"):
        sweep(SweepRequest(base=base, grid=grid, train=Decimal("0.7")))
    with pytest.raises(Refused, match="`6` windows need signals of `7` days or more, there are `1`"):
        sweep(SweepRequest(base=base, grid=grid, walk=6))


def test_what_quotes_decide_is_not_swept() -> None:
    base = replace(days(), rules=replace(FREE, convention=NAMED["observed"]))
    with pytest.raises(Refused) as refusal:
        sweep(SweepRequest(base=base, grid=Grid(parse_percents("1,2"))))
    assert refusal.value.error_code == "quotes_decide"


def test_more_levels_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legs_module, "LEVELS_MAX", 100)
    with pytest.raises(Refused) as refusal:
        sweep(SweepRequest(base=days(), grid=Grid(parse_percents("1,2"))))
    assert refusal.value.error_code == "sweep_too_large"


@pytest.mark.parametrize(
    ("top", "walk", "train"),
    [(0, None, None), (1001, None, None), (1, 0, None), (1, 101, None), (1, None, Decimal(1)), (1, None, Decimal(0))],
)
def test_a_request_has_bounds(top: int, walk: int | None, train: Decimal | None) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        SweepRequest(base=by_hand(), grid=Grid(parse_percents("1")), top=top, walk=walk, train=train)


def test_train_and_walk_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="two ways"):
        SweepRequest(base=by_hand(), grid=Grid(parse_percents("1")), train=Decimal("0.5"), walk=2)


def test_the_work_may_be_cut_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(4)
    grid = Grid(parse_percents("0.3:3:0.1"), parse_percents("0.4,1,none"), parse_holds("5h,none"))
    whole = sweep(SweepRequest(base=case.base, grid=grid, top=1))
    monkeypatch.setattr("papertrade.runs.sweeps.rank._DAYS_AT_ONCE", 1)
    monkeypatch.setattr("papertrade.runs.sweeps.rank._CELLS_AT_ONCE", 7)
    monkeypatch.setattr("papertrade.runs.sweeps.exits._SEARCHES_AT_ONCE", 5)
    told: list[str] = []
    cut = sweep(SweepRequest(base=case.base, grid=grid, top=1, tell=told.append))
    assert_equal_figures(whole.figures, cut.figures)
    assert told[:2] == ["ranking", "ranking: 6 of 168 combinations"]
    assert told[-1] == "running the best again: 1 of 1"


def test_workers_change_nothing() -> None:
    case = random_case(4)
    alone = swept(case.base, 1)
    assert_equal_figures(alone.figures, swept(case.base, 2).figures)


@pytest.mark.skipif(find_spec("distributed") is None, reason="the extra papertrade[dask] is not installed")
def test_a_cluster_changes_nothing(cluster: str) -> None:
    case = random_case(4)
    assert_equal_figures(swept(case.base, 1).figures, swept(case.base, 1, cluster).figures)


@pytest.mark.skipif(find_spec("distributed") is None, reason="the extra papertrade[dask] is not installed")
def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papertrade.runs.sweeps.workers._CONNECT_SECONDS", 0.2)
    with pytest.raises(Refused) as refusal, spreading(1, "tcp://127.0.0.1:1"):
        pass
    assert refusal.value.error_code == "no_cluster"


def test_what_is_not_installed_says_how_to_get_it() -> None:
    error = missing("distributed", "papertrade[dask]")
    assert (error.error_code, error.hint) == ("missing_extra", "pip install 'papertrade[dask]'")


def swept(base: BacktestRequest, workers: int, cluster: str | None = None) -> SweepResult:
    """Run one sweep."""
    grid = Grid(parse_percents("0.3:3:0.1"), parse_percents("0.4,1,none"))

    def in_pieces(legs: Legs) -> Iterator[Legs]:
        return (legs.of_targets(slice(at, at + 5)) for at in range(0, legs.targets.key.shape[1], 5))

    with spreading(workers, cluster) as spread:

        def finer(work: object, parts: object) -> list[Figures]:
            return spread(figures_of, [piece for part in parts_of(legs) for piece in in_pieces(part)])

        legs = legs_module.legs_of(find_entries(base), base, grid)
        return sweep(SweepRequest(base=base, grid=grid, top=1, spread=finer))


@pytest.fixture
def cluster() -> Iterator[str]:
    """Give the address of a cluster of two worker processes."""
    distributed = import_module("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made:
        yield str(made.scheduler_address)


def assert_equal_figures(left: Figures, right: Figures) -> None:
    """Compare every column, to the last bit."""
    for name in ("trades", "open_trades", "wins", "losses", "net_profit", "gross_profit", "sharpe", "max_drawdown"):
        assert np.array_equal(getattr(left, name), getattr(right, name), equal_nan=True), name
