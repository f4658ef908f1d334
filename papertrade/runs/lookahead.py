"""Whether a strategy makes the same signals when it knows less: no future, no second run, no long past.

Each question is a run of its own on other candles, with the file loaded anew, compared with the full run signal
by signal and field by field. The rule to keep: where nothing is reported, the runs were equal in everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from typing import Final

from papertrade.engine.money import plain
from papertrade.engine.signal import ExitWish, Signal, Size
from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.strategy import Strategy, load_strategy
from papertrade.runs.strategy_drive import signals_at, signals_of

POINTS: Final = 8
"""At so many instants the candles are cut, spread evenly; and after as many of the signals."""

HISTORY_MOST: Final = 1_000
"""How many candles a watch asks for at most, and does for a strategy that names no warm-up."""

_ABSENT: Final = "none"


class LeakKind(StrEnum):
    """What a strategy's signals depended on: the future, chance, or more past than a watch gives it."""

    FUTURE = "future"
    CHANCE = "chance"
    PAST = "past"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One field of one signal that differs: as made with all candles, and with fewer, up to `cut_ms` (UTC ms).

    `field` is `signal` where only one of the two runs made it. A value that is absent reads `none`.
    """

    kind: LeakKind
    signal_key: str
    symbol: str
    at_ms: int
    cut_ms: int
    field: str
    with_all: str
    with_less: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookaheadCheck:
    """What was compared: the signals of the full run, how many runs on fewer candles, and what differed."""

    signals: int
    cuts: int
    leaks: tuple[Leak, ...]


def history_of(warmup: int) -> int:
    """Return how many candles a watch shows a strategy of this warm-up."""
    return HISTORY_MOST if warmup == 0 else min(warmup, HISTORY_MOST)


def check_lookahead(
    words: str, series: Mapping[str, CandleSeries], *, on_progress: Callable[[int, int], None] | None = None
) -> LookaheadCheck:
    """Compare a strategy's signals (`FILE.py[:name]`) over all candles with those of runs that know less.

    The candles are cut at instants spread evenly and right after signals; one run is repeated as it is; and at
    the same instants the strategy is asked with nothing but the past that a watch gives it after a restart.
    `on_progress` is told how many of how many runs are done. Raises StrategyError.
    """
    full = signals_of(load_strategy(words), series)
    cuts = _cuts(series, full)
    runs = len(cuts) + 2

    def tell(done: int) -> None:
        if on_progress is not None:
            on_progress(done, runs)

    tell(1)
    leaks = list(_compared(LeakKind.CHANCE, full, signals_of(load_strategy(words), series), _end(series)))
    tell(2)
    for number, cut_ms in enumerate(cuts, 3):
        known = [signal for signal in full if signal.made_at_ms <= cut_ms]
        part = {symbol: _before(one, cut_ms) for symbol, one in series.items()}
        leaks += _compared(LeakKind.FUTURE, known, signals_of(load_strategy(words), part), cut_ms)
        recent = [signal for signal in known if signal.made_at_ms == cut_ms]
        leaks += _compared(LeakKind.PAST, recent, _restarted(load_strategy(words), part, cut_ms), cut_ms)
        tell(number)
    return LookaheadCheck(signals=len(full), cuts=len(cuts), leaks=tuple(_first_of_each(leaks)))


def _cuts(series: Mapping[str, CandleSeries], signals: Sequence[Signal]) -> tuple[int, ...]:
    """Return the ends of candles at which to cut, oldest first."""
    longest = max(series.values(), key=len, default=None)
    if longest is None or len(longest) == 0:
        return ()
    spread = {len(longest) * step // (POINTS + 1) for step in range(1, POINTS + 1)}
    ends = {int(longest.open_ms[index]) + longest.interval_ms for index in spread}
    made = sorted({signal.made_at_ms for signal in signals})
    ends |= {made[len(made) * step // POINTS] for step in range(POINTS) if made}
    return tuple(sorted(ends))


def _before(series: CandleSeries, cut_ms: int) -> CandleSeries:
    """Return the candles that end by an instant."""
    return series.between(None, cut_ms - series.interval_ms + 1)


def _end(series: Mapping[str, CandleSeries]) -> int:
    return max((one.end_ms for one in series.values() if len(one) > 0), default=0)


def _restarted(strategy: Strategy, series: Mapping[str, CandleSeries], cut_ms: int) -> tuple[Signal, ...]:
    """Return the signals of the candles that end at `cut_ms`, made by a watch that has just begun."""
    count = history_of(strategy.warmup)
    made: list[Signal] = []
    for symbol in sorted(series):
        one = series[symbol]
        if len(one) > 0 and one.end_ms == cut_ms:
            recent = one.between(int(one.open_ms[max(len(one) - count, 0)]), None)
            made += signals_at(strategy, symbol, recent, list(series))
    return tuple(made)


def _compared(kind: LeakKind, full: Sequence[Signal], less: Sequence[Signal], cut_ms: int) -> Iterator[Leak]:
    ours = {signal.external_id: signal for signal in full}
    theirs = {signal.external_id: signal for signal in less}
    for name in sorted(ours.keys() | theirs.keys(), key=lambda n: ((ours.get(n) or theirs[n]).made_at_ms, n)):
        signal, other = ours.get(name), theirs.get(name)
        made = signal or theirs[name]
        for field, with_all, with_less in _differences(signal, other):
            yield Leak(
                kind=kind,
                signal_key=made.key,
                symbol=made.symbol,
                at_ms=made.made_at_ms,
                cut_ms=cut_ms,
                field=field,
                with_all=with_all,
                with_less=with_less,
            )


def _differences(signal: Signal | None, other: Signal | None) -> Iterator[tuple[str, str, str]]:
    if signal is None or other is None:
        yield "signal", _side(signal), _side(other)
        return
    for field in fields(Signal):
        ours, theirs = getattr(signal, field.name), getattr(other, field.name)
        if ours != theirs:
            yield field.name, _text(ours), _text(theirs)


def _side(signal: Signal | None) -> str:
    return _ABSENT if signal is None else str(signal.side)


def _text(value: object) -> str:
    match value:
        case None:
            return _ABSENT
        case tuple():
            return " ".join(_text(item) for item in value) or _ABSENT
        case ExitWish():
            each = ((field.name, getattr(value, field.name)) for field in fields(ExitWish))
            return ", ".join(f"{name} {_text(wish)}" for name, wish in each if wish not in (None, ())) or _ABSENT
        case Decimal():
            return plain(value)
        case Size():
            return f"{value.kind} {plain(value.value)}"
        case _:
            return str(value)


def _first_of_each(leaks: Sequence[Leak]) -> Iterator[Leak]:
    """Leave out what an earlier cut has told already."""
    told: set[tuple[LeakKind, str, str]] = set()
    for leak in leaks:
        key = (leak.kind, leak.signal_key, leak.field)
        if key not in told:
            told.add(key)
            yield leak
