"""P8, P10, P11 and P13: whole backtests in memory, exact money, trades and metrics out, against floors and a peer.

    python benchmarks/backtest.py [--quick]

P8: 1,000 / 10,000 signals over a year of one-minute candles; budget 60 / 450 ms on the machine that the budgets were
measured on, 45 x / 23 x faster than backtesting.py, which runs beside (it takes seconds; not with `--quick`). The
NumPy floor (search and profits in floats, no account) is printed as what is left to win.
P10: the same with barriers five times wider, trades 30 times longer: at most 1.5 x the time.
P13: trailing stops as far from the entry as the stops were, instead of stop and target: at most 2 x P8.
P11: 100 symbols of 100,000 candles, 100 signals each, one account: at most 10 x a floor of NumPy chunks that merges
the account in Python.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from finder import MINUTE_MS, YEAR, Ideas, Market, first_touches, ideas, pyramid, walk

from papertrade import Backtest, CandleSeries, Signal, backtest
from papertrade.engine.market import Side
from papertrade.engine.signal import ExitWish, Level, LevelKind, Size, SizeKind, TargetWish, TrailWish

if TYPE_CHECKING:
    from finder import Floats, Whole

FEE = 0.001
SYMBOLS, CANDLES, EACH = 100, 100_000, 100
CASH, STAKE = 1_000_000, 10_000


def signals_of(symbol: str, market: Market, wanted: Ideas, size: Size) -> list[Signal]:
    """Make signals that are entered at the open of the candle after theirs, which opens at its close."""

    def level(price: float) -> Level:
        return Level(LevelKind.PRICE, Decimal(repr(price)))

    made = (market.time[wanted.index] + MINUTE_MS).tolist()
    columns = zip(made, wanted.side.tolist(), wanted.stop.tolist(), wanted.target.tolist(), strict=True)
    return [
        Signal(
            source=symbol,
            external_id=str(number),
            symbol=symbol,
            side=Side.LONG if side > 0 else Side.SHORT,
            made_at_ms=made_at,
            exits=ExitWish(level(stop), (TargetWish(level(target)),)),
            size=size,
        )
        for number, (made_at, side, stop, target) in enumerate(columns)
    ]


def trailing(signals: Sequence[Signal], wanted: Ideas) -> list[Signal]:
    """Give the signals a trail as far away as their stop, and nothing else."""
    away = (np.abs(wanted.stop - wanted.entry) / wanted.entry * 100).round(4).tolist()
    trails = [TrailWish(Level(LevelKind.PERCENT, Decimal(repr(percent)))) for percent in away]
    return [replace(signal, exits=ExitWish(trail=trail)) for signal, trail in zip(signals, trails, strict=True)]


def run(signals: Sequence[Signal], candles: Sequence[CandleSeries], cash: int) -> Backtest:
    """Run and compute every figure."""
    result = backtest(signals, candles, cash=cash, fee_rate=FEE)
    _ = result.metrics
    return result


def settled(market: Market, wanted: Ideas, found: Whole) -> Floats:
    """Return what each trade gained in parts of its entry; the stop comes first, open ones end with the candles."""
    last = len(market.close) - 1
    where = np.where(found < 0, last, found)
    is_stopped = np.where(wanted.side > 0, market.low[where] <= wanted.stop, market.high[where] >= wanted.stop)
    price = np.where(found < 0, market.close[last], np.where(is_stopped, wanted.stop, wanted.target))
    return wanted.side * (price - wanted.entry) / wanted.entry - FEE - FEE * price / wanted.entry


def chunked(market: Market, wanted: Ideas) -> Whole:
    """Find each trade's first touch on its own, in chunks that grow."""
    count = len(market.close)
    found = np.full(len(wanted.index), -1, np.int64)
    levels = zip(wanted.index.tolist(), wanted.below.tolist(), wanted.above.tolist(), strict=True)
    for number, (index, below, above) in enumerate(levels):
        at, width = index + 1, 128
        while at < count:
            reached = (market.low[at : at + width] <= below) | (market.high[at : at + width] >= above)
            first = int(reached.argmax())
            if reached[first]:
                found[number] = at + first
                break
            at, width = at + width, min(width * 4, 65_536)
    return found


def merged(markets: Sequence[Market], wanted: Sequence[Ideas]) -> tuple[float, int]:
    """P11's floor: search each symbol, then take all trades through one cash account in the order of time."""
    events: list[tuple[int, int, int, int, float]] = []
    for symbol, (market, some) in enumerate(zip(markets, wanted, strict=True)):
        found = chunked(market, some)
        gains = settled(market, some, found)
        ends = np.where(found < 0, len(market.close) - 1, found)
        events += [(at, 1, symbol, number, 0.0) for number, at in enumerate(some.index.tolist())]
        events += [
            (at, 0, symbol, number, gain)
            for number, (at, gain) in enumerate(zip(ends.tolist(), gains.tolist(), strict=True))
        ]
    events.sort()
    cash, done = float(CASH), 0
    is_open: set[tuple[int, int]] = set()
    for _, is_entry, symbol, number, gain in events:
        if is_entry:
            if cash >= STAKE:
                cash -= STAKE
                is_open.add((symbol, number))
        elif (symbol, number) in is_open:
            is_open.remove((symbol, number))
            cash += STAKE * (1 + gain)
            done += 1
    return cash, done


