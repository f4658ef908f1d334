"""The client's policy: what is tried again and how often, what closes the venue, what is never let in."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from papertrade.errors import FeedError
from papertrade.feeds.answer import Answer
from papertrade.feeds.feed import Closure
from papertrade.feeds.http import HttpSettings, VenueHttp, VenueRefused
from papertrade.feeds.stay_away import LONGEST_MS
from tests.feeds.world import RECORDED, START, World, failure_of, served, settings


class Venue:
    """A venue that gives the listed answers one after the other, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def ok(body: bytes = b'{"fine":1}') -> httpx.Response:
    return httpx.Response(200, content=body)


def status(code: int, body: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(code, headers={name.replace("_", "-"): text for name, text in headers.items()}, text=body)


async def get(http: VenueHttp, until: float | None = None) -> Answer:
    try:
        return await http.get("/api/v3/x", {"symbol": "A"}, http.deadline() if until is None else until)
    finally:
        await http.aclose()


def test_an_answer_is_returned() -> None:
    venue = Venue(ok())
    assert asyncio.run(get(served(venue, World()))) == {"fine": 1}
    assert str(venue.asked[0].url) == "http://venue.test/api/v3/x?symbol=A"


@pytest.mark.parametrize(
    "failure",
    [
        *(status(code) for code in (408, 425, 500, 502, 503, 504)),
        status(429, Retry_After="0"),
        httpx.ConnectError("no route"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("cut"),
    ],
)
def test_what_another_try_may_cure_is_tried_again(failure: httpx.Response | Exception) -> None:
    venue, world = Venue(failure, failure, ok()), World()
    assert asyncio.run(get(served(venue, world))) == {"fine": 1}
    assert len(venue.asked) == 3
    assert world.sleeps == [0.25, 0.5]


def test_four_tries_are_enough() -> None:
    venue, world = Venue(status(503)), World()
    error = failure_of(get(served(venue, world)))
    assert error.error_code == "feed_unavailable"
    assert len(venue.asked) == 4
    assert world.sleeps == [0.25, 0.5, 1.0]


def test_jitter_is_full_and_bounded() -> None:
    lucky, unlucky = World(luck=0.0), World(luck=0.999)
    failure_of(get(served(Venue(status(503)), lucky)))
    failure_of(get(served(Venue(status(503)), unlucky)))
    assert lucky.sleeps == [0.0, 0.0, 0.0]
    assert unlucky.sleeps == pytest.approx([0.4995, 0.999, 1.998])


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        *((status(code), "feed_refused") for code in (400, 401, 403, 404, 301)),
        (status(302, Location="http://venue.test/elsewhere"), "feed_refused"),
        (status(451), "feed_restricted"),
        (status(418, Retry_After="60"), "feed_banned"),
        (status(204), "feed_bad_answer"),
        (status(501), "feed_bad_answer"),
        (ok(b"<html>"), "feed_bad_answer"),
        (ok(b"[" * 50_000), "feed_bad_answer"),
        (ok(b"x" * (4 * 1024 * 1024 + 1)), "feed_bad_answer"),
        (httpx.UnsupportedProtocol("ftp"), "feed_unreachable"),
        (httpx.LocalProtocolError("header"), "feed_unreachable"),
        (httpx.ProxyError("refused"), "feed_unreachable"),
        (httpx.DecodingError("gzip"), "feed_bad_answer"),
        (UnicodeError("label too long"), "feed_unreachable"),
    ],
)
def test_what_another_try_cannot_cure_is_asked_once(failure: httpx.Response | Exception, code: str) -> None:
    venue, world = Venue(failure), World()
    error = failure_of(get(served(venue, world)))
    assert isinstance(error, FeedError)
    assert error.error_code == code
    assert len(venue.asked) == 1
    assert world.sleeps == []


def test_the_venues_own_code_is_kept() -> None:
    error = failure_of(get(served(Venue(status(400, '{"code":-1121,"msg":"Invalid symbol."}')), World())))
    assert isinstance(error, VenueRefused)
    assert (error.status, error.venue_code) == (400, -1121)
    assert error.message == "`binance` answered HTTP 400: Invalid symbol."


@pytest.mark.parametrize(
    "body", ["", "plain", "[]", '{"code":"x","msg":1}', '{"code":null}', "\x1b[2J" * 50_000, '{"code":true']
)
def test_an_error_body_of_any_shape_is_survived(body: str) -> None:
    error = failure_of(get(served(Venue(status(400, body)), World())))
    assert isinstance(error, VenueRefused)
    assert error.venue_code is None
    assert error.message.isprintable()


def test_a_short_wait_is_waited_for() -> None:
    venue, world = Venue(status(429, Retry_After="2"), ok()), World()
    http = served(venue, world)
    assert asyncio.run(get(http)) == {"fine": 1}
    assert world.sleeps == [2.0]
    assert http.closure is None


