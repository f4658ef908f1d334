"""Frozen dataclasses that are made, changed and defined at a fraction of the usual cost.

`dataclass` and `replace` are those of the standard library to the reader and to the type checker. At run time a frozen
class with slots is filled while it is still a plain twin of itself, and becomes what it is in one step: the standard
library calls `object.__setattr__` once a field, and a trade has some two hundred fields in all its values. The
code that makes an instance is compiled when the first one is made, so that defining a class costs little.
The rule to keep: nothing here may be seen from outside but in time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

__all__ = ["dataclass", "replace"]

T = TypeVar("T")

_SIMPLE: Final = {"frozen", "slots", "kw_only", "eq"}
_changers: Final[dict[type, Callable[..., object]]] = {}
"""For each class made here: what makes a changed copy."""


def _dataclass(**options: bool) -> Callable[[type[T]], type[T]]:
    """Return the decorator that the options ask for: that of the standard library for what is rare."""

    def decorate(cls: type[T]) -> type[T]:
        is_simple = options.keys() <= _SIMPLE and options.get("frozen") and options.get("slots")
        if not is_simple or cls.__bases__ != (object,):
            return dataclasses.dataclass(**options)(cls)
        return _frozen(cls, kw_only=options.get("kw_only", False), eq=options.get("eq", True))

    return decorate


def _replace(value: T, /, **changes: object) -> T:
    """Return a copy of a dataclass with other values in some fields; what is checked when one is made is checked."""
    change = _changers.get(value.__class__)
    if change is None:
        return dataclasses.replace(value, **changes)  # type: ignore[type-var]
    return change(value, **changes)  # type: ignore[return-value]


if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:
    dataclass = _dataclass
    replace = _replace


def _frozen(cls: type[T], *, kw_only: bool, eq: bool) -> type[T]:
    """Make a frozen dataclass with slots of `cls`: fields as the standard library reads them, methods from here."""
    made: type[T] = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only, slots=True)(cls)
    parts = dataclasses.fields(made)  # type: ignore[arg-type]

    def compile_then_make(cls: type[T], /, *values: object, **named: object) -> T:
        make = _maker(made, parts)
        _set(made, "__new__", staticmethod(make))
        return make(cls, *values, **named)

    _set(made, "__new__", staticmethod(compile_then_make))
    _set(made, "__setattr__", _refuse_to_set)
    _set(made, "__delattr__", _refuse_to_delete)
    if "__repr__" not in cls.__dict__:
        _set(made, "__repr__", _shown)
    _set(made, "__reduce__", _reduced)
    if eq:
        _set_equality(made, tuple(part.name for part in parts if part.compare))
    _changers[made] = _first_changer(made, parts)
    return made


def _set(cls: type, name: str, method: object) -> None:
    setattr(cls, name, method)


def _set_equality(cls: type, names: tuple[str, ...]) -> None:
    """Compare and hash by fields, as one tuple each."""
    compared = _values_of(names)

    def equal(self: object, other: object) -> object:
        return compared(self) == compared(other) if self.__class__ is other.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(compared(self))

    _set(cls, "__eq__", equal)
    _set(cls, "__hash__", hashed)


def _values_of(names: tuple[str, ...]) -> Callable[[object], tuple[object, ...]]:
    """Return what reads some attributes as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _maker(cls: type[T], parts: tuple[Field[object], ...]) -> Callable[..., T]:
    """Compile the function that makes an instance."""
    wanted, stored = ["_cls", "/"], []
    known: dict[str, object] = {"_new": object.__new__, "_Open": _open_twin(cls), "_MISSING": MISSING}
    for part in sorted(parts, key=lambda part: bool(part.kw_only)):
        name = part.name
        if not part.init:
            continue
        if part.kw_only and "*" not in wanted:
            wanted.append("*")
        stored.append(f"_self.{name} = {name}")
        if part.default is not MISSING:
            known[f"_default_{name}"] = part.default
            wanted.append(f"{name}=_default_{name}")
        elif part.default_factory is not MISSING:
            known[f"_make_{name}"] = part.default_factory
            wanted.append(f"{name}=_MISSING")
            stored[-1] = f"_self.{name} = _make_{name}() if {name} is _MISSING else {name}"
        else:
            wanted.append(name)
    return _compiled("__new__", wanted, _body(cls, stored), known)


def _first_changer(cls: type, parts: tuple[Field[object], ...]) -> Callable[..., object]:
    """Return a changer that compiles the real one when it is first asked."""

    def compile_then_change(value: object, **changes: object) -> object:
        names = [part.name for part in parts if part.init]
        stored = [f"_self.{name} = _value.{name} if {name} is _MISSING else {name}" for name in names]
        known: dict[str, object] = {"_new": object.__new__, "_Open": _open_twin(cls), "_MISSING": MISSING, "_cls": cls}
        wanted = ["_value", "*", *(f"{name}=_MISSING" for name in names)]
        change: Callable[..., object] = _compiled("changed", wanted, _body(cls, stored), known)
        _changers[cls] = change
        return change(value, **changes)

    return compile_then_change


def _body(cls: type, stored: list[str]) -> list[str]:
    """Return the lines that fill an open twin and close it."""
    checked = ["_self.__post_init__()"] if hasattr(cls, "__post_init__") else []
    return ["_self = _new(_Open)", *stored, "_self.__class__ = _cls", *checked, "return _self"]


def _open_twin(cls: type) -> type:
    """Return a class of the same layout whose instances can still be filled."""
    return type(f"{cls.__name__}BeingMade", (), {"__slots__": cls.__slots__})  # type: ignore[attr-defined]


def _compiled(name: str, wanted: list[str], body: list[str], known: dict[str, object]) -> Callable[..., T]:
    lines = "\n".join(f"    {line}" for line in body)
    exec(f"def {name}({', '.join(wanted)}):\n{lines}", known)
    made: Callable[..., T] = known[name]  # type: ignore[assignment]
    return made


def _refuse_to_set(_: object, name: str, __: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _shown(self: object) -> str:
    parts = dataclasses.fields(self)  # type: ignore[arg-type]
    shown = ", ".join(f"{part.name}={getattr(self, part.name)!r}" for part in parts if part.repr)
    return f"{type(self).__qualname__}({shown})"


def _reduced(self: object) -> tuple[Callable[..., object], tuple[type, dict[str, object]]]:
    """Let `copy` and `pickle` make it again as it was made."""
    parts = dataclasses.fields(self)  # type: ignore[arg-type]
    return _made_of, (type(self), {part.name: getattr(self, part.name) for part in parts if part.init})


def _made_of(cls: type[T], values: dict[str, object]) -> T:
    return cls(**values)
