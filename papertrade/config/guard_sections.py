"""The settings of guards and caps: each `none`, one value in short, or a section with what it does.

Every value has both bounds, and unknown keys are refused with the nearest name. The rule to keep: what is not set is
off, so that a file without guards changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeVar

from papertrade.config.fields import Fields, listed
from papertrade.config.values import BadValues, Kind, as_flow, choice, number, percent, scalar, shortened, whole
from papertrade.engine.guards import (
    HALTS,
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
from papertrade.engine.instants import parse_duration
from papertrade.engine.limits import Action, Limit
from papertrade.engine.money import ONE, parse_decimal, plain
from papertrade.text_nodes import NOWHERE, Items, Node, Pairs, Span, Text

T = TypeVar("T")

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_SESSIONS_MAX: Final = 50
_DURATION = "a duration like `2h`"


def limit(low: str, high_percent: str) -> Kind[Limit]:
    """Accept percent of a base, or an amount of account money from `low` to a billion."""
    words = f"percent like `3%`, up to {high_percent}%, or an amount from {low} to 1000000000"

    def parse(text: str) -> Limit:
        is_percent = text.endswith("%")
        value = parse_decimal(text.removesuffix("%").rstrip() if is_percent else text)
        low_bound = Decimal("0.0001") if is_percent else Decimal(low)
        if not low_bound <= value <= (Decimal(high_percent) if is_percent else Decimal(1_000_000_000)):
            raise ValueError(plain(value))
        return Limit(value, is_percent)

    return scalar(words, parse)


def max_open() -> Kind[tuple[MaxOpen, ...]]:
    """Accept the most trades that may be pending or open."""
    most = whole(1, 100_000)
    return _guard("`10`", "limit", (), lambda of: MaxOpen(of.need("limit", most, 1), _response(of)))


def daily_loss() -> Kind[tuple[DailyLoss, ...]]:
    """Accept a loss a day."""
    most = limit("0.00000001", "100")
    return _guard("`3%`", "limit", (), lambda of: DailyLoss(of.need("limit", most, Limit(ONE)), _response(of)))


def drawdown() -> Kind[tuple[Drawdown, ...]]:
    """Accept a fall below the peak in percent, and how its halt ends."""
    most = percent("0.01", "100")

    def build(of: Fields) -> Drawdown:
        fall = of.need("limit", most, ONE)
        return Drawdown(fall, of.read("until", choice(Until), Until.RESET), _response(of))

    return _guard("`10%`", "limit", ("until",), build)


def cooldown() -> Kind[tuple[Cooldown, ...]]:
    """Accept a number of losses in a row and a pause."""
    count, pause = whole(1, 1000), scalar(_DURATION, parse_duration)

    def build(of: Fields) -> Cooldown:
        return Cooldown(of.need("losses", count, 1), of.need("for", pause, 1), _response(of))

    return _guard("", "losses", ("for",), build)


def lockout() -> Kind[tuple[Lockout, ...]]:
    """Accept a pause of one symbol after a loss, or after several within a time."""
    count, pause = whole(1, 1000), scalar(_DURATION, parse_duration)
    within: Kind[int | None] = scalar(_DURATION, parse_duration)

    def build(of: Fields) -> Lockout:
        losses = of.read("losses", count, 1)
        if "within" in of.pairs and losses == 1:
            of.problems.append((of.pairs["within"].span, f"`within` of {of.owner} goes with `losses` of 2 or more"))
        return Lockout(of.need("for", pause, 1), losses, of.read("within", within, None), _response(of))

    return _guard("`1h`", "for", ("losses", "within"), build)


def hours() -> Kind[tuple[Hours, ...]]:
    """Accept sessions in which trades may be opened."""
    sample = "`[{days: mon-fri, from: 08:00, to: 17:00}]`"
    return _guard(sample, "sessions", (), lambda of: Hours(of.need("sessions", _sessions(), ()), _response(of)))


def guards_of_a_preset() -> Kind[GuardRules]:
    """Accept a section with any of the guards."""
    return Kind(f"a section with {listed(GUARDS)}", _guard_rules, as_flow, is_tree=True)


def _guard_rules(node: Node) -> GuardRules:
    of = Fields(node, "the section", GUARDS)
    rules = GuardRules(
        hours=of.read("hours", hours(), ()),
        max_open=of.read("max_open", max_open(), ()),
        daily_loss=of.read("daily_loss", daily_loss(), ()),
        drawdown=of.read("drawdown", drawdown(), ()),
        cooldown=of.read("cooldown", cooldown(), ()),
        lockout=of.read("lockout", lockout(), ()),
    )
    if of.problems:
        raise BadValues(of.problems)
    return rules


GUARDS: Final = ("hours", "max_open", "daily_loss", "drawdown", "cooldown", "lockout")
"""The names of the guards in the configuration."""


def _guard(sample: str, short: str, more: tuple[str, ...], build: Callable[[Fields], T]) -> Kind[tuple[T, ...]]:
    """Make the kind of a guard that is `none`, a value of its key `short` alone, or a section."""
    keys = (short, *more, "action", "factor")
    allowed = f"{f'{sample}, ' if sample else ''}a section with {listed(keys)}, or `none`"

    def read(node: Node) -> tuple[T, ...]:
        if isinstance(node, Text) and node.text == "none":
            return ()
        if isinstance(node, Text) and node.is_empty:
            raise BadValues([(node.span, f"has no value, expected {allowed}")])
        if not isinstance(node, Pairs):
            if not sample:
                raise BadValues([(node.span, f"is `{shortened(as_flow(node))}`, expected {allowed}")])
            node = Pairs(((Text(short, NOWHERE), node),), node.span, is_flow=True)
        of = Fields(node, "the guard", keys)
        rule = build(of)
        if of.problems:
            raise BadValues(of.problems)
        return (rule,)

    return Kind(allowed, read, as_flow, is_tree=True)


def _response(of: Fields) -> Response:
    action = of.read("action", choice(Action), Action.HALT)
    factor = of.read("factor", number("0.01", "0.99"), HALTS.factor)
    if "factor" in of.pairs and action is not Action.SHRINK and not of.problems:
        of.problems.append((of.pairs["factor"].span, f"`factor` of {of.owner} goes with `action: shrink`"))
    return Response(action, factor)


def _sessions() -> Kind[tuple[Session, ...]]:
    allowed = "a list of sessions with `days`, `from` and `to`"

    def read(node: Node) -> tuple[Session, ...]:
        if not isinstance(node, Items) or not 1 <= len(node.items) <= _SESSIONS_MAX:
            raise BadValues([(node.span, f"is `{shortened(as_flow(node))}`, expected {allowed}, 1 to {_SESSIONS_MAX}")])
        problems: list[tuple[Span, str]] = []
        sessions = [_session(item, f"session {index}", problems) for index, item in enumerate(node.items, 1)]
        if problems:
            raise BadValues(problems)
        return tuple(sessions)

    return Kind(allowed, read, as_flow, is_tree=True)


def _session(node: Node, owner: str, problems: list[tuple[Span, str]]) -> Session:
    of = Fields(node, owner, ("days", "from", "to"))
    clock = scalar("a time of day from `00:00` to `24:00`", _parse_clock)
    days = of.read("days", _days(), tuple(range(7)))
    begin, end = of.need("from", clock, 0), of.need("to", clock, 1)
    if begin == end and not of.problems:
        of.problems.append((of.span, f"{owner} is empty: `from` is `to`; the whole day is 00:00 to 24:00"))
    problems.extend(of.problems)
    return Session(days, begin, end)


def _days() -> Kind[tuple[int, ...]]:
    allowed = f"days like `mon-fri`, `sat` or a list of {listed(_DAYS)}"
    one = scalar(allowed, _parse_days)

    def read(node: Node) -> tuple[int, ...]:
        items = node.items if isinstance(node, Items) else (node,)
        found = sorted({day for item in items for day in one.read(item)})
        if not found:
            raise BadValues([(node.span, f"is empty, expected {allowed}")])
        return tuple(found)

    return Kind(allowed, read, as_flow, is_tree=True)


def _parse_days(text: str) -> tuple[int, ...]:
    first, dash, last = text.lower().partition("-")
    begin = _DAYS.index(first)
    count = (_DAYS.index(last) - begin) % 7 + 1 if dash else 1
    return tuple((begin + step) % 7 for step in range(count))


def _parse_clock(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    minute = 1441 if match is None else int(match[1]) * 60 + int(match[2])
    if minute > 1440:
        raise ValueError(text)
    return minute
