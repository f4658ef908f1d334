"""The simulation is not blind: bugs planted in the program are found, each within 200 seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.engine.trade import Trade
from papertrade.errors import PapertradeError
from papertrade.feeds.feed import CandleAnswer, CandleRequest, Feed, Quotes
from papertrade.runs import closing, observe, opening, tick
from papertrade.runs.decide import Decided, through_candles
from papertrade.runs.observe import Market, Need, ObservationRules
from papertrade.runs.sighting import Sighting, watermark_after
from papertrade.runs.world import World
from papertrade.store.store import Writer
from tests.simulation.simulation import scratch, simulate

Plant = Callable[[pytest.MonkeyPatch], None]


def watermark_first(patch: pytest.MonkeyPatch) -> None:
    """Move every watermark before the touched trades are decided."""
    original = tick._move_untouched

    def move_all(world: World, sighting: Sighting) -> dict[str, list[int]]:
        touched = original(world, sighting)
        marks = [watermark_after(sighting, symbol) for symbol in touched]
        world.store.write(lambda writer: writer.move_watermarks(marks))
        return touched

    patch.setattr(tick, "_move_untouched", move_all)


def applied_twice(patch: pytest.MonkeyPatch) -> None:
    """Forget which candle was the last that a trade has seen."""

    def through_all(trade: Trade, candles: Sequence[Candle], finer: Mapping[int, Sequence[Candle]]) -> Decided:
        order = trade.order
        return through_candles(replace(trade, applied_to=order.placed_at, whole_from=order.whole_from), candles, finer)

    patch.setattr(tick, "through_candles", through_all)


def forming_is_final(patch: pytest.MonkeyPatch) -> None:
    """Take the minute that is still forming for a final one."""
    original = observe._sorted_out

    def sorted_out(
        market: Market,
        needs: Sequence[Need],
        requests: Mapping[str, CandleRequest | None],
        answers: Mapping[CandleRequest, CandleAnswer],
        quotes: Quotes,
        rules: ObservationRules,
    ) -> Market:
        early = replace(market, at_ms=market.at_ms + MINUTE_MS)
        return replace(original(early, needs, requests, answers, quotes, rules), at_ms=market.at_ms)

    patch.setattr(observe, "_sorted_out", sorted_out)


def settled_in_a_hurry(patch: pytest.MonkeyPatch) -> None:
    """Take a venue that cannot be asked for one that has no seconds."""
    original = observe.look_finer

    async def look_finer(
        feed: Feed, wanted: Sequence[tuple[str, Candle]], rules: ObservationRules
    ) -> Mapping[tuple[str, int], CandleAnswer]:
        answers = await original(feed, wanted, rules)
        return {key: () if isinstance(answer, PapertradeError) else answer for key, answer in answers.items()}

    patch.setattr(tick, "look_finer", look_finer)


def passed_by(patch: pytest.MonkeyPatch) -> None:
    """Forget that another process may have passed the minute that a command was about."""

    def watch_again(writer: Writer, trade: Trade, from_ms: int) -> None:
        return None

    patch.setattr(opening, "watch_again", watch_again)
    patch.setattr(closing, "watch_again", watch_again)


def never_undone(patch: pytest.MonkeyPatch) -> None:
    """Let a batch that broke count as done: the watermark moves although the trade was left out."""
    patch.setattr(tick, "_keep_asides", lambda *_: None)


@pytest.mark.parametrize(
    ("plant", "first"),
    [
        (watermark_first, 0),
        (applied_twice, 140),
        (forming_is_final, 0),
        (settled_in_a_hurry, 0),
        (passed_by, 40),
        (never_undone, 0),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_bug_is_found_within_200_seeds(plant: Plant, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert first_failure(range(first, first + 200)) is not None


def first_failure(seeds: Sequence[int]) -> int | None:
    """Return the first seed that finds something, None if all are content."""
    with scratch() as folder:
        for seed in seeds:
            try:
                simulate(seed, folder)
            except Exception:
                return seed
    return None