def test_nobody_asks_before_the_venue_wants_to_be_asked_again() -> None:
    """The clock stands still here, so that each request that comes too early has to wait by itself."""
    venue, world = Venue(status(429, Retry_After="2"), ok()), World(is_standing=True)
    http = served(venue, world)

    async def in_turn() -> list[Answer]:
        try:
            return [await http.get("/x", {}, http.deadline()) for _ in range(2)]
        finally:
            await http.aclose()

    assert asyncio.run(in_turn()) == [{"fine": 1}] * 2
    assert world.sleeps == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("answer", "code", "wait_ms"),
    [
        (status(429, Retry_After="60"), "feed_rate_limited", 60_000),
        (status(429), "feed_rate_limited", 60_000),
        (status(418, Retry_After="7200"), "feed_banned", 7_200_000),
        (status(418, Retry_After="Sat, 08 Dec 2018 22:50:00 GMT"), "feed_banned", 600_000),
        (status(418, Retry_After="99999999"), "feed_banned", LONGEST_MS),
        (status(418), "feed_banned", 120_000),
        (status(418, Content_Encoding="gzip, gzip"), "feed_banned", 120_000),
        (status(418, f"IP banned until {START + 900_000}."), "feed_banned", 900_000),
        (status(418, f'{{"code":-1003,"msg":"IP banned until {START - 9}."}}'), "feed_banned", 120_000),
        (status(429, f"IP banned until {START + 900_000}."), "feed_rate_limited", 900_000),
    ],
)
def test_a_long_wait_closes_the_venue(answer: httpx.Response, code: str, wait_ms: int) -> None:
    venue, world = Venue(answer), World()
    http = served(venue, world)
    error = failure_of(get(http))
    assert error.error_code == code
    assert http.closure is not None
    assert http.closure.until_ms == START + wait_ms
    assert len(venue.asked) == 1


def test_a_429_that_comes_again_and_again_closes_the_venue() -> None:
    venue, world = Venue(status(429, Retry_After="3")), World()
    http = served(venue, world)
    assert failure_of(get(http)).error_code == "feed_rate_limited"
    assert len(venue.asked) == 4
    assert http.closure == Closure(world.now_ms + 3_000, "too many requests (HTTP 429)")


def test_a_429_that_does_not_fit_what_is_left_closes_the_venue() -> None:
    venue, world = Venue(status(429, Retry_After="5")), World()
    http = served(venue, world)
    assert failure_of(get(http, until=world.elapsed + 4)).error_code == "feed_rate_limited"
    assert len(venue.asked) == 1
    assert http.closure is not None


def test_nothing_is_asked_while_closed_and_asked_again_afterwards() -> None:
    venue, world = Venue(ok()), World()
    http = served(venue, world, Closure(START + 120_000, "our address is banned (HTTP 418)"))
    error = failure_of(get(http))
    assert error.error_code == "feed_banned"
    assert "until `2018-12-08T22:42:00.000Z`" in error.message
    assert venue.asked == []
    world.pass_seconds(120)
    assert http.closure is None
    assert asyncio.run(get(http)) == {"fine": 1}


def test_a_closure_beyond_any_ban_is_not_believed() -> None:
    """As after the local clock was set back by years."""
    venue = Venue(ok())
    assert asyncio.run(get(served(venue, World(), Closure(START + LONGEST_MS + 1, "old")))) == {"fine": 1}


def test_the_longer_closure_stands() -> None:
    waits = iter(["60", "600"])  # the second one in is the first one out
    both_are_in = asyncio.Barrier(2)

    async def ban(request: httpx.Request) -> httpx.Response:
        wait = next(waits)
        await both_are_in.wait()
        return status(418, Retry_After=wait)

    http = VenueHttp(settings(), World().ambient(), None, httpx.MockTransport(ban))

    async def two() -> list[Answer | BaseException]:
        try:
            asked = (http.get("/x", {}, http.deadline()) for _ in range(2))
            return await asyncio.gather(*asked, return_exceptions=True)
        finally:
            await http.aclose()

    assert [isinstance(error, FeedError) for error in asyncio.run(two())] == [True, True]
    assert http.closure is not None
    assert http.closure.until_ms == START + 600_000


def test_a_ban_that_never_ends_its_sentence_is_obeyed() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"code":-1003,'
        await asyncio.sleep(30)

    async def ban(request: httpx.Request) -> httpx.Response:
        return httpx.Response(418, content=endless())

    http = VenueHttp(settings(deadline_seconds=0.1), World().ambient(), None, httpx.MockTransport(ban))
    assert failure_of(get(http)).error_code == "feed_timeout"
    assert http.closure is not None


