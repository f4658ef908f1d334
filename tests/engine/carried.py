"""Random deals that cost something to hold, for laws and for the oracle."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import strategies as st

from tests.engine.deals import MINUTE, deals
from tests.engine.oracle import Deal, Exits

DAY = 86_400_000


@st.composite
def carried_deals(draw: st.DrawFn, *, with_changes: bool = True) -> tuple[Deal, int]:
    """Draw a deal that costs something to hold, and when its tape begins: shortly before a midnight, or at 0.

    Rates are so high that payments liquidate, and funding times so near that several fall into one absence.
    """
    deal = draw(deals(with_changes=with_changes))
    if draw(st.booleans()):  # one that stays open long enough to pay
        deal = replace(deal, entry="market", exits=Exits(), changes=(), expires_ms=None)
    rates = st.sampled_from(["0.0001", "0.01", "0.04", "0.2", "-0.02"]).map(Fraction)
    deal = replace(
        deal,
        funding=draw(st.none() | rates),
        funding_every=draw(st.sampled_from([MINUTE, MINUTE, 90_000, 3 * MINUTE, 8 * 3_600_000])),
        borrow=draw(st.none() | st.sampled_from(["0.05", "500", "5000"]).map(Fraction)),
        maintenance=draw(st.sampled_from(["0", "0", "0.01", "0.04"]).map(Fraction)),
        leverage=draw(st.sampled_from([1, 3, 5, 20]).map(Fraction)),
    )
    begins = draw(st.sampled_from([0, DAY - MINUTE, DAY - 3 * MINUTE]))
    return _later(deal, begins), begins


def _later(deal: Deal, more: int) -> Deal:
    """Shift a deal in time."""

    def shifted(exits: Exits) -> Exits:
        limit = exits.limit
        is_at = limit is not None and limit[0] == "at"
        return replace(exits, limit=("at", limit[1] + more)) if limit is not None and is_at else exits

    return replace(
        deal,
        at_ms=deal.at_ms + more,
        exits=shifted(deal.exits),
        changes=tuple((at_ms + more, shifted(exits)) for at_ms, exits in deal.changes),
        expires_ms=None if deal.expires_ms is None else deal.expires_ms + more,
    )
