"""From the legs of all trades to the figures of every combination, and the order they stand in.

A combination's exit is the earliest of its legs, so its figures are sums over arrays. Amounts are whole numbers
of 1e-8 in floats: exact up to 90 million of the currency, and the same however the work is divided. The rule to
keep: a figure here is the figure that `reports` computes from an exact backtest (a test compares them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Final

import numpy as np

from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import IntColumn
from papertrade.runs.sweeps.exits import NEVER, REFUSED, Leg
from papertrade.runs.sweeps.integers import Flags, Floats

_CELLS_AT_ONCE: Final = 131_072
_DAYS_AT_ONCE: Final = 2_000_000
_CELLS_A_PART: Final = 10_000_000


class RankBy(StrEnum):
    """The figure that puts combinations in order, the best first."""

    NET_PROFIT = "net_profit"
    SHARPE = "sharpe"
    PROFIT_FACTOR = "profit_factor"
    WIN_RATE = "win_rate"
    EXPECTANCY = "expectancy"
    MAX_DRAWDOWN = "max_drawdown"


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """One entry a combination. Money in units of 1e-8; ratios are NaN where they are undefined.

    `trades` are those that closed, `open_trades` those still open at the end. `max_drawdown` is a fraction, 0 or
    below, seen at day ends alone.
    """

    trades: IntColumn
    open_trades: IntColumn
    wins: IntColumn
    losses: IntColumn
    net_profit: Floats
    gross_profit: Floats
    sharpe: Floats
    max_drawdown: Floats

    @property
    def profit_factor(self) -> Floats:
        """Gross profit / gross loss; NaN without a loss."""
        return _ratio(self.gross_profit, self.gross_profit - self.net_profit)

    @property
    def win_rate(self) -> Floats:
        """Wins / (wins + losses); NaN without either."""
        return _ratio(self.wins.astype(np.float64), (self.wins + self.losses).astype(np.float64))

    @property
    def expectancy(self) -> Floats:
        """The mean net profit of a closed trade in units of 1e-8; NaN without one."""
        return _ratio(self.net_profit, self.trades.astype(np.float64))

    def by(self, rank: RankBy) -> Floats:
        """Return the figure to rank by."""
        figure: Floats = getattr(self, rank.value)
        return figure

    def order(self, rank: RankBy) -> IntColumn:
        """Return the combinations' numbers, the best first; undefined ones last, equals by number."""
        figure = self.by(rank)
        return np.argsort(np.where(np.isnan(figure), np.inf, -figure), kind="stable")


@dataclass(frozen=True, slots=True, eq=False)
class OpenValues:
    """What trades that may be open at a day end are worth there, in units of 1e-8.

    Those of day end `d` are `rows` and `values` from `starts[d]` to `starts[d + 1]`.
    """

    rows: IntColumn
    values: Floats
    starts: IntColumn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Legs:
    """Everything that the figures of combinations are made of. `cash` is in units of 1e-8."""

    targets: Leg
    stops: Leg
    holds: Leg | None
    opens: OpenValues
    days: int
    cash: float
    periods: int

    def of_targets(self, part: slice) -> Legs:
        """Return the legs of some of the targets, with all stops and holding times."""
        return Legs(
            targets=self.targets.columns(part),
            stops=self.stops,
            holds=self.holds,
            opens=self.opens,
            days=self.days,
            cash=self.cash,
            periods=self.periods,
        )


def parts_of(legs: Legs) -> Iterator[Legs]:
    """Yield the legs of runs of targets: little enough for the memory, and much enough to be worth a worker.

    The parts are the same however many workers there are.
    """
    across = legs.stops.key.shape[1] * (1 if legs.holds is None else legs.holds.key.shape[1])
    fitting = _DAYS_AT_ONCE // (across * (legs.days + 2))
    worthwhile = _CELLS_A_PART // (across * max(len(legs.targets.key), 1))
    step = max(min(fitting, worthwhile), 1)
    for begin in range(0, legs.targets.key.shape[1], step):
        yield legs.of_targets(slice(begin, begin + step))


def joined(parts: Sequence[Figures]) -> Figures:
    """Put the figures of all parts together, in their order."""
    return Figures(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Figures)))