def in_turn(works: Mapping[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Return the median milliseconds of each, one warm-up left out."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if turn:
                taken[name].append((time.perf_counter() - began) * 1e3)
    return {name: statistics.median(figures) for name, figures in taken.items()}


def one_symbol(turns: int, *, with_peer: bool) -> None:
    market = walk(YEAR, 20_240_101)
    series = market.series("BTCUSDT")
    for count, budget, faster in ((1_000, 60, 45), (10_000, 450, 23)):
        near, wide = ideas(count, market, 7_000 + count), ideas(count, market, 7_000 + count, 5.0)
        size = Size(SizeKind.QUANTITY, Decimal(1))
        signals, far = signals_of("BTCUSDT", market, near, size), signals_of("BTCUSDT", market, wide, size)
        trails = trailing(signals, near)
        taken = in_turn(
            {
                "floor": lambda near=near: settled(market, near, first_touches(pyramid(market), near)),
                "run": lambda signals=signals: backtest(signals, series, cash=10**9, fee_rate=FEE),
                "all": lambda signals=signals: run(signals, [series], 10**9),
                "wide": lambda far=far: run(far, [series], 10**9),
                "trails": lambda trails=trails: run(trails, [series], 10**9),
            },
            turns,
        )
        assert len(run(signals, [series], 10**9).trades) == count
        print(
            f"{count:,} signals: floor {taken['floor']:.1f} ms, trades {taken['run']:.0f} ms, "
            f"trades and metrics {taken['all']:.0f} ms (budget {budget}), wide {taken['wide']:.0f} ms"
        )
        print(f"P8 backtest / floor {taken['all'] / taken['floor']:.0f}")
        if with_peer:
            seconds, trades = peer(market, near)
            print(
                f"P8 backtesting.py {seconds:.1f} s for {trades} trades: backtest is "
                f"{seconds * 1e3 / taken['all']:.0f} x faster (budget {faster})"
            )
        print(f"P10 wide / near {taken['wide'] / taken['all']:.2f} (budget 1.5)")
        print(f"P13 trailing stops / P8 {taken['trails'] / taken['all']:.2f} (budget 2)")


def many_symbols(turns: int) -> None:
    markets = [walk(CANDLES, 20_240_200 + n, begin=70.0 * (n + 1), spread=0.0006 + 0.00001 * n) for n in range(SYMBOLS)]
    wanted = [ideas(EACH, market, 9_000 + n) for n, market in enumerate(markets)]
    names = [f"SYM{n:03d}USDT" for n in range(SYMBOLS)]
    series = [market.series(name) for name, market in zip(names, markets, strict=True)]
    size = Size(SizeKind.NOTIONAL, Decimal(STAKE))
    signals = [
        signal
        for name, market, some in zip(names, markets, wanted, strict=True)
        for signal in signals_of(name, market, some, size)
    ]
    taken = in_turn(
        {
            "floor": lambda: merged(markets, wanted),
            "run": lambda: backtest(signals, series, cash=CASH, fee_rate=FEE),
            "all": lambda: run(signals, series, CASH),
        },
        turns,
    )
    theirs, ours = merged(markets, wanted)[1], len(run(signals, series, CASH).trades)
    print(
        f"{SYMBOLS} symbols, {len(signals):,} signals: floor {taken['floor']:.0f} ms ({theirs:,} trades), "
        f"trades {taken['run']:.0f} ms ({ours:,}), trades and metrics {taken['all']:.0f} ms"
    )
    print(f"P11 trades / floor {taken['run'] / taken['floor']:.1f} (budget 10)")
    print(f"with metrics / floor {taken['all'] / taken['floor']:.1f}")


def peer(market: Market, wanted: Ideas) -> tuple[float, int]:
    """Run the same bracket orders in backtesting.py; return its seconds and trades."""
    warnings.filterwarnings("ignore")
    import backtesting as package
    import pandas as pd

    by_candle: dict[int, list[int]] = {}
    for number, index in enumerate(wanted.index.tolist()):
        by_candle.setdefault(index, []).append(number)

    class Brackets(package.Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            for number in by_candle.get(len(self.data) - 1, ()):
                place = self.buy if wanted.side[number] > 0 else self.sell
                place(size=1, tp=wanted.target[number], sl=wanted.stop[number])

    columns = {"Open": market.open, "High": market.high, "Low": market.low, "Close": market.close}
    frame = pd.DataFrame(columns, index=pd.to_datetime(market.time, unit="ms"))
    package.backtesting._tqdm = lambda items, **_: items
    test = package.Backtest(
        frame,
        Brackets,
        cash=10**9,
        commission=FEE,
        trade_on_close=True,
        hedging=True,
        exclusive_orders=False,
        finalize_trades=True,
    )
    began = time.perf_counter()
    figures = test.run()
    return time.perf_counter() - began, int(figures["# Trades"])


def main() -> None:
    is_quick = "--quick" in sys.argv
    one_symbol(2 if is_quick else 7, with_peer=not is_quick)
    many_symbols(2 if is_quick else 5)


if __name__ == "__main__":
    main()
