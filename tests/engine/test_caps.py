"""Caps and guards on their way to a size: rows by hand at the boundary, through `open_trade`, and the laws."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.account import AccountBook
from papertrade.engine.caps import FREE, NO_CAPS, Caps, Exposure, Restraint, Room, held_back, rooms_of
from papertrade.engine.exposure import Stake, exposure_of, stake_of
from papertrade.engine.guards import Response, Stand
from papertrade.engine.instrument import Instrument
from papertrade.engine.limits import Action, GuardName, Limit, Number
from papertrade.engine.market import Quote, Side
from papertrade.engine.messages import EntryFilled, Refusal, TradePlaced
from papertrade.engine.money import exact
from papertrade.engine.signal import EntryType, Signal, parse_size
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.trade import Flag

NOW = 1_795_168_800_000
BOOK = AccountBook(account_id=1, name="main", currency="USDT", cash=Decimal(10_000), capital=Decimal(10_000))
BTC = Instrument(
    venue="binance",
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.01"),
    quantity_step=Decimal("0.001"),
    quantity_min=Decimal("0.1"),
)


def opening(size: str = "10", restraint: Restraint = FREE, limit: str | None = None) -> Opening:
    signal = Signal(
        source="scanner",
        external_id="1",
        symbol="BTCUSDT",
        side=Side.LONG,
        made_at_ms=NOW,
        entry_type=EntryType.MARKET if limit is None else EntryType.LIMIT,
        entry_price=None if limit is None else Decimal(limit),
        size=parse_size("size", size),
    )
    return Opening(
        trade_id=1,
        signal_id=1,
        signal=signal,
        account=BOOK,
        instrument=BTC,
        at_ms=NOW,
        quote=Quote(at_ms=NOW, last=Decimal(100)),
        restraint=restraint,
    )


def stand(action: Action, factor: str = "0.5", guard: GuardName = GuardName.COOLDOWN) -> Stand:
    return Stand(
        guard=guard,
        response=Response(action, Decimal(factor)),
        is_acting=True,
        message="`3` losses in a row",
        numbers=(Number("losses", Decimal(3)),),
    )


def room(left: str, cap: GuardName = GuardName.CAP_TOTAL) -> Room:
    return Room(cap, Decimal(left), Decimal(0))


def sized(restraint: Restraint, size: str = "10") -> tuple[Decimal, tuple[Flag, ...]] | str:
    event = open_trade(opening(size, restraint), Rules())
    if isinstance(event, Refusal):
        return event.code
    assert event.order is not None
    return event.order.quantity, event.order.flags


ROWS: list[tuple[str, Restraint, tuple[str, tuple[Flag, ...]] | str]] = [
    ("free", FREE, ("10", ())),
    ("a halt refuses", Restraint(stands=(stand(Action.HALT),)), "guard"),
    ("a warning changes nothing", Restraint(stands=(stand(Action.WARN),)), ("10", ())),
    ("half", Restraint(stands=(stand(Action.SHRINK),)), ("5", (Flag.GUARDED,))),
    ("10 x 0.333 = 3.33", Restraint(stands=(stand(Action.SHRINK, "0.333"),)), ("3.33", (Flag.GUARDED,))),
    ("half of half", Restraint(stands=(stand(Action.SHRINK), stand(Action.SHRINK))), ("2.5", (Flag.GUARDED,))),
    ("10 x 0.01 is the minimum", Restraint(stands=(stand(Action.SHRINK, "0.01"),)), ("0.1", (Flag.GUARDED,))),
    ("room for exactly 1000", Restraint(rooms=(room("1000"),)), ("10", ())),
    ("room for a little less", Restraint(rooms=(room("999.99999999"),)), "cap"),
    (
        "shrunk to 9.999",
        Restraint(rooms=(room("999.99999999"),), may_shrink=True),
        ("9.999", (Flag.AT_CAP,)),
    ),
    ("no room at all", Restraint(rooms=(room("0"),), may_shrink=True), "cap"),
    ("room for less than a step", Restraint(rooms=(room("0.09"),), may_shrink=True), "cap"),
    ("room for less than the minimum", Restraint(rooms=(room("9.9"),), may_shrink=True), "below_minimum"),
    (
        "the tightest counts",
        Restraint(rooms=(room("500"), room("300", GuardName.CAP_SIDE)), may_shrink=True),
        ("3", (Flag.AT_CAP,)),
    ),
    (
        "a guard first, then the cap",
        Restraint(stands=(stand(Action.SHRINK),), rooms=(room("400"),), may_shrink=True),
        ("4", (Flag.AT_CAP, Flag.GUARDED)),
    ),
    (
        "a guard makes it fit",
        Restraint(stands=(stand(Action.SHRINK),), rooms=(room("500"),)),
        ("5", (Flag.GUARDED,)),
    ),
]


@pytest.mark.parametrize(("restraint", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_guards_and_caps_leave(restraint: Restraint, expected: tuple[str, tuple[Flag, ...]] | str) -> None:
    found = sized(restraint)
    assert found == (expected if isinstance(expected, str) else (Decimal(expected[0]), expected[1]))


def test_a_size_beyond_the_cash_is_taken_if_a_guard_makes_it_fit() -> None:
    assert sized(FREE, "150") == "insufficient_funds"
    assert sized(Restraint(stands=(stand(Action.SHRINK),)), "150") == (Decimal(75), (Flag.GUARDED,))


def test_a_guard_that_halts_says_which_and_why() -> None:
    refusal = open_trade(opening(restraint=Restraint(stands=(stand(Action.WARN), stand(Action.HALT)))), Rules())
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.message) == ("guard", "guard cooldown: `3` losses in a row")
    assert refusal.details == {"guard": "cooldown", "losses": "3", "until": None}


def test_a_cap_that_refuses_says_the_numbers() -> None:
    left = Room(GuardName.CAP_SYMBOL, Decimal(2000), Decimal(1500))
    refusal = open_trade(opening(restraint=Restraint(rooms=(left,))), Rules())
    assert isinstance(refusal, Refusal)
    assert refusal.message == (
        "cap_symbol: this symbol may have `2000`, `1500` is used, `500` is left, this trade needs `1000`"
    )
    assert refusal.hint == "use --size 5 or less, or close a trade, raise caps.symbol, or set caps.on_cap: shrink"
    full = open_trade(opening(restraint=Restraint(rooms=(replace(left, used=left.limit),))), Rules())
    assert isinstance(full, Refusal)
    assert full.hint == "close a trade, raise caps.symbol, or set caps.on_cap: shrink"
    shrinking = Restraint(rooms=(replace(left, used=left.limit),), may_shrink=True)
    nothing_left = open_trade(opening(restraint=shrinking), Rules())
    assert isinstance(nothing_left, Refusal)
    assert nothing_left.hint == "close a trade, or raise caps.symbol"
    assert refusal.details["affordable"] == "5"


def test_what_is_left_under_the_minimum_says_why() -> None:
    refusal = open_trade(opening(restraint=Restraint(rooms=(room("9"),), may_shrink=True)), Rules())
    assert isinstance(refusal, Refusal)
    assert refusal.message == (
        "`0.09` BTC is under the minimum of BTCUSDT, `0.1`: guards and caps leave no more of `10`"
    )


def test_a_duplicate_comes_before_a_guard() -> None:
    free = open_trade(opening(), Rules())
    assert isinstance(free, EntryFilled)
    again = replace(opening(restraint=Restraint(stands=(stand(Action.HALT),))), live=evolve(None, free))
    refusal = open_trade(again, Rules())
    assert isinstance(refusal, Refusal)
    assert refusal.code == "duplicate_trade"


def test_each_cap_counts_what_an_order_shares_with_live_trades() -> None:
    stakes = [
        Stake("BTCUSDT", Side.LONG, "scanner", Decimal(100)),
        Stake("BTCUSDT", Side.SHORT, "manual", Decimal(20)),
        Stake("ETHUSDT", Side.LONG, "manual", Decimal(3)),
    ]
    found = exposure_of(stakes, "BTCUSDT", Side.LONG, "manual")
    assert found == Exposure(symbol=Decimal(120), side=Decimal(103), source=Decimal(23), total=Decimal(123))
    caps = Caps(symbol=Limit(Decimal(150)), source=Limit(Decimal(1), True), total=Limit(Decimal(100)))
    assert [(r.cap, r.left) for r in rooms_of(caps, found, Decimal(10_000))] == [
        (GuardName.CAP_SYMBOL, Decimal(30)),
        (GuardName.CAP_SOURCE, Decimal(77)),
        (GuardName.CAP_TOTAL, Decimal(0)),
    ]
    assert (NO_CAPS.are_off, caps.are_off, str(caps.source)) == (True, False, "1%")


def test_a_waiting_order_counts_with_what_it_was_placed_for() -> None:
    placed = open_trade(opening(limit="90"), Rules())
    assert isinstance(placed, TradePlaced)
    assert stake_of(evolve(None, placed)) == Stake("BTCUSDT", Side.LONG, "scanner", Decimal(900))
    filled = open_trade(opening(), Rules())
    assert isinstance(filled, EntryFilled)
    assert stake_of(evolve(None, filled)).notional == Decimal(1000)


decimals = st.decimals("0.001", 1000, places=3, allow_nan=False, allow_infinity=False)


@given(decimals, decimals, st.lists(decimals, max_size=3), st.booleans())
def test_nothing_placed_is_larger_than_asked_or_beyond_a_cap(
    quantity: Decimal, price: Decimal, lefts: list[Decimal], may_shrink: bool
) -> None:
    rooms = tuple(Room(GuardName.CAP_TOTAL, left, Decimal(0)) for left in lefts)
    restraint = Restraint(stands=(stand(Action.SHRINK, "0.7"),), rooms=rooms, may_shrink=may_shrink)
    with exact():
        held = held_back(quantity, price, Decimal("0.001"), restraint)
        left_over = quantity if isinstance(held, Room) or not held else held[-1].quantity
        assert left_over <= quantity
        assert isinstance(held, Room) or all(left_over * price <= left for left in lefts)


@given(decimals, decimals)
def test_without_guards_and_caps_nothing_changes(quantity: Decimal, price: Decimal) -> None:
    assert held_back(quantity, price, Decimal("0.001"), FREE) == ()
    with exact():
        assert held_back(quantity, price, Decimal("0.001"), Restraint()) == ()
