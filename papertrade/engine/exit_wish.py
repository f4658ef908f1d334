"""Where a trade should end, as wished: stop, targets, trail, break-even, time limit, the stop after the first target.

Each wish prints as it is read (`str`), and the parsers of all of them are here. Nothing here knows a price or a
side; `levels.py` turns wishes into prices once the entry is known. The rule to keep: an ExitWish that exists does
not contradict itself, and what an old journal does not say is a field with a default that says nothing.
"""

from __future__ import annotations

import re
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from typing import Final, assert_never

from papertrade.engine.instants import duration_text, parse_duration, parse_time, to_iso
from papertrade.engine.later import LATER
from papertrade.engine.money import CONTEXT, HUNDRED, ONE, ZERO, parse_decimal, plain
from papertrade.engine.values import dataclass


class LevelKind(StrEnum):
    """How a level is written."""

    PRICE = "price"
    PERCENT = "percent"
    SIGNED_PERCENT = "signed_percent"
    RISK = "risk"
    EVEN = "be"
    EVEN_GROSS = "be:gross"

    @property
    def is_even(self) -> bool:
        """Whether it is a break-even price, with costs or without."""
        return self is _EVEN or self is _EVEN_GROSS


_EVEN: Final = LevelKind.EVEN
_EVEN_GROSS: Final = LevelKind.EVEN_GROSS
_RISK: Final = LevelKind.RISK
_SIGNED_PERCENT: Final = LevelKind.SIGNED_PERCENT


@dataclass(frozen=True, slots=True)
class Level:
    """A price `95`, a price change `-2%` (signed) or `2%` (to the losing or winning side), risks `2R`, or `be`.

    `be` is the price at which the net result of what is open is 0 with all costs, `be:gross` the entry price;
    both have the value 0.
    """

    kind: LevelKind
    value: Decimal = ZERO

    def __post_init__(self) -> None:
        if not self.value.is_finite():
            raise ValueError(f"level `{self.value}` is not a number")
        if self.kind.is_even:
            if self.value != 0:
                raise ValueError(f"level `{self}` has no number of its own")
        elif self.kind is not _SIGNED_PERCENT and self.value <= ZERO:
            raise ValueError(f"level `{self}` must be above 0")
        elif self.kind is _SIGNED_PERCENT and self.value <= -HUNDRED:
            raise ValueError(f"level `{self}` would be a price of 0 or less")

    def __str__(self) -> str:
        match self.kind:
            case LevelKind.PRICE:
                return plain(self.value)
            case LevelKind.PERCENT:
                return f"{plain(self.value)}%"
            case LevelKind.SIGNED_PERCENT:
                return f"{plain(self.value)}%" if self.value < 0 else f"+{plain(self.value)}%"
            case LevelKind.RISK:
                return f"{plain(self.value)}R"
            case LevelKind.EVEN | LevelKind.EVEN_GROSS:
                return str(self.kind)
            case _:
                assert_never(self.kind)


@dataclass(frozen=True, slots=True)
class TargetWish:
    """A take profit and the fraction of the trade to close there; None shares equally with its peers."""

    level: Level
    fraction: Decimal | None = None

    def __post_init__(self) -> None:
        if self.level.kind.is_even:
            raise ValueError(f"a target cannot be `{self.level}`: only a stop can")
        if self.fraction is not None and not ZERO < self.fraction <= ONE:
            raise ValueError(f"fraction `{plain(self.fraction)}` of a target must be above 0 and at most 1")

    def __str__(self) -> str:
        return str(self.level) if self.fraction is None else f"{self.level}:{plain(self.fraction)}"


@dataclass(frozen=True, slots=True)
class TrailWish:
    """A stop that follows the best price at a distance: percent of it, a price difference, or risks.

    It follows from `activation` on, a level on the winning side; None follows from the entry price on.
    """

    distance: Level
    activation: Level | None = None

    def __post_init__(self) -> None:
        if self.distance.kind not in (LevelKind.PERCENT, LevelKind.PRICE, LevelKind.RISK):
            raise ValueError(f"trail `{self.distance}` is not a distance: write `2%`, `150` or `1.5R`")
        if self.activation is not None and self.activation.kind.is_even:
            raise ValueError(f"a trail cannot begin at `{self.activation}`: write a price `105`, `+4%` or `2R`")

    @property
    def percent(self) -> Decimal | None:
        """The distance where it is one in percent of the best price."""
        return self.distance.value if self.distance.kind is LevelKind.PERCENT else None

    def __str__(self) -> str:
        return str(self.distance) if self.activation is None else f"{self.distance}@{self.activation}"


@dataclass(frozen=True, slots=True)
class BreakEvenWish:
    """That the stop moves to break-even once `trigger` is reached: net of all costs, or gross to the entry price."""

    trigger: Level
    is_gross: bool = False

    def __post_init__(self) -> None:
        if self.trigger.kind.is_even:
            raise ValueError(f"break-even cannot wait for `{self.trigger}`: write `1R`, `+2%` or a price `105`")

    def __str__(self) -> str:
        return f"{self.trigger}:gross" if self.is_gross else str(self.trigger)


@dataclass(frozen=True, slots=True)
class TimeLimitWish:
    """When a trade ends whatever its price: so long after its entry (`after_ms`), or at an instant (UTC ms)."""

    after_ms: int | None = None
    at_ms: int | None = None

    def __post_init__(self) -> None:
        if (self.after_ms is None) == (self.at_ms is None):
            raise ValueError("a time limit is either a duration or an instant")
        if self.after_ms is not None and (self.after_ms <= 0 or self.after_ms % 1000 != 0):
            raise ValueError(f"time limit of `{self.after_ms}` ms must be whole seconds and more than 0")

    def __str__(self) -> str:
        return to_iso(self.at_ms or 0) if self.after_ms is None else duration_text(self.after_ms)


