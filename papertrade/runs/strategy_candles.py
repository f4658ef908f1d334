"""What a strategy sees: candles as NumPy arrays, from the first up to the one that has just ended, and no further.

The arrays are views of buffers that are filled as the view moves on, so that nothing of the future lies behind
them. The rule to keep: a view shows the same for ever; it neither grows nor changes when later candles come.
Imports NumPy, so only what runs a strategy imports this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from papertrade.engine.instants import to_iso
from papertrade.engine.market import Side
from papertrade.engine.signal import Signal
from papertrade.feeds.candle_series import CandleSeries, IntColumn
from papertrade.runs.strategy_signals import AFTER_TP1, Number, cells_of, made_signal, running_id

Prices: TypeAlias = NDArray[np.float64]
Times: TypeAlias = NDArray[np.int64]

_CHUNK: Final = 65_536
_EXACT_BELOW: Final = 2**53
"""Whole numbers below this are exact floats, so one division by a power of ten rounds correctly."""


class _Column:
    """One buffer, filled up to what was asked for; the future is not even converted further than a chunk."""

    __slots__ = ("_buffer", "_chunk", "_chunk_end", "_decimals", "_filled", "_shown", "_whole")

    def __init__(self, whole: IntColumn, decimals: int) -> None:
        self._whole = whole
        self._decimals = decimals
        self._buffer = np.zeros(len(whole), np.float64)
        self._shown = self._buffer.view()
        self._shown.flags.writeable = False
        self._chunk = self._buffer[:0]
        self._chunk_end = self._filled = 0

    def first(self, count: int) -> Prices:
        if count > self._filled:
            self._fill(count)
        return self._shown[:count]

    def _fill(self, count: int) -> None:
        filled = self._filled
        while filled < count:
            if filled == self._chunk_end:
                self._chunk = _floats(self._whole[filled : filled + _CHUNK], self._decimals)
                self._chunk_end = filled + len(self._chunk)
            end = min(count, self._chunk_end)
            ahead = self._chunk_end - len(self._chunk)
            self._buffer[filled:end] = self._chunk[filled - ahead : end - ahead]
            filled = end
        self._filled = filled


class _Times:
    """The open times, in a buffer like that of the prices."""

    __slots__ = ("_buffer", "_filled", "_shown", "_whole")

    def __init__(self, whole: IntColumn) -> None:
        self._whole = whole
        self._buffer = np.zeros(len(whole), np.int64)
        self._shown = self._buffer.view()
        self._shown.flags.writeable = False
        self._filled = 0

    def first(self, count: int) -> Times:
        if count > self._filled:
            self._buffer[self._filled : count] = self._whole[self._filled : count]
            self._filled = count
        return self._shown[:count]


class CandleTrack:
    """The candles of one symbol while one strategy runs over them: what all of its views look into."""

    __slots__ = (
        "_at",
        "_made",
        "_opens",
        "close",
        "high",
        "interval_ms",
        "low",
        "open",
        "source",
        "symbol",
        "time",
        "volume",
    )

    def __init__(self, symbol: str, series: CandleSeries, source: str) -> None:
        self.symbol = symbol
        self.source = source
        self.interval_ms = series.interval_ms
        self._opens = series.open_ms
        self.time = _Times(series.open_ms)
        self.open = _Column(series.open, series.decimals)
        self.high = _Column(series.high, series.decimals)
        self.low = _Column(series.low, series.decimals)
        self.close = _Column(series.close, series.decimals)
        self.volume = _Column(series.volume, series.volume_decimals)
        self._at = self._made = 0

    def end_ms(self, count: int) -> int:
        """Return when the last of the first `count` candles ended."""
        return int(self._opens[count - 1]) + self.interval_ms

    def next_id(self, at_ms: int) -> str:
        """Name another signal of this instant."""
        self._made = self._made + 1 if self._at == at_ms else 0
        self._at = at_ms
        return running_id(self.symbol, at_ms, self._made)


class Candles:
    """The candles of one symbol up to now, oldest first: `candles.close[-1]` is the newest close.

    Prices and volumes are float64, times int64 (UTC ms, the candle's open); the arrays are read-only.
    """

    __slots__ = ("_count", "_track")

    def __init__(self, track: CandleTrack, count: int) -> None:
        self._track = track
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<{self._count} candles of {self.symbol} up to {to_iso(self.now_ms)}>"

    @property
    def symbol(self) -> str:
        """The symbol, as the venue writes it."""
        return self._track.symbol

    @property
    def interval_ms(self) -> int:
        """The length of a candle."""
        return self._track.interval_ms

    @property
    def now_ms(self) -> int:
        """The end of the newest candle (UTC ms): the instant at which the strategy decides."""
        return self._track.end_ms(self._count)

    @property
    def time(self) -> Times:
        """When each candle opened (UTC ms)."""
        return self._track.time.first(self._count)

    @property
    def open(self) -> Prices:
        """The first price of each candle."""
        return self._track.open.first(self._count)

    @property
    def high(self) -> Prices:
        """The highest price of each candle."""
        return self._track.high.first(self._count)

    @property
    def low(self) -> Prices:
        """The lowest price of each candle."""
        return self._track.low.first(self._count)

    @property
    def close(self) -> Prices:
        """The last price of each candle."""
        return self._track.close.first(self._count)

    @property
    def volume(self) -> Prices:
        """The volume of each candle."""
        return self._track.volume.first(self._count)

    def signal(
        self,
        side: str | Side,
        *,
        stop: Number | None = None,
        take_profit: Number | Sequence[Number] | None = None,
        entry: Number | None = None,
        entry_type: str | None = None,
        size: Number | None = None,
        notional: Number | None = None,
        percent: Number | None = None,
        risk: Number | None = None,
        trail: Number | None = None,
        break_even: Number | None = None,
        time_limit: str | None = None,
        after_tp1: Number | None = None,
        expires: str | int | None = None,
        confidence: Number | None = None,
        reason: str = "",
        tags: Sequence[str] = (),
        id: str | None = None,
    ) -> Signal:
        """Make a signal for this symbol, now: `candles.signal("long", stop="2%", take_profit=["2R:0.5", "4R:0.5"])`.

        Words are those of a signal file. An `entry` price is a limit unless `entry_type` says `"stop"`; without
        one the entry is at the market. Numbers are taken at the digits they show. Without `id` the symbol and the
        time name it. Raises ValueError with every wrong word.
        """
        wishes: dict[str, Number | None] = {
            "stop_loss": stop,
            "entry": entry,
            "entry_type": entry_type,
            "size": size,
            "notional": notional,
            "percent": percent,
            "risk": risk,
            "trail": trail,
            "break_even": break_even,
            "time_limit": time_limit,
            AFTER_TP1: after_tp1,
            "expires": expires,
            "confidence": confidence,
            "reason": reason,
            "side": str(side),
        }
        cells = cells_of(wishes, take_profit, tags)
        at_ms = self.now_ms
        name = self._track.next_id(at_ms) if id is None else id
        return made_signal(cells, symbol=self.symbol, source=self._track.source, at_ms=at_ms, external_id=name)


def _floats(whole: IntColumn, decimals: int) -> Prices:
    """Return whole numbers / 10^decimals, each the float nearest to the exact price."""
    scale = 10**decimals
    if len(whole) == 0 or int(np.abs(whole).max()) < _EXACT_BELOW:
        return np.divide(whole, float(scale))
    return np.array([number / scale for number in whole.tolist()], np.float64)
