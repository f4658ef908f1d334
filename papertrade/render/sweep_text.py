"""A sweep for a person: the map of all combinations, the best of them with exact figures, and what to think of them.

The rule to keep: how many were tried, and how the choice fared on time it never saw, stand beside every best figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from textwrap import wrap
from typing import Final

from papertrade.engine.money import CONTEXT, HUNDRED, UNITS_PER_ONE, from_units
from papertrade.render.console import Screen
from papertrade.render.facts import Fact, show_facts
from papertrade.render.heat_map import HeatMap, heat_map
from papertrade.render.numbers import UNKNOWN, local_minute, money, percent, signed_money, toned
from papertrade.render.tables import Column, number
from papertrade.render.text import Cell, Tone
from papertrade.reports.metric import Metric
from papertrade.reports.metrics import MetricsReport
from papertrade.runs.sweeps.grid import hold_text, percent_text
from papertrade.runs.sweeps.rank import RankBy
from papertrade.runs.sweeps.sweep import Best, SweepResult
from papertrade.runs.sweeps.walk import WalkForward, Window

RANKS: Final = {
    RankBy.NET_PROFIT: "net profit",
    RankBy.SHARPE: "Sharpe ratio",
    RankBy.PROFIT_FACTOR: "profit factor",
    RankBy.WIN_RATE: "win rate",
    RankBy.EXPECTANCY: "expectancy",
    RankBy.MAX_DRAWDOWN: "max drawdown (of day ends)",
}
_OWN: Final = "own"
_MIDDLES: Final = {RankBy.PROFIT_FACTOR: 1.0, RankBy.WIN_RATE: 0.5}
_CONFIDENT: Final = Decimal("0.95")


def show_sweep(result: SweepResult, zone: tzinfo, screen: Screen) -> None:
    """Write the whole answer."""
    show_facts(screen, _facts(result, zone))
    if not result.entries.entries:
        screen.blank()
        screen.line("no signal was entered: there is nothing to choose from")
        return
    _show_map(result, screen)
    screen.blank()
    count = "" if len(result.best) == 1 else f" {len(result.best)}"
    screen.line(Cell(f"The best{count} by {RANKS[result.request.rank]}, run again exactly", Tone.STRONG))
    screen.blank()
    screen.table(_columns(result), [_row(best, result) for best in result.best])
    screen.blank()
    for warning in judgement(result):
        for line in wrap(warning, screen.width):
            screen.line(Cell(line, Tone.WARNING))
    if result.walk is not None:
        screen.blank()
        _show_walk(result.walk, result, zone, screen)


def judgement(result: SweepResult) -> list[str]:
    """Return what a friend who knows statistics would say, a sentence a line."""
    first = result.best[0]
    said = []
    if not all(best.agrees for best in result.best):
        said.append("The ranking and the exact engine disagree: this is a bug, please report it.")
    if result.request.base.rules.has_carry:
        said.append("Ranked without funding and borrowing: only the column `In account` has paid them.")
    if first.unseen is not None and first.unseen_place is not None:
        then = first.exact.trading_statistics.net_profit
        later = first.unseen.trading_statistics.net_profit
        if (then > 0 and later <= 0) or first.unseen_place * 2 > result.tried:
            said.append(
                f"Out of sample the best made {signed_money(later)} where it had made {signed_money(then)}, place "
                f"{first.unseen_place} of {result.tried} there: it was fitted to the past."
            )
    deflated = result.deflated_sharpe.value
    if deflated is not None and deflated < _CONFIDENT:
        said.append(
            f"The best of {result.tried} tries looks better than it is: that its Sharpe ratio is more than their luck "
            f"has a probability of {_in_percent(deflated)}."
        )
    if result.walk is not None and result.walk.statistics.net_profit <= 0:
        said.append(
            f"Walking forward, the best of each stretch made {signed_money(result.walk.statistics.net_profit)} in the "
            "next: what was best before was not good after."
        )
    if first.exact.trading_statistics.note is not None:
        said.append(f"The best has {first.exact.trading_statistics.note}.")
    return said


def _facts(result: SweepResult, zone: tzinfo) -> list[Fact]:
    entries, first = result.entries, result.best[0]
    taken = len(entries.entries)
    left_out = [f"{len(entries.refused)} refused"] if entries.refused else []
    left_out += [f"{entries.never_filled} never filled"] if entries.never_filled else []
    sizes = f"{entries.resized} of them sized {money(entries.notional)} each" if entries.resized else "their own sizes"
    facts: list[Fact] = [
        ("Tried", f"{result.tried} combination{'' if result.tried == 1 else 's'}"),
        ("Signals", "; ".join([f"{taken} entered", *left_out, f"{sizes}, cash never short"])),
        ("Ranked by", RANKS[result.request.rank]),
    ]
    if result.split_ms is not None:
        facts.append(("Trained", f"until {local_minute(result.split_ms, zone)}; what came later is out of sample"))
    luck = result.luck_sharpe.value
    sharpe = _number(first.exact.risk.sharpe)
    if luck is not None:
        deflated = result.deflated_sharpe.value
        probability = UNKNOWN if deflated is None else _in_percent(deflated)
        facts.append(
            ("Sharpe", f"{sharpe} for the best; luck alone would reach {_two(luck)}; more than luck: {probability}")
        )
    return facts


def _show_map(result: SweepResult, screen: Screen) -> None:
    """Draw targets against stops at the best one's holding time."""
    targets, stops, holds = result.request.grid.shape
    if targets * stops < 2:
        return
    rank = result.request.rank
    figure = result.figures.by(rank).reshape(targets, stops, holds)
    place, hold = divmod(result.best[0].number, holds)
    target, stop = divmod(place, stops)
    grid = result.request.grid
    values = [[None if math.isnan(value) else float(value) for value in figure[:, row, hold]] for row in range(stops)]
    chart = HeatMap(
        row_title="stop",
        column_title="target",
        rows=[_OWN] if grid.stops is None else [percent_text(value) for value in grid.stops.values],
        columns=[_OWN] if grid.targets is None else [percent_text(value) for value in grid.targets.values],
        values=values,
        best=(stop, target),
        write=lambda value: written(rank, value),
        middle=_MIDDLES.get(rank, 0.0),
    )
    screen.blank()
    longest = result.best[0].combination.hold_ms
    limit = "without a time limit" if longest is None else f"held {hold_text(longest)} at most"
    held = "" if grid.holds is None else f", {limit}"
    screen.line(Cell(f"{RANKS[rank].capitalize()} by target and stop{held}", Tone.STRONG))
    screen.blank()
    screen.lines(heat_map(chart, screen.width, is_unicode=screen.is_unicode))


