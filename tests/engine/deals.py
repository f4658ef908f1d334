"""The bridge between the oracle's plain words and the engine's values, and random deals and tapes.

The engine side goes through its public doors only: `open_trade`, `modify_trade`, `touch`. Prices of random
tapes lie on a grid so small that touches, gaps, ties and equalities are the rule and not the exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from papertrade.engine.account import AccountBook
from papertrade.engine.changes import ExitChange, modify_trade
from papertrade.engine.conventions import Convention, GapFill, LimitFill, SameCandle, TrailOn
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Candle, Quote, Side
from papertrade.engine.messages import (
    CostCharged,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    Refusal,
    StopMoved,
    TradeEnded,
    TradeEvent,
)
from papertrade.engine.money import CONTEXT
from papertrade.engine.signal import (
    BreakEvenWish,
    EntryType,
    ExitWish,
    Level,
    LevelKind,
    Signal,
    Size,
    SizeKind,
    TargetWish,
    TimeLimitWish,
    TrailWish,
)
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import Funding, Trade
from tests.engine.oracle import Bar, Choices, Deal, Exits, Happening, Wish

MINUTE = 60_000
RICH = AccountBook(account_id=1, name="main", currency="USDT", cash=Decimal(10**12), capital=Decimal(10**12))


def dec(value: Fraction | int | str) -> Decimal:
    """Return a fraction with a finite decimal expansion as a decimal."""
    fraction = Fraction(value)
    return CONTEXT.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))


def fraction_of(share: Fraction) -> Decimal | None:
    """Return what is wished for a share: nothing for a third, which is had by naming none for any of three."""
    return None if share == Fraction(1, 3) else dec(share)


def frac(value: Decimal) -> Fraction:
    return Fraction(*value.as_integer_ratio())


def candle_of(bar: Bar) -> Candle:
    return Candle(
        open_ms=bar.open_ms,
        interval_ms=bar.length_ms,
        open=dec(bar.open),
        high=dec(bar.high),
        low=dec(bar.low),
        close=dec(bar.close),
    )


def bar_of(candle: Candle) -> Bar:
    prices = (frac(p) for p in (candle.open, candle.high, candle.low, candle.close))
    return Bar(candle.open_ms, candle.interval_ms, *prices)


def exit_wish_of(exits: Exits) -> ExitWish:
    trail, even = exits.trail, exits.even
    return ExitWish(
        None if exits.stop is None else _level(exits.stop),
        tuple(TargetWish(_level(wish), fraction_of(share)) for wish, share in exits.targets),
        None if trail is None else TrailWish(_distance(trail[0]), None if trail[1] is None else _level(trail[1])),
        None if even is None else BreakEvenWish(_level(even[0]), even[1]),
        None if exits.limit is None else _limit(*exits.limit),
        None if exits.after is None else _level(exits.after),
    )


def _limit(kind: str, at_ms: int) -> TimeLimitWish:
    return TimeLimitWish(after_ms=at_ms) if kind == "age" else TimeLimitWish(at_ms=at_ms)


def _distance(wish: Wish) -> Level:
    return Level(LevelKind.PERCENT, dec(wish.value)) if wish.kind == "percent" else _level(wish)


def convention_of(choices: Choices) -> Convention:
    return Convention(
        same_candle=SameCandle(choices.same_candle),
        gap_stop=GapFill(choices.gap_stop),
        gap_target=GapFill(choices.gap_target),
        gap_limit=GapFill(choices.gap_limit),
        limit_fill=LimitFill(choices.limit_fill),
        trail=TrailOn(choices.trail),
    )


def rules_of(deal: Deal) -> Rules:
    return Rules(
        maker=dec(deal.maker),
        taker=dec(deal.taker),
        slippage_bps=dec(deal.slippage_bps),
        leverage=dec(deal.leverage),
        maintenance=dec(deal.maintenance),
        funding=None if deal.funding is None else Funding(dec(deal.funding), deal.funding_every),
        borrow=None if deal.borrow is None else dec(deal.borrow),
        convention=convention_of(deal.choices),
    )


def opening_of(deal: Deal) -> Opening:
    """Return the request that opens the deal: market ones at a quote of its price, the others without a quote."""
    is_market = deal.entry == "market"
    signal = Signal(
        source="test",
        external_id="1",
        symbol="BTCUSDT",
        side=Side(deal.side),
        made_at_ms=deal.at_ms,
        entry_type=EntryType(deal.entry),
        entry_price=None if is_market else dec(deal.price),
        exits=exit_wish_of(deal.exits),
        size=Size(SizeKind.QUANTITY, dec(deal.quantity)),
        expires_at_ms=deal.expires_ms,
    )
    instrument = Instrument(
        venue="test",
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        price_step=dec(deal.price_step),
        quantity_step=dec(deal.quantity_step),
        quantity_min=dec(deal.quantity_min),
        notional_min=dec(deal.notional_min),
    )
    return Opening(
        trade_id=1,
        signal_id=1,
        signal=signal,
        account=RICH,
        instrument=instrument,
        at_ms=deal.at_ms,
        quote=Quote(at_ms=deal.at_ms, last=dec(deal.price)) if is_market else None,
    )


def opened(deal: Deal) -> Trade:
    """Return the trade after `open_trade`; a refusal is an error of the test."""
    event = open_trade(opening_of(deal), rules_of(deal))
    assert not isinstance(event, Refusal), event
    return evolve(None, event)


def changed(trade: Trade, at_ms: int, exits: Exits, deal: Deal) -> Trade:
    """Modify both stop and targets at a price that lies between them."""
    wish = exit_wish_of(exits)
    assert wish.stop is not None
    price = (wish.stop.value + min((t.level.value for t in wish.targets), key=lambda p: abs(p - deal_entry(deal)))) / 2
    change = ExitChange(stop=wish.stop, targets=wish.targets, keeps_stop=False, keeps_targets=False)
    event = modify_trade(trade, change, price, at_ms, rules_of(deal))
    assert isinstance(event, LevelsChanged), event
    return evolve(trade, event)


def deal_entry(deal: Deal) -> Decimal:
    return dec(deal.price)


def play(
    deal: Deal,
    candles: Sequence[Candle],
    finer: Mapping[int, Sequence[Candle]] | None = None,
    found: Callable[[Trade, Candle], bool] = lambda trade, candle: True,
) -> tuple[Trade, list[TradeEvent]]:
    """Open the deal with the engine and show it every candle that is `found`, changing its exits in between."""
    trade, events, changes = opened(deal), list[TradeEvent](), list(deal.changes)
    for candle in candles:
        while changes and changes[0][0] <= candle.last_ms:
            at_ms, exits = changes.pop(0)
            trade = changed(trade, at_ms, exits, deal) if trade.status.is_live else trade
        if found(trade, candle):
            trade, more = touch(trade, candle, (finer or {}).get(candle.open_ms, ()))
            events.extend(more)
    return trade, events


def happenings(events: Sequence[TradeEvent]) -> list[Happening]:
    """Say the engine's events in the oracle's words, which do not tell of stops that moved."""
    return [_happening(event) for event in events if not isinstance(event, StopMoved)]


def _happening(event: TradeEvent) -> Happening:
    match event:
        case EntryFilled():
            return Happening("entry", frac(event.price), frac(event.quantity), event.at_ms)
        case ExitFilled():
            return Happening(
                str(event.reason), frac(event.price), frac(event.quantity), event.at_ms, event.is_ambiguous
            )
        case CostCharged():
            return Happening(str(event.kind), frac(event.amount), frac(event.quantity), event.at_ms)
        case TradeEnded():
            return Happening(str(event.status), Fraction(0), Fraction(0), event.at_ms)
        case _:
            raise AssertionError(event)


def without_money(happened: Sequence[Happening]) -> list[Happening]:
    return [replace(h, net=Fraction(0)) for h in happened]


def _level(wish: Wish) -> Level:
    kind = {
        "price": LevelKind.PRICE,
        "percent": LevelKind.SIGNED_PERCENT,
        "risk": LevelKind.RISK,
        "be": LevelKind.EVEN,
        "be:gross": LevelKind.EVEN_GROSS,
    }[wish.kind]
    return Level(kind, dec(wish.value))


# random tapes and deals ------------------------------------------------------------------------------------

grid_prices = st.integers(90, 110).map(Fraction)
choices = st.builds(
    Choices,
    same_candle=st.sampled_from(["stop-first", "target-first", "nearest"]),
    gap_stop=st.sampled_from(["open", "level"]),
    gap_target=st.sampled_from(["level", "open"]),
    gap_limit=st.sampled_from(["level", "open"]),
    limit_fill=st.sampled_from(["touch", "through"]),
    trail=st.sampled_from(["previous", "high-first"]),
)


@st.composite
def bars(draw: st.DrawFn, first_ms: int = 0, length_ms: int = MINUTE, most: int = 12) -> list[Bar]:
    """Draw candles on the grid, with jumps between them and minutes missing now and then."""
    result = []
    open_ms = first_ms
    for _ in range(draw(st.integers(1, most))):
        opened_at, closed_at, one, other = (draw(grid_prices) for _ in range(4))
        high, low = max(opened_at, closed_at, one), min(opened_at, closed_at, other)
        result.append(Bar(open_ms, length_ms, opened_at, high, low, closed_at))
        open_ms += length_ms * draw(st.sampled_from([1, 1, 1, 1, 3]))
    return result


@st.composite
def price_exits(draw: st.DrawFn, side: str, entry: Fraction, must: bool = False) -> Exits:
    """Draw a stop and up to three targets as prices around the entry, with fractions or without."""
    sign = 1 if side == "long" else -1
    stop = draw(st.integers(1, 6)) if must else draw(st.none() | st.integers(1, 6))
    distances = draw(st.lists(st.integers(1, 8), min_size=1 if must else 0, max_size=3, unique=True))
    shares = draw(st.sampled_from([*_SHARES[len(distances)], *([_THIRDS] if len(distances) == 3 else [])]))
    return Exits(
        None if stop is None else Wish("price", entry - sign * stop),
        tuple((Wish("price", entry + sign * d), share) for d, share in zip(distances, shares, strict=True)),
    )


_TENTHS = {
    0: [""],
    1: ["10", "5", "3"],
    2: ["5 5", "3 3", "7 3"],
    3: ["2 3 5", "1 1 1", "6 3 1"],
}
_THIRDS = (Fraction(1, 3),) * 3
_SHARES = {
    count: [tuple(Fraction(int(tenth), 10) for tenth in text.split()) for text in texts]
    for count, texts in _TENTHS.items()
}


@st.composite
def relative_exits(draw: st.DrawFn, side: str) -> Exits:
    """Draw exits in percent and in risks."""
    sign = 1 if side == "long" else -1
    percent = st.integers(1, 60).map(lambda tenths: Fraction(tenths, 10))
    stop = Wish("percent", -sign * draw(percent))
    targets = draw(
        st.lists(
            st.builds(Wish, st.just("risk"), st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(2)]))
            | st.builds(Wish, st.just("percent"), percent.map(lambda p: sign * p)),
            max_size=1,
        )
    )
    return Exits(stop, tuple((wish, draw(st.sampled_from([Fraction(1), Fraction(1, 2)]))) for wish in targets))


@st.composite
def ruled_exits(draw: st.DrawFn, side: str, entry: Fraction, at_ms: int, exits: Exits, with_after: bool) -> Exits:
    """Draw a trail, a break-even, a time limit, a stop after the first target: each now and then."""
    sign = 1 if side == "long" else -1
    ahead = st.integers(1, 6).map(lambda more: Wish("price", entry + sign * more)) | st.sampled_from(
        [Wish("percent", sign * Fraction(5, 2)), Wish("percent", sign * Fraction(4))]
    )
    distances = [Wish("price", Fraction(far)) for far in (1, 2, 5)] + [Wish("percent", Fraction(3, 2))]
    if exits.stop is not None and with_after:
        ahead |= st.sampled_from([Wish("risk", Fraction(1)), Wish("risk", Fraction(3, 2))])
        distances.append(Wish("risk", Fraction(1)))
    trails = st.tuples(st.sampled_from(distances), st.none() | ahead)
    limits = st.tuples(st.just("age"), st.sampled_from([1_000, MINUTE, 3 * MINUTE, 3 * MINUTE + 1_000])) | st.tuples(
        st.just("at"), st.sampled_from([at_ms + 1, at_ms + MINUTE, 4 * MINUTE])
    )
    afters = st.sampled_from([Wish("be"), Wish("be:gross"), Wish("percent", Fraction(-1, 2)), Wish("price", entry)])
    has_more = len(exits.targets) > 1 or any(share < 1 for _, share in exits.targets)
    return replace(
        exits,
        trail=draw(st.none() | trails),
        even=draw(st.none() | st.tuples(ahead, st.booleans())),
        limit=draw(st.none() | limits),
        after=draw(st.none() | afters) if with_after and has_more else None,
    )


@st.composite
def deals(draw: st.DrawFn, *, with_costs: bool = True, with_changes: bool = True) -> Deal:
    """Draw a deal: any entry, exits, costs, steps, options, leverage, expiry, changes."""
    side = draw(st.sampled_from(["long", "short"]))
    entry = draw(st.sampled_from(["market", "limit", "stop"]))
    price = draw(st.integers(95, 105).map(Fraction))
    at_ms = draw(st.sampled_from([0, 1, 30_000, 59_999, 60_000, 90_000]))
    is_plain = not with_costs or draw(st.booleans())
    exits = draw(price_exits(side, price) if is_plain else relative_exits(side))
    times = draw(st.lists(st.integers(1, 8 * MINUTE), max_size=2)) if with_changes else []
    if draw(st.booleans()):
        exits = draw(ruled_exits(side, price, at_ms, exits, with_after=not times))
    changes = tuple((at_ms + more, draw(price_exits(side, price, must=True))) for more in sorted(times))
    rates = (
        st.sampled_from([Fraction(0), Fraction(1, 1000), Fraction(25, 10_000)]) if with_costs else st.just(Fraction(0))
    )
    expires = draw(st.none() | st.sampled_from([at_ms + 1, at_ms + MINUTE, 2 * MINUTE, 5 * MINUTE + 1]))
    return Deal(
        side=side,
        entry=entry,
        price=price,
        quantity=draw(st.sampled_from(["1", "0.7", "0.1", "3.3"]).map(Fraction)),
        at_ms=at_ms,
        exits=exits,
        changes=changes,
        expires_ms=None if entry == "market" or expires is None or expires <= at_ms else expires,
        maker=draw(rates),
        taker=draw(rates),
        slippage_bps=Fraction(draw(st.sampled_from([0, 0, 5, 20]))) if with_costs else Fraction(0),
        leverage=Fraction(draw(st.sampled_from([1, 1, 5, 20]))),
        price_step=Fraction(draw(st.sampled_from(["0.01", "0.5", "0"]))) if with_costs else Fraction(1),
        quantity_step=Fraction(draw(st.sampled_from(["0.1", "0.00001", "0.00000001"]))),
        quantity_min=Fraction(draw(st.sampled_from(["0", "0", "0.1"]))),
        notional_min=Fraction(draw(st.sampled_from(["0", "0", "5", "10"]))),
        choices=draw(st.just(Choices()) | choices),
    )
