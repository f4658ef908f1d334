"""Signals as rows of texts and back: the columns, what each may hold, and every reason to refuse a row.

The columns are the contract of the files that people bring and of the export. The rule to keep: what is
written here is read here as the same signal, and a row is refused for all its flaws at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple, TypeVar

from papertrade.engine.exit_wish import NO_EXITS
from papertrade.engine.instants import LAST_MS, parse_duration, parse_time, to_iso
from papertrade.engine.instrument import normalise_symbol
from papertrade.engine.market import Side
from papertrade.engine.money import ONE, ZERO, parse_decimal, plain
from papertrade.engine.signal import (
    BreakEvenWish,
    EntryType,
    ExitWish,
    Level,
    Signal,
    Size,
    SizeKind,
    TargetWish,
    TimeLimitWish,
    TrailWish,
    hash_id,
    parse_break_even,
    parse_level,
    parse_size,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.values import replace

T = TypeVar("T")

COLUMNS: Final = (
    "id",
    "source",
    "time",
    "symbol",
    "side",
    "entry",
    "entry_type",
    "stop_loss",
    "take_profit",
    "trail",
    "break_even",
    "time_limit",
    "expires",
    "size",
    "notional",
    "percent",
    "risk",
    "confidence",
    "reason",
    "tags",
)
"""The columns of a signal file, in the order of the export; a file may have them in any order."""

NEEDED: Final = ("symbol", "side")
AFTER_FIRST: Final = "stop_loss after the first target"
"""What flaws call the second part of a `stop_loss` cell such as `2%;be`; no column of its own."""

TAG_PREFIX: Final = "tag_"

SIZES: Final = ("size", "notional", "percent", "risk")
"""The columns of a wished size; a row may have one of them."""

_SIZE_COLUMN: Final = {
    SizeKind.QUANTITY: "size",
    SizeKind.NOTIONAL: "notional",
    SizeKind.PERCENT: "percent",
    SizeKind.RISK_PERCENT: "risk",
    SizeKind.RISK_AMOUNT: "risk",
}
_LISTS: Final = ("stop_loss", "take_profit", "tags")
_SIDES: Final = {"long": Side.LONG, "buy": Side.LONG, "short": Side.SHORT, "sell": Side.SHORT}
_CELL_MAX: Final = 4096
_TARGETS_MAX: Final = 20
_TAGS_MAX: Final = 32


class BadRow(Exception):
    """Everything that is wrong with one row: column (None for the row as a whole) and sentence."""

    def __init__(self, flaws: Sequence[tuple[str | None, str]]) -> None:
        self.flaws = tuple(flaws)


def unknown_column(name: str) -> str | None:
    """Return why a column is refused, None for one that is known."""
    if name in COLUMNS or (name.startswith(TAG_PREFIX) and len(name) > len(TAG_PREFIX)):
        return None
    import difflib

    close = difflib.get_close_matches(name[:128], COLUMNS, n=1, cutoff=0.6)
    advice = f"did you mean `{close[0]}`?" if close else f"name it `{TAG_PREFIX}{name[:32]}` to keep it as a tag"
    return f"is no column of a signal file, {advice}"


def signal_of(cells: Iterable[tuple[str, str | tuple[str, ...]]], now_ms: int, default_source: str) -> Signal:
    """Make a signal of one row; a column may be absent or blank. Raises BadRow.

    Without a time the signal is made now and says that it is not dated; without an id it gets the hash of
    its content, which then does not depend on now.
    """
    row = _Row(cells)
    made_at = row.read("time", parse_time)
    expires_at, is_expiry_dated = row.expiry(made_at, now_ms)
    side = row.read("side", _side)
    symbol = row.read("symbol", normalise_symbol)
    entry_price, entry_type = row.entry()
    exits, size, tags = row.exits(made_at), row.size(), row.tags()
    confidence = row.read("confidence", _confidence)
    source = row.read("source", _source) if row.has("source") else default_source
    external_id = row.read("id", _identifier)
    if row.flaws or side is None or symbol is None or source is None:
        raise BadRow(row.flaws)
    try:
        signal = Signal(
            source=source,
            external_id=external_id or "-",
            symbol=symbol,
            side=side,
            made_at_ms=now_ms if made_at is None else made_at,
            entry_type=entry_type,
            entry_price=entry_price,
            exits=exits,
            size=size,
            expires_at_ms=expires_at,
            confidence=confidence,
            reason=row.texts.get("reason", ""),
            tags=tags,
            is_dated=made_at is not None,
            is_expiry_dated=is_expiry_dated,
        )
    except ValueError as error:
        raise BadRow([(None, str(error))]) from None
    return signal if external_id is not None else replace(signal, external_id=hash_id(signal.content()))


def stop_cell(stop: str, after_first: str) -> str:
    """Write a stop loss with where it goes after the first target, `2%;be`; each may be blank."""
    return f"{stop};{after_first}" if after_first else stop


def size_cell(size: Size) -> tuple[str, str]:
    """Write a size: its column and its text."""
    sign = "%" if size.kind is SizeKind.RISK_PERCENT else ""
    return _SIZE_COLUMN[size.kind], f"{plain(size.value)}{sign}"


def signal_rows(signals: Iterable[Signal]) -> Iterable[tuple[str, ...]]:
    """Yield the cells of each signal under COLUMNS; reading them gives equal signals."""
    return (_row_of(signal) for signal in signals)


class _ExitParts(NamedTuple):
    """Exits as read, before it is known that they suit each other; a time limit suits all."""

    stop: Level | None
    targets: tuple[TargetWish, ...]
    trail: TrailWish | None
    break_even: BreakEvenWish | None
    after_first: Level | None


class _Row:
    """The texts of one row, cleaned, and the flaws found so far."""

    def __init__(self, cells: Iterable[tuple[str, str | tuple[str, ...]]]) -> None:
        self.flaws: list[tuple[str | None, str]] = []
        self.texts: dict[str, str] = {}
        for column, value in cells:
            reason = unknown_column(column)
            if reason is not None:
                self.flaws.append((column, reason))
            elif isinstance(value, str):
                self._keep(column, value)
            elif column not in _LISTS or any(";" in item for item in value):
                self.flaws.append((column, "must be one value" if column not in _LISTS else "an item has a semicolon"))
            else:
                self._keep(column, ";".join(value))
        self.flaws.extend((column, "is missing") for column in NEEDED if not self.has(column, or_flawed=True))

    def has(self, column: str, *, or_flawed: bool = False) -> bool:
        """Whether the column holds something."""
        return column in self.texts or (or_flawed and any(name == column for name, _ in self.flaws))

    def read(self, column: str, parse: Callable[[str], T]) -> T | None:
        """Return the column's value, None if it is blank or wrong."""
        text = self.texts.get(column)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.flaws.append((column, str(error)))
            return None

    def expiry(self, made_at: int | None, now_ms: int) -> tuple[int | None, bool]:
        """Return when the signal expires, and whether that was written as a time and not as a duration."""
        text = self.texts.get("expires", "")
        if text[-1:] not in ("w", "d", "h", "m", "s"):
            at = self.read("expires", parse_time)
            if at is not None and made_at is not None and at <= made_at:
                self.flaws.append(("expires", f"`{text}` is not after the signal's time"))
            return at, True
        duration = self.read("expires", parse_duration)
        if duration is None:
            return None, False
        return min((now_ms if made_at is None else made_at) + duration, LAST_MS), False

    def entry(self) -> tuple[Decimal | None, EntryType]:
        """Return the entry price and type; a price alone is a limit, nothing is a market entry."""
        price = self.read("entry", _price)
        kind = self.read("entry_type", _entry_type)
        if "entry" not in self.texts:
            if kind not in (None, EntryType.MARKET):
                self.flaws.append(("entry", f"is missing: a {kind} entry needs a price"))
            return None, EntryType.MARKET
        if kind is EntryType.MARKET:
            self.flaws.append(("entry", "a market entry has no price: leave it out, or write limit or stop"))
        return price, kind or EntryType.LIMIT

    def exits(self, made_at: int | None) -> ExitWish:
        """Return the exits; with a wrong word among them no contradiction is looked for."""
        before = len(self.flaws)
        stop, after = self._stops()
        targets = self.read("take_profit", _targets) or ()
        trail = self.read("trail", parse_trail)
        even = self.read("break_even", parse_break_even)
        limit = self.read("time_limit", parse_time_limit)
        if limit is not None and limit.at_ms is not None and made_at is not None and limit.at_ms <= made_at:
            self.flaws.append(("time_limit", f"`{limit}` is not after the signal's time"))
        if len(self.flaws) > before:
            return NO_EXITS
        try:
            return ExitWish(stop, targets, trail, even, limit, after)
        except ValueError:
            self.flaws.extend(_contradictions(_ExitParts(stop, targets, trail, even, after)))
            return NO_EXITS

    def _stops(self) -> tuple[Level | None, Level | None]:
        """Return the stop loss and where it goes after the first target: `2%`, `2%;be`, `;be`."""
        first, semicolon, after = self.texts.get("stop_loss", "").partition(";")
        if not semicolon:
            return self.read("stop_loss", _stop), None
        self.texts.pop("stop_loss")
        if after.strip() == "":
            self.flaws.append(("stop_loss", f"`{first};` says nothing after the semicolon"))
        self._keep("stop_loss", first)
        self._keep(AFTER_FIRST, after)
        return self.read("stop_loss", _stop), self.read(AFTER_FIRST, parse_level)

    def size(self) -> Size | None:
        """Return the wished size; only one of its columns may hold something."""
        given = [column for column in SIZES if column in self.texts]
        if len(given) > 1:
            self.flaws.append((given[1], f"`{given[0]}` is given too: choose one"))
        return self.read(given[0], lambda text: parse_size(given[0], text)) if given else None

    def tags(self) -> tuple[str, ...]:
        """Return the tags of the column `tags` and of the columns `tag_*`, each once."""
        texts = [("tags", tag.strip()) for tag in self.texts.get("tags", "").split(";") if tag.strip() != ""]
        for column, text in self.texts.items():
            if column.startswith(TAG_PREFIX):
                texts.append((column, f"{column.removeprefix(TAG_PREFIX)}={text}"))
        for column, tag in texts:
            if len(tag) > 64 or ";" in tag:
                self.flaws.append((column, f"tag `{tag[:40]}` must have at most 64 characters and no semicolon"))
        if len(texts) > _TAGS_MAX:
            self.flaws.append(("tags", f"has {len(texts)} tags, at most {_TAGS_MAX} are kept"))
        return tuple(dict.fromkeys(tag for _, tag in texts))

    def _keep(self, column: str, raw: str) -> None:
        text = raw if column == "reason" else raw.strip()
        if text == "":
            return
        is_ascii = text.isascii()
        if not is_ascii:
            text = unicodedata.normalize("NFC", text)
        if len(text) > _CELL_MAX:
            self.flaws.append((column, f"has {len(text)} characters, at most {_CELL_MAX} are kept"))
        elif "\x00" in text or (not is_ascii and any("\ud800" <= letter <= "\udfff" for letter in text)):
            self.flaws.append((column, "holds a character that is none (U+0000 or a lone surrogate)"))
        else:
            self.texts[column] = text


