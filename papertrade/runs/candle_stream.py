"""The final candles of some symbols, each once, with the past behind it: what a live strategy is fed from.

Keeps in memory what it asked for, so that a loop asks for new candles only and a fresh process for the past too.
The rule to keep: finality is by the venue's clock, and a symbol that fails hides no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from papertrade.engine.market import Candle, floor_ms
from papertrade.engine.values import dataclass
from papertrade.errors import FeedError, PapertradeError
from papertrade.feeds.candle_series import CandleSeries, series_of
from papertrade.feeds.feed import CandleAnswer, CandleRequest
from papertrade.runs.clock import Clock
from papertrade.runs.observe import Market
from papertrade.runs.world import World

NEW_MOST: Final = 5_000
"""How many new candles of a symbol one look takes; a long absence takes several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Final candles by symbol, and why a symbol could not be asked.

    `since` is the instant (UTC ms) from which a symbol's candles are new; those before it are its past.
    """

    market: Market
    since: Mapping[str, int] = field(default_factory=dict)
    series: Mapping[str, CandleSeries] = field(default_factory=dict)
    failures: Mapping[str, PapertradeError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Measured:
    """When the venue's clock showed `at_ms`: what to add to the local one then, and the monotonic seconds."""

    at_ms: int
    offset_ms: int
    seconds: float

    def venue_ms(self, clock: Clock) -> int:
        """Return the venue's time, the later of what both local clocks say: one may be set back, one may sleep."""
        passed_ms = int((clock.monotonic() - self.seconds) * 1000)
        return max(self.at_ms + passed_ms, clock.now_ms() + self.offset_ms)


class CandleStream:
    """Gives each final candle of a symbol once, with at least `history` candles up to it where the venue has them."""

    def __init__(self, history: int, candle_ms: int) -> None:
        self._history = history
        self._candle_ms = candle_ms
        self._kept: dict[str, tuple[Candle, ...]] = {}
        self._measured: _Measured | None = None

    def fetch(self, world: World, given: Mapping[str, int]) -> Fetched:
        """Ask for the candles after those given; `given` is the end of the last one by symbol, 0 for none yet.

        Of a symbol that was never asked for, only the newest final candle is new. Raises FeedError if the venue
        cannot be asked; while by the clock it showed this very stream no new candle can have ended, it is not.
        """
        if self._measured is not None:
            now_ms = self._measured.venue_ms(world.clock)
            if not self._due(given, now_ms):
                return Fetched(market=Market(at_ms=now_ms, offset_ms=self._measured.offset_ms))
        return world.wait(self._fetch(world, given))

    def _due(self, given: Mapping[str, int], now_ms: int) -> dict[str, int]:
        return {symbol: end_ms for symbol, end_ms in given.items() if end_ms + self._candle_ms <= now_ms}

    def moved(self, fetched: Fetched, reached: Mapping[str, int]) -> None:
        """Keep the past of the candles to come; `reached` is the end of the last candle given, by symbol."""
        for symbol, end_ms in reached.items():
            series = fetched.series[symbol]
            count = series.index_from(end_ms - series.interval_ms + 1)
            self._kept[symbol] = tuple(series.candle(index) for index in range(max(count - self._history, 0), count))

    async def _fetch(self, world: World, given: Mapping[str, int]) -> Fetched:
        feed, rules = world.feed, world.watching
        try:
            async with asyncio.timeout(rules.deadline_seconds):
                before = world.clock.now_ms()
                at_ms = await feed.time_ms()
                offset_ms = at_ms - (before + world.clock.now_ms()) // 2
                self._measured = _Measured(at_ms, offset_ms, world.clock.monotonic())
                newest = floor_ms(at_ms, self._candle_ms) - self._candle_ms
                since = {symbol: end_ms or newest for symbol, end_ms in self._due(given, at_ms).items()}
                requests = {symbol: self._request(world, symbol, since[symbol], at_ms) for symbol in since}
                answers = await feed.candles(list(requests.values())) if requests else {}
        except TimeoutError:
            raise FeedError(
                f"`{feed.venue}` did not answer within {rules.deadline_seconds:g} s",
                code="feed_timeout",
                hint="papertrade doctor",
            ) from None
        market = Market(at_ms=at_ms, offset_ms=offset_ms)
        found = {symbol: answers.get(request, ()) for symbol, request in requests.items()}
        return self._sorted_out(market, since, found)

    def _request(self, world: World, symbol: str, since_ms: int, at_ms: int) -> CandleRequest:
        """Ask from `since_ms` on, and for the past before it unless that is kept; a quarter more, for holes in it."""
        candle_ms = self._candle_ms
        kept = self._kept.get(symbol, ())
        past = 0 if kept and kept[-1].end_ms == since_ms else self._history + self._history // 4
        start = max(floor_ms(since_ms, candle_ms) - past * candle_ms, 0)
        return CandleRequest(symbol, world.watching.candle, start, floor_ms(at_ms, candle_ms), past + NEW_MOST)

    def _sorted_out(self, market: Market, since: Mapping[str, int], found: Mapping[str, CandleAnswer]) -> Fetched:
        series: dict[str, CandleSeries] = {}
        failures: dict[str, PapertradeError] = {}
        for symbol, answer in found.items():
            if isinstance(answer, PapertradeError):
                failures[symbol] = answer
                continue
            final = tuple(candle for candle in answer if candle.end_ms <= market.at_ms)
            if not final or final[0].open_ms >= since[symbol]:
                final = (*self._kept.get(symbol, ()), *final)
            try:
                series[symbol] = series_of(symbol, self._candle_ms, final)
            except ValueError as error:
                failures[symbol] = FeedError(f"{symbol}: {error}", code="feed_bad_answer")
        return Fetched(market=market, since={s: since[s] for s in series}, series=series, failures=failures)
