"""The settings of what holding a trade costs and of its liquidation: a part of the table in `schema.py`.

A rate that is not given is not modelled.
"""

from __future__ import annotations

from typing import Final

from papertrade.config.setting import Reader, Setting
from papertrade.config.values import optional, rate, seconds, signed_rate
from papertrade.engine.trade import Funding

FUNDING_RATE: Final = Setting(
    "costs.funding.rate",
    optional(signed_rate("10")),
    "none",
    "What a long pays a short of its notional at each funding time; below 0 the short pays. none: not modelled.",
)
FUNDING_EVERY: Final = Setting(
    "costs.funding.every", seconds("3600", "86400"), "8h", "The funding times: the UTC multiples of this."
)
BORROW: Final = Setting(
    "costs.borrow",
    optional(rate("1000")),
    "none",
    "Interest a year on what a short or a leveraged long borrows. none: not modelled.",
)
MAINTENANCE: Final = Setting(
    "maintenance_rate", rate("50"), "0%", "The part of its notional that must be left of a trade's reserve."
)

COSTS: Final[tuple[Setting[object], ...]] = (FUNDING_RATE, FUNDING_EVERY, BORROW)
"""Those below `costs`, in the order of the example file."""


def funding(value: Reader) -> Funding | None:
    """Return the funding as configured, None where it is not modelled."""
    given = value(FUNDING_RATE)
    return None if given is None else Funding(given, value(FUNDING_EVERY))
