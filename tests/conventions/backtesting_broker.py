"""The Python package backtesting.py as a peer: the same orders, given to its broker bar by bar.

Its public doors only: `Backtest`, `Strategy.buy` and `sell`, and the trades that the strategy shows at the end.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import pandas as pd
from backtesting import Backtest, Strategy

from papertrade.engine.market import Side
from papertrade.engine.signal import EntryType
from papertrade.feeds.candle_series import CandleSeries
from tests.conventions.brackets import Bracket, Outcome, floats_of

CASH = 1e13


class _Trade(Protocol):
    """What is read of a trade of the peer."""

    tag: int
    entry_bar: int
    entry_price: float
    exit_bar: int | None
    exit_price: float | None
    pl: float


Ask: TypeAlias = Callable[[int], Bracket | None]
"""Asked after a bar for the next order when nothing waits and nothing is open."""


@dataclass(frozen=True)
class Broker:
    """How the peer is set up: its commission (a rate), and whether market orders fill at the close."""

    commission: float = 0.0
    trade_on_close: bool = False

    def placed_at_their_bars(self, series: CandleSeries, orders: Sequence[Bracket]) -> list[Outcome]:
        """Place each order after its own bar, however many are live; return what became of each."""
        by_bar: dict[int, list[tuple[int, Bracket]]] = {}
        for number, order in enumerate(orders):
            by_bar.setdefault(order.placed, []).append((number, order))

        class Placed(Strategy):  # type: ignore[misc]  # the peer has no types
            def init(self) -> None:
                pass

            def next(self) -> None:
                for number, order in by_bar.get(len(self.data) - 1, ()):
                    _place(self, series, number, order)

        return self._outcomes(series, Placed, len(orders))

    def placed_one_by_one(self, series: CandleSeries, ask: Ask) -> tuple[list[Bracket], list[Outcome]]:
        """Place the next order only when the one before has ended; return the orders and what became of each."""
        orders: list[Bracket] = []

        class OneByOne(Strategy):  # type: ignore[misc]  # the peer has no types
            def init(self) -> None:
                pass

            def next(self) -> None:
                bar = len(self.data) - 1
                if self.orders and not self.trades and orders[-1].until is not None and bar + 1 >= orders[-1].until:
                    self.orders[0].cancel()
                if self.orders or self.trades:
                    return
                order = ask(bar)
                if order is not None:
                    _place(self, series, len(orders), order)
                    orders.append(order)

        outcomes = self._outcomes(series, OneByOne, 0)
        return orders, outcomes + [Outcome()] * (len(orders) - len(outcomes))

    def _outcomes(self, series: CandleSeries, strategy: type[Strategy], count: int) -> list[Outcome]:
        columns = {"Open": series.open, "High": series.high, "Low": series.low, "Close": series.close}
        frame = pd.DataFrame({name: floats_of(series, column) for name, column in columns.items()})
        frame.index = pd.to_datetime(series.open_ms, unit="ms")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = Backtest(
                frame,
                strategy,
                cash=CASH,
                commission=self.commission,
                trade_on_close=self.trade_on_close,
                hedging=True,
                exclusive_orders=False,
            )
            done = run.run()["_strategy"]
        trades: list[_Trade] = [*done.closed_trades, *done.trades]
        found = {trade.tag: _outcome(trade) for trade in trades}
        return [found.get(number, Outcome()) for number in range(max(count, *(t + 1 for t in found), 0))]


def _place(strategy: Strategy, series: CandleSeries, number: int, order: Bracket) -> None:
    scale = 10.0**series.decimals
    price = None if order.price is None else order.price / scale
    send = strategy.buy if order.side is Side.LONG else strategy.sell
    send(
        size=order.units,
        limit=price if order.entry is EntryType.LIMIT else None,
        stop=price if order.entry is EntryType.STOP else None,
        sl=order.stop / scale,
        tp=order.target / scale,
        tag=number,
    )


def _outcome(trade: _Trade) -> Outcome:
    filled = Outcome(trade.entry_bar, trade.entry_price)
    if trade.exit_bar is None:
        return filled
    return replace(filled, exit_bar=trade.exit_bar, exit_price=trade.exit_price, net=trade.pl)
