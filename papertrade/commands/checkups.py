"""What `doctor` looks at, one function for each part: each yields findings and never raises.

Nothing is changed and nothing is made. The rule to keep: a finding says what is, and with a hint what to do.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from papertrade import __version__
from papertrade.bootstrap import configure, feed_of, notify_targets, open_file
from papertrade.config.load import Places, default_places, find_places
from papertrade.config.settings import Settings
from papertrade.engine.values import dataclass
from papertrade.errors import DatabaseUnusable, FeedError, PapertradeError
from papertrade.feeds.feed import Closure, Feed
from papertrade.invocation import Invocation
from papertrade.render.numbers import age, duration
from papertrade.runs.clock import Clock
from papertrade.runs.notify import BUDGET_SECONDS
from papertrade.runs.watch_state import WatchState, watch_state
from papertrade.store.database import file_system

_PACKAGES: Final = ("httpx", "numpy", "platformdirs", "PyYAML", "rich", "SQLAlchemy", "sqlmodel", "tenacity", "typer")
_SOUND_SQLITE: Final = (3, 51, 3)
_ROOM_MIN: Final = 100 * 1024 * 1024
_OFFSET_MAX_MS: Final = 5_000
_UNWATCHED_MS: Final = 600_000


class Verdict(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `error` is what a command would fail with."""

    name: str
    text: str
    verdict: Verdict = Verdict.OK
    hint: str | None = None
    error: PapertradeError | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """What can be examined: the settings are None if they cannot be read, the state if the database cannot."""

    call: Invocation
    places: Places
    settings: Settings | None
    state: WatchState | None


def examine(call: Invocation) -> list[Finding]:
    """Look at everything, in the order in which trouble usually comes."""
    places = find_places(call.environment, call.flags.config, call.flags.db, default_places())
    settings, config = _config(call, places)
    state, database = _database(call, places, settings)
    patient = Patient(call, places, settings, state)
    return [*_versions(), *config, *database, *_venue(patient), *_watch(patient), *_notifications(patient)]


def _versions() -> Iterator[Finding]:
    yield Finding(name="papertrade", text=f"{__version__}, Python {platform.python_version()}, {platform.system()}")
    if sqlite3.sqlite_version_info < _SOUND_SQLITE:
        yield Finding(
            name="sqlite",
            text=f"{sqlite3.sqlite_version} has the WAL-reset bug (before 3.51.3); papertrade works around it",
            verdict=Verdict.WARNING,
            hint="let no other program write to the database while papertrade runs",
        )
    else:
        yield Finding(name="sqlite", text=sqlite3.sqlite_version)
    yield Finding(name="packages", text=", ".join(f"{name} {_installed(name)}" for name in _PACKAGES))


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _config(call: Invocation, places: Places) -> tuple[Settings | None, list[Finding]]:
    try:
        _, configuration = configure(call)
    except PapertradeError as error:
        return None, [_broken("config", error)]
    where = str(places.config) if places.config.exists() else f"{places.config} does not exist, the defaults count"
    found = [Finding(name="config", text=where)]
    found += [Finding(name="config", text=text, verdict=Verdict.WARNING) for text in configuration.warnings]
    return configuration.settings, found


def _database(
    call: Invocation, places: Places, settings: Settings | None
) -> tuple[WatchState | None, Sequence[Finding]]:
    path = places.database
    if not path.exists():
        missing = Finding(
            name="database",
            text=f"{path} does not exist yet",
            verdict=Verdict.WARNING,
            hint="`papertrade init` makes it, and so does the first command that needs it",
        )
        return None, [missing, *_room(path)]
    found = [_file(path), *_room(path)]
    try:
        with open_file(call) as store:
            problem = store.quick_check()
            state = watch_state(store, "" if settings is None else settings.feed.value)
    except PapertradeError as error:
        return None, [*found, _broken("store", error)]
    if problem is not None:
        broken = DatabaseUnusable(f"database `{path}` is damaged: {problem}", hint="papertrade check")
        return state, [*found, _broken("store", broken)]
    return state, [
        *found,
        Finding(name="store", text="readable, no damage found (`papertrade check` proves the books)"),
    ]


def _file(path: Path) -> Finding:
    """Describe the database file; one that others may read is worth a word."""
    info = path.stat()
    log = path.with_name(f"{path.name}-wal")
    log_size = log.stat().st_size if log.exists() else 0
    mode = stat.S_IMODE(info.st_mode)
    text = (
        f"{path}, {_size(info.st_size)} (log {_size(log_size)}), mode {mode:04o}, on {file_system(path) or 'unknown'}"
    )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding(name="database", text=text, verdict=Verdict.WARNING, hint=f"chmod 600 {path}")
    return Finding(name="database", text=text)


