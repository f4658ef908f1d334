"""What guards found out once for one look at the market. Nothing before that look changes while a command acts on it.

The rule to keep: it lives as long as the look (`catch_up.Present`) and no longer.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING

from papertrade.engine.values import dataclass

if TYPE_CHECKING:
    from papertrade.reports.peaks import Peaks


@dataclass(slots=True)
class GuardMemory:
    """Peaks by account and the limits watched."""

    peaks: dict[tuple[int, tuple[Decimal, ...]], Peaks] = field(default_factory=dict)
