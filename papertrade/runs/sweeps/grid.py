"""What a sweep tries: axes of targets, stops and holding times, and the grid of all their combinations.

Values are exact: distances are decimals in percent of the entry, holding times are whole milliseconds. The rule
to keep: a range includes its end only if its steps reach it, and a grid that nobody could want is refused here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from papertrade.engine.instants import duration_text, parse_duration
from papertrade.engine.money import HUNDRED, exact, parse_decimal, plain
from papertrade.engine.values import dataclass

COMBINATIONS_MAX: Final = 1_000_000
VALUES_MAX: Final = 10_000
_DECIMALS_MAX: Final = 8
_NONE: Final = "none"
_PERCENTS: Final = "`0.5:5:0.5` (start:end:step), `1,2,3`"
_HOLDS: Final = "`1h:24h:1h` (start:end:step), `30m,4h`"


@dataclass(frozen=True, slots=True)
class Percents:
    """Distances from the entry in percent, nearest first; None, the last one, means no such level."""

    values: tuple[Decimal | None, ...]

    def __post_init__(self) -> None:
        given = [value for value in self.values if value is not None]
        if not self.values or any(value <= 0 for value in given):
            raise ValueError("distances must be above 0 percent")
        if any(-int(value.as_tuple().exponent) > _DECIMALS_MAX for value in given):
            raise ValueError(f"distances may have {_DECIMALS_MAX} decimals")
        expected = (*sorted(set(given)), *((None,) if None in self.values else ()))
        if self.values != expected:
            raise ValueError("distances must rise and differ")


@dataclass(frozen=True, slots=True)
class Holds:
    """Longest holding times in milliseconds, shortest first; None, the last one, means no limit."""

    values: tuple[int | None, ...]

    def __post_init__(self) -> None:
        given = [value for value in self.values if value is not None]
        if not self.values or any(value <= 0 or value % 1_000 != 0 for value in given):
            raise ValueError("holding times must be whole seconds and above 0")
        if self.values != (*sorted(set(given)), *((None,) if None in self.values else ())):
            raise ValueError("holding times must rise and differ")


@dataclass(frozen=True, slots=True)
class Combination:
    """One place of the grid. None where the trade has no such exit, or keeps its own (see the grid's axes)."""

    target: Decimal | None
    stop: Decimal | None
    hold_ms: int | None


@dataclass(frozen=True, slots=True)
class Grid:
    """The axes that are swept; an axis of None is not: each signal keeps what it has of its own.

    Combinations are numbered with the holding time running fastest, then the stop, then the target. Raises
    ValueError for more of them than `COMBINATIONS_MAX`, and without any axis.
    """

    targets: Percents | None = None
    stops: Percents | None = None
    holds: Holds | None = None

    def __post_init__(self) -> None:
        if self.targets is None and self.stops is None and self.holds is None:
            raise ValueError("nothing to sweep: give targets, stops or holding times")
        if len(self) > COMBINATIONS_MAX:
            raise ValueError(f"`{len(self)}` combinations are more than the `{COMBINATIONS_MAX}` that are tried")

    def __len__(self) -> int:
        targets, stops, holds = self.shape
        return targets * stops * holds

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many targets, stops and holding times there are; 1 for an axis that is not swept."""
        axes = (self.targets, self.stops, self.holds)
        targets, stops, holds = (1 if axis is None else len(axis.values) for axis in axes)
        return targets, stops, holds

    def combination(self, number: int) -> Combination:
        """Return the combination of that number, counted from 0."""
        _, stops, holds = self.shape
        place, hold = divmod(number, holds)
        target, stop = divmod(place, stops)
        return Combination(
            None if self.targets is None else self.targets.values[target],
            None if self.stops is None else self.stops.values[stop],
            None if self.holds is None else self.holds.values[hold],
        )

    def only(self, number: int) -> Grid:
        """Return the grid of that one combination."""
        one = self.combination(number)
        return Grid(
            None if self.targets is None else Percents((one.target,)),
            None if self.stops is None else Percents((one.stop,)),
            None if self.holds is None else Holds((one.hold_ms,)),
        )


def parse_percents(text: str) -> Percents:
    """Read `0.5:5:0.5` (start, end, step), `1,2,3`, `none`, or a mix with commas, in percent of the entry.

    Raises ValueError with what would be right.
    """
    found: set[Decimal] = set()
    has_none = False
    for part in _parts(text, _PERCENTS):
        if part == _NONE:
            has_none = True
            continue
        ends = [_percent(word, text) for word in part.split(":")]
        found.update(_range(ends, text))
        _check_count(len(found), text)
    return Percents((*sorted(found), *((None,) if has_none else ())))


def parse_holds(text: str) -> Holds:
    """Read `1h:24h:1h` (start, end, step), `30m,4h`, `none`, or a mix with commas. Raises ValueError."""
    found: set[int] = set()
    has_none = False
    for part in _parts(text, _HOLDS):
        if part == _NONE:
            has_none = True
            continue
        ends = [Decimal(parse_duration(word)) for word in part.split(":")]
        found.update(int(value) for value in _range(ends, text))
        _check_count(len(found), text)
    return Holds((*sorted(found), *((None,) if has_none else ())))


def percent_text(value: Decimal | None) -> str:
    """Write a distance as it was asked for: `2.5%`, `none`."""
    return _NONE if value is None else f"{plain(value)}%"


def hold_text(hold_ms: int | None) -> str:
    """Write a holding time as it was asked for: `90m`, `4h`, `none`."""
    return _NONE if hold_ms is None else duration_text(hold_ms)


def _parts(text: str, examples: str) -> list[str]:
    parts = [part.strip().lower() for part in text.split(",")]
    if any(not part or part.count(":") not in (0, 2) for part in parts):
        raise _unreadable(text, examples)
    return parts


def _percent(word: str, text: str) -> Decimal:
    try:
        value = parse_decimal(word.strip().removesuffix("%"))
    except ValueError:
        raise _unreadable(text, _PERCENTS) from None
    if not 0 < value <= HUNDRED * HUNDRED:
        raise ValueError(f"`{word.strip()}` of `{text}` must be above 0 and at most 10000 percent")
    return value


def _range(ends: list[Decimal], text: str) -> list[Decimal]:
    """Return a single value, or all from a start to an end by a step."""
    if len(ends) == 1:
        return ends
    start, end, step = ends
    if end < start:
        raise ValueError(f"`{text}` ends before it starts")
    with exact():
        count = int((end - start) // step) + 1
        _check_count(count, text)
        return [start + step * number for number in range(count)]


def _check_count(count: int, text: str) -> None:
    if count > VALUES_MAX:
        raise ValueError(f"`{text}` has `{count}` values, more than `{VALUES_MAX}`")


def _unreadable(text: str, examples: str) -> ValueError:
    shown = text if len(text) <= 40 else f"{text[:37]}..."
    return ValueError(f"`{shown}` is no range: write {examples} or `none`")
