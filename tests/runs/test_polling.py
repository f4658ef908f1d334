"""However a tape is watched, it gives the same trades: polled at any times, with any failures, or once at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.exit_wish import NO_EXITS
from papertrade.engine.market import MINUTE_MS, Candle, Side
from papertrade.engine.signal import EntryType, ExitWish, parse_break_even, parse_time_limit, parse_trail
from papertrade.engine.touch import touch
from papertrade.engine.trade import ExitReason, Trade
from papertrade.errors import FeedError, PapertradeError
from papertrade.runs.tick import tick
from tests.runs.desk import START, Desk, candle
from tests.runs.faulty import FaultyTape, faulty_desk, opened

SYMBOLS = ("AAAUSDT", "BBBUSDT")


@dataclass(frozen=True)
class Poll:
    """A look at the venue `at_ms` after the start, and what fails then."""

    at_ms: int
    fault: str


@dataclass(frozen=True)
class Idea:
    """A trade around a price of 100."""

    symbol: str
    side: Side
    entry: EntryType | None
    away: int
    near: int
    targets: int
    rules: ExitWish = NO_EXITS


RULES = [
    NO_EXITS,
    ExitWish(trail=parse_trail("2")),
    ExitWish(trail=parse_trail("1%"), time_limit=parse_time_limit("7m")),
    ExitWish(break_even=parse_break_even("2%:gross"), time_limit=parse_time_limit("12m")),
    ExitWish(trail=parse_trail("3"), break_even=parse_break_even("2%")),
]
"""What moves a stop or ends a trade by time, beside its levels."""


@st.composite
def tapes(draw: st.DrawFn, longest: int = 25) -> list[Candle]:
    """Draw minutes around 100 that touch levels a few points away, with minutes missing."""
    prices = st.integers(94, 106)
    candles = [candle(0, "100 100 100 100")]
    for number in range(1, draw(st.integers(3, longest))):
        four = [draw(prices) for _ in range(4)]
        shape = f"{four[0]} {max(four)} {min(four)} {four[3]}"
        candles += [candle(number, shape)] if draw(st.integers(0, 9)) > 0 else []
    return candles


polls = st.lists(
    st.builds(
        Poll,
        st.one_of(st.integers(31_000, 26 * MINUTE_MS), st.integers(1, 26).map(lambda minute: minute * MINUTE_MS)),
        st.sampled_from(["", "", "venue", *SYMBOLS, "quotes"]),
    ),
    max_size=12,
).map(lambda found: sorted(found, key=lambda poll: poll.at_ms))

ideas = st.lists(
    st.builds(
        Idea,
        st.sampled_from(SYMBOLS),
        st.sampled_from(list(Side)),
        st.sampled_from([None, None, EntryType.LIMIT, EntryType.STOP]),
        st.integers(3, 5),
        st.integers(1, 3),
        st.integers(0, 2),
        st.sampled_from(RULES),
    ),
    min_size=1,
    max_size=4,
)


def begin(desk: Desk, wanted: Sequence[Idea]) -> list[Trade]:
    """Open the trades as a user would, in the first minute."""
    trades = []
    for idea in wanted:
        entry, price = None, 100
        if idea.entry is not None:
            price = 98 if idea.entry.waits_below(idea.side) else 102
            entry = (idea.entry, str(price))
        sign = idea.side.sign
        targets = [str(price + sign * idea.near * (n + 1)) for n in range(idea.targets)]
        trade = opened(
            desk.world,
            idea.symbol,
            side=idea.side,
            entry=entry,
            sl=str(price - sign * idea.away),
            tp=targets,
            rules=idea.rules,
        )
        trades.append(trade)
    return trades


def look(desk: Desk, feed: FaultyTape, poll: Poll) -> None:
    """Tick once, with what fails then."""
    desk.clock.at_ms = max(START + poll.at_ms, desk.clock.at_ms)
    feed.error = FeedError("down", code="feed_unreachable") if poll.fault == "venue" else None
    feed.failing = frozenset({poll.fault})
    feed.are_quotes_failing = poll.fault == "quotes"
    try:
        tick(desk.world)
    except PapertradeError:
        assert poll.fault == "venue"


def watched(
    tape: dict[str, list[Candle]], wanted: Sequence[Idea], times: Sequence[Poll]
) -> tuple[list[Trade], list[Trade]]:
    """Return the trades as opened and as they are at the end."""
    end = Poll(27 * MINUTE_MS, "")
    with tempfile.TemporaryDirectory() as folder, faulty_desk(Path(folder), dict(tape)) as (desk, feed):
        before = begin(desk, wanted)
        for poll in [*times, end]:
            look(desk, feed, poll)
        with desk.world.store.read() as reader:
            after = reader.trades([trade.id for trade in before])
        assert desk.world.store.check().is_sound
        return before, list(after.values())


def by_the_rule(trade: Trade, candles: Sequence[Candle]) -> Trade:
    """Take a trade through every candle, by the rule and nothing else."""
    for each in candles:
        trade, _ = touch(trade, each)
    return trade


@settings(max_examples=60, deadline=None)
@given(tapes(), tapes(), ideas, polls)
def test_a_tape_gives_the_same_trades_however_it_is_polled(
    first: list[Candle], second: list[Candle], wanted: list[Idea], times: list[Poll]
) -> None:
    tape = dict(zip(SYMBOLS, (first, second), strict=True))
    before, after = watched(tape, wanted, times)
    assert after == [by_the_rule(trade, tape[trade.order.symbol]) for trade in before]


def test_a_trail_is_watched_through_deaths_and_late_rounds_as_the_rule_says() -> None:
    """Every minute another process, then none for ten minutes, then one again: the same trail, the same end."""
    shapes = ["100 100 100 100", "100 104 99 104", "104 108 103 108", "108 110 107 109", "109 109.5 108.5 109"]
    tape = [
        candle(number, shape) for number, shape in enumerate([*shapes, *["109 109 108.5 109"] * 8, "109 109 106 107"])
    ]
    wanted = [Idea(SYMBOLS[0], Side.LONG, None, 10, 40, 1, ExitWish(trail=parse_trail("2")))]
    often = [Poll(minute * MINUTE_MS + 1_000, "") for minute in range(1, 16)]
    late = [Poll(2 * MINUTE_MS, ""), Poll(3 * MINUTE_MS, "venue"), Poll(13 * MINUTE_MS + 1, "")]
    ends = [watched(dict.fromkeys(SYMBOLS, tape), wanted, times)[1] for times in (often, late, [])]
    (trade,) = ends[0]
    assert ends == [[trade]] * 3
    assert (trade.exit_reason, trade.exit_price) == (ExitReason.TRAILING_STOP, Decimal(108))
    assert trade.closed_at == START + 14 * MINUTE_MS - 1


@settings(max_examples=25, deadline=None)
@given(tapes(), ideas, polls)
def test_polling_often_is_polling_once(tape: list[Candle], wanted: list[Idea], times: list[Poll]) -> None:
    both = dict.fromkeys(SYMBOLS, tape)
    assert watched(both, wanted, times)[1] == watched(both, wanted, [])[1]
