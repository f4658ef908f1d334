"""Backtests for programs: the same run as `papertrade backtest`, from values to values.

The rule to keep: nothing is computed here; a figure comes from the engine's events through `reports`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from papertrade.api.account import AccountWords, Detail, Instruments, Series
from papertrade.api.arguments import Moment
from papertrade.engine.conventions import Convention
from papertrade.engine.money import CONTEXT, HUNDRED, plain
from papertrade.engine.signal import Signal
from papertrade.engine.trade import Status, Trade
from papertrade.reports.equity_columns import EquityColumns
from papertrade.reports.metric import Metric
from papertrade.reports.metrics import MetricsReport
from papertrade.runs.backtest import BacktestResult, Progress, RefusedSignal
from papertrade.runs.backtest import backtest as run
from papertrade.runs.backtest_report import equity_of, report_of
from papertrade.runs.strategy_signals import Number


class Backtest:
    """What came of a backtest: trades, refusals, the equity curve and every figure of `papertrade metrics`.

    `result` is all of it as the engine left it, each event with the account's books after it.
    """

    __slots__ = ("_equity", "_metrics", "result")

    def __init__(self, result: BacktestResult) -> None:
        self.result = result
        self._equity: EquityColumns | None = None
        self._metrics: MetricsReport | None = None

    def __repr__(self) -> str:
        return f"<Backtest: {len(self.trades)} trades, {len(self.refused)} signals refused>"

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Every trade by its number, also those that are still pending or open at the end."""
        return self.result.trades

    @property
    def refused(self) -> tuple[RefusedSignal, ...]:
        """The signals that were not traded, each with the reason and its numbers."""
        return self.result.refused

    @property
    def equity(self) -> EquityColumns:
        """The equity curve: a point at each full UTC hour, at each fill, and at the end of the candles."""
        if self._equity is None:
            self._equity = equity_of(self.result)
        return self._equity

    @property
    def metrics(self) -> MetricsReport:
        """Every figure as of the end of the candles; what is undefined is None with a reason."""
        if self._metrics is None:
            self._metrics = report_of(self.result, self.equity)
        return self._metrics

    def summary(self) -> str:
        """Return the main figures as a few lines of text."""
        report = self.metrics
        statistics, currency = report.trading_statistics, self.result.book.currency
        pending = sum(trade.status is Status.PENDING for trade in self.trades)
        counts = ", ".join(
            (
                f"{statistics.total_trades} trades closed",
                f"{statistics.winning_trades} won",
                f"{statistics.losing_trades} lost",
                f"{report.open_trades} open",
                f"{pending} pending",
                f"{len(self.refused)} signals refused",
            )
        )
        net = f"net profit {plain(statistics.net_profit)} {currency}"
        band = report.band
        if band.ambiguous_exits > 0:
            exits = "1 ambiguous exit" if band.ambiguous_exits == 1 else f"{band.ambiguous_exits} ambiguous exits"
            net += f" ({plain(band.worst)} … {plain(band.best)}, {exits})"
        risk = report.risk
        ratios = (
            f"total return {_percent(risk.total_return)}, max drawdown {_percent(risk.drawdown.max_drawdown)}, "
            f"Sharpe {_number(risk.sharpe)}, profit factor {_number(statistics.profit_factor)}, "
            f"win rate {_percent(statistics.win_rate)}"
        )
        notes = [] if statistics.note is None else [statistics.note]
        return "\n".join([counts, net, ratios, *notes])


def backtest(
    signals: Iterable[Signal],
    candles: Series,
    *,
    cash: Number = "10000",
    currency: str = "USDT",
    fee_rate: Number | None = None,
    maker: Number | None = None,
    taker: Number | None = None,
    slippage_bps: Number = 0,
    leverage: Number = 1,
    maintenance_rate: Number = 0,
    funding_rate: Number | None = None,
    funding_every: str = "8h",
    borrow_rate: Number | None = None,
    convention: str | Convention = "conservative",
    options: Mapping[str, str] | None = None,
    size: Number | None = None,
    notional: Number | None = None,
    percent: Number | None = None,
    risk: Number | None = None,
    default_risk: Number = "1%",
    default_percent: Number = "10%",
    max_notional: Number = "20%",
    on_short_cash: str = "refuse",
    max_open: int | None = None,
    detail: Detail = None,
    instruments: Instruments = (),
    start: Moment | date | None = None,
    end: Moment | date | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Run signals over candles on one account. Raises ValueError for arguments that are none.

    `candles` is one series, several, or a mapping by symbol; `detail` are finer ones that order touches. `size`,
    `notional`, `percent` or `risk` beat the signals' own sizes; `default_risk`, `default_percent` and `max_notional`
    rule where nothing else does.
    """
    words = AccountWords(
        cash=cash, currency=currency, fee_rate=fee_rate, maker=maker, taker=taker, slippage_bps=slippage_bps,
        leverage=leverage, maintenance_rate=maintenance_rate, funding_rate=funding_rate, funding_every=funding_every,
        borrow_rate=borrow_rate, convention=convention, options=options, size=size, notional=notional,
        percent=percent, risk=risk, default_risk=default_risk, default_percent=default_percent,
        max_notional=max_notional, on_short_cash=on_short_cash, max_open=max_open, detail=detail,
        instruments=instruments, start=start, end=end,
    )  # fmt: skip
    return Backtest(run(words.request(signals, candles, progress)))


def _number(metric: Metric) -> str:
    return "-" if metric.value is None else f"{metric.value:.2f}"


def _percent(metric: Metric) -> str:
    return "-" if metric.value is None else f"{CONTEXT.multiply(metric.value, HUNDRED):.2f} %"
