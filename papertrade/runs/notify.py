"""Telling others what happened: the journal is the outbox, read behind one cursor for each target.

Events are queued in order and sent after their commit, at least once, each with a delivery number by which a
receiver knows a repetition. A target is served in order: one that fails waits longer each time, and gives an
event up after `ATTEMPTS_MAX` tries so that the next gets its turn. The rule to keep: nothing here can delay,
undo or repeat what happened to a trade, and no message shows what a target's secret or address is.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Final, TypeAlias

from papertrade.engine.values import dataclass
from papertrade.runs.catch_up import venue_now
from papertrade.runs.happenings import Happening, names_of, of_rows
from papertrade.runs.webhook import Hook, NotSent, post
from papertrade.runs.world import World
from papertrade.store.rows import Delivery, EventFilter, JournalRow, NewDelivery
from papertrade.store.store import Reader, Store, Writer

BUDGET_SECONDS: Final = 3.0
"""What all targets together may take of a tick."""

ATTEMPTS_MAX: Final = 12
GIVEN_UP_MS: Final = 253_402_300_799_000
"""The next try of a delivery that was given up: the end of the year 9999."""

_FIRST_WAIT_MS: Final = 30_000
_LONGEST_WAIT_MS: Final = 900_000
_QUEUE_MAX: Final = 1_000
_ROUND_MAX: Final = 50
_KEPT_MS: Final = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Program:
    """A program that gets the event on its standard input; no shell reads its arguments."""

    arguments: tuple[str, ...] = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is told about which events, and how long one delivery may take."""

    name: str
    events: tuple[str, ...]
    timeout_seconds: float
    way: Program | Hook


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: a delivery, what it is called for its target, when it was recorded, and what happened."""

    delivery_id: int
    name: str
    at_ms: int
    happening: Happening


Composer: TypeAlias = Callable[[Target, Letter], bytes]
"""Writes the JSON that a target gets."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one delivery; `error` None if it arrived."""

    target: str
    delivery: Delivery
    error: str | None


def register(store: Store, targets: Sequence[Target]) -> None:
    """Let new targets begin with what happens from now on; without this they begin with the watch's next tick."""
    with store.read() as reader:
        new = [target for target in targets if reader.cursor(cursor_name(target.name)) == 0]
        last = reader.last_seq()
    if new:

        def write(writer: Writer) -> None:
            for target in new:
                writer.move_cursor(cursor_name(target.name), last)

        store.write(write)


def serve(world: World, targets: Sequence[Target], compose: Composer, budget: float = BUDGET_SECONDS) -> list[Sent]:
    """Queue what happened since the last time, and send what is due within the budget (seconds)."""
    if not targets:
        return []
    _queue(world, targets)
    now_ms = world.clock.now_ms()
    due = _due(world, targets, compose, now_ms)
    if not due:
        return []
    sent = world.wait(_send_all(due, budget))
    _remember(world, sent, now_ms)
    return sent


def cursor_name(target: str) -> str:
    """Return the name of a target's cursor."""
    return f"notify:{target}"


def wait_ms(attempts: int) -> int:
    """Return how long a target rests after so many failed tries."""
    return min(_FIRST_WAIT_MS << min(attempts - 1, 20), _LONGEST_WAIT_MS)


def name_for(target: Target, row: JournalRow) -> str | None:
    """Return what an event is called for a target, None if it does not want it."""
    return next((name for name in names_of(row.event) if name in target.events), None)


async def deliver(target: Target, body: bytes, seconds: float | None = None) -> None:
    """Send one letter within the target's own time, and `seconds` if that is less. Raises NotSent."""
    limit = target.timeout_seconds if seconds is None else min(seconds, target.timeout_seconds)
    try:
        async with asyncio.timeout(limit):
            match target.way:
                case Program():
                    await _run(target.way, body)
                case Hook():
                    await post(target.way, body)
    except TimeoutError:
        raise NotSent(f"not done within {limit:.3g} s") from None


