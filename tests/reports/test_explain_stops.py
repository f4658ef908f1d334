"""Each move of a stop taken apart is what was booked: peak and distance give the trail, entry and costs break-even."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.exit_wish import ExitWish, parse_break_even, parse_level, parse_target, parse_trail
from papertrade.engine.follow import follow, follow_first_target
from papertrade.engine.levels import Entered, resolve, with_rules
from papertrade.engine.market import Side
from papertrade.engine.messages import EntryFilled, TradeEvent
from papertrade.engine.money import ceil_to, exact, floor_to
from papertrade.engine.state import evolve
from papertrade.engine.trade import ExitReason, Levels, Ruling, Terms, Trade
from papertrade.reports.explain import Stamped, explain
from papertrade.reports.explain_stops import StopExplained
from tests.reports.builders import DAY, entered

TERMS = Terms(price_step=Decimal("0.01"), slippage_bps=Decimal(5))
HUNDRED = Decimal(100)


def opened(wish: ExitWish, side: Side, terms: Terms = TERMS) -> tuple[EntryFilled, Trade]:
    """Return a trade of 1 from 100 with the exits wished, and how it began."""
    entry = entered(1, side, HUNDRED, Decimal(1), DAY, terms=terms)
    plain = resolve(wish, side, HUNDRED, terms.price_grid, Decimal(1))
    start = Entered(
        side=side, price=HUNDRED, quantity=Decimal(1), fee=entry.fee, terms=terms, opened_at=DAY, stop=plain.stop
    )
    levels: Levels = with_rules(plain, wish, start)
    entry = replace(entry, rulings=(Ruling(DAY, wish, levels),))
    return entry, evolve(None, entry)


def told(*events: TradeEvent | None) -> tuple[StopExplained, ...]:
    stamps = [Stamped(number, DAY, event) for number, event in enumerate(events, 1) if event is not None]
    return explain(stamps).stop_moves


@given(
    side=st.sampled_from(Side),
    distance=st.sampled_from(["2%", "0.37%", "1.234", "7"]),
    moves=st.lists(st.decimals("0.5", "9", places=2), min_size=1, max_size=5),
)
def test_a_trail_is_its_peak_and_its_distance(side: Side, distance: str, moves: list[Decimal]) -> None:
    entry, trade = opened(ExitWish(trail=parse_trail(distance)), side)
    events: list[TradeEvent] = [entry]
    for number, step in enumerate(moves):
        event = follow(trade, HUNDRED + step * side.sign, DAY, DAY + number, DAY + number)
        if event is not None:
            events.append(event)
            trade = evolve(trade, event)
    found = told(*events)
    assert len(found) == len(events) - 1 >= 1
    before = entry.rulings[0].levels
    assert before is not None
    last = before.stop
    for move in found:
        assert move.trail is not None
        assert (move.stop_before, move.even, move.is_after_first) == (last, None, False)
        with exact():
            assert move.trail.unrounded == move.trail.peak - move.trail.gap * side.sign
            rounded = ceil_to if move.trail.is_rounded_up else floor_to
            assert move.trail.stop == rounded(move.trail.unrounded, move.trail.step) == move.stop
        last = move.stop


@given(side=st.sampled_from(Side), bps=st.sampled_from([Decimal(0), Decimal(5), Decimal("12.5")]))
def test_break_even_is_the_entry_with_its_costs(side: Side, bps: Decimal) -> None:
    terms = Terms(price_step=Decimal("0.01"), slippage_bps=bps)
    entry, trade = opened(ExitWish(parse_level("5%"), break_even=parse_break_even("2%")), side, terms)
    (move,) = told(entry, follow(trade, HUNDRED + 3 * side.sign, DAY, DAY, DAY))
    even = move.even
    assert even is not None
    assert (move.reason_before, move.reason, move.trail) == (ExitReason.STOP_LOSS, ExitReason.BREAK_EVEN, None)
    with exact():
        paid = even.entry + even.entry_fee / even.quantity * side.sign
        price = paid / (1 - even.taker * side.sign) / (1 - even.slippage_bps / 10_000 * side.sign)
        assert Decimal(0) <= (even.stop - price) * side.sign < Decimal("0.03")


def test_gross_break_even_is_the_entry() -> None:
    entry, trade = opened(ExitWish(parse_level("5%"), break_even=parse_break_even("2%:gross")), Side.LONG)
    (move,) = told(entry, follow(trade, Decimal(103), DAY, DAY, DAY))
    assert move.even is not None
    assert (move.even.is_gross, move.even.stop, move.stop) == (True, HUNDRED, HUNDRED)


def test_a_break_even_behind_the_trail_moves_no_stop() -> None:
    wish = ExitWish(trail=parse_trail("1"), break_even=parse_break_even("5%:gross"))
    entry, trade = opened(wish, Side.LONG)
    first = follow(trade, Decimal(104), DAY, DAY, DAY)
    assert first is not None
    trade = evolve(trade, first)
    _, move = told(entry, first, follow(trade, Decimal(105), DAY, DAY + 1, DAY + 1))
    assert (move.stop_before, move.stop, move.reason) == (Decimal(103), Decimal(104), ExitReason.TRAILING_STOP)
    assert move.even is not None
    assert move.even.stop == HUNDRED


def test_after_the_first_target_the_own_stop_moves() -> None:
    wish = ExitWish(parse_level("5%"), (parse_target("110:0.5"),), after_first=parse_level("101"))
    entry, trade = opened(wish, Side.LONG)
    with exact():
        event = follow_first_target(trade, Decimal(110), DAY, DAY, DAY)
    (move,) = told(entry, event)
    assert (move.stop_before, move.stop, move.is_after_first) == (Decimal(95), Decimal(101), True)
    assert (move.trail, move.even) == (None, None)
