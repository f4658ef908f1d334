"""How two runs differ: the figures, the trades, and what they were made from.

Values in, values out. The rule to keep: two runs are equal only if every field of every trade is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from decimal import Decimal

from papertrade.engine.money import plain
from papertrade.engine.saved_run import RunFigure, RunInput, RunTrade, SavedRun
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure before and now, as text; None where it is undefined."""

    name: str
    before: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class TradeChange:
    """One field of one signal's trade before and now; the field `trade` where only one run made it."""

    signal_key: str
    field: str
    before: str | None
    now: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifferences:
    """What differs between a run and the same plan run again; `inputs` are those whose bytes changed, as of now."""

    version_before: str
    version_now: str
    inputs: tuple[RunInput, ...]
    figures: tuple[FigureChange, ...]
    trades: tuple[TradeChange, ...]

    @property
    def is_same_work(self) -> bool:
        """Whether program and files are the same, so that the trades must be."""
        return not self.inputs and self.version_before == self.version_now


def differences(before: SavedRun, now: SavedRun) -> RunDifferences:
    """Compare a saved run with the one that the same plan gives now."""
    known = {(one.role, one.symbol): one.sha256 for one in before.inputs}
    return RunDifferences(
        version_before=before.version,
        version_now=now.version,
        inputs=tuple(one for one in now.inputs if known.get((one.role, one.symbol)) != one.sha256),
        figures=tuple(changed_figures(before.figures, now.figures)),
        trades=tuple(_changed_trades(before.trades, now.trades)),
    )


def changed_figures(before: Sequence[RunFigure], now: Sequence[RunFigure]) -> Iterator[FigureChange]:
    """Yield the figures that differ, in the order in which they are shown; one that a run does not have is None."""
    ours = {figure.name: figure.value for figure in before}
    theirs = {figure.name: figure.value for figure in now}
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            yield FigureChange(name, ours.get(name), theirs.get(name))


def _changed_trades(before: Sequence[RunTrade], now: Sequence[RunTrade]) -> Iterator[TradeChange]:
    """Yield the differing fields, trade by trade; a signal that was traded twice is two trades in order."""
    ours, theirs = _by_signal(before), _by_signal(now)
    for key in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(key), theirs.get(key)
        if one is None or other is None:
            yield TradeChange(key[0], "trade", _told(one), _told(other))
            continue
        for field in fields(RunTrade):
            if field.name != "id" and getattr(one, field.name) != getattr(other, field.name):
                yield TradeChange(
                    key[0], field.name, _text(getattr(one, field.name)), _text(getattr(other, field.name))
                )


def _by_signal(trades: Sequence[RunTrade]) -> dict[tuple[str, int], RunTrade]:
    counts: dict[str, int] = {}
    found: dict[tuple[str, int], RunTrade] = {}
    for trade in trades:
        counts[trade.signal_key] = counts.get(trade.signal_key, 0) + 1
        found[(trade.signal_key, counts[trade.signal_key])] = trade
    return found


def _told(trade: RunTrade | None) -> str | None:
    return None if trade is None else str(trade.status)


def _text(value: object) -> str | None:
    if value is None:
        return None
    return plain(value) if isinstance(value, Decimal) else str(value)
