"""Signals as rows of texts and back: the columns, what each may hold, and every reason to refuse a row.

The columns are the contract of the files that people bring and of the export. The rule to keep: what is
written here is read here as the same signal, and a row is refused for all its flaws at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeVar

from papertrade.engine.instants import LAST_MS, parse_duration, parse_time, to_iso
from papertrade.engine.instrument import normalise_symbol
from papertrade.engine.market import Side
from papertrade.engine.money import ONE, ZERO, parse_decimal, plain
from papertrade.engine.signal import (
    EntryType,
    ExitWish,
    Signal,
    Size,
    SizeKind,
    TargetWish,
    hash_id,
    parse_level,
    parse_size,
    parse_target,
)

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
TAG_PREFIX: Final = "tag_"

_SIZES: Final = ("size", "notional", "percent", "risk")
_SIZE_COLUMN: Final = {
    SizeKind.QUANTITY: "size",
    SizeKind.NOTIONAL: "notional",
    SizeKind.PERCENT: "percent",
    SizeKind.RISK_PERCENT: "risk",
    SizeKind.RISK_AMOUNT: "risk",
}
_NOT_YET: Final = ("trail", "break_even", "time_limit")
_LISTS: Final = ("take_profit", "tags")
_SIDES: Final = {"long": Side.LONG, "buy": Side.LONG, "short": Side.SHORT, "sell": Side.SHORT}
_CELL_MAX: Final = 4096
_TARGETS_MAX: Final = 20
_TAGS_MAX: Final = 32


class BadRow(Exception):
    """Everything that is wrong with one row: column (None for the row as a whole) and sentence."""

    def __init__(self, flaws: Sequence[tuple[str | None, str]]) -> None:
        super().__init__("bad row")
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
    exits, size, tags = row.exits(), row.size(), row.tags()
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


def signal_rows(signals: Iterable[Signal]) -> Iterable[tuple[str, ...]]:
    """Yield the cells of each signal under COLUMNS; reading them gives equal signals."""
    return (_row_of(signal) for signal in signals)


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

    def exits(self) -> ExitWish:
        """Return the stop loss and the take profits."""
        for column in _NOT_YET:
            if column in self.texts:
                self.flaws.append((column, "is not available yet: leave it empty"))
        before = len(self.flaws)
        stop = self.read("stop_loss", parse_level)
        targets = self.read("take_profit", _targets) or ()
        try:
            return ExitWish(stop, targets)
        except ValueError as error:
            if len(self.flaws) == before:
                self.flaws.append(("take_profit" if targets else "stop_loss", str(error)))
            return ExitWish()

    def size(self) -> Size | None:
        """Return the wished size; only one of its columns may hold something."""
        given = [column for column in _SIZES if column in self.texts]
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
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if len(text) > _CELL_MAX:
            self.flaws.append((column, f"has {len(text)} characters, at most {_CELL_MAX} are kept"))
        elif "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            self.flaws.append((column, "holds a character that is none (U+0000 or a lone surrogate)"))
        else:
            self.texts[column] = text


def _row_of(signal: Signal) -> tuple[str, ...]:
    cells = {
        "id": signal.external_id,
        "source": signal.source,
        "time": to_iso(signal.made_at_ms),
        "symbol": signal.symbol,
        "side": signal.side.value,
        "entry": "" if signal.entry_price is None else plain(signal.entry_price),
        "entry_type": signal.entry_type.value,
        "stop_loss": "" if signal.exits.stop is None else str(signal.exits.stop),
        "take_profit": ";".join(str(target) for target in signal.exits.targets),
        "expires": "" if signal.expires_at_ms is None else to_iso(signal.expires_at_ms),
        "confidence": "" if signal.confidence is None else plain(signal.confidence),
        "reason": signal.reason,
        "tags": ";".join(signal.tags),
    }
    if signal.size is not None:
        sign = "%" if signal.size.kind is SizeKind.RISK_PERCENT else ""
        cells[_SIZE_COLUMN[signal.size.kind]] = f"{plain(signal.size.value)}{sign}"
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
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in text):
        raise ValueError(f"`{text}` holds a control character")
    return text
