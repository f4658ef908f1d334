"""The processes of a hammer: each runs whole commands, one after the other, on the one database.

They go through the signals in the same order, so that they meet, and do something else in between. The venue's
clock runs, so that trades end by themselves too.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.runs.clock import SystemClock
from papertrade.store import locks
from tests.cli import run
from tests.hammer.history import DONE, DUPLICATE, Call, Life, Recorder
from tests.venue_server import VenueServer

SYMBOLS = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
ALLOWED = frozenset({0, 5, 6, 7, 8, 9, 10, 14})
"""How a command may end where others act at the same time and the venue is only asked now and then."""

_SPEED = 60.0
_MINUTES = 600
_HISTORY = 10


@dataclass(frozen=True)
class Hammer:
    """How much is asked for, by how many; each process may be killed and begins again."""

    processes: int
    signals: int
    seed: int = 1


def random_walk(chance: random.Random, start_ms: int) -> list[Candle]:
    """Return minutes that move by up to a percent, so that stops and targets near by are hit within some."""
    price, candles = Decimal(100), []
    for minute in range(-_HISTORY, _MINUTES):
        moves = [price + price * chance.randint(-100, 100) / 10_000 for _ in range(3)]
        opened, price = price, round(moves[-1], 2)
        prices = [opened, price, *(round(move, 2) for move in moves[:2])]
        candles.append(
            Candle(
                open_ms=start_ms + minute * MINUTE_MS,
                interval_ms=MINUTE_MS,
                open=opened,
                high=max(prices),
                low=min(prices),
                close=price,
            )
        )
    return candles


def venue(seed: int) -> VenueServer:
    """Return a venue whose minutes pass in a second each; it has to be entered."""
    chance = random.Random(seed)
    start_ms = SystemClock().now_ms() // MINUTE_MS * MINUTE_MS
    server = VenueServer.of({symbol: random_walk(chance, start_ms) for symbol in SYMBOLS}, start_ms)
    server._speed = _SPEED
    return server


def environment(path: Path, base_url: str) -> dict[str, str]:
    return {
        "PAPERTRADE_DB": str(path),
        "PAPERTRADE_CONFIG": "",
        "PAPERTRADE_FEEDS__BINANCE__BASE_URL": base_url,
        "PAPERTRADE_ACCOUNT__CASH": "1000000",
        "PAPERTRADE_WATCH__SETTLE": "none",
    }


def write_signals(path: Path, count: int) -> None:
    rows = ["id,source,symbol,side,stop_loss,take_profit,size"]
    for number in range(count):
        side = "long" if number % 2 else "short"
        rows.append(f"s{number},scan,{SYMBOLS[number % 3]},{side},0.6%,1R,1")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


class Worker:
    """One process: takes the signals in order and does other things in between."""

    def __init__(self, number: int, hammer: Hammer, folder: Path, settings: dict[str, str]) -> None:
        self.hammer = hammer
        self.chance = random.Random(f"{hammer.seed}:{number}:{os.getpid()}")
        self.settings = settings
        self.folder = folder
        self.recorder = Recorder(folder / f"history-{number}-{os.getpid()}.jsonl", number)
        self.newest = 1

    def go(self) -> int:
        """Work through every signal; returns 0."""
        with _timed_locks(self.folder / f"waits-{os.getpid()}"):
            for number in range(self.hammer.signals):
                key = f"scan:s{number}"
                self.recorder.call("open", key, lambda key=key: self.ask("open", key))  # type: ignore[misc]
                if self.chance.random() < 0.25:
                    self._something_else()
        return 0

    def _something_else(self) -> None:
        kind = self.chance.choice(["close", "close", "deposit", "watch", "export", "import"])
        trade = self.chance.randint(max(1, self.newest - 12), self.newest)
        words: dict[str, Sequence[str]] = {
            "close": ("close", str(trade)),
            "deposit": ("account", "deposit", "1"),
            "watch": ("watch", "--once", "-q"),
            "export": ("export", "fills", "-o", str(self.folder / f"fills-{os.getpid()}.csv")),
            "import": ("signal", "import", str(self.folder / "signals.csv")),
        }
        self.recorder.call(kind, str(trade), lambda: self.ask(*words[kind], trade=trade if kind == "close" else None))

    def ask(self, *words: str, trade: int | None = None) -> tuple[int, int | None, str]:
        """Run a command; returns its exit code, the trade it speaks of, and what it said."""
        is_listed = words[0] in {"open", "close"}
        done = run([*words, "--json"] if is_listed else words, self.settings, clock=SystemClock())
        said = done.out + done.err
        if is_listed and done.code in (DONE, DUPLICATE):
            answer = json.loads(done.out)
            trade = answer["data"]["trades"][0]["id"] if done.code == DONE else answer["error"]["details"]["trade_id"]
            self.newest = max(self.newest, trade or 0)
        return done.code, trade, said


@contextmanager
def _timed_locks(path: Path) -> Iterator[None]:
    """Write down how long each writer waited for the lock, in microseconds."""
    original = locks._locked
    waits: list[int] = []
    began: list[float] = []

    def locked(handle: int, kind: int = 0) -> bool:
        if kind != 0:
            return original(handle, kind)
        began.append(time.perf_counter())
        if not original(handle):
            return False
        waits.append(int((began[-1] - began[0]) * 1_000_000))
        began.clear()
        return True

    locks._locked = locked
    try:
        yield
    finally:
        locks._locked = original
        path.write_text("\n".join(map(str, waits)), encoding="utf-8")


def lives_in(path: Path) -> tuple[list[Life], int]:
    """Return the trades of the signals out of the journal, and how many deposits of 1 are booked."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT trade.id, signal_key, status, exit_reason, min(seq), max(seq), min(wall_ms), max(wall_ms) "
            "FROM trade JOIN event ON event.trade_id = trade.id AND event.kind IN "
            "('trade_placed', 'entry_filled', 'exit_filled', 'trade_ended') GROUP BY trade.id"
        ).fetchall()
        (deposited,) = connection.execute(
            "SELECT count(*) FROM ledger WHERE book = 'cash' AND trade_id IS NULL AND amount_u = 100000000"
        ).fetchone()
    lives = [
        Life(
            id=number,
            key=key,
            began=first,
            ended=None if status in ("open", "pending") else last,
            began_ms=first_ms,
            ended_ms=None if status in ("open", "pending") else last_ms,
            is_by_hand=reason == "manual",
        )
        for number, key, status, reason, first, last, first_ms, last_ms in rows
    ]
    return lives, int(deposited)


def misbehaved(calls: Sequence[Call]) -> list[str]:
    """Return the answers that no user should ever see."""
    bad = ("Traceback", "database is locked", "IntegrityError", "bug")
    return [
        f"{call.kind} {call.key}: exit {call.code}: {call.said}"
        for call in calls
        if not call.is_unknown and (call.code not in ALLOWED or any(word in call.said for word in bad))
    ]


def waits_in(folder: Path) -> list[int]:
    """Return how long writers waited, sorted, in microseconds."""
    return sorted(int(line) for path in folder.glob("waits-*") for line in path.read_text().split())
