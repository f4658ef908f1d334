"""The stream of final candles: each once, with the past that was asked for, in memory or from the venue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.market import HOUR_MS, MINUTE_MS
from papertrade.errors import FeedError
from papertrade.feeds.tape import Tape, TapeFeed
from papertrade.runs.candle_stream import CandleStream, Fetched
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import close_one
from papertrade.runs.tick import tick
from tests.runs.desk import START, Desk, VirtualClock, candle, desk_at, flat


class SlowTape(TapeFeed):
    async def time_ms(self) -> int:
        await asyncio.sleep(5)
        return await super().time_ms()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path, {"AAAUSDT": flat(60), "BBBUSDT": flat(60)}) as made:
        yield made


def at(desk: Desk, minute: int) -> None:
    desk.clock.at_ms = START + minute * MINUTE_MS + 500


def minutes(fetched: Fetched, symbol: str = "AAAUSDT") -> list[int]:
    """The minutes after START at which the candles opened, the new ones and their past."""
    return [(int(ms) - START) // MINUTE_MS for ms in fetched.series[symbol].open_ms]


def test_the_first_look_has_the_newest_candle_and_its_past(desk: Desk) -> None:
    at(desk, 30)
    fetched = CandleStream(4, MINUTE_MS).fetch(desk.world, {"AAAUSDT": 0})
    assert minutes(fetched) == [24, 25, 26, 27, 28, 29]  # four, one more for holes, and the new one
    assert fetched.since["AAAUSDT"] == START + 29 * MINUTE_MS


def test_a_second_look_asks_for_what_is_new_only(desk: Desk) -> None:
    stream = CandleStream(4, MINUTE_MS)
    at(desk, 30)
    first = stream.fetch(desk.world, {"AAAUSDT": 0})
    stream.moved(first, {"AAAUSDT": START + 30 * MINUTE_MS})
    at(desk, 32)
    del desk.tape["AAAUSDT"][:30]  # the venue need not be asked for them again
    second = stream.fetch(desk.world, {"AAAUSDT": START + 30 * MINUTE_MS})
    assert minutes(second) == [26, 27, 28, 29, 30, 31]
    assert second.since["AAAUSDT"] == START + 30 * MINUTE_MS


def test_nobody_is_asked_while_no_candle_can_have_ended(desk: Desk) -> None:
    stream = CandleStream(4, MINUTE_MS)
    at(desk, 30)
    stream.fetch(desk.world, {"AAAUSDT": START + 30 * MINUTE_MS})
    asked = desk.feed.asked
    desk.clock.pause(20)
    fetched = stream.fetch(desk.world, {"AAAUSDT": START + 30 * MINUTE_MS})
    assert (desk.feed.asked, dict(fetched.series), fetched.market.at_ms) == (asked, {}, desk.clock.at_ms)


def test_a_process_asks_the_venue_s_clock_itself_whatever_was_measured_before(desk: Desk) -> None:
    """The local clock was an hour ahead when a tick measured it, and has been set right since."""
    at(desk, 30)
    ahead = replace(desk.world, clock=VirtualClock(desk.clock.at_ms + HOUR_MS))
    opened = desk.long()
    tick(ahead)
    close_one(desk.world, opened.id, Decimal(1), catch_up(ahead, ["AAAUSDT"]))
    at(desk, 32)
    fetched = CandleStream(4, MINUTE_MS).fetch(desk.world, {"AAAUSDT": START + 30 * MINUTE_MS})
    assert minutes(fetched)[-2:] == [30, 31]


@pytest.mark.parametrize(("wall_ms", "seconds"), [(-HOUR_MS, 90.0), (90_000, 0.0)], ids=["set back", "asleep"])
def test_a_loop_notices_that_a_candle_is_due_by_either_clock(desk: Desk, wall_ms: int, seconds: float) -> None:
    stream = CandleStream(4, MINUTE_MS)
    at(desk, 30)
    own = VirtualClock(desk.clock.at_ms)
    world = replace(desk.world, clock=own)
    stream.fetch(world, {"AAAUSDT": START + 30 * MINUTE_MS})
    at(desk, 32)
    own.at_ms += wall_ms
    own.elapsed += seconds
    assert minutes(stream.fetch(world, {"AAAUSDT": START + 30 * MINUTE_MS}))[-1] >= 30


def test_holes_shorten_nothing_that_a_quarter_more_covers(desk: Desk) -> None:
    del desk.tape["AAAUSDT"][27]
    at(desk, 30)
    fetched = CandleStream(4, MINUTE_MS).fetch(desk.world, {"AAAUSDT": 0})
    assert minutes(fetched) == [24, 25, 26, 28, 29]


def test_an_answer_that_cannot_be_candles_is_a_failure_of_its_symbol(desk: Desk) -> None:
    desk.tape["AAAUSDT"].insert(29, candle(28, "100 100 100 100"))
    at(desk, 30)
    fetched = CandleStream(4, MINUTE_MS).fetch(desk.world, {"AAAUSDT": 0, "BBBUSDT": 0, "NOSUCH": 0})
    assert list(fetched.series) == ["BBBUSDT"]
    assert fetched.failures["AAAUSDT"].error_code == "feed_bad_answer"
    assert fetched.failures["NOSUCH"].error_code == "unknown_symbol"


def test_a_venue_that_is_too_slow(desk: Desk) -> None:
    slow = SlowTape(Tape(candles=desk.tape), desk.clock.now_ms)
    world = replace(desk.world, feed=slow, watching=replace(desk.world.watching, deadline_seconds=0.01))
    with pytest.raises(FeedError, match=r"did not answer within 0\.01 s"):
        CandleStream(4, MINUTE_MS).fetch(world, {"AAAUSDT": 0})
