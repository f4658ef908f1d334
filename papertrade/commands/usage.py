"""Errors about the words of the command line, said the way the rest of the program says errors.

Translates what the parser raises; decides nothing about what the words mean. The rule to keep: lower
case, the person's own words in backticks, and a hint that is the next command.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

import typer

from papertrade.commands.table import Branch, Table
from papertrade.errors import UsageProblem
from papertrade.render.text import safe

_QUOTED = re.compile(r"'([^']+)'")
_BY_A_CHECK = re.compile(r"(?<=: )Value error, ")  # what pydantic puts before the words of a check
_PARSERS_WORDS = (
    (re.compile(r"Input should be greater than or equal to "), "must be at least "),
    (re.compile(r"Input should be less than or equal to "), "must be at most "),
    (re.compile(r"Input should be a valid integer, .*"), "is not a whole number"),
    (re.compile(r"Input should be a valid number, .*"), "is not a number"),
)


def usage_problem(error: typer.TyperException) -> UsageProblem:
    """Translate what the parser found wrong."""
    context: object = getattr(error, "ctx", None)
    path = str(getattr(context, "command_path", "papertrade"))
    page = f"`{path} --help` lists what it takes"
    option: object = getattr(error, "option_name", None)
    possible: object = getattr(error, "possibilities", None)
    if isinstance(option, str) and error.message.startswith("No such option"):
        near = [str(name) for name in possible] if isinstance(possible, Sequence) else []
        return UsageProblem(f"no option `{safe(option)}`", hint=_did_you_mean(near, page))
    words = error.format_message().strip().rstrip(".")
    for pattern, ours in _PARSERS_WORDS:
        words = pattern.sub(ours, words)
    message = _QUOTED.sub(r"`\1`", _BY_A_CHECK.sub("", words))
    return UsageProblem(safe(message[:1].lower() + message[1:]), hint=page)


def unknown_command(path: str, word: str, names: Sequence[str], table: Table) -> UsageProblem:
    """Say that there is no such command, with the nearest names or the group that has one of this name."""
    near = get_close_matches(word.lower(), names, n=2, cutoff=0.7)
    below = [f"{row.name} {word}" for row in table if isinstance(row, Branch) and _has(row, word)]
    page = f"`{path} --help` lists all commands"
    return UsageProblem(f"no command `{safe(word)}`", hint=_did_you_mean([*near, *below], page))


def missing_command(path: str, names: Sequence[str]) -> UsageProblem:
    """Say that a group was named without one of its commands."""
    return UsageProblem(f"`{path}` needs one of: {', '.join(names)}", hint=f"{path} --help")


def _has(branch: Branch, word: str) -> bool:
    return any(entry.name == word for entry in branch.entries)


def _did_you_mean(names: Sequence[str], otherwise: str) -> str:
    if not names:
        return otherwise
    return f"did you mean {' or '.join(f'`{name}`' for name in names)}?"
