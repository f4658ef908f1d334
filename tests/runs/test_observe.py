"""One look at a venue: what is final, what is stale, what failed for whom, and when it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import pytest

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.errors import FeedError, PapertradeError, StalePrice
from papertrade.feeds.feed import CandleAnswer, CandleRequest, Quotes
from papertrade.feeds.tape import Tape
from papertrade.runs import observe
from papertrade.runs.observe import Market, Need, ObservationRules, look
from papertrade.runs.prices import points_at_fills
from tests.runs.desk import START, ShakyTape, VirtualClock, candle, flat

RULES = ObservationRules()


class Moody(ShakyTape):
    """A tape of which parts can fail, and that notes how it was asked for quotes."""

    def __init__(self, tape: Tape, now_ms: Callable[[], int]) -> None:
        super().__init__(tape, now_ms)
        self.candle_error: PapertradeError | None = None
        self.quote_error: PapertradeError | None = None
        self.is_quoteless = False
        self.is_silent = False
        self.quotes_asked: list[tuple[int, bool]] = []

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        if self.is_silent:
            await asyncio.sleep(5)
        if self.candle_error is not None:
            raise self.candle_error
        return await super().candles(requests)

    async def quotes(self, symbols: Sequence[str], at_ms: int, *, with_book: bool = True) -> Quotes:
        self.quotes_asked.append((len(symbols), with_book))
        if self.quote_error is not None:
            raise self.quote_error
        return {} if self.is_quoteless else await super().quotes(symbols, at_ms, with_book=with_book)


def shown(
    minute: float, candles: Mapping[str, Sequence[Candle]], change: Callable[[Moody], None] = lambda _: None
) -> tuple[Market, Moody]:
    """Look at all symbols of a tape at a minute; all minutes before the first were processed."""
    clock = VirtualClock(at_ms=START + round(minute * MINUTE_MS))
    feed = Moody(Tape(candles=candles), clock.now_ms)
    change(feed)
    needs = [Need(symbol, START) for symbol in candles]
    return asyncio.run(look(feed, needs, RULES, clock, list(candles)[:1])), feed


def test_the_minute_still_forming_is_not_final() -> None:
    market, _ = shown(3.5, {"AAAUSDT": flat(10)})
    assert [c.open_ms for c in market.candles["AAAUSDT"]] == [START + n * MINUTE_MS for n in range(3)]
    assert market.forming["AAAUSDT"].open_ms == START + 3 * MINUTE_MS


def test_a_minute_is_final_at_the_very_millisecond_of_its_end() -> None:
    before, _ = shown(3 - 1 / MINUTE_MS, {"AAAUSDT": flat(10)})
    at_end, _ = shown(3, {"AAAUSDT": flat(10)})
    assert [len(m.candles["AAAUSDT"]) for m in (before, at_end)] == [2, 3]


def test_nothing_new_can_be_final_within_the_minute_already_processed() -> None:
    market, _ = shown(0.5, {"AAAUSDT": flat(10)})
    assert (market.candles, market.failures) == ({"AAAUSDT": ()}, {})


@pytest.mark.parametrize(("minute", "is_stale"), [(4.5, False), (4.6, True)])
def test_a_symbol_is_stale_when_its_newest_minute_ended_too_long_ago(minute: float, is_stale: bool) -> None:
    market, _ = shown(minute, {"AAAUSDT": flat(3), "BBBUSDT": flat(10)})
    assert [isinstance(market.failures.get(s), StalePrice) for s in ("AAAUSDT", "BBBUSDT")] == [is_stale, False]


def test_a_command_sees_how_old_the_newest_minute_is_though_a_later_instant_was_processed() -> None:
    """A trade placed in a hole is processed from there on; that says nothing of when the market last traded."""
    clock = VirtualClock(at_ms=START + 4 * MINUTE_MS)
    feed = Moody(Tape(candles={"AAAUSDT": flat(2)}), clock.now_ms)
    needs = [Need("AAAUSDT", START + 3 * MINUTE_MS)]
    to_act, to_watch = (asyncio.run(look(feed, needs, RULES, clock, priced)) for priced in (["AAAUSDT"], []))
    assert isinstance(to_act.failures["AAAUSDT"], StalePrice)
    assert to_act.candles == to_watch.candles == {"AAAUSDT": ()}


def test_candles_that_fail_as_a_whole_fail_for_each_symbol() -> None:
    def fail(feed: Moody) -> None:
        feed.candle_error = FeedError("no candles now")

    market, _ = shown(3.5, {"AAAUSDT": flat(9), "BBBUSDT": flat(9)}, fail)
    assert {symbol: error.message for symbol, error in market.failures.items()} == {
        "AAAUSDT": "no candles now",
        "BBBUSDT": "no candles now",
    }
    with pytest.raises(FeedError, match="no candles now"):
        market.fresh_quote("AAAUSDT")


def test_without_quotes_the_candles_still_decide() -> None:
    def fail(feed: Moody) -> None:
        feed.quote_error = FeedError("no quotes now")

    market, _ = shown(3.5, {"AAAUSDT": flat(9)}, fail)
    assert len(market.candles["AAAUSDT"]) == 3
    assert market.failures["AAAUSDT"].message == "no quotes now"


def test_a_symbol_that_the_venue_forgets_has_no_price() -> None:
    def forget(feed: Moody) -> None:
        feed.is_quoteless = True

    market, _ = shown(3.5, {"AAAUSDT": flat(9)}, forget)
    assert market.failures["AAAUSDT"].error_code == "no_price"


def test_a_venue_that_does_not_answer_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    def silence(feed: Moody) -> None:
        feed.is_silent = True

    monkeypatch.setattr("tests.runs.test_observe.RULES", ObservationRules(deadline_seconds=0.01))
    with pytest.raises(FeedError, match=r"`tape` did not answer within 0\.01 s") as caught:
        shown(3.5, {"AAAUSDT": flat(9)}, silence)
    assert caught.value.error_code == "feed_timeout"


def test_a_symbol_with_more_candles_than_one_look_takes_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "_LOOK_CANDLES", 4)
    market, _ = shown(9.5, {"AAAUSDT": flat(10), "BBBUSDT": flat(3)})
    assert market.behind == {"AAAUSDT"}
    assert len(market.candles["AAAUSDT"]) == 4


@pytest.mark.parametrize(("count", "asked"), [(100, [(100, True)]), (101, [(101, False), (1, True)])])
def test_many_symbols_get_one_request_and_only_the_priced_ones_a_book(
    count: int, asked: list[tuple[int, bool]]
) -> None:
    _, feed = shown(3.5, {f"S{number:03d}USDT": flat(5) for number in range(count)})
    assert feed.quotes_asked == asked


def test_the_clock_of_the_venue_is_measured() -> None:
    clock = VirtualClock(at_ms=START)
    feed = ShakyTape(Tape(candles={"AAAUSDT": flat(5)}), lambda: START + 90_000)
    market = asyncio.run(look(feed, [], RULES, clock))
    assert (market.at_ms, market.offset_ms) == (START + 90_000, 90_000)


@pytest.mark.parametrize(
    ("at_ms", "price"),
    [
        (-1, None),
        (0, "10"),
        (30_000, None),
        (MINUTE_MS - 1, "12"),
        (MINUTE_MS, "20"),
        (MINUTE_MS + 30_000, "12"),
        (5 * MINUTE_MS, "22"),
    ],
)
def test_the_price_at_an_instant_is_what_was_known_then(at_ms: int, price: str | None) -> None:
    """The close of the newest candle that had ended, or the open of one that had just begun."""
    candles = [candle(0, "10 15 9 12"), candle(1, "20 25 19 22")]
    found = points_at_fills("tape", "AAAUSDT", [START + at_ms], None, candles)
    assert [p.price for p in found] == ([] if price is None else [Decimal(price)])
