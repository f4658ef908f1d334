"""P1, P2 and P3: whole processes, from their start to their end, against what the interpreter and imports alone cost.

    python benchmarks/startup.py [runs]

P1: `papertrade --version` <= 4 x `python -c pass`. P2: `--help` and a completion <= 1.5 x the help of an empty Typer
app. P3: `trades` and `portfolio --offline` on 1,000 stored trades <= 1.5 x `import typer, rich.console, sqlmodel`.
Measured on a copy of the package with its .pyc files, as an install has them; floor and ours run in turn.
"""

from __future__ import annotations

import compileall
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from papertrade.engine.changes import close_trade
from papertrade.engine.entries import enter_at_once
from papertrade.engine.market import HOUR_MS, MINUTE_MS, Quote, Side
from papertrade.engine.messages import Cause, EntryFilled, Refusal, SignalAdded
from papertrade.engine.signal import EntryType, ExitWish, Signal, parse_level, parse_target
from papertrade.engine.state import evolve
from papertrade.engine.trade import Order, Terms
from papertrade.runs.accounts import begin_account
from papertrade.store.rows import PricePoint, Recorded, StoredQuote, Watermark
from papertrade.store.store import Store, Writer

TRADES = 1_000
OPEN = 40
SYMBOLS = [f"SYM{number:02d}USDT" for number in range(20)]
PACKAGE = Path(__file__).resolve().parents[1] / "papertrade"
START = "import sys; from papertrade.cli import main; sys.exit(main())"
EMPTY_APP = "import typer; app = typer.Typer(); app.command()(lambda: None); app(['--help'])"
COMPLETION = {"_PAPERTRADE_COMPLETE": "complete_bash", "COMP_WORDS": "papertrade tra", "COMP_CWORD": "1"}


