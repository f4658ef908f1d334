"""The commands that write, each with a database in which it has something to do and a venue that stands still.

A database is made once and copied for every death. What must come out is the books without their times: what is
tied to an instant of the local clock differs when a command is run twice. The rule to keep: a command stands here
if it writes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from papertrade.engine.market import MINUTE_MS, Candle
from tests.cli import NOW_MS, FixedClock, Result, run
from tests.venue_server import VenueServer

SYMBOLS = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
OPENED_MS = NOW_MS + 30_000
LATER_MS = NOW_MS + 4 * MINUTE_MS + 10_000

_SIGNALS = """id,source,symbol,side,entry,entry_type,stop_loss,take_profit,size
new1,scan,AAAUSDT,long,,market,95,110,1
new2,scan,BBBUSDT,short,,market,105,90,1
new3,scan,CCCUSDT,long,90,limit,80,100,1
"""


@dataclass(frozen=True)
class Command:
    """A command that writes, and the exit code of running it again after it was done.

    `counts_twice` is one that by its nature happens again when it is asked for again; `has_steps` one that is done
    in several transactions, each whole, and that asked for again ends in another state than asked for once.
    """

    words: tuple[str, ...]
    again: int = 0
    counts_twice: bool = False
    has_steps: bool = False
    setting: str = "open"

    @property
    def name(self) -> str:
        return " ".join(word for word in self.words if "/" not in word)


COMMANDS = (
    Command(("watch", "--once", "-q")),
    Command(("watch", "--once", "-q"), setting="trailing"),
    Command(("long", "AAAUSDT", "--sl", "5%", "--tp", "2R", "--size", "1", "--id", "x"), again=7),
    Command(("close", "4"), again=6),
    Command(("short", "BBBUSDT", "--limit", "104", "--sl", "110", "--size", "1", "--id", "y"), again=7, setting="calm"),
    Command(("open", "scan:old1"), again=7, setting="calm"),
    Command(("open", "--new"), setting="calm"),
    Command(("buy", "CCCUSDT", "--quantity", "1"), again=7, setting="calm"),
    Command(("sell", "AAAUSDT", "--quantity", "1"), counts_twice=True, setting="calm"),
    Command(("close", "4", "--fraction", "0.5"), counts_twice=True, setting="calm"),
    Command(("close", "--all"), again=5, setting="calm"),
    Command(("cancel", "5"), again=6, setting="calm"),
    Command(("void", "1", "--reason", "slip"), again=6, setting="calm"),
    Command(("void", "4", "--reason", "slip"), again=6, setting="calm"),
    Command(("cancel", "--all"), again=5, setting="calm"),
    Command(("modify", "4", "--sl", "80", "--tp", "140:0.5", "--tp", "150:0.5"), setting="calm"),
    Command(("tag", "4", "+seen"), setting="calm"),
    Command(("note", "4", "looks well"), counts_twice=True, setting="calm"),
    Command(("signal", "add", "AAAUSDT", "long", "--sl", "90", "--id", "z"), setting="calm"),
    Command(("signal", "import", "{folder}/signals.csv"), setting="calm"),
    Command(("signal", "import", "{folder}/signals.csv", "--open"), setting="calm"),
    Command(("signal", "cancel", "scan:old2"), again=6, setting="calm"),
    Command(("account", "create", "second", "--cash", "500"), again=6, setting="calm"),
    Command(("account", "deposit", "100"), counts_twice=True, setting="calm"),
    Command(("account", "withdraw", "100"), counts_twice=True, setting="calm"),
    Command(("account", "reset", "--yes"), has_steps=True, setting="calm"),
    Command(("check", "--rebuild"), setting="calm"),
    Command(("db", "backup", "{folder}/copy.db", "--force"), setting="calm"),
    Command(("db", "migrate"), setting="first"),
)


class Stage:
    """A folder with databases to copy, and the venue behind them."""

    def __init__(self, folder: Path, server: VenueServer) -> None:
        self.folder = folder
        self.server = server
        self._made: dict[str, Path] = {}
        self._clock = FixedClock()

    def ready(self, command: Command, folder: Path) -> Path:
        """Copy the database that a command begins with into a folder."""
        if command.setting not in self._made:
            made = self.folder / command.setting
            made.mkdir(parents=True)
            MAKERS[command.setting](self, made)
            self._made[command.setting] = made
        shutil.copytree(self._made[command.setting], folder)
        (folder / "signals.csv").write_text(_SIGNALS, encoding="utf-8")
        self.server.now_ms = LATER_MS
        return folder

    def run(self, command: Command, folder: Path) -> Result:
        """Run a command on the database of a folder."""
        return self.say([word.format(folder=folder) for word in command.words], folder)

    def say(self, words: Sequence[str], folder: Path) -> Result:
        self._clock.at_ms += 1
        return run(words, self.environment(folder), clock=self._clock)

    def environment(self, folder: Path) -> dict[str, str]:
        return {
            "PAPERTRADE_DB": str(folder / "book.db"),
            "PAPERTRADE_CONFIG": "",
            "PAPERTRADE_FEEDS__BINANCE__BASE_URL": self.server.base_url,
            "PAPERTRADE_WATCH__SETTLE": "none",
        }

    def do(self, folder: Path, at_ms: int, *lines: str) -> None:
        """Run commands that must succeed, at an instant of the venue."""
        self.server.now_ms = at_ms
        for line in lines:
            done = self.say(line.split(), folder)
            if done.code != 0:
                raise ValueError(f"{line}: {done.err}")


def a_stage(folder: Path) -> Stage:
    """Return a stage whose server has to be entered."""
    return Stage(folder, VenueServer.of({symbol: tape() for symbol in SYMBOLS}, NOW_MS))


def tape() -> list[Candle]:
    """Quiet minutes around 100; three minutes after the opening a rise to 112 and a fall to 94."""
    prices = {1: ("100", "103", "99", "102"), 2: ("102", "112", "101", "104"), 3: ("104", "105", "94", "100")}
    return [candle(minute, *prices.get(minute, ("100", "101", "99", "100"))) for minute in range(-5, 6)]


def candle(minute: int, opened: str, high: str, low: str, closed: str) -> Candle:
    return Candle(
        open_ms=NOW_MS + minute * MINUTE_MS,
        interval_ms=MINUTE_MS,
        open=Decimal(opened),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(closed),
    )


def open_book(stage: Stage, folder: Path) -> None:
    """A trade that the next tick closes in parts, one that it stops, one waiting that it fills, two it leaves."""
    stage.do(
        folder,
        OPENED_MS,
        "long AAAUSDT --sl 95 --tp 110:0.5 --tp 130:0.5 --size 2 --id a",
        "short BBBUSDT --sl 111 --tp 80 --size 2 --id b",
        "long CCCUSDT --limit 97 --sl 90 --tp 120 --size 2 --id c",
        "long AAAUSDT --sl 50 --tp 150 --size 2 --id d",
        "long BBBUSDT --limit 60 --sl 50 --size 2 --id e",
        "buy AAAUSDT --quantity 3",
        "signal add AAAUSDT long --sl 90 --size 1 --source scan --id old1",
        "signal add BBBUSDT short --sl 120 --size 1 --source scan --id old2",
    )


def calm_book(stage: Stage, folder: Path) -> None:
    """The same, after the tick: nothing is left to catch up."""
    open_book(stage, folder)
    stage.do(folder, LATER_MS, "watch --once -q")


def trailing_book(stage: Stage, folder: Path) -> None:
    """Trades whose stops the next tick moves without closing them."""
    stage.do(
        folder,
        OPENED_MS,
        *(f"long {symbol} --sl 50 --trail 30% --size 1 --id {symbol}{n}" for symbol in SYMBOLS for n in range(3)),
    )


def first_book(_: Stage, folder: Path) -> None:
    """The book of the first schema."""
    from tests.store.test_migrations import file_of

    file_of(1, folder / "book.db")


MAKERS = {"open": open_book, "calm": calm_book, "trailing": trailing_book, "first": first_book}

_BOOKS: Mapping[str, str] = {
    "account": "SELECT id, name, currency, epoch FROM account",
    "signal": "SELECT id, source, external_id, status FROM signal WHERE source <> 'order'",
    "trade": "SELECT account_id, symbol, side, status, open_quantity, reserve_u, entry_price, exit_value, exit_reason, "
    "realized_u, fees_u, tags, json_extract(rulings, '$[#-1]') FROM trade",
    "fill": "SELECT signal_key, n, leg, fill.quantity, price, fee_u, rule FROM fill JOIN trade ON trade.id = trade_id",
    "ledger": "SELECT account_id, book, sum(amount_u), count(*) FROM ledger GROUP BY 1, 2",
    "note": "SELECT trade_id, text FROM note",
    "watermark": "SELECT symbol, end_ms FROM watermark",
}


def books(path: Path) -> str:
    """Return what a database says, without when it was written and in which order."""
    with closing(sqlite3.connect(path)) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        rows = {name: sorted(map(str, connection.execute(query))) for name, query in _BOOKS.items() if name in there}
    return repr(rows)
