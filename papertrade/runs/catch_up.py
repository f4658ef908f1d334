"""Before a command acts: catch up all live trades, so that nobody closes what a stop had already ended.

The network comes before the transaction. A command that cannot catch up what it acts on fails with exit 8;
told to go on all the same (`forced`), it acts on what is stored and marks the trade `unverified`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import field
from typing import TypeVar

from papertrade.engine.market import Candle, Quote
from papertrade.engine.trade import Flag
from papertrade.engine.values import dataclass, replace
from papertrade.errors import FeedError, PapertradeError, StalePrice, UnknownSymbol
from papertrade.runs.guard_memory import GuardMemory
from papertrade.runs.observe import Market, Need, look
from papertrade.runs.tick import tick
from papertrade.runs.world import Change, World

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The present as a command knows it: the venue's time, fresh prices, what the catch-up changed.

    `market` is None when the venue could not be asked and the user said to go on. `memory` is what guards had to
    look up already.
    """

    at_ms: int
    market: Market | None
    changes: tuple[Change, ...] = ()
    failures: Mapping[str, PapertradeError] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    stored: Mapping[str, Quote] = field(default_factory=dict)
    memory: GuardMemory = field(default_factory=GuardMemory)

    def quote(self, symbol: str) -> Quote:
        """Return a price to act on. Raises StalePrice, FeedError, or what else the symbol failed with."""
        if self.market is None:
            raise FeedError(
                f"no price for {symbol}: the venue could not be asked",
                hint="papertrade doctor, or name a price with --price",
            )
        return self.market.fresh_quote(symbol)

    def known_quote(self, symbol: str) -> Quote:
        """Return a price to leave at: as `quote`, but told to go on all the same the last one stored will do."""
        try:
            return self.quote(symbol)
        except PapertradeError:
            if symbol not in self.stored:
                raise
            return self.stored[symbol]

    def needs(self, symbol: str) -> None:
        """Raise FeedError if this symbol's candles could not be had; a stale or unlisted one has none to be had."""
        failure = self.failures.get(symbol)
        if failure is not None and not isinstance(failure, StalePrice | UnknownSymbol):
            raise failure

    def forming(self, symbol: str) -> Candle | None:
        """Return the candle that is not final yet, None where it is unknown."""
        return None if self.market is None else self.market.forming.get(symbol)


def catch_up(world: World, symbols: Sequence[str] = (), *, forced: bool = False) -> Present:
    """Catch up every live trade and price `symbols`. Raises FeedError unless `forced`."""
    if forced:
        return _unverified(world, symbols)
    report, market = tick(world, symbols)
    return Present(at_ms=market.at_ms, market=market, changes=report.changes, failures=report.failures)


def venue_now(world: World) -> int:
    """Return the venue's time without asking it: the local clock and the offset last measured."""
    with world.store.read() as reader:
        state = reader.venue_state(world.feed.venue)
    offset_ms = 0 if state.clock_offset_ms is None else state.clock_offset_ms
    return world.clock.now_ms() + offset_ms


def _unverified(world: World, symbols: Sequence[str]) -> Present:
    """Price the symbols if that is possible, and catch up nothing."""
    flags = (Flag.UNVERIFIED,)
    with world.store.read() as reader:
        stored = {kept.symbol: kept.quote for kept in reader.quotes() if kept.venue == world.feed.venue}
    try:
        needs = [Need(symbol, None) for symbol in symbols]
        market = world.wait(look(world.feed, needs, world.watching, world.clock, symbols))
    except PapertradeError:
        return Present(at_ms=venue_now(world), market=None, flags=flags, stored=stored)
    return Present(at_ms=market.at_ms, market=market, flags=flags, stored=stored)


def catch_up_within(world: World, seconds: float) -> PapertradeError | None:
    """Catch up all live trades as far as `seconds` allow; return what went wrong, None if nothing did.

    For looking, not for acting: whatever fails, the stored state stays good and may be shown with its age.
    """
    with world.store.read() as reader:
        if not reader.live_instruments():
            return None
    hurried = replace(
        world,
        wait=_Hurry(world, world.clock.monotonic() + seconds, seconds),
        watching=replace(world.watching, deadline_seconds=min(world.watching.deadline_seconds, seconds)),
    )
    try:
        report, _ = tick(hurried)
    except PapertradeError as error:
        return error
    return next(iter(report.failures.values()), None)


@dataclass(frozen=True, slots=True)
class _Hurry:
    """A waiter with one deadline (monotonic seconds) for all that it waits for."""

    world: World
    until: float
    seconds: float

    def __call__(self, coroutine: Coroutine[object, object, T], /) -> T:
        """Return what the coroutine returns. Raises FeedError at the deadline."""

        async def bounded() -> T:
            async with asyncio.timeout(max(0.0, self.until - self.world.clock.monotonic())):
                return await coroutine

        try:
            return self.world.wait(bounded())
        except TimeoutError:
            raise FeedError(
                f"`{self.world.feed.venue}` did not answer everything within {self.seconds:g} s",
                code="feed_timeout",
                hint="papertrade watch --once",
            ) from None
