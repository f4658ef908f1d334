"""The notices of a watch as the lines of `watch --json`; the names and fields are a contract with scripts.

The rule to keep: one line is one event and fields are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from papertrade.engine.messages import EntryFilled, Refused, TradePlaced
from papertrade.engine.trade import Status
from papertrade.engine.values import dataclass
from papertrade.errors import FeedError, PapertradeError
from papertrade.render.happening_json import happening_json
from papertrade.render.json import Encodable
from papertrade.render.numbers import iso_z
from papertrade.runs.happenings import Happening
from papertrade.runs.round import Round
from papertrade.runs.watch import Ended, Failed, Happened, Notice, Recovered, Started, Ticked

Data: TypeAlias = Mapping[str, Encodable]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a stream tells of its watch at the beginning."""

    venue: str
    interval_ms: int


def watch_events(notice: Notice, setting: Setting) -> Iterator[tuple[str, int | None, Data]]:
    """Yield the events of a notice: name, when (None is now), data. Notices about ourselves have none."""
    match notice:
        case Started():
            yield "watch_started", notice.run.started_ms, _started(notice, setting)
        case Happened():
            for name in notice.happening.names:
                yield name, notice.at_ms, happening_json(notice.happening)
        case Ticked():
            yield from _ticked(notice)
        case Failed() if isinstance(notice.error, FeedError):
            yield "feed_failed", None, _failure(None, notice.error, notice.in_a_row)
        case Recovered() if notice.was_feed:
            yield "feed_recovered", None, {"symbol": None, "failures": notice.rounds}
        case Ended():
            yield (
                "watch_ended",
                None,
                {
                    "reason": notice.note,
                    "ticks": notice.ticks,
                    "skipped": notice.skipped,
                    "failed_ticks": notice.failed,
                },
            )
        case _:
            return


def round_json(done: Round) -> dict[str, Encodable]:
    """Return the data of one tick for cron: how many were looked at and what became of them."""
    failures = [_failure(symbol, error, None) for symbol, error in sorted(done.report.failures.items())]
    aside = [
        {"symbol": symbol, "code": "trade_set_aside", "message": f"trade `{broken.trade_id}`: {broken.error}"}
        for symbol, broken in done.broken
    ]
    stopped = [] if done.stopped is None else [{"symbol": None, **_stopped(done.stopped)}]
    closed = [h for h in done.happenings if "trade_closed" in h.names]
    return {
        "checked": done.checked,
        "filled": len(done.report.filled),
        "closed": len(closed),
        "failed": len(done.report.failures),
        "symbols": list(done.report.symbols),
        "closed_trades": [happening_json(h)["trade"] for h in closed],
        "failures": [*failures, *aside, *stopped],
    }


def strategy_json(done: Round) -> dict[str, Encodable]:
    """Return what a tick with a strategy has beside that: the trades opened or placed, and what was refused."""
    opened = [h for h in done.happenings if _is_opening(h)]
    return {
        "opened_trades": [happening_json(h)["trade"] for h in opened],
        "refused": [happening_json(h) for h in done.happenings if isinstance(h.event, Refused)],
    }


def _is_opening(happening: Happening) -> bool:
    match happening.event:
        case TradePlaced():
            return True
        case EntryFilled():
            return happening.event.order is not None
        case _:
            return False


def _started(notice: Started, setting: Setting) -> Data:
    return {
        "run": notice.run.id,
        "pid": notice.run.pid,
        "venue": setting.venue,
        "interval_seconds": setting.interval_ms // 1000,
        "live": notice.live,
    }


def _ticked(notice: Ticked) -> Iterator[tuple[str, int | None, Data]]:
    done = notice.round
    report = done.report
    for symbol in notice.failed_anew:
        yield "feed_failed", report.at_ms, _failure(symbol, report.failures[symbol], report.in_a_row.get(symbol, 1))
    for symbol in notice.recovered:
        yield "feed_recovered", report.at_ms, {"symbol": symbol, "failures": None}
    if done.stopped is not None:
        yield "refused", report.at_ms, {"kind": "strategy_failed", "trade": None, **_stopped(done.stopped)}
    if done.error is None:
        yield "snapshot", report.at_ms, _snapshot(notice)


def _snapshot(notice: Ticked) -> Data:
    done = notice.round
    quotes = {} if done.market is None else done.market.quotes
    return {
        "tick": notice.ticks,
        "skipped": notice.skipped,
        "checked": done.checked,
        "live": done.live,
        "filled": len(done.report.filled),
        "closed": len([c for c in done.report.changes if c.after.status is Status.CLOSED]),
        "failed": len(done.report.failures),
        "prices": {s: {"last": q.last, "bid": q.bid, "ask": q.ask} for s, q in sorted(quotes.items())},
        "touched": [
            {"trade_id": t.trade.id, "symbol": t.trade.order.symbol, "settles_at": iso_z(t.settles_ms)}
            for t in done.touched
        ],
        "next_tick_at": iso_z(notice.next_ms),
    }


def _stopped(error: PapertradeError) -> dict[str, Encodable]:
    return {"code": error.error_code, "message": error.message}


def _failure(symbol: str | None, error: PapertradeError, in_a_row: int | None) -> dict[str, Encodable]:
    failure: dict[str, Encodable] = {"symbol": symbol, "code": error.error_code, "message": error.message}
    return failure if in_a_row is None else {**failure, "in_a_row": in_a_row}
