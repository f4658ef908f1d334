"""A trade's own leverage, where the command line names one instead of the configuration's."""

from __future__ import annotations

from papertrade.bootstrap import Desk
from papertrade.config import schema
from papertrade.config.load import node_of
from papertrade.config.values import BadValues
from papertrade.engine.values import replace
from papertrade.errors import UsageProblem


def at_leverage(desk: Desk, text: str | None) -> Desk:
    """Return the desk with another leverage, the same for None. Raises UsageProblem beyond the setting's bounds."""
    if text is None:
        return desk
    try:
        leverage = schema.LEVERAGE.kind.read(node_of(schema.LEVERAGE, text))
    except BadValues as bad:
        raise UsageProblem(f"--leverage {bad.problems[0][1]}") from None
    return replace(desk, world=replace(desk.world, rules=replace(desk.world.rules, leverage=leverage)))
