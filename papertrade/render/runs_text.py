"""Saved runs for a person: the list, one run, several beside each other, and one against itself.

The rule to keep: a figure has one name, the one of `metrics --json`, so that what is read here can be looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Final

from papertrade.engine.instants import duration_text
from papertrade.engine.money import CONTEXT, HUNDRED
from papertrade.engine.saved_run import RunFigure, RunTrade, SavedRun
from papertrade.engine.trade import Funding
from papertrade.feeds.signal_defaults import FILLED_IN
from papertrade.render.backtest_json import preset_cells
from papertrade.render.backtest_text import convention_text, counted, input_facts, rule_facts, span_facts
from papertrade.render.console import Screen
from papertrade.render.cost_facts import own_costs_text
from papertrade.render.facts import show_facts
from papertrade.render.guard_lines import rules_text
from papertrade.render.numbers import (
    UNKNOWN,
    exact_number,
    local_minute,
    money,
    percent,
    short_minute,
    signed_money,
    toned,
)
from papertrade.render.tables import Column, number, words
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_lines import REASONS
from papertrade.render.trade_table import UNORDERED
from papertrade.runs.run_differences import RunDifferences
from papertrade.store.run_rows import RunLine, StoredRun

KEY_FIGURES: Final = (
    "total_trades",
    "open_trades",
    "net_profit",
    "net_profit_worst",
    "net_profit_best",
    "ambiguous_exits",
    "win_rate",
    "profit_factor",
    "expectancy",
    "expectancy_r",
    "sharpe",
    "sortino",
    "max_drawdown",
    "total_return",
    "cagr",
    "exposure",
    "fees",
    "slippage",
    "turnover",
    "buy_and_hold",
)
"""What is shown of a run's figures; `--json` has all of them."""

_SHARES: Final = frozenset({"win_rate", "max_drawdown", "total_return", "cagr", "exposure", "buy_and_hold"})
_AMOUNTS: Final = frozenset(
    {"net_profit", "net_profit_worst", "net_profit_best", "expectancy", "fees", "slippage", "turnover"}
)
_SHOWN: Final = 20
_LIST: Final = (
    number("#"),
    words("Name"),
    Column("Kind", drop=3),
    Column("Saved"),
    number("Trades"),
    number("Net profit"),
    number("Win rate"),
    number("Profit factor"),
    number("Sharpe"),
    number("Max drawdown"),
    Column("Version", drop=4),
)
_TRADES: Final = (
    number("#"),
    Column("Side"),
    number("Quantity"),
    Column("Symbol"),
    number("Entry"),
    number("Exit"),
    number("Net"),
    Column("State"),
    Column("Opened", drop=2),
    Column("Ended", drop=1),
    words("Signal", drop=3),
)


def figure_text(name: str, value: str | None) -> str:
    """Show a figure by its kind: a share in percent, an amount as money, any other with two decimals."""
    if value is None:
        return UNKNOWN
    try:
        figure = Decimal(value)
    except ArithmeticError:
        return value
    if name in _SHARES:
        return percent(CONTEXT.multiply(figure, HUNDRED))
    if name in _AMOUNTS:
        return money(figure)
    return value if figure == figure.to_integral_value() and "." not in value else f"{figure:.2f}"


def show_runs(lines: Sequence[RunLine], zone: tzinfo, screen: Screen) -> None:
    """Write the list of saved runs."""
    if not lines:
        screen.line("no run is saved yet: papertrade backtest … --save NAME")
        return
    screen.table(_LIST, [_line(line, zone) for line in lines])


def show_run(stored: StoredRun, zone: tzinfo, limit: int, screen: Screen) -> None:
    """Write one saved run: what it was made from, its figures, its last trades."""
    run = stored.run
    saved = f"{local_minute(run.made_at_ms, zone)}, papertrade {run.version}"
    screen.line(Cell(f"Run {stored.id} {run.name}", Tone.STRONG))
    taken = f"{len(run.trades)} taken, {run.refused} refused"
    show_facts(
        screen,
        [
            ("saved", saved),
            *input_facts(run.inputs),
            *span_facts(run.begins_ms, run.ends_ms, zone),
            *rule_facts(run.plan),
            ("trades", taken),
        ],
    )
    screen.blank()
    figures = by_name(run.figures)
    screen.table(
        (Column("Figure"), number("Value")),
        [(name, figure_text(name, figures[name])) for name in KEY_FIGURES if name in figures],
    )
    _show_trades(run, zone, limit, screen)


def show_comparison(runs: Sequence[StoredRun], screen: Screen) -> None:
    """Write the figures of several runs beside each other, and which of them are not over the same files."""
    columns = [Column("Figure"), *(number(f"{stored.id} {stored.run.name}") for stored in runs)]
    figures = [by_name(stored.run.figures) for stored in runs]
    rows = [(name, *(figure_text(name, each.get(name)) for each in figures)) for name in KEY_FIGURES]
    rules = [dict(_rules(stored.run)) for stored in runs]
    rows += [(name, *(each[name] for each in rules)) for name in rules[0] if len({each[name] for each in rules}) > 1]
    screen.table(columns, rows)
    hashes = {frozenset((one.role, one.symbol, one.sha256) for one in stored.run.inputs) for stored in runs}
    if len(hashes) > 1:
        screen.line(Cell("not over the same files: the figures say nothing about the rules alone", Tone.WARNING))