def written(rank: RankBy, value: float) -> str:
    """Write one value of the figure that ranks, short."""
    match rank:
        case RankBy.NET_PROFIT | RankBy.EXPECTANCY:
            return _short(value / UNITS_PER_ONE)
        case RankBy.WIN_RATE | RankBy.MAX_DRAWDOWN:
            return f"{value * 100:.1f}%"
        case _:
            return f"{value:.2f}"


def _short(value: float) -> str:
    """Write an amount with about three digits: `+12.3k`, `-4.56`."""
    for limit, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= limit:
            return f"{value / unit:+.1f}{letter}"
    if value == 0:
        return "0"
    return f"{value:+.0f}" if abs(value) >= 100 else f"{value:+.2f}"


def _columns(result: SweepResult) -> list[Column]:
    grid = result.request.grid
    return [
        number("#"),
        number("TP"),
        number("SL"),
        *([] if grid.holds is None else [number("Hold")]),
        number("Net"),
        number("Trades"),
        number("Win"),
        number("PF"),
        number("Expect.", drop=3),
        number("Sharpe"),
        number("MaxDD", drop=2),
        *([number("Later"), number("Place"), number("Sharpe then", drop=1)] if result.split_ms is not None else []),
        number("In account"),
        number("Refused"),
    ]


