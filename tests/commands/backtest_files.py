"""Small files for backtests, with numbers that can be checked by hand.

Minute 0 is 2026-11-20T10:00Z. BTCUSDT stands at 100; minute 5 rises to 104, minute 10 touches 97 and 104, minute 15
opens at 95 and stays there. ETHUSDT stands at 10 and falls to 9 in minute 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from papertrade.errors import Json
from tests.cli import NOW_MS, Result, run

MINUTE_MS = 60_000
FLAT = {"BTCUSDT": ("100", "100", "100", "100"), "ETHUSDT": ("10", "10", "10", "10")}
EVENTS: Mapping[str, Mapping[int, tuple[str, str, str, str]]] = {
    "BTCUSDT": {
        5: ("100", "104", "100", "100"),
        10: ("100", "104", "97", "100"),
        **dict.fromkeys(range(15, 30), ("95", "95", "95", "95")),
    },
    "ETHUSDT": {8: ("10", "10", "9", "9.5"), **dict.fromkeys(range(9, 30), ("9.5", "9.5", "9.5", "9.5"))},
}
HEADER = "id,time,symbol,side,entry,entry_type,stop_loss,take_profit,size"
SIGNALS = (
    "win,0,BTCUSDT,long,,,98,103,1",
    "doubt,6,BTCUSDT,long,,,98,103,2",
    "gap,11,BTCUSDT,long,,,98,,3",
    "fall,2,ETHUSDT,short,,,11,9,10",
    "dear,3,BTCUSDT,long,,,98,,500",
    "late,40,BTCUSDT,long,,,98,,1",
    "rest,20,BTCUSDT,short,,,99,,1",
)


def at_minute(minute: int) -> int:
    """Return the open of a minute, UTC ms."""
    return NOW_MS + minute * MINUTE_MS


def candles_text(symbol: str, minutes: range = range(30)) -> str:
    """Return the candles of a symbol as CSV."""
    rows = (f"{at_minute(minute)},{','.join(EVENTS[symbol].get(minute, FLAT[symbol]))},1" for minute in minutes)
    return "\n".join(["time,open,high,low,close,volume", *rows, ""])


def signals_text(*rows: str) -> str:
    """Return rows as a signal file; the second cell of each is a minute."""
    told = []
    for row in rows or SIGNALS:
        name, minute, rest = row.split(",", 2)
        told.append(f"{name},{at_minute(int(minute))},{rest}")
    return "\n".join([HEADER, *told, ""])


class Folder:
    """A folder with signals and candles, and the command over them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {"PAPERTRADE_DB": str(path / "papertrade.db"), "XDG_CACHE_HOME": str(path / "cache")}
        self.signals = self.write("ideas.csv", signals_text())
        self.btc = self.write("btc.csv", candles_text("BTCUSDT"))
        self.eth = self.write("eth.csv", candles_text("ETHUSDT"))

    def write(self, name: str, text: str) -> Path:
        """Write a file and return its path."""
        path = self.path / name
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def files(self) -> tuple[str, ...]:
        """The options that name all files."""
        return (
            "--signals",
            str(self.signals),
            "--candles",
            f"BTCUSDT={self.btc}",
            "--candles",
            f"ETHUSDT={self.eth}",
        )

    def __call__(self, *args: str) -> Result:
        return run(args, self.environment)

    def backtest(self, *args: str) -> Result:
        """Run over all files."""
        return self("backtest", *self.files, *args)

    def data(self, *args: str) -> Mapping[str, Json]:
        """Run with `--json` and return the data; the command must succeed."""
        result = self(*args, "--json")
        assert result.code == 0, (args, result)
        return cast("Mapping[str, Json]", result.envelope["data"])

    def refusal(self, *args: str) -> tuple[int, str]:
        """Run a command that must fail without printing anything; the folder's name is left out of what it said."""
        result = self(*args)
        assert result.out == "", (args, result)
        return result.code, result.err.replace(f"{self.path}/", "")
