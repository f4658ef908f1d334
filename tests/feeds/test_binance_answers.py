"""The shapes of the venue's answers, the recorded ones among them, and every way an item can be bad."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pytest

from papertrade.engine.instrument import Instrument
from papertrade.engine.market import DAY_MS, MINUTE_MS, Quote
from papertrade.engine.money import ZERO
from papertrade.errors import FeedError
from papertrade.feeds.answer import Answer, parse_json, read_time_ms
from papertrade.feeds.binance_answers import (
    Item,
    pick_instruments,
    pick_items,
    read_candles,
    read_instrument,
    read_quote,
)
from papertrade.feeds.feed import CandleRequest
from tests.feeds.world import RECORDED

FOLDER = RECORDED / "api" / "binance"
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")


def recorded(name: str) -> Answer:
    content = (FOLDER / name).read_bytes()
    return parse_json(gzip.decompress(content) if name.endswith(".gz") else content)


def described(symbol: str, file: str) -> Instrument:
    item = pick_instruments(recorded(file), {symbol})[symbol]
    instrument = read_instrument(symbol, item)
    assert isinstance(instrument, Instrument)
    return instrument


@needs_recorded
def test_recorded_instruments_are_read() -> None:
    assert described("BTCUSDT", "exchangeInfo-two-symbols.json") == Instrument(
        venue="binance",
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.00001"),
        quantity_min=Decimal("0.00001"),
        quantity_max=Decimal(9000),
        notional_min=Decimal(10),
    )
    assert described("ETHBTC", "exchangeInfo-subset.json").is_trading
    assert not described("BCCBTC", "exchangeInfo-subset.json").is_trading


@needs_recorded
def test_every_recorded_instrument_is_read() -> None:
    answer = recorded("exchangeInfo-all.json.gz")
    assert isinstance(answer, dict)
    listed = answer["symbols"]
    assert isinstance(listed, list)
    names = [str(item["symbol"]) for item in listed if isinstance(item, dict)]
    items = pick_instruments(answer, frozenset(names))
    read = [read_instrument(name, items[name]) for name in names]
    assert len(read) > 1500
    assert [instrument for instrument in read if isinstance(instrument, FeedError)] == []


@needs_recorded
def test_recorded_prices_are_read() -> None:
    price, book = recorded("ticker-price-single.json"), recorded("ticker-bookTicker-single.json")
    assert isinstance(price, dict)
    assert isinstance(book, dict)
    quote = read_quote("BTCUSDT", price, book, 7)
    assert quote == Quote(at_ms=7, last=Decimal(60740), bid=Decimal("60741.67"), ask=Decimal("60741.68"))
    wanted = {"LTCBTC", "ETHBTC"}
    assert set(pick_items(recorded("doc-ticker-price-list.json"), wanted)) == wanted
    assert set(pick_items(recorded("doc-ticker-bookTicker-list.json"), wanted)) == wanted
    time = recorded("time.json")
    assert isinstance(time, dict)
    assert read_time_ms(time["serverTime"]) == 1_633_835_466_289


@needs_recorded
def test_recorded_candles_are_read() -> None:
    first = 1_634_943_780_000
    request = CandleRequest("BTCUSDT", "1m", first, first + DAY_MS)
    candles = read_candles(recorded("klines-BTCUSDT-1m.json"), request, first, MINUTE_MS)
    assert [candle.open_ms for candle in candles[:2]] == [first, first + MINUTE_MS]
    assert (candles[0].open, candles[0].volume) == (Decimal("60685.22"), Decimal("21.63272"))
    weekly = CandleRequest("X", "1d", 0, 2_000_000_000_000)
    assert len(read_candles(recorded("doc-klines.json"), weekly, 0, DAY_MS)) == 1


BAD_NUMBERS = ["NaN", "-1", "Infinity", "1" * 21, "", "1e5", "x", 5, Decimal("1.5"), None, True, [], {"a": "1"}]


@pytest.mark.parametrize("value", ["0", *BAD_NUMBERS])
def test_a_bad_last_price_is_that_symbols_error(value: Answer) -> None:
    error = read_quote("BTCUSDT", {"symbol": "BTCUSDT", "price": value}, None, 7)
    assert isinstance(error, FeedError)
    assert error.error_code == "feed_bad_answer"
    assert error.message.startswith("`binance` sent a bad quote of `BTCUSDT`: price `")


@pytest.mark.parametrize("value", BAD_NUMBERS)
@pytest.mark.parametrize("name", ["bidPrice", "askPrice"])
def test_a_bad_bid_or_ask_is_that_symbols_error(name: str, value: Answer) -> None:
    book: Item = {"bidPrice": "99", "askPrice": "101", name: value}
    error = read_quote("BTCUSDT", {"price": "100"}, book, 7)
    assert isinstance(error, FeedError)
    assert name in error.message


def test_what_is_missing_crossed_or_zero() -> None:
    last: Item = {"price": "100"}
    assert read_quote("A", last, None, 7) == Quote(at_ms=7, last=Decimal(100))
    assert read_quote("A", last, {"bidPrice": "0.00", "askPrice": "0"}, 7) == Quote(at_ms=7, last=Decimal(100))
    below_1: Item = {"bidPrice": "0.5", "askPrice": "0.6"}
    assert read_quote("A", last, below_1, 7) == Quote(
        at_ms=7, last=Decimal(100), bid=Decimal("0.5"), ask=Decimal("0.6")
    )
    assert "bid `0.6` is above ask `0.5`" in str(read_quote("A", last, {"bidPrice": "0.6", "askPrice": "0.5"}, 7))
    long = {**last, "price": "100.000000000000000000"}
    assert read_quote("A", long, None, 7) == Quote(at_ms=7, last=Decimal(100))
    one_sided = read_quote("A", last, {"bidPrice": "99", "askPrice": "0"}, 7)
    assert one_sided == Quote(at_ms=7, last=Decimal(100), bid=Decimal(99))
    assert "price is missing" in str(read_quote("A", {"symbol": "A"}, None, 7))
    assert "askPrice is missing" in str(read_quote("A", last, {"bidPrice": "99"}, 7))
    assert "bid `102` is above ask `101`" in str(read_quote("A", last, {"bidPrice": "102", "askPrice": "101"}, 7))


def test_a_list_is_picked_from_whatever_it_holds() -> None:
    answer: Answer = [1, None, [], {"symbol": []}, {"symbol": "B"}, {"symbol": "A", "price": "1"}, {"price": "2"}]
    assert pick_items(answer, {"A"}) == {"A": {"symbol": "A", "price": "1"}}
    repeated = pick_items([{"symbol": "A", "price": "1"}, {"symbol": "A", "price": "1"}], {"A"})["A"]
    assert "it is listed twice" in str(read_quote("A", repeated, None, 7))


@pytest.mark.parametrize("answer", [{}, "text", None, 1])
def test_no_list_is_a_bad_answer(answer: Answer) -> None:
    with pytest.raises(FeedError, match="instead of a list"):
        pick_items(answer, {"A"})
    with pytest.raises(FeedError, match="instead of a list"):
        pick_instruments(answer, {"A"})


def item(**changes: Answer) -> dict[str, Answer]:
    whole: dict[str, Answer] = {"symbol": "AB", "status": "TRADING", "baseAsset": "A", "quoteAsset": "B", "filters": []}
    return {**whole, **changes}


def test_filters_are_read_and_unknown_ones_skipped() -> None:
    filters: Answer = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "stepSize": "0.1", "minQty": "0.2", "maxQty": "3"},
        {"filterType": "MIN_NOTIONAL", "minNotional": "4"},
        {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "6"},
        {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": "NaN"},
        {},
    ]
    assert read_instrument("AB", item(filters=filters)) == Instrument(
        venue="binance",
        symbol="AB",
        base="A",
        quote="B",
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.1"),
        quantity_min=Decimal("0.2"),
        quantity_max=Decimal(3),
        notional_min=Decimal(5),
        notional_max=Decimal(6),
    )
    bare = read_instrument("AB", item())
    assert isinstance(bare, Instrument)
    assert (bare.price_step, bare.quantity_step, bare.notional_min) == (ZERO, Decimal("0.00000001"), ZERO)


@pytest.mark.parametrize("status", ["HALT", "BREAK", "END_OF_DAY", "trading"])
def test_only_trading_is_trading(status: str) -> None:
    instrument = read_instrument("AB", item(status=status))
    assert isinstance(instrument, Instrument)
    assert not instrument.is_trading


@pytest.mark.parametrize(
    "changes",
    [
        {"status": None},
        {"baseAsset": "\x1b[31mA"},
        {"quoteAsset": 5},
        {"filters": None},
        {"filters": {"filterType": "LOT_SIZE"}},
        {"filters": ["LOT_SIZE"]},
        {"filters": [{"filterType": "PRICE_FILTER", "tickSize": "NaN"}]},
        {"filters": [{"filterType": "LOT_SIZE", "stepSize": "-1"}]},
        {"filters": [{"filterType": "NOTIONAL", "minNotional": 5}]},
    ],
)
def test_a_bad_description_is_that_symbols_error(changes: dict[str, Answer]) -> None:
    error = read_instrument("AB", item(**changes))
    assert isinstance(error, FeedError)
    assert error.message.startswith("`binance` sent a bad description of `AB`: ")
    assert error.message.isprintable()


def row(number: int = 1, **changes: Answer) -> list[Answer]:
    named: dict[str, Answer] = {"time": number * MINUTE_MS, "open": "100", "high": "110", "low": "90", "close": "105"}
    named["volume"] = "0"
    return list({**named, **changes}.values())


def page(rows: Answer, start: int = MINUTE_MS, end: int = 10 * MINUTE_MS) -> list[int]:
    request = CandleRequest("AB", "1m", start, end)
    return [candle.open_ms // MINUTE_MS for candle in read_candles(rows, request, start, MINUTE_MS)]


def test_rows_in_order_are_candles_and_those_past_the_end_are_dropped() -> None:
    assert page([]) == []
    assert page([row(1), row(2), row(5)]) == [1, 2, 5]
    assert page([row(8), row(9), row(10), row(11)]) == [8, 9]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("text", "instead of candles of `AB`"),
        ({}, "instead of candles of `AB`"),
        ([row(1), "row"], r"row 2\): `row` is not a row"),
        ([row(1)[:5]], "is not a row"),
        ([row(2), row(1)], r"row 2\): open time `60000` before `180000`"),
        ([row(2), row(2)], "open time `120000` before `180000`"),
        ([row(0, time=1)], "not on the grid of 60000 ms"),
        ([row(0, time=0)], "is not a time"),
        ([row(0, time="60000")], "is not a time"),
        ([row(0, time=True)], "is not a time"),
        ([row(0, time=Decimal("60000.5"))], "is not a time"),
        ([row(high="NaN")], "`NaN` is not a plain decimal"),
        ([row(low="0")], "`0` is not above 0"),
        ([row(low="-1")], "`-1` is below 0"),
        ([row(close=105)], "`105` is not a number in text form"),
        ([row(volume="-1")], "`-1` is below 0"),
        ([row(high="99")], "must lie between"),
        ([row(open="1" * 21)], "is not a plain decimal"),
        ([row(open=None)], "`None` is not a number"),
    ],
)
def test_a_bad_row_is_a_bad_answer(rows: Answer, words: str) -> None:
    with pytest.raises(FeedError, match=words) as caught:
        page(rows)
    assert caught.value.error_code == "feed_bad_answer"


def test_a_row_before_the_page_is_a_bad_answer() -> None:
    with pytest.raises(FeedError, match="open time `60000` before `120000`"):
        page([row(1), row(2)], start=2 * MINUTE_MS)
