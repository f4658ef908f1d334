"""A section of the configuration being read: knows its keys, collects everything that is wrong with it.

The rule to keep: a wrong value never hides another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from papertrade.config.values import BadValues, Kind, nearest, shortened
from papertrade.text_nodes import Node, Pairs, Span

T = TypeVar("T")


class Fields:
    """One section being read: knows its keys, collects what is wrong."""

    def __init__(self, node: Node, owner: str, known: Sequence[str]) -> None:
        self.owner = owner
        self.problems: list[tuple[Span, str]] = []
        self.pairs: dict[str, Node] = {}
        self.span = node.span
        # With a key misspelt, another that is missing is probably that one.
        self.tells_missing = False
        if not isinstance(node, Pairs):
            self.problems.append((node.span, f"{owner} must be a section with {listed(known)}"))
            return
        for key, value in node.pairs:
            if key.text in known:
                self.pairs[key.text] = value
                continue
            meant = nearest(key.text, known)
            advice = f"did you mean `{meant}`?" if meant is not None else f"known are {listed(known)}"
            self.problems.append((key.span, f"{owner} has no setting `{shortened(key.text)}`, {advice}"))
        self.tells_missing = not self.problems

    def read(self, key: str, kind: Kind[T], default: T) -> T:
        """Return the value of a key, `default` if it is absent or wrong."""
        node = self.pairs.get(key)
        if node is None:
            return default
        try:
            return kind.read(node)
        except BadValues as bad:
            self.problems.extend((span, f"`{key}` of {self.owner} {sentence}") for span, sentence in bad.problems)
            return default

    def need(self, key: str, kind: Kind[T], standing_in: T) -> T:
        """Return the value of a key that must be there."""
        if key not in self.pairs and self.tells_missing:
            self.problems.append((self.span, f"{self.owner} needs `{key}`"))
        return self.read(key, kind, standing_in)


def listed(names: Sequence[str]) -> str:
    """Return names in backticks, with commas."""
    return ", ".join(f"`{name}`" for name in names)
