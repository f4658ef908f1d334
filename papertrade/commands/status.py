"""`status` and the words for how a watch fares. Asks the lock and the database, never the venue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from functools import partial

import typer

from papertrade.bootstrap import open_books
from papertrade.commands.answer import Answer
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.options import invocation
from papertrade.render.console import Screen
from papertrade.render.facts import show_facts
from papertrade.render.json import Encodable
from papertrade.render.numbers import age, duration, iso_z, local_second
from papertrade.render.text import Cell, Tone
from papertrade.runs.watch_state import WatchState, watch_state
from papertrade.store.rows import Run


def status(ctx: typer.Context) -> Answer:
    """Tell whether a watch runs, since when, its last and next tick, and what fails.

    Always exits with 0: that no watch runs is an answer. Never asks the venue.
    """
    call = invocation(ctx)
    now_ms = call.clock.now_ms()
    with open_books(call) as books:
        state = watch_state(books.store, books.settings.feed.value)
        with books.store.read() as reader:
            view = standpoint(books, reader)
            lag = lag_of(books, reader, view)
        say_lag(books, lag, view)
        zone = books.settings.display.zone
    return Answer(data=status_json(state), show=partial(_show, state, now_ms, zone))


def status_json(state: WatchState) -> dict[str, Encodable]:
    """Return the fields of `status --json`."""
    loop, once, venue = state.loop, state.once, state.venue
    return {
        "running": state.is_running,
        "holder": state.holder,
        "run": None if loop is None else _run_json(loop, was_killed=state.was_killed),
        "once": None if once is None else {"last_tick_at": _at(once.last_tick_ms), "ticks": once.ticks},
        "live": state.live,
        "failures": [
            {
                "symbol": f.symbol,
                "venue": f.venue,
                "message": f.last_error,
                "in_a_row": f.failures,
                "since": iso_z(f.since_ms),
            }
            for f in state.failing
        ],
        "set_aside": [{"trade_id": b.trade_id, "message": b.error, "in_a_row": b.ticks} for b in state.broken],
        "venue": {
            "name": venue.venue,
            "failed_ticks_in_a_row": venue.failures,
            "last_error": venue.last_error or None,
            "closed_until": _at(venue.closed_until_ms),
            "clock_offset_ms": venue.clock_offset_ms,
        },
        "undelivered": state.undelivered,
        "given_up": state.given_up,
    }


def watch_lines(state: WatchState, now_ms: int, zone: tzinfo) -> Iterator[tuple[str, Cell]]:
    """Yield what there is to say of a watch, each with its label."""
    loop, once = state.loop, state.once
    if state.is_running:
        since = "" if loop is None else f" since {local_second(loop.started_ms, zone)} (pid {loop.pid})"
        yield "watch", Cell(f"running{since}", Tone.GAIN)
    else:
        yield "watch", Cell(_why_not(state, zone), Tone.WARNING if state.live > 0 else Tone.PLAIN)
    if loop is not None and (state.is_running or loop.ticks > 0):
        last = "none yet" if loop.last_tick_ms is None else _when(loop.last_tick_ms, now_ms, zone)
        yield "last tick", Cell(last)
        if state.is_running and loop.next_tick_ms is not None:
            yield "next tick", Cell(f"in {duration(max(loop.next_tick_ms - now_ms, 0))}")
        yield "ticks", Cell(f"{loop.ticks}, {loop.skipped} skipped, {loop.failed} failed")
        if state.is_running and loop.stop_requested is not None:
            yield "stop", Cell(f"asked for: {loop.stop_requested or 'no reason given'}")
    if once is not None and once.last_tick_ms is not None:
        yield "watch --once", Cell(f"last {_when(once.last_tick_ms, now_ms, zone)}, {once.ticks} ticks in all")
    yield "live trades", Cell(str(state.live))


def trouble_lines(state: WatchState, now_ms: int, zone: tzinfo) -> Iterator[tuple[str, Cell]]:
    """Yield what is not as it should be."""
    venue = state.venue
    if venue.closed_until_ms is not None and venue.closed_until_ms > now_ms:
        until = local_second(venue.closed_until_ms, zone)
        yield venue.venue, Cell(f"must not be asked until {until}: {venue.closed_reason}", Tone.WARNING)
    if venue.failures > 0:
        yield venue.venue, Cell(f"failed {venue.failures} ticks in a row: {venue.last_error}", Tone.WARNING)
    for failure in state.failing:
        yield failure.symbol, Cell(f"failed {failure.failures} ticks in a row: {failure.last_error}", Tone.WARNING)
    for broken in state.broken:
        yield (
            f"trade {broken.trade_id}",
            Cell(f"set aside, {broken.ticks} ticks in a row: {broken.error}", Tone.WARNING),
        )
    if state.undelivered + state.given_up > 0:
        counts = f"{state.undelivered} undelivered, {state.given_up} given up: papertrade notify list"
        yield "notifications", Cell(counts, Tone.WARNING)


def _show(state: WatchState, now_ms: int, zone: tzinfo, screen: Screen) -> None:
    show_facts(screen, [*watch_lines(state, now_ms, zone), *trouble_lines(state, now_ms, zone)])


def _why_not(state: WatchState, zone: tzinfo) -> str:
    loop = state.loop
    if loop is None:
        return "not running, never ran"
    if state.was_killed or loop.ended_ms is None:
        return f"not running, the last one was killed (began {local_second(loop.started_ms, zone)})"
    return f"not running, ended {local_second(loop.ended_ms, zone)} ({loop.note})"


def _when(at_ms: int, now_ms: int, zone: tzinfo) -> str:
    return f"{local_second(at_ms, zone)}, {age(at_ms, now_ms)} ago"


def _at(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_z(at_ms)


def _run_json(run: Run, *, was_killed: bool) -> dict[str, Encodable]:
    return {
        "id": run.id,
        "pid": run.pid,
        "started_at": iso_z(run.started_ms),
        "ended_at": _at(run.ended_ms),
        "ended_by": "killed" if was_killed else run.note or None,
        "last_tick_at": _at(run.last_tick_ms),
        "next_tick_at": _at(run.next_tick_ms),
        "ticks": run.ticks,
        "skipped": run.skipped,
        "failed_ticks": run.failed,
        "stop_requested": run.stop_requested,
    }
