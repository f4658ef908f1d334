"""The trades of one symbol as columns, and what leaving them at any price earns: exact, for thousands at once.

The array counterpart of `engine.levels` and `engine.fills`, on whole numbers. The rule to keep: every rounding
here is one that the engine makes, in the same direction and at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from papertrade.engine.fills import fee_of, filled_price
from papertrade.engine.market import Side
from papertrade.engine.messages import Liquidity
from papertrade.engine.money import exact, to_grid, to_units
from papertrade.engine.trade import Terms
from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.sweeps.entries import Entry
from papertrade.runs.sweeps.integers import (
    Flags,
    Floats,
    Whole,
    column,
    decimals_of,
    lifted,
    lowered,
    product,
    raised,
    rounded,
    whole_of,
)

_GRID_DECIMALS: Final = 8
_THINNEST_DECIMALS: Final = 18
_BPS_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class Level:
    """Prices on the table's scale, one row a trade and one column a value; `is_set` is false where there is none.

    `is_valid` is false where the engine refuses the trade because of its level.
    """

    price: Whole
    is_set: Flags
    is_valid: Flags


class FillTable:
    """The entries of one symbol. Prices of the table are price · 10^`decimals`."""

    def __init__(
        self, entries: Sequence[Entry], series: CandleSeries, percents: Sequence[Decimal], own_decimals: int
    ) -> None:
        self.terms: Terms = entries[0].order.terms
        self._entries = entries
        fills = [entry.fill for entry in entries]
        prices = [fill.price for fill in fills]
        self._percent_decimals = max((decimals_of(percent) for percent in percents), default=0)
        entry_decimals = max(
            decimals_of(price)
            for entry in entries
            for price in (entry.fill.price, entry.placed_price)
            if price is not None
        )
        step = self.terms.price_step
        needed = (
            decimals_of(step) if step != 0 else min(entry_decimals + self._percent_decimals + 2, _THINNEST_DECIMALS)
        )
        self.decimals = max(series.decimals, entry_decimals, own_decimals, needed)
        self.lift = 10 ** (self.decimals - series.decimals)
        self.sign = np.array([entry.order.side.sign for entry in entries], np.int64)
        self.entry = column([whole_of(price, self.decimals) for price in prices])
        self._quantity_decimals = max(decimals_of(fill.quantity) for fill in fills)
        self.quantity = column([whole_of(fill.quantity, self._quantity_decimals) for fill in fills])
        self.entry_fee = column([to_units(fill.fee) for fill in fills])
        self._reserve = column([to_units(fill.reserve) for fill in fills])

    def levels(self, percents: Sequence[Decimal | None], towards: int) -> Level:
        """Resolve distances in percent; `towards` is 1 for targets, -1 for stops."""
        return self._resolved(lambda base: self._at_percents(base, percents, towards), towards)

    def own_levels(self, price_of: Callable[[Entry, Decimal], Decimal | None], towards: int) -> Level:
        """Resolve each trade's own level from its entry price: one column."""

        def of(base: Sequence[Decimal]) -> tuple[Whole, Flags]:
            found = [price_of(entry, price) for entry, price in zip(self._entries, base, strict=True)]
            whole = column([0 if price is None else whole_of(price, self.decimals) for price in found])
            return whole[:, None], np.array([price is not None for price in found])[:, None]

        return self._resolved(of, towards)

    def nets(self, raw: Whole, liquidity: Liquidity) -> Floats:
        """Return the profit after all fees of leaving at each raw price, in units of 1e-8; one row a trade."""
        terms = self.terms
        price, decimals = self._filled(raw, liquidity)
        rate = terms.maker if liquidity is Liquidity.MAKER else terms.taker
        rate_decimals = decimals_of(rate)
        quantity = self.quantity[:, None]
        move = price - lifted(self.entry, decimals - self.decimals)[:, None]
        finer = decimals + self._quantity_decimals - _GRID_DECIMALS
        gross = _on_grid(product(product(move, quantity), self.sign[:, None]), finer, rounded)
        fee = _on_grid(product(product(price, quantity), whole_of(rate, rate_decimals)), finer + rate_decimals, raised)
        # No exit costs more than what the trade had reserved.
        gross = np.maximum(gross, fee - self._reserve[:, None])
        net: Floats = (gross - fee - self.entry_fee[:, None]).astype(np.float64)
        return net

    def net_at(self, row: int, raw: Decimal) -> int:
        """Return the profit in units of 1e-8 of one trade that leaves as a taker at any price."""
        fill, side, terms = self._entries[row].fill, self._entries[row].order.side, self.terms
        with exact():
            price = filled_price(raw, side is Side.SHORT, Liquidity.TAKER, terms)
            fee = fee_of(price, fill.quantity, terms.taker)
            gross = max(to_grid((price - fill.price) * side.sign * fill.quantity), fee - fill.reserve)
            return to_units(gross - fee - fill.fee)

    def unrealized(self, rows: Whole, marks: Whole) -> Floats:
        """Return what trades are worth at marks of the table's scale, their entry fees paid, in units of 1e-8."""
        finer = self.decimals + self._quantity_decimals - _GRID_DECIMALS
        moves = product(marks - self.entry[rows], self.quantity[rows])
        gains = _on_grid(product(moves, self.sign[rows]), finer, rounded)
        value: Floats = (gains - self.entry_fee[rows]).astype(np.float64)
        return value

    def _resolved(self, price_of: Callable[[Sequence[Decimal]], tuple[Whole, Flags]], towards: int) -> Level:
        """Resolve from the entry, and check the sides there and, for entries that waited, where they were placed."""
        entered = [entry.fill.price for entry in self._entries]
        price, is_set = price_of(entered)
        is_valid = self._is_valid(price, entered, towards)
        placed = [
            price if entry.placed_price is None else entry.placed_price
            for entry, price in zip(self._entries, entered, strict=True)
        ]
        if placed != entered:
            is_valid &= self._is_valid(price_of(placed)[0], placed, towards)
        return Level(price, is_set, is_valid | ~is_set)

    def _is_valid(self, price: Whole, base: Sequence[Decimal], towards: int) -> Flags:
        whole = column([whole_of(value, self.decimals) for value in base])
        side = (self.sign * towards)[:, None]
        is_valid: Flags = (((price - whole[:, None]) * side) > 0) & (price > 0)
        return is_valid

    def _at_percents(
        self, base: Sequence[Decimal], percents: Sequence[Decimal | None], towards: int
    ) -> tuple[Whole, Flags]:
        given = [0 if p is None else whole_of(p, self._percent_decimals) for p in percents]
        is_set = np.broadcast_to(np.array([p is not None for p in percents]), (len(base), len(percents)))
        hundred = 100 * 10**self._percent_decimals
        factors = hundred + column(given)[None, :] * (self.sign * towards)[:, None]
        base_decimals = max(decimals_of(price) for price in base)
        whole = column([whole_of(price, base_decimals) for price in base])
        exact_price = product(factors, whole[:, None])
        return self._stepped(exact_price, base_decimals + self._percent_decimals + 2), is_set

    def _stepped(self, price: Whole, decimals: int) -> Whole:
        """Round levels to the price step, against the trader, and bring them to the table's scale."""
        step = self.terms.price_step
        if step != 0:
            scale = max(decimals, decimals_of(step))
            steps = self._against(lifted(price, scale - decimals), whole_of(step, scale))
            return product(steps, whole_of(step, self.decimals))
        if decimals <= self.decimals:
            return lifted(price, self.decimals - decimals)
        return self._against(price, 10 ** (decimals - self.decimals))

    def _against(self, values: Whole, divisor: int) -> Whole:
        return np.where(self.sign[:, None] > 0, lowered(values, divisor), raised(values, divisor))

    def _filled(self, raw: Whole, liquidity: Liquidity) -> tuple[Whole, int]:
        """Worsen a taker's prices by slippage and round them to the step; return them with their decimals."""
        terms = self.terms
        price, decimals = raw, self.decimals
        if liquidity is Liquidity.TAKER and terms.slippage_bps != 0:
            bps_decimals = decimals_of(terms.slippage_bps)
            bps = whole_of(terms.slippage_bps, bps_decimals)
            factor = 10 ** (_BPS_DECIMALS + bps_decimals) - bps * self.sign[:, None]
            price, decimals = product(raw, factor), decimals + _BPS_DECIMALS + bps_decimals
        if terms.price_step != 0:
            step = whole_of(terms.price_step, decimals)
            price = product(self._against(price, step), step)
            return np.where(self.sign[:, None] > 0, np.maximum(price, step), price), decimals
        if decimals > _THINNEST_DECIMALS:
            price = self._against(price, 10 ** (decimals - _THINNEST_DECIMALS))
            decimals = _THINNEST_DECIMALS
        return price, decimals


def _on_grid(values: Whole, finer: int, divided: Callable[[Whole, int], Whole]) -> Whole:
    return lifted(values, -finer) if finer < 0 else divided(values, 10**finer)
