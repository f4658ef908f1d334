"""What a venue knows at an instant: candles, the one still forming, prices, listings. No network here.

Made for tests: whole candles are given, and of the one that is forming only what would have happened so
far is shown. The rule to keep: nothing depends on anything later than the instant asked for.
"""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from papertrade.engine.market import INTERVALS, MINUTE_MS, Candle

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUOTES = ("USDT", "USDC", "BUSD", "USD", "BTC", "ETH", "EUR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How the venue describes a symbol."""

    base: str
    quote: str
    status: str = "TRADING"
    tick: str = "0.00000001"
    step: str = "0.00000001"
    quantity_min: str = "0.00000001"
    quantity_max: str = "9000000.00000000"
    notional_min: str = "0.00000000"


@dataclass(frozen=True, slots=True)
class Market:
    """All symbols with their candles of 1m, oldest first, and of 1s where there are any."""

    candles: Mapping[str, Sequence[Candle]]
    seconds: Mapping[str, Sequence[Candle]] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)

    def listing(self, symbol: str) -> Listing:
        if symbol in self.listings:
            return self.listings[symbol]
        quote = next((q for q in _QUOTES if symbol.endswith(q) and symbol != q), "USDT")
        return Listing(base=symbol.removesuffix(quote) or symbol, quote=quote)

    def price(self, symbol: str, now_ms: int) -> Decimal:
        """Return the last price; before the first candle its open."""
        candles = self.candles[symbol]
        at = bisect_right(candles, now_ms, key=_opened_at)
        return candles[0].open if at == 0 else self._shown(symbol, candles[at - 1], now_ms).close

    def has_interval(self, symbol: str, interval: str) -> bool:
        return INTERVALS.get(interval, 0) >= MINUTE_MS or (interval == "1s" and symbol in self.seconds)

    def klines(self, symbol: str, interval: str, now_ms: int, window: Window) -> list[Candle]:
        """Return what the venue's klines endpoint would: forward from a start, else the newest."""
        end = min(now_ms, window.end_ms if window.end_ms is not None else now_ms) + 1
        if window.start_ms is not None:
            found: list[Candle] = []
            for candle in self._buckets(symbol, interval, (window.start_ms, end), now_ms):
                found.append(candle)
                if len(found) == window.limit:
                    break
            return found
        first = self._base(symbol, interval)[0].open_ms
        reach = 2 * window.limit * INTERVALS[interval]
        while True:
            start = max(end - reach, first - first % INTERVALS[interval])
            found = list(self._buckets(symbol, interval, (start, end), now_ms))
            if len(found) >= window.limit or start <= first:
                return found[-window.limit :]
            reach *= 2

    def _buckets(self, symbol: str, interval: str, span: tuple[int, int], now_ms: int) -> Iterator[Candle]:
        """Yield the candles of an interval that open within the span."""
        width = INTERVALS[interval]
        base = self._base(symbol, interval)
        start = -(-span[0] // width) * width
        last_open = (span[1] - 1) // width * width
        parts: list[Candle] = []
        for at in range(bisect_left(base, start, key=_opened_at), len(base)):
            candle = base[at]
            if candle.open_ms > now_ms or candle.open_ms >= last_open + width:
                break
            if parts and candle.open_ms // width != parts[0].open_ms // width:
                yield _merged(parts, width)
                parts = []
            parts.append(self._shown(symbol, candle, now_ms))
        if parts:
            yield _merged(parts, width)

    def _base(self, symbol: str, interval: str) -> Sequence[Candle]:
        return self.seconds[symbol] if INTERVALS[interval] < MINUTE_MS else self.candles[symbol]

    def _shown(self, symbol: str, candle: Candle, now_ms: int) -> Candle:
        """Return the candle as it stands: whole, made of its seconds, or on the way open, extreme, extreme, close."""
        if candle.end_ms <= now_ms:
            return candle
        seconds = self.seconds.get(symbol, ())
        if seconds and candle.interval_ms >= MINUTE_MS:
            so_far = [
                self._shown(symbol, second, now_ms)
                for second in seconds[bisect_left(seconds, candle.open_ms, key=_opened_at) :][:60]
                if second.open_ms <= min(now_ms, candle.last_ms)
            ]
            if so_far:
                return _merged(so_far, candle.interval_ms)
        quarter = (now_ms - candle.open_ms) * 4 // candle.interval_ms
        extremes = (candle.low, candle.high) if candle.close >= candle.open else (candle.high, candle.low)
        points = (candle.open, *extremes, candle.close)[: quarter + 1]
        return Candle(
            open_ms=candle.open_ms,
            interval_ms=candle.interval_ms,
            open=candle.open,
            high=max(points),
            low=min(points),
            close=points[-1],
            volume=candle.volume * quarter / 4,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """The range of a klines request; both ends are included and may be left out."""

    start_ms: int | None
    end_ms: int | None
    limit: int


def read_candles(path: Path, interval_ms: int, start_ms: int = 0, end_ms: int | None = None) -> tuple[Candle, ...]:
    """Read a CSV `time,open,high,low,close,volume` (ISO times), plain or .gz; only opens within the range."""
    first = iso(start_ms)
    last = "~" if end_ms is None else iso(end_ms)
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return tuple(_candle(row, interval_ms) for row in rows if first <= row[0] < last)


def iso(at_ms: int) -> str:
    """Write an instant with seconds, as the candle files do."""
    return f"{_EPOCH + timedelta(milliseconds=at_ms):%Y-%m-%dT%H:%M:%SZ}"


def from_iso(text: str) -> int:
    """Read an instant with its zone."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)


def _candle(row: Sequence[str], interval_ms: int) -> Candle:
    opened, high, low, close, volume = (Decimal(text) for text in row[1:6])
    return Candle(
        open_ms=from_iso(row[0]), interval_ms=interval_ms, open=opened, high=high, low=low, close=close, volume=volume
    )


def _merged(parts: Sequence[Candle], width: int) -> Candle:
    if len(parts) == 1 and parts[0].interval_ms == width:
        return parts[0]
    return Candle(
        open_ms=parts[0].open_ms // width * width,
        interval_ms=width,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        volume=sum((part.volume for part in parts), Decimal(0)),
    )


def _opened_at(candle: Candle) -> int:
    return candle.open_ms