def test_a_heavy_minute_slows_down() -> None:
    def asked_after(*weights: str) -> list[float]:
        world = World()
        venue = Venue(*(httpx.Response(200, headers={"X-MBX-USED-WEIGHT-1M": w}, content=b"1") for w in weights))
        http = served(venue, world)

        async def in_turn() -> None:
            for _ in range(4):
                await http.get("/x", {}, http.deadline())
            await http.aclose()

        asyncio.run(in_turn())
        return world.sleeps

    assert asked_after("4800") == []
    assert asked_after("4801") == [0.25, 0.25]
    assert asked_after("4801", "5000", "12") == [0.25, 0.25]
    assert asked_after("-1") == asked_after("x") == asked_after("1_0") == asked_after("9" * 30) == []


def test_nothing_is_asked_when_the_time_is_up() -> None:
    venue, world = Venue(ok()), World()
    assert failure_of(get(served(venue, world), until=world.elapsed)).error_code == "feed_timeout"
    assert venue.asked == []


def test_a_venue_that_sleeps_is_left_at_the_deadline() -> None:
    async def sleepy(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        return ok()

    http = VenueHttp(settings(deadline_seconds=0.1), World().ambient(), None, httpx.MockTransport(sleepy))
    error = failure_of(get(http))
    assert error.error_code == "feed_timeout"
    assert error.message == "`binance` did not answer within 0.1 s"


def test_a_slow_name_server_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*args: object, **more: object) -> Sequence[tuple[object, ...]]:
        await asyncio.sleep(30)
        return []

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", never)
    http = VenueHttp(settings("http://venue.test", deadline_seconds=0.2), World().ambient())
    assert failure_of(get(http)).error_code == "feed_timeout"


def test_an_unknown_host_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*args: object, **more: object) -> Sequence[tuple[object, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", unknown)
    world = World()
    error = failure_of(get(VenueHttp(settings("http://venue.test"), world.ambient())))
    assert error.error_code == "feed_unreachable"
    assert error.message == "`binance` cannot be reached at `venue.test`: ConnectError"
    assert len(world.sleeps) == 3


@pytest.mark.parametrize(
    ("size", "encoding", "outcome"),
    [(9, "gzip", "xxxxxxxxx"), (50_000_000, "gzip", None), (9, "gzip, gzip", None), (9, "br", None)],
)
def test_one_layer_of_gzip_is_read_and_a_bomb_is_not(size: int, encoding: str, outcome: str | None) -> None:
    async def packed() -> AsyncIterator[bytes]:
        yield gzip.compress(b'"' + b"x" * size + b'"')

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": encoding}, content=packed())

    async def answer_or_code() -> Answer:
        try:
            return await get(served(answer, World()))
        except FeedError as error:
            assert error.error_code == "feed_bad_answer"
            return None

    assert asyncio.run(answer_or_code()) == outcome


@pytest.mark.parametrize(
    ("base_url", "proxy"),
    [
        ("ftp://venue.test", None),
        ("venue.test", None),
        ("http://venue.test:99999999", None),
        ("http://" + "a" * 70 + ".test", None),
        ("http://[::1", None),
        ("http://venue.test", "gopher://proxy.test"),
        ("http://venue.test", "socks5://proxy.test"),
    ],
)
def test_an_address_that_cannot_be_asked_is_no_traceback(base_url: str, proxy: str | None) -> None:
    chosen = HttpSettings(venue="binance", base_url=base_url, proxy=proxy, deadline_seconds=3)
    error = failure_of(get(VenueHttp(chosen, World().ambient())))
    assert error.error_code == "feed_unreachable"


def test_a_password_on_the_way_is_shown_nowhere() -> None:
    chosen = HttpSettings(venue="binance", base_url="ftp://me:SENTINEL@venue.test", proxy="http://me:SENTINEL@p.test")
    error = failure_of(
        get(VenueHttp(chosen, World().ambient(), None, httpx.MockTransport(Venue(httpx.ReadError("x")))))
    )
    assert "SENTINEL" not in repr(chosen).replace(chosen.base_url, "") + error.message + str(error.hint)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")
def test_recorded_errors_are_understood() -> None:
    folder = RECORDED / "api" / "binance"

    def error_of(code: int, file: str) -> FeedError:
        error = failure_of(get(served(Venue(status(code, (folder / file).read_text())), World())))
        assert isinstance(error, FeedError)
        return error

    assert error_of(451, "error-451-restricted-location.json").error_code == "feed_restricted"
    assert error_of(429, "error-1003-429.json").error_code == "feed_rate_limited"
    assert error_of(418, "error-1003-ip-banned.json").error_code == "feed_banned"
    refused = error_of(400, "doc-error-1121.json")
    assert isinstance(refused, VenueRefused)
    assert refused.venue_code == -1121
