"""A sweep: every combination of targets, stops and holding times ranked in arrays, the best ones run again exactly.

What is chosen from many tries looks better than it is; so the tries are counted, the best Sharpe ratio is deflated
by them, and the choice can be judged on time that it never saw. The rule to keep: nothing out of the sample in
which combinations are judged reaches the sample in which they are ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np

from papertrade.engine.conventions import DecidedBy
from papertrade.engine.money import CONTEXT, ONE, ZERO, from_units, plain
from papertrade.engine.values import dataclass, replace
from papertrade.errors import Refused
from papertrade.feeds.candle_series import IntColumn
from papertrade.reports.deflated_sharpe import deflated_sharpe, expected_best_sharpe
from papertrade.reports.metric import Metric, measured, undefined
from papertrade.reports.metrics import MetricsReport
from papertrade.reports.returns import day_returns
from papertrade.runs.backtest import BacktestRequest
from papertrade.runs.sweeps.entries import Entries
from papertrade.runs.sweeps.grid import Combination, Grid
from papertrade.runs.sweeps.legs import Ranked, Spread, in_turn, rank_all
from papertrade.runs.sweeps.rank import Figures, Legs, RankBy
from papertrade.runs.sweeps.rerun import ExactRun, run_fixed, run_in_account
from papertrade.runs.sweeps.walk import WINDOWS_MAX, WalkForward, walk_forward

Tell: TypeAlias = Callable[[str], None]
"""Told what is being done, before it is."""

TOP_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """What to sweep: a backtest, whose signals get the grid's exits, and how to judge.

    `train` is the part of the signals' time span in which combinations are ranked (0…1, neither included); the rest
    shows how the best fare there. `walk` is a number of windows for walking forward. At most one of the two.
    `spread` does the parts of the ranking, all of them in this process unless told otherwise.
    """

    base: BacktestRequest
    grid: Grid
    rank: RankBy = RankBy.NET_PROFIT
    top: int = 10
    train: Decimal | None = None
    walk: int | None = None
    zone: tzinfo = UTC
    spread: Spread = in_turn
    tell: Tell | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.top <= TOP_MAX:
            raise ValueError(f"top `{self.top}` must lie between 1 and {TOP_MAX}")
        if self.train is not None and not ZERO < self.train < ONE:
            raise ValueError(f"train `{plain(self.train)}` must lie between 0 and 1")
        if self.walk is not None and not 1 <= self.walk <= WINDOWS_MAX:
            raise ValueError(f"walk `{self.walk}` must lie between 1 and {WINDOWS_MAX} windows")
        if self.train is not None and self.walk is not None:
            raise ValueError("train and walk are two ways to the same end: give one of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """One of the best combinations. `place` counts from 1, `number` is its place in the grid.

    `exact` is the model of the ranking run by the exact engine, `agrees` whether both have the same net profit;
    `account` is the account as given, with `refused` signals. `unseen` is the model over the time after the
    training, and `unseen_place` the combination's rank there; None without a split.
    """

    place: int
    number: int
    combination: Combination
    exact: MetricsReport
    agrees: bool
    account: MetricsReport
    refused: int
    unseen: MetricsReport | None = None
    unseen_place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """The figures of every combination, their order, and what is to be thought of the first of it.

    `split_ms` is where the training ended. `deflated_sharpe` is the probability that the Sharpe ratio of the first
    is more than the luck of `tried` combinations; `luck_sharpe` the yearly ratio that this luck alone would reach.
    """

    request: SweepRequest
    figures: Figures
    order: IntColumn
    entries: Entries
    best: tuple[Best, ...]
    tried: int
    deflated_sharpe: Metric
    luck_sharpe: Metric
    split_ms: int | None = None
    unseen: Ranked | None = None
    walk: WalkForward | None = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the account has and the ranking goes without: of funding, borrow, guards, caps, max_open, detail."""
        base, rules = self.request.base, self.request.base.rules
        own = (*rules.venue_costs, *rules.symbol_costs)
        each = (
            ("funding", rules.funding is not None or any(one.funding is not None for one in own)),
            ("borrow", rules.borrow is not None or any(one.borrow is not None for one in own)),
            ("guards", not rules.guards.are_off),
            ("caps", not rules.caps.are_off),
            ("max_open", base.max_open is not None),
            ("detail", bool(base.detail)),
        )
        return tuple(name for name, is_left_out in each if is_left_out)


