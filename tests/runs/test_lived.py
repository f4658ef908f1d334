"""What live trades lived through: the same as from all candles at once, however they were watched; gaps are told."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.market import HOUR_MS, MINUTE_MS, Candle, Quote
from papertrade.engine.messages import ExitFilled
from papertrade.engine.signal import ExitWish
from papertrade.engine.trade import ExitReason, Flag, Status, Trade
from papertrade.feeds.candle_series import series_of
from papertrade.feeds.tape import Tape
from papertrade.reports.coverage import Gap
from papertrade.reports.excursion import Excursion, Reached, excursion
from papertrade.runs.backtest_excursions import met_in
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import close_one
from papertrade.runs.lived import Lived, lived
from papertrade.runs.parity import spans_of
from papertrade.runs.retell import retell
from papertrade.runs.stories import ask_tracks
from papertrade.runs.tick import tick
from tests.runs.desk import START, Desk, ShakyTape, candle, desk_at, flat
from tests.runs.faulty import FaultyTape, faulty_desk
from tests.runs.test_polling import SYMBOLS, Idea, Poll, begin, ideas, look, polls, tapes
from tests.runs.test_retell import MOVING, open_moving
from tests.runs.told import Deed, deeds, do, in_time, recorded

SYMBOL = "AAAUSDT"


def lives(desk: Desk) -> list[tuple[Trade, Lived]]:
    with desk.world.store.read() as reader:
        trades = list(reader.trades(range(1, 10)).values())
        return list(zip(trades, lived(reader, trades, desk.clock.at_ms), strict=True))


def life(desk: Desk, number: int = 1) -> Lived:
    return lives(desk)[number - 1][1]


def went(desk: Desk, number: int = 1) -> Excursion:
    trade, one = lives(desk)[number - 1]
    found = excursion(trade, one.reached)
    assert found is not None
    return found


def ticked(desk: Desk, minute: float) -> None:
    desk.clock.at_ms = START + round(minute * MINUTE_MS)
    tick(desk.world)


def from_all(desk: Desk, tape: Sequence[Candle], trade: Trade) -> Reached | None:
    """Return the extremes that the whole tape gives for a trade as it is now."""
    with desk.world.store.read() as reader:
        fills = reader.fills(trade_id=trade.id)
        mark = reader.watermark("tape", trade.order.symbol)
    if trade.opened_at is None:
        return None
    until = 0 if mark is None else mark.end_ms
    known = tape if trade.closed_at is not None else [c for c in tape if c.end_ms <= until]
    exits = {trade.id: [fill.price for fill in fills if fill.leg == "exit"]}
    if not known:
        return Reached(trade.entered_price, trade.entered_price)
    return met_in(series_of(trade.order.symbol, MINUTE_MS, known), [trade], exits)[trade.id]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        yield made


WALK = [
    candle(0, "100 150 50 101"),
    candle(1, "101 104 99 103"),
    candle(2, "103 107 98 102"),
    candle(3, "102 111 97 105"),
    candle(4, "105 130 60 105"),
]
"""A trade of minute 0 knows of it only the close; it leaves at 110 in minute 3, of which it saw the open."""


def test_extremes_by_hand(desk: Desk) -> None:
    desk.tape[SYMBOL] = WALK
    desk.long()
    assert life(desk).reached == Reached(Decimal(100), Decimal(100))
    ticked(desk, 1)
    assert life(desk).reached == Reached(Decimal(100), Decimal(101))
    ticked(desk, 3)
    assert life(desk).reached == Reached(Decimal(98), Decimal(107))
    ticked(desk, 5)
    assert desk.trade().status is Status.CLOSED
    assert life(desk).reached == Reached(Decimal(98), Decimal(110))
    found = went(desk)
    assert [found.mae.value, found.mae_percent.value, found.mae_r.value] == [-2, -2, Decimal("-0.4")]
    assert [found.mfe.value, found.mfe_percent.value, found.mfe_r.value] == [10, 10, 2]
    assert found.efficiency.value == 1


def test_an_exit_by_hand_counts_its_price_and_nothing_of_its_minute(desk: Desk) -> None:
    desk.tape[SYMBOL] = [candle(0, "100 100 100 100"), candle(1, "100 104 96 100"), candle(2, "100 109 96 106")]
    desk.long()
    desk.clock.at_ms = START + 2 * MINUTE_MS + 20_000
    close_one(desk.world, 1, Decimal(1), catch_up(desk.world, [SYMBOL]))
    trade, one = lives(desk)[0]
    assert trade.closed_at == START + 2 * MINUTE_MS + 20_000
    assert trade.exit_price is not None
    assert one.reached == Reached(Decimal(96), max(Decimal(104), trade.exit_price))


@settings(max_examples=60, deadline=None)
@given(tapes(), ideas, polls, deeds)
def test_a_watch_knows_what_all_candles_say(
    tape: list[Candle], wanted: list[Idea], times: list[Poll], by_hand: list[Deed]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        faulty_desk(Path(folder), dict.fromkeys(SYMBOLS, tape)) as (desk, feed),
    ):
        begin(desk, wanted)
        _play(desk, feed, times, by_hand)
        for trade, one in lives(desk):
            expected = from_all(desk, tape, trade)
            is_known = one.reached is not None or trade.opened_at is None
            # What was closed by hand where the venue had no candles any more was not seen to its end.
            assert is_known or Flag.OBSERVED in trade.flags or trade.exit_reason is ExitReason.MANUAL
            assert one.reached in (expected, None)


@settings(max_examples=60, deadline=None)
@given(tapes(), st.lists(MOVING, min_size=1, max_size=3), polls)
def test_told_again_over_the_same_candles_it_is_the_same(
    tape: list[Candle], wishes: list[ExitWish], times: list[Poll]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        faulty_desk(Path(folder), dict.fromkeys(SYMBOLS, tape)) as (desk, feed),
    ):
        for wish in wishes:
            open_moving(desk, wish)
        _play(desk, feed, times, [])
        trades = [one for one in recorded(desk) if one.no_promise is None]
        own = {trade.id: life for trade, life in lives(desk)}
        for one in trades:
            track = ask_tracks(desk.world, spans_of([one])).tracks[one.place]
            again = retell(one.begin, one.deeds, track, one.until_ms)
            exits = [event.price for event in again.events if isinstance(event, ExitFilled)]
            known = [c for c in track.series if c.end_ms <= one.until_ms or again.trade.closed_at is not None]
            met = met_in(series_of(SYMBOL, MINUTE_MS, known), [again.trade], {again.trade.id: exits})
            assert met[again.trade.id] == own[one.trade.id].reached


def _play(desk: Desk, feed: FaultyTape, times: Sequence[Poll], by_hand: Sequence[Deed]) -> None:
    for step in [*in_time(times, by_hand), Poll(26 * MINUTE_MS, "")]:
        look(desk, feed, step if isinstance(step, Poll) else Poll(step.at_ms, ""))
        if isinstance(step, Deed):
            do(desk, step)


def long_tape(minutes: int) -> list[Candle]:
    """A tape of many hours whose prices rise and fall slowly, each minute with extremes of its own."""
    made = [candle(0, "100 100 100 100")]
    for number in range(1, minutes):
        last = made[-1].close
        close = Decimal(100) + Decimal(number % 97 - 48) / 20
        high, low = max(last, close) + Decimal(number % 7) / 10, min(last, close) - Decimal(number % 5) / 10
        made.append(candle(number, f"{last} {high} {low} {close}"))
    return made


@pytest.mark.parametrize("every", [7, 61, 200, 3_000])
def test_hours_later_the_minutes_that_matter_are_still_known(desk: Desk, every: int) -> None:
    tape = long_tape(900)
    desk.tape[SYMBOL] = tape
    desk.long(sl="50", tp="150")
    for minute in [*range(1, 899, every), 899]:
        ticked(desk, minute + 0.2)
        if minute > 400 and len(lives(desk)) < 2:
            desk.long(sl="50", tp="150")
    close_one(desk.world, 1, Decimal(1), catch_up(desk.world, [SYMBOL]))
    both = lives(desk)
    assert len(both) == 2
    for trade, one in both:
        assert one.reached is not None
        assert one.reached == from_all(desk, tape, trade)


def test_what_no_tick_saw_is_unknown(desk: Desk) -> None:
    desk.tape[SYMBOL] = WALK
    desk.long()
    ticked(desk, 5)
    desk.world.store.write(lambda writer: writer._connection.exec_driver_sql("DELETE FROM candle_look"))
    assert life(desk).reached is None
    assert went(desk).mae.reason == "not observed"
    assert went(desk).efficiency.reason == "not observed"


def test_a_hole_of_the_venue_is_known_and_told(desk: Desk) -> None:
    desk.tape[SYMBOL] = [*flat(3), candle(6, "100 104 97 100"), candle(7, "100 100 100 100")]
    desk.long()
    ticked(desk, 2)
    ticked(desk, 8)
    one = life(desk)
    assert one.reached == Reached(Decimal(97), Decimal(104))
    assert one.observed.longest == Gap(START + 3 * MINUTE_MS, START + 6 * MINUTE_MS, is_bridged=False)
    assert (one.observed.gaps, one.observed.bridged) == (1, 0)
    assert one.observed.share == Decimal("0.6")  # 3 of the 7.5 minutes since minute 0.5 are missing
    assert one.observed.until_ms == START + 8 * MINUTE_MS


def blind(desk: Desk, *quotes: tuple[int, str], candles: Sequence[Candle]) -> None:
    """Give the venue some candles, and quotes: (seconds after minute 5, price)."""
    desk.tape[SYMBOL] = list(candles)
    seen = [Quote(at_ms=START, last=Decimal(100))]
    seen += [Quote(at_ms=START + 5 * MINUTE_MS + 1000 * after, last=Decimal(price)) for after, price in quotes]
    ShakyTape.__init__(desk.feed, Tape(candles=desk.tape, quotes={SYMBOL: seen}), desk.clock.now_ms)


def test_a_blind_stretch_is_bridged_when_its_candles_turn_up(desk: Desk) -> None:
    blind(desk, (100, "101"), candles=flat(5))
    desk.long()
    ticked(desk, 5)
    ticked(desk, 7)
    before = life(desk)
    assert (before.observed.gaps, before.observed.bridged) == (1, 0)
    assert before.reached is None
    desk.tape[SYMBOL] = [*flat(5), *(candle(number, "100 103 98 100") for number in range(5, 9))]
    ShakyTape.__init__(desk.feed, Tape(candles=desk.tape), desk.clock.now_ms)
    ticked(desk, 9)
    after = life(desk)
    assert (after.observed.gaps, after.observed.bridged, after.observed.share) == (0, 1, Decimal(1))
    assert after.observed.longest is not None
    assert after.observed.longest.is_bridged
    assert after.reached == Reached(Decimal(98), Decimal(103))


def test_what_a_quote_has_decided_stays_blind_when_the_candles_turn_up(desk: Desk) -> None:
    blind(desk, (100, "94"), candles=flat(5))
    desk.long()
    desk.long(sl="50")
    ticked(desk, 5)
    ticked(desk, 7)
    assert desk.trade().status is Status.CLOSED
    desk.tape[SYMBOL] = [*flat(5), *(candle(number, "100 103 98 100") for number in range(5, 9))]
    ShakyTape.__init__(desk.feed, Tape(candles=desk.tape), desk.clock.now_ms)
    ticked(desk, 9)
    closed, still_open = life(desk, 1).observed, life(desk, 2).observed
    assert (closed.gaps, closed.bridged, closed.decided_blind) == (1, 0, True)
    assert (still_open.gaps, still_open.bridged, still_open.decided_blind) == (0, 1, False)


def test_hours_take_the_place_of_looks(desk: Desk) -> None:
    desk.tape[SYMBOL] = long_tape(300)
    desk.long(sl="50", tp="150")
    for minute in range(1, 300):
        ticked(desk, minute)
    with desk.world.store.read() as reader:
        (looks,) = reader._connection.exec_driver_sql("SELECT COUNT(*) FROM candle_look").one()
        hours = reader._connection.exec_driver_sql("SELECT hour_ms, candles IS NULL FROM candle_hour").all()
    assert looks <= 65
    assert [(hour_ms - START) // HOUR_MS for hour_ms, _ in hours] == [0, 1, 2, 3, 4]
    assert [bool(is_gone) for _, is_gone in hours] == [False, True, True, True, False]
