"""The moves of a stop as text for a person and as the fields of `explain --json`, each with its arithmetic.

Only words and layout; every number comes out of `reports.explain_stops`. The rule to keep: what is written after
`=` is what the numbers before it give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from papertrade.engine.follow import NEW_PEAK
from papertrade.engine.money import canonical, plain
from papertrade.render.facts import Fact
from papertrade.render.json import Encodable
from papertrade.render.trade_lines import REASONS
from papertrade.reports.explain_stops import Evened, StopExplained, Trailed


def without_trailing(moves: Sequence[StopExplained], seqs: Sequence[int]) -> list[tuple[StopExplained, int]]:
    """Return the moves without a trail's that another followed, with how many came before each.

    `seqs` are the numbers of the exits: a move is kept where one lies between it and the next.
    """
    kept: list[tuple[StopExplained, int]] = []
    for move in moves:
        raised = 0
        if kept and _only_follows(move) and _only_follows(kept[-1][0]):
            last = kept[-1]
            if not any(last[0].seq < seq < move.seq for seq in seqs):
                raised = last[1] + 1
                kept.pop()
        kept.append((move, raised))
    return kept


def stop_facts(move: StopExplained, raised: int) -> list[Fact]:
    """Return what moved and how it was worked out; `raised` moves of the trail before this one are not shown."""
    facts: list[Fact] = []
    if move.trail is not None:
        facts.append(("trail", _trail(move.trail)))
    if move.even is not None:
        facts.append(("be", _even(move.even)))
    before = "none" if move.stop_before is None else plain(move.stop_before)
    kind = "" if move.stop_before == move.stop else f" ({REASONS[move.reason]})"
    stays = "stays at " if move.stop_before == move.stop else f"{before} -> "
    facts.append(("stop", f"{stays}{plain(move.stop)}{kind}"))
    if raised > 0:
        facts.append(("before", f"{raised} {'move' if raised == 1 else 'moves'} of the trail, not shown here"))
    return facts


def stop_json(move: StopExplained) -> Mapping[str, Encodable]:
    """Return the fields of one move beside its cause."""
    return {
        "best_price": move.cause.raw_price,
        "stop_before": move.stop_before,
        "stop_reason_before": move.reason_before,
        "stop": move.stop,
        "stop_reason": move.reason,
        "trail": None if move.trail is None else _trail_json(move.trail),
        "break_even": None if move.even is None else _even_json(move.even),
        "first_target": move.is_after_first,
    }


def _only_follows(move: StopExplained) -> bool:
    return move.cause.rule == NEW_PEAK


def _trail(trail: Trailed) -> str:
    sign = "+" if trail.is_rounded_up else "-"
    gap = f"{plain(trail.distance)}% of it" if trail.is_percent else plain(trail.distance)
    text = f"best price {plain(trail.peak)} {sign} {gap} = {plain(canonical(trail.unrounded))}"
    if trail.unrounded == trail.stop:
        return text
    way = "up" if trail.is_rounded_up else "down"
    return f"{text}, rounded {way} to the step {plain(trail.step)} = {plain(trail.stop)}"


def _even(even: Evened) -> str:
    if even.is_gross:
        return f"the entry price {plain(even.stop)}, costs left out"
    is_long = even.stop >= even.entry
    sign, less = ("+", "-") if is_long else ("-", "+")
    paid = f"({plain(even.entry)} {sign} {plain(even.entry_fee)} / {plain(even.quantity)})"
    text = f"{paid} / (1 {less} {plain(even.taker)})"
    slipped = "" if even.slippage_bps == 0 else f" / (1 {less} {plain(even.slippage_bps)} bps)"
    return f"{text}{slipped}, rounded {'up' if is_long else 'down'} to the step: {plain(even.stop)}"


def _trail_json(trail: Trailed) -> Mapping[str, Encodable]:
    return {
        "peak": trail.peak,
        "distance": trail.distance,
        "unit": "percent" if trail.is_percent else "price",
        "gap": trail.gap,
        "stop_before_rounding": trail.unrounded,
        "price_step": trail.step,
        "rounded": "up" if trail.is_rounded_up else "down",
        "stop": trail.stop,
    }


def _even_json(even: Evened) -> Mapping[str, Encodable]:
    return {
        "trigger": even.trigger,
        "gross": even.is_gross,
        "entry_price": even.entry,
        "entry_fee": even.entry_fee,
        "quantity": even.quantity,
        "fee_rate": even.taker,
        "slippage_bps": even.slippage_bps,
        "stop": even.stop,
    }
