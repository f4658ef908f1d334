"""Quotes, candles, intervals, instruments and symbols: what can be made, and which side sees which price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.engine.instrument import Instrument, normalise_symbol, unknown_instrument
from papertrade.engine.market import DAY_MS, INTERVALS, Candle, Quote, Side, first_whole_open, floor_ms

D = Decimal


def candle(opened: str, high: str, low: str, closed: str, volume: str = "0") -> Candle:
    return Candle(
        open_ms=0, interval_ms=60_000, open=D(opened), high=D(high), low=D(low), close=D(closed), volume=D(volume)
    )


def test_a_candle_knows_its_ends() -> None:
    assert (candle("1", "2", "1", "2").last_ms, candle("1", "2", "1", "2").end_ms) == (59_999, 60_000)


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        (("1", "2", "0", "1"), "`0` is not a price"),
        (("1", "NaN", "1", "1"), "`NaN` is not a price"),
        (("1", "Infinity", "1", "1"), "`Infinity` is not a price"),
        (("3", "2", "1", "1"), "open `3` and close `1` must lie between low `1` and high `2`"),
        (("1", "2", "1", "0.5"), "close `0.5` must lie between"),
        (("1", "1", "2", "1"), "must lie between"),
        (("1", "2", "1", "1", "-1"), "volume `-1` must be 0 or more"),
        (("1", "2", "1", "1", "NaN"), "volume `NaN` must be 0 or more"),
    ],
)
def test_what_cannot_be_a_candle_cannot_be_made(prices: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        candle(*prices)


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_what_cannot_be_a_price_cannot_be_quoted(price: str) -> None:
    with pytest.raises(ValueError, match="is not a price"):
        Quote(at_ms=0, last=D(price))
    with pytest.raises(ValueError, match="is not a price"):
        Quote(at_ms=0, last=D(1), ask=D(price))


def test_buys_see_the_ask_and_sells_the_bid_where_known() -> None:
    full, bare = Quote(at_ms=0, last=D(100), bid=D(99), ask=D(101)), Quote(at_ms=0, last=D(100))
    assert [full.entry_price(Side.LONG), full.entry_price(Side.SHORT)] == [101, 99]
    assert [full.mark(Side.LONG), full.mark(Side.SHORT)] == [99, 101]
    assert {bare.buying(), bare.selling()} == {D(100)}


def test_intervals_divide_the_day_and_opens_are_found() -> None:
    assert all(DAY_MS % length == 0 for length in INTERVALS.values())
    seconds = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
    assert {name: int(name[:-1]) * seconds[name[-1]] * 1_000 for name in INTERVALS} == INTERVALS
    assert [floor_ms(at, 60_000) for at in (0, 59_999, 60_000)] == [0, 0, 60_000]
    assert [first_whole_open(at, 60_000) for at in (0, 1, 59_999, 60_000)] == [0, 60_000, 60_000, 60_000]
    assert (Side.LONG.sign, Side.SHORT.sign) == (1, -1)


@pytest.mark.parametrize("text", ["BTCUSDT", "btcusdt", "BTC/USDT", "BTC-USDT", "BINANCE:BTCUSDT", " btc/usdt "])
def test_a_symbol_is_read_as_people_write_it(text: str) -> None:
    assert normalise_symbol(text) == "BTCUSDT"


@pytest.mark.parametrize("text", ["", "::", "BTC USDT", "BTC\x1b[2J", "A" * 33, "бтц", "a" * 500])
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a symbol"):
        normalise_symbol(text)


def test_an_instrument_that_nobody_knows_has_no_price_step_and_no_minimum() -> None:
    nobodys = unknown_instrument("file", "XYZ", "EUR")
    assert (nobodys.quote, nobodys.price_step, nobodys.quantity_step) == ("EUR", D(0), D("0.00000001"))
    assert nobodys.quantity_min == nobodys.notional_min == nobodys.notional_max == 0


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity"])
def test_an_instrument_with_an_impossible_step_cannot_be_made(value: str) -> None:
    with pytest.raises(ValueError, match="price_step"):
        Instrument(venue="x", symbol="X", base="X", quote="Y", price_step=D(value))
