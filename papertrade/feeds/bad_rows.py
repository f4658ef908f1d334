"""What is wrong with a file that somebody brought, and the one refusal that names every bad row.

Knows no format. The rule to keep: a flaw has a place that the file's owner can go to, and what the file
holds is shown printable and short.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from papertrade.engine.values import dataclass
from papertrade.errors import InputFileError

_MESSAGE_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record begins: `line 2`, or `item 2` of a list, both counted from 1."""

    word: str
    number: int

    def __str__(self) -> str:
        return f"{self.word} {self.number}"


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a record, or with the file at that place."""

    place: Place
    column: str | None
    message: str


def refusal(
    name: str, flaws: Sequence[Flaw], consequence: str, *, shown_max: int = 1_000, hint: str | None = None
) -> InputFileError:
    """Return the error that counts the bad rows of a file and names the first `shown_max` flaws, each on a line.

    `consequence` says what became of the good rows: `nothing was imported`. All flaws are in the details, under
    `rows`.
    """
    bad_rows = len({flaw.place for flaw in flaws})
    count = "1 bad row" if bad_rows == 1 else f"{bad_rows} bad rows"
    lines = [f"{count} in {one_line(name)}, {consequence}"]
    for flaw in flaws[:shown_max]:
        column = "" if flaw.column is None else f", {one_line(flaw.column)}:"
        lines.append(f"{one_line(name)} {flaw.place}{column} {one_line(flaw.message)}")
    if len(flaws) > shown_max:
        lines.append(f"and {len(flaws) - shown_max} more")
    rows = [
        {flaw.place.word: flaw.place.number, "column": flaw.column, "message": one_line(flaw.message)} for flaw in flaws
    ]
    return InputFileError("\n".join(lines), hint=hint, details={"rows": rows})


def one_line(text: str) -> str:
    """Make what a file holds fit into one line: other characters than printable ones become escapes."""
    cut = text if len(text) <= _MESSAGE_MAX else f"{text[: _MESSAGE_MAX - 3]}..."
    return "".join(letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}" for letter in cut)
