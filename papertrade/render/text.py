"""Text from outside, made harmless for a terminal; and the smallest piece of output, a toned cell.

No width, no alignment and no stream here. The rule to keep: every string that somebody else wrote
(symbols, sources, reasons, tags, messages of a venue) passes `safe` before it reaches a terminal.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from papertrade.engine.values import dataclass

# Controls (C0, C1, ESC, DEL), formats (bidi overrides and isolates, zero width, tags), lone
# surrogates, line and paragraph separators: all that acts on a terminal or a reader unseen.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Tone(StrEnum):
    """What a colour repeats; the value is a Rich style. Words and signs carry the meaning."""

    PLAIN = ""
    GAIN = "green"
    LOSS = "red"
    WARNING = "yellow"
    DIM = "dim"
    STRONG = "bold"


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a line, or a cell of a table."""

    text: str
    tone: Tone = Tone.PLAIN


def safe(text: str) -> str:
    r"""Replace every character that acts without being seen by a visible `\u{…}`.

    Line breaks and tabs are replaced too: the answer is always one line.
    """
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def safe_lines(text: str) -> str:
    """Make each line safe and keep the line breaks: for messages that we wrote over several lines."""
    return "\n".join(safe(line) for line in text.split("\n"))


def _visible(character: str) -> str:
    if unicodedata.category(character) in _UNSEEN:
        return f"\\u{{{ord(character):x}}}"
    return character
