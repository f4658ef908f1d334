"""Laws of the one rule: where fills may lie, mirrors, finders, and that it does not matter how a tape is polled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from papertrade.engine.armed import Armed, reach
from papertrade.engine.codec import KIND_OF, KINDS, decode, encode
from papertrade.engine.market import Candle, Quote
from papertrade.engine.messages import EntryFilled, ExitFilled, Refusal, TradeEvent
from papertrade.engine.state import evolve
from papertrade.engine.step import open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason, Trade
from tests.engine.deals import bars, candle_of, deals, dec, happenings, opened, opening_of, play, rules_of
from tests.engine.oracle import Bar, Deal, Exits, Happening, Wish

PIVOT = 200


def accepted(deal: Deal) -> Deal:
    assume(not isinstance(open_trade(opening_of(deal), rules_of(deal)), Refusal))
    return deal


plain_deals = deals(with_costs=False, with_changes=False).map(accepted)
costly_deals = deals(with_changes=False).map(accepted)


def run(trade: Trade, candles: Sequence[Candle]) -> tuple[Trade, list[TradeEvent]]:
    events: list[TradeEvent] = []
    for candle in candles:
        trade, more = touch(trade, candle)
        events.extend(more)
    return trade, events


def reaches(prices: Armed, candle: Candle) -> bool:
    return any(
        (
            prices.below is not None and candle.low <= prices.below,
            prices.above is not None and candle.high >= prices.above,
            prices.at is not None and candle.open_ms >= prices.at,
        )
    )


@given(plain_deals, bars())
def test_fills_lie_inside_their_candle_or_at_a_level_that_it_gapped_past(deal: Deal, tape: list[Bar]) -> None:
    _, events = play(deal, [candle_of(bar) for bar in tape])
    for event in events:
        if isinstance(event, EntryFilled | ExitFilled):
            candle = event.cause.candle
            assert candle is not None
            assert candle.low <= event.price <= candle.high or event.price == event.cause.level
            assert event.at_ms in (candle.open_ms, candle.last_ms)


@given(plain_deals, bars())
def test_a_stop_never_fills_better_than_its_level_and_a_target_never_worse(deal: Deal, tape: list[Bar]) -> None:
    trade, events = play(deal, [candle_of(bar) for bar in tape])
    for event in events:
        if isinstance(event, ExitFilled) and event.reason is not ExitReason.TIME_LIMIT:
            assert event.cause.level is not None
            better = (event.price - event.cause.level) * trade.side.sign
            assert better >= 0 if event.target is not None else better <= 0


def mirrored_price(price: Fraction) -> Fraction:
    return PIVOT - price


def mirrored_wish(wish: Wish) -> Wish:
    return Wish("price", mirrored_price(wish.value)) if wish.kind == "price" else wish


def mirrored_deal(deal: Deal) -> Deal:
    exits = deal.exits
    return replace(
        deal,
        side={"long": "short", "short": "long"}[deal.side],
        price=mirrored_price(deal.price),
        exits=Exits(
            None if exits.stop is None else mirrored_wish(exits.stop),
            tuple((mirrored_wish(wish), share) for wish, share in exits.targets),
            None if exits.trail is None else mirrored_trail(*exits.trail),
            None if exits.even is None else (mirrored_wish(exits.even[0]), exits.even[1]),
            exits.limit,
            None if exits.after is None else mirrored_wish(exits.after),
        ),
    )


def mirrored_trail(distance: Wish, begins: Wish | None) -> tuple[Wish, Wish | None]:
    return distance, None if begins is None else mirrored_wish(begins)


def in_prices(deal: Deal) -> Deal:
    """Write all that is in percent in prices, for a reflection of prices keeps no percents."""

    def priced(wish: Wish | None) -> Wish | None:
        if wish is None or wish.kind != "percent":
            return wish
        return Wish("price", Fraction(round(deal.price * (1 + wish.value / 100))))

    exits = deal.exits
    trail = None if exits.trail is None else (exits.trail[0], priced(exits.trail[1]))
    if trail is not None and trail[0].kind == "percent":
        trail = (Wish("price", Fraction(3, 2)), trail[1])
    even = None if exits.even is None else (priced(exits.even[0]) or exits.even[0], exits.even[1])
    return accepted(replace(deal, exits=replace(exits, trail=trail, even=even, after=priced(exits.after))))


def mirrored_bar(bar: Bar) -> Bar:
    high, low = mirrored_price(bar.low), mirrored_price(bar.high)
    return replace(bar, open=mirrored_price(bar.open), high=high, low=low, close=mirrored_price(bar.close))


@settings(max_examples=150)
@given(plain_deals, bars())
def test_mirror_of_long_and_short(deal: Deal, tape: list[Bar]) -> None:
    # Reserves and minimums are in money, which a reflection of prices does not keep: none may bind here.
    deal = replace(
        deal, leverage=Fraction(1), quantity_step=Fraction(1, 10**8), quantity_min=Fraction(0), notional_min=Fraction(0)
    )
    deal = in_prices(deal)
    _, events = play(deal, [candle_of(bar) for bar in tape])
    _, reflected = play(mirrored_deal(deal), [candle_of(mirrored_bar(bar)) for bar in tape])
    assert [shape(h, -1) for h in happenings(reflected)] == [shape(h, 1) for h in happenings(events)]


def shape(happened: Happening, sign: int) -> tuple[str, Fraction, int, bool]:
    filled = happened.reason not in ("expired", "rejected")
    price = mirrored_price(happened.price) if filled and sign < 0 else happened.price
    return happened.reason, price, happened.stamp, happened.ambiguous


@settings(max_examples=250)
@given(deals().map(accepted), bars())
def test_finder_and_rule_equal_the_rule_on_every_candle(deal: Deal, tape: list[Bar]) -> None:
    candles = [candle_of(bar) for bar in tape]
    assert play(deal, candles, found=lambda trade, candle: reaches(reach(trade), candle)) == play(deal, candles)


@given(costly_deals, bars())
def test_a_candle_that_reaches_no_armed_price_does_nothing(deal: Deal, tape: list[Bar]) -> None:
    trade = opened(deal)
    for candle in [candle_of(bar) for bar in tape]:
        after, events = touch(trade, candle)
        assert reaches(reach(trade), candle) or (after, events) == (trade, ())
        trade = after


@settings(max_examples=150)
@given(costly_deals, bars(), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6))
def test_how_a_tape_is_polled_changes_nothing(deal: Deal, tape: list[Bar], polls: list[tuple[int, int]]) -> None:
    candles = [candle_of(bar) for bar in tape]
    at_once = run(opened(deal), candles)
    trade, events, done = opened(deal), list[TradeEvent](), 0
    for back, forward in polls:  # every poll sees some minutes again, and some that are new
        trade, more = run(trade, candles[max(done - back, 0) : done + forward])
        events += more
        done = min(done + forward, len(candles))
    trade, more = run(trade, candles[done:])
    assert (trade, events + more) == at_once


@given(costly_deals, bars())
def test_a_candle_applied_twice_changes_nothing(deal: Deal, tape: list[Bar]) -> None:
    trade = opened(deal)
    for candle in [candle_of(bar) for bar in tape]:
        trade, _ = touch(trade, candle)
        assert touch(trade, candle) == (trade, ())


@given(deals().map(accepted), bars())
def test_a_trade_is_a_function_of_its_events_as_the_journal_keeps_them(deal: Deal, tape: list[Bar]) -> None:
    deal = replace(deal, changes=())
    first = open_trade(opening_of(deal), rules_of(deal))
    assert not isinstance(first, Refusal)
    trade, events = run(evolve(None, first), [candle_of(bar) for bar in tape])
    again: Trade | None = None
    for event in (first, *events):
        again = evolve(again, reread(event))
    assert again == trade


def reread(event: TradeEvent) -> TradeEvent:
    read = decode(KINDS[KIND_OF[type(event)]], encode(event))
    assert isinstance(read, type(event))
    return read


@given(costly_deals, bars())
def test_neither_gaps_nor_liquidation_cost_more_than_the_reserve(deal: Deal, tape: list[Bar]) -> None:
    trade, events = run(opened(deal), [candle_of(bar) for bar in tape])
    for event in events:
        if isinstance(event, ExitFilled):
            assert event.gross - event.fee >= -event.reserve_released
            assert event.realized == event.gross - event.fee - event.entry_fee_share
    assert trade.status.is_live or trade.reserve == trade.open_quantity == trade.entry_fee_left == 0


@given(costly_deals, bars(first_ms=60_000), st.lists(st.integers(90, 110), max_size=5))
def test_a_quote_is_a_jump_that_no_earlier_candle_reaches_behind(deal: Deal, tape: list[Bar], seen: list[int]) -> None:
    trade = opened(replace(deal, at_ms=0, expires_ms=None))
    for position, price in enumerate(seen):
        at_ms = 1_000_000_000 + position
        trade, events = touch(trade, Quote(at_ms=at_ms, last=dec(price)))
        if events:
            assert trade.applied_to == at_ms
            assert run(trade, [candle_of(bar) for bar in tape]) == (trade, [])