def _row(best: Best, result: SweepResult) -> tuple[str | Cell, ...]:
    grid, s, risk = result.request.grid, best.exact.trading_statistics, best.exact.risk
    one = best.combination
    later: list[str | Cell] = []
    if result.split_ms is not None:
        later = [_net(best.unseen), str(best.unseen_place), _number(_sharpe_of(best.unseen))]
    still = f"+{best.exact.open_trades}" if best.exact.open_trades else ""
    return (
        str(best.place),
        _OWN if grid.targets is None else percent_text(one.target),
        _OWN if grid.stops is None else percent_text(one.stop),
        *([] if grid.holds is None else [hold_text(one.hold_ms)]),
        _net(best.exact),
        f"{s.total_trades}{still}",
        UNKNOWN if s.win_rate_percent is None else f"{s.win_rate_percent}%",
        _number(s.profit_factor),
        signed_money(s.expectancy.value),
        _number(risk.sharpe),
        _share(risk.drawdown.max_drawdown),
        *later,
        _net(best.account),
        str(best.refused),
    )


def _show_walk(walk: WalkForward, result: SweepResult, zone: tzinfo, screen: Screen) -> None:
    columns = [
        number("#"),
        number("Traded from"),
        number("TP"),
        number("SL"),
        *([] if result.request.grid.holds is None else [number("Hold")]),
        number("Net before"),
        number("Net then"),
        number("Trades"),
        number("Win"),
        number("Sharpe"),
    ]
    screen.line(Cell(f"Walking forward: {len(walk.windows)} windows, each traded with the best before", Tone.STRONG))
    screen.blank()
    screen.table(columns, [_window(place, window, result, zone) for place, window in enumerate(walk.windows, 1)])
    screen.blank()
    s = walk.statistics
    show_facts(
        screen,
        [
            ("Out of sample", toned(s.net_profit, f"{signed_money(s.net_profit)} net in {s.total_trades} trades")),
            ("Win rate", UNKNOWN if s.win_rate_percent is None else f"{s.win_rate_percent}%"),
            ("Profit factor", _number(s.profit_factor)),
            ("Sharpe", _number(walk.sharpe)),
            ("Cut off", f"{walk.open_trades} still open when their window ended" if walk.open_trades else ""),
        ],
    )


def _window(place: int, window: Window, result: SweepResult, zone: tzinfo) -> Sequence[str | Cell]:
    grid, chosen, report = result.request.grid, window.chosen, window.report
    target, stop, hold = UNKNOWN, UNKNOWN, UNKNOWN
    if chosen is not None:
        target = _OWN if grid.targets is None else percent_text(chosen.target)
        stop = _OWN if grid.stops is None else percent_text(chosen.stop)
        hold = hold_text(chosen.hold_ms)
    trained = None if window.trained is None else from_units(window.trained)
    rate = None if report is None else report.trading_statistics.win_rate_percent
    return (
        str(place),
        local_minute(window.from_ms, zone),
        target,
        stop,
        *([] if grid.holds is None else [hold]),
        toned(trained, signed_money(trained)),
        _net(report),
        UNKNOWN if report is None else str(report.trading_statistics.total_trades),
        UNKNOWN if rate is None else f"{rate}%",
        _number(_sharpe_of(report)),
    )


def _net(report: MetricsReport | None) -> Cell:
    if report is None:
        return Cell(UNKNOWN)
    net = report.trading_statistics.net_profit
    return toned(net, signed_money(net))


def _sharpe_of(report: MetricsReport | None) -> Metric:
    return Metric(None, "nothing was traded") if report is None else report.risk.sharpe


def _number(metric: Metric) -> str:
    return UNKNOWN if metric.value is None else _two(metric.value)


def _two(value: Decimal) -> str:
    return f"{CONTEXT.quantize(value, Decimal('0.01')):f}"


def _share(metric: Metric) -> str:
    return UNKNOWN if metric.value is None else _in_percent(metric.value)


def _in_percent(value: Decimal) -> str:
    return percent(CONTEXT.multiply(value, HUNDRED))
