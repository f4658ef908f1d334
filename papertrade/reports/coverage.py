"""How much of a trade's life was observed by final candles, and what was missed (docs/semantics.md, section 5).

The rule to keep: candles that turned up later make a gap good only for a trade that nothing else had decided
in it meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from papertrade.engine.money import CONTEXT, GRID
from papertrade.engine.trade import Flag, Trade
from papertrade.engine.values import dataclass

NOT_VERIFIED: Final = frozenset({Flag.UNVERIFIED, Flag.OBSERVED, Flag.OFF_MARKET})
"""Flags of a trade whose result did not come from final candles alone."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without candles, UTC ms, and whether they turned up later."""

    from_ms: int
    to_ms: int
    is_bridged: bool

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.to_ms - self.from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """How much of a trade's life was seen: `share` is a fraction of it up to `until_ms`.

    `longest` is the longest gap inside the trade's life that stayed open, or if none did, the longest of those that
    were bridged. `gaps` and `bridged` count both kinds; `decided_blind` says that a quote filled it in one.
    """

    share: Decimal
    until_ms: int
    longest: Gap | None = None
    gaps: int = 0
    bridged: int = 0
    decided_blind: bool = False


def observed(trade: Trade, until_ms: int, gaps: Sequence[Gap], quoted_at: Sequence[int] = ()) -> Observed:
    """Measure a trade's life from its placing on; `until_ms` is how far a live one was processed.

    `gaps` are those of its instrument, `quoted_at` when quotes filled it (UTC ms).
    """
    since = trade.order.placed_at
    until = max(since + 1, until_ms if trade.closed_at is None else trade.closed_at)
    own = [gap for gap in (_within(gap, since, until, quoted_at) for gap in gaps) if gap.length_ms > 0]
    missed = [gap for gap in own if not gap.is_bridged]
    lost_ms = sum(gap.length_ms for gap in missed)
    share = CONTEXT.divide(Decimal(until - since - lost_ms), Decimal(until - since))
    return Observed(
        share=CONTEXT.quantize(share, GRID),
        until_ms=until,
        longest=max(missed or own, key=lambda gap: gap.length_ms, default=None),
        gaps=len(missed),
        bridged=len(own) - len(missed),
        decided_blind=any(_decided_in(gap, quoted_at) for gap in own),
    )


def is_unverified(trade: Trade, seen: Observed | None) -> bool:
    """Whether anything but final candles and people's own prices in time may have shaped a trade's result."""
    return not NOT_VERIFIED.isdisjoint(trade.flags) or (seen is not None and seen.gaps > 0)


def _within(gap: Gap, since: int, until: int, quoted_at: Sequence[int]) -> Gap:
    """Return what of a gap lies in a life; a quote that decided in it leaves it open."""
    clipped = Gap(max(gap.from_ms, since), min(gap.to_ms, until), gap.is_bridged)
    if gap.is_bridged and _decided_in(clipped, quoted_at):
        return Gap(clipped.from_ms, clipped.to_ms, is_bridged=False)
    return clipped


def _decided_in(gap: Gap, quoted_at: Sequence[int]) -> bool:
    return any(gap.from_ms < at_ms <= gap.to_ms for at_ms in quoted_at)
