"""What a trade cost, and a run's own costs of venues and symbols, as text and as the scripting contract writes them.

The rule to keep: what is not modelled, and what nobody saw, is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from papertrade.engine.own_costs import OwnCosts
from papertrade.engine.saved_run import RunPlan
from papertrade.render.facts import Fact
from papertrade.render.json import Encodable
from papertrade.render.numbers import money, signed_money
from papertrade.reports.trade_costs import TradeCosts
from papertrade.reports.trade_view import TradeView

_NAMES_SHOWN: Final = 4


def own_costs_text(plan: RunPlan) -> str:
    """Name the venues and symbols that a run gives costs of their own; empty without any."""
    return _names((*plan.venue_costs, *plan.symbol_costs))


def not_modelled_text(plan: RunPlan) -> str:
    """Name the costs of holding a trade that a run has no rate for, with whom has one; empty if it has both."""
    own = (*plan.venue_costs, *plan.symbol_costs)
    parts = []
    for name, rate, having in (
        ("funding", plan.funding, [each for each in own if each.funding is not None]),
        ("borrow", plan.borrow, [each for each in own if each.borrow is not None]),
    ):
        if rate is None:
            parts.append(f"{name} (except of {_names(having)})" if having else name)
    return ", ".join(parts)


def own_costs_json(own: Iterable[OwnCosts]) -> Mapping[str, Encodable]:
    """Return the costs of venues, or of symbols, by their names; None is as everywhere."""
    return {
        each.name: {
            "maker": each.maker,
            "taker": each.taker,
            "slippage_bps": each.slippage_bps,
            "funding": None
            if each.funding is None
            else {"rate": each.funding.rate, "every_seconds": each.funding.every_ms // 1000},
            "borrow_rate": each.borrow,
        }
        for each in own
    }


def cost_facts(costs: TradeCosts | None, view: TradeView) -> list[Fact]:
    """Return what was paid, and the net without it."""
    if costs is None:
        return []
    facts: list[Fact] = [("paid", _paid(costs))]
    if costs.costless is not None and costs.total != 0:
        instead = f"{signed_money(costs.costless)} instead of {signed_money(view.net)}"
        facts.append(("costless", f"net {instead}: {money(costs.total)} of costs"))
    return facts


def costs_json(costs: TradeCosts | None) -> Mapping[str, Encodable] | None:
    """Return the fields of what a trade cost; a cost that is not modelled is None and named in `not_modelled`."""
    if costs is None:
        return None
    return {
        "fees": costs.fees,
        "slippage": costs.slippage,
        "spread": costs.spread,
        "spread_unknown_fills": costs.spread_unknown,
        "funding": costs.funding,
        "borrow": costs.borrow,
        "total": costs.total,
        "costless_pnl": costs.costless,
        "not_modelled": list(costs.not_modelled),
    }


def _paid(costs: TradeCosts) -> str:
    parts = [f"fees {money(costs.fees)}"]
    named = (
        ("slippage", costs.slippage),
        ("spread", costs.spread),
        ("funding", costs.funding),
        ("interest", costs.borrow),
    )
    parts += [f"{name} {money(cost)}" for name, cost in named if cost is not None and cost != 0]
    remarks = []
    if costs.spread_unknown != 0:
        remarks.append(f"the spread of {_fills(costs.spread_unknown)} not known")
    if costs.not_modelled:
        remarks.append(f"{' and '.join(costs.not_modelled)} not modelled")
    return "; ".join([", ".join(parts), *remarks])


def _fills(count: int) -> str:
    return "1 fill" if count == 1 else f"{count} fills"


def _names(own: Iterable[OwnCosts]) -> str:
    names = [each.name for each in own]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"{', '.join(names[:_NAMES_SHOWN])}{more}"