def sweep(request: SweepRequest) -> SweepResult:
    """Run it. Raises Refused for signals that a sweep cannot follow, and where there is too little to split."""
    base, split_ms = request.base, None
    if base.rules.convention.decides is DecidedBy.QUOTES:
        raise Refused(
            "a sweep ranks what candles decide, and by this convention quotes do",
            hint="--convention conservative, or --set decides=final-candles",
            code="quotes_decide",
        )
    later: BacktestRequest | None = None
    if request.train is not None:
        split_ms = _split_ms(base, request.train)
        base, later = replace(base, to_ms=split_ms), replace(base, from_ms=split_ms)
    ranked = _ranked(request, base, "ranking")
    order = ranked.figures.order(request.rank)
    unseen = None if later is None else _ranked(request, later, "ranking what came later")
    runs = [
        _best(request, _Sample(base, ranked, later, unseen), place, int(number))
        for place, number in _top(request, order)
    ]
    deflated, luck = _luck(ranked.figures, runs[0][1])
    return SweepResult(
        request=request,
        figures=ranked.figures,
        order=order,
        entries=ranked.entries,
        best=tuple(best for best, _ in runs),
        tried=len(request.grid),
        deflated_sharpe=deflated,
        luck_sharpe=luck,
        split_ms=split_ms,
        unseen=unseen,
        walk=None if request.walk is None else _walked(request, request.walk),
    )


@dataclass(frozen=True, slots=True)
class _Sample:
    """The stretch of the ranking, and the one after it."""

    base: BacktestRequest
    ranked: Ranked
    later: BacktestRequest | None
    unseen: Ranked | None


def _ranked(request: SweepRequest, base: BacktestRequest, what: str) -> Ranked:
    _tell(request, what)

    def spread(work: Callable[[Legs], Figures], parts: Iterable[Legs]) -> list[Figures]:
        return request.spread(work, _counted(request, what, parts))

    return rank_all(base, request.grid, spread)


def _counted(request: SweepRequest, what: str, parts: Iterable[Legs]) -> Iterator[Legs]:
    """Tell how many combinations were given out, of how many."""
    given = 0
    for part in parts:
        if given > 0:
            _tell(request, f"{what}: {given} of {len(request.grid)} combinations")
        yield part
        holds = 1 if part.holds is None else part.holds.key.shape[1]
        given += part.targets.key.shape[1] * part.stops.key.shape[1] * holds


def _tell(request: SweepRequest, what: str) -> None:
    if request.tell is not None:
        request.tell(what)


def _top(request: SweepRequest, order: IntColumn) -> Iterator[tuple[int, int]]:
    top = order[: request.top]
    for place, number in enumerate(top, 1):
        _tell(request, f"running the best again: {place} of {len(top)}")
        yield place, int(number)


def _best(request: SweepRequest, sample: _Sample, place: int, number: int) -> tuple[Best, ExactRun]:
    """Run one combination again, in the model and in the account."""
    grid, base = request.grid, sample.base
    combination = grid.combination(number)
    exact = run_fixed(base, sample.ranked.entries, grid, combination)
    account = run_in_account(base, grid, combination, request.zone)
    unseen, unseen_place = None, None
    if sample.later is not None and sample.unseen is not None:
        unseen = run_fixed(sample.later, sample.unseen.entries, grid, combination).report
        places = np.flatnonzero(sample.unseen.figures.order(request.rank) == number)
        unseen_place = int(places[0]) + 1
    best = Best(
        place=place,
        number=number,
        combination=combination,
        exact=exact.report,
        agrees=exact.report.trading_statistics.net_profit == money_of(sample.ranked.figures.net_profit[number]),
        account=account.report,
        refused=len(account.result.refused),
        unseen=unseen,
        unseen_place=unseen_place,
    )
    return best, exact


def money_of(units: float) -> Decimal:
    """Return an amount out of the ranking's columns."""
    return from_units(int(units))


def _luck(figures: Figures, first: ExactRun) -> tuple[Metric, Metric]:
    """Deflate the Sharpe ratio of the first by how many were tried."""
    periods = first.report.risk.periods
    tried = len(figures.sharpe)
    daily = figures.sharpe / periods**0.5
    known = daily[~np.isnan(daily)]
    deflated = deflated_sharpe(day_returns(first.series).returns, daily, tried)
    if len(known) < 2:
        return deflated, undefined("fewer than two of the combinations have a Sharpe ratio")
    return deflated, measured(expected_best_sharpe(tried, float(known.var(ddof=1))) * periods**0.5)


def _walked(request: SweepRequest, windows: int) -> WalkForward:
    counted = iter(range(1, windows + 1))

    def rank(base: BacktestRequest) -> Ranked:
        return _ranked(request, base, f"walking forward: window {next(counted)} of {windows}")

    return walk_forward(request.base, request.grid, request.rank, windows, rank)


def _split_ms(base: BacktestRequest, train: Decimal) -> int:
    """Return the instant at which a part of the signals' time span is over."""
    made = [
        signal.made_at_ms
        for signal in base.signals
        if (base.from_ms is None or signal.made_at_ms >= base.from_ms)
        and (base.to_ms is None or signal.made_at_ms < base.to_ms)
    ]
    first, last = min(made, default=0), max(made, default=0)
    split = first + int(CONTEXT.multiply(Decimal(last - first), train))
    if not first < split <= last:
        raise Refused(
            "signals of one instant cannot be split into two samples",
            hint="more signals, or no --train",
            code="too_few_days",
        )
    return split
