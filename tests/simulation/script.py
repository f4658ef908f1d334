"""The user of a seed: what is asked for and when, drawn before anything runs.

A script depends on the market alone, so that the same user can be replayed in a quiet world.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from papertrade.engine.market import MINUTE_MS, Side
from papertrade.engine.signal import EntryType, ExitWish, Level, LevelKind, Signal, TargetWish
from tests.simulation.market import Tape, money

ACCOUNTS = ("main", "spare")


@dataclass(frozen=True, kw_only=True)
class Open:
    """Trade a signal; asked for twice it is a duplicate, or a second trade once the first has ended."""

    account: str
    signal: Signal
    quantity: Decimal
    is_forced: bool = False


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """Change or end the newest trade of a signal."""

    verb: str
    key: str
    fraction: Decimal = Decimal(1)
    stop: Level | None = None
    target: Level | None = None
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


Wish: TypeAlias = Open | ByHand | Cash | Reset


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
        lines.append(Line(at_ms, opened))
        if chance.random() < 0.15:
            lines.append(Line(_sometime(chance, at_ms, end_ms), opened))
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            then_ms = _sometime(chance, at_ms, min(at_ms + chance.choice([2, 8, 30]) * MINUTE_MS, end_ms))
            lines.append(Line(then_ms, _by_hand(chance, opened, tape, then_ms, chance.random() < forced)))
    for _ in range(chance.randint(0, 3)):
        amount = Decimal(chance.choice([100, 2500, -300, -9000, -100_000]))
        lines.append(Line(_sometime(chance, start_ms, end_ms), Cash(account=chance.choice(ACCOUNTS), amount=amount)))
    if chance.random() < 0.15:
        lines.append(Line(_sometime(chance, start_ms, end_ms), Reset(account="spare")))
    return sorted(lines, key=lambda line: line.at_ms)


def _sometime(chance: random.Random, from_ms: int, to_ms: int) -> int:
    """Draw a time; the edges of minutes are the interesting ones."""
    at_ms = chance.randint(from_ms, max(to_ms, from_ms))
    if chance.random() < 0.3:
        at_ms = at_ms - at_ms % MINUTE_MS + chance.choice([-1, 0, 0, 1, 300])
    return max(at_ms, from_ms)


def _open(chance: random.Random, key: str, tape: Tape, at_ms: int, *, is_forced: bool) -> Open:
    quote = tape.quote(at_ms)
    cents = 10_000 if quote is None else int(quote.last * 100)
    side = chance.choice([Side.LONG, Side.SHORT])
    kind = chance.choice([EntryType.MARKET, EntryType.MARKET, EntryType.LIMIT, EntryType.STOP])
    entry = None
    if kind is not EntryType.MARKET:
        away = _share(chance, cents, tape, [5, 10, 20])
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
        exits=_exits(chance, cents, side, tape),
        expires_at_ms=at_ms + chance.randint(1, 40) * MINUTE_MS if chance.random() < 0.4 else None,
    )
    return Open(
        account=chance.choice([ACCOUNTS[0], *ACCOUNTS]),
        signal=signal,
        quantity=Decimal(chance.choice([3, 5, 7, 10, 10, 25, 200])),
        is_forced=is_forced,
    )


def _exits(chance: random.Random, cents: int, side: Side, tape: Tape) -> ExitWish:
    if chance.random() < 0.25:
        percent, risks = Decimal(chance.choice([1, 2, 3])), Decimal(chance.choice([1, 2]))
        return ExitWish(Level(LevelKind.PERCENT, percent), (TargetWish(Level(LevelKind.RISK, risks)),))
    away = _share(chance, cents, tape, [5, 10, 20, 40])
    near = _share(chance, cents, tape, [5, 10, 20])
    wishes: Sequence[TargetWish] = [
        TargetWish(Level(LevelKind.PRICE, money(cents + side.sign * near * (n + 1))))
        for n in range(chance.choice([0, 1, 1, 2, 3]))
    ]
    if len(wishes) > 1 and chance.random() < 0.4:
        wishes = [TargetWish(wish.level, Decimal("0.3")) for wish in wishes]
    stop = Level(LevelKind.PRICE, money(cents - side.sign * away)) if chance.random() < 0.85 else None
    return ExitWish(stop, tuple(wishes))


def _by_hand(chance: random.Random, opened: Open, tape: Tape, at_ms: int, is_forced: bool) -> ByHand:
    quote = tape.quote(at_ms)
    cents = 10_000 if quote is None else int(quote.last * 100)
    sign = opened.signal.side.sign
    verb = chance.choice(["close", "part", "part", "cancel", "modify", "modify", "modify"])
    stop = Level(LevelKind.PRICE, money(cents - sign * _share(chance, cents, tape, [5, 10, 20])))
    target = Level(LevelKind.PRICE, money(cents + sign * _share(chance, cents, tape, [5, 10, 20])))
    wants = chance.choice(["stop", "target", "both"])
    return ByHand(
        verb=verb,
        key=opened.signal.key,
        fraction=Decimal(chance.choice(["0.25", "0.5", "0.9"])) if verb == "part" else Decimal(1),
        stop=stop if verb == "modify" and wants != "target" else None,
        target=target if verb == "modify" and wants != "stop" else None,
        is_forced=is_forced,
    )


def _share(chance: random.Random, cents: int, tape: Tape, permille: Sequence[int]) -> int:
    """Return some thousandths of a price on the symbol's step, at least one step."""
    step = int(tape.instrument.price_step * 100)
    return max(cents * chance.choice(permille) // 1000 // step * step, step)
