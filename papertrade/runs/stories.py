"""Telling many recorded trades again over one set of candles, with finer candles where an order must be told.

Finer candles are asked for exactly where a watch would ask: in candles that touched both sides. The rule to keep:
a story knows nothing of how its candles were come by, and asks for no candle that it could do without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import field

import numpy as np

from papertrade.engine.market import INTERVALS, Candle
from papertrade.engine.messages import ExitFilled, TradeEvent
from papertrade.engine.values import dataclass, replace
from papertrade.errors import PapertradeError
from papertrade.feeds.candle_series import CandleSeries, series_of
from papertrade.runs.candles_again import Progress, Span, ask_candles, ask_finer, merged
from papertrade.runs.recorded_trades import Place
from papertrade.runs.replay import Replayed, Track
from papertrade.runs.retell import Beginning, retell
from papertrade.runs.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """How a trade began, what people did to it, and how far to tell it (UTC ms).

    `unsettled` are the open times of candles that finer ones shall not settle, because they did not then.
    """

    begin: Beginning
    deeds: Sequence[TradeEvent]
    place: Place
    until_ms: int
    unsettled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """The candles to tell stories over, and why there are none for some places; `are_given` if out of files."""

    tracks: Mapping[Place, Track]
    failures: Mapping[Place, PapertradeError] = field(default_factory=dict)
    are_given: bool = False

    @property
    def candles(self) -> int:
        """How many candles there are."""
        return sum(len(track.series) for track in self.tracks.values())


def ask_tracks(world: World, spans: Mapping[Place, Sequence[Span]], progress: Progress | None = None) -> Tracks:
    """Ask the venue for the candles of the stretches. Raises FeedError if it can be asked for none of them."""
    answers = ask_candles(world, {place: merged(each) for place, each in spans.items()}, progress)
    failures = {place: answer for place, answer in answers.items() if isinstance(answer, PapertradeError)}
    tracks = {place: Track(answer) for place, answer in answers.items() if isinstance(answer, CandleSeries)}
    if failures and not tracks:
        raise next(iter(failures.values()))
    return Tracks(tracks=tracks, failures=failures)


def tell(stories: Mapping[int, Story], tracks: Tracks, world: World | None) -> dict[int, Replayed]:
    """Tell each story; without a world nobody is asked for finer candles than those at hand.

    Raises FeedError if the venue cannot be asked for finer ones.
    """
    told = {number: _told(story, tracks) for number, story in stories.items()}
    if world is None or world.watching.settle is None:
        return told
    has_own = {place for place, track in tracks.tracks.items() if track.detail is not None}
    answered: dict[tuple[Place, int], Sequence[Candle]] = {}
    while True:
        questions = {
            (story.place, candle.open_ms): candle
            for number, story in stories.items()
            if story.place not in has_own
            for candle in ambiguous_candles(told[number].events)
            if candle.open_ms not in story.unsettled and (story.place, candle.open_ms) not in answered
        }
        if not questions:
            return told
        places = sorted({place for place, _ in questions})
        for place in places:
            wanted = [(place.symbol, candle) for (where, _), candle in questions.items() if where == place]
            for (_, at), found in ask_finer(world, wanted).items():
                answered[place, at] = found
            finer = [candle for (where, _), found in answered.items() if where == place for candle in found]
            tracks.tracks[place].detail = _detail(place, finer, INTERVALS[world.watching.settle])
        told |= {number: _told(story, tracks) for number, story in stories.items() if story.place in places}


def ambiguous_candles(events: Iterable[TradeEvent]) -> list[Candle]:
    """Return the candles in which an exit had to be chosen between two levels."""
    exits = (event for event in events if isinstance(event, ExitFilled) and event.is_ambiguous)
    return [event.cause.candle for event in exits if event.cause.candle is not None]


def _told(story: Story, tracks: Tracks) -> Replayed:
    track = tracks.tracks[story.place]
    detail = track.detail
    if story.unsettled and detail is not None:
        track = copy(track)
        track.detail = _without(detail, story.unsettled, story.place.interval_ms)
    return retell(story.begin, story.deeds, track, story.until_ms)


def _detail(place: Place, candles: Iterable[Candle], interval_ms: int) -> CandleSeries:
    return series_of(place.symbol, interval_ms, sorted(candles, key=lambda candle: candle.open_ms))


def _without(detail: CandleSeries, opens: Collection[int], interval_ms: int) -> CandleSeries:
    """Leave out the finer candles inside some candles."""
    inside = detail.open_ms - detail.open_ms % interval_ms
    kept = ~np.isin(inside, list(opens))
    return replace(
        detail,
        open_ms=detail.open_ms[kept],
        open=detail.open[kept],
        high=detail.high[kept],
        low=detail.low[kept],
        close=detail.close[kept],
        volume=detail.volume[kept],
    )
