"""The session of README, replayed: each `$ papertrade …` line is run against a loopback venue and a made tape.

Comments `<!-- venue 2026-11-20T10:00:30Z -->` in README set the venue's clock before the next command.

    python -m tests.readme_session --write      rewrites the outputs in README from what the commands print now
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from papertrade.engine.market import MINUTE_MS, Candle
from tests.cli import FixedClock, run
from tests.venue_market import Listing, from_iso
from tests.venue_server import VenueServer

README = Path(__file__).resolve().parents[1] / "README.md"
START = "2026-11-20T09:00:00Z"
MINUTES = 26 * 60

_BLOCK = re.compile(r"((?:<!-- venue (?P<at>\S+) -->\n)?)```console\n(?P<body>.*?)```", re.DOTALL)
_SIGNALS = """\
id,symbol,side,entry,stop_loss,take_profit,risk,reason
breakout-17,ETHUSDT,long,,2%,2R,1%,range broken to the upside
fade-4,BTCUSDT,short,,+1.5%,-3%,0.5%,too far from its mean
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the session and what README says it prints."""

    command: str
    output: str


def made_tape(base: int, swing: int, period: int, cents: int) -> tuple[Candle, ...]:
    """Return minutes that swing around `base` in a triangle; `cents` is the size of a candle's wick in cents."""
    start = from_iso(START)

    def price(minute: int) -> Decimal:
        phase = minute % period
        height = phase if phase <= period // 2 else period - phase
        return Decimal(base) + Decimal(2 * swing * height) / period - Decimal(minute * minute % 7)

    candles = []
    for minute in range(MINUTES):
        first, last = price(minute), price(minute + 1)
        wick = Decimal(cents) / 100
        candles.append(
            Candle(
                open_ms=start + minute * MINUTE_MS,
                interval_ms=MINUTE_MS,
                open=round(first, 2),
                high=round(max(first, last) + wick, 2),
                low=round(min(first, last) - wick, 2),
                close=round(last, 2),
                volume=Decimal(5),
            )
        )
    return tuple(candles)


def blocks(text: str) -> Iterator[tuple[re.Match[str], list[Step]]]:
    """Yield each console block with its commands and their outputs."""
    for match in _BLOCK.finditer(text):
        parts = re.split(r"^\$ ", match["body"], flags=re.MULTILINE)[1:]
        yield match, [Step(*part.split("\n", 1)) for part in parts]


def replay(text: str) -> str:
    """Run the session and return README with the outputs of now."""
    listing = {"tick": "0.01", "step": "0.00001", "notional_min": "5.00000000"}
    btc = Listing(base="BTC", quote="USDT", **listing)
    eth = Listing(base="ETH", quote="USDT", **listing)
    tapes = {"BTCUSDT": made_tape(60_000, 2_400, 700, 900), "ETHUSDT": made_tape(2_950, 160, 900, 90)}
    pieces: list[str] = []
    done = 0
    clock = FixedClock(from_iso(START))
    with tempfile.TemporaryDirectory() as folder, VenueServer.of(tapes, clock.at_ms, BTCUSDT=btc, ETHUSDT=eth) as venue:
        here = Path(folder)
        (here / "signals.csv").write_text(_SIGNALS, encoding="utf-8")
        environment = {
            "PAPERTRADE_DB": str(here / "papertrade.db"),
            "PAPERTRADE_FEEDS__BINANCE__BASE_URL": venue.base_url,
        }
        for match, steps in blocks(text):
            if match["at"] is not None:
                venue.now_ms = clock.at_ms = from_iso(match["at"])
            said = [f"$ {step.command}\n{_said(step.command, environment, clock, here)}" for step in steps]
            pieces += [text[done : match.start("body")], "".join(said)]
            done = match.end("body")
    return "".join([*pieces, text[done:]])


def _said(command: str, environment: dict[str, str], clock: FixedClock, here: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "papertrade", command
    args = [str(here / word) if word == "signals.csv" else word for word in words[1:]]
    result = run(args, environment, clock=clock)
    return (result.err + result.out).replace(f"{here}/", "")


if __name__ == "__main__":
    written = replay(README.read_text(encoding="utf-8"))
    if "--write" in sys.argv:
        README.write_text(written, encoding="utf-8")
    else:
        sys.stdout.write(written)
