"""A random market: for each symbol minutes made of a few trades, with gaps, spikes, storms and holes.

Everything that a venue shows follows from these trades: final and forming candles, seconds, quotes. What a
minute is depends on the seed alone and never on who looked when.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import MINUTE_MS, Candle, Quote

VENUE = "sim"
SECOND_MS = 1_000
ABSURD = 10**9


@dataclass(frozen=True)
class Minute:
    """What was traded in one minute: (second, price in cents), in time order; the first is at second 0."""

    open_ms: int
    trades: tuple[tuple[int, int], ...]

    def candle(self, until_ms: int) -> Candle:
        """Return the candle as it looks at an instant inside or after the minute."""
        seen = [price for second, price in self.trades if self.open_ms + second * SECOND_MS <= until_ms]
        return made_of(self.open_ms, MINUTE_MS, seen[0], seen)

    def seconds(self) -> list[Candle]:
        """Return the 60 candles of the minute's seconds; nothing traded makes a flat one."""
        candles, last = [], self.trades[0][1]
        for second in range(60):
            inside = [price for at, price in self.trades if at == second]
            first = inside[0] if second == 0 else last
            candles.append(made_of(self.open_ms + second * SECOND_MS, SECOND_MS, first, [first, *inside]))
            last = inside[-1] if inside else last
        return candles


def made_of(open_ms: int, interval_ms: int, first: int, cents: Sequence[int]) -> Candle:
    return Candle(
        open_ms=open_ms,
        interval_ms=interval_ms,
        open=money(first),
        high=money(max(cents)),
        low=money(min(cents)),
        close=money(cents[-1]),
    )


def money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


@dataclass(frozen=True)
class Tape:
    """One symbol: its minutes by open time; those in holes are missing and were never traded."""

    instrument: Instrument
    minutes: Mapping[int, Minute]
    halts: tuple[tuple[int, int], ...]
    spread: int
    half_step: int

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    def candles(self, start_ms: int, end_ms: int, now_ms: int) -> list[Candle]:
        """Return the minutes that open from `start_ms` to before `end_ms`, as they look at `now_ms`."""
        opens = range(-(-start_ms // MINUTE_MS) * MINUTE_MS, min(end_ms, now_ms + 1), MINUTE_MS)
        return [self.minutes[o].candle(now_ms) for o in opens if o in self.minutes]

    def final(self, after_ms: int, until_ms: int) -> list[Candle]:
        """Return the candles that end after one instant and at the latest at another."""
        candles = self.candles(after_ms - MINUTE_MS + 1, until_ms, until_ms)
        return [c for c in candles if after_ms < c.end_ms <= until_ms]

    def quote(self, at_ms: int) -> Quote | None:
        """Return the newest price at an instant, with its own time; None before the first trade."""
        opened = at_ms - at_ms % MINUTE_MS
        oldest = min(self.minutes)
        while opened >= oldest:
            minute = self.minutes.get(opened)
            if minute is not None:
                second, price = [t for t in minute.trades if opened + t[0] * SECOND_MS <= at_ms][-1]
                return self._quote(price, opened + second * SECOND_MS)
            opened -= MINUTE_MS
        return None

    def is_halted(self, at_ms: int) -> bool:
        return any(start <= at_ms < end for start, end in self.halts)

    def _quote(self, cents: int, at_ms: int) -> Quote:
        if self.spread == 0:
            return Quote(at_ms=at_ms, last=money(cents))
        bid, ask = max(cents - self.spread, 1), cents + self.spread
        return Quote(at_ms=at_ms, last=money(cents), bid=money(bid), ask=money(ask))


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What a seed's market is like; chances are per minute."""

    gap: float
    spike: float
    whip: float
    hole: float
    absurd: float
    storm: int
    has_seconds: bool


def random_weather(chance: random.Random) -> Weather:
    """Draw the weather: each kind of trouble is there in some seeds only, so that rare ones meet undisturbed."""

    def some(odds: float, amount: float) -> float:
        return amount if chance.random() < odds else 0.0

    return Weather(
        gap=some(0.6, 0.1),
        spike=some(0.4, 0.03),
        whip=some(0.7, 0.15),
        hole=some(0.4, 0.03),
        absurd=some(0.12, 0.01),
        storm=chance.choice([1, 2, 4, 8]),
        has_seconds=chance.random() < 0.75,
    )


def random_tape(chance: random.Random, symbol: str, start_ms: int, minutes: int, weather: Weather) -> Tape:
    """Draw one symbol's market from `start_ms` on."""
    unit = chance.choice([1, 10, 50])
    made: dict[int, Minute] = {}
    halts = []
    price = chance.choice([5_000, 10_000, 20_000]) // unit * unit
    minute = 0
    while minute < minutes:
        if minute > 3 and chance.random() < weather.hole:
            length = chance.choice([1, 1, 2, 3, 8])
            if length > 2 and chance.random() < 0.5:
                halts.append((start_ms + minute * MINUTE_MS, start_ms + (minute + length) * MINUTE_MS))
            minute += length
            continue
        trades, price = _traded(chance, price, unit, weather)
        if minute > 10 and chance.random() < weather.absurd:
            trades = [(0, price * ABSURD), *trades]
        open_ms = start_ms + minute * MINUTE_MS
        made[open_ms] = Minute(open_ms, tuple(trades))
        minute += 1
    instrument = Instrument(
        venue=VENUE,
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        price_step=money(unit),
        quantity_step=Decimal(chance.choice(["1", "0.1", "0.001"])),
        notional_min=Decimal(chance.choice([0, 10, 150])),
    )
    return Tape(instrument, made, tuple(halts), chance.choice([0, 0, unit]), unit)


def _traded(chance: random.Random, price: int, unit: int, weather: Weather) -> tuple[list[tuple[int, int]], int]:
    """Return one minute's trades and the price after them."""
    step = max(price // 400, unit)
    if chance.random() < weather.gap:
        price = _moved(price, chance.choice([-3, -2, 2, 3]) * 3 * step, unit)
    times = sorted(chance.choices(range(58), k=chance.choice([0, 2, 4])))
    trades = [(0, price)]
    for second in times:
        price = _moved(price, chance.randint(-weather.storm, weather.storm) * step // 2, unit)
        trades.append((second, price))
    if chance.random() < weather.whip:
        there, back = chance.sample([-1, 1], 2)
        by = chance.choice([6, 12]) * step
        trades += [(chance.randint(40, 54), _moved(price, there * by, unit)), (55, _moved(price, back * by, unit))]
    if chance.random() < weather.spike:
        trades.append((59, _moved(price, chance.choice([-1, 1]) * price // chance.choice([4, 10]), unit)))
        trades.append((59, price))
    trades.sort(key=lambda trade: trade[0])
    return trades, price


def _moved(price: int, by: int, unit: int) -> int:
    return min(max((price + by) // unit * unit, 1_000), 100_000)
