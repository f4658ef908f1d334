"""Running a strategy over candles: called once after each candle of each symbol, in the order of time.

The rule to keep: a signal is made at the end of the candle that the strategy has just seen, neither before nor
after; whatever else it returns ends the run with the name of the candle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from papertrade.engine.instants import to_iso
from papertrade.engine.signal import Signal
from papertrade.errors import StrategyError
from papertrade.feeds.candle_series import CandleSeries, IntColumn
from papertrade.runs.strategy import Strategy, users_code
from papertrade.runs.strategy_candles import Candles, CandleTrack

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many candles of how many are done."""

_CHUNK: Final = 65_536


def signals_of(
    strategy: Strategy, series: Mapping[str, CandleSeries], *, on_progress: Progress | None = None
) -> tuple[Signal, ...]:
    """Return the signals that a strategy makes over candles, in the order of time, at one instant by symbol.

    The module's state goes on from where it is: load the strategy anew for another run. Raises StrategyError.
    """
    names = sorted(series)
    tracks = [CandleTrack(name, series[name], strategy.source) for name in names]
    order = _merged([series[name] for name in names])
    counts = [0] * len(names)
    signals: dict[str, Signal] = {}
    function, warmup, total = strategy.function, strategy.warmup, len(order)
    which = 0

    def doing() -> str:
        return _on(tracks[which].symbol, tracks[which].end_ms(counts[which]))

    with users_code(strategy.path, doing):
        for start in range(0, total, _CHUNK):
            for which in order[start : start + _CHUNK].tolist():
                count = counts[which] = counts[which] + 1
                if count < warmup:
                    continue
                track = tracks[which]
                found = function(Candles(track, count))
                if found is not None:
                    _keep(signals, _checked(found, strategy, track, track.end_ms(count), series.keys()))
            if on_progress is not None:
                on_progress(min(start + _CHUNK, total), total)
    return tuple(signals.values())


def signals_at(strategy: Strategy, symbol: str, series: CandleSeries, symbols: Sequence[str]) -> tuple[Signal, ...]:
    """Return the signals that a strategy makes on the last candle of a series; none if it is still warming up.

    They may be of any of `symbols`. Raises StrategyError.
    """
    if len(series) < max(strategy.warmup, 1):
        return ()
    track = CandleTrack(symbol, series, strategy.source)
    with users_code(strategy.path, lambda: _on(symbol, series.end_ms)):
        found = strategy.function(Candles(track, len(series)))
        if found is None:
            return ()
        signals: dict[str, Signal] = {}
        _keep(signals, _checked(found, strategy, track, series.end_ms, symbols))
    return tuple(signals.values())


def _merged(series: Sequence[CandleSeries]) -> IntColumn:
    """Return whose candle ends next, for all candles; at one instant in the order given."""
    if not series:
        return np.zeros(0, np.int64)
    ends = np.concatenate([one.open_ms + one.interval_ms for one in series])
    owners = np.repeat(np.arange(len(series)), [len(one) for one in series])
    return owners if len(series) == 1 else owners[np.argsort(ends, kind="stable")]


def _checked(
    found: object, strategy: Strategy, track: CandleTrack, at_ms: int, symbols: Iterable[str]
) -> Iterable[Signal]:
    """Yield what a strategy returned, checked; runs the user's code if that is a generator."""
    values: Iterable[object]
    if isinstance(found, Signal):
        values = (found,)
    elif isinstance(found, Iterable) and not isinstance(found, str | bytes):
        values = found
    else:
        raise _bad(strategy, track.symbol, at_ms, f"returned {_kind_of(found)}, expected signals or None")
    for value in values:
        if not isinstance(value, Signal):
            raise _bad(strategy, track.symbol, at_ms, f"returned {_kind_of(value)} among its signals")
        if value.made_at_ms != at_ms:
            why = f"made signal `{value.key}` at {to_iso(value.made_at_ms)}: a signal is made now, at the candle's end"
            raise _bad(strategy, track.symbol, at_ms, why)
        if value.symbol not in symbols:
            raise _bad(strategy, track.symbol, at_ms, f"made a signal of `{value.symbol}`, which it has no candles of")
        if value.source != strategy.source:
            why = f"made a signal of source `{value.source}`: its own is `{strategy.source}`"
            raise _bad(strategy, track.symbol, at_ms, why)
        yield value


def _keep(signals: dict[str, Signal], found: Iterable[Signal]) -> None:
    for signal in found:
        if signal.external_id in signals:
            raise StrategyError(
                f"strategy made two signals with the id `{signal.external_id}`, "
                f"the second at {to_iso(signal.made_at_ms)}",
                hint="leave out `id`: the symbol and the time name a signal",
            )
        signals[signal.external_id] = signal


def _kind_of(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _on(symbol: str, end_ms: int) -> str:
    return f"on the candle of {symbol} that ends {to_iso(end_ms)}"


def _bad(strategy: Strategy, symbol: str, at_ms: int, why: str) -> StrategyError:
    return StrategyError(
        f"strategy `{strategy.path.name}`, {_on(symbol, at_ms)}, {why}",
        hint="make signals with `candles.signal(...)` and return them",
    )
