"""The user of a seed: what is asked for and when, drawn before anything runs.

A script depends on the market alone, so that the same user can be replayed in a quiet world. How exits are drawn
is in wishes.py.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from papertrade.engine.changes import ExitChange
from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.signal import EntryType, Signal
from tests.simulation.market import Tape, money
from tests.simulation.wishes import cents_at, random_change, random_exits, share

ACCOUNTS = ("main", "spare")
_NO_CHANGE = ExitChange()


@dataclass(frozen=True, kw_only=True)
class Open:
    """Trade a signal; asked for twice it is a duplicate, or a second trade once the first has ended."""

    account: str
    signal: Signal
    quantity: Decimal
    is_forced: bool = False


@dataclass(frozen=True, kw_only=True)
class Import:
    """Store signals from a file, all or none."""

    signals: tuple[Signal, ...]


@dataclass(frozen=True, kw_only=True)
class OpenStored:
    """Trade a signal that was stored before."""

    account: str
    key: str
    quantity: Decimal


@dataclass(frozen=True, kw_only=True)
class Withdraw:
    """Take a stored signal back."""

    key: str


@dataclass(frozen=True, kw_only=True)
class Careless:
    """Record a signal's live trade a second time without asking; the database itself must refuse."""

    key: str


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """Change or end the newest trade of a signal."""

    verb: str
    key: str
    fraction: Decimal = Decimal(1)
    change: ExitChange = _NO_CHANGE
    is_forced: bool = False


@dataclass(frozen=True, kw_only=True)
class Cash:
    """Deposit or withdraw."""

    account: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Reset:
    """End everything in an account and begin anew."""

    account: str


Wish: TypeAlias = Open | Import | OpenStored | Withdraw | Careless | ByHand | Cash | Reset


@dataclass(frozen=True)
class Line:
    """One wish and the true time at which the user begins with it."""

    at_ms: int
    wish: Wish


def random_script(chance: random.Random, tapes: Mapping[str, Tape], start_ms: int, end_ms: int) -> list[Line]:
    """Draw a user's day, in time order."""
    forced = chance.choice([0.0, 0.0, 0.0, 0.2])
    lines: list[Line] = []
    for number in range(chance.randint(5, 12)):
        at_ms = _sometime(chance, start_ms, end_ms - 10 * MINUTE_MS)
        tape = tapes[chance.choice(sorted(tapes))]
        opened = _open(chance, f"s{number}", tape, at_ms, is_forced=chance.random() < forced)
        lines += _begun(chance, opened, at_ms, end_ms)
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            then_ms = _sometime(chance, at_ms, min(at_ms + chance.choice([2, 8, 30]) * MINUTE_MS, end_ms))
            lines.append(Line(then_ms, _by_hand(chance, opened, tape, then_ms, chance.random() < forced)))
    for _ in range(chance.randint(0, 3)):
        amount = Decimal(chance.choice([100, 2500, -300, -9000, -100_000]))
        lines.append(Line(_sometime(chance, start_ms, end_ms), Cash(account=chance.choice(ACCOUNTS), amount=amount)))
    if chance.random() < 0.15:
        lines.append(Line(_sometime(chance, start_ms, end_ms), Reset(account="spare")))
    return sorted(lines, key=lambda line: line.at_ms)


def _begun(chance: random.Random, opened: Open, at_ms: int, end_ms: int) -> list[Line]:
    """Trade a signal on the spot, or import it first; then now and then once more, or take it back."""
    lines: list[Line] = [Line(at_ms, opened)]
    signal = opened.signal
    if chance.random() < 0.25:
        others = tuple(replace(signal, external_id=f"{signal.external_id}-{n}") for n in range(chance.randint(0, 3)))
        before_ms = at_ms - chance.choice([1, 5_000, MINUTE_MS])
        lines = [Line(before_ms, Import(signals=(*others, signal)))]
        lines.append(Line(at_ms, OpenStored(account=opened.account, key=signal.key, quantity=opened.quantity)))
        if chance.random() < 0.5:
            again = signal if chance.random() < 0.7 else replace(signal, reason="something else")
            lines.append(Line(_sometime(chance, before_ms, end_ms), Import(signals=(again,))))
        if chance.random() < 0.3:
            lines.append(Line(_sometime(chance, before_ms, end_ms), Withdraw(key=signal.key)))
    if chance.random() < 0.15:
        lines.append(Line(_sometime(chance, at_ms, end_ms), opened))
    if chance.random() < 0.15:
        soon_ms = min(at_ms + 5 * MINUTE_MS, end_ms)
        lines.append(Line(_sometime(chance, at_ms + 1, soon_ms), Careless(key=signal.key)))
    return lines


def _sometime(chance: random.Random, from_ms: int, to_ms: int) -> int:
    """Draw a time; the edges of minutes are the interesting ones."""
    at_ms = chance.randint(from_ms, max(to_ms, from_ms))
    if chance.random() < 0.3:
        at_ms = at_ms - at_ms % MINUTE_MS + chance.choice([-1, 0, 0, 1, 300])
    return max(at_ms, from_ms)


def _open(chance: random.Random, key: str, tape: Tape, at_ms: int, *, is_forced: bool) -> Open:
    cents = cents_at(tape, at_ms)
    side = chance.choice([Side.LONG, Side.SHORT])
    kind = chance.choice([EntryType.MARKET, EntryType.MARKET, EntryType.LIMIT, EntryType.STOP])
    entry = None
    if kind is not EntryType.MARKET:
        away = share(chance, cents, tape, [5, 10, 20])
        cents = cents - away if kind.waits_below(side) else cents + away
        entry = money(cents)
    signal = Signal(
        source="sim",
        external_id=key,
        symbol=tape.symbol,
        side=side,
        made_at_ms=at_ms,
        entry_type=kind,
        entry_price=entry,
        exits=random_exits(chance, cents, side, tape, at_ms),
        expires_at_ms=at_ms + chance.randint(1, 40) * MINUTE_MS if chance.random() < 0.4 else None,
    )
    return Open(
        account=chance.choice([ACCOUNTS[0], *ACCOUNTS]),
        signal=signal,
        quantity=Decimal(chance.choice([3, 5, 7, 10, 10, 25, 200])),
        is_forced=is_forced,
    )


def _by_hand(chance: random.Random, opened: Open, tape: Tape, at_ms: int, is_forced: bool) -> ByHand:
    verb = chance.choice(["close", "part", "part", "cancel", "void", "modify", "modify", "modify"])
    return ByHand(
        verb=verb,
        key=opened.signal.key,
        fraction=Decimal(chance.choice(["0.25", "0.5", "0.9"])) if verb == "part" else Decimal(1),
        change=random_change(chance, opened.signal.side, tape, at_ms) if verb == "modify" else _NO_CHANGE,
        is_forced=is_forced,
    )
