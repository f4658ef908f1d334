"""Sweeps for programs: the same run as `papertrade sweep`, from values to values.

The rule to keep: axes are read by the reader of the command's options, so that a range means the same in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias, TypeVar, Unpack

from papertrade.api.account import AccountOptions, AccountWords, Series
from papertrade.api.arguments import fraction_of
from papertrade.engine.signal import Signal
from papertrade.runs.strategy_signals import Number, number_text
from papertrade.runs.sweeps.grid import Grid, parse_holds, parse_percents
from papertrade.runs.sweeps.rank import RankBy
from papertrade.runs.sweeps.sweep import SweepRequest, SweepResult, Tell
from papertrade.runs.sweeps.sweep import sweep as run
from papertrade.runs.sweeps.workers import WORKERS_MAX, spreading

T = TypeVar("T")

Percents: TypeAlias = Number | Sequence[Number | None]
"""Distances from the entry in percent: `"0.5:5:0.5"` (start:end:step), one number, or a list; None is no level."""

Holds: TypeAlias = str | Sequence[str | None]
"""Longest holding times: `"1h:24h:1h"`, `"4h"`, or a list; None is no limit."""


def sweep(
    signals: Iterable[Signal],
    candles: Series,
    *,
    take_profit: Percents | None = None,
    stop: Percents | None = None,
    hold: Holds | None = None,
    rank: str | RankBy = "net_profit",
    top: int = 10,
    train: Number | None = None,
    walk: int | None = None,
    workers: int = 1,
    dask: str | None = None,
    progress: Tell | None = None,
    **account: Unpack[AccountOptions],
) -> SweepResult:
    """Try every combination of exits on the signals; the best ones run again by the exact engine.

    An axis that is not given is not swept: each signal keeps its own. `train` (0.7 or "70%") ranks in the first
    part and shows the best in the rest; `walk` walks forward in that many windows. `workers` processes share the
    ranking, or the cluster at the address `dask`. `account` takes what `backtest` takes: cash, fees, sizes, span.
    Raises ValueError for arguments that are none, Refused for signals that a sweep cannot follow.
    """
    if not 1 <= workers <= WORKERS_MAX:
        raise ValueError(f"workers: `{workers}` must lie between 1 and {WORKERS_MAX}")
    base, grid, by = AccountWords(**account).request(signals, candles), _grid(take_profit, stop, hold), _rank(rank)
    part: Decimal | None = None if train is None else fraction_of(train, "train", "1")
    with spreading(workers, dask) as spread:
        return run(
            SweepRequest(base=base, grid=grid, rank=by, top=top, train=part, walk=walk, spread=spread, tell=progress)
        )


def _grid(take_profit: Percents | None, stop: Percents | None, hold: Holds | None) -> Grid:
    return Grid(
        _axis("take_profit", take_profit, parse_percents),
        _axis("stop", stop, parse_percents),
        _axis("hold", hold, parse_holds),
    )


def _axis(name: str, values: Percents | Holds | None, parse: Callable[[str], T]) -> T | None:
    try:
        return None if values is None else parse(_words(values))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _words(values: Number | Sequence[Number | None]) -> str:
    """Write an axis as the command's option would be typed."""
    if isinstance(values, Sequence) and not isinstance(values, str):
        return ",".join("none" if value is None else number_text(value) for value in values)
    return number_text(values)


def _rank(rank: str | RankBy) -> RankBy:
    try:
        return RankBy(rank)
    except ValueError:
        raise ValueError(f"rank: `{rank}` is not known: one of {', '.join(RankBy)}") from None