def _room(path: Path) -> Iterator[Finding]:
    folder = next((parent for parent in path.absolute().parents if parent.exists()), Path("/"))
    free = shutil.disk_usage(folder).free
    verdict = Verdict.WARNING if free < _ROOM_MIN else Verdict.OK
    hint = "free some space: a full disk stops the watch from recording" if verdict is Verdict.WARNING else None
    yield Finding(name="disk", text=f"{_size(free)} free at {folder}", verdict=verdict, hint=hint)


def _venue(patient: Patient) -> Iterator[Finding]:
    """Ask the venue for its time: whether it can be reached, how fast, and how far apart the clocks are."""
    if patient.settings is None:
        return
    venue = patient.settings.feed.value
    closure = None
    if patient.state is not None and patient.state.venue.closed_until_ms is not None:
        closure = Closure(patient.state.venue.closed_until_ms, patient.state.venue.closed_reason)
    clock = patient.call.clock
    feed = feed_of(patient.call, patient.settings, closure) if patient.call.feed is None else patient.call.feed
    try:
        offset_ms, took_ms = asyncio.run(_ask_time(feed, clock))
    except PapertradeError as error:
        hint = f"look at the network, a firewall, feeds.{venue}.base_url and feeds.{venue}.proxy"
        yield _broken(venue, FeedError(error.message, code=error.error_code, hint=hint, details=error.details))
        return
    yield Finding(name=venue, text=f"answers in {took_ms} ms")
    text = f"{_signed(offset_ms)} against {venue}"
    if abs(offset_ms) > _OFFSET_MAX_MS:
        hint = "set the clock of this machine (timedatectl set-ntp true); prices are dated by the venue all the same"
        yield Finding(name="clock", text=text, verdict=Verdict.WARNING, hint=hint)
    else:
        yield Finding(name="clock", text=text)


async def _ask_time(feed: Feed, clock: Clock) -> tuple[int, int]:
    """Return how far the venue's clock is ahead of ours, and how long the answer took; both in ms."""
    before_ms, began = clock.now_ms(), clock.monotonic()
    try:
        at_ms = await feed.time_ms()
        took = clock.monotonic() - began
        return at_ms - (before_ms + clock.now_ms()) // 2, round(took * 1000)
    finally:
        await feed.aclose()


def _watch(patient: Patient) -> Iterator[Finding]:
    state = patient.state
    if state is None:
        return
    now_ms = patient.call.clock.now_ms()
    if state.is_running and state.loop is not None:
        yield Finding(name="watch", text=f"running (pid {state.loop.pid}), {state.loop.ticks} ticks")
    else:
        last = max((run.last_tick_ms for run in (state.loop, state.once) if run and run.last_tick_ms), default=None)
        when = "no tick so far" if last is None else f"last tick {age(last, now_ms)} ago"
        is_needed = state.live > 0 and (last is None or now_ms - last > _UNWATCHED_MS)
        yield Finding(
            name="watch",
            text=f"not running, {when}, {state.live} live trades",
            verdict=Verdict.WARNING if is_needed else Verdict.OK,
            hint="papertrade watch, or in the crontab: * * * * * papertrade watch --once -q" if is_needed else None,
        )
    for failure in state.failing:
        text = f"{failure.symbol} failed {failure.failures} ticks in a row: {failure.last_error}"
        yield Finding(name="symbol", text=text, verdict=Verdict.WARNING)
    for broken in state.broken:
        text = f"{broken.trade_id} is set aside: {broken.error}"
        yield Finding(name="trade", text=text, verdict=Verdict.WARNING, hint="papertrade check")


def _notifications(patient: Patient) -> Iterator[Finding]:
    if patient.settings is None:
        return
    for target in notify_targets(patient.settings, patient.call.environment):
        if target.timeout_seconds > BUDGET_SECONDS:
            text = (
                f"`{target.name}` may take {target.timeout_seconds:g} s, a tick gives all targets {BUDGET_SECONDS:g} s"
            )
            yield Finding(name="notify", text=text, verdict=Verdict.WARNING, hint="let it hand over and return at once")
    state = patient.state
    if state is not None and state.undelivered + state.given_up > 0:
        text = f"{state.undelivered} undelivered, {state.given_up} given up"
        yield Finding(name="notify", text=text, verdict=Verdict.WARNING, hint="papertrade notify list")


def _broken(name: str, error: PapertradeError) -> Finding:
    return Finding(name=name, text=error.message, verdict=Verdict.ERROR, hint=error.hint, error=error)


def _signed(offset_ms: int) -> str:
    if abs(offset_ms) < 1_000:
        return f"{offset_ms:+d} ms"
    return f"{'+' if offset_ms > 0 else '-'}{duration(abs(offset_ms))}"


def _size(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count // size} {unit}"
    return f"{count} bytes"
