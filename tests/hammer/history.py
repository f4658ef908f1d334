"""What the processes of a hammer asked for and were told, and whether any order of events explains it.

A process writes down a request before it makes it and the answer after it, so that one that was killed leaves a
request whose outcome nobody knows: it may have happened or not, but not twice. After Jepsen's method.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

DONE, REFUSED, DUPLICATE, PARTIAL = 0, 6, 7, 10
LATE_MS = 50
"""How much earlier than its answer a process may have looked at its clock."""


@dataclass(frozen=True)
class Call:
    """One request: who, what of, when, and how it ended; code None is a process that died."""

    worker: int
    kind: str
    key: str
    began_ms: int
    ended_ms: int | None = None
    code: int | None = None
    trade: int | None = None
    said: str = ""

    @property
    def is_unknown(self) -> bool:
        return self.code is None


@dataclass(frozen=True)
class Life:
    """One trade: its signal, and the journal's numbers and clock at its beginning and end (None is live)."""

    id: int
    key: str
    began: int
    ended: int | None
    began_ms: int
    ended_ms: int | None
    is_by_hand: bool = False


class Recorder:
    """Writes one process's part of the history; a line is on the disk before the next request is made."""

    def __init__(self, path: Path, worker: int) -> None:
        self._stream = path.open("a", encoding="utf-8")
        self._worker = worker

    def call(self, kind: str, key: str, act: Callable[[], tuple[int, int | None, str]]) -> None:
        """Make a request and write down what came of it."""
        self._write({"kind": kind, "key": key, "began_ms": _now_ms()})
        code, trade, said = act()
        self._write({"ended_ms": _now_ms(), "code": code, "trade": trade, "said": said[:300]})

    def _write(self, line: dict[str, object]) -> None:
        self._stream.write(json.dumps({"worker": self._worker, **line}) + "\n")
        self._stream.flush()


def calls_in(paths: Iterable[Path]) -> list[Call]:
    """Read what the processes wrote, a torn last line included."""
    found: list[Call] = []
    for path in sorted(paths):
        asked: dict[str, object] = {}
        for line in _lines(path):
            if "kind" in line:
                if asked:
                    found.append(Call(**asked))  # type: ignore[arg-type]
                asked = line
            else:
                found.append(Call(**{**asked, **line}))  # type: ignore[arg-type]
                asked = {}
        if asked:
            found.append(Call(**asked))  # type: ignore[arg-type]
    return found


def anomalies(calls: Sequence[Call], lives: Sequence[Life], deposited: int) -> list[str]:
    """Return everything that no order of the calls explains."""
    return [
        *_opened_twice(lives),
        *_wrong_openings(calls, {life.id: life for life in lives}),
        *_unexplained(calls, lives),
        *_wrong_closings(calls, {life.id: life for life in lives}),
        *_wrong_deposits(calls, deposited),
    ]


def _opened_twice(lives: Sequence[Life]) -> Iterator[str]:
    by_key: dict[str, list[Life]] = defaultdict(list)
    for life in sorted(lives, key=lambda each: each.began):
        by_key[life.key].append(life)
    for key, each in by_key.items():
        for one, other in pairwise(each):
            if one.ended is None or one.ended > other.began:
                yield f"signal {key}: trades {one.id} and {other.id} lived at once"


def _wrong_openings(calls: Sequence[Call], lives: dict[int, Life]) -> Iterator[str]:
    told = Counter(call.trade for call in calls if call.kind == "open" and call.code == DONE)
    yield from (f"trade {trade} was opened for {times} callers" for trade, times in told.items() if times > 1)
    for call in calls:
        if call.kind != "open" or call.code not in (DONE, DUPLICATE):
            continue
        life = lives.get(call.trade or 0)
        if life is None or life.key != call.key:
            yield f"worker {call.worker} was told of trade {call.trade} for {call.key}, which is not there"
        elif call.code == DUPLICATE and not _overlaps(life, call):
            yield f"worker {call.worker} was refused for trade {call.trade}, which did not live then"


def _overlaps(life: Life, call: Call) -> bool:
    ended_ms = call.ended_ms if call.ended_ms is not None else call.began_ms
    return life.began_ms <= ended_ms + LATE_MS and (life.ended_ms is None or life.ended_ms >= call.began_ms - LATE_MS)


def _unexplained(calls: Sequence[Call], lives: Sequence[Life]) -> Iterator[str]:
    told = {call.trade for call in calls if call.kind == "open" and call.code == DONE}
    unknown = Counter(call.key for call in calls if call.kind == "open" and call.is_unknown)
    silent = Counter(life.key for life in lives if life.id not in told)
    for key, times in silent.items():
        if times > unknown[key]:
            yield f"signal {key}: {times} trades that nobody was told of, {unknown[key]} callers died"


def _wrong_closings(calls: Sequence[Call], lives: dict[int, Life]) -> Iterator[str]:
    closings = [call for call in calls if call.kind == "close"]
    done = Counter(call.trade for call in closings if call.code == DONE)
    yield from (f"trade {trade} was closed {times} times" for trade, times in done.items() if times > 1)
    for call in closings:
        life = lives.get(call.trade or 0)
        if call.code == DONE and (life is None or not life.is_by_hand):
            yield f"worker {call.worker} closed trade {call.trade}, which is not closed by hand"
        if call.code == REFUSED and life is not None and life.ended is None:
            yield f"worker {call.worker} was told that trade {call.trade} has ended, and it lives"


def _wrong_deposits(calls: Sequence[Call], deposited: int) -> Iterator[str]:
    asked = [call for call in calls if call.kind == "deposit"]
    least = sum(call.code == DONE for call in asked)
    most = least + sum(call.is_unknown for call in asked)
    if not least <= deposited <= most:
        yield f"{deposited} deposits are booked, {least} to {most} were made"


def _lines(path: Path) -> Iterator[dict[str, object]]:
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(text)
        except ValueError:
            return


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
