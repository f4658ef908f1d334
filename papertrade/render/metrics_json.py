"""Every figure of `metrics` under its name, as the scripting contract writes it; also what a flat export lists.

A section is a mapping of names to leaves, so that JSON and export cannot drift apart. The rule to keep: an undefined
figure is null and its reason stands in the section's `undefined`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from papertrade.engine.money import CONTEXT, HUNDRED
from papertrade.render.json import Encodable, two_places
from papertrade.render.numbers import iso_z
from papertrade.reports.bootstrap import Interval
from papertrade.reports.breakdown import Breakdown, Group
from papertrade.reports.calendar_periods import PeriodProfit
from papertrade.reports.excursion_statistics import ExcursionStatistics
from papertrade.reports.metric import Metric
from papertrade.reports.metrics import MetricsReport, Risk

Leaf: TypeAlias = "Metric | Decimal | int | str | None"
Section: TypeAlias = Mapping[str, Leaf]

UNDEFINED: Final = "undefined"


def metrics_json(
    report: MetricsReport, recent_trades: Sequence[Encodable], by: str | None = None
) -> Mapping[str, Encodable]:
    """Return every figure; `by` keeps one kind of breakdown (`symbol`, `side`, `source`, `tag`, `exit_reason`)."""
    sections = {name: section_json(section) for name, section in metrics_sections(report).items()}
    shown = report.performance
    return {
        **sections,
        "performance": {
            "zone": shown.zone,
            "today": _period(shown.today),
            "week": _period(shown.week),
            "month": _period(shown.month),
        },
        "breakdown": {
            name: [section_json(group_section(group)) for group in groups]
            for name, groups in breakdown_groups(report.breakdown).items()
            if by in (None, name)
        },
        "intervals": None
        if report.intervals is None
        else {
            "expectancy": _interval(report.intervals.expectancy),
            "expectancy_r": _interval(report.intervals.expectancy_r),
            "sharpe": _interval(report.intervals.sharpe),
        },
        "r_histogram": [{"from": one.low, "to": one.high, "trades": one.trades} for one in report.r_histogram],
        "note": report.trading_statistics.note,
        "recent_trades": recent_trades,
    }


def metrics_sections(report: MetricsReport) -> Mapping[str, Section]:
    """Return the sections whose leaves are single figures, in the order shown."""
    account = report.account_summary
    return {
        "account_summary": {
            "cash_balance": account.cash_balance,
            "total_realized_pnl": account.total_realized_pnl,
            "active_holdings": account.active_holdings,
        },
        "trading_statistics": _statistics(report),
        "risk": _risk(report.risk),
        "excursions": _excursions(report.excursions),
    }


def section_json(section: Section) -> Mapping[str, Encodable]:
    """Return a section with the reasons of what is undefined in it."""
    values = {name: leaf.value if isinstance(leaf, Metric) else leaf for name, leaf in section.items()}
    return {**values, UNDEFINED: dict(reasons(section))}


def reasons(section: Section) -> Iterator[tuple[str, str]]:
    """Yield the names of what is undefined, with why."""
    for name, leaf in section.items():
        if isinstance(leaf, Metric) and leaf.reason is not None:
            yield name, leaf.reason


def breakdown_groups(breakdown: Breakdown) -> Mapping[str, Sequence[Group]]:
    """Return the groups of every kind by its name."""
    return {kind.name: getattr(breakdown, kind.name) for kind in fields(Breakdown)}


def group_section(group: Group) -> Section:
    """Return the figures of one group."""
    return {
        "name": group.name,
        "trades": group.trades,
        "winning_trades": group.winning,
        "losing_trades": group.losing,
        "net_profit": group.net_profit,
        "win_rate": group.win_rate,
        "win_rate_percent": group.win_rate_percent,
        "profit_factor": group.profit_factor,
        "expectancy": group.expectancy,
    }


def _statistics(report: MetricsReport) -> Section:
    s, times, costs, band = report.trading_statistics, report.holding_times, report.costs, report.band
    return {
        "total_trades": s.total_trades,
        "winning_trades": s.winning_trades,
        "losing_trades": s.losing_trades,
        "break_even_trades": s.break_even_trades,
        "open_trades": report.open_trades,
        "unverified_trades": report.unverified,
        "voided_trades": report.voided,
        "win_rate": s.win_rate,
        "win_rate_percent": s.win_rate_percent,
        "net_profit": s.net_profit,
        "gross_profit": s.gross_profit,
        "gross_loss": s.gross_loss,
        "profit_factor": s.profit_factor,
        "expectancy": s.expectancy,
        "expectancy_r": s.expectancy_r,
        "trades_with_r": s.trades_with_r,
        "sqn": s.sqn,
        "average_win": s.average_win,
        "average_loss": s.average_loss,
        "largest_win": s.largest_win,
        "largest_loss": s.largest_loss,
        "payoff": s.payoff,
        "kelly": s.kelly,
        "longest_winning_streak": s.streaks.longest_winning,
        "longest_losing_streak": s.streaks.longest_losing,
        "current_streak": s.streaks.current,
        "holding_seconds_mean": times.mean,
        "holding_seconds_median": times.median,
        "holding_seconds_shortest": times.shortest,
        "holding_seconds_longest": times.longest,
        "exposure": report.exposure,
        "fees": costs.fees,
        "slippage": costs.slippage,
        "turnover": costs.turnover,
        "funding": costs.funding,
        "borrow_cost": costs.borrow_cost,
        "break_even_slippage_bps": costs.break_even_slippage_bps,
        "buy_and_hold": report.buy_and_hold,
        "ambiguous_exits": band.ambiguous_exits,
        "net_profit_worst": band.worst,
        "net_profit_best": band.best,
    }


def _risk(risk: Risk) -> Section:
    fall = risk.drawdown
    deepest = fall.max_drawdown
    return {
        "sharpe": risk.sharpe,
        "sortino": risk.sortino,
        "calmar": risk.calmar,
        "max_drawdown": deepest,
        "max_drawdown_percent": None if deepest.value is None else two_places(CONTEXT.multiply(deepest.value, HUNDRED)),
        "cagr": risk.cagr,
        "volatility": risk.volatility,
        "total_return": risk.total_return,
        "drawdown_peak_at": _at(fall.peak_at),
        "drawdown_trough_at": _at(fall.trough_at),
        "drawdown_recovered_at": _at(fall.recovered_at),
        "drawdown_seconds": _seconds(fall.duration_ms),
        "recovery_seconds": _seconds(fall.recovery_ms),
        "longest_drawdown_seconds": _seconds(fall.longest_ms),
        "periods_per_year": risk.periods,
        "days": risk.days,
        "first_day": _day(risk.first_day),
        "last_day": _day(risk.last_day),
    }


def _excursions(found: ExcursionStatistics) -> Section:
    kinds = (
        ("mae_percent", found.mae_percent),
        ("mfe_percent", found.mfe_percent),
        ("mae_r", found.mae_r),
        ("mfe_r", found.mfe_r),
    )
    quartiles: dict[str, Leaf] = {}
    for name, each in kinds:
        quartiles |= {f"{name}_q1": each.lower, f"{name}_median": each.median, f"{name}_q3": each.upper}
    return {"observed_trades": found.observed_trades, **quartiles, "exit_efficiency_mean": found.exit_efficiency}


def _period(period: PeriodProfit) -> Mapping[str, Encodable]:
    return {"pnl": period.pnl, "trades": period.trades}


def _interval(interval: Interval) -> Mapping[str, Encodable]:
    section: Section = {
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "samples": interval.samples,
    }
    return section_json(section)


def _at(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_z(at_ms)


def _seconds(span_ms: int | None) -> int | None:
    return None if span_ms is None else span_ms // 1000


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
