"""Finer candles order the touches of a minute that reached both sides; a venue that is only slow is waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.changes import ExitChange
from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.engine.signal import Level, LevelKind
from papertrade.engine.trade import ExitReason, Flag, Status
from papertrade.errors import FeedError
from papertrade.feeds.feed import CandleAnswer, CandleRequest
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import close_one, modify_one
from papertrade.runs.tick import tick
from tests.runs.desk import START, Desk, candle, flat
from tests.runs.faulty import FaultyTape, faulty_desk, opened

BOTH = [*flat(3), candle(3, "100 106 94 100"), *(candle(n, "100 100 100 100") for n in range(4, 12))]


def seconds(*prices: tuple[int, str]) -> list[Candle]:
    """Return the 60 seconds of minute 3: flat, but for those named."""
    named = dict(prices)
    open_ms = START + 3 * MINUTE_MS
    found = []
    for number in range(60):
        first, high, low, last = (Decimal(p) for p in named.get(number, "100 100 100 100").split())
        found.append(
            Candle(open_ms=open_ms + number * 1000, interval_ms=1000, open=first, high=high, low=low, close=last)
        )
    return found


TARGET_FIRST = seconds((10, "100 106 100 100"), (40, "100 100 94 100"))


@pytest.fixture
def shaky(tmp_path: Path) -> Iterator[tuple[Desk, FaultyTape]]:
    with faulty_desk(tmp_path, {"AAAUSDT": BOTH, "BBBUSDT": BOTH}) as both:
        both[0].clock.at_ms = START + 30_000
        yield both


def answer_with(feed: FaultyTape, finer: Sequence[Candle]) -> None:
    feed.finer[("AAAUSDT", START + 3 * MINUTE_MS)] = finer


def test_seconds_tell_which_side_came_first(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    answer_with(feed, TARGET_FIRST)
    trade = opened(desk.world, tp=("105",))
    desk.clock.at_ms = START + 5 * MINUTE_MS
    tick(desk.world)
    after = desk.trade(trade.id)
    assert (after.exit_reason, after.exit_price, after.is_ambiguous) == (ExitReason.TAKE_PROFIT, Decimal(105), False)
    assert (after.flags, after.closed_at) == ((Flag.SETTLED,), START + 4 * MINUTE_MS - 1)


def test_seconds_are_asked_for_once_for_all_trades_of_a_minute(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    answer_with(feed, TARGET_FIRST)
    trades = [opened(desk.world, tp=("105",)) for _ in range(3)]
    desk.clock.at_ms = START + 5 * MINUTE_MS
    tick(desk.world)
    assert feed.finer_asked == 1
    assert {desk.trade(trade.id).exit_reason for trade in trades} == {ExitReason.TAKE_PROFIT}


@pytest.mark.parametrize("code", ["no_such_interval", "unknown_symbol", "feed_refused"])
def test_a_venue_without_seconds_leaves_it_to_the_convention(shaky: tuple[Desk, FaultyTape], code: str) -> None:
    desk, feed = shaky
    feed.finer_error = FeedError("no", code=code)
    trade = opened(desk.world, tp=("105",))
    desk.clock.at_ms = START + 5 * MINUTE_MS
    report, _ = tick(desk.world)
    after = desk.trade(trade.id)
    assert (after.exit_reason, after.is_ambiguous, report.failures) == (ExitReason.STOP_LOSS, True, {})


@pytest.mark.parametrize("finer", [[], TARGET_FIRST[:30]], ids=["nothing", "half a minute"])
def test_seconds_that_do_not_reach_as_far_tell_nothing(shaky: tuple[Desk, FaultyTape], finer: list[Candle]) -> None:
    desk, feed = shaky
    answer_with(feed, finer)
    trade = opened(desk.world, tp=("105",))
    desk.clock.at_ms = START + 5 * MINUTE_MS
    tick(desk.world)
    assert (desk.trade(trade.id).exit_reason, desk.trade(trade.id).is_ambiguous) == (ExitReason.STOP_LOSS, True)


def test_seconds_are_not_asked_for_when_they_are_not_wanted(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    trade = opened(desk.world, tp=("105",))
    desk.clock.at_ms = START + 5 * MINUTE_MS
    for settle in (None, "1m"):
        tick(replace(desk.world, watching=replace(desk.world.watching, settle=settle)))
    assert feed.finer_asked == 0
    assert desk.trade(trade.id).is_ambiguous


def test_a_venue_that_cannot_be_asked_for_seconds_decides_nothing(shaky: tuple[Desk, FaultyTape]) -> None:
    """The result must not depend on the second in which the network failed: the minute waits, others go on."""
    desk, feed = shaky
    answer_with(feed, TARGET_FIRST)
    feed.finer_error = FeedError("too slow", code="feed_timeout")
    waiting, sound = opened(desk.world, tp=("105",)), opened(desk.world, "BBBUSDT", tp=())
    desk.clock.at_ms = START + 5 * MINUTE_MS
    report, _ = tick(desk.world)
    assert [change.after.id for change in report.closed] == [sound.id]
    assert (list(report.failures), report.in_a_row) == (["AAAUSDT"], {"AAAUSDT": 1})
    present = catch_up(desk.world, ["AAAUSDT"])
    refused = close_one(desk.world, waiting.id, Decimal(1), present).error
    assert refused is not None
    assert (refused.exit_code, refused.message) == (8, "too slow")
    feed.finer_error = None
    report, _ = tick(desk.world)
    assert report.failures == {}
    assert desk.trade(waiting.id).exit_reason is ExitReason.TAKE_PROFIT


def test_a_venue_that_never_answers_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    import asyncio

    class Silent(FaultyTape):
        async def candles(self, requests: Sequence[CandleRequest]) -> dict[CandleRequest, CandleAnswer]:
            if requests[0].interval == "1s":
                await asyncio.sleep(5)
            return dict(await super().candles(requests))

    with faulty_desk(tmp_path, {"AAAUSDT": BOTH}) as (desk, feed):
        trade = opened(desk.world, tp=("105",))
        silent = Silent(feed._tape, desk.clock.now_ms)
        hurried = replace(desk.world.watching, deadline_seconds=0.01)
        desk.clock.at_ms = START + 5 * MINUTE_MS
        report, _ = tick(replace(desk.world, feed=silent, watching=hurried))
        assert report.failures["AAAUSDT"].message == "`tape` did not answer within 0.01 s"
        assert desk.trade(trade.id).status is Status.OPEN


def test_a_stop_moved_while_seconds_are_asked_for_counts_from_its_own_minute(shaky: tuple[Desk, FaultyTape]) -> None:
    """What is decided after the venue has answered is decided about the trade as it is then."""
    desk, feed = shaky
    answer_with(feed, TARGET_FIRST)
    trade = opened(desk.world, tp=("105",))
    present = catch_up(desk.world, ["AAAUSDT"])
    other = replace(desk.world, store=desk.second_store())
    wider = ExitChange(stop=Level(LevelKind.PRICE, Decimal(90)), keeps_stop=False)

    async def modified_meanwhile(requests: Sequence[CandleRequest]) -> dict[CandleRequest, CandleAnswer]:
        modify_one(other, trade.id, wider, present)
        return dict(await FaultyTape.candles(feed, requests))

    desk.clock.at_ms = START + 5 * MINUTE_MS
    feed.candles = modified_meanwhile  # type: ignore[method-assign]
    tick(desk.world)
    other.store.close()
    after = desk.trade(trade.id)
    assert (after.exit_reason, after.exit_price, after.is_ambiguous) == (ExitReason.TAKE_PROFIT, Decimal(105), False)
    assert Flag.SETTLED not in after.flags
