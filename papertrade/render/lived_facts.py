"""What a trade lived through, as facts for a person: how far the price went, how much of it was seen.

The rule to keep: what is not known is said in words, never shown as 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from papertrade.engine.money import CONTEXT, HUNDRED
from papertrade.render.facts import Fact
from papertrade.render.numbers import duration, local_minute, percent, r_multiple, signed_money, signed_percent
from papertrade.render.text import Cell, Tone
from papertrade.reports.coverage import NOT_VERIFIED, Observed
from papertrade.reports.excursion import Excursion
from papertrade.reports.metric import Metric
from papertrade.reports.trade_view import TradeView


def lived_facts(view: TradeView, zone: tzinfo) -> Iterator[Fact]:
    """Yield the excursions, how good the exit was, and what of the trade's life was observed."""
    if view.excursion is not None:
        yield from _went(view.excursion)
    if view.observed is not None:
        text = _observed(view.observed, zone)
        yield "observed", Cell(text, Tone.WARNING) if view.observed.gaps > 0 else text
    if view.is_unverified:
        yield "verified", Cell(f"no: {', '.join(_doubts(view))}", Tone.WARNING)


def _doubts(view: TradeView) -> Iterator[str]:
    """Yield why not only final candles, and people's own prices in time, shaped a trade."""
    for flag in view.trade.flags:
        if flag in NOT_VERIFIED:
            yield str(flag).replace("_", " ")
    if view.observed is not None and view.observed.gaps > 0:
        yield "candles of its life are missing"


def _went(found: Excursion) -> Iterator[Fact]:
    if found.mae.reason is not None:
        yield "against", f"{found.mae.reason}: candles of its time in the market are missing"
        return
    yield "against", _figures(found.mae, found.mae_percent, found.mae_r)
    yield "ahead", _figures(found.mfe, found.mfe_percent, found.mfe_r)
    share = found.efficiency.value
    if share is not None:
        yield "kept", f"{percent(CONTEXT.multiply(share, HUNDRED), 0)} of the best move"


def _figures(amount: Metric, share: Metric, risks: Metric) -> str:
    in_risks = "" if risks.value is None else f", {r_multiple(risks.value)}"
    return f"{signed_money(amount.value)} at most ({signed_percent(share.value)}{in_risks})"


def _observed(seen: Observed, zone: tzinfo) -> str:
    share = percent(CONTEXT.multiply(seen.share, HUNDRED))
    gap = seen.longest
    if gap is None:
        return f"{share} of its life, no gap"
    count = seen.gaps or seen.bridged
    kind = "gap" if seen.gaps > 0 else "gap bridged"
    many = f"{count} {kind}" if count == 1 else f"{count} {kind.replace('gap', 'gaps')}"
    longest = f"the longest {duration(gap.length_ms)} from {local_minute(gap.from_ms, zone)}"
    blind = ", decided by a quote" if seen.decided_blind else ""
    return f"{share} of its life, {many}, {longest}{blind}"
