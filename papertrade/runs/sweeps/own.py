"""What a signal keeps of its own exits where an axis is not swept: its stop, its one target, its time limit.

Trails and break-evens are left out of a sweep. The rule to keep: what cannot be kept while something else is
swept is refused by name, before anything is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertrade.engine.levels import resolve
from papertrade.engine.money import ONE
from papertrade.engine.signal import ExitWish, Level, LevelKind, Signal, TargetWish, TimeLimitWish
from papertrade.engine.trade import Levels
from papertrade.errors import Refused
from papertrade.runs.sweeps.entries import Entry
from papertrade.runs.sweeps.grid import Combination, Grid
from papertrade.runs.sweeps.integers import decimals_of


def refuse_unkeepable(signals: Sequence[Signal], grid: Grid) -> None:
    """Raise Refused for the first signal whose own exits do not fit the axes that are swept."""
    if grid.targets is not None:
        return
    for signal in signals:
        targets = signal.exits.targets
        if len(targets) > 1 or any(target.fraction not in (None, ONE) for target in targets):
            raise Refused(
                f"signal `{signal.key}` takes its profit in parts, which a sweep does not follow",
                hint="sweep the targets too: --tp 0.5:5:0.5",
                code="targets_in_parts",
            )
        if grid.stops is not None and any(target.level.kind is LevelKind.RISK for target in targets):
            raise Refused(
                f"the target of signal `{signal.key}` is in risks, and the stop that makes them is swept",
                hint="sweep the targets too: --tp 0.5:5:0.5",
                code="target_in_risks",
            )


def exits_of(signal: Signal, grid: Grid, combination: Combination) -> ExitWish:
    """Return the exits that a signal has in one combination."""
    own = signal.exits
    stop = own.stop if grid.stops is None else _percent(combination.stop)
    target = _percent(combination.target)
    targets = own.targets if grid.targets is None else (() if target is None else (TargetWish(target),))
    limit = own.time_limit if grid.holds is None else None
    if combination.hold_ms is not None:
        limit = TimeLimitWish(after_ms=combination.hold_ms)
    return ExitWish(stop, targets, time_limit=limit)


def own_target(entry: Entry, price: Decimal) -> Decimal | None:
    """Return the signal's own target for an entry at a price."""
    target = _own(entry, price).next_target()
    return None if target is None else target.price


def own_stop(entry: Entry, price: Decimal) -> Decimal | None:
    """Return the signal's own stop for an entry at a price."""
    return _own(entry, price).stop


def own_limit_ms(entry: Entry) -> int | None:
    """Return the instant (UTC ms) of the signal's own time limit."""
    limit = entry.signal.exits.time_limit
    if limit is None:
        return None
    return limit.at_ms if limit.after_ms is None else entry.fill.at_ms + limit.after_ms


def own_decimals(entries: Sequence[Entry], grid: Grid) -> int:
    """Return how many decimals the levels need that are kept."""
    kept = [
        level_of(entry, price)
        for level_of, axis in ((own_target, grid.targets), (own_stop, grid.stops))
        if axis is None
        for entry in entries
        for price in {entry.fill.price, entry.fill.price if entry.placed_price is None else entry.placed_price}
    ]
    return max((decimals_of(level) for level in kept if level is not None), default=0)


def _own(entry: Entry, price: Decimal) -> Levels:
    return resolve(entry.signal.exits, entry.order.side, price, entry.order.terms.price_grid, ONE)


def _percent(value: Decimal | None) -> Level | None:
    return None if value is None else Level(LevelKind.PERCENT, value)
