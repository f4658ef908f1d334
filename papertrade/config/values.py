"""The kinds of single values that a setting can have: how a text is read, and the words for what is allowed.

Lists and sections are in `sections.py`. The rule to keep: a kind says what is allowed in the same words in
the error, the example file and the documentation, and every number has both bounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from papertrade.config.settings import Secret
from papertrade.engine.instants import parse_duration
from papertrade.engine.market import INTERVALS
from papertrade.engine.money import CONTEXT, GRID, HUNDRED, parse_decimal, plain
from papertrade.engine.values import dataclass
from papertrade.text_nodes import Items, Node, Span, Text

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=StrEnum)

_PLAIN_SCALAR = re.compile(r"[A-Za-z0-9][A-Za-z0-9%+./_-]*(?::[A-Za-z0-9%+./_-]+)*", re.ASCII)
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
_MS_PER_SECOND: Final = Decimal(1000)


class BadValues(Exception):
    """Why a value is refused: each place with its sentence."""

    def __init__(self, problems: Iterable[tuple[Span, str]]) -> None:
        super().__init__("bad values")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """How one sort of value is read and shown. `read` raises BadValues; `show` hides secrets.

    `is_tree` tells a list or section from a single text; `has_secret` whether this value holds one.
    """

    allowed: str
    read: Callable[[Node], T_co]
    show: Callable[[Node], str]
    is_tree: bool = False
    has_secret: Callable[[Node], bool] = lambda _: False


def scalar(
    allowed: str, parse: Callable[[str], T], *, is_echoed: bool = True, show: Callable[[str], str] = str
) -> Kind[T]:
    """Make a kind from a function of the text that raises ValueError; `is_echoed` False never repeats the value."""

    def read(node: Node) -> T:
        if not isinstance(node, Text):
            what = "a list" if isinstance(node, Items) else "a section"
            raise BadValues([(node.span, f"is {what}, expected {allowed}")])
        if node.text == "" and not node.is_quoted:
            raise BadValues([(node.span, f"has no value, expected {allowed}")])
        try:
            return parse(node.text)
        except ValueError:
            seen = f"is `{shortened(node.text)}`" if is_echoed else "is not right"
            raise BadValues([(node.span, f"{seen}, expected {allowed}")]) from None

    return Kind(allowed, read, lambda node: show(node.text) if isinstance(node, Text) else as_flow(node))


def text_matching(pattern: str, allowed: str) -> Kind[str]:
    """Accept a text that the whole (ASCII) pattern matches."""
    compiled = re.compile(pattern, re.ASCII)

    def parse(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError(text)
        return text

    return scalar(allowed, parse)


def number(low: str, high: str) -> Kind[Decimal]:
    """Accept a plain decimal from `low` to `high`, both included."""
    return scalar(f"a number from {low} to {high}", lambda text: _within(parse_decimal(text), low, high))


def whole(low: int, high: int) -> Kind[int]:
    """Accept a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        value = _within(parse_decimal(text), str(low), str(high))
        if value != int(value):
            raise ValueError(text)
        return int(value)

    return scalar(f"a whole number from {low} to {high}", parse)


def money(low: str, high: str) -> Kind[Decimal]:
    """Accept an amount with at most 8 decimals."""

    def parse(text: str) -> Decimal:
        value = _within(parse_decimal(text), low, high)
        if value != CONTEXT.quantize(value, GRID):
            raise ValueError(text)
        return value

    return scalar(f"an amount from {low} to {high} with at most 8 decimals", parse)


def seconds(low: str, high: str) -> Kind[int]:
    """Accept seconds (`30`, `0.5`) or a duration (`30s`, `1m`); the value is milliseconds."""

    def parse(text: str) -> int:
        ms = Decimal(parse_duration(text)) if text[-1:] in "smhdw" else CONTEXT.multiply(parse_decimal(text), 1000)
        within = _within(CONTEXT.divide(ms, _MS_PER_SECOND), low, high)
        return int(CONTEXT.multiply(within, _MS_PER_SECOND))

    return scalar(f"{low} to {high} seconds", parse)


def rate(high_percent: str) -> Kind[Decimal]:
    """Accept a fraction `0.001` or the same in percent, `0.1%`; the value is the fraction."""
    return _rate("0", high_percent)


def signed_rate(high_percent: str) -> Kind[Decimal]:
    """Accept a rate that may be below 0."""
    return _rate(f"-{high_percent}", high_percent)


