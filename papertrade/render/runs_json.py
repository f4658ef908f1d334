"""Saved runs as the scripting contract writes them.

The rule to keep: every figure is there under its name in `metrics --json`, as a string or null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from papertrade.engine.saved_run import RunTrade
from papertrade.errors import Json
from papertrade.render.backtest_json import inputs_json
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable
from papertrade.render.numbers import iso_z
from papertrade.render.runs_text import by_name
from papertrade.runs.run_differences import RunDifferences
from papertrade.store.run_rows import RunLine, StoredRun

_HEAD = ("id", "name", "kind", "saved_at", "version", "trades")
_LISTED = (
    "net_profit",
    "net_profit_worst",
    "net_profit_best",
    "ambiguous_exits",
    "win_rate",
    "profit_factor",
    "expectancy",
    "sharpe",
    "max_drawdown",
    "total_return",
    "fees",
)


def line_json(line: RunLine) -> Mapping[str, Encodable]:
    """Return one saved run as a list shows it."""
    head = (line.id, line.name, line.kind, iso_z(line.made_ms), line.version, line.trades)
    return {**dict(zip(_HEAD, head, strict=True)), "figures": dict(by_name(line.figures))}


def runs_sheet(lines: Sequence[RunLine]) -> Sheet:
    """Return the list as a table: the head, then the figures most asked for."""
    rows = []
    for line in lines:
        figures = by_name(line.figures)
        head = (line.id, line.name, line.kind, iso_z(line.made_ms), line.version, line.trades)
        rows.append((*head, *(_cell(figures.get(name)) for name in _LISTED)))
    return Sheet((*_HEAD, *_LISTED), rows)


def run_json(stored: StoredRun) -> Mapping[str, Encodable]:
    """Return one saved run in full."""
    run = stored.run
    return {
        "id": stored.id,
        "name": run.name,
        "kind": run.kind,
        "saved_at": iso_z(run.made_at_ms),
        "version": run.version,
        "begins": iso_z(run.begins_ms),
        "ends": iso_z(run.ends_ms),
        "refused_count": run.refused,
        "trades": [_trade(trade) for trade in run.trades],
        "metrics": cast("Json", json.loads(run.metrics)),
        "inputs": inputs_json(run.plan, run.inputs, run.version),
    }


def comparison_json(runs: Sequence[StoredRun]) -> Mapping[str, Encodable]:
    """Return the figures of several runs, each under its name with one value a run."""
    figures = [by_name(stored.run.figures) for stored in runs]
    names = dict.fromkeys(name for each in figures for name in each)
    hashes = {frozenset((one.role, one.symbol, one.sha256) for one in stored.run.inputs) for stored in runs}
    return {
        "runs": [{"id": stored.id, "name": stored.run.name} for stored in runs],
        "same_inputs": len(hashes) == 1,
        "figures": {name: [each.get(name) for each in figures] for name in names},
    }


def differences_json(stored: StoredRun, found: RunDifferences) -> Mapping[str, Encodable]:
    """Return what differs between a saved run and its repetition."""
    return {
        "id": stored.id,
        "name": stored.run.name,
        "same": not found.figures and not found.trades,
        "version": {"before": found.version_before, "now": found.version_now},
        "inputs_changed": [
            {"role": one.role, "symbol": one.symbol, "name": one.name, "sha256": one.sha256} for one in found.inputs
        ],
        "figures": [{"name": one.name, "before": one.before, "now": one.now} for one in found.figures],
        "trades": [
            {"signal": one.signal_key, "field": one.field, "before": one.before, "now": one.now} for one in found.trades
        ],
    }


def _cell(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _trade(trade: RunTrade) -> Mapping[str, Encodable]:
    return {
        "id": trade.id,
        "signal": trade.signal_key,
        "symbol": trade.symbol,
        "side": trade.side,
        "status": trade.status,
        "exit_reason": trade.exit_reason,
        "quantity": trade.quantity,
        "entry_price": trade.entry_price,
        "exit_price": trade.exit_price,
        "opened_at": None if trade.opened_at is None else iso_z(trade.opened_at),
        "closed_at": None if trade.closed_at is None else iso_z(trade.closed_at),
        "fees": trade.fees,
        "realized_pnl": trade.realized,
        "ambiguous": trade.is_ambiguous,
    }
