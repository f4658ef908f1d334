"""Events and their parts as JSON text and back, exactly: decimals are strings, enums their values.

Structural: the dataclasses' own annotations drive it, so a new field needs a default and the mark `LATER`.
Text that does not have the shape of its class raises ValueError; nothing is guessed.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Hashable
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache
from typing import Final, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from papertrade.engine import guard_events, messages
from papertrade.engine.later import LATER
from papertrade.engine.messages import Event
from papertrade.engine.money import parse_decimal, plain

T = TypeVar("T")
_Turn: TypeAlias = Callable[[object], object]

KINDS: Final[dict[str, type[Event]]] = {
    "account_created": messages.AccountCreated,
    "cash_moved": messages.CashMoved,
    "epoch_started": messages.EpochStarted,
    "signal_added": messages.SignalAdded,
    "signal_cancelled": messages.SignalCancelled,
    "trade_placed": messages.TradePlaced,
    "entry_filled": messages.EntryFilled,
    "exit_filled": messages.ExitFilled,
    "cost_charged": messages.CostCharged,
    "trade_ended": messages.TradeEnded,
    "trade_voided": messages.TradeVoided,
    "stop_moved": messages.StopMoved,
    "trails_moved": messages.TrailsMoved,
    "levels_changed": messages.LevelsChanged,
    "trade_flagged": messages.TradeFlagged,
    "tags_changed": messages.TagsChanged,
    "note_added": messages.NoteAdded,
    "refused": messages.Refused,
    "guard_acted": guard_events.GuardActed,
    "guards_reset": guard_events.GuardsReset,
}
"""The journal's name of each event."""

KIND_OF: Final[dict[type[Event], str]] = {cls: kind for kind, cls in KINDS.items()}


def encode(value: object) -> str:
    """Return the canonical JSON text of a dataclass of the engine, or of a tuple of them."""
    if isinstance(value, tuple):
        return _ENCODER.encode([_writer(cast(Hashable, type(item)))(item) for item in value])
    return _ENCODER.encode(_writer(cast(Hashable, type(value)))(value))


def decode(cls: type[T], text: str) -> T:
    """Read back what `encode` wrote. Raises ValueError for anything else."""
    try:
        return cast(T, _reader(cast(Hashable, cls))(_DECODER.decode(text)))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a {getattr(cls, '__name__', cls)}: {error!r}") from error


def decode_many(cls: type[T], text: str) -> tuple[T, ...]:
    """Read back a tuple that `encode` wrote."""
    hint = cast("type[tuple[T, ...]]", types.GenericAlias(tuple, (cls, ...)))
    return decode(hint, text)


def _no_float(text: str) -> object:
    raise ValueError(f"`{text}` is a float")


# Built once: `json.dumps` and `json.loads` with options build theirs anew at every call.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
_DECODER: Final = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)


@cache
def _writer(hint: Hashable) -> _Turn:
    """Return the function that turns values of one annotation into what JSON knows."""
    inner = _without_none(hint)
    if inner is not hint:
        write = _writer(inner)
        return lambda value: None if value is None else write(value)
    if get_origin(hint) is tuple:
        write = _writer(get_args(hint)[0])
        return lambda value: [write(item) for item in cast("tuple[object, ...]", value)]
    if hint is Decimal:
        return cast(_Turn, plain)
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass_writer(hint)
    return _as_it_is


def _dataclass_writer(cls: type) -> _Turn:
    hints = get_type_hints(cls)
    parts = [(f.name, _writer(hints[f.name])) for f in fields(cls) if f.metadata != LATER]
    later = [(f.name, _writer(hints[f.name]), f.default) for f in fields(cls) if f.metadata == LATER]
    if not later:
        return lambda value: {name: write(getattr(value, name)) for name, write in parts}

    def write_what_is_said(value: object) -> dict[str, object]:
        said = {name: write(getattr(value, name)) for name, write in parts}
        for name, write, default in later:
            part = getattr(value, name)
            if part != default:
                said[name] = write(part)
        return said

    return write_what_is_said


def _as_it_is(value: object) -> object:
    return value


@cache
def _reader(hint: Hashable) -> _Turn:
    """Return the function that reads values of one annotation."""
    inner = _without_none(hint)
    if inner is not hint:
        read = _reader(inner)
        return lambda raw: None if raw is None else read(raw)
    if get_origin(hint) is tuple:
        read = _reader(get_args(hint)[0])
        return lambda raw: tuple(read(item) for item in _as(list, raw))
    if hint is Decimal:
        return lambda raw: parse_long_decimal(_as(str, raw))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass_reader(hint)
    if hint in (int, str, bool):
        return lambda raw: _as(cast(type, hint), raw)
    raise TypeError(f"{hint} has no place in the journal")


def _dataclass_reader(cls: type) -> _Turn:
    hints = get_type_hints(cls)
    parts = [(f.name, _reader(hints[f.name]), f.default is MISSING) for f in fields(cls)]
    known = {name for name, _, _ in parts}

    def read(raw: object) -> object:
        given = _as(dict, raw)
        if not known.issuperset(given):
            raise ValueError(f"{cls.__name__} has no {sorted(set(given) - known)}")
        return cls(**{name: part(given[name]) for name, part, needed in parts if needed or name in given})

    return read


def _without_none(hint: Hashable) -> Hashable:
    """Return what an annotation `X | None` allows beside None; anything else as it is."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    return next(cast(Hashable, a) for a in get_args(hint) if a is not type(None))


def _as(cls: type[T], raw: object) -> T:
    if type(raw) is not cls:
        raise TypeError(f"expected {cls.__name__}, not {type(raw).__name__}")
    return raw


@lru_cache(maxsize=4096)  # a journal says the same steps, rates and sizes over and over
def parse_long_decimal(text: str) -> Decimal:
    """Read a decimal of the journal, which may have more fractional digits than people may enter."""
    whole, _, fraction = text.partition(".")
    if len(fraction) <= 18:
        return parse_decimal(text)
    parse_decimal(whole)
    if len(fraction) > 60 or not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"`{text[:40]}` is not a plain decimal number")
    return Decimal(text)