def _rate(low: str, high: str) -> Kind[Decimal]:
    def parse(text: str) -> Decimal:
        if not text.endswith("%"):
            return CONTEXT.divide(_within(CONTEXT.multiply(parse_decimal(text), HUNDRED), low, high), HUNDRED)
        return CONTEXT.divide(_within(parse_decimal(text.removesuffix("%").rstrip()), low, high), HUNDRED)

    return scalar(f"a rate from {low}% to {high}%, written `0.1%` or `0.001`", parse)


def percent(low: str, high: str) -> Kind[Decimal]:
    """Accept a percentage with its sign, `1%`; the value is in percent."""

    def parse(text: str) -> Decimal:
        if not text.endswith("%"):
            raise ValueError(text)
        return _within(parse_decimal(text.removesuffix("%").rstrip()), low, high)

    return scalar(f"{low}% to {high}%, with the percent sign", parse)


def choice(members: type[E]) -> Kind[E]:
    """Accept one of the values of an enumeration."""
    return scalar(_one_of(members), members)


def interval() -> Kind[str]:
    """Accept a candle interval."""
    return scalar(_one_of(INTERVALS), _key_of_intervals)


def optional(kind: Kind[T], allowed: str | None = None, word: str = "none") -> Kind[T | None]:
    """Accept `none` (or another word for it), or what `kind` accepts."""
    words = f"{allowed or kind.allowed}, or `{word}`"

    def read(node: Node) -> T | None:
        if isinstance(node, Text) and node.text == word:
            return None
        try:
            return kind.read(node)
        except BadValues as bad:
            raise BadValues((span, sentence.replace(kind.allowed, words)) for span, sentence in bad.problems) from None

    return Kind(words, read, kind.show, kind.is_tree, kind.has_secret)


def base_url() -> Kind[str]:
    """Accept an http or https address without user, query or fragment; a slash at the end is dropped."""
    return scalar("an address like `https://host`, without user, query or fragment", _parse_base_url, is_echoed=False)


def proxy() -> Kind[Secret]:
    """Accept the address of an http proxy, which may carry a user and a password."""
    kind = scalar("`http://host:port`", _parse_proxy, is_echoed=False, show=_proxy_masked)
    return Kind(kind.allowed, kind.read, kind.show, has_secret=lambda node: isinstance(node, Text) and "@" in node.text)


def zone() -> Kind[tuple[str, tzinfo]]:
    """Accept the name of a time zone; the value is the name with the zone."""
    return scalar("a time zone like `UTC` or `Europe/Berlin`", lambda text: (text, _parse_zone(text)))


def as_flow(node: Node) -> str:
    """Print a node on one line, as YAML."""
    if isinstance(node, Text):
        return "" if node.is_empty else as_scalar(node.text)
    if isinstance(node, Items):
        return f"[{', '.join(as_flow(item) for item in node.items)}]"
    return f"{{{', '.join(f'{as_scalar(key.text)}: {as_flow(value)}' for key, value in node.pairs)}}}"


def as_scalar(text: str) -> str:
    """Print a text as a YAML scalar: plain where that is safe, else in double quotes."""
    if _PLAIN_SCALAR.fullmatch(text) is not None and text != "null":
        return text
    import json

    return _UNPRINTED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def shortened(text: str) -> str:
    """Cut a text from outside to what an error line can hold."""
    return text if len(text) <= 40 else f"{text[:37]}..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, or None."""
    import difflib

    close = difflib.get_close_matches(name[:128], list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def _within(value: Decimal, low: str, high: str) -> Decimal:
    if not Decimal(low) <= value <= Decimal(high):
        raise ValueError(plain(value))
    return value


def _one_of(names: Iterable[str]) -> str:
    listed = [f"`{name}`" for name in names]
    return listed[0] if len(listed) == 1 else f"one of {', '.join(listed)}"


def _key_of_intervals(text: str) -> str:
    if text not in INTERVALS:
        raise ValueError(text)
    return text


def _parse_base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError(text)
    if parts.query or parts.fragment or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(text)
    if parts.port == 0:
        raise ValueError(text)
    return text.rstrip("/")


def _parse_proxy(text: str) -> Secret:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port in (None, 0):
        raise ValueError(text)
    if parts.path not in ("", "/") or parts.query or parts.fragment or not text.isascii() or not text.isprintable():
        raise ValueError(text)
    return Secret(text)


def _proxy_masked(text: str) -> str:
    scheme, _, rest = text.rpartition("://")
    user, _, host = rest.rpartition("@")
    return f"{scheme}://***@{host}" if user else text


def _parse_zone(text: str) -> tzinfo:
    if text == "UTC":
        return UTC
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error
