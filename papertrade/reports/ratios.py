"""Ratios of day returns: Sharpe, Sortino, volatility, CAGR, Calmar. One function each, its empty case stated.

Inputs are arrays of r_t (returns.py), one per day; P is the number of periods per year. The definitions are
those of docs/semantics.md section 9 and agree with empyrical's where the names do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from papertrade.engine.money import CONTEXT
from papertrade.reports.metric import Metric, measured, ratio, undefined

if TYPE_CHECKING:
    from papertrade.reports.returns import Floats

ROUND_THE_CLOCK: Final = "24/7"
CAGR_DAYS_MIN: Final = 90
_DAYS_PER_YEAR: Final = 365.25


def periods_per_year(hours: Iterable[str]) -> int:
    """Return 365, or 252 when instruments were traded and none of them is open round the clock."""
    seen = set(hours)
    return 252 if seen and ROUND_THE_CLOCK not in seen else 365


def sharpe(returns: Floats, periods: int, risk_free: float = 0.0) -> Metric:
    """Compute mean(r - rf/P) / std(r, ddof 1) · √P; `risk_free` is a yearly fraction.

    Undefined under two returns and when they are all the same.
    """
    if len(returns) < 2:
        return _too_few(len(returns))
    if returns.max() == returns.min():
        return undefined("the day returns do not vary")
    excess = float(returns.mean()) - risk_free / periods
    return measured(excess / float(returns.std(ddof=1)) * periods**0.5)


def sortino(returns: Floats, periods: int) -> Metric:
    """Compute mean(r) · P / (√mean(min(r, 0)²) · √P) over all returns.

    Undefined under two returns and without a losing day.
    """
    import numpy as np

    if len(returns) < 2:
        return _too_few(len(returns))
    losses = np.minimum(returns, 0.0)
    downside = float(np.dot(losses, losses) / len(losses)) ** 0.5
    if downside == 0:
        return undefined("no losing day")
    return measured(float(returns.mean()) / downside * periods**0.5)


def volatility(returns: Floats, periods: int) -> Metric:
    """Compute std(r, ddof 1) · √P. Undefined under two returns; 0 when they are all the same."""
    if len(returns) < 2:
        return _too_few(len(returns))
    if returns.max() == returns.min():
        return measured(0.0)
    return measured(float(returns.std(ddof=1)) * periods**0.5)


def total_return(returns: Floats) -> Metric:
    """Compute what all returns compound to, as a fraction. Undefined without one."""
    if len(returns) == 0:
        return undefined("no full day yet")
    return measured(_compounded(returns, 1.0) - 1.0)


def cagr(returns: Floats) -> Metric:
    """Compute growth^(365.25/days) - 1, one day per return. Undefined under 90 days."""
    days = len(returns)
    if days < CAGR_DAYS_MIN:
        return undefined(f"needs {CAGR_DAYS_MIN} day ends, has {days}")
    return measured(_compounded(returns, _DAYS_PER_YEAR / days) - 1.0)


def calmar(growth_yearly: Metric, max_drawdown: Metric) -> Metric:
    """Compute CAGR / |MDD|. Undefined where either is, and without a drawdown."""
    if growth_yearly.value is None:
        return growth_yearly
    if max_drawdown.value is None:
        return max_drawdown
    return ratio(growth_yearly.value, CONTEXT.abs(max_drawdown.value), "no drawdown")


def _compounded(returns: Floats, exponent: float) -> float:
    """Return Π(1 + r) to the power of the exponent; infinite beyond the floats."""
    import numpy as np

    with np.errstate(over="ignore"):
        return float(np.prod(returns + 1.0) ** exponent)


def _too_few(count: int) -> Metric:
    return undefined(f"needs 2 day ends, has {count}")
