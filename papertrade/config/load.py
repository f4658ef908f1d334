"""From texts to settings: defaults < file < environment < flags, merged once and validated once.

Everything that is wrong is found before anything is refused. The rule to keep: the environment and the
places come in as arguments, and a value never loses the name of where it came from.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

from papertrade.config.schema import BY_PATH, SETTINGS, build, is_section
from papertrade.config.setting import Setting
from papertrade.config.settings import Settings
from papertrade.config.values import BadValues, nearest, shortened
from papertrade.engine.values import dataclass
from papertrade.errors import ConfigError
from papertrade.text_nodes import NOWHERE, SIZE_MAX, Items, Node, Pairs, Span, Text

T = TypeVar("T")

_PREFIX = "PAPERTRADE_"
_PLACES = frozenset({"PAPERTRADE_CONFIG", "PAPERTRADE_DB"})
_ACCOUNT = "PAPERTRADE_ACCOUNT"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the configuration and the database are; `is_config_named` when the user named the file."""

    config: Path
    database: Path
    is_config_named: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of `config show`: a setting, its value with secrets hidden, and where it came from."""

    path: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, where each came from, and what the user should know about the file."""

    settings: Settings
    shown: tuple[Shown, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody gave: its source, its node, and whether places inside it mean something."""

    source: str
    node: Node
    is_in_file: bool = False

    def problem(self, sentence: str, span: Span) -> Problem:
        """Return what is wrong with this value, with its place if it stands in a file."""
        return Problem(self.source, sentence, span if self.is_in_file else None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence on what is wrong; `span` is its place in a file, None for a variable or a flag."""

    source: str
    sentence: str
    span: Span | None = None

    def __str__(self) -> str:
        place = "" if self.span is None else f":{self.span.line}:{self.span.column}"
        return f"{self.source}{place}: {self.sentence}"

    @property
    def order(self) -> tuple[bool, int]:
        """Where it is reported: the file from top to bottom, then the rest as found."""
        return (True, 0) if self.span is None else (False, self.span.start)


@dataclass(frozen=True, slots=True)
class File:
    """The content of a configuration file and its permission bits (None where they mean nothing)."""

    name: str
    raw: bytes
    mode: int | None = None


def default_places() -> Places:
    """Return the platform's places (XDG on Linux), as the process' own environment has them."""
    import platformdirs

    return Places(
        platformdirs.user_config_path("papertrade", appauthor=False) / "config.yaml",
        platformdirs.user_data_path("papertrade", appauthor=False) / "papertrade.db",
    )


def find_places(
    environment: Mapping[str, str], config: str | Path | None, database: str | Path | None, default: Places
) -> Places:
    """Apply the flags `--config` and `--db`, then PAPERTRADE_CONFIG and PAPERTRADE_DB, then the default."""
    named = config or environment.get("PAPERTRADE_CONFIG") or None
    stored = database or environment.get("PAPERTRADE_DB") or None
    return Places(
        default.config if named is None else Path(named).expanduser(),
        default.database if stored is None else Path(stored).expanduser(),
        named is not None,
    )


def load(places: Places, environment: Mapping[str, str], flags: Mapping[str, str]) -> Configuration:
    """Merge and validate everything. `flags` maps paths of settings to texts.

    Raises ConfigError with all that is wrong: a line for each place.
    """
    return merge(read_file(places.config, is_needed=places.is_config_named), environment, flags)


def check_file(path: Path) -> Configuration:
    """Validate one file by itself, without environment and flags. Raises ConfigError."""
    return merge(read_file(path, is_needed=True), {}, {})


def read_file(path: Path, *, is_needed: bool) -> File | None:
    """Read the file's bytes; None if it is absent and not needed. Raises ConfigError, also if all may write it."""
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode) if os.name == "posix" else None
            raw = stream.read(SIZE_MAX + 1)
    except FileNotFoundError:
        if not is_needed:
            return None
        raise ConfigError(f"configuration file `{path}` does not exist", hint="papertrade init writes one") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise ConfigError(f"configuration file `{path}` cannot be read: {reason.lower()}") from None
    if mode is not None and mode & stat.S_IWOTH:
        raise ConfigError(
            f"configuration file `{path}` can be written by everyone (mode {mode:04o})", hint=f"chmod 600 {path}"
        )
    return File(str(path), raw, mode)


def merge(file: File | None, environment: Mapping[str, str], flags: Mapping[str, str]) -> Configuration:
    """Do what `load` does, with the file already read."""
    problems: list[Problem] = []
    from_file = {} if file is None else _from_file(file, problems)
    layers = (_defaults(), from_file, _from_environment(environment, problems), _from_flags(flags, problems))
    values: dict[str, object] = {}
    shown: dict[str, Shown] = {}
    for layer in layers:
        for path, given in layer.items():
            kind = BY_PATH[path].kind
            try:
                values[path] = kind.read(given.node)
            except BadValues as bad:
                problems.extend(given.problem(f"`{path}` {sentence}", span) for span, sentence in bad.problems)
                continue
            shown[path] = Shown(path, kind.show(given.node), given.source)
    if problems:
        raise _all_of(problems)

    def value(setting: Setting[T]) -> T:
        return cast(T, values[setting.path])

    return Configuration(build(value), tuple(shown.values()), _warnings(file, from_file))


