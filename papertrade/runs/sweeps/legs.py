"""The ranking of a sweep, put together: entries once, each level's touch once, then every combination in arrays.

The model: every signal is taken with a size that no result changes, and cash is never short. The rule to keep:
for each combination the same trades, to the last digit, as an exact backtest of that model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np

from papertrade.engine.market import DAY_MS, HOUR_MS, first_whole_open
from papertrade.engine.money import to_units
from papertrade.engine.values import dataclass
from papertrade.errors import Refused
from papertrade.feeds.candle_series import CandleSeries, IntColumn
from papertrade.reports.ratios import periods_per_year
from papertrade.runs.backtest import BacktestRequest
from papertrade.runs.sweeps.entries import Entries, Entry, find_entries
from papertrade.runs.sweeps.exits import NEVER, Leg, SymbolExits
from papertrade.runs.sweeps.grid import Grid
from papertrade.runs.sweeps.integers import Floats, product
from papertrade.runs.sweeps.own import refuse_unkeepable
from papertrade.runs.sweeps.rank import Figures, Legs, OpenValues, figures_of, joined, parts_of

LEVELS_MAX: Final = 20_000_000
"""How many single levels (signals · values on all axes) are held in memory together: about 1 GiB."""

Spread: TypeAlias = Callable[[Callable[[Legs], Figures], Iterable[Legs]], list[Figures]]
"""Applies a function to each of several parts of the work and returns the answers in order."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The figures of every combination of a grid over one stretch of time, and the entries they share."""

    figures: Figures
    entries: Entries


def in_turn(work: Callable[[Legs], Figures], parts: Iterable[Legs]) -> list[Figures]:
    """Do the parts one after another, in this process."""
    return [work(part) for part in parts]


def rank_all(base: BacktestRequest, grid: Grid, spread: Spread = in_turn) -> Ranked:
    """Compute the figures of every combination. Raises Refused for what a sweep cannot follow."""
    refuse_unkeepable(base.signals, grid)
    levels = len(base.signals) * sum(grid.shape)
    if levels > LEVELS_MAX:
        raise Refused(
            f"`{len(base.signals)}` signals with `{sum(grid.shape)}` levels each are more than fit into memory",
            hint="sweep fewer values, or a part of the signals with --from and --to",
            code="sweep_too_large",
        )
    entries = find_entries(base)
    legs = legs_of(entries, base, grid)
    return Ranked(joined(spread(figures_of, parts_of(legs))), entries)


def legs_of(entries: Entries, base: BacktestRequest, grid: Grid) -> Legs:
    """Find where each trade leaves at each single level."""
    ends_ms = _day_ends(entries)
    of_symbol: dict[str, list[Entry]] = {}
    for entry in entries.entries:
        of_symbol.setdefault(entry.signal.symbol, []).append(entry)
    books = [
        _Book(SymbolExits(found, entries.result.series[symbol], grid, ends_ms), entries.result.series[symbol], ends_ms)
        for symbol, found in of_symbol.items()
    ]
    targets, stops, holds = grid.shape
    found_holds = [book.holds for book in books]
    has_holds = any(leg is not None for leg in found_holds)
    of_trades = [len(book.targets.key) for book in books]
    return Legs(
        targets=_stacked([book.targets for book in books], targets),
        stops=_stacked([book.stops for book in books], stops),
        holds=_stacked(_filled(found_holds, of_trades, len(ends_ms)), holds) if has_holds else None,
        opens=_open_values(books, len(ends_ms)),
        days=len(ends_ms),
        cash=float(to_units(base.cash)),
        periods=periods_per_year(instrument.hours for instrument in entries.result.instruments.values()),
    )


class _Book:
    """The legs of one symbol, and what its trades are worth while they are open."""

    def __init__(self, exits: SymbolExits, series: CandleSeries, ends_ms: IntColumn) -> None:
        self.targets, self.stops, self.holds = exits.targets(), exits.stops(), exits.holds()
        self._exits, self._series, self._ends_ms = exits, series, ends_ms

    def open_values(self) -> tuple[IntColumn, IntColumn, Floats]:
        """Return each trade's row, the day end and the value there, for all day ends that it may live to see."""
        exits, series, ends_ms = self._exits, self._series, self._ends_ms
        last = np.minimum(self.targets.day.max(axis=1), self.stops.day.max(axis=1))
        if self.holds is not None:
            last = np.minimum(last, self.holds.day.max(axis=1))
        counts = np.maximum(np.minimum(last, len(ends_ms)) - exits.entry_day, 0)
        rows = np.repeat(np.arange(len(counts)), counts)
        ends = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts - exits.entry_day, counts)
        closed_ms = series.open_ms + (series.interval_ms - 1)
        newest = np.searchsorted(closed_ms, ends_ms, side="right") - 1
        mark = newest[ends]
        table = exits.table
        values = table.unrealized(rows, product(series.close[mark], table.lift))
        # A close from before the entry says less about the trade than the entry itself.
        is_priced = (mark >= 0) & (closed_ms[mark] >= exits.opened_ms[rows])
        return rows, ends, np.where(is_priced, values, -table.entry_fee[rows].astype(np.float64))


def _open_values(books: Sequence[_Book], days: int) -> OpenValues:
    rows, ends, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    offset = 0
    for book in books:
        of_row, at, worth = book.open_values()
        rows.append(of_row + offset)
        ends.append(at)
        values.append(worth)
        offset += len(book.targets.key)
    every_end = np.concatenate(ends)
    order = np.argsort(every_end, kind="stable")
    starts = np.searchsorted(every_end[order], np.arange(days + 1))
    return OpenValues(np.concatenate(rows)[order], np.concatenate(values)[order], starts)


def _filled(legs: Sequence[Leg | None], trades: Sequence[int], days: int) -> list[Leg]:
    """Give the trades of symbols without any time limit one that never comes."""
    return [
        Leg(np.full((count, 1), NEVER), np.zeros((count, 1)), np.full((count, 1), days + 1)) if leg is None else leg
        for leg, count in zip(legs, trades, strict=True)
    ]


def _stacked(legs: Sequence[Leg], width: int) -> Leg:
    if not legs:
        empty = np.empty((0, width), np.int64)
        return Leg(empty, empty.astype(np.float64), empty)
    at_target = [leg.net if leg.at_target is None else leg.at_target for leg in legs]
    return Leg(
        np.concatenate([leg.key for leg in legs]),
        np.concatenate([leg.net for leg in legs]),
        np.concatenate([leg.day for leg in legs]),
        None if all(leg.at_target is None for leg in legs) else np.concatenate(at_target),
    )


def _day_ends(entries: Entries) -> IntColumn:
    """Return the UTC midnights whose equity makes the day returns: those of `reports.returns.day_returns`."""
    result = entries.result
    first = first_whole_open(result.begins_ms, HOUR_MS)
    start = min([first, result.ends_ms, *(entry.fill.at_ms for entry in entries.entries)])
    return np.arange((start // DAY_MS + 1) * DAY_MS, result.ends_ms + 1, DAY_MS, dtype=np.int64)
