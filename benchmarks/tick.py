"""P4 and P5: the database part of a watch tick, with nothing touched and with one trade in a hundred closed.

    python benchmarks/tick.py [--quick] [--plain | --trailing]

P4: 200 symbols, 1,000 / 10,000 / 100,000 open trades: the same time for all (<= 1.5 x) and <= 3 ms here; a full scan
of all open trades in the same file is the floor that the index has to beat.
P5: 1 % of the trades hit their stop: <= 0.3 ms for each closed trade, every batch one FULL commit.
Both with plain stops and with trailing ones, of which a tick may raise all at once: told as ms for each trail, beside
a tick in which no new peak is made.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from papertrade.engine.entries import enter_at_once
from papertrade.engine.instrument import Instrument, unknown_instrument
from papertrade.engine.market import MINUTE_MS, Candle, Quote, Side
from papertrade.engine.messages import Cause, EntryFilled, Event, SignalAdded
from papertrade.engine.signal import ExitWish, Level, LevelKind, Signal, TargetWish, TrailWish
from papertrade.engine.step import Rules
from papertrade.engine.trade import Order
from papertrade.feeds.feed import CandleAnswer, CandleRequest, Closure, Instruments, Quotes
from papertrade.runs.accounts import begin_account
from papertrade.runs.clock import SystemClock
from papertrade.runs.observe import ObservationRules
from papertrade.runs.tick import tick
from papertrade.runs.world import World
from papertrade.store.rows import Recorded, Watermark
from papertrade.store.store import Reader, Store, Writer

SYMBOLS = [f"SYM{number:03d}USDT" for number in range(200)]
START_MS = 1_700_000_040_000
START_MS -= START_MS % MINUTE_MS


class InstantFeed:
    """A venue in memory: one final candle a minute for every symbol, between the lows and highs it is told."""

    venue = "binance"
    closure: Closure | None = None
    has_candles = True

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.low = Decimal("99.9")
        self.high = Decimal("100.1")

    async def time_ms(self) -> int:
        return self.now_ms

    async def instruments(self, symbols: Sequence[str]) -> Instruments:
        return {symbol: unknown_instrument(self.venue, symbol, "USDT") for symbol in symbols}

    async def quotes(self, symbols: Sequence[str], at_ms: int, *, with_book: bool = True) -> Quotes:
        price = Decimal(100)
        return {symbol: Quote(at_ms=at_ms, last=price, bid=price if with_book else None) for symbol in symbols}

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        return {request: (self._candle(request.start_ms),) for request in requests}

    async def aclose(self) -> None:
        return None

    def _candle(self, open_ms: int) -> Candle:
        price = Decimal(100)
        return Candle(open_ms=open_ms, interval_ms=MINUTE_MS, open=price, high=self.high, low=self.low, close=price)


class TimedStore(Store):
    """A store that adds up how long its transactions take."""

    seconds = 0.0

    @contextmanager
    def read(self) -> Iterator[Reader]:
        began = time.perf_counter()
        with super().read() as reader:
            yield reader
        self.seconds += time.perf_counter() - began

    def write(self, change):  # type: ignore[no-untyped-def]
        began = time.perf_counter()
        result = super().write(change)
        self.seconds += time.perf_counter() - began
        return result


def filled(path: Path, trades: int, near: int, trail: TrailWish | None = None) -> tuple[TimedStore, InstantFeed, World]:
    """Make a database with `trades` open longs on 200 symbols; every `near`-th has its stop at 99, the rest at 50.

    Five more have it at 99.5, for a first round that fills the caches of every statement. With a trail the entry,
    and so the first peak, lies above all candles: at 100.2.
    """
    clock = SystemClock()
    store = TimedStore.open(path, now_ms=clock.now_ms, run_id="bench", pause=clock.pause)
    store.write(lambda writer: begin_account(writer, "main", "USDT", Decimal(900_000_000), START_MS))
    for start in range(0, trades, 5_000):
        numbers = range(start + 1, min(start + 5_000, trades) + 1)
        store.write(lambda writer, numbers=numbers: _add(writer, numbers, near, trail))
    marks = [Watermark(venue="binance", symbol=s, end_ms=START_MS, close=Decimal(100)) for s in SYMBOLS]
    store.write(lambda writer: writer.move_watermarks(marks))
    store.checkpoint_if_large(0)
    feed = InstantFeed()
    runner = asyncio.Runner()
    rules = Rules()
    world = World(store=store, feed=feed, clock=clock, rules=rules, watching=ObservationRules(), wait=runner.run)
    return store, feed, world


def _add(writer: Writer, numbers: Sequence[int], near: int, trail: TrailWish | None) -> None:
    events: list[Recorded] = []
    for number in numbers:
        for event in _opened(number, _stop(number, near), trail):
            events.append(Recorded(event, START_MS - 30_000))
    writer.record(events, {})


def _stop(number: int, near: int) -> Decimal:
    if number <= 5:
        return Decimal("99.5")
    return Decimal(99) if number % near == 0 else Decimal(50)


def _opened(number: int, stop: Decimal, trail: TrailWish | None) -> list[Event]:
    symbol = SYMBOLS[number % len(SYMBOLS)]
    exits = ExitWish(Level(LevelKind.PRICE, stop), (TargetWish(Level(LevelKind.PRICE, Decimal(150))),), trail)
    signal = Signal(
        source="bench", external_id=str(number), symbol=symbol, side=Side.LONG, made_at_ms=START_MS, exits=exits
    )
    instrument = Instrument(venue="binance", symbol=symbol, base=symbol[:6], quote="USDT", price_step=Decimal("0.01"))
    order = Order(
        account_id=1,
        epoch=1,
        signal_id=number,
        signal_key=signal.key,
        venue="binance",
        symbol=symbol,
        side=Side.LONG,
        entry_type=signal.entry_type,
        entry_price=None,
        quantity=Decimal("0.5"),
        exits=exits,
        terms=Rules().terms(instrument),
        placed_at=START_MS - 30_000,
        whole_from=START_MS,
    )
    quote = Quote(at_ms=START_MS - 30_000, last=Decimal(100) if trail is None else Decimal("100.2"))
    entry = enter_at_once(number, order, Cause(rule="bench", raw_price=quote.last, quote=quote), START_MS - 30_000)
    assert isinstance(entry, EntryFilled)
    return [SignalAdded(signal_id=number, signal=signal), entry]


def database_ms(store: TimedStore, feed: InstantFeed, world: World) -> tuple[float, int]:
    """Run one tick a minute later; return the milliseconds inside transactions, and the trades closed."""
    feed.now_ms += MINUTE_MS
    store.seconds = 0.0
    report, _ = tick(world)
    return store.seconds * 1000, len(report.closed)


def full_scan_ms(store: TimedStore) -> float:
    """Read the armed prices of all open trades: what a watch without an index would do at every tick."""
    began = time.perf_counter()
    with store.read() as reader:
        reader._connection.exec_driver_sql(
            "SELECT id, symbol, armed_below, armed_above FROM trade WHERE status IN ('pending', 'open')"
        ).fetchall()
    return (time.perf_counter() - began) * 1000


def raised_ms(store: TimedStore, feed: InstantFeed, world: World) -> float:
    """Raise every trail three times, a tick each, and let the market fall back; return the median tick."""
    spent = []
    for high in ("100.4", "100.6", "100.8"):
        feed.high = Decimal(high)
        spent.append(database_ms(store, feed, world)[0])
    feed.high = Decimal("100.1")
    return statistics.median(spent)


def measured(sizes: Sequence[int], trail: TrailWish | None) -> None:
    """Print P4 and P5 for trades with plain stops, or for trailing ones with what raising all of them costs."""
    quiet: dict[int, float] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            store, feed, world = filled(Path(folder) / "bench.db", size, near=100, trail=trail)
            database_ms(store, feed, world)
            quiet[size] = statistics.median(database_ms(store, feed, world)[0] for _ in range(15))
            scan = statistics.median(full_scan_ms(store) for _ in range(5))
            if trail is not None:
                spent = raised_ms(store, feed, world)
                print(f"{size:7d} trails: all raised in one tick {spent:8.1f} ms = {spent / size:.3f} ms each")
            feed.low = Decimal("99.4")
            database_ms(store, feed, world)
            feed.low = Decimal("98.9")
            spent, closed = database_ms(store, feed, world)
            print(
                f"{size:7d} open: nothing touched {quiet[size]:6.2f} ms (full scan {scan:7.2f} ms), "
                f"1 % touched {spent:8.1f} ms = {spent / closed:.3f} ms for each of {closed} closed"
            )
            store.close()
    print(f"P4 slowest / fastest {max(quiet.values()) / min(quiet.values()):.2f} (budget 1.5), budget 3 ms")


def main() -> None:
    sizes = (1_000, 10_000) if "--quick" in sys.argv else (1_000, 10_000, 100_000)
    if "--trailing" not in sys.argv:
        print("plain stops")
        measured(sizes, None)
    if "--plain" not in sys.argv:
        print("trailing stops, 5 % behind the peak")
        measured(sizes, TrailWish(Level(LevelKind.PERCENT, Decimal(5))))


if __name__ == "__main__":
    main()
