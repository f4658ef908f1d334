"""An idea to trade, as its author wrote it: levels absolute, relative or in risks, a wished size, a deadline.

Nothing here knows a price; `levels.py` turns wishes into prices when the entry is known. The rule to
keep: a Signal that exists is well-formed, so bad input is refused where it enters.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from papertrade.engine.market import Side
from papertrade.engine.money import HUNDRED, ONE, ZERO, parse_decimal, plain


class EntryType(StrEnum):
    """How a trade is entered: now, at a better price (limit), or once a price is passed (stop)."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"

    def waits_below(self, side: Side) -> bool:
        """Whether an entry waits for the price to fall: long limits and short stops."""
        return (side is Side.LONG) == (self is EntryType.LIMIT)


class LevelKind(StrEnum):
    """How a level is written."""

    PRICE = "price"
    PERCENT = "percent"
    SIGNED_PERCENT = "signed_percent"
    RISK = "risk"


class SizeKind(StrEnum):
    """What a wished size is measured in."""

    QUANTITY = "quantity"
    NOTIONAL = "notional"
    PERCENT = "percent"
    RISK_PERCENT = "risk_percent"
    RISK_AMOUNT = "risk_amount"


@dataclass(frozen=True, slots=True)
class Level:
    """A price `95`, a price change `-2%` (signed) or `2%` (to the losing or winning side), or risks `2R`."""

    kind: LevelKind
    value: Decimal

    def __post_init__(self) -> None:
        if not self.value.is_finite():
            raise ValueError(f"level `{self.value}` is not a number")
        if self.kind is not LevelKind.SIGNED_PERCENT and self.value <= 0:
            raise ValueError(f"level `{self}` must be above 0")
        if self.kind is LevelKind.SIGNED_PERCENT and self.value <= -HUNDRED:
            raise ValueError(f"level `{self}` would be a price of 0 or less")

    def __str__(self) -> str:
        number = plain(self.value)
        match self.kind:
            case LevelKind.PRICE:
                return number
            case LevelKind.PERCENT:
                return f"{number}%"
            case LevelKind.SIGNED_PERCENT:
                return f"{number}%" if self.value < 0 else f"+{number}%"
            case LevelKind.RISK:
                return f"{number}R"
            case _:
                assert_never(self.kind)


@dataclass(frozen=True, slots=True)
class TargetWish:
    """A take profit and the fraction of the trade to close there; None shares equally with its peers."""

    level: Level
    fraction: Decimal | None = None

    def __post_init__(self) -> None:
        if self.fraction is not None and not ZERO < self.fraction <= ONE:
            raise ValueError(f"fraction `{plain(self.fraction)}` of a target must be above 0 and at most 1")

    def __str__(self) -> str:
        return str(self.level) if self.fraction is None else f"{self.level}:{plain(self.fraction)}"


@dataclass(frozen=True, slots=True)
class Size:
    """A wished size: quantity, notional, percent of balance, or risk as percent of balance or amount."""

    kind: SizeKind
    value: Decimal

    def __post_init__(self) -> None:
        if not self.value.is_finite() or self.value <= 0:
            raise ValueError(f"size `{self.value}` must be above 0")
        if self.kind in (SizeKind.PERCENT, SizeKind.RISK_PERCENT) and self.value > HUNDRED:
            raise ValueError(f"`{plain(self.value)}` percent is more than the balance")


