"""A backtest as the scripting contract writes it: trades, refusals, metrics, the equity curve, and all it was made of.

The rule to keep: every rule that decided a figure stands in `inputs`, so that the answer alone can be run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from papertrade.engine.money import plain
from papertrade.engine.saved_run import RunFigure, RunInput, RunPlan, RunPreset
from papertrade.feeds.signal_defaults import filled_in
from papertrade.render import guard_lines
from papertrade.render.cost_facts import own_costs_json
from papertrade.render.json import Encodable
from papertrade.render.metrics_json import metrics_json, metrics_sections
from papertrade.render.numbers import iso_z
from papertrade.render.terms_json import convention_options
from papertrade.render.trade_json import trade_json
from papertrade.reports.equity import EquityPoint
from papertrade.reports.metric import Metric
from papertrade.runs.backtest import RefusedSignal
from papertrade.runs.backtest_outcome import BacktestOutcome


def backtest_json(outcome: BacktestOutcome, version: str) -> Mapping[str, Encodable]:
    """Return the whole answer."""
    return {
        "trades": [trade_json(view) for view in outcome.views()],
        "refused": [refused_json(one) for one in outcome.result.refused],
        "guards": {
            "counts": guard_lines.counts_json(outcome.result.acts),
            "history": [guard_lines.act_json(act) for act in outcome.result.acts],
        },
        "metrics": outcome_metrics_json(outcome),
        "equity": [point_json(point) for point in outcome.equity.points()],
        "inputs": inputs_json(outcome.inputs.plan, outcome.inputs.inputs, version),
    }


def outcome_metrics_json(outcome: BacktestOutcome) -> Mapping[str, Encodable]:
    """Return what `metrics --json` gives for a backtest's trades."""
    trades = {trade.id: trade for trade in outcome.result.trades}
    recent = outcome.views([trades[number] for number in outcome.report.recent_trades])
    return metrics_json(outcome.report, [trade_json(view) for view in recent])


def refused_json(one: RefusedSignal) -> Mapping[str, Encodable]:
    """Return one signal that was not traded."""
    return {
        "signal": one.signal.key,
        "symbol": one.signal.symbol,
        "at": iso_z(one.at_ms),
        "code": one.refusal.code,
        "message": one.refusal.message,
        "details": dict(one.refusal.details),
    }


def point_json(point: EquityPoint) -> Mapping[str, Encodable]:
    """Return one point of the curve, as `equity --json` does."""
    return {
        "at": iso_z(point.at_ms),
        "equity": point.equity,
        "cash": point.cash,
        "reserved": point.reserved,
        "unrealized_pnl": point.unrealized,
        "realized_pnl": point.realized,
        "capital": point.capital,
        "unpriced_count": point.unpriced,
    }


def inputs_json(plan: RunPlan, inputs: Sequence[RunInput], version: str) -> Mapping[str, Encodable]:
    """Return the files with their hashes, and the rules."""
    told: dict[str, list[RunInput]] = {}
    for one in inputs:
        told.setdefault(one.role, []).append(one)
    ideas = {role: _file(told[role][0]) if role in told else None for role in ("signals", "strategy")}
    return {
        **ideas,
        "candles": [_candles(one) for one in told.get("candles", ())],
        "detail": [_candles(one) for one in told.get("detail", ())],
        "rules": rules_json(plan),
        "cash": plan.cash,
        "currency": plan.currency,
        "from": _at(plan.from_ms),
        "to": _at(plan.to_ms),
        "version": version,
    }


def rules_json(plan: RunPlan) -> Mapping[str, Encodable]:
    """Return every rule of a plan."""
    size = plan.size
    return {
        "maker": plan.maker,
        "taker": plan.taker,
        "slippage_bps": plan.slippage_bps,
        "leverage": plan.leverage,
        "maintenance_rate": plan.maintenance,
        "funding": None
        if plan.funding is None
        else {"rate": plan.funding.rate, "every_seconds": plan.funding.every_ms // 1000},
        "borrow_rate": plan.borrow,
        "venue_costs": own_costs_json(plan.venue_costs),
        "symbol_costs": own_costs_json(plan.symbol_costs),
        "convention": {"name": plan.convention_name, **convention_options(plan.convention)},
        "sizing": {
            "risk_percent": plan.sizing.risk_percent,
            "percent": plan.sizing.percent,
            "max_notional_percent": plan.sizing.max_notional_percent,
            "on_short_cash": "shrink" if plan.sizing.may_shrink else "refuse",
        },
        "preset": None if plan.preset is None else {"name": plan.preset.name, "fills_in": preset_cells(plan.preset)},
        "size": None if size is None else {"kind": size.kind, "value": size.value},
        "max_open": plan.max_open,
        "guards": guard_lines.rules_json(plan.guards),
        "caps": guard_lines.caps_json(plan.caps),
        "zone": plan.zone,
        "same_currency": [list(group) for group in plan.same_currency],
        "instruments": [one.symbol for one in plan.instruments],
    }


def preset_cells(preset: RunPreset) -> Mapping[str, str]:
    """Return what a preset fills in, as it would be written into a signal file: texts by column."""
    cells = filled_in((), preset.defaults)
    return {name: cell if isinstance(cell, str) else ";".join(cell) for name, cell in cells}


def run_figures(outcome: BacktestOutcome) -> Iterator[RunFigure]:
    """Yield the single figures of the metrics, as they are kept with a saved run."""
    sections = metrics_sections(outcome.report)
    for name in ("trading_statistics", "risk"):
        for figure, leaf in sections[name].items():
            value = leaf.value if isinstance(leaf, Metric) else leaf
            yield RunFigure(figure, None if value is None else _text(value))


def _text(value: Decimal | int | str) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


def _file(one: RunInput) -> Mapping[str, Encodable]:
    return {"name": one.name, "sha256": one.sha256, "rows": one.rows}


def _candles(one: RunInput) -> Mapping[str, Encodable]:
    return {
        "symbol": one.symbol,
        **_file(one),
        "first": _at(one.first_ms),
        "last": _at(one.last_ms),
        "interval_seconds": None if one.interval_ms is None else Decimal(one.interval_ms).scaleb(-3),
        "holes": one.holes,
        "missing": one.missing,
    }


def _at(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_z(at_ms)
