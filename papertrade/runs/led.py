"""Instruments in which nothing was touched, but new peaks led the trails of trades: they share transactions.

A market that rises raises thousands of trails in a tick; a transaction for each instrument would spend most of it
waiting for the disk. The rule to keep: as soon as something else happens to a trade, its instrument is left to its
own transaction, and nothing is recorded here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from papertrade.engine.trade import Trade
from papertrade.engine.trails import is_new_peak
from papertrade.runs.decide import through_candles
from papertrade.runs.recording import CANNOT_BE, rows_of
from papertrade.runs.sighting import Loaded, Sighting, load, seen_of, touched_trades, watermark_after
from papertrade.runs.world import Change, World
from papertrade.store.store import Writer

TRADES_MAX: Final = 500
"""How many trades share a transaction: a few tens of milliseconds, for others wait meanwhile."""


def lead_trails(
    world: World, sighting: Sighting, touched: Mapping[str, Sequence[int]], symbols: Collection[str]
) -> tuple[list[Change], frozenset[str]]:
    """Record the new peaks of these symbols' trades and move their watermarks; return what changed, and which are done.

    `touched` are the trades that were found. A symbol in which more happened, or that has too many trades, is not done.
    """
    changes: list[Change] = []
    done: set[str] = set()
    for group in _groups({symbol: len(touched[symbol]) for symbol in sorted(symbols)}):
        led = world.store.write(partial(_lead, sighting.of(group)))
        changes += [change for each in led.values() for change in each]
        done |= led.keys()
    return changes, frozenset(done)


def _groups(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield symbols that have at most `TRADES_MAX` trades together."""
    group: list[str] = []
    room = TRADES_MAX
    for symbol, size in sizes.items():
        if size > TRADES_MAX:
            continue
        if size > room:
            yield group
            group, room = [], TRADES_MAX
        group.append(symbol)
        room -= size
    if group:
        yield group


def _lead(sighting: Sighting, writer: Writer) -> dict[str, list[Change]]:
    """Decide the trades of some symbols; return what changed by symbol, without those in which more happened.

    The index is asked again, because another process may just have placed a trade.
    """
    found = touched_trades(writer, sighting, seen_of(sighting))
    loaded = load(writer, [number for numbers in found.values() for number in numbers])
    aside = {aside.trade_id for aside in writer.trades_set_aside()}
    led: dict[str, list[Change]] = {}
    for symbol, numbers in found.items():
        changes = None if aside.intersection(numbers) else _decided(sighting, symbol, numbers, loaded)
        if changes is not None and _is_recorded(writer, changes):
            writer.move_watermarks([watermark_after(sighting, symbol)])
            led[symbol] = changes
    return led


def _is_recorded(writer: Writer, changes: Sequence[Change]) -> bool:
    """Record what changed; one trade that cannot be recorded leaves all of them to be told apart."""
    try:
        with writer.savepoint():
            writer.record(*rows_of(changes))
    except CANNOT_BE:
        return False
    return True


def _decided(sighting: Sighting, symbol: str, numbers: Sequence[int], loaded: Loaded) -> list[Change] | None:
    """Return what new peaks change in an instrument; None if more happens to a trade, or one cannot be decided."""
    changes = []
    for number in numbers:
        trade = loaded[number]
        if not isinstance(trade, Trade):
            return None
        try:
            decided = through_candles(trade, sighting.candles(symbol), {})
        except (ValueError, ArithmeticError, TypeError, LookupError):
            return None
        if not all(is_new_peak(event) for event in decided.events):
            return None
        if decided.events:
            changes.append(Change(trade, decided.trade, decided.events))
    return changes
