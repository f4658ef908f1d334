"""A sweep for scripts: the ranking, the best with every figure, and what they are to be judged by.

The rule to keep: an undefined figure is null; of the best, its reason stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from papertrade.engine.money import CONTEXT, GRID
from papertrade.render.csv import Sheet, Value
from papertrade.render.json import Encodable, listing
from papertrade.render.metrics_json import metrics_sections, section_json
from papertrade.render.numbers import iso_z
from papertrade.reports.metric import Metric, measured
from papertrade.reports.metrics import MetricsReport
from papertrade.runs.sweeps.grid import Combination, hold_text
from papertrade.runs.sweeps.sweep import Best, SweepResult, money_of
from papertrade.runs.sweeps.walk import WalkForward, Window

RANKING_MAX: Final = 1_000
"""As many combinations as the ranking lists in JSON; `--csv` writes all of them."""

_HEADER: Final = (
    "place",
    "target_percent",
    "stop_percent",
    "hold",
    "net_profit",
    "trades",
    "open_trades",
    "winning_trades",
    "losing_trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "sharpe",
    "max_drawdown_of_day_ends",
)
_LATER: Final = ("later_net_profit", "later_trades", "later_sharpe", "later_place")


def sweep_json(result: SweepResult, inputs: Encodable) -> Mapping[str, Encodable]:
    """Return everything; `inputs` says what it was made from."""
    shown = [dict(zip(sweep_header(result), row, strict=True)) for row in _rows(result, RANKING_MAX)]
    entries = result.entries
    return {
        "ranking": listing(shown, result.tried),
        "best": [_best(best) for best in result.best],
        "tried": result.tried,
        "ranked_by": result.request.rank,
        "deflated_sharpe": _figure(result.deflated_sharpe),
        "luck_sharpe": _figure(result.luck_sharpe),
        "out_of_sample": _out_of_sample(result),
        "model": {
            "entered": len(entries.entries),
            "never_filled": entries.never_filled,
            "refused": [
                {"signal": one.signal.external_id, "code": one.refusal.code, "message": one.refusal.message}
                for one in entries.refused
            ],
            "resized": entries.resized,
            "notional": entries.notional,
            "left_out": list(result.left_out),
        },
        "inputs": inputs,
    }


def sweep_sheet(result: SweepResult) -> Sheet:
    """Return every combination, the best first."""
    return Sheet(sweep_header(result), _rows(result, result.tried))


def sweep_header(result: SweepResult) -> tuple[str, ...]:
    """Return the names of a combination's figures."""
    return _HEADER if result.unseen is None else (*_HEADER, *_LATER)


def _rows(result: SweepResult, most: int) -> Iterator[list[Value]]:
    figures, grid = result.figures, result.request.grid
    later = None if result.unseen is None else result.unseen.figures
    places = {} if later is None else {int(n): p for p, n in enumerate(later.order(result.request.rank), 1)}
    rates, factors, means = figures.win_rate, figures.profit_factor, figures.expectancy
    for place, each in enumerate(result.order[:most], 1):
        at = int(each)
        one = grid.combination(at)
        row: list[Value] = [
            place,
            one.target,
            one.stop,
            None if one.hold_ms is None else hold_text(one.hold_ms),
            money_of(figures.net_profit[at]),
            int(figures.trades[at]),
            int(figures.open_trades[at]),
            int(figures.wins[at]),
            int(figures.losses[at]),
            _float(rates[at]),
            _float(factors[at]),
            None if math.isnan(means[at]) else _mean(result, at),
            _float(figures.sharpe[at]),
            _float(figures.max_drawdown[at]),
        ]
        if later is not None:
            row += [money_of(later.net_profit[at]), int(later.trades[at]), _float(later.sharpe[at]), places[at]]
        yield row


def _mean(result: SweepResult, at: int) -> Value:
    net = money_of(result.figures.net_profit[at])
    return CONTEXT.quantize(CONTEXT.divide(net, int(result.figures.trades[at])), GRID)


def _float(value: float) -> Value:
    return None if math.isnan(value) else measured(float(value)).value


def _best(best: Best) -> Mapping[str, Encodable]:
    return {
        "place": best.place,
        **_combination(best.combination),
        "agrees": best.agrees,
        "exact": report_json(best.exact),
        "account": {**report_json(best.account), "refused": best.refused},
        "later": None if best.unseen is None else {**report_json(best.unseen), "place": best.unseen_place},
    }


def report_json(report: MetricsReport) -> Mapping[str, Encodable]:
    """Return the trade statistics and the risk figures under the names of `metrics --json`."""
    sections = metrics_sections(report)
    return {name: section_json(sections[name]) for name in ("trading_statistics", "risk")}


def _combination(one: Combination) -> Mapping[str, Encodable]:
    return {
        "target_percent": one.target,
        "stop_percent": one.stop,
        "hold": None if one.hold_ms is None else hold_text(one.hold_ms),
    }


def _out_of_sample(result: SweepResult) -> Encodable:
    if result.walk is not None:
        return _walk(result.walk)
    if result.split_ms is None:
        return None
    first = result.best[0]
    return {
        "kind": "train",
        "split_at": iso_z(result.split_ms),
        "place": first.unseen_place,
        "best": None if first.unseen is None else report_json(first.unseen),
    }


def _walk(walk: WalkForward) -> Mapping[str, Encodable]:
    s = walk.statistics
    return {
        "kind": "walk",
        "windows": [_window(window) for window in walk.windows],
        "net_profit": s.net_profit,
        "total_trades": s.total_trades,
        "winning_trades": s.winning_trades,
        "losing_trades": s.losing_trades,
        "open_trades": walk.open_trades,
        "win_rate": s.win_rate.value,
        "profit_factor": s.profit_factor.value,
        "sharpe": walk.sharpe.value,
    }


def _window(window: Window) -> Mapping[str, Encodable]:
    return {
        "train_from": iso_z(window.train_from_ms),
        "from": iso_z(window.from_ms),
        "to": iso_z(window.to_ms),
        "chosen": None if window.chosen is None else _combination(window.chosen),
        "trained_net_profit": None if window.trained is None else money_of(window.trained),
        "traded": None if window.report is None else report_json(window.report),
    }


def _figure(metric: Metric) -> Mapping[str, Encodable]:
    return {"value": metric.value, "reason": metric.reason}
