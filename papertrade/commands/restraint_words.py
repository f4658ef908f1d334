"""Guards and caps of a backtest: those of the configuration, with single ones set by `--set guards.…` and `caps.…`.

The rule to keep: a word here is a setting's own path, read by the setting's own bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar, cast

from papertrade.config import guard_schema
from papertrade.config.load import node_of
from papertrade.config.setting import Setting
from papertrade.config.settings import Settings
from papertrade.config.values import BadValues, nearest
from papertrade.engine.caps import Caps
from papertrade.engine.guards import NO_GUARDS, GuardRules
from papertrade.engine.values import dataclass
from papertrade.errors import UsageProblem
from papertrade.render.text import safe

T = TypeVar("T")

_SECTIONS: Final = ("guards.", "caps.")
_KNOWN: Final = {setting.path: setting for setting in guard_schema.SETTINGS}


@dataclass(frozen=True, slots=True)
class Restraints:
    """What holds orders back in a backtest."""

    guards: GuardRules
    caps: Caps


def is_restraint(word: str) -> bool:
    """Whether a word of `--set` names a guard or a cap."""
    return _path(word).startswith(_SECTIONS)


def restraints_of(words: Sequence[str], settings: Settings, *, no_guards: bool) -> Restraints:
    """Return the guards and caps to run under; words that name none are left alone. Raises UsageProblem."""
    named = [word for word in words if is_restraint(word)]
    clash = next((word for word in named if no_guards and _path(word).startswith("guards.")), None)
    if clash is not None:
        raise UsageProblem(f"--no-guards and --set {_path(clash)} exclude each other", hint="keep one of them")
    values = guard_schema.values_of(NO_GUARDS if no_guards else settings.guards, settings.caps)
    for word in named:
        values[_path(word)] = _read(word)
    reader = _Values(values)
    return Restraints(guard_schema.guards(reader), guard_schema.caps(reader))


def _read(word: str) -> object:
    path, (_, sign, text) = _path(word), word.partition("=")
    setting = _KNOWN.get(path)
    if setting is None:
        meant = nearest(path, _KNOWN)
        hint = f"did you mean `{meant}`?" if meant is not None else f"one of {', '.join(_KNOWN)}"
        raise UsageProblem(f"--set: there is no option `{safe(path)}`", hint=hint)
    if sign == "":
        raise UsageProblem(f"--set `{safe(word)}` is not OPTION=VALUE", hint="for example --set guards.max_open=3")
    try:
        return setting.kind.read(node_of(setting, text.strip()))
    except BadValues as bad:
        raise UsageProblem(f"--set {path}: {bad.problems[0][1]}") from None


def _path(word: str) -> str:
    return word.partition("=")[0].strip().replace("-", "_")


@dataclass(frozen=True, slots=True)
class _Values:
    """Gives the values of settings out of a mapping."""

    values: Mapping[str, object]

    def __call__(self, setting: Setting[T]) -> T:
        """Return the value of a setting, which its own kind has read."""
        return cast(T, self.values[setting.path])
