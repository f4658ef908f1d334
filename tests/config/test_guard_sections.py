"""The settings of guards and caps: short forms, sections, bounds, and every flaw by its name."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.config.samples import GUARDS_SAMPLE
from papertrade.engine.caps import NO_CAPS, Caps
from papertrade.engine.guards import (
    NO_GUARDS,
    Cooldown,
    DailyLoss,
    Drawdown,
    GuardRules,
    Hours,
    Lockout,
    MaxOpen,
    Response,
    Session,
    Until,
)
from papertrade.engine.limits import Action, Limit
from tests.config.texts import of, refusal

HOUR = 3_600_000


def test_everything_is_off_unless_it_is_set() -> None:
    settings = of("guards:\n  max_open: none\ncaps:\n  total: none\n").settings
    assert (settings.guards, settings.caps) == (NO_GUARDS, NO_CAPS)


def test_the_sample_says_what_it_says() -> None:
    text = "\n".join(f"  {line}" for line in GUARDS_SAMPLE.splitlines())
    assert of(f"guards:\n{text}").settings.guards == GuardRules(
        hours=(Hours((Session((0, 1, 2, 3, 4), 480, 1020),)),),
        max_open=(MaxOpen(10),),
        daily_loss=(DailyLoss(Limit(Decimal(3), True)),),
        drawdown=(Drawdown(Decimal(10)),),
        cooldown=(Cooldown(3, 2 * HOUR, Response(Action.SHRINK, Decimal("0.5"))),),
        lockout=(Lockout(HOUR, 2, 24 * HOUR, Response(Action.WARN)),),
    )


def test_short_and_long_forms() -> None:
    rules = of(
        "guards:\n"
        "  max_open: {limit: 3, action: shrink, factor: 0.25}\n"
        "  daily_loss: {limit: 150}\n"
        "  drawdown: {limit: 5%, until: recovery}\n"
        "  lockout: 30m\n"
        "  hours: {sessions: [{days: [sat, fri-mon], from: 22:00, to: 04:00}, {from: 00:00, to: 24:00}]}\n"
    ).settings.guards
    assert rules.max_open == (MaxOpen(3, Response(Action.SHRINK, Decimal("0.25"))),)
    assert rules.daily_loss == (DailyLoss(Limit(Decimal(150))),)
    assert rules.drawdown == (Drawdown(Decimal(5), Until.RECOVERY),)
    assert rules.lockout == (Lockout(HOUR // 2),)
    assert rules.hours == (Hours((Session((0, 4, 5, 6), 1320, 240), Session(tuple(range(7)), 0, 1440))),)


def test_caps_are_amounts_or_percent_of_the_balance() -> None:
    caps = of("caps: {symbol: 25%, total: 5000, on_cap: shrink}").settings.caps
    assert caps == Caps(symbol=Limit(Decimal(25), True), total=Limit(Decimal(5000)), may_shrink=True)


def test_a_preset_carries_guards() -> None:
    settings = of("presets:\n  careful: {sl: 1%, guards: {max_open: 1, lockout: 2h}}\n  plain: {sl: 1%}").settings
    careful, plain = settings.presets
    assert careful.guards == GuardRules(max_open=(MaxOpen(1),), lockout=(Lockout(2 * HOUR),))
    assert plain.guards == NO_GUARDS


def test_the_environment_sets_a_guard() -> None:
    environment = {"PAPERTRADE_GUARDS__MAX_OPEN": "4", "PAPERTRADE_GUARDS__COOLDOWN": "{losses: 2, for: 1h}"}
    rules = of("", environment).settings.guards
    assert (rules.max_open, rules.cooldown) == ((MaxOpen(4),), (Cooldown(2, HOUR),))


FLAWS = [
    ("guards: {max_opn: 3}", "unknown setting `guards.max_opn`, did you mean `guards.max_open`?"),
    ("guards: {max_open: 0}", "`limit` of the guard is `0`, expected a whole number from 1 to 100000"),
    ("guards: {max_open: {limt: 3}}", "the guard has no setting `limt`, did you mean `limit`?"),
    ("guards: {max_open: {action: halt}}", "the guard needs `limit`"),
    ("guards: {max_open: {limit: 3, action: stop}}", "`action` of the guard is `stop`, expected one of `halt`"),
    ("guards: {max_open: {limit: 3, factor: 0.5}}", "`factor` of the guard goes with `action: shrink`"),
    ("guards: {max_open: {limit: 3, action: shrink, factor: 1}}", "`factor` of the guard is `1`, expected a number"),
    ("guards: {max_open: [3]}", "`limit` of the guard is a list"),
    ("guards: {daily_loss: 101%}", "`limit` of the guard is `101%`, expected percent like `3%`, up to 100%"),
    ("guards: {daily_loss: 0}", "`limit` of the guard is `0`"),
    ("guards: {drawdown: 10}", "with the percent sign"),
    ("guards: {drawdown: {limit: 10%, until: never}}", "`until` of the guard is `never`, expected one of `reset`"),
    ("guards: {cooldown: 3}", "is `3`, expected a section with `losses`, `for`, `action`, `factor`, or `none`"),
    ("guards: {cooldown: {losses: 3}}", "the guard needs `for`"),
    ("guards: {cooldown: {losses: 3, for: soon}}", "`for` of the guard is `soon`, expected a duration like `2h`"),
    ("guards: {lockout: {for: 1h, within: 1d}}", "`within` of the guard goes with `losses` of 2 or more"),
    ("guards: {hours: []}", "is `[]`, expected a list of sessions with `days`, `from` and `to`"),
    ("guards: {hours: [{from: 08:00}]}", "session 1 needs `to`"),
    ("guards: {hours: [{from: 8:00, to: 17:00}]}", "`from` of session 1 is `8:00`, expected a time of day"),
    ("guards: {hours: [{from: 08:00, to: 24:01}]}", "`to` of session 1 is `24:01`"),
    ("guards: {hours: [{from: 08:00, to: 08:00}]}", "session 1 is empty: `from` is `to`"),
    ("guards: {hours: [{days: mo, from: 08:00, to: 09:00}]}", "`days` of session 1 is `mo`, expected days like"),
    ("guards: {hours: [{days: [], from: 08:00, to: 09:00}]}", "`days` of session 1 is empty"),
    ("guards: {hours: [x]}", "session 1 must be a section with `days`, `from`, `to`"),
    ("caps: {total: 0}", "`caps.total` is `0`, expected percent like `3%`"),
    ("caps: {on_cap: cut}", "`caps.on_cap` is `cut`, expected one of `refuse`, `shrink`"),
    ("presets: {a: {guards: {max_open: x}}}", "`limit` of the guard is `x`"),
    ("presets: {a: {guards: {mx_open: 1}}}", "the section has no setting `mx_open`, did you mean `max_open`?"),
]


@pytest.mark.parametrize(("text", "message"), FLAWS)
def test_a_flaw_is_named(text: str, message: str) -> None:
    said = refusal(text)
    assert message in said
    assert "things are wrong" not in said
