"""Guards: when an account takes no more risk. Pure decisions on facts about the account; no order is made here.

A guard refuses an order to open, makes it smaller, or says something; exits, closes, changes and cancels never come
here, and an entry placed before still fills. The rule to keep: nothing that a guard returns can make a size larger.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Final

from papertrade.engine.instants import duration_text, to_iso
from papertrade.engine.limits import Action, GuardName, Limit, Number
from papertrade.engine.money import CONTEXT, HUNDRED, ONE, ZERO, exact, plain, to_grid
from papertrade.engine.values import dataclass

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Response:
    """What a guard does when it acts; `factor` (above 0, below 1) is what `shrink` multiplies the size by."""

    action: Action = Action.HALT
    factor: Decimal = Decimal("0.5")

    def __post_init__(self) -> None:
        if not 0 < self.factor < 1:
            raise ValueError(f"factor `{self.factor}` must lie between 0 and 1")


HALTS: Final = Response()


class Until(StrEnum):
    """How a drawdown's halt ends: by `guards reset`, or by itself when the equity is back above the limit."""

    RESET = "reset"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Session:
    """Hours in which trades may be opened: days (0 is Monday) and minutes of the local day, the end not included.

    With `to_minute` at or before `from_minute` it ends on the next day and belongs to the day on which it began.
    """

    days: tuple[int, ...]
    from_minute: int
    to_minute: int

    def holds(self, weekday: int, minute: int) -> bool:
        """Whether a local minute lies in the session."""
        if self.from_minute < self.to_minute:
            return weekday in self.days and self.from_minute <= minute < self.to_minute
        return (weekday in self.days and minute >= self.from_minute) or (
            (weekday - 1) % 7 in self.days and minute < self.to_minute
        )

    def __str__(self) -> str:
        return f"{','.join(_DAYS[day] for day in self.days)} {_clock(self.from_minute)}-{_clock(self.to_minute)}"


@dataclass(frozen=True, slots=True)
class Hours:
    """Acts outside every one of its sessions."""

    sessions: tuple[Session, ...]
    response: Response = HALTS


@dataclass(frozen=True, slots=True)
class MaxOpen:
    """Acts while so many trades, or more, are pending or open."""

    limit: int
    response: Response = HALTS


@dataclass(frozen=True, slots=True)
class DailyLoss:
    """Acts once today's loss, realised and unrealised, has reached the limit; percent are of the opening balance."""

    limit: Limit
    response: Response = HALTS


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Acts once the equity has lain `percent` below its peak."""

    percent: Decimal
    until: Until = Until.RESET
    response: Response = HALTS


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Acts for a while after the last of at least so many losses in a row."""

    losses: int
    for_ms: int
    response: Response = HALTS


@dataclass(frozen=True, slots=True)
class Lockout:
    """Acts on one symbol for a while after its last loss, of at least so many within a time (None: ever)."""

    for_ms: int
    losses: int = 1
    within_ms: int | None = None
    response: Response = HALTS


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """All guards; of each kind there may be several, from the settings and from a preset, and every one is asked."""

    hours: tuple[Hours, ...] = ()
    max_open: tuple[MaxOpen, ...] = ()
    daily_loss: tuple[DailyLoss, ...] = ()
    drawdown: tuple[Drawdown, ...] = ()
    cooldown: tuple[Cooldown, ...] = ()
    lockout: tuple[Lockout, ...] = ()

    @property
    def are_off(self) -> bool:
        """Whether there is no guard at all."""
        return self == NO_GUARDS

    @property
    def need_equity(self) -> bool:
        """Whether a guard asks what the account is worth."""
        return bool(self.daily_loss or self.drawdown)

    @property
    def drawdowns(self) -> tuple[Decimal, ...]:
        """The drawdowns (in percent) that are remembered until a reset."""
        return tuple(rule.percent for rule in self.drawdown if rule.until is Until.RESET)

    def with_more(self, other: GuardRules) -> GuardRules:
        """Return these guards and others: an order must pass all of them."""
        return GuardRules(
            hours=self.hours + other.hours,
            max_open=self.max_open + other.max_open,
            daily_loss=self.daily_loss + other.daily_loss,
            drawdown=self.drawdown + other.drawdown,
            cooldown=self.cooldown + other.cooldown,
            lockout=self.lockout + other.lockout,
        )