@dataclass(frozen=True, slots=True)
class ExitWish:
    """Where a trade should end, as wished; take profits in the order given.

    `after_first` is where the stop goes once the first target is taken.
    """

    stop: Level | None = None
    targets: tuple[TargetWish, ...] = ()
    trail: TrailWish | None = field(default=None, metadata=LATER)
    break_even: BreakEvenWish | None = field(default=None, metadata=LATER)
    time_limit: TimeLimitWish | None = field(default=None, metadata=LATER)
    after_first: Level | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        if self.stop is not None and self.stop.kind is _RISK:
            raise ValueError(f"stop `{self.stop}` cannot be in risks: the stop defines the risk")
        if self.stop is None:
            self._refuse_risks()
        given = [t.fraction for t in self.targets if t.fraction is not None]
        if given and len(given) != len(self.targets):
            raise ValueError("either every target has a fraction or none has")
        if given and (total := reduce(CONTEXT.add, given)) > ONE:
            raise ValueError(f"fractions of the targets sum to `{plain(total)}`, more than 1")
        if len(self.targets) > 1 and len({t.level for t in self.targets}) != len(self.targets):
            raise ValueError("two targets have the same level")
        if self.after_first is not None and (not self.targets or self.targets[0].fraction == 1 or self._is_single()):
            raise ValueError(
                f"a stop at `{self.after_first}` after the first target needs something left there: "
                "two targets, or one with a fraction `110:0.5`"
            )

    @property
    def is_plain(self) -> bool:
        """Whether a stop and targets are all that is wished."""
        return self.trail is None and self.break_even is None and self.time_limit is None and self.after_first is None

    def _is_single(self) -> bool:
        return len(self.targets) == 1 and self.targets[0].fraction is None

    def _refuse_risks(self) -> None:
        if any(t.level.kind is LevelKind.RISK for t in self.targets):
            raise ValueError("a target in risks (`2R`) needs a stop loss")
        trail, trigger = self.trail, None if self.break_even is None else self.break_even.trigger
        in_trail = () if trail is None else (trail.distance, trail.activation)
        if any(level is not None and level.kind is LevelKind.RISK for level in in_trail):
            raise ValueError(f"a trail in risks (`{trail}`) needs a stop loss")
        if trigger is not None and trigger.kind is LevelKind.RISK:
            raise ValueError(f"a break-even in risks (`{self.break_even}`) needs a stop loss")
        if self.after_first is not None and self.after_first.kind is LevelKind.RISK:
            raise ValueError(f"a stop after the first target in risks (`{self.after_first}`) needs a stop loss")


NO_EXITS: Final = ExitWish()

_LEVEL = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]+)?)(%|[rR])?", re.ASCII)
_EVENS = {kind.value: kind for kind in (LevelKind.EVEN, LevelKind.EVEN_GROSS)}


def parse_level(text: str) -> Level:
    """Read `95`, `2%`, `-2%`, `+4%`, `2R`, `be` or `be:gross`. Raises ValueError with what would be right."""
    bare = text.strip()
    even = _EVENS.get(bare.lower())
    if even is not None:
        return Level(even)
    match = _LEVEL.fullmatch(bare)
    if match is None or (match[1] and match[3] != "%"):
        raise ValueError(f"`{text}` is not a level: write a price `95`, a change `-2%` or risks `2R`")
    value = parse_decimal(match[1].replace("+", "") + match[2])
    if match[3] is None:
        return Level(LevelKind.PRICE, value)
    if match[3] == "%":
        return Level(LevelKind.SIGNED_PERCENT if match[1] else LevelKind.PERCENT, value)
    return Level(LevelKind.RISK, value)


def parse_target(text: str) -> TargetWish:
    """Read a level with an optional fraction: `110`, `110:0.5`, `2R:0.5`."""
    level, colon, fraction = text.strip().partition(":")
    wished = parse_level(level)
    try:
        return TargetWish(wished, parse_decimal(fraction) if colon else None)
    except ValueError as error:
        raise ValueError(f"{error}: behind the colon of a target stands its part, `110:0.5`") from None


def parse_trail(text: str) -> TrailWish:
    """Read a distance with an optional activation: `2%`, `150`, `1.5R`, `2%@+4%`, `150@105`, `1R@2R`."""
    distance, at, activation = text.strip().partition("@")
    return TrailWish(parse_level(distance), parse_level(activation) if at else None)


def parse_break_even(text: str) -> BreakEvenWish:
    """Read a trigger, net of costs or gross: `1R`, `2%`, `+2%`, `105`, `1R:gross`."""
    trigger, colon, measure = text.strip().partition(":")
    if colon and measure.strip().lower() != "gross":
        raise ValueError(f"`{text}` is not a break-even: write its trigger `1R`, or `1R:gross` to leave out costs")
    return BreakEvenWish(parse_level(trigger), is_gross=colon != "")


def parse_time_limit(text: str) -> TimeLimitWish:
    """Read a duration after the entry, `4h`, or an instant: ISO-8601 with a zone, or epoch milliseconds."""
    bare = text.strip()
    if bare[-1:] in tuple("wdhms"):
        return TimeLimitWish(after_ms=parse_duration(bare))
    try:
        return TimeLimitWish(at_ms=parse_time(bare))
    except ValueError as error:
        raise ValueError(str(error).replace(" is not a time: write ", " is not a time limit: write `4h`, ")) from None