def show_differences(name: str, found: RunDifferences, screen: Screen) -> None:
    """Write what differs between a saved run and its repetition."""
    for one in found.inputs:
        what = f"{one.role} of {one.symbol}" if one.symbol is not None else one.role
        screen.line(Cell(f"{what} changed: {Path(one.name).name} is not what it was", Tone.WARNING))
    if found.version_before != found.version_now:
        screen.line(Cell(f"papertrade {found.version_before} made it, this is {found.version_now}", Tone.WARNING))
    if not found.figures and not found.trades:
        screen.line(Cell("the same", Tone.GAIN), Cell(f": every trade and every figure of `{name}` came out again"))
        return
    if found.figures:
        screen.table(
            (Column("Figure"), number("Before"), number("Now")),
            [(one.name, figure_text(one.name, one.before), figure_text(one.name, one.now)) for one in found.figures],
        )
    if found.trades:
        screen.blank()
        screen.table(
            (words("Signal"), Column("Field"), number("Before"), number("Now")),
            [(one.signal_key, one.field, one.before or UNKNOWN, one.now or UNKNOWN) for one in found.trades[:_SHOWN]],
        )
        if len(found.trades) > _SHOWN:
            screen.line(f"and {len(found.trades) - _SHOWN} more: --json lists all")


def by_name(figures: Sequence[RunFigure]) -> Mapping[str, str | None]:
    """Return the figures under their names."""
    return {figure.name: figure.value for figure in figures}


def _line(line: RunLine, zone: tzinfo) -> tuple[str | Cell, ...]:
    figures = by_name(line.figures)
    net = figures.get("net_profit")
    value = None if net is None else Decimal(net)
    return (
        str(line.id),
        line.name,
        line.kind,
        short_minute(line.made_ms, zone),
        str(line.trades),
        toned(value, signed_money(value)),
        *(figure_text(name, figures.get(name)) for name in ("win_rate", "profit_factor", "sharpe", "max_drawdown")),
        line.version,
    )


def _rules(run: SavedRun) -> list[tuple[str, str]]:
    plan = run.plan
    filled = {} if plan.preset is None else preset_cells(plan.preset)
    pairs = {
        "convention": convention_text(plan),
        "maker": f"{plan.maker:f}",
        "taker": f"{plan.taker:f}",
        "slippage_bps": f"{plan.slippage_bps:f}",
        "leverage": f"{plan.leverage:f}",
        "maintenance": f"{plan.maintenance:f}",
        "funding": UNKNOWN if plan.funding is None else _funding(plan.funding),
        "borrow": UNKNOWN if plan.borrow is None else f"{plan.borrow:f}",
        "own costs": own_costs_text(plan) or UNKNOWN,
        "preset": UNKNOWN if plan.preset is None else plan.preset.name,
        **{f"preset's {name}": filled.get(name, UNKNOWN) for name in FILLED_IN},
        "cash": f"{plan.cash:f}",
        "max_open": UNKNOWN if plan.max_open is None else str(plan.max_open),
        "held by": rules_text(plan.guards, plan.caps) or UNKNOWN,
    }
    return list(pairs.items())


def _funding(funding: Funding) -> str:
    return f"{funding.rate:f} every {duration_text(funding.every_ms)}"


def _show_trades(run: SavedRun, zone: tzinfo, limit: int, screen: Screen) -> None:
    if not run.trades:
        return
    last = run.trades if limit == 0 else run.trades[-limit:]
    screen.blank()
    title = counted(len(run.trades), "trade")
    if len(last) < len(run.trades):
        title = f"Last {len(last)} of {len(run.trades)} trades, --limit 0 for all"
    screen.line(Cell(title, Tone.STRONG), Cell(f", times in {zone}"))
    screen.table(_TRADES, [_trade(trade, zone) for trade in last])
    if any(trade.is_ambiguous for trade in last):
        screen.line(Cell(f"? = {UNORDERED}", Tone.DIM))


def _trade(trade: RunTrade, zone: tzinfo) -> tuple[str | Cell, ...]:
    doubt = " ?" if trade.is_ambiguous else ""
    state = str(trade.status) if trade.exit_reason is None else REASONS[trade.exit_reason]
    return (
        str(trade.id),
        str(trade.side),
        exact_number(trade.quantity),
        trade.symbol,
        exact_number(trade.entry_price),
        exact_number(trade.exit_price),
        toned(trade.realized, signed_money(trade.realized)),
        f"{state}{doubt}",
        short_minute(trade.opened_at, zone),
        short_minute(trade.closed_at, zone),
        trade.signal_key,
    )