NO_GUARDS: Final = GuardRules()


@dataclass(frozen=True, slots=True)
class Trip:
    """The first time since the last reset that the equity had fallen by `percent` of its peak (UTC ms)."""

    percent: Decimal
    at_ms: int
    equity: Decimal
    peak: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What guards know of an account at an instant; what no guard asked for is left at its default.

    `live` counts pending and open trades. `day_base` is the balance when the day began with what was paid in since,
    `day_profit` the change of the equity since, without what was paid in. `peak` moves with deposits and withdrawals.
    `streak` counts the losses in a row up to now, the last at `streak_at_ms`; `symbol_losses` are the instants of the
    asked symbol's losses, oldest first. `weekday` (0 is Monday) and `minute` of the day are local.
    """

    at_ms: int
    weekday: int = 0
    minute: int = 0
    live: int = 0
    day_base: Decimal = ZERO
    day_profit: Decimal = ZERO
    equity: Decimal = ZERO
    peak: Decimal = ZERO
    trips: tuple[Trip, ...] = ()
    streak: int = 0
    streak_at_ms: int | None = None
    symbol_losses: tuple[int, ...] = ()

    @property
    def drawdown_percent(self) -> Decimal:
        """How far the equity lies below its peak, in percent of the peak to 1e-8; 0 at it or without one."""
        return drawdown_percent(self.equity, self.peak)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How one guard stands: whether it acts, the numbers, in words, and until when (None: not known in time)."""

    guard: GuardName
    response: Response
    is_acting: bool
    message: str
    numbers: tuple[Number, ...]
    since_ms: int | None = None
    until_ms: int | None = None
    symbol: str | None = None

    @property
    def factor(self) -> Decimal:
        """What the guard multiplies a size by: 1 unless it acts and shrinks."""
        return self.response.factor if self.is_acting and self.response.action is Action.SHRINK else ONE


def judge(rules: GuardRules, facts: AccountFacts, symbol: str) -> tuple[Stand, ...]:
    """Return the guards that act on an order to open `symbol`, in the order of their names."""
    return tuple(stand for stand in stands(rules, facts, symbol) if stand.is_acting)


def stands(rules: GuardRules, facts: AccountFacts, symbol: str | None = None) -> tuple[Stand, ...]:
    """Return how every guard stands; lockouts only of a symbol."""
    with exact():
        return tuple(_stands(rules, facts, symbol))


def drawdown_percent(equity: Decimal, peak: Decimal) -> Decimal:
    """Return how far `equity` lies below `peak`, in percent to 1e-8; 0 at it, above it, or without a peak above 0."""
    if peak <= 0 or equity >= peak:
        return ZERO
    return to_grid(CONTEXT.divide(CONTEXT.multiply(CONTEXT.subtract(peak, equity), HUNDRED), peak))


def has_fallen(equity: Decimal, peak: Decimal, percent: Decimal) -> bool:
    """Whether `equity` lies `percent` of a peak above 0 below it, exactly."""
    return peak > 0 and CONTEXT.multiply(CONTEXT.subtract(peak, equity), HUNDRED) >= CONTEXT.multiply(percent, peak)


def _stands(rules: GuardRules, facts: AccountFacts, symbol: str | None) -> Iterator[Stand]:
    for hours in rules.hours:
        yield _hours(hours, facts)
    for most in rules.max_open:
        yield _max_open(most, facts)
    for loss in rules.daily_loss:
        yield _daily_loss(loss, facts)
    for fall in rules.drawdown:
        yield _drawdown(fall, facts)
    for cooldown in rules.cooldown:
        yield _cooldown(cooldown, facts)
    for lockout in rules.lockout if symbol is not None else ():
        yield _lockout(lockout, facts, symbol or "")


def _hours(rule: Hours, facts: AccountFacts) -> Stand:
    is_inside = any(session.holds(facts.weekday, facts.minute) for session in rule.sessions)
    sessions = "; ".join(map(str, rule.sessions))
    now = f"{_DAYS[facts.weekday]} {_clock(facts.minute)}"
    return Stand(
        guard=GuardName.HOURS,
        response=rule.response,
        is_acting=not is_inside,
        message=f"{now} is {'within' if is_inside else 'outside'} the hours {sessions}",
        numbers=(Number("weekday", Decimal(facts.weekday)), Number("minute", Decimal(facts.minute))),
    )


