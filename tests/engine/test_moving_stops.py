"""What moves a stop, told in events and armed prices; what is refused; break-even prices; quotes; changes by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine.armed import Armed, reach
from papertrade.engine.conventions import CONSERVATIVE, NAMED, Convention, DecidedBy, TrailOn
from papertrade.engine.fills import even_price
from papertrade.engine.follow import follow, follow_first_target
from papertrade.engine.market import Quote, Side
from papertrade.engine.messages import EntryFilled, Refusal, StopMoved, TradeEvent, TradePlaced
from papertrade.engine.money import GRID, exact
from papertrade.engine.state import evolve, levels_at
from papertrade.engine.step import Rules, open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason, Flag, Status, Stop, Terms
from tests.engine.deals import opening_of, rules_of
from tests.engine.tables import candles_of, deal_of, told, trade_of

D = Decimal
HALVES = "long 1 at 100 sl 95 tp 110:0.5 tp 120:0.5"


@pytest.mark.parametrize(
    ("sentence", "trade", "minutes", "below", "above", "at"),
    [
        ("stop, two targets, a time limit", f"{HALVES} time 10m", "", "95", "110", 600_000),
        ("after the first target", f"{HALVES} after be:gross time 10m", "100 111 99 105", "100", "120", 600_000),
        ("a trail under its peak", "long 1 at 100 trails 5%", "100 120 99 119", "114", "120", None),
        ("a trail from the entry", "long 1 at 100 trails 5%", "", "95", "100", None),
        ("a trail that waits", "long 1 at 100 sl 95 trails 5@108", "", "95", "108", None),
        ("a trail that waits without a stop", "long 1 at 100 trails 5@108", "", None, "108", None),
        ("the nearest of three", f"{HALVES} trails 5@108 even 104:gross", "", "95", "104", None),
        ("the trigger touched", f"{HALVES} trails 5@108 even 104:gross", "100 104 99 103", "100", "108", None),
        ("all of them touched", f"{HALVES} trails 5@108 even 104:gross", "100 109 99 108", "104", "109", None),
        ("a short's trail", "short 1 at 100 trails 5 tp 80", "100 101 90 91", "90", "95", None),
        ("a short's trigger", "short 1 at 100 sl 105 tp 80 even 92:gross", "", "92", "105", None),
    ],
)
def test_armed_prices(
    sentence: str, trade: str, minutes: str, below: str | None, above: str | None, at: int | None
) -> None:
    wanted = Armed(None if below is None else D(below), None if above is None else D(above), at)
    assert reach(trade_of(trade, minutes)) == wanted, sentence


def test_a_move_says_which_stop_stands_and_why() -> None:
    trade = trade_of("long 1 at 100 sl 95 trails 5 even 104:gross")
    candle = candles_of("100 106 99 105")[0]
    after, (event,) = touch(trade, candle)
    assert isinstance(event, StopMoved)
    assert (event.stop, event.reason, event.peak, event.trail_stop) == (
        D(101),
        ExitReason.TRAILING_STOP,
        D(106),
        D(101),
    )
    assert (event.is_even, event.is_after_first, event.from_ms, event.at_ms) == (True, False, 0, 59_999)
    assert (event.cause.rule, event.cause.raw_price, event.cause.candle) == ("4.3 break-even reached", D(106), candle)
    assert (after.applied_to, after.whole_from, after.initial_stop) == (60_000, 0, D(95))
    levels = levels_at(after, 60_000)
    assert (levels.stop, levels.reason, levels.own_stop) == (D(101), ExitReason.TRAILING_STOP, Stop(D(95)))


def test_the_stop_after_the_first_target_is_a_move_of_its_own() -> None:
    trade, events = touch(trade_of(f"{HALVES} after be:gross"), candles_of("100 111 99 105")[0])
    assert [type(event).__name__ for event in events] == ["ExitFilled", "StopMoved"]
    moved = events[1]
    assert isinstance(moved, StopMoved)
    assert (moved.cause.rule, moved.stop, moved.reason) == ("4.5 first target taken", D(100), ExitReason.BREAK_EVEN)
    assert (moved.peak, moved.trail_stop, moved.is_even, moved.is_after_first) == (None, None, False, True)
    assert follow_first_target(trade, D(110), 0, 0, 0) is None


def test_what_is_not_open_or_moves_nothing_is_not_followed() -> None:
    waiting = trade_of("long 1 limit 98 trails 5")
    trade = trade_of("long 1 at 100 trails 5")
    ended = trade_of("long 1 at 100 trails 5", "100 100 94 95")
    assert ended.status is Status.CLOSED
    assert follow(ended, D(120), 60_000, 119_999, 120_000) is None
    assert follow(trade, D(100), 0, 59_999, 60_000) is None
    with pytest.raises(ValueError, match="no exit prices before it is entered"):
        follow(waiting, D(120), 0, 59_999, 60_000)


def test_a_trail_from_the_entry_is_the_first_stop_where_there_is_no_other() -> None:
    assert trade_of("long 1 at 100 trails 5").initial_stop == D(95)
    assert trade_of("long 1 at 100 sl 90 trails 5").initial_stop == D(90)
    assert trade_of("long 1 at 100 trails 5@104").initial_stop is None
    assert trade_of("long 1 at 100 even 104:gross").initial_stop is None


@pytest.mark.parametrize(
    ("side", "fee", "bps", "step", "price"),
    [
        (Side.LONG, "0.001", "0", "0.01", "100.21"),
        (Side.SHORT, "0.001", "0", "0.01", "99.8"),
        (Side.LONG, "0", "0", "0.01", "100"),
        (Side.LONG, "0", "100", "0.01", "101.02"),
        (Side.SHORT, "0", "100", "0.01", "99"),
    ],
)
def test_break_even_prices(side: Side, fee: str, bps: str, step: str, price: str) -> None:
    terms = Terms(maker=D(fee), taker=D(fee), slippage_bps=D(bps), price_step=D(step))
    assert even_price(side, D(100), D(100) * D(fee), D(1), terms) == D(price)


@pytest.mark.parametrize(
    ("side", "entry", "quantity", "paid", "bps", "price"),
    [
        # one step of 1e-8 nearer to the entry the money rounds to a loss of 1e-8
        (Side.LONG, "2.59", "2.12", "0.00384356", "3", "2.59440688"),
        (Side.SHORT, "0.83", "0.6", "0.0003486", "1", "0.82875589"),
    ],
)
def test_no_rounding_makes_a_break_even_lose(
    side: Side, entry: str, quantity: str, paid: str, bps: str, price: str
) -> None:
    terms = Terms(maker=D("0.0007"), taker=D("0.0007"), slippage_bps=D(bps), price_step=GRID)
    with exact():
        assert even_price(side, D(entry), D(paid), D(quantity), terms) == D(price)


def test_without_a_price_step_the_rounding_of_money_counts() -> None:
    trade = trade_of("long 1 at 100 fee 0.001 even 105")
    levels = levels_at(trade, 0)
    assert levels.break_even is not None
    assert str(levels.break_even.stop).startswith("100.2002002")
    _, events = touch(
        trade_of("long 1 at 100 fee 0.001 even 105", "100 105 99 104"), candles_of("- | 104 104 99 100")[0]
    )
    assert [event.realized for event in events if hasattr(event, "realized")] == [D("0.00000001")]


REFUSED = [
    ("long 1 at 100 trails 5@100", "trail activation `100` is at entry `100` for a long trade"),
    ("long 1 at 100 trails 5@-1%", "trail activation `99` is below entry `100` for a long trade"),
    ("short 1 at 100 trails 5@101", "trail activation `101` is above entry `100` for a short trade"),
    ("long 1 at 100 trails 150", "trail `150` is no less than the price it begins at, `100`"),
    ("long 1 at 100 trails 110@105", "trail `110` is no less than the price it begins at, `105`"),
    ("long 1 at 100 even 99", "break-even trigger `99` is below entry `100` for a long trade"),
    ("long 1 at 100 fee 0.001 step 0.01 even 100.2",
     "break-even trigger `100.2` of a long trade must be above the break-even price `100.21`"),
    ("short 1 at 100 fee 0.001 step 0.01 even 99.9",
     "break-even trigger `99.9` of a short trade must be below the break-even price `99.8`"),
    ("long 1 at 100 tp 110:0.5 after 110", "first target `110` of a long trade must be above the stop after it `110`"),
    ("long 1 at 100 opened 60s until 1m", "time limit `1970-01-01T00:01:00.000Z` has passed"),
    ("long 1 limit 98 trails 5@97", "trail activation `97` is below entry `98` for a long trade"),
]  # fmt: skip


@pytest.mark.parametrize(("trade", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_impossible_rules_are_refused(trade: str, message: str) -> None:
    deal = deal_of(trade)
    refusal = open_trade(opening_of(deal), rules_of(deal))
    assert isinstance(refusal, Refusal)
    assert refusal.message == message


def test_a_refused_activation_says_where_it_must_lie() -> None:
    deal = deal_of("long 1 at 100 trails 5@97")
    refusal = open_trade(opening_of(deal), rules_of(deal))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.hint) == (
        "wrong_side",
        "the trail activation of a long trade must be above `100`",
    )
    assert refusal.details["what"] == "trail activation"


def test_a_short_may_trail_further_than_its_price() -> None:
    assert levels_at(trade_of("short 1 at 100 trails 150%"), 0).stop == D(250)


def test_risk_sizing_counts_a_trail_that_begins_at_the_entry() -> None:
    deal = deal_of("long 1 at 100 trails 5")
    opening = opening_of(deal)
    opening = replace(opening, signal=replace(opening.signal, size=None))
    event = open_trade(opening, Rules(maker=D(0), taker=D(0)))
    assert isinstance(event, EntryFilled)
    assert event.quantity == D(2_000_000_000)  # 1 % of 10^12 over the distance of 5


def test_a_size_that_is_refused_is_refused_before_the_costs_are_known() -> None:
    deal = deal_of("long 1 at 100 qmin 5 even 105")
    refusal = open_trade(opening_of(deal), rules_of(deal))
    assert isinstance(refusal, Refusal)
    assert refusal.code != "wrong_side"


@pytest.mark.parametrize(
    ("sentence", "trade", "bids", "happens"),
    [
        ("a quote leads a trail", "long 1 at 100 trails 5", "110 104", "trailing_stop 1 at 104 120001ms observed"),
        ("a quote past a trigger", "long 1 at 100 sl 95 even 105:gross", "106 100",
         "break_even 1 at 100 120001ms observed"),
        ("a quote after the time limit", "long 1 at 100 time 90s", "101", "time_limit 1 at 101 open2 observed"),
        ("a quote before the time limit", "long 1 at 100 time 150s", "101", ""),
        ("a quote past the target at the time limit", "long 1 at 100 tp 110 time 90s", "112",
         "take_profit 1 at 112 open2 observed"),
    ],
)  # fmt: skip
def test_quotes_move_stops_and_see_the_time(sentence: str, trade: str, bids: str, happens: str) -> None:
    state, found = trade_of(trade), list[TradeEvent]()
    for position, bid in enumerate(bids.split()):
        state, events = touch(state, Quote(at_ms=120_000 + position, last=D(bid)))
        found += events
    assert told(found) == happens, sentence


def test_no_candle_reaches_behind_a_quote_that_moved_a_stop() -> None:
    trade, events = touch(trade_of("long 1 at 100 trails 5"), Quote(at_ms=90_000, last=D(110)))
    assert [type(event) for event in events] == [StopMoved]
    assert (trade.applied_to, trade.whole_from) == (90_000, 90_000)
    _, events = touch(trade, candles_of("- | 100 110 99 109")[0])
    assert events == ()
    _, events = touch(trade, candles_of("- | 100 110 99 104")[0])
    assert told(events) == "trailing_stop 1 at 104 end1"


def test_finer_candles_lead_a_trail_but_no_further_than_their_minute() -> None:
    trade = trade_of("long 1 at 100 trails 5")
    minute = candles_of("100 110 95 108")[0]
    settled, events = touch(trade, minute, candles_of("100 112 99 109 | 109 109 95 108"))
    assert told(events) == "trailing_stop 1 at 105 end0 settled"
    assert settled.is_ambiguous is False
    _, events = touch(trade, minute, candles_of("100 100 95 99 | 99 110 99 108"))
    assert told(events) == "trailing_stop 1 at 95 end0 settled"
    short = trade_of("short 1 at 100 trails 5")
    _, events = touch(short, candles_of("100 105 90 92")[0], candles_of("100 101 88 91 | 91 105 91 92"))
    assert told(events) == "trailing_stop 1 at 95 end0 settled"


# conventions --------------------------------------------------------------------------------------------------


def test_named_conventions_differ_where_their_sources_do() -> None:
    assert list(NAMED) == ["conservative", "freqtrade", "backtesting.py", "tradingview", "observed"]
    assert NAMED["conservative"] == CONSERVATIVE == Convention()
    assert [name for name, one in NAMED.items() if one.trail is TrailOn.HIGH_FIRST] == ["freqtrade"]
    assert [name for name, one in NAMED.items() if one.decides is DecidedBy.QUOTES] == ["observed"]
    assert len(set(NAMED.values())) == len(NAMED)


def test_a_waiting_trade_is_placed_with_its_rules() -> None:
    deal = deal_of("long 1 limit 98 sl 95 tp 104 trails 1R@2R even 1R time 60s")
    event = open_trade(opening_of(deal), rules_of(deal))
    assert isinstance(event, TradePlaced)
    entered, events = touch(evolve(None, event), candles_of("- | 99 99 97 98")[0])
    levels = levels_at(entered, 120_000)
    assert (levels.stop, levels.trail and levels.trail.activation, levels.time_limit) == (D(95), D(104), 179_999)
    assert [flag for event in events for flag in getattr(event, "flags", ())] == [] and Flag.SHRUNK not in entered.flags
