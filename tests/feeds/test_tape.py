"""A tape shows at an instant what a venue would have shown, and nothing from later."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.instrument import Instrument, unknown_instrument
from papertrade.engine.market import MINUTE_MS, Candle, Quote
from papertrade.errors import FeedError, UnknownSymbol
from papertrade.feeds.feed import CandleAnswer, Feed, Quotes
from papertrade.feeds.tape import Tape, TapeFeed
from tests.feeds.world import START, candle, minutes, opens, request

HOLE = (candle(0), candle(1), candle(5))


def feed_of(tape: Tape, now_ms: int) -> Feed:
    return TapeFeed(tape, lambda: now_ms)


def shown(tape: Tape, now_ms: int, first: int = 0, end: int = 60, interval: str = "1m") -> CandleAnswer:
    asked = request("AB", first, end, interval)
    return asyncio.run(feed_of(tape, now_ms).candles([asked]))[asked]


def price(tape: Tape, now_ms: int, *, with_book: bool = True) -> Quote | object:
    found: Quotes = asyncio.run(feed_of(tape, now_ms).quotes(["AB"], 7, with_book=with_book))
    return found["AB"]


def test_the_clock_is_the_one_handed_in() -> None:
    feed = feed_of(Tape(candles={"AB": HOLE}), START)
    assert asyncio.run(feed.time_ms()) == START
    assert (feed.venue, feed.has_candles, feed.closure) == ("tape", True, None)
    asyncio.run(feed.aclose())
    assert not feed_of(Tape(candles={}), START).has_candles


def test_final_candles_are_shown_as_recorded_and_the_forming_one_flat() -> None:
    found = shown(Tape(candles={"AB": minutes(9)}), START + 2 * MINUTE_MS + 59_999)
    hundred = Decimal(100)
    flat = Candle(
        open_ms=START + 2 * MINUTE_MS, interval_ms=MINUTE_MS, open=hundred, high=hundred, low=hundred, close=hundred
    )
    assert found == (candle(0), candle(1), flat)


def test_a_candle_is_whole_from_its_end_on_and_unseen_before_its_open() -> None:
    tape = Tape(candles={"AB": HOLE})
    assert shown(tape, START - 1) == ()
    assert opens(shown(tape, START)) == [0]
    assert shown(tape, START + MINUTE_MS, end=1) == (candle(0),)
    assert opens(shown(tape, START + 5 * MINUTE_MS - 1)) == [0, 1]
    assert shown(tape, START + 60 * MINUTE_MS) == HOLE
    assert shown(tape, START + 60 * MINUTE_MS, 1, 5) == (candle(1),)


@given(st.integers(-1, 60 * MINUTE_MS), st.integers(0, 60), st.integers(0, 60))
def test_nothing_shown_depends_on_what_is_not_over(now: int, first: int, end: int) -> None:
    whole = minutes(60)
    over = tuple(kept for kept in whole if kept.end_ms <= START + now)
    forming = tuple(kept for kept in whole if kept.open_ms <= START + now < kept.end_ms)
    changed = (*over, *(candle(at, low="1", high="999") for at in range(len(over), len(over) + len(forming))))
    instant = START + now
    assert shown(Tape(candles={"AB": whole}), instant, first, end) == shown(
        Tape(candles={"AB": changed}), instant, first, end
    )


def test_the_price_is_the_newest_one_known() -> None:
    tape = Tape(candles={"AB": HOLE})
    last_close = Quote(at_ms=START + 2 * MINUTE_MS - 1, last=Decimal("100.5"))
    assert price(tape, START) == Quote(at_ms=START, last=Decimal(100))
    assert price(tape, START + 59_999) == Quote(at_ms=START, last=Decimal(100))
    assert price(tape, START + 2 * MINUTE_MS) == last_close
    assert price(tape, START + 5 * MINUTE_MS - 1) == last_close
    early = price(tape, START - 1)
    assert isinstance(early, FeedError)
    assert early.error_code == "no_price"


def test_recorded_quotes_go_before_older_candles() -> None:
    recorded = Quote(at_ms=START + 30_000, last=Decimal(98), bid=Decimal(97), ask=Decimal(99))
    tape = Tape(candles={"AB": HOLE}, quotes={"AB": [recorded]})
    assert price(tape, START + 29_999) == Quote(at_ms=START, last=Decimal(100))
    assert price(tape, START + 30_000) == recorded
    assert price(tape, START + 30_000, with_book=False) == Quote(at_ms=START + 30_000, last=Decimal(98))
    assert price(tape, START + MINUTE_MS) == Quote(at_ms=START + MINUTE_MS, last=Decimal(100))


def test_a_tape_of_quotes_alone_has_no_candles() -> None:
    tape = Tape(candles={}, quotes={"AB": [Quote(at_ms=START, last=Decimal(5))]})
    assert not feed_of(tape, START).has_candles
    assert price(tape, START) == Quote(at_ms=START, last=Decimal(5))
    assert isinstance(price(tape, START - 1), FeedError)
    assert isinstance(shown(tape, START), UnknownSymbol)


def test_instruments_are_the_given_ones_or_unknown_ones() -> None:
    given_one = Instrument(venue="tape", symbol="AB", base="A", quote="B", price_step=Decimal("0.1"))
    tape = Tape(candles={"AB": HOLE, "CD": HOLE}, instruments={"AB": given_one}, currency="EUR")
    found = asyncio.run(feed_of(tape, START).instruments(["AB", "CD", "XY"]))
    assert found["AB"] == given_one
    assert found["CD"] == unknown_instrument("tape", "CD", "EUR")
    missing = found["XY"]
    assert isinstance(missing, UnknownSymbol)
    assert (missing.message, missing.hint) == ("`XY` is not on the tape", "it has `AB`, `CD`")
    nothing = asyncio.run(feed_of(Tape(candles={}), START).instruments(["XY"]))["XY"]
    assert isinstance(nothing, UnknownSymbol)
    assert nothing.hint is None


def test_symbols_and_intervals_that_are_not_on_the_tape() -> None:
    tape = Tape(candles={"CD": HOLE})
    assert isinstance(price(tape, START), UnknownSymbol)
    assert isinstance(shown(tape, START), UnknownSymbol)
    finer = shown(Tape(candles={"AB": HOLE}), START, interval="1s")
    assert isinstance(finer, FeedError)
    assert finer.error_code == "no_such_interval"
