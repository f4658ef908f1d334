"""What is done by hand, when others were faster: it never counts before what a trade has already seen."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.changes import ExitChange
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.signal import EntryType, Level, LevelKind
from papertrade.engine.trade import ExitReason, Flag, Status
from papertrade.errors import FeedError
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import cancel_one, close_one, modify_one
from papertrade.runs.reporting import curve, epoch_of
from papertrade.runs.tick import tick
from tests.runs.desk import START, Desk, candle, flat
from tests.runs.faulty import FaultyTape, faulty_desk, opened

HALF = Decimal("0.5")
TARGET_IN_3 = [*flat(3), candle(3, "100 104 99 100"), candle(4, "100 101 96 100"), *flat(40)[5:]]


@pytest.fixture
def shaky(tmp_path: Path) -> Iterator[tuple[Desk, FaultyTape]]:
    with faulty_desk(tmp_path, {"AAAUSDT": TARGET_IN_3}) as both:
        yield both


def stop_at(price: str) -> ExitChange:
    return ExitChange(stop=Level(LevelKind.PRICE, Decimal(price)), keeps_stop=False)


def test_a_close_with_an_old_present_comes_after_what_was_caught_up_meanwhile(
    shaky: tuple[Desk, FaultyTape],
) -> None:
    """Its process slept between asking the venue and writing; a watch has taken a target in between."""
    desk, _ = shaky
    trade = opened(desk.world, tp=("103", "110"))
    desk.clock.at_ms = START + 3 * MINUTE_MS - 10
    present = catch_up(desk.world, ["AAAUSDT"])
    desk.clock.at_ms = START + 6 * MINUTE_MS
    tick(desk.world)
    assert desk.trade(trade.id).open_quantity == 1
    done = close_one(desk.world, trade.id, Decimal(1), present)
    assert done.error is None
    assert desk.trade(trade.id).closed_at == START + 4 * MINUTE_MS
    assert desk.trade(trade.id).exit_reason is ExitReason.MANUAL


def test_an_entry_is_never_closed_before_it_was_filled(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    trade = opened(desk.world, entry=(EntryType.STOP, "102"), sl="90", tp=())
    desk.clock.at_ms = START + 3 * MINUTE_MS - 10
    present = catch_up(desk.world, ["AAAUSDT"])
    desk.clock.at_ms = START + 6 * MINUTE_MS
    tick(desk.world)
    close_one(desk.world, trade.id, HALF, present)
    after = desk.trade(trade.id)
    assert after.open_quantity == 1
    with desk.world.store.read() as reader:
        entry, leaving = reader.fills(trade_id=trade.id)
    assert entry.at_ms == START + 4 * MINUTE_MS - 1
    assert leaving.at_ms == START + 4 * MINUTE_MS


def test_a_stop_moved_with_an_old_present_is_tested_in_the_minutes_that_others_have_passed(
    shaky: tuple[Desk, FaultyTape],
) -> None:
    """The new stop rules from minute 3 on; a watch has taken the symbol past minute 4, which touches it."""
    desk, _ = shaky
    trade = opened(desk.world, tp=())
    desk.clock.at_ms = START + 3 * MINUTE_MS - 10
    present = catch_up(desk.world, ["AAAUSDT"])
    desk.clock.at_ms = START + 6 * MINUTE_MS
    tick(desk.world)
    modify_one(desk.world, trade.id, stop_at("97"), present)
    with desk.world.store.read() as reader:
        assert [a.from_ms for a in reader.trades_set_aside()] == [START + 3 * MINUTE_MS]
    report, _ = tick(desk.world)
    assert [change.after.exit_price for change in report.closed] == [Decimal(97)]
    assert desk.trade(trade.id).closed_at == START + 5 * MINUTE_MS - 1
    with desk.world.store.read() as reader:
        assert reader.trades_set_aside() == ()


def test_a_trade_set_aside_keeps_its_earlier_mark(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    trade = opened(desk.world, tp=())
    presents = []
    for minute in (2, 4):
        desk.clock.at_ms = START + minute * MINUTE_MS - 10
        presents.append(catch_up(desk.world, ["AAAUSDT"]))
    desk.clock.at_ms = START + 6 * MINUTE_MS
    tick(desk.world)
    for present in presents:
        modify_one(desk.world, trade.id, stop_at("96.5"), present)
    with desk.world.store.read() as reader:
        assert [a.from_ms for a in reader.trades_set_aside()] == [START + 2 * MINUTE_MS]


def test_a_trade_that_was_ended_by_hand_is_no_longer_behind(shaky: tuple[Desk, FaultyTape]) -> None:
    """Nobody would ever take it back: with no live trade left its symbol is not looked at any more."""
    desk, _ = shaky
    trade = opened(desk.world, tp=())
    desk.clock.at_ms = START + 2 * MINUTE_MS - 10
    present = catch_up(desk.world, ["AAAUSDT"])
    desk.clock.at_ms = START + 6 * MINUTE_MS
    tick(desk.world)
    modify_one(desk.world, trade.id, stop_at("96.5"), present)
    close_one(desk.world, trade.id, Decimal(1), catch_up(desk.world, ["AAAUSDT"], forced=True))
    with desk.world.store.read() as reader:
        assert reader.trades_set_aside() == ()


def test_a_partial_close_goes_before_the_minute_still_forming(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, _ = shaky
    trade = opened(desk.world, tp=("103",))
    desk.clock.at_ms = START + 3 * MINUTE_MS + 30_000
    done = close_one(desk.world, trade.id, HALF, catch_up(desk.world, ["AAAUSDT"]))
    assert done.error is None
    desk.clock.at_ms = START + 6 * MINUTE_MS
    tick(desk.world)
    with desk.world.store.read() as reader:
        _, by_hand, target = reader.fills(trade_id=trade.id)
    assert (by_hand.at_ms, by_hand.quantity) == (START + 3 * MINUTE_MS + 30_000, Decimal(1))
    assert (target.at_ms, target.quantity, target.price) == (START + 4 * MINUTE_MS - 1, Decimal(1), Decimal(103))


def test_what_is_done_without_catching_up_is_marked(shaky: tuple[Desk, FaultyTape]) -> None:
    desk, feed = shaky
    waiting = opened(desk.world, entry=(EntryType.LIMIT, "90"), sl="80", tp=())
    live, closed = opened(desk.world), opened(desk.world)
    forced = catch_up(desk.world, ["AAAUSDT"], forced=True)
    feed.error = FeedError("down", code="feed_unreachable")
    assert cancel_one(desk.world, waiting.id, forced).error is None
    assert modify_one(desk.world, live.id, stop_at("96"), forced).error is None
    assert close_one(desk.world, closed.id, Decimal(1), forced).error is None
    assert [desk.trade(n).flags for n in (1, 2, 3)] == [(Flag.UNVERIFIED,)] * 3
    assert [desk.trade(n).status for n in (1, 2, 3)] == [Status.CANCELLED, Status.OPEN, Status.CLOSED]


def test_without_a_venue_a_forced_close_takes_the_last_price_stored_or_the_users_own(
    shaky: tuple[Desk, FaultyTape],
) -> None:
    desk, feed = shaky
    stored, own = opened(desk.world), opened(desk.world)
    feed.error = FeedError("down", code="feed_unreachable")
    desk.clock.at_ms = START + 2 * MINUTE_MS
    forced = catch_up(desk.world, ["AAAUSDT", "NEVERUSDT"], forced=True)
    assert close_one(desk.world, stored.id, Decimal(1), forced).error is None
    after = desk.trade(stored.id)
    assert (after.exit_price, after.flags) == (Decimal(100), (Flag.UNVERIFIED,))
    assert close_one(desk.world, own.id, Decimal(1), forced, Decimal("99.5")).error is None
    after = desk.trade(own.id)
    assert (after.exit_price, after.flags) == (Decimal("99.5"), (Flag.OFF_MARKET, Flag.UNVERIFIED))
    with pytest.raises(FeedError):
        forced.known_quote("NEVERUSDT")


def test_a_trade_placed_in_a_minute_that_others_have_passed_still_sees_it(shaky: tuple[Desk, FaultyTape]) -> None:
    """Between asking the venue and writing, a watch has taken the symbol two minutes further."""
    desk, _ = shaky
    opened(desk.world, sl="50", tp=())
    desk.clock.at_ms = START + 3 * MINUTE_MS - 10
    present = catch_up(desk.world, ["AAAUSDT"])
    desk.clock.at_ms = START + 6 * MINUTE_MS
    tick(desk.world)
    trade = opened(desk.world, tp=("103",), present=present)
    with desk.world.store.read() as reader:
        assert [a.from_ms for a in reader.trades_set_aside()] == [START + 2 * MINUTE_MS]
    report, _ = tick(desk.world)
    assert [change.after.id for change in report.closed] == [trade.id]
    assert desk.trade(trade.id).closed_at == START + 4 * MINUTE_MS - 1


def test_a_part_closed_in_a_minute_that_opened_beyond_the_stop_leaves_nothing_in_the_equity_curve(
    tmp_path: Path,
) -> None:
    """The close by hand stands 500 ms after the open at which the rest leaves."""
    gap = [*flat(2), *(candle(n, "94 94 94 94") for n in range(2, 70))]
    with faulty_desk(tmp_path, {"AAAUSDT": gap}) as (desk, _):
        trade = opened(desk.world)
        desk.clock.at_ms = START + 2 * MINUTE_MS + 500
        close_one(desk.world, trade.id, HALF, catch_up(desk.world, ["AAAUSDT"]))
        desk.clock.at_ms = START + 65 * MINUTE_MS
        tick(desk.world)
        with desk.world.store.read() as reader:
            (account,) = reader.accounts()
            points = curve(reader, account, epoch_of(reader, account), desk.clock.at_ms).points
            book = reader.account_book(account)
        assert desk.trade(trade.id).closed_at == START + 2 * MINUTE_MS
    assert [point.unrealized for point in points if point.at_ms > START + 2 * MINUTE_MS] == [0, 0]
    assert points[-1].equity == book.balance
