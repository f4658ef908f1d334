"""How far prices went while a backtest's trades were in the market: all trades of a symbol at once, from arrays.

The same definition as `reports.excursion.reached`, which a test holds against it. The rule to keep: prices stay
whole numbers on the series' scale until they are compared with those of fills.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter

import numpy as np

from papertrade.engine.market import Side
from papertrade.engine.messages import ExitFilled
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import CandleSeries, IntColumn, IsColumn
from papertrade.reports.coverage import Gap, Observed, observed
from papertrade.reports.excursion import Reached, followed_prices
from papertrade.reports.excursion_statistics import PriceMoves
from papertrade.runs.backtest import BacktestResult
from papertrade.runs.touch_scan import NEVER_BELOW, TouchIndex


@dataclass(frozen=True, slots=True)
class Held:
    """When trades of one symbol were in the market (UTC ms), and which of them were left by then."""

    opened_at: IntColumn
    until_ms: IntColumn
    is_over: IsColumn


def reached_in(result: BacktestResult, trades: Iterable[Trade]) -> dict[int, Reached]:
    """Return the extremes that trades met, by number, if they were entered; open ones to the end of the candles."""
    exits = _exit_prices(result)
    found: dict[int, Reached] = {}
    for symbol, each in _entered(trades).items():
        found |= met_in(result.series[symbol], each, exits)
    return found


def met_in(series: CandleSeries, trades: Sequence[Trade], exits: Mapping[int, Sequence[Decimal]]) -> dict[int, Reached]:
    """Return the extremes that entered trades of one symbol met, by number; `exits` are the prices they left at."""
    lows, highs = certain_extremes(series, _held(series, trades))
    found: dict[int, Reached] = {}
    for trade, low, high in zip(trades, lows.tolist(), highs.tolist(), strict=True):
        prices = [trade.entered_price, *exits.get(trade.id, ()), *followed_prices(trade)]
        if high != NEVER_BELOW:
            prices += (Decimal(low).scaleb(-series.decimals), Decimal(high).scaleb(-series.decimals))
        found[trade.id] = Reached(min(prices), max(prices))
    return found


def moves_in(result: BacktestResult, closed: Sequence[Trade]) -> PriceMoves:
    """Return how far prices went while closed trades were in the market, in their order."""
    exits = _exit_prices(result)
    place = {trade.id: index for index, trade in enumerate(closed)}
    against = np.full(len(closed), np.nan)
    ahead = np.full(len(closed), np.nan)
    for symbol, each in _entered(closed).items():
        series = result.series[symbol]
        lows, highs = certain_extremes(series, _held(series, each))
        scale = 10.0**series.decimals
        known = [[*map(float, (t.entered_price, *exits[t.id], *followed_prices(t)))] for t in each]
        entry = np.array([prices[0] for prices in known])
        has_none = highs == NEVER_BELOW
        low = np.minimum(np.where(has_none, np.inf, lows / scale), [min(prices) for prices in known])
        high = np.maximum(np.where(has_none, -np.inf, highs / scale), [max(prices) for prices in known])
        down, up = (low - entry) / entry, (high - entry) / entry
        is_short = np.array([trade.side is Side.SHORT for trade in each], np.bool_)
        own = [place[trade.id] for trade in each]
        against[own], ahead[own] = np.where(is_short, -up, down), np.where(is_short, -down, up)
    return PriceMoves(against, ahead)


def _exit_prices(result: BacktestResult) -> dict[int, list[Decimal]]:
    exits: dict[int, list[Decimal]] = {}
    for booked in result.booked:
        if isinstance(booked.event, ExitFilled):
            exits.setdefault(booked.event.trade_id, []).append(booked.event.price)
    return exits


def _entered(trades: Iterable[Trade]) -> dict[str, list[Trade]]:
    by_symbol: dict[str, list[Trade]] = {}
    for trade in trades:
        if trade.opened_at is not None:
            by_symbol.setdefault(trade.order.symbol, []).append(trade)
    return by_symbol


def _held(series: CandleSeries, trades: Sequence[Trade]) -> Held:
    end_ms = series.end_ms
    return Held(
        np.array([trade.opened_at for trade in trades], np.int64),
        np.array([end_ms if trade.closed_at is None else trade.closed_at for trade in trades], np.int64),
        np.array([trade.closed_at is not None for trade in trades], np.bool_),
    )


def certain_extremes(series: CandleSeries, held: Held) -> tuple[IntColumn, IntColumn]:
    """Return the lowest and highest prices of candles that each stay certainly met, whole numbers on the scale.

    Where there is none they are `NEVER_ABOVE` and `NEVER_BELOW`.
    """
    first, is_in_first = _containing(series, held.opened_at)
    is_inside = is_in_first & (series.open_ms[first] != held.opened_at)
    start = np.where(is_in_first & ~is_inside, first, series.open_ms.searchsorted(held.opened_at))
    last, is_in_last = _containing(series, held.until_ms)
    is_in_last &= held.is_over
    end = np.where(is_in_last, last, series.open_ms.searchsorted(held.until_ms - series.interval_ms, side="right"))
    low, high = TouchIndex(series).extremes(start, end)
    closing = series.close[first]
    outlived = is_inside & (held.until_ms > series.open_ms[first] + series.interval_ms - 1)
    opening = series.open[last]
    was_there = is_in_last & (held.until_ms == series.open_ms[last] + series.interval_ms - 1) & (last >= start)
    for price, counts in ((closing, outlived), (opening, was_there)):
        low = np.where(counts, np.minimum(low, price), low)
        high = np.where(counts, np.maximum(high, price), high)
    return low, high


def _containing(series: CandleSeries, at_ms: IntColumn) -> tuple[IntColumn, IsColumn]:
    """Return the newest candle that opens at or before each instant, and whether it contains it."""
    index = np.maximum(series.open_ms.searchsorted(at_ms, side="right") - 1, 0)
    opened = series.open_ms[index]
    return index, (opened <= at_ms) & (at_ms < opened + series.interval_ms)


def gaps_in(result: BacktestResult) -> dict[str, list[Gap]]:
    """Return the holes in the candles of each symbol that is traded at all hours; the others' nights are none."""
    return {
        symbol: [Gap(hole.from_ms, hole.to_ms, is_bridged=False) for hole in series.holes()]
        for symbol, series in result.series.items()
        if result.instruments[symbol].hours == "24/7"
    }


def observed_in(trade: Trade, gaps: Mapping[str, Sequence[Gap]], ends_ms: int) -> Observed | None:
    """Return how much of a trade's life has candles; None where that cannot be told from holes."""
    own = gaps.get(trade.order.symbol)
    if own is None:
        return None
    until = ends_ms if trade.closed_at is None else trade.closed_at
    first = bisect_right(own, trade.order.placed_at, key=attrgetter("to_ms"))
    return observed(trade, ends_ms, own[first : bisect_left(own, until, lo=first, key=attrgetter("from_ms"))])
