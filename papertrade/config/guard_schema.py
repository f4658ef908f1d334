"""The settings of caps and guards: a part of the table in `schema.py`, all of them off unless they are set."""

from __future__ import annotations

from typing import Final

from papertrade.config import guard_sections
from papertrade.config.setting import Reader, Setting
from papertrade.config.settings import OnCap
from papertrade.config.values import choice, optional
from papertrade.engine.caps import Caps
from papertrade.engine.guards import GuardRules

_CAP: Final = optional(guard_sections.limit("1", "12500"))
CAP_SYMBOL: Final = Setting(
    "caps.symbol", _CAP, "none", "The most notional in live trades of one symbol; percent are of the balance."
)
CAP_SIDE: Final = Setting("caps.side", _CAP, "none", "The most notional in all long, and in all short trades.")
CAP_SOURCE: Final = Setting("caps.source", _CAP, "none", "The most notional in live trades of one source of signals.")
CAP_TOTAL: Final = Setting("caps.total", _CAP, "none", "The most notional in all live trades.")
ON_CAP: Final = Setting(
    "caps.on_cap", choice(OnCap), "refuse", "Whether an order beyond a cap is refused or made smaller."
)
HOURS: Final = Setting(
    "guards.hours",
    guard_sections.hours(),
    "none",
    "When trades may be opened, in the zone of display.zone.",
    "- {days: mon-fri, from: 08:00, to: 17:00}\n",
)
MAX_OPEN: Final = Setting(
    "guards.max_open",
    guard_sections.max_open(),
    "none",
    "The most trades that may be pending or open.",
    "limit: 10\naction: warn\n",
)
DAILY_LOSS: Final = Setting(
    "guards.daily_loss",
    guard_sections.daily_loss(),
    "none",
    "The most that a day may lose, realised and unrealised; percent are of the day's opening balance.",
    "limit: 3%\naction: halt\n",
)
DRAWDOWN: Final = Setting(
    "guards.drawdown",
    guard_sections.drawdown(),
    "none",
    "How far the equity may fall below its peak; `papertrade guards reset` ends a halt.",
    "limit: 10%\nuntil: reset\naction: halt\n",
)
COOLDOWN: Final = Setting(
    "guards.cooldown",
    guard_sections.cooldown(),
    "none",
    "A pause after so many losses in a row.",
    "losses: 3\nfor: 2h\naction: shrink\nfactor: 0.5\n",
)
LOCKOUT: Final = Setting(
    "guards.lockout",
    guard_sections.lockout(),
    "none",
    "A pause of one symbol after it has lost.",
    "for: 1h\nlosses: 2\nwithin: 1d\n",
)

SETTINGS: Final[tuple[Setting[object], ...]] = (
    CAP_SYMBOL,
    CAP_SIDE,
    CAP_SOURCE,
    CAP_TOTAL,
    ON_CAP,
    HOURS,
    MAX_OPEN,
    DAILY_LOSS,
    DRAWDOWN,
    COOLDOWN,
    LOCKOUT,
)


def caps(value: Reader) -> Caps:
    """Put the caps together."""
    return Caps(
        symbol=value(CAP_SYMBOL),
        side=value(CAP_SIDE),
        source=value(CAP_SOURCE),
        total=value(CAP_TOTAL),
        may_shrink=value(ON_CAP) is OnCap.SHRINK,
    )


def guards(value: Reader) -> GuardRules:
    """Put the guards together."""
    return GuardRules(
        hours=value(HOURS),
        max_open=value(MAX_OPEN),
        daily_loss=value(DAILY_LOSS),
        drawdown=value(DRAWDOWN),
        cooldown=value(COOLDOWN),
        lockout=value(LOCKOUT),
    )


def values_of(guard_rules: GuardRules, limits: Caps) -> dict[str, object]:
    """Return the value of each of these settings by its path, as `guards` and `caps` take them."""
    on_cap = OnCap.SHRINK if limits.may_shrink else OnCap.REFUSE
    holders: dict[str, object] = {"guards": guard_rules, "caps": limits}
    values: dict[str, object] = {ON_CAP.path: on_cap}
    for setting in SETTINGS:
        section, _, name = setting.path.partition(".")
        if setting.path not in values:
            value: object = getattr(holders[section], name)
            values[setting.path] = value
    return values
