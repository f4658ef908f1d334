"""The equity curve of a backtest as columns of whole numbers: the points of `equity.py`, a thousand at a time.

Amounts are integers of 1e-8, so a sum is exact, and each open trade is rounded to the money grid as
`Trade.unrealized` does. The rule to keep: the same points as `equity_curve` gives for the same steps (a test
compares them). Imports NumPy, so only what runs backtests imports this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from papertrade.engine.market import HOUR_MS, Side, first_whole_open
from papertrade.engine.money import CONTEXT, from_units, plain
from papertrade.engine.values import dataclass
from papertrade.reports.equity import EquityPoint
from papertrade.reports.returns import Series

if TYPE_CHECKING:
    from papertrade.reports.returns import Instants

_GRID_DECIMALS: Final = 8
_SAFE: Final = 2**62  # what an int64 holds with a bit to spare; greater numbers are computed with Python's own
_PAIRS_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class MoneyColumns:
    """An account's books after each event, in time order, in units of 1e-8; the first row is its opening."""

    at_ms: Instants
    cash: Instants
    reserved: Instants
    capital: Instants
    realized: Instants


@dataclass(frozen=True, slots=True, eq=False)
class CloseColumns:
    """Closes of one symbol, oldest first: the last milliseconds of their candles, and price · 10^`decimals`."""

    at_ms: Instants
    price: Instants
    decimals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one trade had open from one fill until the next (UTC ms, the end not included)."""

    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    opened_at: int
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class EquityColumns:
    """Equity points, oldest first, in units of 1e-8; `unpriced` counts trades valued at their entry."""

    at_ms: Instants
    cash: Instants
    reserved: Instants
    capital: Instants
    realized: Instants
    unrealized: Instants
    unpriced: Instants

    @property
    def equity(self) -> Instants:
        """Cash + reserved + unrealized."""
        return self.cash + self.reserved + self.unrealized

    def series(self) -> Series:
        """Return the points as the floats that statistics are made of."""
        whole = 10**_GRID_DECIMALS
        equity, capital = (self.equity / whole).astype(np.float64), (self.capital / whole).astype(np.float64)
        return Series(self.at_ms, equity, capital)

    def points(self) -> Iterator[EquityPoint]:
        """Yield each point in exact money."""
        for index, at_ms in enumerate(self.at_ms):
            yield EquityPoint(
                at_ms=int(at_ms),
                cash=from_units(int(self.cash[index])),
                reserved=from_units(int(self.reserved[index])),
                capital=from_units(int(self.capital[index])),
                realized=from_units(int(self.realized[index])),
                unrealized=from_units(int(self.unrealized[index])),
                unpriced=int(self.unpriced[index]),
            )


def equity_columns(
    money: MoneyColumns, held: Sequence[Held], closes: Mapping[str, CloseColumns], ends_ms: int
) -> EquityColumns:
    """Return a point at each full UTC hour, at each fill, and at the end. O(points · open trades)."""
    instants = _instants(money, held, ends_ms)
    rows = np.searchsorted(money.at_ms, instants, side="right") - 1
    of_symbol: dict[str, list[Held]] = {}
    for span in held:
        of_symbol.setdefault(span.symbol, []).append(span)
    unrealized = np.zeros(len(instants), np.int64)
    unpriced = np.zeros(len(instants), np.int64)
    for symbol, spans in of_symbol.items():
        values = _Values(spans, closes[symbol])
        if values.is_large and unrealized.dtype != np.object_:
            unrealized = unrealized.astype(np.object_)
        values.add_to(unrealized, unpriced, instants)
    return EquityColumns(
        instants,
        money.cash[rows],
        money.reserved[rows],
        money.capital[rows],
        money.realized[rows],
        unrealized,
        unpriced,
    )


def units_column(values: Sequence[int]) -> Instants:
    """Make a column of whole numbers, of Python's own where one does not fit 64 bits."""
    largest = max((abs(value) for value in values), default=0)
    return np.array(values, np.int64 if largest < _SAFE else np.object_)


