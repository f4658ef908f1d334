"""The loopback venue itself: what the other tests believe it about."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.market import HOUR_MS, MINUTE_MS
from tests.feeds.world import NOW, START, candle, minutes
from tests.venue_faults import Json, refuse
from tests.venue_market import Market, Window, iso, read_candles
from tests.venue_server import VenueServer

ALL = Window(START, None, 1000)


def fetched(venue: VenueServer, path: str) -> tuple[int, Json]:
    try:
        with urllib.request.urlopen(f"{venue.base_url}/api/v3/{path}", timeout=5) as answer:
            body: Json = json.loads(answer.read())
            return answer.status, body
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_single_batch_and_all_have_their_shapes(venue: VenueServer) -> None:
    one: Json = {"symbol": "AAAUSDT", "price": "101"}
    assert fetched(venue, "ticker/price?symbol=AAAUSDT") == (200, one)
    assert fetched(venue, "ticker/price?symbols=%5B%22AAAUSDT%22%5D") == (200, [one])
    _, everything = fetched(venue, "ticker/price")
    assert isinstance(everything, list)
    assert len(everything) == 5


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("ticker/price?symbol=NOPE", 400, "-1121"),
        ("ticker/price?symbols=%5B%22AAAUSDT%22,%22NOPE%22%5D", 400, "-1121"),
        ("exchangeInfo?symbol=a%20b", 400, "-1100"),
        ("klines?symbol=AAAUSDT", 400, "-1102"),
        ("klines?symbol=AAAUSDT&interval=1s", 400, "-1120"),
        ("klines?symbol=AAAUSDT&interval=2m", 400, "-1120"),
        ("trades", 404, "404"),
    ],
)
def test_refusals_are_the_venues(venue: VenueServer, path: str, status: int, words: str) -> None:
    code, body = fetched(venue, path)
    assert code == status
    assert words in str(body)


def test_requests_are_logged_and_faults_come_in_order(venue: VenueServer) -> None:
    venue.plan("time", refuse(503), refuse(500))
    venue.plan("klines", refuse(502), symbol="BBBUSDT")
    assert [fetched(venue, "time")[0] for _ in range(3)] == [503, 500, 200]
    kline = "klines?interval=1m&symbol="
    assert [fetched(venue, kline + symbol)[0] for symbol in ("AAAUSDT", "BBBUSDT", "BBBUSDT")] == [200, 502, 200]
    assert (venue.count(), venue.count("time"), venue.count("klines", "BBBUSDT")) == (6, 3, 2)


def test_the_weight_is_counted_or_as_set(venue: VenueServer) -> None:
    def weight() -> str | None:
        with urllib.request.urlopen(f"{venue.base_url}/api/v3/time", timeout=5) as answer:
            told = answer.headers["X-MBX-USED-WEIGHT-1M"]
            return told if isinstance(told, str) else None

    assert weight() == "1"
    venue.used_weight = 5000
    assert weight() == "5000"


def test_klines_without_a_start_are_the_newest() -> None:
    kept = tuple(minute for minute in minutes(600) if minute.open_ms % (7 * MINUTE_MS) != 0)
    market = Market({"AB": kept})
    end = START + 600 * MINUTE_MS
    assert market.klines("AB", "1m", end, Window(None, None, 40)) == list(kept[-40:])
    assert market.klines("AB", "1m", end, Window(None, kept[99].open_ms, 40)) == list(kept[60:100])
    assert market.klines("AB", "1m", end, Window(None, None, 1000)) == list(kept)
    assert market.klines("AB", "1m", START - 1, ALL) == []


def test_longer_candles_are_made_of_the_minutes() -> None:
    market = Market({"AB": (*minutes(3), candle(5, low="7", high="500"))})
    merged = market.klines("AB", "5m", START + HOUR_MS, ALL)
    assert [(found.open_ms, found.low, found.high, found.volume) for found in merged] == [
        (START, Decimal(99), Decimal(101), Decimal(3)),
        (START + 5 * MINUTE_MS, Decimal(7), Decimal(500), Decimal(5)),
    ]


@given(st.integers(0, 5 * MINUTE_MS), st.sampled_from(["1m", "5m"]))
def test_the_forming_candle_is_on_its_way(now: int, interval: str) -> None:
    """It never shows more than its end does, and its close is the price."""
    market = Market({"AB": minutes(5)})
    instant = START + now
    forming = market.klines("AB", interval, instant, ALL)[-1]
    whole = next(
        kept for kept in market.klines("AB", interval, START + HOUR_MS, ALL) if kept.open_ms == forming.open_ms
    )
    assert whole.low <= forming.low <= forming.high <= whole.high
    assert forming.volume <= whole.volume
    assert forming.close == market.price("AB", instant)


def test_the_forming_candle_is_made_of_its_seconds() -> None:
    seconds = (candle(0, interval_ms=1000), candle(30, low="50", interval_ms=1000))
    market = Market({"AB": (candle(0, low="40"), candle(1))}, {"AB": seconds})

    def low_at(offset_ms: int) -> Decimal:
        return market.klines("AB", "1m", START + offset_ms, ALL)[-1].low

    assert [low_at(offset) for offset in (0, 1_000, 29_999, 31_000, 60_000)] == [
        Decimal(100),
        Decimal(99),
        Decimal(99),
        Decimal(50),
        Decimal(100),
    ]


def test_the_clock_stands_or_runs() -> None:
    market = Market({"AB": minutes(1)})
    standing, running = VenueServer(market, NOW), VenueServer(market, NOW, speed=1e6)
    first = running.now_ms
    assert standing.now_ms == NOW
    assert running.now_ms > first >= NOW
    running.now_ms = START
    assert START <= running.now_ms < NOW
    standing.close()
    running.close()


def test_by_hand_it_serves_a_candle_file(tmp_path: Path) -> None:
    path = tmp_path / "ab.csv"
    rows = [f"{iso(kept.open_ms)},100,101,99,100.5,{number}\n" for number, kept in enumerate(minutes(3))]
    path.write_text("time,open,high,low,close,volume\n" + "".join(rows))
    assert read_candles(path, MINUTE_MS) == minutes(3)
    assert read_candles(path, MINUTE_MS, START + MINUTE_MS, START + 2 * MINUTE_MS) == (candle(1),)
    words = ["-m", "tests.venue_server", "--candles", f"ABUSDT={path}", "--at", iso(START + 90_000), "--speed", "0"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        try:
            with urllib.request.urlopen(f"{base_url}/api/v3/klines?symbol=ABUSDT&interval=1m", timeout=5) as answer:
                rows_served = json.loads(answer.read())
        finally:
            process.terminate()
    assert [row[0] for row in rows_served] == [START, START + MINUTE_MS]
