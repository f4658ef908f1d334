"""The figures of `metrics` for a person: two columns of named numbers, periods, one breakdown, what is undefined.

The rule to keep: what is undefined is `-`, and why stands below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from rich.cells import cell_len

from papertrade.engine.money import CONTEXT, HUNDRED, ZERO
from papertrade.engine.trade import ExitReason
from papertrade.render.console import Screen
from papertrade.render.excursion_text import excursion_pairs, show_r_histogram
from papertrade.render.facts import show_facts
from papertrade.render.metrics_json import breakdown_groups, metrics_sections, reasons
from papertrade.render.numbers import (
    UNKNOWN,
    duration,
    local_minute,
    money,
    percent,
    r_multiple,
    signed_money,
    signed_percent,
    toned,
)
from papertrade.render.tables import number, words
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_lines import REASONS
from papertrade.reports.activity import Costs
from papertrade.reports.bootstrap import Interval
from papertrade.reports.breakdown import Group
from papertrade.reports.calendar_periods import PeriodProfit
from papertrade.reports.metric import Metric
from papertrade.reports.metrics import Intervals, MetricsReport

if TYPE_CHECKING:
    from papertrade.runs.reporting import Standpoint

Pair: TypeAlias = "tuple[str, Cell]"

TITLES: Final[Mapping[str, str]] = {
    "symbol": "Symbol",
    "side": "Side",
    "source": "Source",
    "tag": "Tag",
    "exit_reason": "Exit",
}
_LABEL = 16
_COLUMN = 48


def show_metrics(report: MetricsReport, by: str | None, now: Standpoint, screen: Screen) -> None:
    """Write the whole report."""
    show_figures(report, now.zone, screen)
    screen.blank()
    _show_periods(report, screen)
    show_breakdown(report, "exit_reason" if by is None else by, screen)
    show_intervals(report.intervals, screen)
    show_undefined(report, screen)


def show_figures(report: MetricsReport, zone: tzinfo, screen: Screen) -> None:
    """Write what came of the trades, the risk, and the costs."""
    if report.trading_statistics.note is not None:
        screen.line(Cell(report.trading_statistics.note, Tone.WARNING))
        screen.blank()
    _beside("Result", _result(report), "Risk", _risk(report, zone), screen)
    screen.blank()
    _beside("Trades", _trades(report), "Costs", _costs(report), screen)
    if report.trading_statistics.total_trades > 0:
        screen.blank()
        against, ahead = excursion_pairs(report.excursions, report.trading_statistics.total_trades)
        _beside("Went against", against, "Went ahead", ahead, screen)
    show_r_histogram(report.r_histogram, screen)


def show_breakdown(report: MetricsReport, kind: str, screen: Screen) -> None:
    """Write one breakdown below an empty line; nothing if it has no group."""
    groups = breakdown_groups(report.breakdown)[kind]
    if groups:
        screen.blank()
        _show_groups(kind, groups, screen)


def _result(report: MetricsReport) -> list[Pair]:
    s, band = report.trading_statistics, report.band
    decided = s.winning_trades + s.losing_trades
    net = [("Net profit", toned(s.net_profit, signed_money(s.net_profit)))]
    if band.ambiguous_exits > 0:
        net.append(("Worst .. best", Cell(f"{signed_money(band.worst)} .. {signed_money(band.best)}")))
        net.append(("  in doubt", Cell(_counted(band.ambiguous_exits, "exit"))))
    rate = UNKNOWN if s.win_rate_percent is None else f"{s.win_rate_percent}% ({s.winning_trades} of {decided})"
    return [
        *net,
        ("Win rate", Cell(rate)),
        ("Profit factor", _number(s.profit_factor)),
        ("Expectancy", _expectancy(s.expectancy, s.expectancy_r)),
        ("Average win", Cell(money(s.average_win.value))),
        ("Average loss", Cell(money(s.average_loss.value))),
        ("Largest win", Cell(money(s.largest_win.value))),
        ("Largest loss", Cell(money(s.largest_loss.value))),
        ("Buy and hold", _share(report.buy_and_hold, is_signed=True)),
    ]


def _risk(report: MetricsReport, zone: tzinfo) -> list[Pair]:
    risk = report.risk
    fall = risk.drawdown
    pairs = [("Max drawdown", _share(fall.max_drawdown))]
    if fall.trough_at is not None:
        pairs.append(("  deepest", Cell(local_minute(fall.trough_at, zone))))
    if fall.duration_ms is not None:
        still = "" if fall.recovered_at is not None else ", still below"
        pairs.append(("  lasted", Cell(f"{duration(fall.duration_ms)}{still}")))
    days = f"{risk.days}" if risk.first_day is None else f"{risk.days}, {risk.first_day} .. {risk.last_day}"
    return [
        *pairs,
        ("Sharpe", _number(risk.sharpe)),
        ("Sortino", _number(risk.sortino)),
        ("Calmar", _number(risk.calmar)),
        ("CAGR", _share(risk.cagr, is_signed=True)),
        ("Volatility", _share(risk.volatility)),
        ("Total return", _share(risk.total_return, is_signed=True)),
        ("Day ends (UTC)", Cell(days)),
    ]


def _trades(report: MetricsReport) -> list[Pair]:
    s, times = report.trading_statistics, report.holding_times
    counted = f"{s.total_trades}: {s.winning_trades} won, {s.losing_trades} lost, {s.break_even_trades} even"
    streaks = f"{s.streaks.longest_winning} won, {s.streaks.longest_losing} lost"
    return [
        ("Closed", Cell(counted)),
        ("Open", Cell(str(report.open_trades))),
        ("Streaks", Cell(f"{streaks}; now {s.streaks.current:+d}" if s.streaks.current else streaks)),
        ("Held", _span(times.mean, "on average")),
        ("  median", _span(times.median, "")),
        ("In the market", _share(report.exposure)),
        *([("Not verified", Cell(_counted(report.unverified), Tone.WARNING))] if report.unverified else []),
        *([("Taken back", Cell(_counted(report.voided)))] if report.voided else []),
    ]


def _costs(report: MetricsReport) -> list[Pair]:
    s, costs = report.trading_statistics, report.costs
    bps = costs.break_even_slippage_bps.value
    return [
        ("Fees", Cell(money(costs.fees))),
        ("Slippage", Cell(money(costs.slippage))),
        *([("Funding", _held(costs))] if costs.funding != 0 or costs.borrow_cost != 0 else []),
        ("Turnover", Cell(money(costs.turnover))),
        ("Net is 0 at", Cell(UNKNOWN if bps is None else f"{_rounded(bps)} bps slippage a side")),
        ("SQN", _number(s.sqn)),
        ("Payoff, Kelly", Cell(f"{_number(s.payoff).text}, {_share(s.kelly).text}")),
    ]


def _held(costs: Costs) -> Cell:
    """Say what holding trades cost, and the interest in it."""
    interest = "" if costs.borrow_cost == 0 else f", {money(costs.borrow_cost)} of it interest"
    return Cell(f"{money(costs.funding)}{interest}")


def _beside(left_title: str, left: Sequence[Pair], right_title: str, right: Sequence[Pair], screen: Screen) -> None:
    """Write two lists of named numbers beside each other."""
    widest = max((_LABEL + 2 + cell_len(value.text) for _, value in left), default=0)
    column = max(_COLUMN, widest + 2)
    screen.line(Cell(left_title.ljust(column), Tone.STRONG), Cell(right_title, Tone.STRONG))
    for place in range(max(len(left), len(right))):
        cells: list[Cell] = []
        if place < len(left):
            label, value = left[place]
            cells += [Cell(f"  {label.ljust(_LABEL)}", Tone.DIM), value]
        if place < len(right):
            label, value = right[place]
            written = sum(cell_len(cell.text) for cell in cells)
            cells += [Cell(" " * (column - written)), Cell(f"  {label.ljust(_LABEL)}", Tone.DIM), value]
        screen.line(*cells)


def _show_periods(report: MetricsReport, screen: Screen) -> None:
    periods: Sequence[tuple[str, PeriodProfit]] = (
        ("today", report.performance.today),
        ("week", report.performance.week),
        ("month", report.performance.month),
    )
    screen.line(Cell(f"Closed in {report.performance.zone} days", Tone.STRONG))
    cells: list[Cell] = []
    for name, period in periods:
        cells += [
            Cell(f"  {name} ", Tone.DIM),
            toned(period.pnl, signed_money(period.pnl)),
            Cell(f" ({_counted(period.trades)})"),
        ]
    screen.line(*cells)


def _show_groups(kind: str, groups: Sequence[Group], screen: Screen) -> None:
    columns = (
        words(TITLES[kind]),
        number("Trades"),
        number("Won"),
        number("Lost"),
        number("Win rate"),
        number("Net"),
        number("Profit factor"),
        number("Expectancy"),
    )
    screen.table(columns, [_group_row(kind, group) for group in groups])


def _group_row(kind: str, group: Group) -> tuple[str | Cell, ...]:
    return (
        _group_name(kind, group.name),
        str(group.trades),
        str(group.winning),
        str(group.losing),
        UNKNOWN if group.win_rate_percent is None else f"{group.win_rate_percent}%",
        toned(group.net_profit, signed_money(group.net_profit)),
        _number(group.profit_factor),
        signed_money(group.expectancy.value),
    )


def _group_name(kind: str, name: str | None) -> str:
    if name is None:
        return "(no tag)"
    return REASONS[ExitReason(name)] if kind == "exit_reason" else name


def show_intervals(known: Intervals | None, screen: Screen) -> None:
    """Write bootstrap intervals below an empty line; nothing if none were asked for."""
    if known is None:
        return
    screen.blank()
    level = percent(known.expectancy.level * HUNDRED, 0)
    screen.line(Cell(f"{level} intervals ({known.expectancy.samples} resamples)", Tone.STRONG))
    each: Sequence[tuple[str, Interval]] = (
        ("Expectancy", known.expectancy),
        ("Expectancy in R", known.expectancy_r),
        ("Sharpe", known.sharpe),
    )
    for label, interval in each:
        text = interval.low.reason or f"{_number(interval.low).text} .. {_number(interval.high).text}"
        screen.line(Cell(f"  {label.ljust(_LABEL)}", Tone.DIM), Cell(text))


def show_undefined(report: MetricsReport, screen: Screen) -> None:
    """Write why figures have no value; nothing if all have one."""
    why: dict[str, list[str]] = {}
    for section in metrics_sections(report).values():
        for name, reason in reasons(section):
            why.setdefault(reason, []).append(name.replace("_", " "))
    if not why:
        return
    screen.blank()
    for reason, names in why.items():
        shown = ", ".join(names) if len(names) <= 5 else f"{', '.join(names[:4])} and {len(names) - 4} more"
        show_facts(screen, [(UNKNOWN, Cell(f"{shown}: {reason}", Tone.DIM))])


def _expectancy(mean: Metric, in_risks: Metric) -> Cell:
    risks = "" if in_risks.value is None else f" a trade, {r_multiple(in_risks.value)}"
    return toned(mean.value, f"{signed_money(mean.value)}{risks}")


def _number(metric: Metric) -> Cell:
    return Cell(UNKNOWN if metric.value is None else _rounded(metric.value))


def _rounded(value: Decimal) -> str:
    rounded = CONTEXT.quantize(value, Decimal("0.01"))
    return f"{abs(rounded) if rounded == ZERO else rounded:f}"


def _share(metric: Metric, *, is_signed: bool = False) -> Cell:
    if metric.value is None:
        return Cell(UNKNOWN)
    value = CONTEXT.multiply(metric.value, HUNDRED)
    return toned(value, signed_percent(value)) if is_signed else Cell(percent(value))


def _span(metric: Metric, after: str) -> Cell:
    if metric.value is None:
        return Cell(UNKNOWN)
    return Cell(f"{duration(int(metric.value * 1000))} {after}".rstrip())


def _counted(count: int, noun: str = "trade") -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
