"""A venue, a database and one clock for both, which moves when the program sleeps: what the watch's tests need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.errors import Json
from tests.cli import NOW_MS, FixedClock, Result, run
from tests.runs.desk import candle
from tests.venue_market import Listing
from tests.venue_server import VenueServer

ROOT = Path(__file__).resolve().parents[2]


class MovingClock(FixedClock):
    """A clock that the venue follows."""

    def __init__(self, server: VenueServer, at_ms: int) -> None:
        super().__init__(at_ms)
        self.server = server
        self.on_pause: Callable[[], object] = lambda: None

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self.server.now_ms = self.at_ms
        self.on_pause()


@dataclass
class Watched:
    """Commands at an instant of the venue's day. AAAUSDT and BBBUSDT stand at 100."""

    server: VenueServer
    folder: Path
    clock: MovingClock

    @property
    def env(self) -> dict[str, str]:
        return {
            "PAPERTRADE_DB": str(self.folder / "books.db"),
            "PAPERTRADE_CONFIG": str(self.folder / "config.yaml"),
            "PAPERTRADE_FEEDS__BINANCE__BASE_URL": self.server.base_url,
            "PAPERTRADE_FEEDS__BINANCE__ATTEMPTS": "1",
        }

    @property
    def database(self) -> Path:
        return self.folder / "books.db"

    def pass_seconds(self, seconds: float) -> None:
        self.clock.pause(seconds)

    def configure(self, text: str) -> None:
        file = self.folder / "config.yaml"
        file.write_text(text)
        file.chmod(0o600)

    def run(self, *args: str, is_terminal: bool = False) -> Result:
        return run(args, self.env, clock=self.clock, is_terminal=is_terminal)

    def data(self, *args: str) -> dict[str, Json]:
        """Run with --json; return the data of the envelope, whatever the exit code."""
        return cast("dict[str, Json]", self.run(*args, "--json").envelope["data"])

    def events(self, *args: str) -> list[dict[str, Json]]:
        return [json.loads(line) for line in self.run(*args, "--json").out.splitlines()]

    def long(self, symbol: str = "AAAUSDT", *more: str) -> None:
        result = self.run("long", symbol, "--sl", "95", "--tp", "110", "--size", "1", *more)
        assert result.code == 0, result

    def process(self, *args: str, **streams: int) -> subprocess.Popen[str]:
        """Start a command as a process with the system's clock."""
        return subprocess.Popen(
            [sys.executable, "-m", "papertrade", *args],
            cwd=ROOT,
            env={**os.environ, **self.env},
            text=True,
            stdout=streams.get("stdout", subprocess.PIPE),
            stderr=streams.get("stderr", subprocess.PIPE),
        )

    def lock_text(self) -> str:
        path = self.folder / "books.db.watch.lock"
        return path.read_text() if path.exists() else ""

    def wait_for_ticks(self, count: int = 1) -> None:
        """Wait until the running watch has ticked so often."""
        for _ in range(200):
            status = run(["status", "--json", "-q"], self.env)
            data = cast("dict[str, Json]", status.envelope["data"])
            found = cast("dict[str, Json] | None", data["run"])
            if data["running"] and found is not None and cast("int", found["ticks"]) >= count:
                return
            time.sleep(0.05)
        raise AssertionError("the watch does not tick")


def tape(changes: dict[int, str], minutes: int = 60) -> list[Candle]:
    """Return flat minutes at 100, from two hours before 10:00 on, with some as told: `open high low close`."""
    return [candle(n, changes.get(n, "100 100 100 100")) for n in range(-120, minutes)]


@contextmanager
def watched(folder: Path, first: Sequence[Candle], second: Sequence[Candle] = ()) -> Iterator[Watched]:
    """Serve AAAUSDT and BBBUSDT at half past 10:00."""
    (folder / "config.yaml").write_text("")
    listing = Listing(base="AAA", quote="USDT", tick="0.01", step="0.0001", notional_min="5")
    listings = {"AAAUSDT": listing, "BBBUSDT": listing}
    server = VenueServer.of({"AAAUSDT": first, "BBBUSDT": second or tape({})}, NOW_MS + 30_000, **listings)
    with server:
        yield Watched(server, folder, MovingClock(server, NOW_MS + 30_000))


def minutes_ms(count: int) -> int:
    return NOW_MS + count * MINUTE_MS