def node_of(setting: Setting[object], text: str) -> Node:
    """Read a value from outside a file: a list or section is written as YAML in one line. Raises BadValues."""
    if not setting.kind.is_tree:
        return Text(text, NOWHERE, is_quoted=True)
    # The empty defaults, so that a run without a file never loads the YAML library.
    if text == "[]":
        return Items((), NOWHERE, is_flow=True)
    if text == "{}":
        return Pairs((), NOWHERE, is_flow=True)
    if text == "none":
        return Text(text, NOWHERE)
    from papertrade import strict_yaml

    try:
        node = strict_yaml.parse(text)
    except strict_yaml.YamlProblem as problem:
        raise BadValues([(NOWHERE, f"is not YAML: {problem.message}")]) from None
    return Text("", NOWHERE) if node is None else node


def unknown(path: str) -> str:
    """Say that there is no such setting, and which one was probably meant."""
    shown = shortened(path)
    meant = nearest(path, BY_PATH)
    if meant is None:
        leaf = path.rpartition(".")[2]
        leaves = {known.rpartition(".")[2]: known for known in BY_PATH}
        close = nearest(leaf, leaves)
        meant = None if close is None else leaves[close]
    advice = "`papertrade config show` lists all" if meant is None else f"did you mean `{meant}`?"
    return f"unknown setting `{shown}`, {advice}"


def _defaults() -> dict[str, Given]:
    return {setting.path: Given("default", node_of(setting, setting.default)) for setting in SETTINGS}


def _from_file(file: File, problems: list[Problem]) -> dict[str, Given]:
    from papertrade import strict_yaml

    try:
        root = strict_yaml.parse(strict_yaml.decode(file.raw))
    except strict_yaml.YamlProblem as problem:
        problems.append(Problem(file.name, problem.message, Span(problem.line, problem.column, 0, 0)))
        return {}
    found: dict[str, Given] = {}
    if isinstance(root, Pairs):
        _collect(root, "", file.name, found, problems)
    elif root is not None:
        problems.append(Problem(file.name, "expected settings like `watch:`", root.span))
    return found


def _collect(section: Pairs, prefix: str, name: str, found: dict[str, Given], problems: list[Problem]) -> None:
    """Walk down to the settings; depth is bounded by the paths that exist."""
    for key, node in section.pairs:
        path = f"{prefix}{key.text}"
        setting = BY_PATH.get(path)
        if setting is not None:
            is_left_out = setting.kind.is_tree and isinstance(node, Text) and node.is_empty
            if not is_left_out:
                found[path] = Given(name, node, is_in_file=True)
        elif not is_section(path):
            problems.append(Problem(name, unknown(path), key.span))
        elif isinstance(node, Pairs):
            _collect(node, f"{path}.", name, found, problems)
        elif not (isinstance(node, Text) and node.is_empty):
            inside = next(known for known in BY_PATH if known.startswith(f"{path}."))
            sentence = f"`{path}` is a section, its settings stand below it, like `{inside}`"
            problems.append(Problem(name, sentence, key.span))


def _from_environment(environment: Mapping[str, str], problems: list[Problem]) -> dict[str, Given]:
    """Read the variables of settings; an empty one counts as unset."""
    by_variable = {setting.variable: setting for setting in SETTINGS}
    bare_names = {name.removeprefix(_PREFIX): name for name in by_variable}
    found: dict[str, Given] = {}
    for name in sorted(environment):
        if not name.startswith(_PREFIX) or name.startswith("PAPERTRADE_TEST_") or name in _PLACES:
            continue
        setting = BY_PATH["account.name"] if name == _ACCOUNT else by_variable.get(name)
        if setting is None:
            if "__" in name:
                meant = nearest(name.removeprefix(_PREFIX), bare_names)
                advice = (
                    "`papertrade config show` lists all" if meant is None else f"did you mean `{bare_names[meant]}`?"
                )
                problems.append(Problem(shortened(name), f"no setting has this variable, {advice}"))
        elif environment[name] != "":
            if setting.path in found:
                problems.append(Problem(name, f"`{found[setting.path].source}` is set too, and both name the account"))
            _add(setting, name, environment[name], found, problems)
    return found


def _from_flags(flags: Mapping[str, str], problems: list[Problem]) -> dict[str, Given]:
    found: dict[str, Given] = {}
    for path, text in flags.items():
        setting = BY_PATH.get(path)
        if setting is None:
            problems.append(Problem("flag", unknown(path)))
        else:
            _add(setting, "flag", text, found, problems)
    return found


def _add(setting: Setting[object], source: str, text: str, found: dict[str, Given], problems: list[Problem]) -> None:
    try:
        found[setting.path] = Given(source, node_of(setting, text))
    except BadValues as bad:
        problems.extend(Problem(source, f"`{setting.path}` {sentence}") for _, sentence in bad.problems)


def _warnings(file: File | None, from_file: Mapping[str, Given]) -> tuple[str, ...]:
    if file is None or file.mode is None or not file.mode & (stat.S_IRWXG | stat.S_IRWXO):
        return ()
    if not any(BY_PATH[path].kind.has_secret(given.node) for path, given in from_file.items()):
        return ()
    return (f"`{file.name}` holds secrets and others may read it (mode {file.mode:04o}): chmod 600 {file.name}",)


def _all_of(problems: list[Problem]) -> ConfigError:
    lines = [str(problem) for problem in sorted(problems, key=lambda problem: problem.order)]
    message = lines[0] if len(lines) == 1 else "\n".join([f"{len(lines)} things are wrong:", *lines])
    return ConfigError(
        message, hint="papertrade config show, or docs/configuration.md", details={"problems": tuple(lines)}
    )
