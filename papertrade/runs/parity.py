"""Promise 1, proven: an account's trades told again over candles asked afresh, and where they differ.

What people did is replayed as recorded, what the market did is derived by the one rule (`retell`). The rule to
keep: a trade that cannot be compared is named with the reason, never counted as equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial

from papertrade.engine.instants import to_iso
from papertrade.engine.values import dataclass
from papertrade.errors import PapertradeError
from papertrade.runs.candles_again import Span
from papertrade.runs.differences import Difference, Evidence, Reason, compare
from papertrade.runs.recorded_trades import Place, RecordedTrade
from papertrade.runs.replay import Replayed
from papertrade.runs.stories import Story, Tracks, ambiguous_candles, tell
from papertrade.runs.world import World
from papertrade.store.store import Reader


@dataclass(frozen=True, slots=True)
class NotComparable:
    """A trade that the promise does not cover, or whose candles could not be had, and why."""

    trade_id: int
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityReport:
    """What was compared: so many trades over these symbols. `failures` are symbols whose candles could not be had."""

    compared: int
    symbols: tuple[str, ...]
    differences: tuple[Difference, ...] = ()
    resolved_live: tuple[Difference, ...] = ()
    not_comparable: tuple[NotComparable, ...] = ()
    failures: Mapping[str, PapertradeError] = field(default_factory=dict)
    candles: int = 0

    @property
    def differing(self) -> tuple[int, ...]:
        """The numbers of the trades that differ, each once."""
        return tuple(dict.fromkeys(difference.trade_id for difference in self.differences))


def spans_of(trades: Sequence[RecordedTrade]) -> dict[Place, list[Span]]:
    """Return the stretches that trades were watched in."""
    spans: dict[Place, list[Span]] = {}
    for trade in trades:
        if trade.no_promise is None:
            spans.setdefault(trade.place, []).append((trade.from_ms, trade.until_ms))
    return spans


def why_not(trade: RecordedTrade, tracks: Tracks) -> str | None:
    """Return why a trade cannot be told over these candles, None if it can."""
    if trade.no_promise is not None:
        return trade.no_promise
    if trade.place in tracks.failures:
        return tracks.failures[trade.place].message
    series = tracks.tracks[trade.place].series
    if not tracks.are_given:
        return None
    if len(series) == 0:
        return "the candles given are none"
    if series.first_ms > trade.from_ms:
        return f"the candles given begin at {to_iso(series.first_ms)}, after it was placed"
    if series.end_ms < trade.trade.applied_to and trade.trade.applied_to > trade.trade.order.placed_at:
        return f"the candles given end at {to_iso(series.end_ms)}, before its last fill"
    return None


def compared(
    reader: Reader, trades: Sequence[RecordedTrade], tracks: Tracks, told: Mapping[int, Replayed]
) -> ParityReport:
    """Compare what was recorded with what was told (`told_again`)."""
    reasons = {trade.trade.id: why_not(trade, tracks) for trade in trades}
    differences: list[Difference] = []
    comparable = [trade for trade in trades if trade.trade.id in told]
    for trade in comparable:
        again = told[trade.trade.id]
        evidence = partial(_evidence, reader, trade, tracks)
        differences += compare((trade.trade, trade.events), (again.trade, again.events), evidence)
    return ParityReport(
        compared=len(comparable),
        symbols=tuple(sorted({trade.trade.order.symbol for trade in comparable})),
        differences=tuple(d for d in differences if d.reason is not Reason.RESOLVED_LIVE),
        resolved_live=tuple(d for d in differences if d.reason is Reason.RESOLVED_LIVE),
        not_comparable=tuple(
            NotComparable(trade.trade.id, trade.trade.order.symbol, reason)
            for trade in trades
            if (reason := reasons[trade.trade.id]) is not None
        ),
        failures={place.symbol: error for place, error in tracks.failures.items()},
        candles=tracks.candles,
    )


def told_again(trades: Sequence[RecordedTrade], tracks: Tracks, world: World | None) -> dict[int, Replayed]:
    """Tell every trade that can be told, as it was watched: settled by finer candles where it was then."""
    stories = {trade.trade.id: _story(trade) for trade in trades if why_not(trade, tracks) is None}
    return tell(stories, tracks, world)


def _story(trade: RecordedTrade) -> Story:
    return Story(
        begin=trade.begin,
        deeds=trade.deeds,
        place=trade.place,
        until_ms=trade.until_ms,
        unsettled=frozenset(candle.open_ms for candle in ambiguous_candles(trade.events)),
    )


def _evidence(reader: Reader, trade: RecordedTrade, tracks: Tracks) -> Evidence:
    place = (trade.place.venue, trade.place.symbol)
    return Evidence(
        tracks.tracks[trade.place].series,
        reader.coverage(*place, trade.from_ms, trade.until_ms),
        reader.prices(*place, trade.from_ms, trade.until_ms + 1),
    )
