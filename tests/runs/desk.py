"""A desk for tests: a real store, a tape for a venue, and clocks that move only when told or slept."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from papertrade.engine.market import MINUTE_MS, Candle, Side
from papertrade.engine.signal import EntryType, ExitWish, Signal, parse_level, parse_size, parse_target
from papertrade.engine.step import Rules
from papertrade.engine.trade import Trade
from papertrade.errors import PapertradeError
from papertrade.feeds.feed import Closure
from papertrade.feeds.tape import Tape, TapeFeed
from papertrade.runs.accounts import begin_account
from papertrade.runs.catch_up import catch_up
from papertrade.runs.notify import Sent
from papertrade.runs.observe import ObservationRules
from papertrade.runs.opening import OpenRequest, open_one
from papertrade.runs.signals import NEW_ID
from papertrade.runs.stop_signals import Stopping
from papertrade.runs.watch import Notice, Rhythm, Watch
from papertrade.runs.world import World
from papertrade.store.rows import Run
from papertrade.store.store import Store

START = 1_795_168_800_000
"""2026-11-20T10:00:00Z"""


@dataclass
class VirtualClock:
    """Wall and monotonic time, which a test may move apart."""

    at_ms: int = START + 30_000
    elapsed: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return self.elapsed

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at_ms += round(seconds * 1000)
        self.elapsed += seconds

    def set_wall(self, by_ms: int) -> None:
        self.at_ms += by_ms


class ShakyTape(TapeFeed):
    """A tape that can be told to fail as a whole, for one symbol, or to take its time."""

    def __init__(self, tape: Tape, now_ms: Callable[[], int]) -> None:
        super().__init__(tape, now_ms)
        self.error: PapertradeError | None = None
        self.banned: Closure | None = None
        self.asked = 0
        self.on_ask: Callable[[], None] = lambda: None

    @property
    def closure(self) -> Closure | None:
        return self.banned

    async def time_ms(self) -> int:
        self.asked += 1
        self.on_ask()
        if self.error is not None:
            raise self.error
        return await super().time_ms()


def candle(number: int, prices: str) -> Candle:
    """Return the candle of minute `number` after START from `open high low close`."""
    first, high, low, last = (Decimal(price) for price in prices.split())
    return Candle(open_ms=START + number * MINUTE_MS, interval_ms=MINUTE_MS, open=first, high=high, low=low, close=last)


def flat(count: int, price: str = "100") -> list[Candle]:
    return [candle(number, f"{price} {price} {price} {price}") for number in range(count)]


@dataclass
class Desk:
    """A world to watch. Add candles to `tape` at any time before they are due."""

    world: World
    clock: VirtualClock
    feed: ShakyTape
    tape: dict[str, list[Candle]]
    stopping: Stopping = field(default_factory=Stopping)
    heard: list[Notice] = field(default_factory=list)

    def long(self, symbol: str = "AAAUSDT", *, sl: str = "95", tp: str = "110", limit: str | None = None) -> Trade:
        signal = Signal(
            source="test",
            external_id=NEW_ID,
            symbol=symbol,
            side=Side.LONG,
            made_at_ms=self.clock.now_ms(),
            entry_type=EntryType.MARKET if limit is None else EntryType.LIMIT,
            entry_price=None if limit is None else Decimal(limit),
            exits=ExitWish(parse_level(sl), (parse_target(tp),)),
            size=parse_size("size", "1"),
        )
        opened = open_one(self.world, "main", OpenRequest(signal=signal, is_again=True), catch_up(self.world, [symbol]))
        assert opened.change is not None, opened.error
        return opened.change.after

    def trade(self, number: int = 1) -> Trade:
        with self.world.store.read() as reader:
            found = reader.trade(number)
        assert found is not None
        return found

    def last_run(self, kind: str = "watch") -> Run:
        with self.world.store.read() as reader:
            found = reader.last_run(kind)
        assert found is not None
        return found

    def watch(
        self,
        rhythm: Rhythm | None = None,
        serve: Callable[[], list[Sent]] = list,
        listener: Callable[[Notice], None] | None = None,
    ) -> Watch:
        rhythm = rhythm or Rhythm(interval_ms=30_000)
        return Watch(self.world, rhythm, listener or self.heard.append, self.stopping, serve)

    def of(self, kind: type[Notice]) -> list[Notice]:
        return [notice for notice in self.heard if isinstance(notice, kind)]

    def names(self) -> list[str]:
        """Return the kinds of all notices, rounds left out."""
        return [type(notice).__name__ for notice in self.heard if type(notice).__name__ != "Ticked"]

    def second_store(self, run_id: str = "other") -> Store:
        return opened_store(self.world.store.path, self.clock, run_id)


def opened_store(path: Path, clock: VirtualClock, run_id: str = "own") -> Store:
    return Store.open(path, now_ms=clock.now_ms, run_id=run_id, pause=clock.pause)


def steps(watch: Watch, clock: VirtualClock, seconds: float) -> None:
    """Step and sleep for so long, as the command would."""
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        wait = watch.step()
        if wait is None:
            return
        clock.pause(min(wait, until - clock.monotonic()) or 0.001)


@contextmanager
def desk_at(path: Path, candles: dict[str, Sequence[Candle]] | None = None) -> Iterator[Desk]:
    """Open a desk over a new database with 10 000 USDT; ten flat minutes of AAAUSDT unless told otherwise."""
    clock = VirtualClock()
    tape = {symbol: list(found) for symbol, found in (candles or {"AAAUSDT": flat(10)}).items()}
    feed = ShakyTape(Tape(candles=tape), clock.now_ms)
    store = opened_store(path / "desk.db", clock)
    store.write(lambda writer: begin_account(writer, "main", "USDT", Decimal(10_000), clock.now_ms()))
    with asyncio.Runner() as runner:
        world = World(store=store, feed=feed, clock=clock, rules=Rules(), watching=ObservationRules(), wait=runner.run)
        try:
            yield Desk(world, clock, feed, tape)
        finally:
            store.close()


def break_trade(database: Path, trade_id: int) -> None:
    """Make the row of a trade unreadable, as a stray bit would."""
    with sqlite3.connect(database) as raw:
        triggers = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'trade'")
        for (name,) in triggers.fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("UPDATE trade SET rulings = 'nonsense' WHERE id = ?", (trade_id,))
    raw.close()
