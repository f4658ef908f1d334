"""Two days at a small market with round prices, for the commands that look at what became of them.

BTCUSDT stands at 100, ETHUSDT at 10, and both move where a day's script says so. The venue's clock and the
program's own are one and are moved by the test.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from papertrade.bootstrap import Desk, open_world
from papertrade.engine.market import HOUR_MS, MINUTE_MS, Candle, Side
from papertrade.engine.signal import EntryType, ExitWish, Signal, parse_level, parse_size, parse_target
from papertrade.engine.trade import Trade
from papertrade.invocation import Flags, Invocation
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import close_one
from papertrade.runs.opening import OpenRequest, open_one
from papertrade.runs.tick import tick
from tests.cli import NOW_MS, FixedClock, Result, Stream, run
from tests.venue_market import Listing
from tests.venue_server import VenueServer

DAY_MS = 24 * HOUR_MS
FIRST_MS = NOW_MS - 2 * DAY_MS
"""2026-11-18T10:00Z: the first candle."""

Moves = Mapping[int, tuple[str, str, str]]
"""Minutes after `FIRST_MS` at which a candle has this low, high and close; the close holds until the next."""


def candles(price: str, moves: Moves) -> list[Candle]:
    """Return three days of minutes."""
    made: list[Candle] = []
    last = Decimal(price)
    for minute in range(3 * 24 * 60):
        low, high, close = (Decimal(text) for text in moves.get(minute, (str(last), str(last), str(last))))
        made.append(
            Candle(
                open_ms=FIRST_MS + minute * MINUTE_MS,
                interval_ms=MINUTE_MS,
                open=last,
                high=max(high, last),
                low=min(low, last),
                close=close,
                volume=Decimal(3),
            )
        )
        last = close
    return made


@dataclass
class Days:
    """The market, the books in a folder, and the time."""

    server: VenueServer
    folder: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(FIRST_MS))
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return {
            "PAPERTRADE_DB": str(self.folder / "books.db"),
            "XDG_CONFIG_HOME": str(self.folder),
            "PAPERTRADE_FEEDS__BINANCE__BASE_URL": self.server.base_url,
            "PAPERTRADE_FEEDS__BINANCE__ATTEMPTS": "1",
            **self.extra,
        }

    @property
    def at_ms(self) -> int:
        return self.clock.at_ms

    @at_ms.setter
    def at_ms(self, value: int) -> None:
        self.clock.at_ms = self.server.now_ms = value

    def copied_to(self, folder: Path) -> Days:
        """Return the same market at `NOW_MS` with a copy of the books."""
        for file in self.folder.glob("books.db*"):
            shutil.copy(file, folder)
        self.server.clear()
        copy = Days(self.server, folder)
        copy.at_ms = NOW_MS
        return copy

    def pass_minutes(self, minutes: int) -> None:
        self.at_ms += minutes * MINUTE_MS

    def run(self, *args: str, is_terminal: bool = False, stdin: str = "", **env: str) -> Result:
        """Run a command at the present time."""
        return run(args, {**self.env, **env}, stdin, clock=self.clock, is_terminal=is_terminal)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Open the books beside the venue, as a trading command does."""
        flags = Flags(is_quiet=True)
        call = Invocation(
            clock=self.clock,
            started_ms=self.at_ms,
            environment=self.env,
            stdin=Stream(),
            stdout=Stream(),
            stderr=Stream(),
            flags=flags,
        )
        with open_world(call) as desk:
            yield desk

    def open(self, signal: Signal, account: str = "main") -> Trade:
        """Trade a signal; anything but a trade is an error of the test."""
        with self.desk() as desk:
            present = catch_up(desk.world, [signal.symbol])
            opened = open_one(desk.world, account, OpenRequest(signal=signal), present)
        assert opened.change is not None, opened.error
        return opened.change.after

    def refuse(self, signal: Signal) -> str:
        """Try to trade a signal that a rule refuses; returns the code."""
        with self.desk() as desk:
            opened = open_one(desk.world, "main", OpenRequest(signal=signal), catch_up(desk.world, [signal.symbol]))
        assert opened.error is not None
        return opened.error.error_code

    def close(self, trade_id: int, fraction: str = "1") -> None:
        with self.desk() as desk:
            done = close_one(desk.world, trade_id, Decimal(fraction), catch_up(desk.world))
        assert done.error is None

    def tick(self) -> None:
        with self.desk() as desk:
            tick(desk.world)


def signal(
    external_id: str,
    symbol: str = "BTCUSDT",
    side: Side = Side.LONG,
    *,
    stop: str | None = None,
    targets: Sequence[str] = (),
    limit: str | None = None,
    size: str = "1",
    source: str = "scanner",
    tags: tuple[str, ...] = (),
    reason: str = "",
    at_ms: int = FIRST_MS,
) -> Signal:
    """Write down an idea."""
    return Signal(
        source=source,
        external_id=external_id,
        symbol=symbol,
        side=side,
        made_at_ms=at_ms,
        entry_type=EntryType.MARKET if limit is None else EntryType.LIMIT,
        entry_price=None if limit is None else Decimal(limit),
        exits=ExitWish(None if stop is None else parse_level(stop), tuple(parse_target(target) for target in targets)),
        size=parse_size("size", size),
        reason=reason,
        tags=tags,
    )


@contextmanager
def market(folder: Path, **moves: Moves) -> Iterator[Days]:
    """Open the market; `BTCUSDT={60: ("98", "111", "105")}` moves it an hour after the beginning."""
    tape = {
        "BTCUSDT": candles("100", moves.get("BTCUSDT", {})),
        "ETHUSDT": candles("10", moves.get("ETHUSDT", {})),
    }
    listings = {
        "BTCUSDT": Listing(base="BTC", quote="USDT", tick="0.01", step="0.0001", notional_min="5"),
        "ETHUSDT": Listing(base="ETH", quote="USDT", tick="0.001", step="0.001", notional_min="5"),
    }
    with VenueServer.of(tape, FIRST_MS, **listings) as server:
        server.spread = Decimal("0.02")
        yield Days(server, folder)


def two_days(days: Days) -> None:
    """Let it all happen: a target, a stop in doubt, a part taken, a wait, a refusal; ends at `NOW_MS`."""
    days.open(signal("1", stop="95", targets=["110"], tags=("breakout",), reason="above the range"))
    days.pass_minutes(120)
    days.tick()
    days.open(signal("2", "ETHUSDT", Side.SHORT, stop="10.5", targets=["9"], size="20"))
    days.pass_minutes(24 * 60)
    days.open(signal("3", stop="98", targets=["110:0.5", "120:0.5"], size="2", source="desk"))
    days.open(signal("4", "ETHUSDT", limit="9.5", stop="9", size="30"))
    days.refuse(signal("5", size="100000"))
    days.at_ms = NOW_MS
    days.tick()


BUSY: dict[str, Moves] = {
    "BTCUSDT": {
        60: ("99", "110.5", "104"),
        120: ("104", "104", "104"),
        1500: ("104", "104", "104"),
        1700: ("104", "111", "108.5"),
    },
    "ETHUSDT": {200: ("8.9", "10.6", "9.8"), 1600: ("9.7", "9.8", "9.7")},
}
"""The moves that `two_days` lives through."""
