"""A backtest for a person: what was run on what, what came of it, the curve, and the last trades.

The rule to keep: what weakens the result is said before it is shown: few trades, holes, refusals, exits in doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Final

from papertrade.engine.conventions import CONSERVATIVE, NAMED
from papertrade.engine.instants import duration_text, to_iso
from papertrade.engine.market import INTERVALS
from papertrade.engine.money import CONTEXT, HUNDRED, plain
from papertrade.engine.saved_run import RunInput, RunPlan, RunPreset
from papertrade.engine.trade import Status
from papertrade.render.backtest_json import preset_cells
from papertrade.render.charts import Point, Size, curve
from papertrade.render.console import Screen
from papertrade.render.cost_facts import not_modelled_text, own_costs_text
from papertrade.render.facts import Fact, show_facts
from papertrade.render.guard_lines import counts_text, rules_text
from papertrade.render.metrics_text import show_breakdown, show_figures, show_intervals, show_undefined
from papertrade.render.numbers import duration, local_minute, money, signed_money, toned
from papertrade.render.sums import share_text
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_table import doubts, show_trades
from papertrade.runs.backtest import RefusedSignal
from papertrade.runs.backtest_outcome import BacktestOutcome

_HEIGHT: Final = 12
_POINTS: Final = 400
_SYMBOLS_SHOWN: Final = 4


def show_backtest(outcome: BacktestOutcome, zone: tzinfo, limit: int, screen: Screen) -> None:
    """Write the whole report; `limit` is how many of the last trades are listed, 0 lists all."""
    plan, result = outcome.inputs.plan, outcome.result
    span = span_facts(result.begins_ms, result.ends_ms, zone)
    show_facts(screen, [*input_facts(outcome.inputs.inputs), *span, *rule_facts(plan), *_counts(outcome)])
    if not result.trades:
        screen.blank()
        screen.line(_nothing(outcome))
        return
    screen.blank()
    show_figures(outcome.report, zone, screen)
    screen.blank()
    _show_curve(outcome, zone, screen)
    if len(result.series) > 1:
        show_breakdown(outcome.report, "symbol", screen)
    show_breakdown(outcome.report, "exit_reason", screen)
    show_intervals(outcome.report.intervals, screen)
    _show_last(outcome, zone, limit, screen)
    show_undefined(outcome.report, screen)
    screen.blank()
    screen.line(Cell(f"not modelled: {not_modelled(plan)}", Tone.DIM))


def not_modelled(plan: RunPlan) -> str:
    """Say what a run left out: costs without a rate, and what no candle can tell."""
    rateless = not_modelled_text(plan)
    return f"{rateless}{', and ' if rateless else ''}what your own orders would have moved"


def input_facts(inputs: Sequence[RunInput]) -> Iterator[Fact]:
    """Yield what a run was made from, by the files' names, and its holes."""
    for one in inputs:
        if one.role in ("signals", "strategy"):
            yield one.role, f"{_file_name(one)}, {counted(one.rows, 'signal')}"
    for role in ("candles", "detail"):
        told = [one for one in inputs if one.role == role]
        for one in told[:_SYMBOLS_SHOWN]:
            yield role, f"{one.symbol} {_interval(one)}, {one.rows} candles of {_file_name(one)}"
        if len(told) > _SYMBOLS_SHOWN:
            yield role, f"and of {len(told) - _SYMBOLS_SHOWN} more symbols"
    holed = [one for one in inputs if one.role == "candles" and one.holes]
    if holed:
        each = ", ".join(f"{one.symbol} {one.missing} in {counted(one.holes, 'hole')}" for one in holed[:3])
        more = f", and {len(holed) - 3} more symbols" if len(holed) > 3 else ""
        yield "missing", Cell(f"candles of {each}{more}: nothing is decided in there", Tone.WARNING)


def span_facts(begins_ms: int, ends_ms: int, zone: tzinfo) -> Iterator[Fact]:
    """Yield from when to when the candles reach; nothing without any."""
    if ends_ms > begins_ms:
        length = duration(ends_ms - begins_ms)
        yield "span", f"{local_minute(begins_ms, zone)} .. {local_minute(ends_ms, zone)} ({length})"


def rule_facts(plan: RunPlan) -> Iterator[Fact]:
    """Yield under which rules a run was made."""
    maker, taker = _percent(plan.maker), _percent(plan.taker)
    fees = f"fee {taker}" if maker == taker else f"fees {maker} maker, {taker} taker"
    parts = [convention_text(plan), fees, f"slippage {plain(plan.slippage_bps)} bps"]
    if plan.leverage != 1:
        parts.append(f"leverage {plain(plan.leverage)}")
    if plan.maintenance != 0:
        parts.append(f"maintenance {_percent(plan.maintenance)}")
    if plan.funding is not None:
        parts.append(f"funding {_percent(plan.funding.rate)} every {duration_text(plan.funding.every_ms)}")
    if plan.borrow is not None:
        parts.append(f"borrow {_percent(plan.borrow)} a year")
    own_costs = own_costs_text(plan)
    if own_costs:
        parts.append(f"own costs of {own_costs}")
    if plan.preset is not None:
        parts.append(f"preset {preset_text(plan.preset)}")
    if plan.size is not None:
        parts.append(f"{str(plan.size.kind).replace('_', ' ')} {plain(plan.size.value)} each")
    if plan.max_open is not None:
        parts.append(f"at most {plan.max_open} open")
    held_by = rules_text(plan.guards, plan.caps)
    if held_by:
        parts.append(f"held by {held_by}")
    yield "rules", ", ".join([*parts, f"{plain(plan.cash)} {plan.currency}"])
    if plan.instruments:
        yield "steps", _steps(plan)


