"""The convention that `--convention` and `--set OPTION=VALUE` name, on top of that of the configuration.

The rule to keep: a wrong word is refused with the nearest one that there is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from enum import StrEnum
from typing import get_type_hints

from papertrade.config.settings import Settings
from papertrade.config.values import nearest
from papertrade.engine import codec, conventions
from papertrade.engine.conventions import Convention
from papertrade.errors import UsageProblem
from papertrade.render.text import safe


def convention_of(name: str | None, options: Sequence[str], settings: Settings) -> tuple[str, Convention]:
    """Return the convention of the flags, else of the configuration, with single options set on top of it.

    Its name ends in `+` where they changed something. Raises UsageProblem with the nearest name.
    """
    named = conventions.NAMED
    if name is None:
        base_name, base = str(settings.convention_name), settings.convention
    elif name in named:
        base_name, base = name, named[name]
    else:
        meant = nearest(name, named)
        raise UsageProblem(
            f"--convention `{safe(name)}` is not known",
            hint=f"did you mean `{meant}`?" if meant is not None else f"one of {', '.join(named)}",
        )
    changed = base
    for word in options:
        changed = _with_option(changed, word)
    return (base_name if changed == base else f"{base_name}+"), changed


def _with_option(convention: Convention, word: str) -> Convention:
    name, sign, text = word.partition("=")
    name, text = name.strip().replace("-", "_"), text.strip()
    kinds: dict[str, object] = get_type_hints(Convention)
    known = [option.name for option in fields(Convention)]
    if sign == "":
        raise UsageProblem(f"--set `{safe(word)}` is not OPTION=VALUE", hint="for example --set same_candle=nearest")
    if name not in known:
        meant = nearest(name, known)
        raise UsageProblem(
            f"--set: there is no option `{safe(name)}`",
            hint=f"did you mean `{meant}`?" if meant is not None else f"one of {', '.join(known)}",
        )
    kind = kinds[name]
    if not (isinstance(kind, type) and issubclass(kind, StrEnum)):
        raise TypeError(f"option {name} is no choice")
    values = [str(member) for member in kind]
    if text not in values:
        meant = nearest(text, values)
        raise UsageProblem(
            f"--set {name}: `{safe(text)}` is not known",
            hint=f"did you mean `{meant}`?" if meant is not None else f"one of {', '.join(values)}",
        )
    choices = {option: str(getattr(convention, option)) for option in known}
    return codec.decode(Convention, json.dumps({**choices, name: text}))