def figures_of(legs: Legs) -> Figures:
    """Compute the figures of every combination of these legs. O(trades · combinations)."""
    targets, stops = legs.targets.key.shape[1], legs.stops.key.shape[1]
    sums = _Sums(legs)
    step = max(_CELLS_AT_ONCE // (targets * stops), 1)
    for begin in range(0, len(legs.targets.key), step):
        sums.add(slice(begin, begin + step))
    equity = _equity(legs, sums.realized)
    return Figures(
        trades=sums.closed().ravel(),
        open_trades=_counted(legs, lambda key: key == NEVER).ravel(),
        wins=sums.wins.ravel(),
        losses=sums.losses.ravel(),
        net_profit=sums.net.ravel(),
        gross_profit=sums.gains.ravel(),
        sharpe=_sharpes(equity, legs.cash, legs.periods),
        max_drawdown=_drawdowns(equity, legs.cash),
    )


class _Sums:
    """Sums over trades, one place a combination (target, stop, holding time)."""

    def __init__(self, legs: Legs) -> None:
        self._legs = legs
        holds = 1 if legs.holds is None else legs.holds.key.shape[1]
        shape = (legs.targets.key.shape[1], legs.stops.key.shape[1], holds)
        self.net = np.zeros(shape)
        self.gains = np.zeros(shape)
        self.wins = np.zeros(shape, np.int64)
        self.losses = np.zeros(shape, np.int64)
        self.realized = np.zeros((*shape, legs.days + 2))
        self._first = np.arange(shape[0] * shape[1]).reshape(shape[:2]) * (legs.days + 2)

    def add(self, rows: slice) -> None:
        """Add some trades to every combination."""
        legs = self._legs
        target_key, stop_key = legs.targets.key[rows, :, None], legs.stops.key[rows, None, :]
        by_stop = stop_key <= target_key
        net = np.where(by_stop, legs.stops.net[rows, None, :], legs.targets.net[rows, :, None])
        day = np.minimum(legs.targets.day[rows, :, None], legs.stops.day[rows, None, :])
        if legs.holds is None:
            self._take(0, net, day)
            return
        first = np.minimum(target_key, stop_key)
        for hold in range(legs.holds.key.shape[1]):
            limit = legs.holds.key[rows, hold, None, None]
            # At the open of a time limit everything leaves at that open; beyond the target it is the target's fill.
            timed = legs.holds.net[rows, hold, None, None]
            if legs.holds.at_target is not None:
                timed = np.where(target_key == limit, legs.holds.at_target[rows, hold, None, None], timed)
            self._take(
                hold,
                np.where(limit <= first, timed, net),
                np.minimum(day, legs.holds.day[rows, hold, None, None]),
            )

    def closed(self) -> IntColumn:
        """Count the trades that closed: those taken that are not open."""
        return _counted(self._legs, lambda key: key != REFUSED) - _counted(self._legs, lambda key: key == NEVER)

    def _take(self, hold: int, net: Floats, day: IntColumn) -> None:
        self.net[:, :, hold] += net.sum(axis=0)
        self.gains[:, :, hold] += np.maximum(net, 0.0).sum(axis=0)
        self.wins[:, :, hold] += np.count_nonzero(net > 0, axis=0)
        self.losses[:, :, hold] += np.count_nonzero(net < 0, axis=0)
        days = self._legs.days + 2
        places = (self._first + np.maximum(day, 0)).ravel()
        booked = np.bincount(places, net.ravel(), self._first.size * days)
        self.realized[:, :, hold] += booked.reshape(*self._first.shape, days)


def _counted(legs: Legs, matches: Callable[[IntColumn], Flags]) -> IntColumn:
    """Count the trades all of whose legs match."""
    targets, stops = matches(legs.targets.key), matches(legs.stops.key)
    if legs.holds is None:
        return _pairs(targets, stops)[:, :, None]
    holds = matches(legs.holds.key)
    return np.stack([_pairs(targets & holds[:, [hold]], stops) for hold in range(holds.shape[1])], axis=2)


def _pairs(targets: Flags, stops: Flags) -> IntColumn:
    """Count, for each target and stop, the trades for which both are true."""
    return np.rint(targets.T.astype(np.float64) @ stops.astype(np.float64)).astype(np.int64)


def _equity(legs: Legs, realized: Floats) -> Floats:
    """Return the equity at each day end, a row a combination.

    A trade is open at a day end if each of its legs comes later, so the sum over open trades is a product of
    matrices: one column a target times one a stop.
    """
    equity = np.cumsum(realized[..., : legs.days], axis=-1)
    equity += legs.cash
    opens = legs.opens
    for end in range(legs.days):
        span = slice(int(opens.starts[end]), int(opens.starts[end + 1]))
        rows, values = opens.rows[span], opens.values[span]
        if len(rows) == 0:
            continue
        by_target = np.where(legs.targets.day[rows] > end, values[:, None], 0.0).T
        by_stop = (legs.stops.day[rows] > end).astype(np.float64)
        if legs.holds is None:
            equity[:, :, 0, end] += by_target @ by_stop
            continue
        still = legs.holds.day[rows] > end
        for hold in range(still.shape[1]):
            equity[:, :, hold, end] += by_target @ (by_stop * still[:, [hold]])
    return equity.reshape(realized[..., 0].size, legs.days)


def _sharpes(equity: Floats, cash: float, periods: int) -> Floats:
    """Compute the Sharpe ratio of each row's day returns; NaN under two of them and where they are all the same."""
    base = np.empty_like(equity)
    if equity.shape[1] > 0:
        base[:, 0] = cash
        base[:, 1:] = equity[:, :-1]
    returns = np.divide(equity, base, out=np.full_like(equity, np.nan), where=base > 0)
    np.maximum(returns, 0.0, out=returns)
    returns -= 1.0
    has_one = ~np.isnan(returns)
    count = has_one.sum(axis=1)
    highest = np.max(returns, axis=1, where=has_one, initial=-np.inf)
    lowest = np.min(returns, axis=1, where=has_one, initial=np.inf)
    varies = (count >= 2) & (highest > lowest)
    mean = np.sum(returns, axis=1, where=has_one) / np.maximum(count, 1)
    returns -= mean[:, None]
    spread = np.sqrt(np.sum(returns * returns, axis=1, where=has_one) / np.maximum(count - 1, 1))
    ratios = np.full(len(equity), np.nan)
    np.divide(mean * periods**0.5, spread, out=ratios, where=varies & (spread > 0))
    return ratios


def _drawdowns(equity: Floats, cash: float) -> Floats:
    """Compute the deepest fall of each row from its peak, the opening cash included; NaN without a day end."""
    if equity.shape[1] == 0:
        return np.full(len(equity), np.nan)
    worth = np.maximum(equity, 0.0)
    peaks = np.maximum(np.maximum.accumulate(worth, axis=1), cash)
    falls: Floats = np.min(worth / peaks, axis=1) - 1.0
    return falls


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole != 0)
