"""Signals for programs: made of words and numbers, or read from the files that the commands read.

The rule to keep: a word means what it means in a signal file; there is one reader for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path

from papertrade.api.arguments import Moment, instant_of
from papertrade.engine.instants import to_iso
from papertrade.engine.instrument import normalise_symbol
from papertrade.engine.market import Side
from papertrade.engine.signal import Signal
from papertrade.runs.backtest_inputs import read_signals_of
from papertrade.runs.clock import SystemClock
from papertrade.runs.strategy_signals import AFTER_TP1, Number, cells_of, made_signal


def signal(
    symbol: str,
    side: str | Side,
    *,
    time: Moment,
    stop: Number | None = None,
    take_profit: Number | Sequence[Number] | None = None,
    entry: Number | None = None,
    entry_type: str | None = None,
    size: Number | None = None,
    notional: Number | None = None,
    percent: Number | None = None,
    risk: Number | None = None,
    trail: Number | None = None,
    break_even: Number | None = None,
    time_limit: str | None = None,
    after_tp1: Number | None = None,
    expires: str | int | datetime | None = None,
    confidence: Number | None = None,
    reason: str = "",
    tags: Sequence[str] = (),
    source: str = "python",
    id: str | None = None,
) -> Signal:
    """Make a signal: `signal("BTCUSDT", "long", time="2018-06-01T10:00Z", stop="2%", take_profit="2R")`.

    The words are those of a signal file and of `Candles.signal`. An `entry` price is a limit unless `entry_type`
    says `"stop"`; without one the entry is at the market. Without `id` the hash of its content names it. Raises
    ValueError with every wrong word.
    """
    wishes: dict[str, Number | None] = {
        "stop_loss": stop,
        "entry": entry,
        "entry_type": entry_type,
        "size": size,
        "notional": notional,
        "percent": percent,
        "risk": risk,
        "trail": trail,
        "break_even": break_even,
        "time_limit": time_limit,
        AFTER_TP1: after_tp1,
        "expires": to_iso(instant_of(expires, "expires")) if isinstance(expires, datetime) else expires,
        "confidence": confidence,
        "reason": reason,
        "side": str(side),
        "source": source,
    }
    return made_signal(
        cells_of(wishes, take_profit, tags),
        symbol=normalise_symbol(symbol),
        source=source,
        at_ms=instant_of(time, "time"),
        external_id=id,
    )


def load_signals(path: str | PathLike[str], *, source: str | None = None) -> tuple[Signal, ...]:
    """Read a signal file (CSV, JSON, NDJSON or YAML), in its order; each signal must say when it was made.

    Signals without a source get `source`, or else the file's name. Raises InputFileError with every bad row.
    """
    return read_signals_of(Path(path), SystemClock().now_ms(), source).signals
