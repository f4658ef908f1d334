"""The `guards` command for people and scripts: how each guard and cap stands, what they did, figures over time.

Only words and layout. The rule to keep: fields of the JSON are only ever added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Final

from papertrade.engine.guard_events import Figures, GuardActed
from papertrade.engine.guards import Stand
from papertrade.engine.limits import Action
from papertrade.engine.values import dataclass
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet, Value
from papertrade.render.facts import Fact, dated, show_facts
from papertrade.render.guard_lines import act_json, act_line, figures_json
from papertrade.render.json import Encodable
from papertrade.render.numbers import (
    UNKNOWN,
    iso_z,
    local_minute,
    money,
    percent,
    short_minute,
    signed_money,
    toned,
)
from papertrade.render.tables import Column, number, words
from papertrade.render.text import Cell, Tone
from papertrade.reports.metric import percent as share_percent
from papertrade.runs.guard_states import CapState, Snapshot

_ACTING: Final = {Action.HALT: "halting", Action.SHRINK: "shrinking", Action.WARN: "warning"}
_SNAPSHOTS: Final = (
    Column("At"),
    number("Equity"),
    number("Balance", drop=1),
    number("Drawdown"),
    number("Day"),
    number("Live"),
    number("Wins"),
    number("Losses"),
    number("Win rate", drop=2),
    words("Why", drop=3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardsNow:
    """Everything that `guards` shows; `recent` are the newest adjustments, `total` how many there are."""

    account: str
    currency: str
    stands: tuple[Stand, ...]
    caps: tuple[CapState, ...]
    figures: Figures
    recent: tuple[GuardActed, ...]
    total: int
    at_ms: int


def state_of(stand: Stand) -> str:
    """Return a guard's state in a word: `armed`, or what it does to an order now."""
    return _ACTING[stand.response.action] if stand.is_acting else "armed"


def guards_json(now: GuardsNow) -> Mapping[str, Encodable]:
    """Return the states, the figures and the newest adjustments."""
    return {
        "account": now.account,
        "at": iso_z(now.at_ms),
        "guards": [_stand_json(stand) for stand in now.stands],
        "caps": [
            {"cap": cap.room.cap, "of": cap.of, "limit": cap.room.limit, "used": cap.room.used, "left": cap.room.left}
            for cap in now.caps
        ],
        "figures": figures_json(now.figures),
        "history": {"items": [act_json(act) for act in now.recent], "total": now.total},
    }


def _stand_json(stand: Stand) -> Mapping[str, Encodable]:
    return {
        "guard": stand.guard,
        "state": state_of(stand),
        "action": stand.response.action,
        "factor": stand.response.factor if stand.response.action is Action.SHRINK else None,
        "symbol": stand.symbol,
        "message": stand.message,
        "numbers": {one.name: one.value for one in stand.numbers},
        "since": None if stand.since_ms is None else iso_z(stand.since_ms),
        "until": None if stand.until_ms is None else iso_z(stand.until_ms),
    }


def show_guards(now: GuardsNow, zone: tzinfo, screen: Screen) -> None:
    """Write the states, a line each, then the figures and the newest adjustments."""
    screen.line(Cell(f"Guards of {now.account}", Tone.STRONG), Cell(f"  {local_minute(now.at_ms, zone)}", Tone.DIM))
    facts: list[Fact] = [(stand.guard, _stand_cell(stand)) for stand in now.stands]
    facts += [(_cap_name(cap), _cap_cell(cap)) for cap in now.caps]
    if not facts:
        screen.line("no guard and no cap is set: see guards.* and caps.* in `papertrade config show`")
    show_facts(screen, facts)
    figures = now.figures
    screen.blank()
    screen.line(
        Cell("Account", Tone.STRONG),
        Cell(f"  equity {money(figures.equity)} {now.currency}, "),
        Cell(f"{percent(figures.drawdown_percent)} below its peak {money(figures.peak)}, today "),
        toned(figures.day_profit, signed_money(figures.day_profit)),
        Cell(f", {figures.live} live"),
    )
    if now.recent:
        screen.blank()
        title = f"Last {len(now.recent)} of {now.total}" if now.total > len(now.recent) else f"All {now.total}"
        screen.line(Cell(f"{title} adjustments", Tone.STRONG))
        show_acts(now.recent, zone, screen)


