"""Guards by hand: each at its exact boundary, and the laws that no guard breaks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.caps import Restraint
from papertrade.engine.guards import (
    NO_GUARDS,
    AccountFacts,
    Cooldown,
    DailyLoss,
    Drawdown,
    GuardRules,
    Hours,
    Lockout,
    MaxOpen,
    Response,
    Session,
    Trip,
    Until,
    drawdown_percent,
    judge,
    stands,
)
from papertrade.engine.limits import Action, GuardName, Limit

HOUR = 3_600_000
NOW = 1_795_168_800_000
WEEKDAYS = (0, 1, 2, 3, 4)
SHRINKS = Response(Action.SHRINK, Decimal("0.5"))


def dec(text: str) -> Decimal:
    return Decimal(text)


def acting(rules: GuardRules, facts: AccountFacts) -> list[str]:
    return [str(stand.guard) for stand in judge(rules, facts, "BTCUSDT")]


MAX_OPEN = [(2, []), (3, ["max_open"]), (4, ["max_open"])]


@pytest.mark.parametrize(("live", "expected"), MAX_OPEN)
def test_max_open_acts_once_so_many_trades_are_live(live: int, expected: list[str]) -> None:
    assert acting(GuardRules(max_open=(MaxOpen(3),)), AccountFacts(at_ms=NOW, live=live)) == expected


DAILY_LOSS = [
    # 3 % of 10000 are 300: one unit less does not act, 300 does
    ("3%", "10000", "-299.99999999", []),
    ("3%", "10000", "-300", ["daily_loss"]),
    ("3%", "10000", "300", []),
    ("50", "10000", "-49.99999999", []),
    ("50", "10000", "-50", ["daily_loss"]),
    # without a balance any loss is beyond a percentage of it, none is no loss
    ("3%", "0", "0", []),
    ("3%", "0", "-0.00000001", ["daily_loss"]),
]


@pytest.mark.parametrize(("limit", "base", "profit", "expected"), DAILY_LOSS)
def test_daily_loss_acts_at_its_limit(limit: str, base: str, profit: str, expected: list[str]) -> None:
    most = Limit(dec(limit.rstrip("%")), limit.endswith("%"))
    facts = AccountFacts(at_ms=NOW, day_base=dec(base), day_profit=dec(profit))
    assert acting(GuardRules(daily_loss=(DailyLoss(most),)), facts) == expected


DRAWDOWN = [
    # 10 % below 12000 are 10800
    ("10800.00000001", "12000", []),
    ("10800", "12000", ["drawdown"]),
    ("12000", "12000", []),
    ("0", "0", []),
]


@pytest.mark.parametrize(("equity", "peak", "expected"), DRAWDOWN)
@pytest.mark.parametrize("until", Until)
def test_drawdown_acts_at_its_limit(equity: str, peak: str, expected: list[str], until: Until) -> None:
    facts = AccountFacts(at_ms=NOW, equity=dec(equity), peak=dec(peak))
    assert acting(GuardRules(drawdown=(Drawdown(dec("10"), until),)), facts) == expected


def test_a_drawdown_that_has_recovered_halts_until_the_reset_unless_recovery_ends_it() -> None:
    trip = Trip(dec("10"), NOW - HOUR, dec("10800"), dec("12000"))
    facts = AccountFacts(at_ms=NOW, equity=dec("12500"), peak=dec("12500"), trips=(trip,))
    (stand,) = judge(GuardRules(drawdown=(Drawdown(dec("10")),)), facts, "BTCUSDT")
    assert stand.message == (
        "equity was at 2026-11-20T09:00:00.000Z `10800`, 10% below its peak `12000`; the limit is 10%"
    )
    assert (stand.since_ms, [n.value for n in stand.numbers]) == (NOW - HOUR, [dec("10800"), dec("12000"), dec("10")])
    assert acting(GuardRules(drawdown=(Drawdown(dec("10"), Until.RECOVERY),)), facts) == []
    assert acting(GuardRules(drawdown=(Drawdown(dec("11")),)), facts) == []


COOLDOWN = [
    (2, NOW - 1, []),
    (3, NOW - 2 * HOUR + 1, ["cooldown"]),
    (3, NOW - 2 * HOUR, []),
    (4, NOW, ["cooldown"]),
    (0, None, []),
]


@pytest.mark.parametrize(("streak", "last", "expected"), COOLDOWN)
def test_cooldown_lasts_from_the_last_loss_and_not_a_millisecond_longer(
    streak: int, last: int | None, expected: list[str]
) -> None:
    facts = AccountFacts(at_ms=NOW, streak=streak, streak_at_ms=last)
    assert acting(GuardRules(cooldown=(Cooldown(3, 2 * HOUR),)), facts) == expected


LOCKOUT = [
    (Lockout(HOUR), (), []),
    (Lockout(HOUR), (NOW - HOUR + 1,), ["lockout"]),
    (Lockout(HOUR), (NOW - HOUR,), []),
    (Lockout(HOUR, 2), (NOW - 1,), []),
    (Lockout(HOUR, 2), (NOW - 99 * HOUR, NOW - 1), ["lockout"]),
    (Lockout(HOUR, 2, 24 * HOUR), (NOW - 1 - 24 * HOUR, NOW - 1), ["lockout"]),
    (Lockout(HOUR, 2, 24 * HOUR), (NOW - 2 - 24 * HOUR, NOW - 1), []),
]


@pytest.mark.parametrize(("rule", "losses", "expected"), LOCKOUT)
def test_lockout_counts_losses_within_its_time(rule: Lockout, losses: tuple[int, ...], expected: list[str]) -> None:
    facts = AccountFacts(at_ms=NOW, symbol_losses=losses)
    assert acting(GuardRules(lockout=(rule,)), facts) == expected


OFFICE = Session(WEEKDAYS, 8 * 60, 17 * 60)
NIGHT = Session((4,), 22 * 60, 4 * 60)
HOURS = [
    (OFFICE, 0, 8 * 60 - 1, False),
    (OFFICE, 0, 8 * 60, True),
    (OFFICE, 4, 17 * 60 - 1, True),
    (OFFICE, 4, 17 * 60, False),
    (OFFICE, 5, 12 * 60, False),
    # friday 22:00 to 04:00 ends on saturday morning and belongs to friday
    (NIGHT, 4, 22 * 60, True),
    (NIGHT, 5, 4 * 60 - 1, True),
    (NIGHT, 5, 4 * 60, False),
    (NIGHT, 4, 3 * 60, False),
    (Session((6,), 22 * 60, 60), 0, 30, True),
    (Session(WEEKDAYS, 0, 1440), 2, 1439, True),
]


@pytest.mark.parametrize(("session", "weekday", "minute", "is_inside"), HOURS)
def test_hours_have_a_first_minute_and_an_end(session: Session, weekday: int, minute: int, is_inside: bool) -> None:
    facts = AccountFacts(at_ms=NOW, weekday=weekday, minute=minute)
    assert session.holds(weekday, minute) is is_inside
    assert acting(GuardRules(hours=(Hours((session,)),)), facts) == ([] if is_inside else ["hours"])


def test_what_no_guard_asked_for_is_nothing_on_a_monday_at_midnight() -> None:
    assert (AccountFacts(at_ms=NOW).weekday, AccountFacts(at_ms=NOW).minute) == (0, 0)
    assert replace(AccountFacts(at_ms=NOW), live=0, streak=0, equity=dec("0"), peak=dec("0")) == AccountFacts(at_ms=NOW)


def test_one_of_several_sessions_is_enough() -> None:
    rules = GuardRules(hours=(Hours((OFFICE, NIGHT)),))
    facts = AccountFacts(at_ms=NOW, weekday=5, minute=60)
    assert acting(rules, facts) == []
    (stand,) = judge(rules, replace(facts, weekday=6), "BTCUSDT")
    assert stand.message == "sun 01:00 is outside the hours mon,tue,wed,thu,fri 08:00-17:00; fri 22:00-04:00"


def test_each_guard_says_its_numbers() -> None:
    rules = GuardRules(
        max_open=(MaxOpen(1),),
        daily_loss=(DailyLoss(Limit(dec("3"), True)),),
        cooldown=(Cooldown(1, HOUR),),
        lockout=(Lockout(HOUR, 1, 2 * HOUR),),
    )
    facts = AccountFacts(
        at_ms=NOW,
        live=1,
        day_base=dec("10000"),
        day_profit=dec("-301"),
        streak=1,
        streak_at_ms=NOW,
        symbol_losses=(NOW,),
    )
    assert [stand.message for stand in judge(rules, facts, "BTCUSDT")] == [
        "`1` trade is live, at most `1` may be",
        "today's loss is `301`, the limit is `300` (3% of `10000`)",
        "`1` losses in a row, `1` ask for a pause of 1h until 2026-11-20T11:00:00.000Z",
        "BTCUSDT had `1` loss within 2h, `1` lock it for 1h until 2026-11-20T11:00:00.000Z",
    ]
    assert [stand.until_ms for stand in judge(rules, facts, "BTCUSDT")] == [None, None, NOW + HOUR, NOW + HOUR]


def test_lockouts_are_asked_only_of_a_symbol() -> None:
    rules = GuardRules(lockout=(Lockout(HOUR),), max_open=(MaxOpen(1),))
    assert [stand.guard for stand in stands(rules, AccountFacts(at_ms=NOW))] == [GuardName.MAX_OPEN]


@pytest.mark.parametrize("factor", ["0", "1", "1.5", "-0.5"])
def test_a_factor_makes_smaller_and_nothing_else(factor: str) -> None:
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        Response(Action.SHRINK, dec(factor))


def test_no_guard_is_off_and_more_guards_add_up() -> None:
    one = GuardRules(max_open=(MaxOpen(3),))
    two = GuardRules(max_open=(MaxOpen(1, SHRINKS),), cooldown=(Cooldown(1, HOUR),))
    both = one.with_more(two)
    assert (NO_GUARDS.are_off, one.are_off, NO_GUARDS.with_more(one) == one) == (True, False, True)
    assert both.max_open == (MaxOpen(3), MaxOpen(1, SHRINKS))
    assert acting(both, AccountFacts(at_ms=NOW, live=2)) == ["max_open"]
    assert (one.need_equity, GuardRules(daily_loss=(DailyLoss(Limit(dec("1"))),)).need_equity) == (False, True)


@pytest.mark.parametrize(("equity", "peak", "percent"), [("90", "100", "10"), ("100", "100", "0"), ("5", "-1", "0")])
def test_a_drawdown_is_a_share_of_the_peak(equity: str, peak: str, percent: str) -> None:
    assert drawdown_percent(dec(equity), dec(peak)) == dec(percent)


responses = st.builds(
    Response, st.sampled_from(Action), st.decimals("0.01", "0.99", places=2, allow_nan=False, allow_infinity=False)
)
amounts = st.decimals(-20_000, 20_000, places=8, allow_nan=False, allow_infinity=False)
rule_sets = st.builds(
    GuardRules,
    max_open=st.lists(st.builds(MaxOpen, st.integers(1, 5), responses), max_size=2).map(tuple),
    daily_loss=st.lists(
        st.builds(DailyLoss, st.builds(Limit, st.decimals("0.1", 50, places=1), st.booleans()), responses), max_size=2
    ).map(tuple),
    drawdown=st.lists(st.builds(Drawdown, st.decimals("0.1", 50, places=1), st.sampled_from(Until), responses)).map(
        tuple
    ),
    cooldown=st.lists(st.builds(Cooldown, st.integers(1, 4), st.integers(1, 2 * HOUR), responses), max_size=2).map(
        tuple
    ),
)
account_facts = st.builds(
    AccountFacts,
    at_ms=st.just(NOW),
    live=st.integers(0, 6),
    day_base=amounts,
    day_profit=amounts,
    equity=amounts,
    peak=amounts,
    streak=st.integers(0, 5),
    streak_at_ms=st.integers(NOW - 2 * HOUR, NOW),
)


@given(rule_sets, account_facts)
def test_a_guard_never_makes_a_size_larger(rules: GuardRules, facts: AccountFacts) -> None:
    restraint = Restraint(stands=judge(rules, facts, "BTCUSDT"))
    assert 0 < restraint.factor <= 1
    assert all(0 < stand.factor <= 1 for stand in restraint.stands)


@given(rule_sets, rule_sets, account_facts)
def test_the_order_in_which_guards_are_set_changes_nothing(
    one: GuardRules, other: GuardRules, facts: AccountFacts
) -> None:
    there = Restraint(stands=judge(one.with_more(other), facts, "BTCUSDT"))
    back = Restraint(stands=judge(other.with_more(one), facts, "BTCUSDT"))
    assert there.factor == back.factor
    assert (there.halt is None) == (back.halt is None)


@given(rule_sets, rule_sets, account_facts)
def test_more_guards_never_let_more_pass(one: GuardRules, other: GuardRules, facts: AccountFacts) -> None:
    alone = Restraint(stands=judge(one, facts, "BTCUSDT"))
    both = Restraint(stands=judge(one.with_more(other), facts, "BTCUSDT"))
    assert both.factor <= alone.factor
    assert alone.halt is None or both.halt is not None
