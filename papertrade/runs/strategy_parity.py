"""Whether a strategy makes the same signals afresh that it made beside the watch: asked again, candle by candle.

It is shown what a watch shows it: each final candle once, with as much of the past as a watch gives. The rule to
keep: only the time is compared in which the watch is known to have asked it, from its first stored signal on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal

from papertrade.engine.market import INTERVALS
from papertrade.engine.money import plain
from papertrade.engine.signal import Signal
from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.candles_again import Span
from papertrade.runs.live_strategy import candle_mark
from papertrade.runs.lookahead import history_of
from papertrade.runs.recorded_trades import Place
from papertrade.runs.strategy import Strategy
from papertrade.runs.strategy_drive import signals_at
from papertrade.store.store import Reader
from papertrade.store.streams import RowFilter


@dataclass(frozen=True, slots=True)
class StoredSignals:
    """A strategy's signals as stored, oldest first, and per symbol until when the watch asked it (UTC ms)."""

    signals: tuple[Signal, ...]
    asked_to: Mapping[str, int]

    @property
    def from_ms(self) -> int:
        """When the first of them was made. Raises ValueError without any."""
        return min(signal.made_at_ms for signal in self.signals)


@dataclass(frozen=True, slots=True)
class SignalDifference:
    """One field of one signal; `field` is `signal` where only one side has it. None is absent."""

    signal_key: str
    symbol: str
    at_ms: int
    field: str
    recorded: str | None
    replayed: str | None


@dataclass(frozen=True, slots=True)
class SignalParity:
    """What came of a strategy's signals: how many were compared over which symbols, and what differs."""

    source: str
    compared: int
    symbols: tuple[str, ...]
    differences: tuple[SignalDifference, ...] = ()


def stored_signals(
    reader: Reader, strategy: Strategy, venue: str, interval: str, since_ms: int | None, symbols: Sequence[str]
) -> StoredSignals:
    """Return the signals of a strategy made since an instant, of some symbols; no symbols are all it has signals of."""
    rows = reader.each_signal(RowFilter(source=strategy.source, since_ms=since_ms))
    signals = [row.signal for row in rows if not symbols or row.signal.symbol in symbols]
    asked: dict[str, int] = {}
    for symbol in dict.fromkeys([*symbols, *(signal.symbol for signal in signals)]):
        last_ms = max((s.made_at_ms for s in signals if s.symbol == symbol), default=0)
        asked[symbol] = max(reader.cursor(candle_mark(strategy.source, venue, symbol, interval)), last_ms)
    return StoredSignals(tuple(sorted(signals, key=lambda signal: signal.made_at_ms)), asked)


def candles_wanted(stored: StoredSignals, strategy: Strategy, venue: str, interval: str) -> dict[Place, list[Span]]:
    """Return the candles to show it: those of the compared time, and the past before them."""
    length = INTERVALS[interval]
    begin = stored.from_ms - (history_of(strategy.warmup) + 1) * length
    return {Place(venue, symbol, length): [(begin, to_ms)] for symbol, to_ms in stored.asked_to.items() if to_ms > 0}


def compare_signals(
    stored: StoredSignals,
    strategy: Strategy,
    series: Mapping[str, CandleSeries],
    progress: Callable[[int, int], None] | None = None,
) -> SignalParity:
    """Ask the strategy again, in the order of time, and compare. Raises StrategyError."""
    fresh = list(_asked_again(stored, strategy, series, progress))
    recorded = {signal.external_id: signal for signal in stored.signals if signal.symbol in series}
    replayed = {signal.external_id: signal for signal in fresh}
    made = {**replayed, **recorded}
    return SignalParity(
        source=strategy.source,
        compared=len(made),
        symbols=tuple(sorted(series)),
        differences=tuple(
            SignalDifference(signal.key, signal.symbol, signal.made_at_ms, field, was, is_)
            for name, signal in sorted(made.items(), key=lambda item: (item[1].made_at_ms, item[0]))
            for field, was, is_ in _differing(recorded.get(name), replayed.get(name))
        ),
    )


def _asked_again(
    stored: StoredSignals,
    strategy: Strategy,
    series: Mapping[str, CandleSeries],
    progress: Callable[[int, int], None] | None,
) -> Iterator[Signal]:
    history = history_of(strategy.warmup)
    turns = sorted(
        (int(open_ms) + one.interval_ms, symbol, index)
        for symbol, one in series.items()
        for index, open_ms in enumerate(one.open_ms)
        if stored.from_ms <= int(open_ms) + one.interval_ms <= stored.asked_to[symbol]
    )
    names = sorted(series)
    for done, (_, symbol, index) in enumerate(turns):
        one = series[symbol]
        first = max(index + 1 - history, 0)
        shown = one.between(int(one.open_ms[first]), int(one.open_ms[index]) + 1)
        yield from signals_at(strategy, symbol, shown, names)
        if progress is not None:
            progress(done + 1, len(turns))


def _differing(was: Signal | None, is_: Signal | None) -> Iterator[tuple[str, str | None, str | None]]:
    if was is None or is_ is None:
        yield "signal", None if was is None else str(was.side), None if is_ is None else str(is_.side)
        return
    for field in fields(Signal):
        old: object = getattr(was, field.name)
        new: object = getattr(is_, field.name)
        if old != new:
            yield field.name, _text(old), _text(new)


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case Decimal():
            return plain(value)
        case tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)
