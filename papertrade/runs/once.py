"""One tick for cron: what the loop does in a round, with the same lock and the same bookkeeping.

The rule to keep: whether a tick failed, and how, is one decision made here for people and scripts alike.
"""

from __future__ import annotations

from typing import Final

from papertrade.errors import FeedError, PapertradeError, PartialFailure, StalePrice
from papertrade.runs.round import GoRound, Round, go_round
from papertrade.runs.watch import ONCE, Server
from papertrade.runs.world import World
from papertrade.store.rows import Run
from papertrade.store.store import Writer

NEWS_IN_A_ROW: Final = 3
"""From so many ticks in a row on a failure is news for somebody who wants nothing but news."""


def watch_once(world: World, process_id: int, serve: Server, go: GoRound = go_round) -> Round:
    """Do one round, leave a sign of life and send what is due. The caller holds the watch's lock."""
    began_ms = world.clock.now_ms()
    done = go(world)

    def write(writer: Writer) -> None:
        if writer.run(ONCE) is None:
            writer.start_run(Run(id=ONCE, kind=ONCE, pid=process_id, started_ms=began_ms))
        writer.tick_run(ONCE, last_tick_ms=began_ms, next_tick_ms=None, has_failed=done.error is not None)

    world.store.write(write)
    serve()
    world.store.checkpoint_if_large()
    return done


def round_failure(done: Round) -> PapertradeError | None:
    """Return what a round ends with: nothing priced is exit 8, all stale 9, some of either 10; None if all is well."""
    if done.error is not None:
        return done.error
    failures = dict(done.report.failures)
    if not failures and not done.broken and done.stopped is None:
        return None
    total = len(set(done.report.symbols) | set(failures))
    first = next(iter(failures.values()), None)
    if first is None or len(failures) < total or done.stopped is not None:
        return _partly(done, total)
    if len(failures) == 1:
        return first
    if all(isinstance(error, StalePrice) for error in failures.values()):
        return StalePrice(f"all {total} symbols are stale; {first.message}", hint=first.hint)
    return FeedError(f"none of {total} symbols could be checked; {first.message}", hint=first.hint)


def is_lasting(done: Round) -> bool:
    """Whether some failure of the round has lasted for three ticks in a row, or a strategy has ended."""
    if done.stopped is not None:
        return True
    counts = [done.in_a_row, *done.report.in_a_row.values(), *(aside.ticks for _, aside in done.broken)]
    return max(counts) >= NEWS_IN_A_ROW


def _partly(done: Round, total: int) -> PartialFailure:
    parts = []
    if done.report.failures:
        parts.append(f"{len(done.report.failures)} of {total} symbols could not be checked")
    if done.broken:
        count = len(done.broken)
        parts.append(f"{count} {'trade is' if count == 1 else 'trades are'} set aside with an error")
    if done.stopped is not None:
        parts.append(done.stopped.message)
    alone = done.stopped if len(parts) == 1 else None
    return PartialFailure("; ".join(parts), hint=(None if alone is None else alone.hint) or "papertrade status")