def _steps(plan: RunPlan) -> Cell:
    """Say whose steps and minimums a file of instruments gave, and who has none."""
    known = {instrument.symbol for instrument in plan.instruments}
    symbols = [file.symbol for file in plan.candles]
    told = ", ".join([symbol for symbol in symbols if symbol in known][:_SYMBOLS_SHOWN])
    more = sum(symbol in known for symbol in symbols) - _SYMBOLS_SHOWN
    text = f"and minimums of {told}{f' and {more} more' if more > 0 else ''}" if told else "of no symbol"
    missing = [symbol for symbol in symbols if symbol not in known]
    if not missing:
        return Cell(text)
    left = ", ".join(missing[:_SYMBOLS_SHOWN]) + (", …" if len(missing) > _SYMBOLS_SHOWN else "")
    return Cell(f"{text}; the instruments file has none of {left}", Tone.WARNING)


def preset_text(preset: RunPreset) -> str:
    """Name a preset and what it fills in: `scalp (risk 0.5%, take_profit 1R;2R, stop_loss 1%)`."""
    cells = ", ".join(f"{name} {text}" for name, text in preset_cells(preset).items())
    return f"{preset.name} ({cells or 'no exits, no size'})"


def _percent(rate: Decimal) -> str:
    return f"{plain(CONTEXT.multiply(rate, HUNDRED))}%"


def convention_text(plan: RunPlan) -> str:
    """Return the convention's name, with the options that were set on top of it: `conservative, gap_target=open`."""
    name = plan.convention_name.removesuffix("+")
    base = NAMED.get(name, CONSERVATIVE)
    set_apart = [
        f"{option.name}={getattr(plan.convention, option.name)}"
        for option in fields(base)
        if getattr(plan.convention, option.name) != getattr(base, option.name)
    ]
    return ", ".join([name, *set_apart])


def counted(count: int, noun: str) -> str:
    """Return `1 trade`, `2 trades`."""
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _file_name(one: RunInput) -> str:
    return Path(one.name).name


def _interval(one: RunInput) -> str:
    ms = one.interval_ms
    named = {length: name for name, length in INTERVALS.items()}
    return "" if ms is None else named.get(ms, f"{plain(CONTEXT.divide(ms, 1000))}s")


def _counts(outcome: BacktestOutcome) -> Iterator[Fact]:
    result = outcome.result
    states = Counter(trade.status for trade in result.trades)
    parts = [f"{len(result.trades)} taken"]
    for status, words in (
        (Status.OPEN, "still open, marked at the last close"),
        (Status.PENDING, "still waiting"),
        (Status.EXPIRED, "expired"),
        (Status.REJECTED, "rejected at the fill"),
    ):
        if states[status]:
            parts.append(f"{states[status]} {words}")
    if result.left_out:
        parts.append(f"{result.left_out} outside --from and --to")
    yield "trades", ", ".join(parts)
    if result.acts:
        yield "guards", Cell(counts_text(result.acts), Tone.WARNING)
    by_code: dict[str, list[RefusedSignal]] = {}
    for one in result.refused:
        by_code.setdefault(one.refusal.code, []).append(one)
    for code, each in sorted(by_code.items(), key=lambda item: (-len(item[1]), item[0])):
        first = each[0]
        text = f"{len(each)} {code}, e.g. `{first.signal.key}` at {to_iso(first.at_ms)}: {first.refusal.message}"
        yield "refused", Cell(text, Tone.WARNING)


def _nothing(outcome: BacktestOutcome) -> str:
    result = outcome.result
    if result.left_out and not result.refused:
        return "no signal lies between --from and --to"
    return "every signal was refused" if result.refused else "no signals: nothing to trade"


def _show_curve(outcome: BacktestOutcome, zone: tzinfo, screen: Screen) -> None:
    plan = outcome.inputs.plan
    points = [Point(at_ms, value) for at_ms, value in outcome.sampled_equity(_POINTS)]
    gain = CONTEXT.subtract(points[-1].value, plan.cash)
    screen.line(
        Cell("Equity  ", Tone.STRONG),
        Cell(f"{money(points[-1].value)} {plan.currency}  "),
        toned(gain, f"{signed_money(gain)}{share_text(gain, plan.cash)}"),
    )
    for line in curve(points, Size(min(screen.width, 100), _HEIGHT, screen.is_unicode), zone):
        screen.line(line)


def _show_last(outcome: BacktestOutcome, zone: tzinfo, limit: int, screen: Screen) -> None:
    trades = outcome.result.trades
    last = trades if limit == 0 else trades[-limit:]
    screen.blank()
    whole = len(last) == len(trades)
    title = counted(len(trades), "trade") if whole else f"Last {len(last)} of {len(trades)} trades, --limit 0 for all"
    screen.line(Cell(title, Tone.STRONG), Cell(f", times in {zone}"))
    views = list(outcome.views(last))
    show_trades(views, zone, screen)
    marks = doubts(views, "candles are missing in its time")
    if marks:
        screen.line(Cell("; ".join(marks), Tone.DIM))
