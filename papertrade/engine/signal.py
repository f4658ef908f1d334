"""An idea to trade, as its author wrote it: levels absolute, relative or in risks, a wished size, a deadline.

Nothing here knows a price; `levels.py` turns wishes into prices when the entry is known. The rule to
keep: a Signal that exists is well-formed, so bad input is refused where it enters.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import field, fields
from decimal import Decimal
from enum import StrEnum

from papertrade.engine.exit_wish import (
    NO_EXITS,
    BreakEvenWish,
    ExitWish,
    Level,
    LevelKind,
    TargetWish,
    TimeLimitWish,
    TrailWish,
    parse_break_even,
    parse_level,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.market import Side
from papertrade.engine.money import HUNDRED, ONE, ZERO, parse_decimal, plain
from papertrade.engine.values import dataclass

__all__ = [
    "BreakEvenWish",
    "EntryType",
    "ExitWish",
    "Level",
    "LevelKind",
    "Signal",
    "Size",
    "SizeKind",
    "TargetWish",
    "TimeLimitWish",
    "TrailWish",
    "hash_id",
    "parse_break_even",
    "parse_level",
    "parse_size",
    "parse_target",
    "parse_time_limit",
    "parse_trail",
]
"""A signal is read and made together with its exits, so their words can be had here too."""


class EntryType(StrEnum):
    """How a trade is entered: now, at a better price (limit), or once a price is passed (stop)."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"

    def waits_below(self, side: Side) -> bool:
        """Whether an entry waits for the price to fall: long limits and short stops."""
        return (side is Side.LONG) == (self is EntryType.LIMIT)


class SizeKind(StrEnum):
    """What a wished size is measured in."""

    QUANTITY = "quantity"
    NOTIONAL = "notional"
    PERCENT = "percent"
    RISK_PERCENT = "risk_percent"
    RISK_AMOUNT = "risk_amount"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Exits, size and expiry (a duration in ms) for a signal that says none."""

    exits: ExitWish
    size: Size | None = None
    expires_ms: int | None = None


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
    exits: ExitWish = NO_EXITS
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
        _check_exits(self.exits, self.side)

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


def _check_exits(exits: ExitWish, side: Side) -> None:
    """Refuse exits that cannot be right for a trade that is still to be entered, whatever its entry."""
    if exits.stop is not None and exits.stop.kind.is_even:
        raise ValueError(f"stop `{exits.stop}` means nothing before the entry: wish a break-even, such as `1R`")
    percent = None if exits.trail is None else exits.trail.percent
    if percent is not None and percent >= HUNDRED and side is Side.LONG:
        raise ValueError(f"trail `{exits.trail}` of a long trade must be below `100%`")


def hash_id(content: str) -> str:
    """Return the id of a signal that has none of its own: 16 hex digits of the SHA-256 of its content."""
    return hashlib.sha256(content.encode()).hexdigest()[:16]


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


def _later_exits(exits: ExitWish) -> list[object]:
    """Return what older signals could not wish, where it is wished: their content stays what it was."""
    names = ("trail", "break_even", "time_limit", "after_first")
    given: dict[str, object] = {name: str(wish) for name in names if (wish := getattr(exits, name)) is not None}
    return [given] if given else []


def _text(value: object) -> object:
    match value:
        case Decimal():
            return plain(value)
        case tuple():
            return [_text(item) for item in value]
        case None | int() | str():
            return value
        case ExitWish():
            return [_text(value.stop), _text(value.targets), *_later_exits(value)]
        case Size():
            return [value.kind, plain(value.value)]
        case _:
            return str(value)
