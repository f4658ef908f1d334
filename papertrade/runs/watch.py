"""The watch: rounds on a grid of the monotonic clock, told to a listener, ended by a word.

One step is one call: it does what is due and returns how long nothing is. Sleeping is left to the caller,
time to the `Clock`, signals to `Stopping`, so that many watches run in one thread under a virtual clock. The
rule to keep: slots that were missed are skipped and counted, never queued, and nothing that a listener does
can end a round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeAlias

from papertrade.engine.instants import to_iso
from papertrade.engine.values import dataclass
from papertrade.errors import FeedError, PapertradeError
from papertrade.runs.happenings import Happening, of_rows
from papertrade.runs.notify import Sent
from papertrade.runs.round import GoRound, Round, Touched, go_round
from papertrade.runs.stop_signals import Stopping
from papertrade.runs.world import World
from papertrade.store.locks import WatchLock
from papertrade.store.rows import EventFilter, JournalRow, Run, SetAside
from papertrade.store.store import Writer

LOOP: Final = "watch"
ONCE: Final = "once"
LOOK_SECONDS: Final = 0.5
"""How long a watch sleeps at most before it looks whether it should end."""

_ASK_SECONDS: Final = 1.0
_SHORTEST_SECONDS: Final = 0.001
_JUMP_MS: Final = 5_000
_REMIND_EVERY: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a watch ticks, and for how long; None is for ever."""

    interval_ms: int
    for_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """A watch began; `live` trades wait for it, `killed` is a run before it that never said goodbye."""

    run: Run
    live: int
    killed: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """A round is over. What is `anew` was not so after the round before; `recovered` symbols failed before."""

    round: Round
    ticks: int
    skipped: int
    next_ms: int
    failed_anew: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    broken_anew: tuple[tuple[str, SetAside], ...] = ()
    touched_anew: tuple[Touched, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A round failed as a whole, or the database could not be used; `is_reminder` if it was told before."""

    error: PapertradeError
    in_a_row: int
    is_reminder: bool


@dataclass(frozen=True, slots=True)
class Recovered:
    """A round succeeded after so many that failed as a whole."""

    rounds: int
    was_feed: bool


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened to a trade, here or in another command."""

    happening: Happening
    at_ms: int


@dataclass(frozen=True, slots=True)
class Jumped:
    """The wall clock moved by so much more than the monotonic one: it was set, or the machine slept."""

    by_ms: int


@dataclass(frozen=True, slots=True)
class NotTold:
    """A notification target failed, for the first time or in another way than before."""

    sent: Sent


@dataclass(frozen=True, slots=True)
class Ended:
    """The watch is over, and why."""

    note: str
    ticks: int
    skipped: int
    failed: int


Notice: TypeAlias = Started | Ticked | Failed | Recovered | Happened | Jumped | NotTold | Ended
Listener: TypeAlias = Callable[[Notice], None]
Server: TypeAlias = Callable[[], list[Sent]]
"""Sends the notifications that are due, and returns what became of them."""


class Watch:
    """The one watch of a database, from the moment it holds the lock."""

    def __init__(
        self,
        world: World,
        rhythm: Rhythm,
        tell: Listener,
        stopping: Stopping,
        serve: Server,
        go: GoRound = go_round,
    ) -> None:
        self._world = world
        self._go = go
        self._rhythm = rhythm
        self._listener: Listener | None = tell
        self._stopping = stopping
        self._serve = serve
        self._began = self._mono()
        self._offset = self._wall_offset()
        self._next_slot = 0
        self._asked_at = self._began
        self._ticks = self._skipped = self._failed = 0
        self._trouble: Failed | None = None
        self._failing: frozenset[str] = frozenset()
        self._target_errors: dict[str, str] = {}
        self._told: frozenset[tuple[int, int | str]] = frozenset()
        with world.store.read() as reader:
            self._seen = reader.last_seq()

    def begin(self, process_id: int) -> None:
        """Write down that the watch runs. Raises what the database raises."""
        now_ms = self._now()
        run = Run(id=self._world.store.run_id, kind=LOOP, pid=process_id, started_ms=now_ms, next_tick_ms=now_ms)

        def write(writer: Writer) -> tuple[int, Run | None]:
            last = writer.last_run(LOOP)
            killed = last if last is not None and last.ended_ms is None else None
            if killed is not None:
                died_ms = killed.started_ms if killed.last_tick_ms is None else killed.last_tick_ms
                writer.end_run(killed.id, died_ms, "killed")
            writer.start_run(run)
            return writer.live_count(), killed

        live, killed = self._world.store.write(write)
        self._tell(Started(run, live, killed))

    def step(self) -> float | None:
        """Do what is due; return the seconds in which nothing is, None once the watch has ended."""
        self._tell_jump()
        reason = self._reason_to_end()
        if reason is not None:
            self.end(reason)
            return None
        slot = self._slot()
        if slot >= self._next_slot:
            self._tick(slot)
        elif self._mono() - self._asked_at >= _ASK_SECONDS:
            self._look_around()
        return max(min(self._due_in(), self._ends_in(), LOOK_SECONDS), _SHORTEST_SECONDS)

    def end(self, note: str) -> None:
        """Say goodbye, in the database too if that works."""
        with suppress(PapertradeError):
            self._world.store.write(lambda writer: writer.end_run(self._world.store.run_id, self._now(), note))
        self._tell(Ended(note, self._ticks, self._skipped, self._failed))

    # -- a round ---------------------------------------------------------------------------------------

    def _tick(self, slot: int) -> None:
        skipped = slot - self._next_slot
        self._skipped += skipped
        self._next_slot = slot + 1
        self._ticks += 1
        began_ms = self._now()
        error: PapertradeError | None
        try:
            done = self._go(self._world)
            error = done.error
        except PapertradeError as failure:
            done, error = None, failure
        if self._slot() >= self._next_slot:  # the round took longer than its slot
            late = self._slot() + 1 - self._next_slot
            self._skipped += late
            skipped += late
            self._next_slot += late
        self._failed += int(error is not None)
        next_ms = self._now() + int(self._due_in() * 1000)
        silent = self._beat(began_ms, next_ms, skipped, has_failed=error is not None)
        error = silent if error is None else error
        if error is not None:
            self._tell_trouble(error)
        else:
            self._tell_recovery()
        if done is not None:
            self._tell_round(done, next_ms)
        self._afterwards()

    def _tell_round(self, done: Round, next_ms: int) -> None:
        for happening in done.happenings:
            self._tell(Happened(happening, done.report.at_ms))
        failing = self._failing if done.error is not None else frozenset(done.report.failures)
        touched = {(t.trade.id, t.settles_ms): t for t in done.touched}
        broken = {(aside.trade_id, aside.error): (symbol, aside) for symbol, aside in done.broken}
        self._tell(
            Ticked(
                round=done,
                ticks=self._ticks,
                skipped=self._skipped,
                next_ms=next_ms,
                failed_anew=tuple(sorted(failing - self._failing)),
                recovered=tuple(sorted(self._failing - failing)),
                broken_anew=tuple(row for key, row in broken.items() if key not in self._told),
                touched_anew=tuple(row for key, row in touched.items() if key not in self._told),
            )
        )
        self._failing = failing
        self._told = frozenset(touched) | frozenset(broken)

    def _afterwards(self) -> None:
        """What follows a round, none of which may fail it: notifications, the log's size, other commands' doings.

        A database that fails here fails the next round too, and is told of then.
        """
        with suppress(PapertradeError):
            for sent in self._serve():
                if sent.error is not None and self._target_errors.get(sent.target) != sent.error:
                    self._tell(NotTold(sent))
                self._target_errors[sent.target] = sent.error or ""
            self._world.store.checkpoint_if_large()
        self._look_around()

    def _beat(self, began_ms: int, next_ms: int, skipped: int, *, has_failed: bool) -> PapertradeError | None:
        """Leave a sign of life; returns why the database could not take it."""

        def write(writer: Writer) -> None:
            writer.tick_run(
                self._world.store.run_id,
                last_tick_ms=began_ms,
                next_tick_ms=next_ms,
                skipped=skipped,
                has_failed=has_failed,
            )

        try:
            self._world.store.write(write)
        except PapertradeError as error:
            return error
        return None

    # -- between rounds --------------------------------------------------------------------------------

    def _reason_to_end(self) -> str | None:
        if self._stopping.reason is not None:
            return self._stopping.reason
        if self._ends_in() <= 0:
            return "its time was over"
        return None

    def _look_around(self) -> None:
        """See whether another command asked for an end, and tell what other commands did.

        A database that cannot be read now is told of by the next round.
        """
        self._asked_at = self._mono()
        with suppress(PapertradeError):
            run, rows, told = self._read_journal()
            for happening in told:
                self._tell(Happened(happening, self._now()))
            if rows:
                self._seen = rows[-1].seq
            if run is not None and run.stop_requested is not None:
                self._stopping.ask(f"stop: {run.stop_requested}" if run.stop_requested else "stop")

    def _read_journal(self) -> tuple[Run | None, tuple[JournalRow, ...], tuple[Happening, ...]]:
        """Return our own row, the events not seen yet, and what those of other processes tell."""
        store = self._world.store
        with store.read() as reader:
            rows = reader.events(EventFilter(after_seq=self._seen))
            foreign = [row for row in rows if row.run_id != store.run_id]
            offset_ms = reader.venue_state(self._world.feed.venue).clock_offset_ms or 0
            return reader.run(store.run_id), rows, of_rows(reader, foreign, self._now() + offset_ms)

    def _tell_trouble(self, error: PapertradeError) -> None:
        """Tell a failure when it is new or has another cause, and again now and then."""
        before = self._trouble
        is_same = before is not None and before.error.error_code == error.error_code
        in_a_row = 1 if before is None else before.in_a_row + 1
        self._trouble = Failed(error, in_a_row, is_reminder=is_same)
        if not is_same or in_a_row % _REMIND_EVERY == 0:
            self._tell(self._trouble)

    def _tell_recovery(self) -> None:
        if self._trouble is not None:
            rounds, was_feed = self._trouble.in_a_row, isinstance(self._trouble.error, FeedError)
            self._trouble = None
            self._tell(Recovered(rounds, was_feed))

    def _tell_jump(self) -> None:
        offset = self._wall_offset()
        if abs(offset - self._offset) > _JUMP_MS:
            self._tell(Jumped(offset - self._offset))
        self._offset = offset

    def _tell(self, notice: Notice) -> None:
        """Tell the listener; one whose output is gone is not told anything any more."""
        if self._listener is not None:
            try:
                self._listener(notice)
            except OSError:
                self._listener = None

    # -- time ------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return self._world.clock.now_ms()

    def _mono(self) -> float:
        return self._world.clock.monotonic()

    def _wall_offset(self) -> int:
        """Return how far the wall clock is ahead of the monotonic one, in ms."""
        return self._now() - round(self._mono() * 1000)

    def _slot(self) -> int:
        return round((self._mono() - self._began) * 1000) // self._rhythm.interval_ms

    def _due_in(self) -> float:
        return self._began + self._next_slot * self._rhythm.interval_ms / 1000 - self._mono()

    def _ends_in(self) -> float:
        if self._rhythm.for_ms is None:
            return float("inf")
        return self._began + self._rhythm.for_ms / 1000 - self._mono()


@contextmanager
def watch_lock(world: World, kind: str, process_id: int) -> Iterator[None]:
    """Be the one watch of the database while the block runs. Raises WatchRunning."""
    since = to_iso(world.clock.now_ms())
    lock = WatchLock.take(world.store.path, f"{kind}, pid {process_id}, since {since}", world.clock.pause)
    try:
        yield
    finally:
        lock.release()


def run_watch(watch: Watch, process_id: int, pause: Callable[[float], None]) -> None:
    """Run a watch to its end. An exception that is a bug ends it too, with its name as the reason."""
    watch.begin(process_id)
    try:
        while (seconds := watch.step()) is not None:
            pause(seconds)
    except BaseException as error:
        watch.end(f"{type(error).__name__}")
        raise
