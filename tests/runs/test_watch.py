"""The loop: its grid, its ends, what it tells, and that nothing but the database's own absence can hold it up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from papertrade.engine.market import MINUTE_MS
from papertrade.engine.trade import Status
from papertrade.errors import FeedError, WatchRunning
from papertrade.feeds.feed import Closure
from papertrade.runs.notify import Sent
from papertrade.runs.watch import (
    LOOP,
    Ended,
    Failed,
    Happened,
    Jumped,
    Notice,
    NotTold,
    Recovered,
    Rhythm,
    Started,
    Ticked,
    run_watch,
    watch_lock,
)
from papertrade.store.locks import write_lock
from papertrade.store.rows import Delivery
from tests.runs.desk import START, Desk, candle, desk_at, flat, steps


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        yield made


def rounds(desk: Desk) -> list[Ticked]:
    return cast("list[Ticked]", desk.of(Ticked))


def test_ticks_lie_on_the_grid_of_the_monotonic_clock(desk: Desk) -> None:
    watch = desk.watch()
    began = desk.clock.monotonic()
    at: list[float] = []
    watch.begin(1)
    desk.long()
    desk.feed.on_ask = lambda: at.append(desk.clock.monotonic() - began)
    steps(watch, desk.clock, 95)
    assert at == [0, 30, 60, 90]


def test_a_slow_round_skips_its_slots_and_counts_them(desk: Desk) -> None:
    desk.long()
    watch = desk.watch()
    watch.begin(1)
    at: list[float] = []
    began = desk.clock.monotonic()

    def slow() -> None:
        at.append(desk.clock.monotonic() - began)
        desk.clock.pause(65 if len(at) == 1 else 0)

    desk.feed.on_ask = slow
    steps(watch, desk.clock, 130)
    assert at == [0, 90, 120]
    assert (desk.last_run().ticks, desk.last_run().skipped) == (3, 2)


def test_a_stopped_process_ticks_at_once_and_counts_what_it_missed(desk: Desk) -> None:
    desk.long()
    watch = desk.watch()
    watch.begin(1)
    watch.step()
    desk.clock.pause(100)
    watch.step()
    assert [notice.skipped for notice in rounds(desk)] == [0, 2]
    assert watch.step() == 0.5
    assert desk.last_run().next_tick_ms == desk.clock.at_ms + 20_000


def test_a_stop_that_was_touched_closes_in_its_minute(desk: Desk) -> None:
    desk.tape["AAAUSDT"][2] = candle(2, "100 101 94 99")
    desk.long()
    watch = desk.watch()
    watch.begin(1)
    steps(watch, desk.clock, 180)
    trade = desk.trade()
    assert (trade.status, trade.closed_at, trade.exit_price) == (Status.CLOSED, START + 3 * MINUTE_MS - 1, Decimal(95))
    (closed,) = cast("list[Happened]", desk.of(Happened))
    assert closed.happening.names == ("trade_closed",)
    assert closed.happening.view is not None
    assert closed.happening.view.trade == trade


def test_f25_a_watch_that_slept_comes_to_the_same_result(desk: Desk) -> None:
    desk.tape["AAAUSDT"][2] = candle(2, "100 101 94 99")
    desk.tape["AAAUSDT"] += [candle(number, "99 99 99 99") for number in range(10, 200)]
    desk.long()
    watch = desk.watch()
    watch.begin(1)
    watch.step()
    desk.clock.set_wall(3 * 3_600_000)
    steps(watch, desk.clock, 31)
    assert (desk.trade().closed_at, desk.trade().exit_price) == (START + 3 * MINUTE_MS - 1, Decimal(95))
    assert desk.of(Jumped) == [Jumped(3 * 3_600_000)]


@pytest.mark.parametrize(("by_ms", "told"), [(4_000, 0), (-4_000, 0), (6_000, 1), (-3_600_000, 1)])
def test_a_jump_of_the_wall_clock_is_told(desk: Desk, by_ms: int, told: int) -> None:
    watch = desk.watch()
    watch.begin(1)
    watch.step()
    desk.clock.set_wall(by_ms)
    watch.step()
    watch.step()
    assert desk.of(Jumped) == [Jumped(by_ms)] * told


def test_f23_a_clock_set_back_does_not_stretch_the_sleep(desk: Desk) -> None:
    watch = desk.watch()
    watch.begin(1)
    watch.step()
    desk.clock.set_wall(-3_600_000)
    steps(watch, desk.clock, 61)
    assert desk.last_run().ticks == 3


def test_it_ends_when_asked_after_the_round_under_way(desk: Desk) -> None:
    desk.long()
    desk.feed.on_ask = lambda: desk.stopping.ask("SIGTERM")
    run_watch(desk.watch(), 7, desk.clock.pause)
    run = desk.last_run()
    assert (run.ticks, run.note, run.ended_ms, run.pid) == (1, "SIGTERM", desk.clock.at_ms, 7)
    assert desk.heard[-1] == Ended("SIGTERM", 1, 0, 0)
    assert desk.clock.pauses == [0.5]


def test_it_ends_when_its_time_is_over(desk: Desk) -> None:
    began = desk.clock.monotonic()
    run_watch(desk.watch(Rhythm(interval_ms=30_000, for_ms=75_000)), 1, desk.clock.pause)
    assert desk.clock.monotonic() - began == pytest.approx(75)
    assert desk.heard[-1] == Ended("its time was over", 3, 0, 0)


@pytest.mark.parametrize(("reason", "note"), [("lunch", "stop: lunch"), ("", "stop")])
def test_a_request_to_stop_is_seen_within_a_second(desk: Desk, reason: str, note: str) -> None:
    watch = desk.watch()
    watch.begin(1)
    steps(watch, desk.clock, 5)
    other = desk.second_store()
    other.write(lambda writer: writer.request_stop("own", reason))
    other.close()
    asked = desk.clock.monotonic()
    run_out = 0
    while (wait := watch.step()) is not None and run_out < 100:
        desk.clock.pause(wait)
        run_out += 1
    assert desk.clock.monotonic() - asked <= 1.5
    assert desk.last_run().note == note


def test_a_venue_that_fails_is_told_once_counted_and_recovery_too(desk: Desk) -> None:
    desk.long()
    watch = desk.watch()
    watch.begin(1)
    desk.feed.error = FeedError("no way there", code="feed_unreachable")
    steps(watch, desk.clock, 30 * 20 - 1)
    failures = cast("list[Failed]", desk.of(Failed))
    assert [(f.in_a_row, f.is_reminder) for f in failures] == [(1, False), (20, True)]
    desk.feed.error = None
    steps(watch, desk.clock, 30)
    assert desk.of(Recovered) == [Recovered(20, was_feed=True)]
    assert (desk.last_run().failed, desk.last_run().ticks) == (20, 21)
    with desk.world.store.read() as reader:
        assert reader.venue_state("tape").failures == 0


def test_another_cause_is_told_anew(desk: Desk) -> None:
    desk.long()
    watch = desk.watch()
    watch.begin(1)
    for code in ("feed_timeout", "feed_unreachable"):
        desk.feed.error = FeedError("no", code=code)
        steps(watch, desk.clock, 30)
    assert [cast("Failed", f).error.error_code for f in desk.of(Failed)] == ["feed_timeout", "feed_unreachable"]


def test_a_ban_is_kept_for_the_next_process(desk: Desk) -> None:
    desk.long()
    desk.feed.error = FeedError("banned", code="feed_banned")
    desk.feed.banned = Closure(START + 7_200_000, "HTTP 418")
    watch = desk.watch()
    watch.begin(1)
    watch.step()
    with desk.world.store.read() as reader:
        state = reader.venue_state("tape")
    assert (state.closed_until_ms, state.closed_reason) == (START + 7_200_000, "HTTP 418")
    assert (state.failures, state.last_error) == (1, "banned")


def test_one_symbol_that_fails_is_told_once_and_stops_no_other(desk: Desk) -> None:
    desk.tape["BBBUSDT"] = flat(10)
    desk.tape["AAAUSDT"][2] = candle(2, "100 101 94 99")
    desk.long("AAAUSDT")
    desk.long("BBBUSDT")
    del desk.tape["BBBUSDT"]
    watch = desk.watch()
    watch.begin(1)
    steps(watch, desk.clock, 179)
    anew = [notice.failed_anew for notice in rounds(desk)]
    assert anew == [("BBBUSDT",), (), (), (), (), ()]
    assert desk.trade().status is Status.CLOSED
    desk.tape["BBBUSDT"] = flat(10)
    steps(watch, desk.clock, 30)
    assert rounds(desk)[-1].recovered == ("BBBUSDT",)


def test_a_database_that_is_kept_busy_is_told_once_and_tried_again(desk: Desk) -> None:
    desk.tape["AAAUSDT"][2] = candle(2, "100 101 94 99")
    desk.long()
    watch = desk.watch()
    watch.begin(1)
    with write_lock(desk.world.store.path, desk.clock.pause):
        steps(watch, desk.clock, 200)
    assert desk.names() == ["Started", "Failed"]
    steps(watch, desk.clock, 31)
    assert desk.names() == ["Started", "Failed", "Recovered", "Happened"]
    assert desk.trade().status is Status.CLOSED


def test_nobody_is_asked_without_live_trades(desk: Desk) -> None:
    watch = desk.watch()
    watch.begin(1)
    steps(watch, desk.clock, 61)
    assert (desk.feed.asked, desk.last_run().ticks) == (0, 3)


def test_failing_symbols_of_trades_that_are_gone_are_forgotten(desk: Desk) -> None:
    desk.long(limit="90", sl="80")
    watch = desk.watch()
    watch.begin(1)
    kept = desk.tape.pop("AAAUSDT")
    watch.step()
    desk.tape["AAAUSDT"] = kept
    with desk.world.store.read() as reader:
        assert [failure.symbol for failure in reader.symbol_failures()] == ["AAAUSDT"]
    from papertrade.runs.catch_up import catch_up
    from papertrade.runs.closing import cancel_one

    cancel_one(desk.world, 1, catch_up(desk.world, forced=True))
    steps(watch, desk.clock, 31)
    with desk.world.store.read() as reader:
        assert reader.symbol_failures() == ()
    assert rounds(desk)[-1].recovered == ("AAAUSDT",)


def test_what_other_commands_do_is_told_in_between(desk: Desk) -> None:
    watch = desk.watch()
    watch.begin(1)
    steps(watch, desk.clock, 5)
    other = desk.second_store()
    import dataclasses

    elsewhere = dataclasses.replace(desk, world=dataclasses.replace(desk.world, store=other))
    elsewhere.long()
    other.close()
    steps(watch, desk.clock, 1.5)
    (told,) = cast("list[Happened]", desk.of(Happened))
    assert told.happening.names == ("trade_opened",)


def test_a_listener_whose_output_is_gone_never_ends_a_round(desk: Desk) -> None:
    def gone(_: Notice) -> None:
        raise BrokenPipeError

    desk.tape["AAAUSDT"][2] = candle(2, "100 101 94 99")
    desk.long()
    watch = desk.watch(listener=gone)
    watch.begin(1)
    steps(watch, desk.clock, 181)
    assert desk.trade().status is Status.CLOSED


def test_a_target_that_fails_is_told_once_until_it_fails_in_another_way(desk: Desk) -> None:
    delivery = Delivery(id=1, target="phone", event_seq=1, attempts=0, last_error="", delivered_ms=None, next_ms=0)
    answers = iter(["HTTP 500", "HTTP 500", None, "HTTP 500", "HTTP 502"])
    watch = desk.watch(serve=lambda: [Sent("phone", delivery, next(answers))])
    watch.begin(1)
    steps(watch, desk.clock, 149)
    assert [cast("NotTold", n).sent.error for n in desk.of(NotTold)] == ["HTTP 500", "HTTP 500", "HTTP 502"]


def test_f03_a_second_watch_is_refused_and_told_who_runs(desk: Desk) -> None:
    with (
        watch_lock(desk.world, LOOP, 4711),
        pytest.raises(WatchRunning, match="watch, pid 4711, since 2026-11-20T10"),
        watch_lock(desk.world, LOOP, 2),
    ):
        raise AssertionError
    with watch_lock(desk.world, LOOP, 2):
        pass


def test_a_watch_that_was_killed_is_seen_by_the_next_one(desk: Desk) -> None:
    desk.watch().begin(1)
    desk.clock.pause(60)
    store = desk.second_store("next")
    import dataclasses

    second = dataclasses.replace(desk, world=dataclasses.replace(desk.world, store=store), heard=[])
    second.watch().begin(2)
    store.close()
    (started,) = cast("list[Started]", second.of(Started))
    assert started.killed is not None
    assert started.killed.id == "own"
    with desk.world.store.read() as reader:
        killed = reader.run("own")
    assert killed is not None
    assert (killed.note, killed.ended_ms) == ("killed", killed.started_ms)


def test_a_bug_ends_the_watch_and_leaves_its_name(desk: Desk) -> None:
    def broken() -> list[Sent]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_watch(desk.watch(serve=broken), 1, desk.clock.pause)
    assert desk.last_run().note == "ZeroDivisionError"


def test_a_forming_minute_that_reaches_a_level_is_told_once(desk: Desk) -> None:
    desk.long(sl="95")
    desk.tape["AAAUSDT"][3] = candle(3, "94 99 94 99")
    watch = desk.watch()
    watch.begin(1)
    steps(watch, desk.clock, 180)
    touched = [(t.trade.id, t.settles_ms) for notice in rounds(desk) for t in notice.touched_anew]
    assert touched == [(1, START + 4 * MINUTE_MS)]
    assert desk.trade().status is Status.OPEN
    steps(watch, desk.clock, 60)
    assert desk.trade().exit_price == 94
