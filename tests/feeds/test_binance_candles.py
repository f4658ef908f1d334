"""Candles from a loopback venue: ranges, pages, intervals, failures of one symbol."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from papertrade.engine.market import MINUTE_MS, Candle
from tests.feeds.world import (
    NOW,
    START,
    SYMBOLS,
    World,
    asked_directly,
    candle,
    candles,
    codes,
    feed_at,
    minutes,
    opens,
    request,
)
from tests.venue_faults import Fault, refuse
from tests.venue_market import Market
from tests.venue_server import VenueServer


def test_candles_of_the_range_come_with_the_forming_one(venue: VenueServer) -> None:
    (found,) = candles(feed_at(venue.base_url, World()), request("AAAUSDT", 3, 20))
    assert opens(found) == list(range(3, 11))
    assert isinstance(found, tuple)
    assert found[0] == candle(3)
    assert found[-1].volume < candle(10).volume


def test_one_symbols_failure_is_a_value(venue: VenueServer) -> None:
    venue.always("klines", Fault(body=b'[["x"]]'), symbol="BBBUSDT")
    venue.always("klines", refuse(403), symbol="CCCUSDT")
    venue.always("klines", refuse(503), symbol="DDDUSDT")
    asked = [request(symbol) for symbol in (*SYMBOLS[:4], "NOPE", "EEEUSDT")]
    found = candles(feed_at(venue.base_url, World()), *asked)
    wanted = [None, "feed_bad_answer", "feed_refused", "feed_unavailable", "unknown_symbol", None]
    assert codes(found) == wanted


def test_an_interval_that_the_venue_refuses(venue: VenueServer) -> None:
    asked = [request("AAAUSDT", interval=interval) for interval in ("1s", "1w", "7m", "1m")]
    found = candles(feed_at(venue.base_url, World()), *asked)
    assert codes(found) == ["no_such_interval"] * 3 + [None]
    assert venue.count("klines") == 2


def test_finer_candles_where_the_venue_has_them() -> None:
    seconds = tuple(candle(number, interval_ms=1000) for number in range(90))
    market = Market({"AAAUSDT": minutes(5)}, {"AAAUSDT": seconds})
    with VenueServer(market, NOW) as venue:
        (found,) = candles(feed_at(venue.base_url, World()), request("AAAUSDT", 5, 8, "1s"))
    assert found == seconds[5:8]


LONG = minutes(2_600)


def recorded_with_holes(holes: frozenset[int]) -> tuple[Candle, ...]:
    return tuple(kept for number, kept in enumerate(LONG) if number not in holes)


@given(
    st.lists(st.integers(0, 2_700), max_size=4),
    st.frozensets(st.integers(0, 2_599), max_size=30) | st.just(frozenset(range(900, 2_100))),
    st.integers(0, 700),
    st.integers(1_500, 2_700),
)
@hypothesis_settings(max_examples=12, deadline=None)
def test_any_split_of_a_range_gives_the_same_candles(
    cuts: list[int], holes: frozenset[int], first: int, end: int
) -> None:
    tape = recorded_with_holes(holes)
    market = Market({"AAAUSDT": tape})
    server = VenueServer(market, START + 3_000 * MINUTE_MS)
    edges = sorted({first, end, *(cut for cut in cuts if first < cut < end)})
    asked = [request("AAAUSDT", start, stop) for start, stop in pairwise(edges)]
    parts = candles(asked_directly(server, World()), *asked)
    server.close()
    assert [found for part in parts if isinstance(part, tuple) for found in part] == [
        kept for kept in tape if START + first * MINUTE_MS <= kept.open_ms < START + end * MINUTE_MS
    ]


def test_a_year_is_not_needed_to_see_that_pages_are_full(venue: VenueServer) -> None:
    server = VenueServer.of({"AAAUSDT": LONG}, START + 3_000 * MINUTE_MS)
    (found,) = candles(asked_directly(server, World()), request("AAAUSDT", 0, 2_600))
    server.close()
    assert opens(found) == list(range(2_600))
    assert [asked.query["limit"] for asked in server.requests] == ["1000", "1000", "600"]
    last = str(START + 2_600 * MINUTE_MS - 1)
    assert [asked.query["endTime"] for asked in server.requests] == [last] * 3