def _contradictions(parts: _ExitParts) -> list[tuple[str | None, str]]:
    """Return each exit that does not suit the others, by its column."""
    stop, targets = parts.stop, parts.targets
    trials = (
        ("take_profit" if targets else "stop_loss", partial(ExitWish, stop, targets)),
        ("trail", partial(ExitWish, stop, trail=parts.trail)),
        ("break_even", partial(ExitWish, stop, break_even=parts.break_even)),
        (AFTER_FIRST, partial(ExitWish, stop, targets, after_first=parts.after_first)),
    )
    found: dict[str, str | None] = {}
    for column, make in trials:
        try:
            make()
        except ValueError as error:
            found.setdefault(str(error), column)
    return [(column, message) for message, column in found.items()]


def _text(wish: Level | TrailWish | BreakEvenWish | TimeLimitWish | None) -> str:
    return "" if wish is None else str(wish)


def _row_of(signal: Signal) -> tuple[str, ...]:
    exits = signal.exits
    cells = {
        "id": signal.external_id,
        "source": signal.source,
        "time": to_iso(signal.made_at_ms),
        "symbol": signal.symbol,
        "side": signal.side.value,
        "entry": "" if signal.entry_price is None else plain(signal.entry_price),
        "entry_type": signal.entry_type.value,
        "stop_loss": stop_cell(_text(exits.stop), _text(exits.after_first)),
        "take_profit": ";".join(str(target) for target in exits.targets),
        "trail": _text(exits.trail),
        "break_even": _text(exits.break_even),
        "time_limit": _text(exits.time_limit),
        "expires": "" if signal.expires_at_ms is None else to_iso(signal.expires_at_ms),
        "confidence": "" if signal.confidence is None else plain(signal.confidence),
        "reason": signal.reason,
        "tags": ";".join(signal.tags),
    }
    if signal.size is not None:
        cells.update([size_cell(signal.size)])
    return tuple(cells.get(column, "") for column in COLUMNS)