async def _run(program: Program, body: bytes) -> None:
    """Run a program with the letter on its stdin; on a timeout all of its process group is ended."""
    quiet = asyncio.subprocess.DEVNULL
    name = program.arguments[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *program.arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=quiet,
            stderr=quiet,
            env=dict(program.environment),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a program"
        raise NotSent(f"`{name}` cannot be started: {reason.lower()}") from None
    try:
        await process.communicate(body)
    except (BrokenPipeError, ConnectionResetError):
        await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        raise NotSent(f"`{name}` ended with exit code {process.returncode}")


def _queue(world: World, targets: Sequence[Target]) -> None:
    """Make a delivery of each wanted event since a target's cursor, and move the cursor: together or not at all."""
    register(world.store, targets)
    with world.store.read() as reader:
        last = reader.last_seq()
        is_behind = any(reader.cursor(cursor_name(target.name)) < last for target in targets)
    if not is_behind:
        return
    now_ms = world.clock.now_ms()

    def write(writer: Writer) -> None:
        for target in targets:
            after = writer.cursor(cursor_name(target.name))
            rows = writer.events(EventFilter(after_seq=after, limit=_QUEUE_MAX))
            if rows:
                wanted = [row.seq for row in rows if name_for(target, row) is not None]
                writer.add_deliveries([NewDelivery(target=target.name, event_seq=s, next_ms=now_ms) for s in wanted])
                writer.move_cursor(cursor_name(target.name), rows[-1].seq)

    world.store.write(write)


def _due(
    world: World, targets: Sequence[Target], compose: Composer, now_ms: int
) -> list[tuple[Target, list[tuple[Delivery, bytes]]]]:
    """Return what each target may get now; one whose oldest delivery rests gets nothing."""
    due: list[tuple[Target, list[tuple[Delivery, bytes]]]] = []
    venue_ms = venue_now(world)
    with world.store.read() as reader:
        for target in targets:
            waiting = reader.deliveries_next(target.name, GIVEN_UP_MS, _ROUND_MAX)
            if waiting and waiting[0].next_ms <= now_ms:
                letters = [(d, _letter(reader, target, d, venue_ms)) for d in waiting]
                due.append((target, [(d, compose(target, letter)) for d, letter in letters if letter is not None]))
    return due


def _letter(reader: Reader, target: Target, delivery: Delivery, now_ms: int) -> Letter | None:
    rows = reader.events(EventFilter(after_seq=delivery.event_seq - 1, limit=1))
    told = of_rows(reader, rows, now_ms)
    if not told:
        return None
    name = name_for(target, rows[0])
    return Letter(delivery.id, told[0].names[0] if name is None else name, rows[0].effective_ms, told[0])


async def _send_all(due: Sequence[tuple[Target, Sequence[tuple[Delivery, bytes]]]], budget: float) -> list[Sent]:
    """Serve all targets at the same time, so that a slow one takes nothing from the others."""
    answers = await asyncio.gather(*(_send_in_order(target, letters, budget) for target, letters in due))
    return [sent for answer in answers for sent in answer]


async def _send_in_order(target: Target, letters: Sequence[tuple[Delivery, bytes]], budget: float) -> list[Sent]:
    """Send until one fails or the budget is used up; what was not begun is no failure."""
    until = asyncio.get_running_loop().time() + budget
    done: list[Sent] = []
    for delivery, body in letters:
        left = until - asyncio.get_running_loop().time()
        if left <= 0 or (done and left < min(1.0, target.timeout_seconds)):
            break
        try:
            await deliver(target, body, left)
        except NotSent as failure:
            done.append(Sent(target.name, delivery, str(failure)))
            break
        done.append(Sent(target.name, delivery, None))
    return done


def _remember(world: World, sent: Sequence[Sent], now_ms: int) -> None:
    def write(writer: Writer) -> None:
        for item in sent:
            attempts = item.delivery.attempts + 1
            if item.error is None:
                writer.mark_delivered(item.delivery.id, now_ms)
            elif attempts >= ATTEMPTS_MAX:
                writer.mark_undelivered(item.delivery.id, f"given up: {item.error}", GIVEN_UP_MS)
            else:
                writer.mark_undelivered(item.delivery.id, item.error, now_ms + wait_ms(attempts))
        writer.forget_deliveries(now_ms - _KEPT_MS)

    world.store.write(write)
