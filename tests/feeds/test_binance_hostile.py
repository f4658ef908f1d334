"""The Binance feed against a hostile venue: one clear error, no request too many, nothing else escapes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from papertrade.errors import FeedError
from papertrade.feeds.answer import Answer
from papertrade.feeds.binance import BinanceFeed
from papertrade.feeds.feed import Closure
from tests.feeds.world import (
    NOW,
    START,
    SYMBOLS,
    World,
    asked_directly,
    candles,
    closing,
    codes,
    failure_of,
    feed_at,
    minutes,
    opens,
    request,
    run_with,
)
from tests.venue_faults import Fault, Manner, bomb, html, refuse
from tests.venue_server import VenueServer


@pytest.mark.parametrize(
    ("fault", "code", "tries"),
    [
        (Fault(manner=Manner.RESET), "feed_unreachable", 4),
        (Fault(manner=Manner.TRUNCATED), "feed_unreachable", 4),
        (refuse(503), "feed_unavailable", 4),
        (refuse(451, 0), "feed_restricted", 1),
        (refuse(418, Retry_After="7200"), "feed_banned", 1),
        (refuse(429, Retry_After="60"), "feed_rate_limited", 1),
        (html(), "feed_bad_answer", 1),
        (bomb(50_000_000), "feed_bad_answer", 1),
        (Fault(body=b"[" + b" " * 5_000_000 + b"]"), "feed_bad_answer", 1),
    ],
)
def test_f15_a_hostile_venue_is_one_clear_error(venue: VenueServer, fault: Fault, code: str, tries: int) -> None:
    venue.always("*", fault)
    world = World()
    feed = feed_at(venue.base_url, world)
    assert failure_of(closing(feed, feed.time_ms())).error_code == code
    assert venue.count("time") == tries


def test_a_venue_that_drips_is_left_at_the_deadline(venue: VenueServer) -> None:
    venue.always("klines", Fault(manner=Manner.DRIP))
    feed = feed_at(venue.base_url, World(), deadline_seconds=0.4)
    loop_time: list[float] = []

    async def asking() -> None:
        began = asyncio.get_running_loop().time()
        try:
            await feed.candles([request("AAAUSDT"), request("BBBUSDT")])
        finally:
            loop_time.append(asyncio.get_running_loop().time() - began)
            await feed.aclose()

    assert failure_of(asking()).error_code == "feed_timeout"
    assert loop_time[0] < 1.0


def test_a_slow_symbol_does_not_cost_the_others(venue: VenueServer) -> None:
    venue.always("klines", Fault(delay_seconds=30), symbol="BBBUSDT")
    feed = feed_at(venue.base_url, World(), deadline_seconds=0.5)
    found = candles(feed, *(request(symbol) for symbol in SYMBOLS))
    assert codes(found) == [None, "feed_timeout", None, None, None]


def test_flaky_answers_are_cured_unseen(venue: VenueServer) -> None:
    cut, reset = Fault(manner=Manner.TRUNCATED), Fault(manner=Manner.RESET)
    venue.plan("klines", refuse(503), cut, reset)
    world = World()
    (found,) = candles(feed_at(venue.base_url, world), request("AAAUSDT"))
    assert opens(found) == list(range(11))
    assert venue.count("klines") == 4
    assert len(world.sleeps) == 3


def test_f16_nothing_is_asked_during_a_ban_whatever_the_process(venue: VenueServer) -> None:
    venue.plan("*", refuse(418, Retry_After="7200"))
    world = World()
    first = feed_at(venue.base_url, world)

    async def banned(feed: BinanceFeed) -> list[str]:
        parts = (feed.time_ms(), feed.quotes(SYMBOLS, 7), feed.candles([request("AAAUSDT")]), feed.instruments(SYMBOLS))
        try:
            failures = [await asyncio.gather(part, return_exceptions=True) for part in parts]
        finally:
            await feed.aclose()
        return [failure.error_code for (failure,) in failures if isinstance(failure, FeedError)]

    assert asyncio.run(banned(first)) == ["feed_banned"] * 4
    assert first.closure == Closure(START + 7_200_000, "our address is banned (HTTP 418)")
    later = feed_at(venue.base_url, world, first.closure)
    assert asyncio.run(banned(later)) == ["feed_banned"] * 4
    assert venue.count() == 1
    world.pass_seconds(7200)
    assert run_with(feed_at(venue.base_url, world, first.closure), lambda feed: feed.time_ms()) == NOW


def test_a_ban_in_the_middle_stops_the_rest(venue: VenueServer) -> None:
    venue.always("klines", refuse(418, Retry_After="7200"), symbol="BBBUSDT")
    found = candles(feed_at(venue.base_url, World()), request("AAAUSDT"), request("BBBUSDT"))
    assert "feed_banned" in codes(found)
    assert venue.count("klines") == 2


def test_a_dead_venue_is_not_asked_for_every_symbol(venue: VenueServer) -> None:
    venue.always("klines", refuse(503))
    asked = [request("AAAUSDT", 0, end) for end in range(1, 60)]
    feed = feed_at(venue.base_url, World(), deadline_seconds=1000)
    assert failure_of(closing(feed, feed.candles(asked))).error_code == "feed_unavailable"
    assert venue.count("klines") <= 12 * 4


def test_a_venue_out_of_reach_is_raised() -> None:
    with VenueServer.of({"AAAUSDT": minutes(1)}, NOW) as venue:
        base_url = venue.base_url
    feed = feed_at(base_url, World())
    error = failure_of(closing(feed, feed.candles([request("AAAUSDT"), request("BBBUSDT")])))
    assert error.error_code == "feed_unreachable"
    assert error.message == "`binance` cannot be reached at `127.0.0.1`: ConnectError"


def test_the_environments_proxy_is_not_used(venue: VenueServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    feed = feed_at(venue.base_url, World())
    assert asyncio.run(closing(feed, feed.time_ms())) == NOW


@pytest.mark.parametrize("body", [b"[" * 3000, b"{}", b'[{"symbol":"AAAUSDT","price":"1","price":"2"}]', b"[null]"])
def test_f17_odd_bodies_never_escape_as_other_errors(venue: VenueServer, body: bytes) -> None:
    venue.plan("ticker/price", Fault(body=body))
    found = run_with(feed_at(venue.base_url, World()), _quotes_or_error)
    assert isinstance(found, FeedError)


async def _quotes_or_error(feed: BinanceFeed) -> object:
    try:
        return (await feed.quotes(["AAAUSDT"], 7))["AAAUSDT"]
    except FeedError as error:
        return error


def _any_json() -> st.SearchStrategy[Answer]:
    atoms = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["AAAUSDT", "1", "NaN"])
    keys = st.sampled_from(["symbol", "price", "bidPrice", "symbols", "filters", "serverTime", "status"])
    return st.recursive(atoms, lambda inner: st.lists(inner, max_size=7) | st.dictionaries(keys, inner, max_size=5))


@given(_any_json())
@hypothesis_settings(max_examples=150, deadline=None)
def test_any_json_is_a_value_or_a_feed_error(answer: Answer) -> None:
    server = VenueServer.of({"AAAUSDT": minutes(1)}, NOW)
    server.answer = lambda asked: answer  # type: ignore[assignment, method-assign, return-value]

    async def ask_all(feed: BinanceFeed) -> list[object]:
        parts = (
            feed.time_ms(),
            feed.quotes(["AAAUSDT"], 7),
            feed.instruments(["AAAUSDT"]),
            feed.candles([request("AAAUSDT")]),
        )
        return list(await asyncio.gather(*parts, return_exceptions=True))

    outcomes = run_with(asked_directly(server, World()), ask_all)
    server.close()
    assert [isinstance(outcome, (FeedError, dict, int)) for outcome in outcomes] == [True] * 4
