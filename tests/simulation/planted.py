"""Bugs of design, planted in the program one at a time: the simulation must see each.

A plant is a patch of one function or constant and nothing else; the program has no switch for it. `THE_TWELVE` are
the classic ones of any program that keeps books beside a market, `OUR_OWN` those that this one could have had.
The rule to keep: a plant that is not found within 200 seeds means that the simulation is blind, not that the bug is
harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from papertrade.engine.market import MINUTE_MS, Candle, Quote
from papertrade.engine.touch import _Walk
from papertrade.engine.trade import Trade
from papertrade.errors import FeedError, PapertradeError
from papertrade.feeds import binance_answers
from papertrade.feeds.answer import Answer, read_price
from papertrade.feeds.feed import CandleAnswer, CandleRequest, Feed, Quotes
from papertrade.runs import closing, observe, opening, tick
from papertrade.runs.decide import Decided, through_candles
from papertrade.runs.observe import Market, Need, ObservationRules
from papertrade.runs.sighting import Sighting, watermark_after
from papertrade.runs.watch import Watch
from papertrade.runs.world import TickReport, World
from papertrade.store import failures, locks
from papertrade.store import store as store_module
from papertrade.store.database import BEGIN, DEFERRED
from papertrade.store.journal import Head, JournalWriter
from papertrade.store.store import Store, Writer
from papertrade.store.tables import TRADE
from papertrade.store.views import Projection
from tests.simulation.simulation import scratch, simulate

Plant = Callable[[pytest.MonkeyPatch], None]


# -- the twelve ----------------------------------------------------------------------------------------------


def no_begin_immediate(patch: pytest.MonkeyPatch) -> None:
    """Begin to write without SQLite's write lock: it is asked for at the first write, when it may be too late."""
    patch.setattr(store_module, "IMMEDIATE", DEFERRED)


def no_unique_index(patch: pytest.MonkeyPatch) -> None:
    """Trust all programs to ask before they open a second live trade for a signal."""
    index = next(index for index in TRADE.indexes if index.name == "one_live_trade")
    patch.setattr(index, "unique", False)


def two_commits_per_close(patch: pytest.MonkeyPatch) -> None:
    """Commit the events first and what follows from them in a transaction of its own."""
    original = JournalWriter._write_views

    def write_views(writer: JournalWriter, projection: Projection) -> None:
        for statement in ("COMMIT", "BEGIN IMMEDIATE", "SAVEPOINT part"):
            writer._connection.exec_driver_sql(statement)
        original(writer, projection)

    patch.setattr(JournalWriter, "_write_views", write_views)


def beyond_instead_of_at(patch: pytest.MonkeyPatch) -> None:
    """Take `>` for `>=`: a level is reached only once the price is past it."""

    def passes(_: _Walk, price: Decimal, level: Decimal, below: bool, *__: object, **___: object) -> bool:
        return price < level if below else price > level

    patch.setattr(_Walk, "_passes", passes)


def no_rollback(patch: pytest.MonkeyPatch) -> None:
    """Keep what was written before something failed."""

    @contextmanager
    def transaction(store: Store, begin: str) -> Iterator[Connection]:
        store._check_idle()
        store._connection.execution_options(**{BEGIN: begin})
        failed: Exception | None = None
        with failures.mapped(store.path):
            try:
                with store._connection.begin():
                    try:
                        yield store._connection
                    except Exception as error:
                        failed = error
                if failed is not None:
                    raise failed
            finally:
                store._end()

    patch.setattr(Store, "_transaction", transaction)


def float_price(patch: pytest.MonkeyPatch) -> None:
    """Let the prices of candles pass through a float."""

    def through_floats(
        trade: Trade | PapertradeError, candles: Sequence[Candle], finer: Mapping[int, Sequence[Candle]]
    ) -> Decided:
        if isinstance(trade, PapertradeError):
            raise trade
        return through_candles(trade, [_floating(candle) for candle in candles], finer)

    patch.setattr(tick, "through_candles", through_floats)


def no_stale_check(patch: pytest.MonkeyPatch) -> None:
    """Take every price for one of now."""

    def newest_end(*_: object) -> int:
        return 2**60

    patch.setattr(observe, "_newest_end", newest_end)


def two_watches(patch: pytest.MonkeyPatch) -> None:
    """Begin to watch without looking whether somebody else does."""
    patch.setattr(locks, "_locked_soon", lambda *_: True)


def sleeps_by_wall_clock(patch: pytest.MonkeyPatch) -> None:
    """Count the slots of a watch by a clock that can be set back."""
    patch.setattr(Watch, "_mono", lambda watch: watch._now() / 1000)


def tick_retried(patch: pytest.MonkeyPatch) -> None:
    """Run a tick that failed again, as a whole and at once."""
    original = tick._look_and_decide

    def look_and_decide(world: World, also: Sequence[str]) -> tuple[TickReport, Sighting]:
        try:
            return original(world, also)
        except FeedError:
            return original(world, also)

    patch.setattr(tick, "_look_and_decide", look_and_decide)


