"""What a trade lived through as the scripting contract writes it: how much was observed, how far the price went."""

from __future__ import annotations

from collections.abc import Mapping

from papertrade.engine.money import CONTEXT, HUNDRED
from papertrade.render.json import Encodable, two_places
from papertrade.render.numbers import iso_z
from papertrade.reports.coverage import Observed
from papertrade.reports.excursion import Excursion


def coverage_json(seen: Observed | None) -> Mapping[str, Encodable] | None:
    """Return how much of a life was observed; None where nobody watched, as in a backtest."""
    if seen is None:
        return None
    gap = seen.longest
    return {
        "observed": seen.share,
        "observed_percent": two_places(CONTEXT.multiply(seen.share, HUNDRED)),
        "observed_until": iso_z(seen.until_ms),
        "gaps": seen.gaps,
        "bridged_gaps": seen.bridged,
        "longest_gap_seconds": 0 if gap is None else gap.length_ms // 1000,
        "gap_from": None if gap is None else iso_z(gap.from_ms),
        "gap_to": None if gap is None else iso_z(gap.to_ms),
        "is_bridged": None if gap is None else gap.is_bridged,
        "decided_blind": seen.decided_blind,
    }


def excursion_json(found: Excursion | None) -> Mapping[str, Encodable] | None:
    """Return how far the price went, with the reasons of what is undefined; None before the entry."""
    if found is None:
        return None
    each = found.named
    values: dict[str, Encodable] = {
        name: two_places(one.value) if name.endswith("_percent") else one.value for name, one in each.items()
    }
    return {**values, "undefined": {name: one.reason for name, one in each.items() if one.reason is not None}}
