"""Asking a venue afresh for candles of the past: stretches of several instruments, in batches, with progress.

The network part of `parity` and `whatif`, before any transaction. The rule to keep: only candles that are final by
the venue's clock come back, and what one instrument failed with hides no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from papertrade.engine.market import INTERVALS, Candle
from papertrade.errors import FeedError, PapertradeError
from papertrade.feeds.candle_series import CandleSeries, series_of
from papertrade.feeds.feed import CandleRequest
from papertrade.runs.observe import look_finer
from papertrade.runs.recorded_trades import Place
from papertrade.runs.world import World

Span: TypeAlias = tuple[int, int]
"""From an open time to before another (UTC ms)."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many of how many candles have been asked for."""

_PIECE: Final = 5_000  # candles a request: five pages
_AT_ONCE: Final = 8  # requests a call, which all share the feed's deadline
_FINER_AT_ONCE: Final = 20


def ask_candles(
    world: World, wanted: Mapping[Place, Sequence[Span]], progress: Progress | None = None
) -> Mapping[Place, CandleSeries | PapertradeError]:
    """Return the final candles of each place within its stretches. Raises FeedError if the venue cannot be asked."""
    now_ms = world.wait(world.feed.time_ms())
    requests = [(place, request) for place, spans in wanted.items() for request in _pieces(place, spans, now_ms)]
    total = sum(_length(request) for _, request in requests)
    candles: dict[Place, list[Candle]] = {place: [] for place in wanted}
    failures: dict[Place, PapertradeError] = {}
    done = 0
    for start in range(0, len(requests), _AT_ONCE):
        batch = [(place, request) for place, request in requests[start : start + _AT_ONCE] if place not in failures]
        answers = world.wait(world.feed.candles([request for _, request in batch])) if batch else {}
        for place, request in batch:
            answer = answers[request]
            if isinstance(answer, PapertradeError):
                failures[place] = answer
            else:
                candles[place] += [c for c in answer if c.end_ms <= now_ms]
        done += sum(_length(request) for _, request in requests[start : start + _AT_ONCE])
        if progress is not None:
            progress(done, total)
    return {place: failures[place] if place in failures else _series(place, found) for place, found in candles.items()}


def ask_finer(world: World, wanted: Sequence[tuple[str, Candle]]) -> Mapping[tuple[str, int], Sequence[Candle]]:
    """Return the finer candles inside each (symbol, candle), by symbol and open time; empty where there are none.

    They are those that a watch would ask for. Raises FeedError where the venue could not be asked.
    """
    found: dict[tuple[str, int], Sequence[Candle]] = {}
    for start in range(0, len(wanted), _FINER_AT_ONCE):
        answers = world.wait(look_finer(world.feed, wanted[start : start + _FINER_AT_ONCE], world.watching))
        for key, answer in answers.items():
            if isinstance(answer, PapertradeError):
                raise answer
            found[key] = answer
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return stretches that cover the same instants, oldest first, none touching another; empty ones are dropped."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def _pieces(place: Place, spans: Sequence[Span], now_ms: int) -> list[CandleRequest]:
    """Cut stretches into requests; what has not ended at the venue's clock is not asked for."""
    length = place.interval_ms
    last_end = now_ms - now_ms % length
    pieces = []
    for start, end in merged(
        (start - start % length, min(-(-end // length) * length, last_end)) for start, end in spans
    ):
        for begin in range(start, end, _PIECE * length):
            until = min(begin + _PIECE * length, end)
            pieces.append(CandleRequest(place.symbol, place.interval, begin, until, _PIECE))
    return pieces


def _series(place: Place, candles: Sequence[Candle]) -> CandleSeries | PapertradeError:
    try:
        return series_of(place.symbol, place.interval_ms, candles)
    except ValueError as error:
        return FeedError(f"`{place.venue}` gave candles of {place.symbol} that cannot be used: {error}")


def _length(request: CandleRequest) -> int:
    return (request.end_ms - request.start_ms) // INTERVALS[request.interval]
