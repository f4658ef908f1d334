"""Closing, cancelling and modifying trades by hand, and the events that may not follow one another."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from papertrade.engine.armed import Armed, reach
from papertrade.engine.changes import ExitChange, cancel_trade, close_trade, modify_trade
from papertrade.engine.exit_wish import parse_break_even, parse_trail
from papertrade.engine.market import Quote
from papertrade.engine.messages import (
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    Refusal,
    TagsChanged,
    TradeEnded,
    TradeFlagged,
    TradePlaced,
    effective_ms,
)
from papertrade.engine.signal import parse_level, parse_target
from papertrade.engine.state import evolve, levels_at
from papertrade.engine.step import Rules, open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason, Flag, Order, Status, Trade
from tests.engine.deals import opened, opening_of, rules_of
from tests.engine.tables import candles_of, deal_of, told

D = Decimal
QUOTE = Quote(at_ms=30_000, last=D(102), bid=D(101), ask=D(103))
LONG = "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5 step 0.01 qstep 0.01"


def trade_of(text: str = LONG) -> Trade:
    return opened(deal_of(text))


def closed(trade: Trade, fraction: str = "1") -> tuple[Trade, ExitFilled]:
    events = close_trade(trade, D(fraction), QUOTE.mark(trade.side), QUOTE, 30_000)
    assert not isinstance(events, Refusal)
    (event,) = events
    assert isinstance(event, ExitFilled)
    return evolve(trade, event), event


def modified(trade: Trade, change: ExitChange, price: str = "100", at_ms: int = 30_000) -> LevelsChanged | Refusal:
    return modify_trade(trade, change, D(price), at_ms, Rules())


def after(trade: Trade, change: ExitChange, price: str = "100", at_ms: int = 30_000) -> Trade:
    event = modified(trade, change, price, at_ms)
    assert isinstance(event, LevelsChanged)
    return evolve(trade, event)


def message_of(outcome: object) -> str:
    assert isinstance(outcome, Refusal)
    return outcome.message


def stop_at(text: str) -> ExitChange:
    return ExitChange(stop=parse_level(text), keeps_stop=False)


def targets_at(*texts: str) -> ExitChange:
    return ExitChange(targets=tuple(parse_target(text) for text in texts), keeps_targets=False)


def test_closing_by_hand_sells_the_bid() -> None:
    trade, event = closed(trade_of())
    assert (trade.status, trade.exit_reason, trade.exit_price) == (Status.CLOSED, ExitReason.MANUAL, D(101))
    assert (event.cause.quote, event.applied_to, trade.closed_at) == (QUOTE, None, 30_000)
    assert trade.realized == 1


def test_closing_a_part_leaves_the_rest_and_its_reserve() -> None:
    trade, _ = closed(trade_of(), "0.3")
    assert (trade.status, trade.open_quantity, trade.reserve) == (Status.OPEN, D("0.7"), D(70))
    assert (trade.exit_quantity, trade.exit_price, trade.exit_reason) == (D("0.3"), D(101), None)


def test_the_minute_of_a_partial_close_is_applied_to_the_rest() -> None:
    trade, _ = closed(trade_of(), "0.3")
    _, events = touch(trade, candles_of("100 101 94 100")[0])
    assert told(events) == "stop_loss 0.7 at 95 end0"


@pytest.mark.parametrize(("fraction", "quantity"), [("0.005", "1"), ("0.15", "1"), ("0.5", "0.5"), ("0.85", "1")])
def test_a_part_or_a_rest_under_the_minimum_closes_all(fraction: str, quantity: str) -> None:
    _, event = closed(trade_of("long 1 at 100 qmin 0.2"), fraction)
    assert event.quantity == D(quantity)


def test_a_price_of_the_users_own_is_marked() -> None:
    events = close_trade(trade_of(), D(1), D(90), None, 30_000, (Flag.OFF_MARKET,))
    assert not isinstance(events, Refusal)
    (event,) = events
    assert isinstance(event, ExitFilled)
    assert (event.price, event.flags, event.cause.quote, event.cause.candle) == (D(90), (Flag.OFF_MARKET,), None, None)


def test_what_already_ended_is_refused_with_what_happened() -> None:
    stopped, _ = touch(trade_of(), candles_of("100 101 94 100")[0])
    refusal = close_trade(stopped, D(1), D(100), QUOTE, 90_000)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "already_ended"
    assert refusal.message == "trade `1` already ended: stop `95` at 00:00 UTC"
    assert refusal.hint == "papertrade show 1"
    assert refusal.details == {
        "trade_id": 1,
        "status": "closed",
        "exit_reason": "stop_loss",
        "exit_price": "95",
        "closed_at": "1970-01-01T00:00:59.999Z",
    }
    assert message_of(modified(stopped, stop_at("96"))) == refusal.message
    assert message_of(cancel_trade(stopped, "", 0)) == refusal.message
    by_hand, _ = closed(trade_of())
    assert message_of(close_trade(by_hand, D(1), D(100), QUOTE, 0)).endswith("closed by hand `101` at 00:00 UTC")


def test_a_waiting_trade_is_cancelled_and_not_closed() -> None:
    waiting = trade_of("long 1 limit 98 fee 0.001")
    refusal = close_trade(waiting, D(1), D(100), QUOTE, 0)
    assert message_of(refusal) == "trade `1` is not open yet: its entry waits at `98`"
    event = cancel_trade(waiting, "", 5)
    assert event == TradeEnded(
        trade_id=1, status=Status.CANCELLED, released=D("98.098"), why="cancelled by hand", at_ms=5
    )
    cancelled = evolve(waiting, event)
    assert (cancelled.status, cancelled.reserve, cancelled.closed_at) == (Status.CANCELLED, D(0), 5)
    assert message_of(cancel_trade(cancelled, "", 6)) == "trade `1` already ended: cancelled at 00:00 UTC"


def test_an_open_trade_cannot_be_cancelled() -> None:
    refusal = cancel_trade(trade_of(), "", 5)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.hint) == ("not_pending", "papertrade close 1")
    assert refusal.message == "trade `1` is open, there is nothing waiting to cancel"


def test_a_stop_above_the_entry_is_allowed_and_still_a_stop_loss() -> None:
    trade = after(trade_of(), stop_at("104"), price="105")
    _, events = touch(trade, candles_of("105 106 100 105 | 105 106 103 105")[1])
    assert told(events) == "stop_loss 1 at 104 end1"


def test_new_levels_are_checked_against_the_price_and_never_the_entry() -> None:
    assert message_of(modified(trade_of(), stop_at("97"), price="96")) == (
        "stop `97` is above the price `96` for a long trade"
    )
    assert message_of(modified(trade_of(), targets_at("103"), price="104")) == (
        "target `103` is below the price `104` for a long trade"
    )
    short = trade_of("short 1 at 100 sl 105 tp 90")
    assert message_of(modified(short, stop_at("97"), price="98")) == (
        "stop `97` is below the price `98` for a short trade"
    )


def test_a_kept_level_that_the_forming_minute_has_touched_is_not_asked_about() -> None:
    assert isinstance(modified(trade_of(), stop_at("105"), price="111"), LevelsChanged)
    assert isinstance(modified(trade_of(), targets_at("130"), price="94"), LevelsChanged)


def test_of_several_changes_before_one_candle_only_the_last_is_kept() -> None:
    trade = after(after(after(trade_of(), stop_at("96")), stop_at("97")), stop_at("98"))
    assert [(ruling.from_ms, levels_at(trade, ruling.from_ms).stop) for ruling in trade.rulings] == [
        (0, D(95)),
        (60_000, D(98)),
    ]


@pytest.mark.parametrize(
    ("text", "stop", "target", "prices"),
    [
        ("long 1 at 100 sl 95 tp 110", "98", "104", (98, 104)),
        ("long 1 at 100 sl 95 tp 110", "90", "120", (95, 110)),
        ("short 1 at 100 sl 105 tp 90", "102", "96", (96, 102)),
        ("short 1 at 100 sl 105 tp 90", "110", "80", (90, 105)),
    ],
)
def test_finders_see_the_nearest_of_the_old_levels_and_the_new(
    text: str, stop: str, target: str, prices: tuple[int, int]
) -> None:
    change = replace(stop_at(stop), targets=(parse_target(target),), keeps_targets=False)
    assert reach(after(trade_of(text), change)) == Armed(D(prices[0]), D(prices[1]))


def test_a_change_never_counts_before_the_trades_first_whole_candle() -> None:
    deal = deal_of("long 1 at 100 sl 95 opened 30s")
    placed = open_trade(opening_of(deal), Rules(candle_ms=300_000))
    assert not isinstance(placed, Refusal)
    assert after(evolve(None, placed), stop_at("98"), at_ms=90_000).ruling.from_ms == 300_000


def test_relative_levels_of_a_change_count_from_the_entry() -> None:
    trade = after(trade_of(), both())
    assert levels_at(trade, 60_000).stop == D(98)
    assert [target.price for target in levels_at(trade, 60_000).targets] == [D(115)]
    assert levels_at(trade, 0).stop == D(95)


def both() -> ExitChange:
    return ExitChange(stop=parse_level("-2%"), targets=(parse_target("3R"),), keeps_stop=False, keeps_targets=False)


def test_levels_can_be_taken_away_even_where_targets_were_in_risks() -> None:
    trade = trade_of("long 1 at 100 sl 95 tp 2R step 0.01")
    bare = after(trade, ExitChange(keeps_stop=False))
    assert levels_at(bare, 60_000).stop is None
    assert [target.price for target in levels_at(bare, 60_000).targets] == [D(110)]
    assert levels_at(after(bare, ExitChange(keeps_targets=False), at_ms=90_000), 120_000).targets == ()


def test_without_a_stop_from_the_start_risks_count_from_the_new_one() -> None:
    change = ExitChange(stop=parse_level("98"), targets=(parse_target("2R"),), keeps_stop=False, keeps_targets=False)
    trade = after(trade_of("long 1 at 100"), change)
    assert levels_at(trade, 60_000).targets[0].price == D(104)
    assert (trade.initial_stop, trade.initial_risk, trade.r_multiple) == (None, None, None)


def test_a_kept_target_that_was_taken_stays_taken() -> None:
    trade, _ = touch(trade_of(), candles_of("100 111 99 105")[0])
    trade = after(trade, stop_at("100"), price="105", at_ms=90_000)
    _, events = touch(trade, candles_of("- | - | 105 125 104 105")[0])
    assert told(events) == "take_profit 0.5 at 120 end2"


def test_a_target_taken_in_the_minute_of_the_change_is_taken_under_both() -> None:
    trade = after(trade_of(), stop_at("99"))
    trade, events = touch(trade, candles_of("100 111 99.5 105")[0])
    assert told(events) == "take_profit 0.5 at 110 end0"
    _, events = touch(trade, candles_of("- | 105 115 98 105")[0])
    assert told(events) == "stop_loss 0.5 at 99 end1"


def test_a_waiting_trades_exits_change_as_wishes_checked_against_its_entry() -> None:
    waiting = trade_of("long 1 limit 98 sl 95 tp 104")
    assert message_of(modified(waiting, stop_at("99"))) == "stop `99` is above entry `98` for a long trade"
    changed = after(waiting, stop_at("97"))
    assert [ruling.levels for ruling in changed.rulings] == [None, None]
    trade, _ = touch(changed, candles_of("- | 99 99 97.5 98")[0])
    assert (trade.initial_stop, levels_at(trade, 120_000).stop) == (D(97), D(97))
    with pytest.raises(ValueError, match="has no exit prices before it is entered"):
        levels_at(changed, 0)


def test_what_a_change_of_a_waiting_trade_does_not_name_stays() -> None:
    waiting = trade_of("long 1 limit 98 sl 95 tp 104 trails 2% even 1R time 90s")
    event = modified(waiting, stop_at("97"))
    assert isinstance(event, LevelsChanged)
    assert event.ruling.wish == replace(waiting.ruling.wish, stop=parse_level("97"))
    named = ExitChange(keeps_trail=False, keeps_break_even=False, keeps_time_limit=False)
    event = modified(waiting, named)
    assert isinstance(event, LevelsChanged)
    assert event.ruling.wish == replace(waiting.ruling.wish, trail=None, break_even=None, time_limit=None)


def test_a_waiting_limit_breaks_even_with_a_maker_s_fee_and_a_waiting_stop_with_a_taker_s() -> None:
    even = ExitChange(break_even=parse_break_even("99.5"), keeps_break_even=False)
    waiting = [deal_of(f"long 1 {entry} 98 step 0.01") for entry in ("limit", "stop")]
    limit, stop = (replace(deal, maker=Fraction(0), taker=Fraction(1, 100)) for deal in waiting)
    assert isinstance(modified(opened(limit), even), LevelsChanged)  # 98 / 0.99 = 98.99
    needed = "break-even trigger `99.5` of a long trade must be above the break-even price `99.98`"
    assert message_of(modified(opened(stop), even)) == needed  # 98 x 1.01 / 0.99 = 99.98


def test_what_waits_for_a_better_price_cannot_wait_for_the_price_of_now() -> None:
    even = ExitChange(break_even=parse_break_even("105"), keeps_break_even=False)
    said = message_of(modified(trade_of("long 1 at 100"), even, price="105"))
    assert said == "break-even trigger `105` is at the price `105` for a long trade"


def test_what_waits_for_a_better_price_may_be_nearer_than_one() -> None:
    change = ExitChange(
        trail=parse_trail("0.5%@100.5"),
        break_even=parse_break_even("100.5:gross"),
        keeps_trail=False,
        keeps_break_even=False,
    )
    assert isinstance(modified(trade_of("long 1 at 100"), change, price="100.2"), LevelsChanged)


def test_a_trail_may_follow_a_coin_that_costs_less_than_one() -> None:
    change = ExitChange(trail=parse_trail("10%"), keeps_trail=False)
    moved = after(trade_of("long 1 at 0.5 sl 0.4 step 0.001"), change, price="0.6")
    assert levels_at(moved, 120_000).stop == D("0.54")


def test_contradictory_wishes_are_the_callers_error() -> None:
    with pytest.raises(ValueError, match="needs a stop loss"):
        modified(trade_of("long 1 at 100"), targets_at("2R"))


def test_events_that_cannot_follow_are_refused() -> None:
    trade = trade_of()
    ended, exit_fill = closed(trade)
    entry = open_trade(opening_of(deal_of(LONG)), rules_of(deal_of(LONG)))
    assert isinstance(entry, EntryFilled)
    with pytest.raises(ValueError, match="trade 1 does not exist yet"):
        evolve(None, exit_fill)
    with pytest.raises(ValueError, match="trade 1 is closed, not open"):
        evolve(ended, exit_fill)
    with pytest.raises(ValueError, match="trade 1 is open, not pending"):
        evolve(trade, replace(entry, order=None))
    with pytest.raises(ValueError, match="trade 1 already ended"):
        evolve(ended, LevelsChanged(trade_id=1, ruling=trade.ruling, at_ms=1))
    with pytest.raises(ValueError, match="trade 1 cannot close 2 of 1"):
        evolve(trade, replace(exit_fill, quantity=D(2)))
    with pytest.raises(ValueError, match=r"cannot close 0\.5 of 1"):
        evolve(trade, replace(exit_fill, quantity=D("0.5")))


def test_marks_and_tags_change_at_any_time() -> None:
    ended, _ = closed(trade_of())
    flagged = evolve(ended, TradeFlagged(trade_id=1, flags=(Flag.UNVERIFIED, Flag.HALTED), at_ms=1))
    tagged = evolve(flagged, TagsChanged(trade_id=1, tags=("a", "b")))
    assert (tagged.flags, tagged.tags) == ((Flag.HALTED, Flag.UNVERIFIED), ("a", "b"))


def test_marks_and_tags_of_a_waiting_trade_are_those_of_the_trade_it_becomes() -> None:
    waiting = evolve(trade_of("long 1 limit 98"), TagsChanged(trade_id=1, tags=("a", "b")))
    marked = evolve(waiting, TradeFlagged(trade_id=1, flags=(Flag.HALTED,), at_ms=1))
    entered, _ = touch(marked, candles_of("- | 99 99 97.5 98")[0])
    assert (entered.status, entered.flags, entered.tags) == (Status.OPEN, (Flag.HALTED,), ("a", "b"))


def test_when_events_happened() -> None:
    placed = open_trade(opening_of(deal_of("long 1 limit 98 opened 5s")), Rules())
    assert isinstance(placed, TradePlaced)
    assert effective_ms(placed) == 5_000
    assert effective_ms(TagsChanged(trade_id=1, tags=()), 7) == 7
    assert effective_ms(TradeFlagged(trade_id=1, flags=(), at_ms=9)) == 9


def test_a_trade_knows_its_numbers() -> None:
    waiting = trade_of("long 1 limit 98 sl 95")
    assert (waiting.unrealized(D(120)), waiting.exit_quantity, waiting.initial_risk) == (D(0), D(0), None)
    with pytest.raises(ValueError, match="was never entered"):
        assert waiting.entered_price
    trade = trade_of()
    assert (trade.unrealized(D(104)), trade.initial_risk, trade.r_multiple) == (D(4), D(5), D(0))
    assert trade_of("short 1 at 100").unrealized(D(104)) == -4
    with pytest.raises(ValueError, match="a market entry waits for no price"):
        assert trade.order.waiting_price


def test_an_order_of_nothing_cannot_be_made() -> None:
    order: Order = trade_of().order
    with pytest.raises(ValueError, match="quantity `0` must be above 0"):
        replace(order, quantity=D(0))
