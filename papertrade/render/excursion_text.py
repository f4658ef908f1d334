"""The distributions of `metrics` for a person: how far prices went against trades and for them, and the spread of R.

The rule to keep: a block that has nothing to say is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from papertrade.engine.money import CONTEXT, HUNDRED
from papertrade.render.console import Screen
from papertrade.render.numbers import UNKNOWN, percent, r_multiple, signed_percent
from papertrade.render.text import Cell, Tone
from papertrade.reports.excursion_statistics import ExcursionStatistics, Quartiles, RBin
from papertrade.reports.metric import Metric

_BAR: Final = 40


def excursion_pairs(found: ExcursionStatistics, closed: int) -> tuple[list[tuple[str, Cell]], list[tuple[str, Cell]]]:
    """Return what to write of moves against trades, and of moves in their favour."""
    against = [
        ("Median", Cell(_both(found.mae_percent.median, found.mae_r.median))),
        ("Middle half", Cell(_range(found.mae_percent))),
    ]
    kept = found.exit_efficiency.value
    ahead = [
        ("Median", Cell(_both(found.mfe_percent.median, found.mfe_r.median))),
        ("Middle half", Cell(_range(found.mfe_percent))),
        ("Exits kept", Cell(UNKNOWN if kept is None else f"{percent(CONTEXT.multiply(kept, HUNDRED), 0)} on average")),
    ]
    if found.observed_trades < closed:
        against.append(("Seen whole", Cell(f"{found.observed_trades} of {closed} trades")))
    return against, ahead


def show_r_histogram(bins: Sequence[RBin], screen: Screen) -> None:
    """Write how many trades made about how many R, from the first bin with a trade to the last; nothing without any."""
    filled = [place for place, one in enumerate(bins) if one.trades > 0]
    if not filled:
        return
    screen.blank()
    screen.line(Cell("Trades by R", Tone.STRONG))
    most = max(one.trades for one in bins)
    mark = "\u2588" if screen.is_unicode else "#"
    for one in bins[filled[0] : filled[-1] + 1]:
        length = -(-one.trades * _BAR // most)
        bar = f" {mark * length}" if length else ""
        screen.line(Cell(f"  {_name(one).rjust(8)} {str(one.trades).rjust(6)}", Tone.PLAIN), Cell(bar, Tone.DIM))


def _name(one: RBin) -> str:
    half = Decimal("0.5")
    if one.low is None and one.high is not None:
        return f"<= {_whole(one.high - half)}"
    if one.low is not None and one.high is None:
        return f">= {_whole(one.low + half)}"
    return "" if one.low is None else _whole(one.low + half)


def _whole(value: Decimal) -> str:
    return f"{value:+.0f}R" if value else "0R"


def _both(share: Metric, risks: Metric) -> str:
    if share.value is None:
        return UNKNOWN
    return signed_percent(share.value) + ("" if risks.value is None else f", {r_multiple(risks.value)}")


def _range(found: Quartiles) -> str:
    if found.lower.value is None:
        return UNKNOWN
    return f"{signed_percent(found.lower.value)} .. {signed_percent(found.upper.value)}"
