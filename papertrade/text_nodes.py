"""A tree of texts with the places where they stand: what a YAML file says, before anything is made of it.

Shared by the configuration and the signal files; `strict_yaml.py` makes these trees. The rule to keep:
every leaf is the text that a person wrote, and nobody guesses a type.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from papertrade.engine.values import dataclass

SIZE_MAX: Final = 256 * 1024
"""The most bytes of a file that somebody wrote by hand."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: line and column count from 1, `start` and `end` are offsets into the text."""

    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as written; `is_quoted` tells `"null"` from `null`."""

    text: str
    span: Span
    is_quoted: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written: `key:`, `null` or `~`."""
        return not self.is_quoted and self.text in ("", "null", "~")


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `is_flow` where it is written with brackets."""

    items: tuple[Node, ...]
    span: Span
    is_flow: bool


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping in the order of the file, every key once; `is_flow` where it is written with braces."""

    pairs: tuple[tuple[Text, Node], ...]
    span: Span
    is_flow: bool

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        return next((node for name, node in self.pairs if name.text == key), None)


Node: TypeAlias = Text | Items | Pairs

NOWHERE: Final = Span(1, 1, 0, 0)
"""The place of a node that stands in no file."""
