"""What guards and caps did and how they stand, in words and as the scripting contract writes it.

Shared by the trading commands, `log`, `watch`, notifications, `explain`, backtests and `guards`. The rule to keep:
fields are only ever added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from papertrade.engine.caps import Caps
from papertrade.engine.guard_events import Figures, GuardActed, GuardsReset
from papertrade.engine.guards import Cooldown, Drawdown, GuardRules, Hours, Lockout, MaxOpen, Response
from papertrade.engine.instants import duration_text
from papertrade.engine.limits import Action, GuardName, Limit
from papertrade.engine.money import plain
from papertrade.render.json import Encodable
from papertrade.render.numbers import iso_z
from papertrade.render.text import Cell, Tone
from papertrade.reports.metric import percent

_WORDS: Final = {Action.HALT: "refused", Action.SHRINK: "shrank", Action.WARN: "warned"}


def act_text(act: GuardActed) -> str:
    """Return what a guard or cap did to an order: `guard cooldown: size 1 -> 0.5: …`."""
    kind = "" if act.guard.startswith("cap_") else "guard "
    if act.action is Action.WARN:
        return f"{kind}{act.guard} warns: {act.message}"
    if act.action is Action.HALT:
        return f"{kind}{act.guard} halts: {act.message}"
    before = "nothing" if act.before is None else plain(act.before)
    return f"{kind}{act.guard}: size {before} -> {plain(act.after)}, {act.message}"


def act_line(act: GuardActed) -> list[Cell]:
    """Return the line of an adjustment with the order that it was about."""
    trade = "" if act.trade_id is None else f"#{act.trade_id} "
    return [Cell(f"{trade}{act.side} {act.symbol} "), Cell(act_text(act), Tone.WARNING)]


def reset_text(event: GuardsReset) -> str:
    """Return what a reset let go."""
    why = f": {event.reason}" if event.reason else ""
    return f"guards reset ({', '.join(event.guards)}){why}"


def act_json(act: GuardActed) -> Mapping[str, Encodable]:
    """Return an adjustment with the numbers that caused it."""
    return {
        "at": iso_z(act.at_ms),
        "guard": act.guard,
        "action": act.action,
        "symbol": act.symbol,
        "side": act.side,
        "signal": act.signal_key,
        "trade_id": act.trade_id,
        "message": act.message,
        "numbers": {number.name: number.value for number in act.numbers},
        "size_before": act.before,
        "size_after": act.after,
        "figures": figures_json(act.figures),
    }


def figures_json(figures: Figures) -> Mapping[str, Encodable]:
    """Return an account's figures at an instant."""
    wins, losses = Decimal(figures.wins), Decimal(figures.losses)
    rate = percent(wins, wins + losses)
    return {
        "equity": figures.equity,
        "balance": figures.balance,
        "peak": figures.peak,
        "drawdown_percent": figures.drawdown_percent,
        "today_equity_change": figures.day_profit,
        "live_trades": figures.live,
        "winning_trades": figures.wins,
        "losing_trades": figures.losses,
        "win_rate_percent": None if rate is None else str(rate),
    }


def counts_of(acts: Iterable[GuardActed]) -> Mapping[GuardName, Mapping[Action, int]]:
    """Count what each guard and cap did."""
    counted = Counter((act.guard, act.action) for act in acts)
    return {
        guard: {action: counted[guard, action] for action in Action if counted[guard, action]}
        for guard in GuardName
        if any(counted[guard, action] for action in Action)
    }


def counts_text(acts: Sequence[GuardActed]) -> str:
    """Return how often each guard acted: `max_open refused 3, cooldown shrank 2`."""
    return ", ".join(
        f"{guard} {_WORDS[action]} {count}"
        for guard, actions in counts_of(acts).items()
        for action, count in actions.items()
    )


def counts_json(acts: Sequence[GuardActed]) -> list[Encodable]:
    """Return the same for scripts."""
    counts = counts_of(acts)
    return [
        {"guard": guard, **{str(action): actions.get(action, 0) for action in Action}}
        for guard, actions in counts.items()
    ]


def rules_json(rules: GuardRules) -> Mapping[str, Encodable]:
    """Return the guards that are set, each kind a list."""
    return {
        "hours": [_hours(rule) for rule in rules.hours],
        "max_open": [_max_open(rule) for rule in rules.max_open],
        "daily_loss": [{"limit": str(r.limit), **_response(r.response)} for r in rules.daily_loss],
        "drawdown": [_drawdown(rule) for rule in rules.drawdown],
        "cooldown": [_cooldown(rule) for rule in rules.cooldown],
        "lockout": [_lockout(rule) for rule in rules.lockout],
    }


def caps_json(caps: Caps) -> Mapping[str, Encodable]:
    """Return the caps; null is none."""

    def told(limit: Limit | None) -> str | None:
        return None if limit is None else str(limit)

    return {
        "symbol": told(caps.symbol),
        "side": told(caps.side),
        "source": told(caps.source),
        "total": told(caps.total),
        "on_cap": "shrink" if caps.may_shrink else "refuse",
    }


def rules_text(rules: GuardRules, caps: Caps) -> str:
    """Name the guards and caps that are set; empty without any."""
    told = caps_json(caps)
    parts = [name for name, each in rules_json(rules).items() if each]
    parts += [f"cap {name} {limit}" for name, limit in told.items() if limit is not None and name != "on_cap"]
    return ", ".join(parts)


def _response(response: Response) -> Mapping[str, Encodable]:
    factor = response.factor if response.action is Action.SHRINK else None
    return {"action": response.action, "factor": factor}


def _hours(rule: Hours) -> Mapping[str, Encodable]:
    return {"sessions": [str(session) for session in rule.sessions], **_response(rule.response)}


def _max_open(rule: MaxOpen) -> Mapping[str, Encodable]:
    return {"limit": rule.limit, **_response(rule.response)}


def _drawdown(rule: Drawdown) -> Mapping[str, Encodable]:
    return {"limit_percent": rule.percent, "until": rule.until, **_response(rule.response)}


def _cooldown(rule: Cooldown) -> Mapping[str, Encodable]:
    return {"losses": rule.losses, "for": duration_text(rule.for_ms), **_response(rule.response)}


def _lockout(rule: Lockout) -> Mapping[str, Encodable]:
    within = None if rule.within_ms is None else duration_text(rule.within_ms)
    return {
        "losses": rule.losses,
        "within": within,
        "for": duration_text(rule.for_ms),
        **_response(rule.response),
    }
