"""A recorded venue that fails when told to, and the trades that the tests of a tick watch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from papertrade.engine.exit_wish import NO_EXITS
from papertrade.engine.market import Candle, Side
from papertrade.engine.signal import EntryType, ExitWish, Signal, parse_level, parse_size, parse_target
from papertrade.engine.trade import Trade
from papertrade.errors import FeedError
from papertrade.feeds.feed import CandleAnswer, CandleRequest, Quotes
from papertrade.feeds.tape import Tape
from papertrade.runs.catch_up import Present, catch_up
from papertrade.runs.opening import OpenRequest, open_one
from papertrade.runs.signals import NEW_ID
from papertrade.runs.world import World
from tests.runs.desk import Desk, ShakyTape, desk_at

BROKEN = '[{"from_ms":'
"""What no list of rulings begins with and ends with."""


class FaultyTape(ShakyTape):
    """A tape whose symbols, quotes or seconds can fail; `finer` are the seconds of minutes by (symbol, open time)."""

    def __init__(self, tape: Tape, now_ms: Callable[[], int]) -> None:
        super().__init__(tape, now_ms)
        self.failing: frozenset[str] = frozenset()
        self.are_quotes_failing = False
        self.finer: dict[tuple[str, int], Sequence[Candle]] = {}
        self.finer_error: FeedError | None = None
        self.finer_asked = 0

    async def candles(self, requests: Sequence[CandleRequest]) -> Mapping[CandleRequest, CandleAnswer]:
        answers = await super().candles(requests)
        return {request: self._instead(request, answer) for request, answer in answers.items()}

    async def quotes(self, symbols: Sequence[str], at_ms: int, *, with_book: bool = True) -> Quotes:
        if self.are_quotes_failing:
            raise FeedError("no quotes now", code="feed_timeout")
        return await super().quotes(symbols, at_ms, with_book=with_book)

    def _instead(self, request: CandleRequest, answer: CandleAnswer) -> CandleAnswer:
        if request.interval == "1s":
            self.finer_asked += 1
            known = self.finer.get((request.symbol, request.start_ms))
            return self.finer_error or (answer if known is None else tuple(known))
        return FeedError("not this one", code="feed_timeout") if request.symbol in self.failing else answer


@contextmanager
def faulty_desk(path: Path, candles: dict[str, Sequence[Candle]]) -> Iterator[tuple[Desk, FaultyTape]]:
    """Open a desk whose venue fails when told to."""
    with desk_at(path, candles) as desk:
        feed = FaultyTape(Tape(candles=desk.tape), desk.clock.now_ms)
        yield replace(desk, world=replace(desk.world, feed=feed), feed=feed), feed


def opened(
    world: World,
    symbol: str = "AAAUSDT",
    *,
    side: Side = Side.LONG,
    entry: tuple[EntryType, str] | None = None,
    sl: str | None = "95",
    tp: Sequence[str] = ("110",),
    present: Present | None = None,
    rules: ExitWish = NO_EXITS,
) -> Trade:
    """Open a trade of quantity 2 as a command does, after catching up unless its present is given.

    `rules` are what else shall move its stop or end it.
    """
    exits = replace(
        rules,
        stop=None if sl is None else parse_level(sl),
        targets=tuple(parse_target(text) for text in tp),
    )
    signal = Signal(
        source="test",
        external_id=NEW_ID,
        symbol=symbol,
        side=side,
        made_at_ms=0,
        entry_type=EntryType.MARKET if entry is None else entry[0],
        entry_price=None if entry is None else Decimal(entry[1]),
        exits=exits,
        size=parse_size("size", "2"),
    )
    now = catch_up(world, [symbol]) if present is None else present
    done = open_one(world, "main", OpenRequest(signal=signal, is_again=True), now)
    assert done.change is not None, done.error
    return done.change.after


def rulings_of(path: Path, trade_id: int) -> str:
    """Return what a trade's row says of its exits."""
    with closing(sqlite3.connect(path)) as connection:
        (text,) = connection.execute("SELECT rulings FROM trade WHERE id = ?", (trade_id,)).fetchone()
    return str(text)


def spoil(path: Path, trade_id: int, text: str = BROKEN) -> str:
    """Write something else into a trade's row, behind the program's back; return what was there."""
    before = rulings_of(path, trade_id)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE trade SET rulings = ? WHERE id = ?", (text, trade_id))
    return before
