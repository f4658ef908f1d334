"""A venue with two quiet symbols and a clock of its own, a database, and the commands between them.

Minute 0 is `NOW_MS`. Both symbols stand at 100; minute 20 opens there, falls to 99, rises to 111 and stays at 110.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import cast

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.errors import Json
from tests.cli import NOW_MS, FixedClock, Result, run
from tests.venue_market import Listing, Market
from tests.venue_server import VenueServer

_LISTINGS = {
    "BTCUSDT": Listing(base="BTC", quote="USDT", tick="0.01", step="0.00001", notional_min="5"),
    "ETHUSDT": Listing(base="ETH", quote="USDT", tick="0.01", step="0.0001", notional_min="5"),
    "BTCEUR": Listing(base="BTC", quote="EUR"),
}


@dataclass(frozen=True, slots=True)
class TradingDesk:
    """Runs commands at a minute of the venue's day; the local clock goes with it."""

    server: VenueServer
    environment: Mapping[str, str]

    def at(self, minutes: str) -> TradingDesk:
        """Move both clocks to so many minutes after `NOW_MS`."""
        self.server.now_ms = NOW_MS + int(Decimal(minutes) * MINUTE_MS)
        return self

    def __call__(self, *args: str, stdin: str = "") -> Result:
        return run(args, self.environment, stdin, clock=FixedClock(self.server.now_ms))

    def text(self, *args: str, stdin: str = "") -> str:
        """Run a command that must succeed without a remark; return what it printed."""
        result = self(*args, stdin=stdin)
        assert (result.code, result.err) == (0, ""), (args, result)
        return result.out

    def data(self, *args: str) -> Mapping[str, Json]:
        """Run with `--json` and return the data of the one envelope; the command must succeed."""
        result = self(*args, "--json")
        assert result.code == 0, (args, result)
        return cast("Mapping[str, Json]", result.envelope["data"])

    def refusal(self, *args: str) -> tuple[int, str]:
        """Run a command that must fail without printing anything; return its code and what it said."""
        result = self(*args)
        assert result.out == "", (args, result)
        return result.code, result.err

    def trade(self, number: int) -> Mapping[str, Json]:
        """Return a trade as `trades --json` shows it."""
        items = cast("Sequence[Mapping[str, Json]]", self.data("trades", "--limit", "0", "-q")["items"])
        return next(item for item in items if item["id"] == number)


def candle(minute: int, opened: str, high: str, low: str, close: str) -> Candle:
    return Candle(
        open_ms=NOW_MS + minute * MINUTE_MS,
        interval_ms=MINUTE_MS,
        open=Decimal(opened),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
    )


def quiet_day() -> list[Candle]:
    flat = [candle(minute, "100", "100", "100", "100") for minute in range(-70, 20)]
    late = [candle(minute, "110", "110", "110", "110") for minute in range(21, 40)]
    return [*flat, candle(20, "100", "111", "99", "110"), *late]


@contextmanager
def trading_desk(folder: Path, minutes: str = "0.5") -> Iterator[TradingDesk]:
    """Open the venue and hand out a desk whose database has just been created."""
    candles = quiet_day()
    with VenueServer(Market(dict.fromkeys(_LISTINGS, candles), {}, _LISTINGS), NOW_MS) as server:
        environment = {
            "PAPERTRADE_DB": str(folder / "papertrade.db"),
            "PAPERTRADE_CONFIG": str(folder / "config.yaml"),
            "PAPERTRADE_FEEDS__BINANCE__BASE_URL": server.base_url,
        }
        (folder / "config.yaml").write_text(
            "presets:\n"
            "  swing: {sl: 5%, tp: [2R, 4R], percent: 10, expires: 2h}\n"
            "  plain: {sl: 98, size: 0.5}\n"
            "  cash: {notional: 500}\n"
            "  lot: {sl: 2%, risk: 50}\n"
            "  bold: {sl: 2%, risk: 2%}\n",
            encoding="utf-8",
        )
        desk = TradingDesk(server, environment).at(minutes)
        desk("orders", "-q")
        yield desk
