"""What the exits that move or wait mean in prices, as named facts: trail, break-even, first target, time limit.

The same sentences stand under a new trade, in a dry run and in `show`; a stop and targets are told elsewhere. The
rule to keep: a sentence names the price at which something happens and the price that the stop then has.
"""

from __future__ import annotations

from datetime import tzinfo

from papertrade.engine.market import Side
from papertrade.engine.money import plain
from papertrade.engine.trade import BreakEven, Levels, Status, Trade, Trail
from papertrade.render.numbers import exact_number, local_second
from papertrade.render.trade_lines import distance_of
from papertrade.reports.trade_view import shown_levels, trail_stop_at


def exit_facts(trade: Trade, zone: tzinfo) -> list[tuple[str, str]]:
    """Return what a trade's newest exits do beside its stop and targets; empty for a trade without such."""
    levels = shown_levels(trade)
    is_live = trade.status.is_live
    facts = [
        ("trail", "" if levels.trail is None else _trail(trade, levels.trail)),
        ("break-even", "" if levels.break_even is None else _break_even(levels.break_even, is_live=is_live)),
        ("then", _after_first(levels, trade.side) if is_live else ""),
        ("time limit", _time_limit(trade, levels, zone) if is_live else ""),
    ]
    return [(label, text) for label, text in facts if text]


def _trail(trade: Trade, trail: Trail) -> str:
    distance = f"{distance_of(trail)} behind the best price"
    if trail.peak is not None or trail.activation is None:
        stop, peak = exact_number(trail.stop), exact_number(trail.peak)
        match trade.status:
            case Status.PENDING:
                return f"{distance}, from the entry on: its stop begins at {stop}"
            case Status.OPEN:
                return f"{distance}, {peak} so far: its stop stands at {stop}"
            case _:
                return f"{distance}, which was {peak}: its stop stood at {stop}"
    if not trade.status.is_live:
        return f"{distance}, from {plain(trail.activation)} on, which was not reached"
    begins = exact_number(trail_stop_at(trade, trail, trail.activation))
    return f"{distance}, from {plain(trail.activation)} on: its stop begins at {begins}"


def _break_even(even: BreakEven, *, is_live: bool) -> str:
    what = "the entry price" if even.is_gross else "nothing lost, costs included"
    if not is_live:
        return f"{plain(even.trigger)} was {'' if even.is_armed else 'not '}reached; break-even was {plain(even.stop)}"
    if even.is_armed:
        return f"{plain(even.trigger)} was reached: the stop stands at {plain(even.stop)} or nearer ({what})"
    return f"from {plain(even.trigger)} on the stop stands at {plain(even.stop)} or nearer ({what})"


def _after_first(levels: Levels, side: Side) -> str:
    after = levels.after_first
    if after is None or levels.next_target() is None:
        return ""
    stop = levels.stop
    if stop is not None and (after.price <= stop if side is Side.LONG else after.price >= stop):
        return f"the first target moves no stop: {plain(after.price)} is no nearer than {plain(stop)}"
    return f"the stop goes to {plain(after.price)} once the first target is taken"


def _time_limit(trade: Trade, levels: Levels, zone: tzinfo) -> str:
    if levels.time_limit is not None:
        return f"leaves at the first price from {local_second(levels.time_limit, zone)} on"
    limit = trade.ruling.wish.time_limit
    if trade.status is not Status.PENDING or limit is None:
        return ""
    return f"leaves {limit} after the entry"
