"""What a single tick ends with, as people and scripts see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from papertrade.engine.trade import Status
from papertrade.errors import FeedError, PapertradeError, StalePrice
from papertrade.runs.notify import Sent
from papertrade.runs.once import is_lasting, round_failure, watch_once
from papertrade.runs.round import Round, go_round
from papertrade.runs.world import TickReport
from papertrade.store.rows import SetAside
from tests.runs.desk import Desk, break_trade, candle, desk_at, flat

FEED = FeedError("no way", code="feed_timeout")
STALE = StalePrice("A is stale", hint="wait")
BROKEN = (("A", SetAside(trade_id=7, from_ms=0, error="odd", ticks=2)),)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        yield made


def done(symbols: str, failures: Mapping[str, PapertradeError], broken: tuple[tuple[str, SetAside], ...] = ()) -> Round:
    report = TickReport(at_ms=0, symbols=tuple(symbols), failures=failures)
    return Round(checked=1, live=1, report=report, broken=broken)


@pytest.mark.parametrize(
    ("symbols", "failures", "broken", "expected"),
    [
        ("AB", {}, (), None),
        ("A", {"A": FEED}, (), (8, "no way")),
        ("A", {"A": STALE}, (), (9, "A is stale")),
        ("AB", {"A": STALE, "B": STALE}, (), (9, "all 2 symbols are stale; A is stale")),
        ("AB", {"A": FEED, "B": FEED}, (), (8, "none of 2 symbols could be checked; no way")),
        ("AB", {"A": STALE, "B": FEED}, (), (8, "none of 2 symbols could be checked; A is stale")),
        ("AB", {"A": STALE}, (), (10, "1 of 2 symbols could not be checked")),
        ("AB", {"B": FEED}, (), (10, "1 of 2 symbols could not be checked")),
        ("A", {"Z": FEED}, (), (10, "1 of 2 symbols could not be checked")),
        ("A", {}, BROKEN, (10, "1 trade is set aside with an error")),
        ("A", {}, (*BROKEN, *BROKEN), (10, "2 trades are set aside with an error")),
        (
            "AB",
            {"A": FEED},
            BROKEN,
            (10, "1 of 2 symbols could not be checked; 1 trade is set aside with an error"),
        ),
    ],
)
def test_what_a_round_ends_with(
    symbols: str,
    failures: dict[str, PapertradeError],
    broken: tuple[tuple[str, SetAside], ...],
    expected: tuple[int, str] | None,
) -> None:
    error = round_failure(done(symbols, failures, broken))
    assert (None if error is None else (error.exit_code, error.message)) == expected


@pytest.mark.parametrize(
    ("in_a_row", "of_symbol", "of_trade", "expected"),
    [(0, 0, 0, False), (2, 2, 2, False), (3, 0, 0, True), (0, 3, 0, True), (0, 0, 3, True), (0, 9, 1, True)],
)
def test_what_has_lasted_is_news(in_a_row: int, of_symbol: int, of_trade: int, expected: bool) -> None:
    report = TickReport(at_ms=0, symbols=("A",), in_a_row={"A": of_symbol})
    aside = SetAside(trade_id=7, from_ms=0, error="odd", ticks=of_trade)
    assert is_lasting(Round(checked=1, live=1, report=report, broken=(("A", aside),), in_a_row=in_a_row)) is expected


def test_all_single_ticks_share_one_row(desk: Desk) -> None:
    served: list[int] = []

    def serve() -> list[Sent]:
        served.append(1)
        return []

    for number in (11, 12):
        watch_once(desk.world, number, serve)
        desk.clock.pause(60)
    run = desk.last_run("once")
    assert (run.pid, run.ticks, run.last_tick_ms) == (11, 2, desk.clock.at_ms - 60_000)
    assert served == [1, 1]


def test_failed_ticks_are_counted_across_processes(desk: Desk) -> None:
    desk.long()
    desk.feed.error = FEED
    assert [go_round(desk.world).in_a_row for _ in range(3)] == [1, 2, 3]
    desk.feed.error = None
    assert go_round(desk.world).error is None
    desk.feed.error = FEED
    assert go_round(desk.world).in_a_row == 1


def test_a_trade_that_cannot_be_decided_is_set_aside_and_stops_no_other(desk: Desk) -> None:
    desk.tape["AAAUSDT"][2] = candle(2, "100 101 94 99")
    desk.tape["AAAUSDT"] += flat(20)[10:]
    desk.long()
    desk.long()
    break_trade(desk.world.store.path, 1)
    desk.clock.pause(180)
    round_ = go_round(desk.world)
    ((symbol, aside),) = round_.broken
    assert (symbol, aside.trade_id, aside.ticks) == ("AAAUSDT", 1, 1)
    assert desk.trade(2).status is Status.CLOSED
    error = round_failure(round_)
    assert error is not None
    assert error.exit_code == 10
    desk.clock.pause(60)
    watch = desk.watch()
    watch.begin(1)
    watch.step()
    desk.clock.pause(60)
    watch.step()
    told = [notice.broken_anew for notice in desk.heard if hasattr(notice, "broken_anew")]
    assert [len(anew) for anew in told] == [1, 0]