def _side(text: str) -> Side:
    side = _SIDES.get(text.lower())
    if side is None:
        raise ValueError(f"`{text}` is not a side, expected long, short, buy or sell")
    return side


def _entry_type(text: str) -> EntryType:
    try:
        return EntryType(text.lower())
    except ValueError:
        raise ValueError(f"`{text}` is not an entry type, expected market, limit or stop") from None


def _price(text: str) -> Decimal:
    price = parse_decimal(text)
    if price <= 0:
        raise ValueError(f"`{text}` is not a price: it must be above 0")
    return price


def _stop(text: str) -> Level:
    level = parse_level(text)
    if level.kind.is_even:
        raise ValueError(f"stop `{level}` means nothing before the entry: wish a break-even, such as `1R`")
    return level


def _targets(text: str) -> tuple[TargetWish, ...]:
    parts = [part for part in text.split(";") if part.strip() != ""]
    if len(parts) > _TARGETS_MAX:
        raise ValueError(f"has {len(parts)} targets, at most {_TARGETS_MAX} are possible")
    return tuple(parse_target(part) for part in parts)


def _confidence(text: str) -> Decimal:
    value = parse_decimal(text)
    if not ZERO <= value <= ONE:
        raise ValueError(f"`{text}` must lie between 0 and 1")
    return value


def _source(text: str) -> str:
    if ":" in text:
        raise ValueError(f"`{text}` must not contain a colon")
    return _identifier(text)


def _identifier(text: str) -> str:
    if len(text) > 128:
        raise ValueError(f"has {len(text)} characters, at most 128 are allowed")
    if not text.isprintable() and any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in text):
        raise ValueError(f"`{text}` holds a control character")
    return text
