"""The settings that are lists and sections: currencies that count as one, notification targets, presets.

Each reader reports everything that is wrong with its value at once. The rule to keep: an address, a
command's arguments and a secret of a target are never repeated, neither in an error nor in what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

from papertrade.config.fields import Fields, listed
from papertrade.config.guard_sections import guards_of_a_preset
from papertrade.config.settings import Delivery, NotifyTarget, PostWebhook, Preset, RunCommand, Secret
from papertrade.config.values import (
    BadValues,
    Kind,
    as_flow,
    as_scalar,
    optional,
    scalar,
    seconds,
    shortened,
    text_matching,
)
from papertrade.engine.exit_wish import NO_EXITS
from papertrade.engine.guards import NO_GUARDS
from papertrade.engine.instants import parse_duration
from papertrade.engine.signal import (
    BreakEvenWish,
    ExitWish,
    Level,
    Size,
    TargetWish,
    TimeLimitWish,
    TrailWish,
    parse_break_even,
    parse_level,
    parse_size,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.text_nodes import Items, Node, Pairs, Span, Text

T = TypeVar("T")

NAME: Final = text_matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a name of 1 to 64 letters, digits, `.`, `_` or `-`")
CURRENCY: Final = text_matching(r"[A-Z0-9]{1,16}", "1 to 16 capital letters or digits")
EVENTS: Final = ("order_filled", "trade_opened", "trade_changed", "trade_closed", "refused", "guard_acted")
"""What a target can be told; the names are those of `watch --json`."""

SIZES: Final = ("size", "notional", "percent", "risk")
_RULES: Final = ("trail", "break_even", "time_limit", "after_tp1")
_ITEMS_MAX: Final = 100
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_HEADERS_OF_THE_CLIENT: Final = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


def currency_groups() -> Kind[tuple[tuple[str, ...], ...]]:
    """Accept a list of lists of currencies, each currency at most once."""
    allowed = "a list of lists of currencies, each currency in one list only"

    def read(node: Node) -> tuple[tuple[str, ...], ...]:
        groups = tuple(tuple(CURRENCY.read(item) for item in _items(group, allowed)) for group in _items(node, allowed))
        names = [name for group in groups for name in group]
        if len(set(names)) != len(names) or any(len(group) < 2 for group in groups):
            raise BadValues([(node.span, f"is `{shortened(as_flow(node))}`, expected {allowed}, at least two in each")])
        return groups

    return Kind(allowed, read, as_flow, is_tree=True)


def notify_targets() -> Kind[tuple[NotifyTarget, ...]]:
    """Accept a list of targets with different names."""
    allowed = "a list of targets"

    def read(node: Node) -> tuple[NotifyTarget, ...]:
        problems: list[tuple[Span, str]] = []
        targets: list[NotifyTarget] = []
        for index, item in enumerate(_items(node, allowed), 1):
            try:
                target = _target(item, f"target {index}")
            except BadValues as bad:
                problems.extend(bad.problems)
                continue
            if any(target.name == other.name for other in targets):
                problems.append((item.span, f"target {index}: the name `{target.name}` is taken"))
            targets.append(target)
        if problems:
            raise BadValues(problems)
        return tuple(targets)

    return Kind(allowed, read, _targets_masked, is_tree=True, has_secret=_has_secret)


def presets() -> Kind[tuple[Preset, ...]]:
    """Accept a section of presets by name."""
    allowed = "a section of presets by name"

    def read(node: Node) -> tuple[Preset, ...]:
        if not isinstance(node, Pairs):
            raise BadValues([(node.span, f"must be {allowed}")])
        if len(node.pairs) > _ITEMS_MAX:
            raise BadValues([(node.span, f"holds more than {_ITEMS_MAX} presets")])
        problems: list[tuple[Span, str]] = []
        found: list[Preset] = []
        for name, body in node.pairs:
            try:
                found.append(_preset(NAME.read(name), body))
            except BadValues as bad:
                problems.extend(bad.problems)
        if problems:
            raise BadValues(problems)
        return tuple(found)

    return Kind(allowed, read, as_flow, is_tree=True)


def _target(node: Node, owner: str) -> NotifyTarget:
    known = ("name", "type", "command", "url", "events", "timeout", "allow_private", "secret_header", "secret_value")
    fields = Fields(node, owner, known)
    name = fields.need("name", NAME, "")
    sort = fields.need("type", text_matching("command|webhook", "`command` or `webhook`"), "")
    events = fields.read("events", _events(), EVENTS)
    timeout_ms = fields.read("timeout", seconds("0.1", "30"), 3_000)
    delivery: Delivery
    foreign: tuple[str, ...]
    if sort == "webhook":
        delivery = _webhook(fields)
        foreign = ("command",)
    else:
        delivery = RunCommand(fields.need("command", _arguments(), ()) if sort == "command" else ())
        foreign = ("url", "allow_private", "secret_header", "secret_value") if sort == "command" else ()
    fields.problems.extend(
        (fields.pairs[key].span, f"{owner} is a {sort}, so it has no `{key}`") for key in foreign if key in fields.pairs
    )
    if fields.problems:
        raise BadValues(fields.problems)
    return NotifyTarget(name=name, events=events, timeout_ms=timeout_ms, delivery=delivery)


def _webhook(fields: Fields) -> PostWebhook:
    allow_private = fields.read("allow_private", text_matching("true|false", "`true` or `false`"), "false") == "true"
    schemes = ("https", "http") if allow_private else ("https",)
    words = "an `https` address without user" if not allow_private else "an `https` or `http` address without user"
    url_kind = scalar(words, lambda text: _parse_url(text, schemes), is_echoed=False)
    url = fields.need("url", url_kind, Secret(""))
    header = fields.read("secret_header", optional(scalar("the name of a header", _parse_header)), None)
    secret = fields.read("secret_value", optional(scalar("printable ASCII", _parse_secret, is_echoed=False)), None)
    if (header is None) != (secret is None) and not fields.problems:
        fields.problems.append((fields.span, f"{fields.owner} needs both `secret_header` and `secret_value`, or none"))
    return PostWebhook(url, allow_private, header, secret)


def _preset(name: str, node: Node) -> Preset:
    fields = Fields(node, f"preset `{name}`", ("sl", "tp", *_RULES, *SIZES, "expires", "guards"))
    exits = _exits(fields)
    expires_ms: int | None = fields.read("expires", scalar("a duration like `2h`", parse_duration), None)
    guards = fields.read("guards", guards_of_a_preset(), NO_GUARDS)
    given = [key for key in SIZES if key in fields.pairs]
    if len(given) > 1:
        fields.problems.append((fields.span, f"{fields.owner} must have one size only, not {listed(given)}"))
    size: Size | None = None
    for key in given:
        size = fields.read(
            key, scalar("a size, like `0.5`, `500`, `10%` or a risk of `1%`", partial(parse_size, key)), size
        )
    if fields.problems:
        raise BadValues(fields.problems)
    return Preset(name=name, exits=exits, size=size, expires_ms=expires_ms, guards=guards)


def _exits(fields: Fields) -> ExitWish:
    """Read the exits of a preset; with a wrong word among them no contradiction is looked for."""
    before = len(fields.problems)
    stop: Kind[Level | None] = scalar("a level like `95`, `2%` or `-2%`", _parse_stop)
    trail: Kind[TrailWish | None] = scalar("a trail like `2%`, `150`, `1R` or `2%@+4%`", parse_trail)
    even: Kind[BreakEvenWish | None] = scalar("a trigger like `1R`, `+2%` or `1R:gross`", parse_break_even)
    limit: Kind[TimeLimitWish | None] = scalar("a duration like `4h`, or a time", parse_time_limit)
    after: Kind[Level | None] = scalar("a level like `be`, `101` or `1R`", parse_level)
    parts = (
        fields.read("sl", stop, None),
        fields.read("tp", _target_wishes(), ()),
        fields.read("trail", trail, None),
        fields.read("break_even", even, None),
        fields.read("time_limit", limit, None),
        fields.read("after_tp1", after, None),
    )
    if len(fields.problems) == before:
        try:
            return ExitWish(*parts)
        except ValueError as error:
            fields.problems.append((fields.span, f"{fields.owner}: {error}"))
    return NO_EXITS


def _parse_stop(text: str) -> Level:
    level = parse_level(text)
    if level.kind.is_even:
        raise ValueError(text)
    return level


def _target_wishes() -> Kind[tuple[TargetWish, ...]]:
    one = scalar("a target like `110`, `4%`, `2R` or `2R:0.5`", parse_target)

    def read(node: Node) -> tuple[TargetWish, ...]:
        items = node.items if isinstance(node, Items) else (node,)
        return tuple(one.read(item) for item in items)

    return Kind(one.allowed, read, as_flow, is_tree=True)


def _events() -> Kind[tuple[str, ...]]:
    one = text_matching("|".join(EVENTS), f"one of {listed(EVENTS)}")
    allowed = f"`all` or a list of {listed(EVENTS)}"

    def read(node: Node) -> tuple[str, ...]:
        if isinstance(node, Text) and node.text == "all":
            return EVENTS
        names = tuple(dict.fromkeys(one.read(item) for item in _items(node, allowed)))
        if not names:
            raise BadValues([(node.span, f"is empty, expected {allowed}")])
        return names

    return Kind(allowed, read, as_flow, is_tree=True)


def _arguments() -> Kind[tuple[str, ...]]:
    allowed = "a list of a program and its arguments: no shell reads it"
    one = scalar("an argument", _parse_argument, is_echoed=False)

    def read(node: Node) -> tuple[str, ...]:
        arguments = tuple(one.read(item) for item in _items(node, allowed))
        if not arguments or arguments[0] == "":
            raise BadValues([(node.span, f"is empty, expected {allowed}")])
        return arguments

    return Kind(allowed, read, as_flow, is_tree=True)


def _items(node: Node, allowed: str) -> tuple[Node, ...]:
    if not isinstance(node, Items):
        raise BadValues([(node.span, f"is not a list, expected {allowed}")])
    if len(node.items) > _ITEMS_MAX:
        raise BadValues([(node.span, f"holds more than {_ITEMS_MAX} items")])
    return node.items


def _parse_url(text: str, schemes: Sequence[str]) -> Secret:
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc or parts.port == 0:
        raise ValueError("address")
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > 2048:
        raise ValueError("address")
    return Secret(text)


def _parse_header(text: str) -> str:
    if _HEADER.fullmatch(text) is None or text.lower() in _HEADERS_OF_THE_CLIENT:
        raise ValueError(text)
    return text


def _parse_secret(text: str) -> Secret:
    if not text.isascii() or not text.isprintable() or not 1 <= len(text) <= 4096:
        raise ValueError("secret")
    return Secret(text)


def _parse_argument(text: str) -> str:
    if "\x00" in text or len(text) > 4096:
        raise ValueError("argument")
    return text


def _has_secret(node: Node) -> bool:
    items = node.items if isinstance(node, Items) else ()
    return any(isinstance(item, Pairs) and item.get("url") is not None for item in items)


def _targets_masked(node: Node) -> str:
    """Print the targets with what may be secret replaced: the address but its host, arguments, the header's value."""
    items = node.items if isinstance(node, Items) else ()
    return f"[{', '.join(_target_masked(item) for item in items)}]"


def _target_masked(node: Node) -> str:
    shown: list[str] = []
    for key, value in node.pairs if isinstance(node, Pairs) else ():
        text = as_flow(value)
        if key.text == "url":
            host = urlsplit(value.text).hostname if isinstance(value, Text) else None
            text = as_scalar(f"https://{host}/***")
        elif key.text == "secret_value":
            text = '"***"'
        elif key.text == "command" and isinstance(value, Items) and len(value.items) > 1:
            text = f'[{as_flow(value.items[0])}, "***"]'
        shown.append(f"{as_scalar(key.text)}: {text}")
    return f"{{{', '.join(shown)}}}"
