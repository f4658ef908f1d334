"""How much of the best Sharpe ratio of many is luck: what the best of as many worthless tries would have reached.

Source: D. H. Bailey, M. López de Prado, "The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest
Overfitting and Non-Normality", Journal of Portfolio Management 40 (5), 2014. All Sharpe ratios here are those of
one period, not of a year. The rule to keep: without a variance or with too few returns there is no answer.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from papertrade.reports.metric import Metric, measured, undefined

if TYPE_CHECKING:
    from papertrade.reports.returns import Floats

_EULER_MASCHERONI: Final = 0.5772156649015329
_NORMAL: Final = NormalDist()


def expected_best_sharpe(tried: int, variance: float) -> float:
    """Return the highest Sharpe ratio to expect of `tried` worthless strategies whose ratios vary so much.

    √V · ((1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N·e))), with γ the Euler-Mascheroni constant; 0 for a single one.
    """
    if tried < 2:
        return 0.0
    usual = _NORMAL.inv_cdf(1.0 - 1.0 / tried)
    farther = _NORMAL.inv_cdf(1.0 - 1.0 / (tried * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER_MASCHERONI) * usual + _EULER_MASCHERONI * farther)


def sharpe_confidence(sharpe: float, benchmark: float, count: int, skew: float, kurtosis: float) -> Metric:
    """Return the probability that the true Sharpe ratio lies above `benchmark` (the probabilistic Sharpe ratio).

    Φ((SR - SR₀) √(T - 1) / √(1 - γ₃ SR + (γ₄ - 1)/4 · SR²)) with T returns, their skew γ₃ and kurtosis γ₄ (3 for
    the normal distribution).
    """
    if count < 2:
        return undefined(f"needs 2 day ends, has {count}")
    spread = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if spread <= 0:
        return undefined("the day returns are too lopsided")
    return measured(_NORMAL.cdf((sharpe - benchmark) * math.sqrt(count - 1.0) / math.sqrt(spread)))


def deflated_sharpe(returns: Floats, sharpes: Floats, tried: int) -> Metric:
    """Return the probability that the Sharpe ratio of `returns`, the best of `tried`, is more than luck.

    `sharpes` are the ratios of all that were tried, per period, NaN where undefined. Undefined under two returns,
    when they are all the same, and when fewer than two ratios are known.
    """
    import numpy as np

    count = len(returns)
    if count < 2:
        return undefined(f"needs 2 day ends, has {count}")
    spread = float(returns.std(ddof=1))
    if spread == 0 or returns.max() == returns.min():
        return undefined("the day returns do not vary")
    known = sharpes[~np.isnan(sharpes)]
    if tried > 1 and len(known) < 2:
        return undefined("fewer than two of the combinations have a Sharpe ratio")
    variance = float(known.var(ddof=1)) if tried > 1 else 0.0
    mean = float(returns.mean())
    scores = (returns - mean) / float(returns.std())
    skew, kurtosis = float((scores**3).mean()), float((scores**4).mean())
    return sharpe_confidence(mean / spread, expected_best_sharpe(tried, variance), count, skew, kurtosis)
