"""Blind stretches: quotes decide where the venue has no candles, at the price seen and flagged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.exit_wish import parse_break_even, parse_trail
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import MINUTE_MS, Candle, Quote
from papertrade.engine.signal import ExitWish
from papertrade.engine.trade import ExitReason, Flag, Status
from papertrade.errors import FeedError, StalePrice
from papertrade.feeds.tape import Tape
from papertrade.runs.sighting import PATIENCE
from papertrade.runs.tick import tick
from papertrade.store.rows import Coverage, CoverageKind
from tests.runs.desk import START, Desk, ShakyTape, candle, desk_at, flat
from tests.runs.faulty import faulty_desk, opened, spoil

SYMBOL = "AAAUSDT"
HOLE_FROM = START + 5 * MINUTE_MS


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        yield made


def blind_desk(desk: Desk, *quotes: tuple[int, str], is_trading: bool = True) -> None:
    """Give the venue five minutes of candles, then only quotes: (seconds after the last candle, price)."""
    desk.tape[SYMBOL] = flat(5)
    instrument = Instrument(venue="tape", symbol=SYMBOL, base="AAA", quote="USDT", is_trading=is_trading)
    seen = [Quote(at_ms=START, last=Decimal(100))]
    seen += [Quote(at_ms=HOLE_FROM + 1000 * after, last=Decimal(price)) for after, price in quotes]
    tape = Tape(candles=desk.tape, quotes={SYMBOL: seen}, instruments={SYMBOL: instrument})
    ShakyTape.__init__(desk.feed, tape, desk.clock.now_ms)


def at(desk: Desk, after_seconds: int) -> tuple[str, ...]:
    """Run one tick so many seconds after the last candle; return the reasons of what was closed."""
    desk.clock.at_ms = HOLE_FROM + 1000 * after_seconds
    report, _ = tick(desk.world)
    return tuple(str(change.after.exit_reason) for change in report.closed)


def coverage(desk: Desk) -> tuple[Coverage, ...]:
    with desk.world.store.read() as reader:
        return reader.coverage("tape", SYMBOL)


def test_a_quote_beyond_the_stop_closes_at_the_price_seen(desk: Desk) -> None:
    blind_desk(desk, (100, "94"))
    desk.long()
    assert at(desk, 60) == ()
    assert at(desk, 120) == ("stop_loss",)
    trade = desk.trade()
    assert (trade.status, trade.exit_reason, trade.exit_price) == (Status.CLOSED, ExitReason.STOP_LOSS, Decimal(94))
    assert trade.closed_at == HOLE_FROM + 100_000
    assert Flag.OBSERVED in trade.flags
    assert coverage(desk)[0].kind is CoverageKind.BLIND
    assert desk.world.store.check().is_sound


def test_the_symbol_is_still_told_to_be_stale(desk: Desk) -> None:
    blind_desk(desk, (100, "101"))
    desk.long()
    desk.clock.at_ms = HOLE_FROM + 120_000
    report, _ = tick(desk.world)
    assert isinstance(report.failures[SYMBOL], StalePrice)
    assert desk.trade().status is Status.OPEN


def test_a_quote_far_from_the_last_good_one_waits_for_a_second_look(desk: Desk) -> None:
    blind_desk(desk, (95, "101"), (120, "70"), (122, "71"), (130, "72"))
    desk.long()
    assert at(desk, 100) == ()
    assert at(desk, 120) == ()
    assert at(desk, 122) == ()
    assert at(desk, 130) == ("stop_loss",)
    assert desk.trade().exit_price == Decimal(72)


def test_f19_a_spike_that_is_gone_at_the_second_look_decides_nothing(desk: Desk) -> None:
    blind_desk(desk, (95, "101"), (120, "70"), (130, "100"), (140, "70"))
    desk.long()
    assert [at(desk, after) for after in (100, 120, 130, 140)] == [(), (), (), ()]
    assert desk.trade().status is Status.OPEN


def test_f22_a_halted_instrument_decides_nothing(desk: Desk) -> None:
    blind_desk(desk, (100, "94"))
    desk.long()
    blind_desk(desk, (100, "94"), is_trading=False)
    assert at(desk, 120) == ()
    assert Flag.HALTED in desk.trade().flags


@pytest.mark.parametrize(
    ("late", "reason", "is_bridged"),
    [
        pytest.param(lambda: [candle(n, "100 100 94 100") for n in range(5, 9)], "stop_loss", True, id="filled in"),
        pytest.param(lambda: [candle(8, "100 100 99 100")], "None", False, id="resumed after a hole"),
    ],
)
def test_candles_that_turn_up_decide_what_no_quote_has(
    desk: Desk, late: Callable[[], list[Candle]], reason: str, is_bridged: bool
) -> None:
    blind_desk(desk, (100, "101"))
    desk.long()
    assert at(desk, 120) == ()
    desk.tape[SYMBOL] += late()
    at(desk, 241)
    assert str(desk.trade().exit_reason) == reason
    assert Flag.OBSERVED not in desk.trade().flags
    assert [row.is_bridged for row in coverage(desk)] == [is_bridged]


def test_a_venue_without_candles_lets_quotes_decide(desk: Desk) -> None:
    blind_desk(desk)
    desk.long()
    quotes = {SYMBOL: [Quote(at_ms=START, last=Decimal(100)), Quote(at_ms=HOLE_FROM, last=Decimal(111))]}
    ShakyTape.__init__(desk.feed, Tape(candles={}, quotes=quotes), desk.clock.now_ms)
    assert at(desk, 30) == ("take_profit",)
    assert desk.trade().exit_price == Decimal(110)


@pytest.mark.parametrize("rules", [ExitWish(break_even=parse_break_even("2%")), ExitWish(trail=parse_trail("1%"))])
def test_a_stop_that_a_quote_moved_is_flagged(desk: Desk, rules: ExitWish) -> None:
    """What the trade becomes depends on who looked when from there on, whatever ends it."""
    blind_desk(desk, (100, "104"))
    opened(desk.world, sl=None, rules=rules)
    assert at(desk, 120) == ()
    assert desk.trade().flags == (Flag.OBSERVED,)
    assert desk.world.store.check().is_sound


def test_quotes_wait_for_a_minute_that_seconds_have_still_to_settle(tmp_path: Path) -> None:
    """The candles that there are come first: a quote must not decide what lies behind an undecided minute."""
    both = [*flat(4), candle(4, "100 106 94 100")]
    with faulty_desk(tmp_path, {SYMBOL: both}) as (desk, feed):
        opened(desk.world, tp=("105",))
        quotes = {SYMBOL: [Quote(at_ms=HOLE_FROM + 100_000, last=Decimal(110))]}
        ShakyTape.__init__(feed, Tape(candles=desk.tape, quotes=quotes), desk.clock.now_ms)
        feed.finer_error = FeedError("no seconds now", code="feed_timeout")
        assert at(desk, 120) == ()
        assert desk.trade().status is Status.OPEN
        feed.finer_error = FeedError("no seconds", code="no_such_interval")
        assert at(desk, 150) == ("stop_loss",)
        assert desk.trade().exit_price == Decimal(95)


def test_a_quote_from_before_the_stretch_decides_nothing(desk: Desk) -> None:
    """The last price of a market that nobody has traded since belongs to the candles that were decided."""
    blind_desk(desk, (-30, "101"))
    opened(desk.world, sl=None, rules=ExitWish(trail=parse_trail("10%")))
    stale = Quote(at_ms=HOLE_FROM - 1, last=Decimal(101), bid=Decimal(80), ask=Decimal(120))
    ShakyTape.__init__(desk.feed, Tape(candles=desk.tape, quotes={SYMBOL: [stale]}), desk.clock.now_ms)
    assert at(desk, 120) == ()
    assert (desk.trade().status, desk.trade().flags) == (Status.OPEN, ())
    assert coverage(desk) == ()


def test_quotes_leave_a_trade_alone_that_is_behind_its_candles(tmp_path: Path) -> None:
    minutes = PATIENCE + 8
    tape = [*flat(5), candle(5, "100 100 94 100"), *(candle(n, "100 100 100 100") for n in range(6, minutes))]
    with faulty_desk(tmp_path, {SYMBOL: tape}) as (desk, feed):
        broken = opened(desk.world)
        opened(desk.world, sl="50", tp=())
        before = spoil(desk.world.store.path, broken.id)
        for number in range(6, minutes):
            desk.clock.at_ms = START + number * MINUTE_MS + 30_000
            tick(desk.world)
        spoil(desk.world.store.path, broken.id, before)
        end_ms = START + minutes * MINUTE_MS
        quotes = {SYMBOL: [Quote(at_ms=end_ms + 100_000, last=Decimal(90))]}
        ShakyTape.__init__(feed, Tape(candles=desk.tape, quotes=quotes), desk.clock.now_ms)
        desk.clock.at_ms = end_ms + 120_000
        report, _ = tick(desk.world)
        assert isinstance(report.failures[SYMBOL], StalePrice)
        assert desk.trade(broken.id).exit_price in (None, Decimal(95))
