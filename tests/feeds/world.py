"""What the feed tests share: a world whose clocks move only when told or slept, and simple candles."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from papertrade.engine.market import INTERVALS, MINUTE_MS, Candle
from papertrade.errors import FeedError, PapertradeError
from papertrade.feeds.binance import BinanceFeed
from papertrade.feeds.feed import CandleAnswer, CandleRequest, Closure, Quotes
from papertrade.feeds.http import Ambient, HttpSettings, VenueHttp
from tests.venue_market import Listing
from tests.venue_server import Refusal, VenueServer, parsed

T = TypeVar("T")

START = 1_544_308_800_000
"""2018-12-08T22:40:00Z"""

SYMBOLS = ("AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDT", "EEEUSDT")
HALTED = Listing(base="EEE", quote="USDT", status="BREAK", tick="0.01", step="0.1", notional_min="5")
NOW = START + 10 * MINUTE_MS + 30_000

_NEAR = Path(__file__).resolve().parents[3] / "shared" / "data"
RECORDED = Path(os.environ.get("PAPERTRADE_TEST_DATA", _NEAR))


@dataclass
class World:
    """A local clock that moves by the sleeps that it notes, or not even by them."""

    now_ms: int = START
    elapsed: float = 100.0
    luck: float = 0.5
    sleeps: list[float] = field(default_factory=list)
    is_standing: bool = False

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.pass_seconds(0 if self.is_standing else seconds)
        await asyncio.sleep(0)

    def pass_seconds(self, seconds: float) -> None:
        self.elapsed += seconds
        self.now_ms += round(seconds * 1000)

    def ambient(self) -> Ambient:
        return Ambient(
            now_ms=lambda: self.now_ms, monotonic=lambda: self.elapsed, random=lambda: self.luck, sleep=self.sleep
        )


def settings(base_url: str = "http://venue.test", **changes: float) -> HttpSettings:
    return HttpSettings(
        venue="binance",
        base_url=base_url,
        deadline_seconds=changes.get("deadline_seconds", 20.0),
        body_max_bytes=int(changes.get("body_max_bytes", 4 * 1024 * 1024)),
    )


def served(
    answer: Callable[[httpx.Request], httpx.Response], world: World, closure: Closure | None = None
) -> VenueHttp:
    """Return a client whose requests a function answers."""
    return VenueHttp(settings(), world.ambient(), closure, httpx.MockTransport(answer))


def feed_at(base_url: str, world: World, closure: Closure | None = None, **changes: float) -> BinanceFeed:
    return BinanceFeed(settings(base_url, **changes), world.ambient(), closure)


def run_with(feed: BinanceFeed, ask: Callable[[BinanceFeed], Coroutine[None, None, T]]) -> T:
    """Ask a feed inside an event loop of its own, and close it."""

    async def asking() -> T:
        try:
            return await ask(feed)
        finally:
            await feed.aclose()

    return asyncio.run(asking())


def failure_of(coroutine: Coroutine[None, None, T]) -> PapertradeError:
    """Return the expected error that a coroutine ends with."""
    with pytest.raises(PapertradeError) as caught:
        asyncio.run(coroutine)
    return caught.value


def candle(number: int, low: str = "99", high: str = "101", interval_ms: int = MINUTE_MS, start: int = START) -> Candle:
    """Return the candle of minute `number` after START, from 100 to 100.5."""
    return Candle(
        open_ms=start + number * interval_ms,
        interval_ms=interval_ms,
        open=Decimal(100),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal("100.5"),
        volume=Decimal(number),
    )


def minutes(count: int, start: int = START) -> tuple[Candle, ...]:
    """Return candles without a hole."""
    return tuple(candle(number, start=start) for number in range(count))


def asked_directly(server: VenueServer, world: World) -> BinanceFeed:
    """Return a feed that asks the server's logic without a socket."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = parsed(str(request.url))
        server.note(asked)
        try:
            return httpx.Response(200, json=server.answer(asked))
        except Refusal as refusal:
            return httpx.Response(400, json={"code": refusal.code, "msg": refusal.message})

    return BinanceFeed(settings(), world.ambient(), None, httpx.MockTransport(answer))


async def closing(feed: BinanceFeed, part: Coroutine[None, None, T]) -> T:
    """Await one question to a feed, and close the feed."""
    try:
        return await part
    finally:
        await feed.aclose()


def request(symbol: str, first: int = 0, end: int = 11, interval: str = "1m") -> CandleRequest:
    width = INTERVALS.get(interval, MINUTE_MS)
    return CandleRequest(symbol, interval, START + first * width, START + end * width)


def quotes(feed: BinanceFeed, *symbols: str) -> Quotes:
    return run_with(feed, lambda asked: asked.quotes(symbols, 7))


def candles(feed: BinanceFeed, *requests: CandleRequest) -> Sequence[CandleAnswer]:
    answers = run_with(feed, lambda asked: asked.candles(requests))
    return [answers[asked] for asked in requests]


def opens(answer: CandleAnswer) -> list[int]:
    assert isinstance(answer, tuple), answer
    return [(found.open_ms - START) // MINUTE_MS for found in answer]


def codes(answers: Sequence[object]) -> list[str | None]:
    return [answer.error_code if isinstance(answer, FeedError) else None for answer in answers]
