"""How much was going on: holding times, time in the market, turnover, and what it all cost.

No opinion on whether it paid; that is `trade_statistics.py`. The rule to keep: costs and turnover are those of
the trades given, entries and exits alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from papertrade.engine.money import CONTEXT, ZERO, canonical, exact, to_grid
from papertrade.engine.values import dataclass
from papertrade.reports.closed_trade import ClosedTrade
from papertrade.reports.metric import Metric, ratio, undefined

_BPS: Final = Decimal(10_000)
_SECOND_MS: Final = Decimal(1_000)
_MILLI: Final = Decimal("0.001")
_NO_TRADE: Final = "no closed trade"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingTimes:
    """From entry to the last exit, in seconds."""

    mean: Metric
    median: Metric
    shortest: Metric
    longest: Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Money paid and moved: `turnover` is Σ price · quantity of entries and exits.

    `funding` is what holding trades cost (below 0: was received), `borrow_cost` the interest in it.
    `break_even_slippage_bps` is the slippage a side at which the net profit would be 0.
    """

    fees: Decimal
    slippage: Decimal
    turnover: Decimal
    funding: Decimal
    borrow_cost: Decimal
    break_even_slippage_bps: Metric


def holding_times(trades: Sequence[ClosedTrade]) -> HoldingTimes:
    """Measure how long trades lasted. Undefined without a trade."""
    if not trades:
        none = undefined(_NO_TRADE)
        return HoldingTimes(mean=none, median=none, shortest=none, longest=none)
    spans = sorted(trade.closed_at - trade.opened_at for trade in trades)
    middle = len(spans) // 2
    return HoldingTimes(
        mean=_seconds(sum(spans), len(spans)),
        median=_seconds(spans[middle] + spans[-middle - 1], 2),
        shortest=_seconds(spans[0], 1),
        longest=_seconds(spans[-1], 1),
    )


def exposure(spans: Iterable[tuple[int, int]], until_ms: int) -> Metric:
    """Compute the share of the time since the first entry in which at least one trade was open.

    `spans` are (opened, closed) of all trades that were entered; an open one ends at `until_ms`. Undefined
    without a trade and before any time has passed.
    """
    ordered = sorted(spans)
    if not ordered:
        return undefined("no trade was entered")
    covered = 0
    reached = ordered[0][0]
    for opened, closed in ordered:
        covered += max(min(closed, until_ms) - max(opened, reached), 0)
        reached = max(reached, closed)
    return ratio(Decimal(covered), Decimal(max(until_ms - ordered[0][0], 0)), "no time has passed since the entry")


def costs(trades: Sequence[ClosedTrade]) -> Costs:
    """Sum what the trades paid and moved; 0 without a trade."""
    with exact():
        fees = sum((trade.fees for trade in trades), ZERO)
        slippage = sum((trade.slippage for trade in trades), ZERO)
        turnover = sum((trade.entry_notional + trade.exit_notional for trade in trades), ZERO)
        net = sum((trade.net for trade in trades), ZERO)
        return Costs(
            fees=fees,
            slippage=slippage,
            turnover=to_grid(turnover),
            funding=sum((trade.funding for trade in trades), ZERO),
            borrow_cost=sum((trade.borrow_cost for trade in trades), ZERO),
            break_even_slippage_bps=break_even_slippage(net, slippage, turnover),
        )


def break_even_slippage(net: Decimal, slippage: Decimal, turnover: Decimal) -> Metric:
    """Compute (net + slippage paid) / turnover in basis points: lost on every fill, it leaves a net of 0.

    Maker fills are counted as if they slipped too. Undefined without turnover and where the net would not be
    above 0 even without slippage.
    """
    before = CONTEXT.add(net, slippage)
    if turnover == 0:
        return undefined(_NO_TRADE)
    if before <= 0:
        return undefined("the net profit is not above 0 even without slippage")
    return ratio(CONTEXT.multiply(before, _BPS), turnover, _NO_TRADE)


def _seconds(total_ms: int, count: int) -> Metric:
    seconds = CONTEXT.divide(Decimal(total_ms), CONTEXT.multiply(Decimal(count), _SECOND_MS))
    return Metric(canonical(CONTEXT.quantize(seconds, _MILLI)))
