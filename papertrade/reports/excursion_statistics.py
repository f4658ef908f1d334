"""How far prices usually went against closed trades and for them, what exits kept of it, and the spread of R.

Float statistics of arrays; the exact figures of one trade are in `excursion.py`. The rule to keep: a trade whose
way was not seen whole counts in none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from papertrade.engine.market import Side
from papertrade.engine.values import dataclass
from papertrade.reports.closed_trade import ClosedTrade
from papertrade.reports.metric import Metric, measured, undefined

if TYPE_CHECKING:
    from papertrade.reports.excursion import Reached
    from papertrade.reports.returns import Floats

_NONE_SEEN: Final = "no closed trade was observed from its entry to its end"
_NO_RISK: Final = "no such trade had an initial stop"
_NEVER_AHEAD: Final = "the price never moved in favour of such a trade"
_FIRST_EDGE: Final = Decimal("-2.5")
_EDGES: Final = tuple(_FIRST_EDGE + step for step in range(9))


@dataclass(frozen=True, slots=True, eq=False)
class PriceMoves:
    """For each closed trade how far the price went against it and for it, as fractions of its entry price.

    `against` is 0 or below, `ahead` 0 or above; both are NaN where that is not known.
    """

    against: Floats
    ahead: Floats


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The values below which a quarter, a half and three quarters of all lie."""

    lower: Metric
    median: Metric
    upper: Metric


@dataclass(frozen=True, slots=True)
class RBin:
    """How many trades made at least `low` and less than `high` of their initial risks; None is without an end."""

    low: Decimal | None
    high: Decimal | None
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcursionStatistics:
    """Excursions of `observed_trades` closed trades in percent of the entry price and in R.

    `exit_efficiency` is the mean over the trades that the price moved in favour of, each within -1 and 1.
    """

    observed_trades: int
    mae_percent: Quartiles
    mfe_percent: Quartiles
    mae_r: Quartiles
    mfe_r: Quartiles
    exit_efficiency: Metric


def moves_of(trades: Sequence[ClosedTrade], met: Sequence[Reached | None], entries: Sequence[Decimal]) -> PriceMoves:
    """Turn the extremes that trades met into moves; `entries` are their entry prices."""
    import numpy as np

    prices = np.array([float(price) for price in entries], np.float64)
    low = np.array([np.nan if one is None else float(one.low) for one in met], np.float64)
    high = np.array([np.nan if one is None else float(one.high) for one in met], np.float64)
    return oriented(trades, (low - prices) / prices, (high - prices) / prices)


def oriented(trades: Sequence[ClosedTrade], down: Floats, up: Floats) -> PriceMoves:
    """Return the moves of trades from those of their prices: what is down for a long is up for a short."""
    import numpy as np

    is_short = np.array([trade.side is Side.SHORT for trade in trades], np.bool_)
    return PriceMoves(np.where(is_short, -up, down), np.where(is_short, -down, up))


def no_moves(count: int) -> PriceMoves:
    """Return the moves of trades that nobody saw."""
    import numpy as np

    return PriceMoves(np.full(count, np.nan), np.full(count, np.nan))


def excursion_statistics(trades: Sequence[ClosedTrade], moves: PriceMoves) -> ExcursionStatistics:
    """Compute every statistic; the moves are those of the trades, in their order."""
    import numpy as np

    is_seen = ~np.isnan(moves.against)
    against, ahead = moves.against[is_seen], moves.ahead[is_seen]
    seen = [trade for trade, is_known in zip(trades, is_seen, strict=True) if is_known]
    notional = np.array([float(trade.entry_notional) for trade in seen], np.float64)
    risk = np.array([np.nan if trade.risk is None else float(trade.risk) for trade in seen], np.float64)
    has_risk = risk > 0
    of_risk = notional[has_risk] / risk[has_risk]
    why = _NO_RISK if seen else _NONE_SEEN
    return ExcursionStatistics(
        observed_trades=len(seen),
        mae_percent=_quartiles(against * 100.0, _NONE_SEEN),
        mfe_percent=_quartiles(ahead * 100.0, _NONE_SEEN),
        mae_r=_quartiles(against[has_risk] * of_risk, why),
        mfe_r=_quartiles(ahead[has_risk] * of_risk, why),
        exit_efficiency=_efficiency(seen, ahead, notional),
    )


def r_histogram(multiples: Floats) -> tuple[RBin, ...]:
    """Count R multiples around each whole R, and beyond both ends."""
    import numpy as np

    edges = np.array([float(edge) for edge in _EDGES])
    counts = np.bincount(np.searchsorted(edges, multiples, side="right"), minlength=len(edges) + 1)
    lows, highs = (None, *_EDGES), (*_EDGES, None)
    return tuple(RBin(low, high, int(count)) for low, high, count in zip(lows, highs, counts, strict=True))


def _quartiles(values: Floats, reason: str) -> Quartiles:
    import numpy as np

    if len(values) == 0:
        none = undefined(reason)
        return Quartiles(none, none, none)
    lower, median, upper = (measured(float(value)) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return Quartiles(lower, median, upper)


def _efficiency(trades: Sequence[ClosedTrade], ahead: Floats, notional: Floats) -> Metric:
    import numpy as np

    moved = ahead > 0
    if not moved.any():
        return undefined(_NEVER_AHEAD if trades else _NONE_SEEN)
    signs = np.array([trade.side.sign for trade in trades], np.float64)
    left = np.array([float(trade.exit_notional) for trade in trades], np.float64)
    realised = (left - notional) * signs
    return measured(float(np.maximum(realised[moved] / (ahead * notional)[moved], -1.0).mean()))
