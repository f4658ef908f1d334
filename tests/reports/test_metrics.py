"""The whole report, the band of ambiguous exits, bootstrap intervals, and what may be imported when."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC
from decimal import Decimal
from random import Random

import numpy as np
import pytest

from papertrade.engine.market import Candle, Side
from papertrade.engine.messages import Cause, ExitFilled, Liquidity
from papertrade.engine.money import plain
from papertrade.engine.state import evolve
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason, Target, Trade
from papertrade.reports.ambiguity import AmbiguousExit, Band, ambiguous_exit, band
from papertrade.reports.bootstrap import Interval, bootstrap, row_means, row_sharpes
from papertrade.reports.closed_trade import closed_trade
from papertrade.reports.equity import equity_curve
from papertrade.reports.marks import Closes, StoredCloses
from papertrade.reports.metric import Metric, undefined
from papertrade.reports.metrics import MetricsRequest, PriceSpan, buy_and_hold, metrics
from papertrade.reports.returns import series_of
from tests.engine.tables import candles_of, trade_of
from tests.reports.builders import DAY, HOUR, Ledger, entered, left


def a_story(days: int) -> Ledger:
    """Play one trade of four hours a day, winning on even days, and one that stays open."""
    ledger = Ledger()
    ledger.move_cash(HOUR, "10000")
    for day in range(days):
        at = day * DAY + 2 * HOUR
        trade = ledger.record(entered(day + 1, Side.LONG, Decimal(100), Decimal(10), at, stop=Decimal(98)))
        price = Decimal(104) if day % 2 == 0 else Decimal(98)
        ledger.record(left(trade, price, Decimal(10), at + 4 * HOUR))
    ledger.record(entered(999, Side.SHORT, Decimal(100), Decimal(1), days * DAY))
    return ledger


def a_request(days: int, random: Random | None = None) -> MetricsRequest:
    ledger = a_story(days)
    now = days * DAY + HOUR
    prices = StoredCloses({("binance", "BTCUSDT"): Closes([now - 1], [Decimal(99)])})
    trades = list(ledger.trades.values())
    return MetricsRequest(
        book=ledger.book(),
        closed_trades=[closed_trade(trade) for trade in trades if trade.open_quantity == 0],
        open_trades=[trade for trade in trades if trade.open_quantity > 0],
        series=series_of(equity_curve(ledger.history(), prices, now)),
        now_ms=now,
        zone=UTC,
        random=random,
    )


def test_a_hundred_days() -> None:
    found = metrics(a_request(100))
    statistics = found.trading_statistics
    assert (statistics.total_trades, statistics.win_rate_percent, found.open_trades) == (100, "50.00", 1)
    assert plain(statistics.net_profit) == "799"  # 50 · (40 - 2.04) + 50 · (-20 - 1.98) = 1898 - 1099
    assert plain(found.account_summary.total_realized_pnl) == "798.9"
    assert found.account_summary.active_holdings == 1
    assert (found.risk.days, str(found.risk.first_day), str(found.risk.last_day)) == (100, "1970-01-01", "1970-04-10")
    assert found.risk.cagr.value is not None
    assert found.risk.calmar.value is not None
    assert found.recent_trades == (100, 99, 98, 97, 96, 95, 94, 93, 92, 91)
    assert found.exposure == Metric(Decimal("0.167152980409"))
    assert found.performance.today.trades == 0
    assert found.buy_and_hold == undefined("no price to compare with")
    assert found.band == Band(0, statistics.net_profit, statistics.net_profit, statistics.net_profit)
    assert found.intervals is None


def test_nothing_at_all_is_undefined_everywhere() -> None:
    found = metrics(
        MetricsRequest(
            book=Ledger().book(),
            closed_trades=(),
            open_trades=(),
            series=series_of(()),
            now_ms=5,
            zone=UTC,
            random=Random(1),
        )
    )
    empty = [found.risk.sharpe, found.risk.drawdown.max_drawdown, found.exposure, found.holding_times.mean]
    assert [metric.value for metric in empty] == [None, None, None, None]
    assert found.intervals is not None
    assert found.intervals.expectancy.low == undefined("needs 2 values to resample, has 0")


def test_a_seed_gives_the_same_intervals() -> None:
    once, again, other = (metrics(a_request(40, Random(seed))).intervals for seed in (1, 1, 2))
    assert once == again
    assert once != other
    assert once is not None
    bounds = (once.expectancy.low.value, once.expectancy.high.value)
    assert bounds[0] is not None and bounds[1] is not None and bounds[0] < Decimal("7.98") < bounds[1]


def test_a_backtest_ends_where_its_candles_end() -> None:
    request = a_request(1)
    early = MetricsRequest(
        book=request.book,
        closed_trades=request.closed_trades,
        open_trades=(),
        series=request.series,
        now_ms=request.now_ms,
        zone=UTC,
        until_ms=10 * HOUR,
    )
    assert metrics(early).exposure == Metric(Decimal("0.5"))


def test_buy_and_hold_weighs_equally() -> None:
    spans = [PriceSpan("A", Decimal(100), Decimal(120)), PriceSpan("B", Decimal(50), Decimal(45))]
    assert buy_and_hold(spans) == Metric(Decimal("0.05"))


class TestBootstrap:
    def test_the_interval_of_a_mean_is_about_two_standard_errors_wide(self) -> None:
        values = np.random.default_rng(3).normal(1.0, 1.0, 400)
        found = bootstrap(values, row_means, Random(1))
        assert (float(found.low.value or 0), float(found.high.value or 0)) == pytest.approx(
            (values.mean() - 1.96 * 0.05, values.mean() + 1.96 * 0.05), abs=0.02
        )

    def test_many_values_are_drawn_in_pieces(self) -> None:
        values = np.arange(2_000_001, dtype=np.float64)
        found = bootstrap(values, row_means, Random(1), samples=3)
        assert float(found.low.value or 0) == pytest.approx(1e6, rel=1e-2)

    def test_no_defined_figure(self) -> None:
        found = bootstrap(np.array([1.0, 1.0]), row_sharpes(365), Random(1))
        reason = undefined("no resample had a defined figure")
        assert found == Interval(reason, reason, Decimal("0.95"), 2_000)


def an_ambiguous_stop(stop: Decimal | None, target: Decimal | None, fill_price: Decimal) -> tuple[Trade, ExitFilled]:
    targets = () if target is None else (Target(target, Decimal(1)),)
    trade = evolve(None, entered(1, Side.LONG, Decimal(100), Decimal(2), 0, stop=stop, targets=targets))
    candle = Candle(
        open_ms=60_000,
        interval_ms=60_000,
        open=Decimal(100),
        high=Decimal(111),
        low=Decimal(94),
        close=Decimal(100),
    )
    fill = ExitFilled(
        trade_id=1,
        quantity=Decimal(2),
        price=fill_price,
        reason=ExitReason.STOP_LOSS,
        liquidity=Liquidity.TAKER,
        fee_rate=Decimal(0),
        fee=Decimal(0),
        slippage=Decimal(0),
        gross=(fill_price - 100) * 2,
        reserve_released=Decimal(200),
        entry_fee_share=Decimal(0),
        realized=(fill_price - 100) * 2,
        is_final=True,
        cause=Cause(rule="4.2", raw_price=fill_price, candle=candle),
        at_ms=candle.last_ms,
        target=target if fill_price == target else None,
        is_ambiguous=True,
    )
    return trade, fill


class TestBand:
    def test_without_ambiguous_exits_it_has_no_width(self) -> None:
        assert band(Decimal(5), ()) == Band(0, Decimal(5), Decimal(5), Decimal(5))

    def test_stop_first_could_have_been_the_target(self) -> None:
        exit_ = ambiguous_exit(*an_ambiguous_stop(Decimal(95), Decimal(110), Decimal(95)))
        assert exit_ == AmbiguousExit(trade_id=1, booked=Decimal(-10), at_stop=Decimal(-10), at_target=Decimal(20))
        assert band(Decimal(100), [exit_]) == Band(1, Decimal(100), Decimal(100), Decimal(130))

    def test_target_first_could_have_been_the_stop(self) -> None:
        exit_ = ambiguous_exit(*an_ambiguous_stop(Decimal(95), Decimal(110), Decimal(110)))
        assert band(Decimal(100), [exit_, exit_]) == Band(2, Decimal(40), Decimal(100), Decimal(100))

    def test_what_was_booked_beyond_the_level_widens_nothing(self) -> None:
        exit_ = ambiguous_exit(*an_ambiguous_stop(Decimal(95), None, Decimal(94)))
        assert exit_ == AmbiguousExit(trade_id=1, booked=Decimal(-12), at_stop=Decimal(-10), at_target=None)
        assert band(Decimal(0), [exit_]) == Band(1, Decimal(0), Decimal(0), Decimal(2))

    def test_a_target_that_the_candle_did_not_reach_is_no_outcome(self) -> None:
        exit_ = ambiguous_exit(*an_ambiguous_stop(Decimal(95), Decimal(112), Decimal(95)))
        assert exit_ == AmbiguousExit(trade_id=1, booked=Decimal(-10), at_stop=Decimal(-10), at_target=None)
        assert band(Decimal(100), [exit_]) == Band(1, Decimal(100), Decimal(100), Decimal(100))

    def test_levels_without_a_stop_have_no_outcome_there(self) -> None:
        exit_ = ambiguous_exit(*an_ambiguous_stop(None, Decimal(110), Decimal(110)))
        assert exit_.at_stop is None

    @pytest.mark.parametrize(("target", "outcome"), [("", None), ("tp 104", Decimal(8)), ("tp 106", None)])
    def test_a_trail_could_have_been_moved_first(self, target: str, outcome: Decimal | None) -> None:
        trade = trade_of(f"long 2 at 100 sl 90 trails 2 {target}")
        trade, (fill,) = touch(trade, candles_of("100 105 98 104")[0])
        assert isinstance(fill, ExitFilled)
        exit_ = ambiguous_exit(trade, fill)
        assert (exit_.booked, exit_.at_stop, exit_.at_moved) == (Decimal(-4), Decimal(-4), Decimal(6))
        assert exit_.at_target == outcome

    def test_a_short_whose_trail_was_not_reached_by_a_better_price_has_no_other_outcome(self) -> None:
        trade = trade_of("short 2 at 100 trails 2")
        trade, (fill,) = touch(trade, candles_of("100 102 100 101")[0])
        assert isinstance(fill, ExitFilled)
        assert ambiguous_exit(trade, fill).at_moved is None

    def test_a_fill_without_a_candle_asks_the_levels_of_its_instant(self) -> None:
        trade = evolve(None, entered(1, Side.SHORT, Decimal(100), Decimal(2), 0, stop=Decimal(105)))
        exit_ = ambiguous_exit(trade, left(trade, Decimal(90), Decimal(2), 9))
        assert (exit_.booked, exit_.at_stop, exit_.at_target) == (Decimal(20), Decimal(-10), None)


def test_the_portfolio_and_the_curve_do_not_load_numpy() -> None:
    script = (
        "import sys, papertrade.reports.portfolio, papertrade.reports.equity, papertrade.reports.metrics; "
        "print([name for name in ('numpy', 'sqlmodel', 'rich', 'asyncio') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_equal_requests_give_equal_reports() -> None:
    assert metrics(a_request(5)) == metrics(a_request(5))
    assert metrics(a_request(5)).costs.turnover == Decimal(5 * 1000 + 3 * 1040 + 2 * 980)
