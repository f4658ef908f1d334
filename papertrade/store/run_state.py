"""What runs leave for each other: heartbeats, requests to stop, cursors, deliveries, settings.

Caches: the journal stands without them. The rule to keep: each change is a statement of its own columns, so
that a watch's heartbeat never undoes another process's request to stop.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from papertrade.store.cache_tables import CURSOR, DELIVERY, RUN, SETTING, DeliveryTable, RunTable
from papertrade.store.rows import Delivery, NewDelivery, Run
from papertrade.store.snapshot import Snapshot, cells, upsert


class RunReads(Snapshot):
    """Reading the state of runs, cursors, deliveries and settings."""

    def run(self, run_id: str) -> Run | None:
        """Return a run, None if there is none."""
        return self._one(select(RUN).where(RUN.c.id == run_id), _run)

    def last_run(self, kind: str) -> Run | None:
        """Return the run of a kind that started last, None if there was none."""
        return self._one(select(RUN).where(RUN.c.kind == kind).order_by(RUN.c.started_ms.desc(), RUN.c.id.desc()), _run)

    def cursor(self, name: str) -> int:
        """Return how far a reader of the journal has come, 0 if it never read."""
        found = self._connection.execute(select(CURSOR.c.seq).where(CURSOR.c.name == name)).scalar_one_or_none()
        return 0 if found is None else found

    def deliveries_due(self, now_ms: int, limit: int) -> tuple[Delivery, ...]:
        """Return deliveries that wait and may be tried now, oldest first."""
        query = select(DELIVERY).where(DELIVERY.c.delivered_ms.is_(None), DELIVERY.c.next_ms <= now_ms)
        return self._values(query.order_by(DELIVERY.c.id).limit(limit), _delivery)

    def deliveries_next(self, target: str, before_ms: int, limit: int) -> tuple[Delivery, ...]:
        """Return what waits for a target, oldest first, without those put off to `before_ms` or later."""
        query = select(DELIVERY).where(DELIVERY.c.delivered_ms.is_(None), DELIVERY.c.target == target)
        return self._values(query.where(DELIVERY.c.next_ms < before_ms).order_by(DELIVERY.c.id).limit(limit), _delivery)

    def deliveries_waiting(self) -> tuple[Delivery, ...]:
        """Return every delivery that is not delivered, oldest first."""
        query = select(DELIVERY).where(DELIVERY.c.delivered_ms.is_(None))
        return self._values(query.order_by(DELIVERY.c.id), _delivery)

    def deliveries_done(self, target: str) -> int:
        """Return how many deliveries a target has had."""
        query = select(func.count()).where(and_(DELIVERY.c.target == target, DELIVERY.c.delivered_ms.is_not(None)))
        return self._connection.execute(query).scalar_one()

    def setting(self, key: str) -> str | None:
        """Return a choice stored in the database, None if it was never made."""
        return self._connection.execute(select(SETTING.c.value).where(SETTING.c.key == key)).scalar_one_or_none()


class RunWrites(RunReads):
    """Changing the state of runs, cursors, deliveries and settings."""

    def start_run(self, run: Run) -> None:
        """Remember that a run began."""
        self._connection.execute(insert(RUN).values(cells(RUN, run)))

    def tick_run(
        self, run_id: str, *, last_tick_ms: int, next_tick_ms: int | None, skipped: int = 0, has_failed: bool = False
    ) -> None:
        """Count a tick of a run; `skipped` slots of the grid were missed before it."""
        self._connection.execute(
            update(RUN)
            .where(RUN.c.id == run_id)
            .values(
                last_tick_ms=last_tick_ms,
                next_tick_ms=next_tick_ms,
                ticks=RUN.c.ticks + 1,
                skipped=RUN.c.skipped + skipped,
                failed=RUN.c.failed + int(has_failed),
            )
        )

    def end_run(self, run_id: str, ended_ms: int, note: str = "") -> None:
        """Remember that a run ended, and why."""
        ended = {"ended_ms": ended_ms, "next_tick_ms": None, "note": note}
        self._connection.execute(update(RUN).where(RUN.c.id == run_id).values(ended))

    def request_stop(self, run_id: str, reason: str) -> None:
        """Ask a run to end after its tick."""
        self._connection.execute(update(RUN).where(RUN.c.id == run_id).values(stop_requested=reason))

    def move_cursor(self, name: str, seq: int) -> None:
        """Remember how far a reader of the journal has come."""
        upsert(self._connection, CURSOR, [{"name": name, "seq": seq}])

    def add_deliveries(self, new: Sequence[NewDelivery]) -> None:
        """Queue notifications; one that is already queued for its target stays as it is."""
        if new:
            rows = [
                {
                    "target": d.target,
                    "event_seq": d.event_seq,
                    "attempts": 0,
                    "last_error": "",
                    "delivered_ms": None,
                    "next_ms": d.next_ms,
                }
                for d in new
            ]
            self._connection.execute(insert(DELIVERY).on_conflict_do_nothing(), rows)

    def mark_delivered(self, delivery_id: int, delivered_ms: int) -> None:
        """Remember that a notification arrived."""
        values = {"delivered_ms": delivered_ms, "attempts": DELIVERY.c.attempts + 1, "last_error": ""}
        self._connection.execute(update(DELIVERY).where(DELIVERY.c.id == delivery_id).values(values))

    def mark_undelivered(self, delivery_id: int, error: str, next_ms: int) -> None:
        """Remember that a notification failed, and when to try again."""
        values = {"next_ms": next_ms, "attempts": DELIVERY.c.attempts + 1, "last_error": error}
        self._connection.execute(update(DELIVERY).where(DELIVERY.c.id == delivery_id).values(values))

    def forget_deliveries(self, delivered_before_ms: int) -> None:
        """Delete deliveries that arrived before an instant."""
        self._connection.execute(delete(DELIVERY).where(DELIVERY.c.delivered_ms < delivered_before_ms))

    def put_setting(self, key: str, value: str) -> None:
        """Store a choice in the database."""
        upsert(self._connection, SETTING, [{"key": key, "value": value}])


def _run(row: RunTable) -> Run:
    return Run(
        id=row.id,
        kind=row.kind,
        pid=row.pid,
        started_ms=row.started_ms,
        ended_ms=row.ended_ms,
        last_tick_ms=row.last_tick_ms,
        next_tick_ms=row.next_tick_ms,
        ticks=row.ticks,
        skipped=row.skipped,
        failed=row.failed,
        stop_requested=row.stop_requested,
        note=row.note,
    )


def _delivery(row: DeliveryTable) -> Delivery:
    return Delivery(
        id=row.id,
        target=row.target,
        event_seq=row.event_seq,
        attempts=row.attempts,
        last_error=row.last_error,
        delivered_ms=row.delivered_ms,
        next_ms=row.next_ms,
    )
