"""The prices that equity is computed from: closes at full UTC hours and at the instants of fills.

They come from final candles, never from polls, so the curve does not depend on how the market was watched.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal

from papertrade.engine.market import HOUR_MS, Candle, first_whole_open
from papertrade.store.rows import PricePoint, Watermark


def points_at_hours(
    venue: str, symbol: str, watermark: Watermark | None, candles: Sequence[Candle]
) -> list[PricePoint]:
    """Return the price at each full hour that the candles reach past."""
    if not candles:
        return []
    since = candles[0].open_ms if watermark is None else watermark.end_ms
    hours = range(first_whole_open(since, HOUR_MS), candles[-1].end_ms + 1, HOUR_MS)
    return points_at_fills(venue, symbol, list(hours), watermark, candles)


def points_at_fills(
    venue: str, symbol: str, instants: Sequence[int], watermark: Watermark | None, candles: Sequence[Candle]
) -> list[PricePoint]:
    """Return the price at each instant (UTC ms), left out where nothing is known at or before it."""
    opens = [c.open_ms for c in candles]
    points = []
    for at_ms in instants:
        price = _price_at(at_ms, opens, watermark, candles)
        if price is not None:
            points.append(PricePoint(venue=venue, symbol=symbol, at_ms=at_ms, price=price))
    return points


def _price_at(
    at_ms: int, opens: Sequence[int], watermark: Watermark | None, candles: Sequence[Candle]
) -> Decimal | None:
    """Return the close of the newest candle that ended by then, or the open of one that had just begun."""
    index = bisect_right(opens, at_ms) - 1
    if index >= 0:
        candle = candles[index]
        if at_ms >= candle.last_ms:
            return candle.close
        if at_ms == candle.open_ms:
            return candle.open
        if index > 0:
            return candles[index - 1].close
    if watermark is not None and watermark.end_ms <= at_ms + 1:
        return watermark.close
    return None
