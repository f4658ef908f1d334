"""From a plan to what a backtest needs: signals and candles out of their files, and what those files were.

Reads files and runs a user's strategy; asks no database, no network and no clock. The rule to keep: whatever could
change a figure is named with its hash in `inputs`, so that two runs can be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TypeAlias

from papertrade.engine.saved_run import RunInput, RunPlan, RunPreset, SymbolFile
from papertrade.engine.signal import Defaults, Signal
from papertrade.engine.values import dataclass, replace
from papertrade.errors import InputFileError, StrategyError
from papertrade.feeds.bad_rows import one_line
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import CandleSeries
from papertrade.feeds.file_bytes import hash_of, opened_file
from papertrade.feeds.signal_defaults import signal_filled_in
from papertrade.feeds.signal_files import read_signal_file
from papertrade.feeds.signal_rows import BadRow
from papertrade.runs.backtest import SIGNALS_MAX, BacktestRequest

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestInputs:
    """Signals and candles as read, and the files behind them: signals or strategy first, then candles, then detail."""

    plan: RunPlan
    signals: tuple[Signal, ...]
    candles: Mapping[str, CandleSeries]
    detail: Mapping[str, CandleSeries] = field(default_factory=dict)
    inputs: tuple[RunInput, ...]

    def request(self, progress: Progress | None = None) -> BacktestRequest:
        """Return the backtest that the plan describes."""
        plan = self.plan
        return BacktestRequest(
            signals=self.signals,
            candles=self.candles,
            rules=plan.rules,
            cash=plan.cash,
            currency=plan.currency,
            detail=self.detail,
            instruments={instrument.symbol: instrument for instrument in plan.instruments},
            from_ms=plan.from_ms,
            to_ms=plan.to_ms,
            max_open=plan.max_open,
            zone=zone_named(plan.zone),
            progress=progress,
        )


@dataclass(frozen=True, slots=True)
class SignalSource:
    """The signals of a file, read before anybody knows which candles they need, and the file itself."""

    signals: tuple[Signal, ...]
    input: RunInput

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in the order in which they come."""
        return tuple(dict.fromkeys(signal.symbol for signal in self.signals))


def zone_named(name: str) -> tzinfo:
    """Return the zone of a plan. Raises InputFileError for one that this machine does not know."""
    if name == "UTC":
        return UTC
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise InputFileError(f"the run's zone `{one_line(name)}` is not known here", hint="install tzdata") from error


def read_signals_of(
    path: Path, now_ms: int, default_source: str | None = None, defaults: Defaults | None = None
) -> SignalSource:
    """Read a signal file for a backtest: each signal must say when it was made. Raises InputFileError.

    `defaults` fill in what a row does not say.
    """
    signals = read_signal_file(
        path,
        now_ms=now_ms,
        default_source=default_source,
        rows_max=SIGNALS_MAX,
        defaults=defaults,
        needs_time=True,
    )
    with opened_file(path) as file:
        sha256 = hash_of(file)
    return SignalSource(signals, RunInput(role="signals", name=str(path.absolute()), sha256=sha256, rows=len(signals)))


def load_inputs(
    plan: RunPlan,
    source: SignalSource | None,
    *,
    cache_folder: Path | None = None,
    progress: Progress | None = None,
) -> BacktestInputs:
    """Read the candles, and make the signals if a strategy does; `source` holds those of a file.

    Raises InputFileError and StrategyError. `progress` hears of the strategy's candles.
    """
    candles = load_candles(plan, cache_folder)
    detail = {file.symbol: _finer(file, candles[file.symbol], cache_folder) for file in plan.detail}
    if source is None:
        source = _from_strategy(plan, candles, progress)
    signals = source.signals if plan.size is None else tuple(replace(s, size=plan.size) for s in source.signals)
    return BacktestInputs(
        plan=plan,
        signals=signals,
        candles=candles,
        detail=detail,
        inputs=(
            source.input,
            *(_input("candles", series) for series in candles.values()),
            *(_input("detail", series) for series in detail.values()),
        ),
    )


def load_candles(plan: RunPlan, cache_folder: Path | None = None) -> Mapping[str, CandleSeries]:
    """Read the candles of a plan by symbol. Raises InputFileError."""
    return {file.symbol: _series(file, plan.interval_ms, cache_folder) for file in plan.candles}


def seen_by_strategy(plan: RunPlan, candles: Mapping[str, CandleSeries]) -> Mapping[str, CandleSeries]:
    """Return the candles that a strategy is shown: also those before the span, so that it is warm when it begins."""
    return {symbol: series.between(None, plan.to_ms) for symbol, series in candles.items()}


def _from_strategy(plan: RunPlan, candles: Mapping[str, CandleSeries], progress: Progress | None) -> SignalSource:
    from papertrade.runs.strategy import load_strategy
    from papertrade.runs.strategy_drive import signals_of

    if plan.strategy is None:
        raise ValueError("a plan without signals has a strategy")
    strategy = load_strategy(plan.strategy)
    made = signals_of(strategy, seen_by_strategy(plan, candles), on_progress=progress)
    signals = tuple(s for s in made if plan.from_ms is None or s.made_at_ms >= plan.from_ms)
    if plan.preset is not None:
        signals = tuple(_with_preset(signal, plan.preset) for signal in signals)
    told = RunInput(role="strategy", name=plan.strategy, sha256=strategy.sha256, rows=len(signals))
    return SignalSource(signals, told)


def _with_preset(signal: Signal, preset: RunPreset) -> Signal:
    try:
        return signal_filled_in(signal, preset.defaults)
    except BadRow as bad:
        flaws = "; ".join(message if column is None else f"{column}: {message}" for column, message in bad.flaws)
        raise StrategyError(
            f"preset `{one_line(preset.name)}` does not suit signal `{one_line(signal.key)}` of the strategy: {flaws}",
            hint="papertrade config show",
        ) from None


def _series(file: SymbolFile, interval_ms: int | None, cache_folder: Path | None) -> CandleSeries:
    return read_candles(Path(file.path), file.symbol, interval_ms=interval_ms, cache_folder=cache_folder)


def _finer(file: SymbolFile, coarse: CandleSeries, cache_folder: Path | None) -> CandleSeries:
    series = _series(file, None, cache_folder)
    if len(series) > 0 and len(coarse) > 0 and series.interval_ms >= coarse.interval_ms:
        raise InputFileError(
            f"`{one_line(file.path)}` has candles of {series.interval_ms // 1000} s, those of {file.symbol} "
            f"have {coarse.interval_ms // 1000} s: --detail must be finer",
        )
    return series


def _input(role: str, series: CandleSeries) -> RunInput:
    source = series.source
    if source is None:
        raise ValueError("candles that were read have a source")
    is_empty = len(series) == 0
    holes = series.holes()
    return RunInput(
        role=role,
        name=source.name,
        sha256=source.sha256,
        rows=len(series),
        symbol=series.symbol,
        first_ms=None if is_empty else series.first_ms,
        last_ms=None if is_empty else int(series.open_ms[-1]),
        interval_ms=series.interval_ms,
        holes=len(holes),
        missing=sum(hole.missing for hole in holes),
    )
