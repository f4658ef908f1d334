"""Order books and the day's moves from Binance: the recorded shapes, and every way in which an answer can be bad."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.order_book import BookLevel, OrderBook
from papertrade.errors import FeedError
from papertrade.feeds.answer import Answer
from papertrade.feeds.binance_answers import read_book, read_moves
from papertrade.feeds.feed import Books, DayMove
from papertrade.feeds.tape import Tape, TapeFeed
from tests.feeds.test_binance_answers import needs_recorded, recorded
from tests.feeds.world import START, World, asked_directly, closing, codes, failure_of, feed_at, minutes, run_with
from tests.venue_faults import Fault, edited, html, refuse
from tests.venue_server import VenueServer

THREE_DEEP = ([("99.5", "1"), ("99", "2"), ("98", "3")], [("100.5", "4"), ("101", "5"), ("102", "6")])


def level(price: str, quantity: str) -> BookLevel:
    return BookLevel(Decimal(price), Decimal(quantity))


def books(venue: VenueServer, *symbols: str, depth: int = 10) -> Books:
    return run_with(feed_at(venue.base_url, World()), lambda feed: feed.books(symbols, depth, 7))


@needs_recorded
@pytest.mark.parametrize(
    ("name", "bids", "asks", "best_bid", "best_ask"),
    [
        ("depth-BTCUSDT-10.json", 10, 10, level("60650", "0.00213"), level("60650.01", "0.61982")),
        ("depth-BTCUSDT.json", 1000, 1000, level("61837.63", "3.78826"), level("61837.64", "1.54698")),
        ("depth-NKNUSDT.json", 609, 1000, level("0.3521", "672"), level("0.3525", "3959")),
        ("depth-BLZETH.json", 174, 1000, level("0.00006547", "100"), level("0.00006555", "6617")),
    ],
)
def test_recorded_books_are_read(name: str, bids: int, asks: int, best_bid: BookLevel, best_ask: BookLevel) -> None:
    book = read_book("BTCUSDT", recorded(name), 7)
    assert isinstance(book, OrderBook)
    assert (len(book.bids), len(book.asks), book.at_ms) == (bids, asks, 7)
    assert (book.bids[0], book.asks[0]) == (best_bid, best_ask)


@needs_recorded
@pytest.mark.parametrize("name", ["doc-ticker-24hr-mini-single.json", "doc-ticker-24hr-full-single.json"])
def test_a_documented_day_is_read(name: str) -> None:
    (move,) = read_moves([recorded(name)])
    assert (move.symbol, move.last, move.high, move.low) == (
        "BNBBTC",
        Decimal("4.000002"),
        Decimal(100),
        Decimal("0.1"),
    )
    assert move.turnover == Decimal("15.3")
    assert move.change_percent.quantize(Decimal("0.001")) == Decimal("-95.960")


def answered(bids: Answer = None, asks: Answer = None) -> Answer:
    return {"lastUpdateId": 1, "bids": [] if bids is None else bids, "asks": [] if asks is None else asks}


def rows(*pairs: str) -> Answer:
    """Read levels written `2@100`: quantity at price, as the venue sends them."""
    return [list(reversed(pair.split("@"))) for pair in pairs]


HOSTILE_BOOKS: list[tuple[str, Answer]] = [
    ("no object", []),
    ("nothing", None),
    ("an error", {"code": -1, "msg": "no"}),
    ("bids missing", {"asks": []}),
    ("asks are a number", {"bids": [], "asks": 7}),
    ("asks are null", {"bids": [], "asks": None}),
    ("asks twice", {"bids": [], "asks": [rows("1@100"), rows("1@101")]}),
    ("a level is a number", answered(asks=[100])),
    ("a level is an object", answered(asks=[{"price": "100", "quantity": "1"}])),
    ("a level is too short", answered(asks=[["100"]])),
    ("a level is empty", answered(asks=[[]])),
    ("a float", answered(asks=[[Decimal("100.5"), "1"]])),
    ("an int", answered(asks=[["100", 1]])),
    ("NaN", answered(asks=rows("1@NaN"))),
    ("NaN of a quantity", answered(asks=rows("NaN@100"))),
    ("infinity", answered(asks=rows("1@Infinity"))),
    ("an exponent", answered(asks=rows("1@1e2"))),
    ("below 0", answered(asks=rows("1@-100"))),
    ("a quantity below 0", answered(asks=rows("-1@100"))),
    ("a price of 0", answered(asks=rows("1@0"))),
    ("a price of 0 without quantity", answered(asks=rows("0@0"))),
    ("a number too long", answered(asks=rows(f"1@1{'0' * 20}"))),
    ("blanks", answered(asks=rows("1@ 100"))),
    ("another script", answered(asks=rows("1@١٠٠"))),
    ("asks unsorted", answered(asks=rows("1@101", "1@100"))),
    ("asks repeat a price", answered(asks=rows("1@100", "2@100.00"))),
    ("bids unsorted", answered(bids=rows("1@100", "1@101"))),
    ("crossed", answered(rows("1@101"), rows("1@100"))),
    ("touching", answered(rows("1@100"), rows("1@100.000"))),
]


@pytest.mark.parametrize("answer", [case[1] for case in HOSTILE_BOOKS], ids=[case[0] for case in HOSTILE_BOOKS])
def test_a_hostile_book_is_one_clear_error(answer: Answer) -> None:
    book = read_book("BTCUSDT", answer, 7)
    assert isinstance(book, FeedError)
    assert book.error_code == "feed_bad_answer"
    assert "`BTCUSDT`" in book.message
    assert book.message.isprintable()
    assert len(book.message) < 400


def test_a_level_of_nothing_is_none_and_an_empty_book_is_one() -> None:
    book = read_book("X", answered(rows("0.000@99", "2@98"), rows("0@100", "0@101")), 7)
    assert book == OrderBook(at_ms=7, bids=(level("98", "2"),), asks=())
    assert read_book("X", answered(), 7) == OrderBook(at_ms=7, bids=(), asks=())


def test_more_fields_of_a_level_do_no_harm() -> None:
    book = read_book("X", {"bids": [], "asks": [["100", "1", []]], "T": 5, "E": 6}, 7)
    assert book == OrderBook(at_ms=7, bids=(), asks=(level("100", "1"),))


def test_a_huge_book_is_read_whole() -> None:
    count = 20_000
    answer = answered(
        asks=[[f"{100 + number}.5", "99999999999999999999.000000000000000001"] for number in range(count)]
    )
    book = read_book("X", answer, 7)
    assert isinstance(book, OrderBook)
    assert len(book.asks) == count


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["1", "0", "100.5", "NaN"])
ANSWERS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["bids", "asks", "symbol"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(ANSWERS)
def test_nothing_that_a_venue_says_is_anything_but_a_book_or_an_error(answer: Answer) -> None:
    assert isinstance(read_book("X", answer, 7), OrderBook | FeedError)


MOVE: dict[str, Answer] = {
    "symbol": "BTCUSDT",
    "openPrice": "100",
    "lastPrice": "103",
    "highPrice": "105",
    "lowPrice": "99",
    "quoteVolume": "1000.5",
}
FLAWS: list[dict[str, Answer]] = [
    {"openPrice": "0"},
    {"openPrice": None},
    {"lastPrice": "NaN"},
    {"lastPrice": "0.00000000"},
    {"highPrice": "1e400"},
    {"lowPrice": -1},
    {"quoteVolume": "-1"},
    {"symbol": "a b"},
    {"symbol": 7},
]


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_symbol_that_cannot_be_read_costs_no_other(flaw: dict[str, Answer]) -> None:
    assert read_moves([{**MOVE, **flaw}, MOVE, 7, None]) == (
        DayMove(
            symbol="BTCUSDT",
            last=Decimal(103),
            change_percent=Decimal(3),
            high=Decimal(105),
            low=Decimal(99),
            turnover=Decimal("1000.5"),
        ),
    )
    with pytest.raises(FeedError) as caught:
        read_moves([{**MOVE, **flaw}])
    assert caught.value.error_code == "feed_bad_answer"


@pytest.mark.parametrize("answer", [None, {}, "x", 7, {"code": -1, "msg": "no"}])
def test_moves_that_are_no_list_are_an_error(answer: Answer) -> None:
    with pytest.raises(FeedError) as caught:
        read_moves(answer)
    assert caught.value.error_code == "feed_bad_answer"


def test_a_day_without_symbols_is_empty() -> None:
    assert read_moves([]) == ()


def test_books_are_asked_for_one_by_one_and_once(venue: VenueServer) -> None:
    venue.depths["AAAUSDT"] = THREE_DEEP
    found = books(venue, "AAAUSDT", "AAAUSDT", "BBBUSDT", depth=2)
    assert list(found) == ["AAAUSDT", "BBBUSDT"]
    assert found["AAAUSDT"] == OrderBook(
        at_ms=7, bids=(level("99.5", "1"), level("99", "2")), asks=(level("100.5", "4"), level("101", "5"))
    )
    assert (venue.count("depth"), venue.count()) == (2, 2)
    assert {asked.query["limit"] for asked in venue.requests} == {"2"}


def test_an_unknown_symbol_is_remembered(venue: VenueServer) -> None:
    feed = feed_at(venue.base_url, World())

    async def twice() -> list[object]:
        found = [(await feed.books(["NOSUCH"], 5, 7))["NOSUCH"] for _ in range(2)]
        await feed.aclose()
        return [answer.error_code if isinstance(answer, FeedError) else answer for answer in found]

    assert asyncio.run(twice()) == ["unknown_symbol", "unknown_symbol"]
    assert venue.count("depth") == 1


def test_what_cannot_be_a_symbol_is_an_unknown_one(venue: VenueServer) -> None:
    answer = books(venue, "€")["€"]
    assert isinstance(answer, FeedError)
    assert answer.error_code == "unknown_symbol"


def test_one_bad_book_costs_no_other(venue: VenueServer) -> None:
    venue.spread = Decimal("0.02")
    venue.depths["AAAUSDT"] = ([("101", "1")], [("100", "1")])
    venue.always("depth", refuse(400, -1), symbol="BBBUSDT")
    found = books(venue, "AAAUSDT", "BBBUSDT", "CCCUSDT")
    assert codes(list(found.values())) == ["feed_bad_answer", "feed_refused", None]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (refuse(503), "feed_unavailable"),
        (refuse(451, 0), "feed_restricted"),
        (refuse(429, Retry_After="60"), "feed_rate_limited"),
    ],
)
def test_a_venue_that_fails_is_one_error_for_all(venue: VenueServer, fault: Fault, code: str) -> None:
    venue.always("*", fault)
    feed = feed_at(venue.base_url, World())
    assert failure_of(closing(feed, feed.books(["AAAUSDT", "BBBUSDT"], 5, 7))).error_code == code
    feed = feed_at(venue.base_url, World())
    assert failure_of(closing(feed, feed.movers())).error_code == code


@pytest.mark.parametrize("fault", [html(), Fault(body=b"[" + b" " * 5_000_000 + b"]")])
def test_an_answer_that_is_none_is_an_error_of_each(venue: VenueServer, fault: Fault) -> None:
    venue.always("*", fault)
    found = books(venue, "AAAUSDT", "BBBUSDT")
    assert codes(list(found.values())) == ["feed_bad_answer", "feed_bad_answer"]
    feed = feed_at(venue.base_url, World())
    assert failure_of(closing(feed, feed.movers())).error_code == "feed_bad_answer"


def test_the_moves_of_a_day_are_asked_for_at_once(venue: VenueServer) -> None:
    feed = asked_directly(venue, World())
    moves = asyncio.run(closing(feed, feed.movers()))
    assert {move.symbol for move in moves} >= {"AAAUSDT", "BBBUSDT"}
    assert (venue.count("ticker/24hr"), venue.count()) == (1, 1)


def test_a_level_edited_on_the_way_is_refused(venue: VenueServer) -> None:
    venue.always("depth", edited(lambda _: {"lastUpdateId": 1, "bids": [["NaN", "1"]], "asks": []}))
    answer = books(venue, "AAAUSDT")["AAAUSDT"]
    assert isinstance(answer, FeedError)
    assert answer.error_code == "feed_bad_answer"


def test_a_tape_has_neither_books_nor_moves() -> None:
    feed = TapeFeed(Tape(candles={"AAAUSDT": minutes(3)}), lambda: START)
    answer = asyncio.run(feed.books(["AAAUSDT"], 5, 7))["AAAUSDT"]
    assert isinstance(answer, FeedError)
    assert (answer.error_code, answer.message) == ("no_book", "`tape` shows no order book of `AAAUSDT`")
    assert failure_of(feed.movers()).error_code == "no_movers"