def show_acts(acts: Sequence[GuardActed], zone: tzinfo, screen: Screen) -> None:
    """Write adjustments, each with the numbers that caused it."""
    show_facts(screen, [dated(short_minute(act.at_ms, zone), act_line(act)) for act in acts])


def show_snapshots(snapshots: Sequence[Snapshot], zone: tzinfo, screen: Screen) -> None:
    """Write a table of figures."""
    rows = []
    for one in snapshots:
        figures = one.figures
        rows.append(
            (
                short_minute(one.at_ms, zone),
                money(figures.equity),
                money(figures.balance),
                percent(figures.drawdown_percent),
                toned(figures.day_profit, signed_money(figures.day_profit)),
                str(figures.live),
                str(figures.wins),
                str(figures.losses),
                _win_rate(figures),
                _why(one),
            )
        )
    screen.table(_SNAPSHOTS, rows)


def snapshot_json(one: Snapshot) -> Mapping[str, Encodable]:
    """Return one snapshot; `kind` is `day` or `adjustment`."""
    kind = "adjustment" if one.acted else "day"
    return {"at": iso_z(one.at_ms), "kind": kind, "guards": list(one.acted), **figures_json(one.figures)}


def acts_sheet(acts: Sequence[GuardActed]) -> Sheet:
    """Return adjustments as CSV."""
    header = (
        "at", "guard", "action", "symbol", "side", "signal", "trade_id", "size_before", "size_after", "message",
        "equity", "balance", "drawdown_percent", "today_equity_change", "live_trades",
    )  # fmt: skip
    return Sheet(header, [_act_row(act) for act in acts])


def snapshots_sheet(snapshots: Sequence[Snapshot]) -> Sheet:
    """Return snapshots as CSV."""
    header = (
        "at", "kind", "equity", "balance", "peak", "drawdown_percent", "today_equity_change", "live_trades",
        "winning_trades", "losing_trades",
    )  # fmt: skip
    rows: list[Sequence[Value]] = []
    for one in snapshots:
        of = one.figures
        kind = "adjustment" if one.acted else "day"
        rows.append(
            (
                iso_z(one.at_ms), kind, of.equity, of.balance, of.peak, of.drawdown_percent, of.day_profit, of.live,
                of.wins, of.losses,
            )
        )  # fmt: skip
    return Sheet(header, rows)


def _act_row(act: GuardActed) -> Sequence[Value]:
    of = act.figures
    return (
        iso_z(act.at_ms), str(act.guard), str(act.action), act.symbol, act.side, act.signal_key, act.trade_id,
        act.before, act.after, act.message, of.equity, of.balance, of.drawdown_percent, of.day_profit, of.live,
    )  # fmt: skip


def _stand_cell(stand: Stand) -> Cell:
    return Cell(f"{state_of(stand)}: {stand.message}", Tone.WARNING if stand.is_acting else Tone.PLAIN)


def _cap_name(cap: CapState) -> str:
    return str(cap.room.cap)


def _cap_cell(cap: CapState) -> Cell:
    of = "" if cap.of is None else f"{cap.of}: "
    room = cap.room
    text = f"{of}{money(room.used)} of {money(room.limit)} used, {money(room.left)} left"
    return Cell(text, Tone.WARNING if room.left == 0 else Tone.PLAIN)


def _win_rate(figures: Figures) -> str:
    rate = share_percent(Decimal(figures.wins), Decimal(figures.wins + figures.losses))
    return UNKNOWN if rate is None else f"{rate}%"


def _why(one: Snapshot) -> str:
    return ", ".join(one.acted) if one.acted else "day's end"
