"""The convention `observed`, live: every look's quote decides at once, at the price seen; candles decide nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.conventions import OBSERVED
from papertrade.engine.market import MINUTE_MS, Quote
from papertrade.engine.step import Rules
from papertrade.engine.trade import Flag, Status, Trade
from papertrade.feeds.tape import Tape
from papertrade.runs.tick import tick
from tests.runs.desk import START, Desk, ShakyTape, candle, desk_at, flat

SYMBOL = "AAAUSDT"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        made.world = replace(made.world, rules=Rules(convention=OBSERVED))
        yield made


def show(desk: Desk, *quotes: tuple[int, str], wild: str | None = None) -> None:
    """Quote prices so many seconds after START; with `wild` minute 1 has those prices as its candle."""
    tape = [*flat(1), candle(1, wild or "100 100 100 100"), *flat(10)[2:]]
    seen = [Quote(at_ms=START, last=Decimal(100))]
    seen += [Quote(at_ms=START + 1000 * after, last=Decimal(price)) for after, price in quotes]
    desk.tape[SYMBOL] = tape
    ShakyTape.__init__(desk.feed, Tape(candles=desk.tape, quotes={SYMBOL: seen}), desk.clock.now_ms)


def look_at(desk: Desk, after_seconds: int) -> Trade:
    """Tick so many seconds after START and return the first trade."""
    desk.clock.at_ms = START + 1000 * after_seconds
    tick(desk.world)
    return desk.trade()


def test_a_quote_inside_a_minute_closes_at_once_at_its_price(desk: Desk) -> None:
    show(desk, (70, "93"))
    desk.long()
    assert look_at(desk, 50).status is Status.OPEN
    trade = look_at(desk, 75)
    assert (trade.exit_reason, trade.exit_price, trade.closed_at) == ("stop_loss", Decimal(93), START + 70_000)
    assert Flag.OBSERVED in trade.flags
    assert desk.world.store.check().is_sound


def test_a_target_closes_at_the_better_price_that_was_seen(desk: Desk) -> None:
    show(desk, (70, "114"))
    desk.long()
    trade = look_at(desk, 75)
    assert (trade.exit_reason, trade.exit_price) == ("take_profit", Decimal(114))


def test_what_happens_between_two_looks_is_missed(desk: Desk) -> None:
    show(desk, wild="100 120 80 100")
    desk.long()
    assert look_at(desk, 200).status is Status.OPEN
    with desk.world.store.read() as reader:
        mark = reader.watermark("tape", SYMBOL)
    assert mark is not None
    assert mark.end_ms == START + 3 * MINUTE_MS


def test_a_limit_is_filled_by_the_quote_that_reaches_it(desk: Desk) -> None:
    show(desk, (70, "97"))
    desk.long(limit="98", sl="90")
    trade = look_at(desk, 75)
    assert (trade.status, trade.entry_price, trade.opened_at) == (Status.OPEN, Decimal(97), START + 70_000)


def test_a_second_look_at_the_same_quote_changes_nothing(desk: Desk) -> None:
    show(desk, (70, "93"))
    desk.long()
    closed = look_at(desk, 75)
    assert look_at(desk, 76) == closed


def test_a_trade_under_another_convention_waits_for_its_candle(desk: Desk) -> None:
    show(desk, (70, "93"))
    desk.world = replace(desk.world, rules=Rules())
    desk.long()
    assert look_at(desk, 75).status is Status.OPEN
