"""The candles that `parity` and `whatif` tell trades over: asked of the venue afresh, or out of files.

The rule to keep: with `--candles` nothing is asked of anybody, and a symbol without a file is refused before
anything is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from papertrade.bootstrap import Desk
from papertrade.commands.answer import progress
from papertrade.commands.backtest_options import candle_cache_folder
from papertrade.engine.values import dataclass
from papertrade.errors import PapertradeError, PartialFailure, UsageProblem
from papertrade.feeds.candle_choice import candle_files
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import CandleSeries
from papertrade.invocation import Invocation
from papertrade.render.text import safe
from papertrade.runs.candles_again import Span
from papertrade.runs.recorded_trades import Place
from papertrade.runs.replay import Track
from papertrade.runs.stories import Tracks, ask_tracks
from papertrade.runs.world import World

CandleFiles: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--candles",
        metavar="SYMBOL=FILE",
        help="Take these candles and ask no venue; may be repeated, or 'data/{symbol}.csv.gz'.",
    ),
]


@dataclass(frozen=True, slots=True)
class Given:
    """The candle files as named on the command line; nothing is asked of a venue if there are any."""

    candles: Sequence[str]
    detail: Sequence[str]


def given_files(candles: Sequence[str] | None, detail: Sequence[str] | None) -> Given:
    """Take the words of `--candles` and `--detail`. Raises UsageProblem."""
    if detail and not candles:
        raise UsageProblem("--detail goes with --candles", hint="without --candles the venue is asked for both")
    return Given(candles or (), detail or ())


def tracks_of(
    call: Invocation, desk: Desk, spans: Mapping[Place, Sequence[Span]], given: Given
) -> tuple[Tracks, World | None]:
    """Return the candles of the stretches, and the world to ask for finer ones; None where files are given."""
    if given.candles:
        return _given_tracks(spans, given), None
    done = 0
    total = sum((end - start) // place.interval_ms for place, each in spans.items() for start, end in each)
    with progress(call, "asking for candles", total) as shown:

        def tell(asked: int, _: int) -> None:
            nonlocal done
            shown.advance(asked - done)
            done = asked

        return ask_tracks(desk.world, spans, tell), desk.world


def series_of(
    call: Invocation, desk: Desk, spans: Mapping[Place, Sequence[Span]], given: Given
) -> Mapping[str, CandleSeries]:
    """Return the candles of the stretches by symbol, for a strategy. Raises FeedError where one's cannot be had."""
    tracks, _ = tracks_of(call, desk, spans, given)
    for error in tracks.failures.values():
        raise error
    return {place.symbol: track.series for place, track in tracks.tracks.items()}


def missing(failures: Mapping[str, PapertradeError]) -> PartialFailure | None:
    """Return the failure of an answer that lacks symbols whose candles could not be had, None if it lacks none."""
    if not failures:
        return None
    first = next(iter(failures.values()))
    return PartialFailure(f"no candles of {', '.join(sorted(failures))}: {first.message}", hint=first.hint)


def _given_tracks(spans: Mapping[Place, Sequence[Span]], given: Given) -> Tracks:
    """Read the files of the symbols that are needed. Raises UsageProblem, InputFileError."""
    symbols = sorted({place.symbol for place in spans})
    try:
        files = candle_files(given.candles, symbols)
    except UsageProblem as problem:
        problem.hint = f"{problem.hint}; or name one symbol with --symbol"
        raise
    detail = candle_files(given.detail, None if _are_named(given.detail) else symbols, option="--detail")
    return Tracks(
        tracks={place: _track(place, files[place.symbol], detail.get(place.symbol)) for place in spans}, are_given=True
    )


def _are_named(words: Sequence[str]) -> bool:
    return all("{symbol}" not in word and "=" in word for word in words)


def _track(place: Place, file: Path, finer: Path | None) -> Track:
    folder = candle_cache_folder()
    series = read_candles(file, place.symbol, cache_folder=folder)
    if len(series) > 1 and series.interval_ms != place.interval_ms:
        raise UsageProblem(
            f"`{safe(str(file))}` has candles of {series.interval_ms // 1000} s, "
            f"{place.symbol} was watched with {place.interval_ms // 1000} s",
            hint="bring the candles that it was watched with",
        )
    if finer is None:
        return Track(series)
    detail = read_candles(finer, place.symbol, cache_folder=folder)
    if detail.interval_ms >= series.interval_ms:
        raise UsageProblem(
            f"`{safe(str(finer))}` has candles of {detail.interval_ms // 1000} s: --detail must be finer"
        )
    return Track(series, detail)
