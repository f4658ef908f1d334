"""What the Binance feed makes of a venue that answers well, or badly for one symbol: time, instruments, quotes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Quote
from papertrade.errors import UnknownSymbol
from papertrade.feeds.binance import BinanceFeed
from papertrade.feeds.feed import Quotes
from tests.feeds.world import (
    NOW,
    SYMBOLS,
    World,
    candles,
    closing,
    codes,
    failure_of,
    feed_at,
    minutes,
    quotes,
    request,
    run_with,
)
from tests.venue_faults import Fault, Json, edited, html, refuse
from tests.venue_server import VenueServer


def test_the_venues_clock_is_read(venue: VenueServer) -> None:
    feed = feed_at(venue.base_url, World())
    assert run_with(feed, lambda asked: asked.time_ms()) == NOW
    assert (feed.venue, feed.has_candles, feed.closure) == ("binance", True, None)


@pytest.mark.parametrize("body", [b"{}", b'{"serverTime":"1"}', b'{"serverTime":NaN}', b"[]", b"7.5"])
def test_a_clock_without_a_time_is_a_bad_answer(venue: VenueServer, body: bytes) -> None:
    venue.plan("time", Fault(body=body))
    feed = feed_at(venue.base_url, World())
    assert failure_of(closing(feed, feed.time_ms())).error_code == "feed_bad_answer"


def test_instruments_are_read_and_unknown_ones_named(venue: VenueServer) -> None:
    feed = feed_at(venue.base_url, World())
    found = run_with(feed, lambda asked: asked.instruments(["AAAUSDT", "EEEUSDT", "NOPE"]))
    assert list(found) == ["AAAUSDT", "EEEUSDT", "NOPE"]
    assert isinstance(found["NOPE"], UnknownSymbol)
    assert found["EEEUSDT"] == Instrument(
        venue="binance",
        symbol="EEEUSDT",
        base="EEE",
        quote="USDT",
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.1"),
        quantity_min=Decimal("0.00000001"),
        quantity_max=Decimal(9_000_000),
        notional_min=Decimal(5),
        notional_max=Decimal(9_000_000),
        is_trading=False,
    )


def test_instruments_that_the_answer_lacks_are_unknown(venue: VenueServer) -> None:
    venue.plan("exchangeInfo", Fault(body=b'{"symbols":[]}'))
    feed = feed_at(venue.base_url, World())
    found = run_with(feed, lambda asked: asked.instruments(["AAAUSDT"]))
    assert isinstance(found["AAAUSDT"], UnknownSymbol)
    assert found["AAAUSDT"].hint == "write it as the venue does, base then quote, such as `BTCUSDT`"


def test_many_instruments_are_asked_for_in_batches() -> None:
    names = [f"S{number}USDT" for number in range(250)]
    with VenueServer.of(dict.fromkeys(names, minutes(1)), NOW) as venue:
        found = run_with(feed_at(venue.base_url, World()), lambda asked: asked.instruments(names))
        assert venue.count("exchangeInfo") == 3
    assert [isinstance(instrument, Instrument) for instrument in found.values()] == [True] * 250


def test_a_quote_joins_last_price_and_book(venue: VenueServer) -> None:
    venue.spread = Decimal("0.2")
    found = quotes(feed_at(venue.base_url, World()), "AAAUSDT", "BBBUSDT", "AAAUSDT")
    expected = Quote(at_ms=7, last=Decimal(101), bid=Decimal("100.9"), ask=Decimal("101.1"))
    assert found == {"AAAUSDT": expected, "BBBUSDT": expected}
    assert (venue.count("ticker/price"), venue.count("ticker/bookTicker")) == (1, 1)


def test_without_the_book_one_request_is_enough(venue: VenueServer) -> None:
    feed = feed_at(venue.base_url, World())
    found = run_with(feed, lambda asked: asked.quotes(SYMBOLS, 7, with_book=False))
    assert set(found.values()) == {Quote(at_ms=7, last=Decimal(101))}
    assert venue.count() == 1


def test_no_symbols_cost_no_request(venue: VenueServer) -> None:
    feed = feed_at(venue.base_url, World())
    assert quotes(feed) == {}
    assert run_with(feed, lambda asked: asked.instruments([])) == {}
    assert candles(feed) == []
    assert venue.count() == 0


def test_a_venue_without_a_book_is_asked_for_it_once_an_hour(venue: VenueServer) -> None:
    venue.always("ticker/bookTicker", html(404))
    world = World()

    async def three_times(feed: BinanceFeed) -> list[Quotes]:
        first, second = await feed.quotes(["AAAUSDT"], 7), await feed.quotes(["AAAUSDT"], 7)
        world.pass_seconds(3601)
        return [first, second, await feed.quotes(["AAAUSDT"], 7)]

    found = run_with(feed_at(venue.base_url, world), three_times)
    assert found == [{"AAAUSDT": Quote(at_ms=7, last=Decimal(101))}] * 3
    assert venue.count("ticker/bookTicker") == 2


def test_a_book_that_lacks_a_symbol_leaves_its_last_price(venue: VenueServer) -> None:
    venue.plan("ticker/bookTicker", edited(lambda answer: answer[1:] if isinstance(answer, list) else answer))
    found = quotes(feed_at(venue.base_url, World()), "AAAUSDT", "BBBUSDT")
    assert found["AAAUSDT"] == Quote(at_ms=7, last=Decimal(101))
    assert found["BBBUSDT"] == Quote(at_ms=7, last=Decimal(101), bid=Decimal(101), ask=Decimal(101))


@pytest.mark.parametrize(("fault", "code"), [(refuse(403), "feed_refused"), (html(), "feed_bad_answer")])
def test_a_book_that_fails_otherwise_is_not_passed_over(venue: VenueServer, fault: Fault, code: str) -> None:
    """A trade entered at the last price where there is an ask would be too good to be true."""
    venue.always("ticker/bookTicker", fault)
    feed = feed_at(venue.base_url, World())
    assert failure_of(closing(feed, feed.quotes(["AAAUSDT"], 7))).error_code == code


def test_a_book_that_refuses_a_symbol_with_a_price_leaves_the_price(venue: VenueServer) -> None:
    venue.always("ticker/bookTicker", refuse(400, -1121))
    assert quotes(feed_at(venue.base_url, World()), "AAAUSDT") == {"AAAUSDT": Quote(at_ms=7, last=Decimal(101))}


def test_a_venue_that_refuses_us_is_not_an_unknown_symbol(venue: VenueServer) -> None:
    venue.always("*", html(403))
    feed = feed_at(venue.base_url, World())
    error = failure_of(closing(feed, feed.quotes(SYMBOLS, 7)))
    assert error.error_code == "feed_refused"
    assert error.message.startswith("`binance` answered HTTP 403: <!DOCTYPE html>")
    assert venue.count() == 2


def test_above_a_hundred_symbols_everything_is_asked_for_at_once() -> None:
    names = [f"S{number}USDT" for number in range(150)]
    with VenueServer.of(dict.fromkeys(names, minutes(1)), NOW) as venue:
        found = quotes(feed_at(venue.base_url, World()), *names, "NOPE")
        assert venue.count() == 2
        assert {asked.symbols for asked in venue.requests} == {()}
    assert isinstance(found["NOPE"], UnknownSymbol)
    assert [isinstance(found[name], Quote) for name in names] == [True] * 150


def _without_first(answer: Json) -> Json:
    return answer[1:] if isinstance(answer, list) else answer


def test_a_symbol_missing_in_the_batch_is_that_symbols_error(venue: VenueServer) -> None:
    venue.plan("ticker/price", edited(_without_first))
    found = quotes(feed_at(venue.base_url, World()), *SYMBOLS)
    assert codes(list(found.values())) == ["no_price", None, None, None, None]


@pytest.mark.parametrize("bad", range(len(SYMBOLS)))
@pytest.mark.parametrize("value", ["NaN", float("nan"), "-5", "0", "1" * 30, 5.5, None])
def test_f18_a_bad_price_is_that_symbols_error_wherever_it_stands(venue: VenueServer, bad: int, value: Json) -> None:
    def spoil(answer: Json) -> Json:
        assert isinstance(answer, list)
        return [{"symbol": SYMBOLS[at], "price": value} if at == bad else item for at, item in enumerate(answer)]

    venue.plan("ticker/price", edited(spoil))
    found = quotes(feed_at(venue.base_url, World()), *SYMBOLS)
    assert codes(list(found.values())) == ["feed_bad_answer" if at == bad else None for at in range(len(SYMBOLS))]


def test_f21_a_bad_symbol_is_found_by_halving_and_remembered_for_an_hour(venue: VenueServer) -> None:
    world = World()
    wanted = ["AAAUSDT", "BBBUSDT", "NOPE", "CCCUSDT", "B@D", "DDDUSDT"]

    async def asking(feed: BinanceFeed) -> None:
        first = await feed.quotes(wanted, 7)
        asked_at_first = venue.count()
        venue.clear()
        assert await feed.quotes(wanted, 7) == {**first, "NOPE": _Same(first["NOPE"]), "B@D": _Same(first["B@D"])}
        assert codes([first[symbol] for symbol in wanted]) == [None, None, *["unknown_symbol", None] * 2]
        assert asked_at_first <= 11 + 2
        assert venue.count() == 2
        # known to be unknown, whatever is asked about it
        assert codes(list((await feed.instruments(["NOPE"])).values())) == ["unknown_symbol"]
        assert codes(list((await feed.candles([request("NOPE")])).values())) == ["unknown_symbol"]
        world.pass_seconds(3599)
        await feed.quotes(["NOPE"], 7)
        assert venue.count() == 2
        world.pass_seconds(2)
        await feed.quotes(["NOPE"], 7)
        assert venue.count() > 2

    run_with(feed_at(venue.base_url, world), asking)


class _Same:
    """Equal to errors of the same kind and words."""

    def __init__(self, like: object) -> None:
        self.like = like

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self.like) and str(other) == str(self.like)

    __hash__ = None  # type: ignore[assignment]
