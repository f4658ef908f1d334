"""Changing one value of the user's file: every other line, comment and blank stays as it was.

The new text is read again before it is written: it must say the same as before but for the one value, and
must be a valid configuration. What cannot be edited that surely is left to the user's hand. The rule to
keep: the file on disk is the old one or the new one, never something between.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from papertrade.config.load import Configuration, File, merge, node_of, read_file, unknown
from papertrade.config.schema import BY_PATH
from papertrade.config.values import BadValues, as_flow, as_scalar
from papertrade.errors import ConfigError
from papertrade.strict_yaml import YamlProblem, decode, parse
from papertrade.text_nodes import Node, Pairs, Text


def set_value(file_path: Path, path: str, value: str) -> Configuration:
    """Set one setting in the file, which is made if it does not exist, with mode 0600.

    Returns what the file says now. Raises ConfigError for an unknown setting, a value out of bounds, a file
    that is wrong elsewhere, and a place that cannot be edited safely.
    """
    place = file_path.resolve()
    file = read_file(place, is_needed=False)
    before = "" if file is None else _decoded(file)
    after = edited(before, path, value, str(file_path))
    configuration = merge(File(str(file_path), after.encode()), {}, {})
    _replace(place, after)
    return configuration


def edited(text: str, path: str, value: str, name: str = "config.yaml") -> str:
    """Return the text of a configuration file with one value changed or added. Raises ConfigError."""
    setting = BY_PATH.get(path)
    if setting is None:
        raise ConfigError(unknown(path), hint="papertrade config show")
    try:
        node = node_of(setting, value)
        setting.kind.read(node)
    except BadValues as bad:
        raise ConfigError("\n".join(f"`{path}` {sentence}" for _, sentence in bad.problems)) from None
    root = _root(text, name)
    written = as_flow(node) if setting.kind.is_tree else as_scalar(value)
    parts = path.split(".")
    after = _appended(text, 0, parts, written) if root is None else _with_value(text, root, None, parts, written)
    if after is None or not _is_only_change(text, after, path, as_flow(node)):
        raise ConfigError(
            f"`{path}` cannot be changed in `{name}` without disturbing what stands around it",
            hint=f"write `{path.rpartition('.')[2]}: {written}` there by hand",
        )
    return after


def _decoded(file: File) -> str:
    try:
        return decode(file.raw)
    except YamlProblem as problem:
        raise ConfigError(f"{file.name}:{problem.line}:{problem.column}: {problem.message}") from None


def _root(text: str, name: str) -> Pairs | None:
    try:
        root = parse(text)
    except YamlProblem as problem:
        raise ConfigError(f"{name}:{problem.line}:{problem.column}: {problem.message}") from None
    if root is not None and not isinstance(root, Pairs):
        raise ConfigError(f"{name}:{root.span.line}:{root.span.column}: expected settings like `watch:`")
    return root


def _with_value(text: str, section: Pairs, owner: Text | None, parts: list[str], written: str) -> str | None:
    """Replace the value if it is there, else add it to the deepest section that is; None if neither is easy."""
    entry = next(((key, node) for key, node in section.pairs if key.text == parts[0]), None)
    if entry is None:
        return _added(text, section, owner, parts, written)
    key, node = entry
    if len(parts) == 1:
        return _replaced(text, node, written)
    if isinstance(node, Pairs):
        return _with_value(text, node, key, parts[1:], written)
    is_empty = isinstance(node, Text) and node.is_empty
    return _below(text, key, _indent(key) + 2, parts[1:], written) if is_empty else None


def _replaced(text: str, node: Node, written: str) -> str | None:
    start, end = node.span.start, node.span.end
    if not isinstance(node, Text) and not node.is_flow:
        return None
    gap = " " if text[start - 1 : start] == ":" else ""
    return f"{text[:start]}{gap}{written}{text[end:]}"


def _added(text: str, section: Pairs, owner: Text | None, parts: list[str], written: str) -> str | None:
    if section.is_flow:
        nested = written
        for part in reversed(parts[1:]):
            nested = f"{{{part}: {nested}}}"
        comma = ", " if section.pairs else ""
        inside = section.span.start + 1
        return f"{text[:inside]}{parts[0]}: {nested}{comma}{text[inside:]}"
    indent = _indent(section.pairs[0][0])
    return _appended(text, indent, parts, written) if owner is None else _below(text, owner, indent, parts, written)


def _below(text: str, owner: Text, indent: int, parts: list[str], written: str) -> str:
    """Insert the new lines right below the line of the key that owns them."""
    end = text.find("\n", owner.span.end)
    if end == -1:
        return f"{text}{_line_end(text)}{_lines(indent, parts, written, _line_end(text))}"
    return f"{text[: end + 1]}{_lines(indent, parts, written, _line_end(text))}{text[end + 1 :]}"


def _appended(text: str, indent: int, parts: list[str], written: str) -> str:
    gap = "" if text == "" or text.endswith("\n") else _line_end(text)
    return f"{text}{gap}{_lines(indent, parts, written, _line_end(text))}"


def _lines(indent: int, parts: list[str], written: str, line_end: str) -> str:
    *sections, name = parts
    heads = [f"{' ' * (indent + 2 * depth)}{section}:" for depth, section in enumerate(sections)]
    last = f"{' ' * (indent + 2 * len(sections))}{name}: {written}"
    return "".join(f"{line}{line_end}" for line in (*heads, last))


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent(key: Text) -> int:
    return key.span.column - 1


def _is_only_change(before: str, after: str, path: str, shown: str) -> bool:
    """Whether both texts say the same but for `path`, which now is `shown`."""
    try:
        old, new = _flat(parse(before)), _flat(parse(after))
    except YamlProblem:
        return False
    above = {path[:index] for index, letter in enumerate(path) if letter == "."}
    old_rest = {key: text for key, text in old.items() if key != path and key not in above}
    new_rest = {key: text for key, text in new.items() if key != path and key not in above}
    return new.get(path) == shown and old_rest == new_rest


def _flat(node: Node | None) -> dict[str, str]:
    """Return each setting's path with its value on one line; unknown keys count too."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, Node]] = [] if node is None else [("", node)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, Pairs) and path not in BY_PATH:
            waiting.extend((f"{path}.{key.text}".lstrip("."), value) for key, value in one.pairs)
        else:
            found[path] = as_flow(one)
    return found


def _replace(place: Path, text: str) -> None:
    """Write beside the file and put it in its place in one step."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(place)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise ConfigError(f"configuration file `{place}` cannot be written: {reason}") from None
