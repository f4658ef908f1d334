"""Parity over a desk's own tape, in the words of tests, and the deeds that people mix into a watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from papertrade.engine.changes import ExitChange
from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.engine.signal import Level, LevelKind, TargetWish
from papertrade.engine.trade import Status
from papertrade.errors import PapertradeError
from papertrade.runs.catch_up import catch_up
from papertrade.runs.closing import cancel_one, close_one, modify_one
from papertrade.runs.parity import ParityReport, compared, spans_of, told_again
from papertrade.runs.recorded_trades import RecordedTrade, recorded_trades
from papertrade.runs.stories import ask_tracks
from papertrade.store.rows import TradeFilter
from tests.runs.desk import START, Desk
from tests.runs.faulty import FaultyTape
from tests.runs.test_polling import Idea, Poll, begin, look


def recorded(desk: Desk, wanted: TradeFilter | None = None) -> tuple[RecordedTrade, ...]:
    """Return the trades of the account `main` as the journal has them."""
    with desk.world.store.read() as reader:
        account = reader.account_named("main")
        assert account is not None
        return recorded_trades(reader, account, wanted or TradeFilter(), desk.world.watching.candle_ms)


def told(desk: Desk, wanted: TradeFilter | None = None) -> ParityReport:
    """Ask the desk's venue afresh and compare."""
    trades = recorded(desk, wanted)
    tracks = ask_tracks(desk.world, spans_of(trades))
    again = told_again(trades, tracks, desk.world)
    with desk.world.store.read() as reader:
        return compared(reader, trades, tracks, again)


def correct(desk: Desk, number: int, becomes: Candle, symbol: str = "AAAUSDT") -> None:
    """Have the venue show another candle of minute `number` than it did."""
    at_ms = START + number * MINUTE_MS
    tape = desk.tape[symbol]
    tape[[c.open_ms for c in tape].index(at_ms)] = becomes


@dataclass(frozen=True)
class Deed:
    """What somebody does to a trade `at_ms` after the start: `half`, `all`, `cancel`, or levels so far from 100."""

    at_ms: int
    trade: int
    what: str
    away: int = 4


def do(desk: Desk, deed: Deed) -> None:
    """Do it as a command would, if it can be done."""
    desk.clock.at_ms = max(START + deed.at_ms, desk.clock.at_ms)
    with desk.world.store.read() as reader:
        trade = reader.trade(deed.trade)
    if trade is None or not trade.status.is_live:
        return
    symbol = trade.order.symbol
    try:
        present = catch_up(desk.world, [symbol])
    except PapertradeError:
        return
    match deed.what:
        case "half":
            close_one(desk.world, deed.trade, Decimal("0.5"), present)
        case "all":
            close_one(desk.world, deed.trade, Decimal(1), present)
        case "cancel":
            cancel_one(desk.world, deed.trade, present)
        case _:
            middle = Decimal(100) if trade.status is Status.OPEN else trade.order.waiting_price
            sign = trade.side.sign
            change = ExitChange(
                stop=Level(LevelKind.PRICE, middle - sign * deed.away),
                targets=(TargetWish(Level(LevelKind.PRICE, middle + sign * (deed.away - 1)), Decimal("0.6")),),
                keeps_stop=deed.what == "target",
                keeps_targets=deed.what == "stop",
            )
            modify_one(desk.world, deed.trade, change, present)


def play(desk: Desk, feed: FaultyTape, wanted: Sequence[Idea], steps: Sequence[Poll | Deed]) -> None:
    """Open trades, then poll and meddle in the order of time; caught up before each deed and at the end."""
    begin(desk, wanted)
    last_ms = MINUTE_MS
    for step in steps:
        last_ms = max(last_ms, step.at_ms)
        if isinstance(step, Poll):
            look(desk, feed, step)
        else:
            look(desk, feed, Poll(step.at_ms, ""))
            do(desk, step)
    look(desk, feed, Poll(last_ms, ""))


deeds = st.lists(
    st.builds(
        Deed,
        st.one_of(st.integers(31_000, 20 * MINUTE_MS), st.integers(1, 20).map(lambda minute: minute * MINUTE_MS)),
        st.integers(1, 4),
        st.sampled_from(["half", "half", "all", "cancel", "stop", "target", "both"]),
        st.integers(2, 6),
    ),
    max_size=6,
)


def in_time(times: Sequence[Poll], by_hand: Sequence[Deed]) -> list[Poll | Deed]:
    """Mix looks and deeds by their instants."""
    mixed: list[Poll | Deed] = [*times, *by_hand]
    return sorted(mixed, key=lambda step: step.at_ms)