def _instants(money: MoneyColumns, held: Sequence[Held], ends_ms: int) -> Instants:
    begins_ms = int(money.at_ms[0])
    hours = np.arange(first_whole_open(begins_ms, HOUR_MS), ends_ms + 1, HOUR_MS, dtype=np.int64)
    fills = np.array([instant for span in held for instant in (span.from_ms, span.to_ms)], np.int64)
    every = np.sort(np.concatenate((hours, fills, np.array([ends_ms], np.int64))))
    is_new = np.diff(every, prepend=every[:1] - 1) > 0
    return every[is_new & (every <= ends_ms)]


class _Values:
    """What the open trades of one symbol are worth, in whole numbers of one scale."""

    def __init__(self, spans: Sequence[Held], closes: CloseColumns) -> None:
        self._price_decimals = max(closes.decimals, *(_decimals(span.entry_price) for span in spans))
        self._quantity_decimals = max(_decimals(span.quantity) for span in spans)
        self._finer = self._price_decimals + self._quantity_decimals - _GRID_DECIMALS
        entries = [_whole(span.entry_price, self._price_decimals) for span in spans]
        quantities = [_whole(span.quantity, self._quantity_decimals) * span.side.sign for span in spans]
        lift = 10 ** (self._price_decimals - closes.decimals)
        dearest = max(int(closes.price.max(initial=1)) * lift, *entries)
        widest = dearest * max(map(abs, quantities)) * 10 ** max(0, -self._finer)
        self.is_large = widest * len(spans) >= _SAFE
        kind = np.object_ if self.is_large else np.int64
        self._entries = np.array(entries, kind)
        self._quantities = np.array(quantities, kind)
        self._marks = closes.price.astype(kind) * lift
        self._closed_ms = closes.at_ms
        self._opened_ms = np.array([span.opened_at for span in spans], np.int64)
        self._from_ms = np.array([span.from_ms for span in spans], np.int64)
        self._to_ms = np.array([span.to_ms for span in spans], np.int64)

    def add_to(self, unrealized: Instants, unpriced: Instants, instants: Instants) -> None:
        """Add each span's value at each instant that it covers."""
        newest = np.searchsorted(self._closed_ms, instants, side="right") - 1
        begins = np.searchsorted(instants, self._from_ms)
        counts = np.searchsorted(instants, self._to_ms) - begins
        for part in _parts(counts):
            spans = np.repeat(np.arange(part.start, part.stop), counts[part])
            firsts = np.cumsum(counts[part]) - counts[part]
            at = np.arange(len(spans)) - np.repeat(firsts - begins[part], counts[part])
            mark = newest[at]
            # A close from before the entry says less about the trade than the entry itself.
            is_priced = (mark >= 0) & (self._closed_ms[mark] >= self._opened_ms[spans])
            is_held = instants[at] > self._opened_ms[spans]
            np.add.at(unpriced, at[~is_priced & is_held], 1)
            spans, at, mark = spans[is_priced], at[is_priced], mark[is_priced]
            moves = self._marks[mark] - self._entries[spans]
            np.add.at(unrealized, at, self._on_grid(moves * self._quantities[spans]))

    def _on_grid(self, values: Instants) -> Instants:
        """Round to units of 1e-8, half to even."""
        if self._finer <= 0:
            lifted: Instants = values * 10**-self._finer
            return lifted
        size = 10**self._finer
        whole: Instants = values // size
        twice = (values - whole * size) * 2
        whole += (twice > size) | ((twice == size) & (whole % 2 == 1))
        return whole


def _parts(counts: Instants) -> Iterator[slice]:
    """Yield runs of spans that cover at most about a million instants together."""
    totals = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = int(totals[start - 1]) if start > 0 else 0
        stop = max(int(np.searchsorted(totals, done + _PAIRS_MAX, side="right")), start + 1)
        yield slice(start, stop)
        start = stop


def _decimals(value: Decimal) -> int:
    return len(plain(value).partition(".")[2])


def _whole(value: Decimal, decimals: int) -> int:
    return int(value.scaleb(decimals, CONTEXT))