@dataclass(frozen=True, slots=True)
class Race:
    """One budget: our command against a floor, both as arguments of the interpreter."""

    name: str
    floor: Sequence[str]
    ours: Sequence[str]
    budget: float
    environment: Mapping[str, str]


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        shutil.copytree(PACKAGE, place / "site" / "papertrade", ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(place / "site", quiet=2)
        database = place / "books.db"
        fill(database)
        kept = {name: value for name, value in os.environ.items() if "PAPERTRADE" not in name}
        world = {**kept, "HOME": folder, "XDG_CONFIG_HOME": folder, "PYTHONPATH": str(place / "site")}
        world["PAPERTRADE_DB"] = str(database)
        failed = [race.name for race in races(world) if not hold(race, place, runs)]
    return 1 if failed else 0


def races(world: Mapping[str, str]) -> list[Race]:
    imports = ["-c", "import typer, rich.console, sqlmodel"]
    return [
        Race("P1 --version", ["-c", "pass"], ["-c", START, "--version"], 4, world),
        Race("P2 --help", ["-c", EMPTY_APP], ["-c", START, "--help"], 1.5, world),
        Race("P2 completion", ["-c", EMPTY_APP], ["-c", START], 1.5, {**world, **COMPLETION}),
        Race("P3 trades", imports, ["-c", START, "trades"], 1.5, world),
        Race("P3 portfolio --offline", imports, ["-c", START, "portfolio", "--offline"], 1.5, world),
    ]


def hold(race: Race, place: Path, runs: int) -> bool:
    """Run both in turn; print medians, and the median of the ratios of each turn. The first turn is not counted."""
    floor: list[float] = []
    ours: list[float] = []
    for turn in range(runs + 1):
        for words, times in ((race.floor, floor), (race.ours, ours)):
            seconds = timed([sys.executable, *words], race.environment, place)
            if turn > 0:
                times.append(seconds)
    base, measured = statistics.median(floor), statistics.median(ours)
    ratio = statistics.median(our / its for our, its in zip(ours, floor, strict=True))
    verdict = "ok" if ratio <= race.budget else "OVER"
    print(
        f"{race.name:24s} floor {base * 1e3:6.1f} ms  ours {measured * 1e3:6.1f} ms  "
        f"ratio {ratio:5.2f}  budget {race.budget:4.2f}  {verdict}",
        flush=True,
    )
    return ratio <= race.budget


def timed(words: Sequence[str], environment: Mapping[str, str], place: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(words, env=environment, cwd=place, capture_output=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{words} ended with {done.returncode}: {done.stderr.decode()}")
    return seconds


def fill(path: Path) -> None:
    """Make a database with 1,000 trades over 20 symbols, an entry an hour: 40 open, the others closed."""
    now_ms = time.time_ns() // 1_000_000
    store = Store.open(path, now_ms=lambda: now_ms, run_id="bench", pause=time.sleep)
    try:
        first_ms = (now_ms - TRADES * HOUR_MS) // MINUTE_MS * MINUTE_MS
        store.write(lambda writer: begin_account(writer, "main", "USDT", Decimal(1_000_000), first_ms))
        store.write(lambda writer: add_trades(writer, first_ms))
        store.write(lambda writer: add_market(writer, first_ms, now_ms))
    finally:
        store.close()


def add_trades(writer: Writer, first_ms: int) -> None:
    for number in range(1, TRADES + 1):
        entered = entry(number, first_ms + number * HOUR_MS)
        events: list[Recorded] = []
        if entered.order is None:
            raise ValueError("a market entry carries its order")
        signal = signal_of(entered.order)
        events.append(Recorded(SignalAdded(signal_id=number, signal=signal), entered.at_ms))
        events.append(Recorded(entered, entered.at_ms))
        if number <= TRADES - OPEN:
            price = Decimal(103) if number % 3 else Decimal(97)
            at_ms = entered.at_ms + 20 * MINUTE_MS
            quote = Quote(at_ms=at_ms, last=price)
            left = close_trade(evolve(None, entered), Decimal(1), price, quote, at_ms)
            if isinstance(left, Refusal):
                raise ValueError("an open trade can be closed")
            events += [Recorded(event, at_ms) for event in left]
        writer.record(events, {})


def entry(number: int, at_ms: int) -> EntryFilled:
    """Return the entry of the n-th trade."""
    exits = ExitWish(parse_level("3%"), (parse_target("1R:0.5"), parse_target("2R:0.5")))
    order = Order(
        account_id=1,
        epoch=1,
        signal_id=number,
        signal_key=f"scanner:{number}",
        venue="binance",
        symbol=SYMBOLS[number % len(SYMBOLS)],
        side=Side.LONG if number % 2 else Side.SHORT,
        entry_type=EntryType.MARKET,
        entry_price=None,
        quantity=Decimal("1.5"),
        exits=exits,
        terms=Terms(price_step=Decimal("0.01")),
        placed_at=at_ms,
        whole_from=at_ms + MINUTE_MS,
        tags=("breakout",) if number % 5 == 0 else (),
    )
    quote = Quote(at_ms=at_ms, last=Decimal(100))
    event = enter_at_once(number, order, Cause(rule="4.4 entered at once", raw_price=quote.last, quote=quote), at_ms)
    if not isinstance(event, EntryFilled):
        raise ValueError("an entry with its stop on the right side is filled")
    return event


def signal_of(order: Order) -> Signal:
    return Signal(
        source="scanner",
        external_id=str(order.signal_id),
        symbol=order.symbol,
        side=order.side,
        made_at_ms=order.placed_at,
        exits=order.exits,
        tags=order.tags,
    )


def add_market(writer: Writer, first_ms: int, now_ms: int) -> None:
    """Leave what a watch would have left: fresh quotes and watermarks, and a price at each full hour."""
    writer.put_quotes(
        [StoredQuote(venue="binance", symbol=s, quote=Quote(at_ms=now_ms, last=Decimal(101))) for s in SYMBOLS]
    )
    writer.move_watermarks([Watermark(venue="binance", symbol=s, end_ms=now_ms, close=Decimal(101)) for s in SYMBOLS])
    hours = range(first_ms // HOUR_MS * HOUR_MS, now_ms, HOUR_MS)
    writer.put_prices(
        [PricePoint(venue="binance", symbol=s, at_ms=at_ms, price=Decimal(100)) for s in SYMBOLS for at_ms in hours]
    )


if __name__ == "__main__":
    sys.exit(main())
