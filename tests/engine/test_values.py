"""A value of `engine.values` is a frozen dataclass of the standard library in everything but time."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field

import pytest

from papertrade.engine.values import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan."""

    name: str
    steps: list[str] = field(default_factory=list)
    note: str = field(default="none", compare=False)
    length: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.name == "":
            raise ValueError("a plan needs a name")
        object.__setattr__(self, "length", len(self.name))


@dataclass(frozen=True, slots=True)
class Point:
    """A point."""

    x: int
    y: int = 2


@dataclass(frozen=True, slots=True)
class One:
    """A single field."""

    x: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """No field."""


@dataclass(frozen=True, slots=True, eq=False)
class Itself:
    """Equal to nothing but itself."""

    x: int


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """Made by the standard library."""

    x: int


@dataclasses.dataclass(frozen=True, slots=True)
class StandardPoint:
    """The same point as the standard library makes it."""

    x: int
    y: int = 2


def test_it_is_made_by_position_and_by_name_with_its_defaults() -> None:
    assert (Point(1).x, Point(1).y, Point(y=3, x=4)) == (1, 2, Point(4, 3))
    assert Plan(name="a").steps == []
    assert Plan(name="a").steps is not Plan(name="a").steps
    assert Plan(name="abc").length == 3


@pytest.mark.parametrize("make", ["Point()", "Point(1, 2, 3)", "Point(1, z=1)", "Point(1, x=1)", "Plan('a')"])
def test_wrong_arguments_are_refused(make: str) -> None:
    with pytest.raises(TypeError):
        eval(make)


def test_it_cannot_be_changed() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'other'"):
        point.other = 2  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    assert point == Point(1)


def test_it_is_equal_by_its_compared_fields_and_its_class() -> None:
    assert Plan(name="a", note="b") == Plan(name="a", note="c")
    assert Plan(name="a") != Plan(name="b")
    assert Point(1).__eq__(StandardPoint(1)) is NotImplemented
    assert (One(1) == One(1), Nothing() == Nothing()) == (True, True)
    assert len({Point(1), Point(1), Point(2)}) == 2
    assert len({One(1), One(1), One(2)}) == 2
    assert Itself(1) != Itself(1)
    assert Rank(1) < Rank(2)


def test_it_shows_itself_as_the_standard_library_shows_it() -> None:
    assert repr(Point(1)) == repr(StandardPoint(1)).replace("StandardPoint", "Point")
    assert repr(Plan(name="a")) == "Plan(name='a', steps=[], note='none')"


def test_a_changed_copy_is_checked_and_leaves_the_first_alone() -> None:
    plan = Plan(name="a", steps=["b"])
    assert replace(plan, name="abc") == Plan(name="abc", steps=["b"])
    assert replace(plan, name="abc").length == 3
    assert plan == Plan(name="a", steps=["b"])
    with pytest.raises(ValueError, match="needs a name"):
        replace(plan, name="")
    with pytest.raises(TypeError):
        replace(plan, nothing=1)  # type: ignore[call-arg]
    assert replace(StandardPoint(1), x=2) == StandardPoint(2)
    assert replace(Rank(1), x=2) == Rank(2)


def test_it_is_copied_and_pickled() -> None:
    plan = Plan(name="a", steps=["b"])
    assert copy.copy(plan) == copy.deepcopy(plan) == pickle.loads(pickle.dumps(plan)) == plan


def test_the_standard_library_takes_it_for_one_of_its_own() -> None:
    assert dataclasses.is_dataclass(Point)
    assert [part.name for part in dataclasses.fields(Plan)] == ["name", "steps", "note", "length"]
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 2}
    assert dataclasses.replace(Point(1), y=5) == Point(1, 5)
    match Point(1):
        case Point(x, y):
            assert (x, y) == (1, 2)