def _max_open(rule: MaxOpen, facts: AccountFacts) -> Stand:
    live = f"`{facts.live}` {'trade is' if facts.live == 1 else 'trades are'} live"
    return Stand(
        guard=GuardName.MAX_OPEN,
        response=rule.response,
        is_acting=facts.live >= rule.limit,
        message=f"{live}, at most `{rule.limit}` may be",
        numbers=(Number("live", Decimal(facts.live)), Number("limit", Decimal(rule.limit))),
    )


def _daily_loss(rule: DailyLoss, facts: AccountFacts) -> Stand:
    limit = rule.limit.of(facts.day_base)
    loss = max(-facts.day_profit, ZERO)
    share = f" ({rule.limit} of `{plain(facts.day_base)}`)" if rule.limit.is_percent else ""
    return Stand(
        guard=GuardName.DAILY_LOSS,
        response=rule.response,
        is_acting=loss > 0 and loss >= limit,
        message=f"today's loss is `{plain(loss)}`, the limit is `{plain(to_grid(limit))}`{share}",
        numbers=(Number("loss", loss), Number("limit", limit), Number("day_base", facts.day_base)),
    )


def _drawdown(rule: Drawdown, facts: AccountFacts) -> Stand:
    trip = next((trip for trip in facts.trips if trip.percent == rule.percent), None)
    is_down = has_fallen(facts.equity, facts.peak, rule.percent)
    latched = trip if rule.until is Until.RESET and not is_down else None
    equity, peak = (facts.equity, facts.peak) if latched is None else (latched.equity, latched.peak)
    fallen = plain(drawdown_percent(equity, peak).quantize(Decimal("0.01")))
    when = "is" if latched is None else f"was at {to_iso(latched.at_ms)}"
    return Stand(
        guard=GuardName.DRAWDOWN,
        response=rule.response,
        is_acting=is_down or latched is not None,
        message=(
            f"equity {when} `{plain(equity)}`, {fallen}% below its peak `{plain(peak)}`; "
            f"the limit is {plain(rule.percent)}%"
        ),
        numbers=(Number("equity", equity), Number("peak", peak), Number("limit_percent", rule.percent)),
        since_ms=None if trip is None else trip.at_ms,
    )


def _cooldown(rule: Cooldown, facts: AccountFacts) -> Stand:
    last_ms = facts.streak_at_ms
    until_ms = None if last_ms is None or facts.streak < rule.losses else last_ms + rule.for_ms
    is_acting = until_ms is not None and facts.at_ms < until_ms
    until = f" until {to_iso(until_ms)}" if until_ms is not None and is_acting else ""
    return Stand(
        guard=GuardName.COOLDOWN,
        response=rule.response,
        is_acting=is_acting,
        message=(
            f"`{facts.streak}` losses in a row, `{rule.losses}` ask for a pause of {duration_text(rule.for_ms)}{until}"
        ),
        numbers=(Number("losses", Decimal(facts.streak)), Number("limit", Decimal(rule.losses))),
        since_ms=last_ms if is_acting else None,
        until_ms=until_ms if is_acting else None,
    )


def _lockout(rule: Lockout, facts: AccountFacts, symbol: str) -> Stand:
    losses = facts.symbol_losses
    counted = len(losses) if rule.within_ms is None else sum(at >= losses[-1] - rule.within_ms for at in losses)
    is_acting = counted >= rule.losses and facts.at_ms < losses[-1] + rule.for_ms
    noun = "loss" if counted == 1 else "losses"
    span = "" if rule.within_ms is None else f" within {duration_text(rule.within_ms)}"
    until = f" until {to_iso(losses[-1] + rule.for_ms)}" if is_acting else ""
    return Stand(
        guard=GuardName.LOCKOUT,
        response=rule.response,
        is_acting=is_acting,
        message=(
            f"{symbol} had `{counted}` {noun}{span}, `{rule.losses}` lock it for {duration_text(rule.for_ms)}{until}"
        ),
        numbers=(Number("losses", Decimal(counted)), Number("limit", Decimal(rule.losses))),
        since_ms=losses[-1] if is_acting else None,
        until_ms=losses[-1] + rule.for_ms if is_acting else None,
        symbol=symbol,
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
