"""The commands by what they need, and how to run them a day after the stories: for the tests of a hostile world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.cli import FixedClock, Result, run
from tests.store.stories import START_MS

NEXT_DAY = FixedClock(START_MS + 86_400_000)

LISTS = [
    ["--offline"],
    ["trades"],
    ["show", "1"],
    ["explain", "1"],
    ["metrics"],
    ["equity"],
    ["portfolio", "--offline"],
    ["account", "list"],
    ["account", "show"],
    ["signal", "list"],
    ["signal", "show", "1"],
    ["orders"],
    ["log"],
    ["status"],
    ["notify", "list"],
    ["instruments"],
    ["export", "trades"],
    ["export", "signals"],
    ["export", "ledger"],
    ["export", "events"],
    ["export", "equity"],
]
"""Commands that print what is stored, and ask no venue."""

WRITES = [
    ["note", "x"],
    ["tag", "1", "+a"],
    ["signal", "add", "BTCUSDT", "long"],
    ["signal", "cancel", "1"],
    ["account", "create", "b"],
    ["account", "deposit", "5"],
    ["account", "use", "main"],
    ["check", "--rebuild"],
]
"""Commands that write, and ask no venue."""

ASKS = [
    ["price", "BTCUSDT"],
    ["candles", "BTCUSDT"],
    ["long", "BTCUSDT"],
    ["short", "BTCUSDT"],
    ["buy", "BTCUSDT"],
    ["open", "--new"],
    ["close", "3"],
    ["cancel", "7"],
    ["modify", "7", "--sl", "1"],
    ["watch", "--once"],
    ["stop"],
    ["check"],
    ["db", "migrate"],
    ["db", "backup", "copy.db"],
]
"""Commands that need the venue, or nothing but the file."""


def a_line(words: Sequence[str]) -> str:
    return " ".join(words)


def ask(words: Sequence[str], env: dict[str, str]) -> Result:
    return run(words, {**env, "PAPERTRADE_FEEDS__BINANCE__BASE_URL": "http://127.0.0.1:9"}, clock=NEXT_DAY)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its bytes, but for the lock files: they are empty by nature."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and not p.name.endswith(".lock")}