def nan_let_through(patch: pytest.MonkeyPatch) -> None:
    """Read what is not a number as a price."""

    def read(value: Answer) -> Decimal:
        return Decimal(value) if isinstance(value, str) and value in ("NaN", "sNaN", "Infinity") else read_price(value)

    patch.setattr(binance_answers, "read_price", read)
    for shown in (Candle, Quote):
        patch.setattr(shown, "__post_init__", lambda _: None)


def chain_not_extended(patch: pytest.MonkeyPatch) -> None:
    """Begin a chain of hashes anew in every transaction."""
    original = JournalWriter._current_head

    def current_head(writer: JournalWriter) -> Head:
        return replace(original(writer), hash="")

    patch.setattr(JournalWriter, "_current_head", current_head)


# -- our own -------------------------------------------------------------------------------------------------


def watermark_first(patch: pytest.MonkeyPatch) -> None:
    """Move every watermark before the touched trades are decided."""
    original = tick._move_untouched

    def move_all(world: World, sighting: Sighting, *, is_acted_on: bool) -> tuple[dict[str, list[int]], frozenset[str]]:
        touched, may_be_led = original(world, sighting, is_acted_on=is_acted_on)
        marks = [watermark_after(sighting, symbol) for symbol in touched]
        world.store.write(lambda writer: writer.move_watermarks(marks))
        return touched, may_be_led

    patch.setattr(tick, "_move_untouched", move_all)


def applied_twice(patch: pytest.MonkeyPatch) -> None:
    """Forget which candle was the last that a trade has seen."""

    def through_all(trade: Trade, candles: Sequence[Candle], finer: Mapping[int, Sequence[Candle]]) -> Decided:
        order = trade.order
        return through_candles(replace(trade, applied_to=order.placed_at, whole_from=order.whole_from), candles, finer)

    patch.setattr(tick, "through_candles", through_all)


def forming_is_final(patch: pytest.MonkeyPatch) -> None:
    """Take the minute that is still forming for a final one."""
    original = observe._sorted_out

    def sorted_out(
        market: Market,
        needs: Sequence[Need],
        requests: Mapping[str, CandleRequest | None],
        answers: Mapping[CandleRequest, CandleAnswer],
        quotes: Quotes,
        rules: ObservationRules,
    ) -> Market:
        early = replace(market, at_ms=market.at_ms + MINUTE_MS)
        return replace(original(early, needs, requests, answers, quotes, rules), at_ms=market.at_ms)

    patch.setattr(observe, "_sorted_out", sorted_out)


def settled_in_a_hurry(patch: pytest.MonkeyPatch) -> None:
    """Take a venue that cannot be asked for one that has no seconds."""
    original = observe.look_finer

    async def look_finer(
        feed: Feed, wanted: Sequence[tuple[str, Candle]], rules: ObservationRules
    ) -> Mapping[tuple[str, int], CandleAnswer]:
        answers = await original(feed, wanted, rules)
        return {key: () if isinstance(answer, PapertradeError) else answer for key, answer in answers.items()}

    patch.setattr(tick, "look_finer", look_finer)


def passed_by(patch: pytest.MonkeyPatch) -> None:
    """Forget that another process may have passed the minute that a command was about."""

    def watch_again(writer: Writer, trade: Trade, from_ms: int) -> None:
        return None

    patch.setattr(opening, "watch_again", watch_again)
    patch.setattr(closing, "watch_again", watch_again)


def never_undone(patch: pytest.MonkeyPatch) -> None:
    """Let a batch that broke count as done: the watermark moves although the trade was left out."""
    patch.setattr(tick, "_keep_asides", lambda *_: None)


def _floating(candle: Candle) -> Candle:
    first, high, low, last = (
        Decimal.from_float(float(price)) for price in (candle.open, candle.high, candle.low, candle.close)
    )
    return replace(candle, open=first, high=high, low=low, close=last)


THE_TWELVE: Mapping[Plant, int] = {
    no_begin_immediate: 4,
    no_unique_index: 2,
    two_commits_per_close: 0,
    beyond_instead_of_at: 1,
    no_rollback: 14,
    float_price: 0,
    no_stale_check: 2,
    two_watches: 2,
    sleeps_by_wall_clock: 6,
    tick_retried: 2,
    nan_let_through: 5,
    chain_not_extended: 0,
}
"""Each with the seed that finds it first, when all are asked from 0 on."""

OUR_OWN: Mapping[Plant, int] = {
    watermark_first: 1,
    applied_twice: 55,
    forming_is_final: 0,
    settled_in_a_hurry: 96,
    passed_by: 48,
    never_undone: 33,
}

WITHIN = 200


def first_failure(seeds: Sequence[int]) -> tuple[int, str] | None:
    """Return the first seed that finds something and what it says, None if all are content."""
    with scratch() as folder:
        for seed in seeds:
            try:
                simulate(seed, folder)
            except Exception as error:
                return seed, f"{type(error).__name__}: {error}".splitlines()[0]
    return None


def planted_table() -> str:
    """Plant each bug and look for it from seed 0 on; a line for each, with the seeds it took."""
    lines = []
    for plant in (*THE_TWELVE, *OUR_OWN):
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            found = first_failure(range(WITHIN))
        seen = f"not in {WITHIN} seeds" if found is None else f"{found[0] + 1:3d} seeds  {found[1][:90]}"
        lines.append(f"{plant.__name__:22s} {seen}")
    return "\n".join(lines)