@dataclass(frozen=True, slots=True)
class ExitWish:
    """Where a trade should end, as wished: a stop loss and take profits in the order given."""

    stop: Level | None = None
    targets: tuple[TargetWish, ...] = ()

    def __post_init__(self) -> None:
        if self.stop is not None and self.stop.kind is LevelKind.RISK:
            raise ValueError(f"stop `{self.stop}` cannot be in risks: the stop defines the risk")
        if self.stop is None and any(t.level.kind is LevelKind.RISK for t in self.targets):
            raise ValueError("a target in risks (`2R`) needs a stop loss")
        given = [t.fraction for t in self.targets if t.fraction is not None]
        if given and len(given) != len(self.targets):
            raise ValueError("either every target has a fraction or none has")
        if sum(given, ZERO) > ONE:
            raise ValueError(f"fractions of the targets sum to `{plain(sum(given, ZERO))}`, more than 1")
        if len({t.level for t in self.targets}) != len(self.targets):
            raise ValueError("two targets have the same level")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An idea to trade. `made_at_ms` and `expires_at_ms` are UTC ms; `entry_price` is None for market entries.

    `confidence` lies in 0…1. `source` and `external_id` together are its identity. `is_dated` is false where
    the author gave no time and `made_at_ms` is only when it was read; `is_expiry_dated` is false where the
    expiry then is a duration after that.
    """

    source: str
    external_id: str
    symbol: str
    side: Side
    made_at_ms: int
    entry_type: EntryType = EntryType.MARKET
    entry_price: Decimal | None = None
    exits: ExitWish = ExitWish()
    size: Size | None = None
    expires_at_ms: int | None = None
    confidence: Decimal | None = None
    reason: str = ""
    tags: tuple[str, ...] = ()
    is_dated: bool = field(default=True, compare=False)
    is_expiry_dated: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        for name in ("source", "external_id"):
            value: str = getattr(self, name)
            if not 1 <= len(value) <= 128:
                raise ValueError(f"{name} must have 1 to 128 characters")
        if ":" in self.source:
            raise ValueError(f"source `{self.source}` must not contain a colon")
        if (self.entry_type is EntryType.MARKET) != (self.entry_price is None):
            raise ValueError("a limit or stop entry needs a price, and a market entry has none")
        if self.entry_price is not None and (not self.entry_price.is_finite() or self.entry_price <= 0):
            raise ValueError(f"entry price `{self.entry_price}` must be above 0")
        if self.confidence is not None and not ZERO <= self.confidence <= ONE:
            raise ValueError(f"confidence `{self.confidence}` must lie between 0 and 1")
        for tag in self.tags:
            if not 1 <= len(tag) <= 64 or tag != tag.strip() or ";" in tag:
                raise ValueError(f"tag `{tag[:64]}` must have 1 to 64 characters, no blank around it and no semicolon")

    @property
    def key(self) -> str:
        """The identity as people write it: `source:external_id`."""
        return f"{self.source}:{self.external_id}"

    def content(self) -> str:
        """Return the canonical text of what the author wrote, but source and id: equal ideas have equal content.

        A time that the author did not give is left out, so that reading a file again gives the same text.
        """
        return self._content_as_dated_in(self)

    def is_same_idea(self, stored: Signal) -> bool:
        """Whether `stored` says what this signal says; a time that this one does not give may be any."""
        return self.content() == stored._content_as_dated_in(self)

    def _content_as_dated_in(self, other: Signal) -> str:
        left_out = {"source", "external_id", "is_dated", "is_expiry_dated"}
        parts = {f.name: _text(getattr(self, f.name)) for f in fields(self) if f.name not in left_out}
        if not other.is_dated:
            parts["made_at_ms"] = None
            if not other.is_expiry_dated and self.expires_at_ms is not None:
                parts["expires_at_ms"] = f"+{self.expires_at_ms - self.made_at_ms}"
        return json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def hash_id(content: str) -> str:
    """Return the id of a signal that has none of its own: 16 hex digits of the SHA-256 of its content."""
    return hashlib.sha256(content.encode()).hexdigest()[:16]


_LEVEL = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]+)?)(%|[rR])?", re.ASCII)


def parse_level(text: str) -> Level:
    """Read `95`, `2%`, `-2%`, `+4%` or `2R`. Raises ValueError with what would be right."""
    match = _LEVEL.fullmatch(text.strip())
    if match is None or (match[1] and match[3] != "%"):
        raise ValueError(f"`{text}` is not a level: write a price `95`, a change `-2%` or risks `2R`")
    value = parse_decimal(match[1].replace("+", "") + match[2])
    if match[3] is None:
        return Level(LevelKind.PRICE, value)
    if match[3] == "%":
        return Level(LevelKind.SIGNED_PERCENT if match[1] else LevelKind.PERCENT, value)
    return Level(LevelKind.RISK, value)


def parse_target(text: str) -> TargetWish:
    """Read a level with an optional fraction: `110`, `110:0.5`, `2R:0.5`."""
    level, colon, fraction = text.strip().partition(":")
    return TargetWish(parse_level(level), parse_decimal(fraction) if colon else None)


def parse_size(measure: str, text: str) -> Size:
    """Read a size by its option's name: `size` 0.5, `notional` 500, `percent` 10 or 10%, `risk` 1% or 50.

    A risk with `%` is in percent of the balance, without it an amount of money. Raises ValueError.
    """
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    match measure:
        case "size" if not percent:
            return Size(SizeKind.QUANTITY, parse_decimal(number))
        case "notional" if not percent:
            return Size(SizeKind.NOTIONAL, parse_decimal(number))
        case "percent":
            return Size(SizeKind.PERCENT, parse_decimal(number))
        case "risk":
            return Size(SizeKind.RISK_PERCENT if percent else SizeKind.RISK_AMOUNT, parse_decimal(number))
        case _:
            raise ValueError(f"`{text}` is not a {measure}: write a plain number")


def _text(value: object) -> object:
    match value:
        case Decimal():
            return plain(value)
        case tuple():
            return [_text(item) for item in value]
        case None | int() | str():
            return value
        case ExitWish():
            return [_text(value.stop), _text(value.targets)]
        case Size():
            return [value.kind, plain(value.value)]
        case _:
            return str(value)
