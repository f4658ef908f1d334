"""The same few figures for each symbol, side, source, tag and exit reason.

The rule to keep: the groups of one kind sum to the whole, except by tag, where a trade counts in each of its
tags and one without tags under None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from papertrade.engine.money import ZERO, exact
from papertrade.engine.values import dataclass
from papertrade.reports.closed_trade import ClosedTrade
from papertrade.reports.metric import Metric, mean_money
from papertrade.reports.trade_statistics import profit_factor, win_rate, win_rate_percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The closed trades that share `name` (None: those without a tag)."""

    name: str | None
    trades: int
    winning: int
    losing: int
    net_profit: Decimal
    win_rate: Metric
    win_rate_percent: str | None
    profit_factor: Metric
    expectancy: Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Groups of each kind, by name; the untagged last."""

    symbol: tuple[Group, ...]
    side: tuple[Group, ...]
    source: tuple[Group, ...]
    tag: tuple[Group, ...]
    exit_reason: tuple[Group, ...]


def breakdown(trades: Sequence[ClosedTrade]) -> Breakdown:
    """Group the trades in every way; no trade, no group."""
    return Breakdown(
        symbol=_groups(trades, lambda trade: (trade.symbol,)),
        side=_groups(trades, lambda trade: (str(trade.side),)),
        source=_groups(trades, lambda trade: (trade.source,)),
        tag=_groups(trades, lambda trade: trade.tags if trade.tags else (None,)),
        exit_reason=_groups(trades, lambda trade: (str(trade.exit_reason),)),
    )


def _groups(
    trades: Sequence[ClosedTrade], names_of: Callable[[ClosedTrade], tuple[str | None, ...]]
) -> tuple[Group, ...]:
    nets: dict[str | None, list[Decimal]] = {}
    for trade in trades:
        for name in names_of(trade):
            nets.setdefault(name, []).append(trade.net)
    names = sorted(nets, key=lambda name: (name is None, name or ""))
    return tuple(_group(name, nets[name]) for name in names)


def _group(name: str | None, nets: Sequence[Decimal]) -> Group:
    profits = [net for net in nets if net > ZERO]
    losing = sum(net < ZERO for net in nets)
    with exact():
        net_profit, gross_profit = sum(nets, ZERO), sum(profits, ZERO)
        gross_loss = gross_profit - net_profit
    return Group(
        name=name,
        trades=len(nets),
        winning=len(profits),
        losing=losing,
        net_profit=net_profit,
        win_rate=win_rate(len(profits), losing),
        win_rate_percent=win_rate_percent(len(profits), losing),
        profit_factor=profit_factor(gross_profit, gross_loss),
        expectancy=mean_money(net_profit, len(nets), "no closed trade"),
    )
