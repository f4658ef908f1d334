"""YAML without its surprises: a tree of texts with their places, for the configuration and for signal files.

Every scalar is the text that stands in the file (`NO`, `1_000`, `12:30`, `0.10`), so that nothing is a
boolean, a float or a date by accident. Tags, aliases, duplicate keys, a second document, more than a set
size and more than 20 levels are refused. The rule to keep: nothing here builds an object from a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Final

import yaml
from yaml import events

from papertrade.engine.values import dataclass
from papertrade.text_nodes import SIZE_MAX, Items, Node, Pairs, Span, Text

DEPTH_MAX: Final = 20
_TOO_DEEP = re.compile(rf"[\[{{]{{{DEPTH_MAX + 1}}}")


class YamlProblem(Exception):
    """What is wrong with a text and where: line and column count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    start: events.CollectionStartEvent
    nodes: list[Node] = field(default_factory=list)


def decode(raw: bytes, size_max: int = SIZE_MAX) -> str:
    """Return the text of a file's bytes: UTF-8, with or without a byte order mark. Raises YamlProblem."""
    if len(raw) > size_max:
        raise YamlProblem(f"file is larger than {size_max // 1024} KiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise YamlProblem(f"byte {error.start} is not UTF-8 text", line) from None


def parse(text: str, size_max: int = SIZE_MAX) -> Node | None:
    """Read one document; None where there is nothing but comments. Raises YamlProblem."""
    if len(text) > size_max:
        raise YamlProblem(f"text is larger than {size_max // 1024} KiB")
    deep = _TOO_DEEP.search(text)
    if deep is not None:  # the library takes a tenth of a second to find out
        before = text[: deep.start() + DEPTH_MAX]
        column = len(before) - before.rfind("\n")
        raise YamlProblem(f"nested deeper than {DEPTH_MAX} levels", before.count("\n") + 1, column)
    try:
        return _tree(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        raise YamlProblem(error.problem or "is not YAML", *where) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        raise YamlProblem(
            f"character `U+{ord(text[error.position]):04X}` is not allowed",
            before.count("\n") + 1,
            len(before) - before.rfind("\n"),
        ) from None
    except (ValueError, OverflowError):
        # The library lets these out for an escape beyond Unicode and for a version of thousands of digits.
        raise YamlProblem("an escape or a directive holds a number that is too large") from None


def _tree(stream: Iterator[events.Event]) -> Node | None:
    """Build the tree event by event, without recursion, so that depth is refused before it costs anything."""
    root: Node | None = None
    documents = 0
    stack: list[_Open] = []
    for event in stream:
        node: Node
        match event:
            case events.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    raise _problem("a second document is not allowed", event)
                continue
            case events.AliasEvent():
                raise _problem(f"alias `*{event.anchor}` is not allowed: write the value out", event)
            case events.ScalarEvent():
                _refuse_tag(event.tag, event)
                _refuse_surrogates(event)
                node = Text(event.value, _span(event, event), event.style is not None)
            case events.CollectionStartEvent():
                _refuse_tag(event.tag, event)
                if len(stack) == DEPTH_MAX:
                    raise _problem(f"nested deeper than {DEPTH_MAX} levels", event)
                stack.append(_Open(event))
                continue
            case events.CollectionEndEvent():
                node = _closed(stack.pop(), event)
            case _:
                continue
        if stack:
            stack[-1].nodes.append(node)
        else:
            root = node
    return None if isinstance(root, Text) and root.is_empty else root


def _closed(opened: _Open, end: events.CollectionEndEvent) -> Node:
    span = _span(opened.start, end)
    is_flow = bool(opened.start.flow_style)
    if isinstance(opened.start, events.SequenceStartEvent):
        return Items(tuple(opened.nodes), span, is_flow)
    seen: dict[str, int] = {}
    pairs: list[tuple[Text, Node]] = []
    for key, value in zip(opened.nodes[::2], opened.nodes[1::2], strict=True):
        if not isinstance(key, Text):
            raise YamlProblem("a key must be text", key.span.line, key.span.column)
        if key.text in seen:
            first = f"duplicate key `{key.text[:64]}`: already in line {seen[key.text]}"
            raise YamlProblem(first, key.span.line, key.span.column)
        seen[key.text] = key.span.line
        pairs.append((key, value))
    return Pairs(tuple(pairs), span, is_flow)


def _refuse_tag(tag: str | None, event: events.Event) -> None:
    if tag is not None:
        shown = tag.replace("tag:yaml.org,2002:", "!!", 1)[:64]
        raise _problem(f"tag `{shown}` is not allowed: every value is text", event)


def _refuse_surrogates(event: events.ScalarEvent) -> None:
    try:
        event.value.encode()
    except UnicodeEncodeError:
        raise _problem("a lone surrogate is not a character", event) from None


def _span(start: events.Event, end: events.Event) -> Span:
    first, last = start.start_mark, end.end_mark
    if first is None or last is None:  # pragma: no cover: events that come from text have marks
        raise AssertionError("an event of a text without a place")
    return Span(first.line + 1, first.column + 1, first.index, last.index)


def _problem(message: str, event: events.Event) -> YamlProblem:
    span = _span(event, event)
    return YamlProblem(message, span.line, span.column)
