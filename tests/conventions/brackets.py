"""Random orders with a stop and a target, and what papertrade makes of them.

Prices are whole numbers on the scale of a series, so that the same order is exact here and the nearest float for
a peer. The rule to keep: nothing here knows any peer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import numpy as np

from papertrade.engine.conventions import Convention
from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.signal import EntryType, ExitWish, Level, LevelKind, Signal, Size, SizeKind, TargetWish
from papertrade.engine.step import Rules
from papertrade.engine.trade import Status, Trade
from papertrade.feeds.candle_series import CandleSeries, IntColumn
from papertrade.runs.backtest import BacktestRequest, backtest

SYMBOL = "BTCUSD"


@dataclass(frozen=True)
class Bracket:
    """An order placed after the close of bar `placed`; it may fill in the bars before `until`, None in any.

    `price` is None for a market entry; all prices are whole numbers on the series' scale.
    """

    placed: int
    side: Side
    entry: EntryType
    price: int | None
    stop: int
    target: int
    units: int
    until: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The bars and prices at which an order was filled and left; None for what did not happen. `net` is its profit."""

    entry_bar: int | None = None
    entry_price: float | None = None
    exit_bar: int | None = None
    exit_price: float | None = None
    net: float | None = None


@dataclass(frozen=True)
class Played:
    """What papertrade made of an order: its outcome, and why it was not entered at all, if it was refused."""

    outcome: Outcome
    refused: str | None = None


def price_of(series: CandleSeries, whole: int) -> Decimal:
    return Decimal(whole).scaleb(-series.decimals)


def floats_of(series: CandleSeries, column: IntColumn) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a price column as the floats nearest to its prices."""
    return column / 10.0**series.decimals


def drawn(
    dice: Random, series: CandleSeries, placed: int, entry: EntryType, reach: float, until: int | None = None
) -> Bracket:
    """Draw an order around the close of a bar; its levels lie up to `reach` of the price away, its entry less far."""
    close = int(series.close[placed])
    side = dice.choice([Side.LONG, Side.SHORT])
    grid = _grid(series)
    price = close
    if entry is not EntryType.MARKET:
        away = dice.uniform(-0.1, 0.5) * reach * close
        price = _on(grid, close + (-away if entry.waits_below(side) else away))
    near, far = (_on(grid, dice.uniform(0.1, 1) * reach * close) or grid for _ in range(2))
    return Bracket(
        placed=placed,
        side=side,
        entry=entry,
        price=None if entry is EntryType.MARKET else price,
        stop=price - side.sign * near,
        target=price + side.sign * far,
        units=dice.randint(1, 9),
        until=until,
    )


def _grid(series: CandleSeries) -> int:
    """What levels are whole multiples of, coarse enough that ties with candles occur."""
    return int(10 ** max(series.decimals - 1, 0))


def _on(grid: int, price: float) -> int:
    return round(price / grid) * grid


def played(series: CandleSeries, orders: Sequence[Bracket], convention: Convention, fee: str) -> list[Played]:
    """Return what becomes of each order in a backtest."""
    rate = Decimal(fee)
    result = backtest(
        BacktestRequest(
            signals=[_signal(series, number, order) for number, order in enumerate(orders)],
            candles={SYMBOL: series},
            rules=Rules(maker=rate, taker=rate, convention=convention),
            cash=Decimal(10**13),
        )
    )
    refused = {refused.signal.key: refused.refusal.code for refused in result.refused}
    trades = {trade.order.signal_key: trade for trade in result.trades}
    keys = [f"random:{number}" for number in range(len(orders))]
    return [
        Played(Outcome(), refused[key]) if key in refused else _played(series, orders[number], trades[key])
        for number, key in enumerate(keys)
    ]


def _signal(series: CandleSeries, number: int, order: Bracket) -> Signal:
    return Signal(
        source="random",
        external_id=str(number),
        symbol=SYMBOL,
        side=order.side,
        made_at_ms=int(series.open_ms[order.placed]) + series.interval_ms,
        entry_type=order.entry,
        entry_price=None if order.price is None else price_of(series, order.price),
        exits=ExitWish(
            Level(LevelKind.PRICE, price_of(series, order.stop)),
            (TargetWish(Level(LevelKind.PRICE, price_of(series, order.target))),),
        ),
        size=Size(SizeKind.QUANTITY, Decimal(order.units)),
        expires_at_ms=None if order.until is None else int(series.open_ms[order.until]),
    )


def _played(series: CandleSeries, order: Bracket, trade: Trade) -> Played:
    if trade.status is Status.REJECTED:
        return Played(Outcome(), "wrong_side")
    if trade.opened_at is None or trade.entry_price is None:
        return Played(Outcome())
    entry_bar = _bar(series, trade.opened_at)
    if trade.closed_at is None or trade.exit_price is None:
        return Played(Outcome(entry_bar, float(trade.entry_price)))
    return Played(
        Outcome(
            entry_bar,
            float(trade.entry_price),
            _bar(series, trade.closed_at),
            float(trade.exit_value / trade.quantity),
            float(trade.realized),
        )
    )


def _bar(series: CandleSeries, at_ms: int) -> int:
    return int(np.searchsorted(series.open_ms, at_ms, "right")) - 1


def random_walk(seed: int, bars: int) -> CandleSeries:
    """Return candles on a grid of halves: wide ones that touch both sides, and openings that jump, now and then."""
    dice = Random(seed)
    rows = []
    last = 2000
    for _ in range(bars):
        jump = dice.choice([0, 0, 0, dice.randint(-3, 3), dice.randint(-3, 3), dice.randint(-30, 30)])
        opened = max(last + jump, 500)
        width = dice.choice([0, 4, 8, 8, 12, 40])
        # Drawn towards 1000 in the middle, so that a long walk stays where it began.
        closed = max(opened + dice.randint(-width, width) + (1 if opened < 2000 else -1), 500)
        high = max(opened, closed) + dice.randint(0, width)
        low = max(min(opened, closed) - dice.randint(0, width), 1)
        rows.append((opened, high, low, closed))
        last = closed
    opens, highs, lows, closes = (np.array(column, np.int64) * 5 for column in zip(*rows, strict=True))
    return CandleSeries(
        symbol=SYMBOL,
        interval_ms=MINUTE_MS,
        decimals=1,
        open_ms=np.arange(bars, dtype=np.int64) * MINUTE_MS,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=np.ones(bars, np.int64),
    )
