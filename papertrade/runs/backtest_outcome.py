"""A backtest from its inputs to everything that is shown of it: trades, curve, figures, and the run to save.

Puts together what other files compute. The rule to keep: the same inputs give the same outcome, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np

from papertrade.engine.instants import to_iso
from papertrade.engine.money import from_units
from papertrade.engine.saved_run import RunFigure, RunTrade, SavedRun
from papertrade.engine.trade import Status, Trade
from papertrade.engine.values import dataclass
from papertrade.errors import InputFileError, UsageProblem
from papertrade.reports.equity_columns import EquityColumns
from papertrade.reports.marks import Mark
from papertrade.reports.metrics import MetricsReport, ReportWish
from papertrade.reports.trade_view import TradeView, view
from papertrade.runs.backtest import VENUE, BacktestResult, backtest
from papertrade.runs.backtest_excursions import gaps_in, observed_in, reached_in
from papertrade.runs.backtest_inputs import BacktestInputs
from papertrade.runs.backtest_report import PLAIN, equity_of, report_of

Progress: TypeAlias = Callable[[int, int], None]

KIND: Final = "backtest"
_NO_CANDLES: Final = frozenset({"no_candles", "no_candle_then"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOutcome:
    """What came of a backtest; `report` is as of the end of the candles."""

    inputs: BacktestInputs
    result: BacktestResult
    equity: EquityColumns
    report: MetricsReport

    def sampled_equity(self, count: int) -> list[tuple[int, Decimal]]:
        """Return the equity at about `count` instants spread evenly (UTC ms), the extremes and both ends among them."""
        at_ms, equity = self.equity.at_ms, self.equity.equity
        spread = np.linspace(int(at_ms[0]), int(at_ms[-1]), count)
        found = np.searchsorted(at_ms, spread, side="right") - 1
        chosen = {*found.tolist(), 0, len(at_ms) - 1, int(equity.argmax()), int(equity.argmin())}
        return [(int(at_ms[index]), from_units(int(equity[index]))) for index in sorted(chosen)]

    def views(self, trades: Sequence[Trade] | None = None) -> Iterator[TradeView]:
        """Yield trades as they are shown, all by default; open ones are marked at the last close of their symbol."""
        marks = {
            symbol: Mark(series.price(series.close, -1), series.end_ms - 1)
            for symbol, series in self.result.series.items()
        }
        shown = self.result.trades if trades is None else trades
        met = reached_in(self.result, shown)
        gaps = gaps_in(self.result)
        for trade in shown:
            mark = marks[trade.order.symbol] if trade.status is Status.OPEN else None
            seen = observed_in(trade, gaps, self.result.ends_ms)
            yield view(trade, VENUE, mark, self.result.ends_ms, seen, met.get(trade.id))


def run_backtest(
    inputs: BacktestInputs, *, zone: tzinfo = UTC, progress: Progress | None = None, wish: ReportWish = PLAIN
) -> BacktestOutcome:
    """Run it and compute every figure.

    Raises InputFileError where there are signals and no candle for any of them, and UsageProblem where there is none
    of the symbol to compare with.
    """
    result = backtest(inputs.request(progress))
    if wish.versus is not None and wish.versus not in result.series:
        hint = f"bring candles of it: --candles {wish.versus}=FILE"
        raise UsageProblem(f"there are no candles of `{wish.versus}` to compare with", hint=hint)
    refuse_without_candles(result)
    equity = equity_of(result)
    return BacktestOutcome(
        inputs=inputs, result=result, equity=equity, report=report_of(result, equity, zone=zone, wish=wish)
    )


def run_trades(trades: Sequence[Trade]) -> tuple[RunTrade, ...]:
    """Return what is kept of trades."""
    return tuple(
        RunTrade(
            id=trade.id,
            signal_key=trade.order.signal_key,
            symbol=trade.order.symbol,
            side=trade.side,
            status=trade.status,
            quantity=trade.quantity,
            opened_at=trade.opened_at,
            entry_price=trade.entry_price,
            closed_at=trade.closed_at,
            exit_price=trade.exit_price,
            exit_reason=trade.exit_reason,
            fees=trade.fees,
            realized=trade.realized,
            is_ambiguous=trade.is_ambiguous,
        )
        for trade in trades
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabel:
    """How a run is kept: its name, when it was made (UTC ms), and the program's version."""

    name: str
    made_at_ms: int
    version: str


def saved_run(outcome: BacktestOutcome, label: RunLabel, figures: Sequence[RunFigure], metrics: str) -> SavedRun:
    """Return the run to save; `figures` and `metrics` are those that `metrics --json` shows."""
    result = outcome.result
    return SavedRun(
        name=label.name,
        kind=KIND,
        made_at_ms=label.made_at_ms,
        version=label.version,
        plan=outcome.inputs.plan,
        inputs=outcome.inputs.inputs,
        trades=run_trades(result.trades),
        refused=len(result.refused),
        begins_ms=result.begins_ms,
        ends_ms=result.ends_ms,
        figures=tuple(figures),
        metrics=metrics,
    )


def refuse_without_candles(result: BacktestResult) -> None:
    """Raise InputFileError where there are signals and no candle for any of them."""
    refused = result.refused
    if result.trades or not refused or any(one.refusal.code not in _NO_CANDLES for one in refused):
        return
    made = sorted(one.signal.made_at_ms for one in refused)
    spans = ", ".join(
        f"those of {symbol} go from {to_iso(series.first_ms)} to {to_iso(series.end_ms)}"
        for symbol, series in sorted(result.series.items())
    )
    said = f"`{len(refused)}` signals from {to_iso(made[0])} to {to_iso(made[-1])} have no candles"
    if len(refused) == 1:
        said = f"the one signal, made {to_iso(made[0])}, has no candles"
    raise InputFileError(
        f"{said}: {spans or 'there is no candle in the span asked for'}",
        hint="bring candles of the signals' time, or another --from and --to",
        code="no_candles",
        details={"signals": len(refused)},
    )
