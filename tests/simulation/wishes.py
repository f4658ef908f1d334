"""The exits that a seed's user wishes: stops and targets, trails, break-evens, time limits, changes of them.

All near the price of the moment, on few distances, so that levels meet and touches and ties are frequent.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from papertrade.engine.changes import ExitChange
from papertrade.engine.exit_wish import BreakEvenWish, ExitWish, Level, LevelKind, TargetWish, TimeLimitWish, TrailWish
from papertrade.engine.market import MINUTE_MS, Side
from tests.simulation.market import Tape, money

_RULED = 0.6
"""How many signals wish for more than a stop and targets."""


def random_exits(chance: random.Random, cents: int, side: Side, tape: Tape, at_ms: int) -> ExitWish:
    """Draw the exits of a signal whose entry is expected at `cents`."""
    plain = _plain(chance, cents, side, tape)
    if chance.random() >= _RULED:
        return plain
    has_stop = plain.stop is not None
    has_more = len(plain.targets) > 1 or any(t.fraction not in (None, 1) for t in plain.targets)
    kinds = [LevelKind.EVEN, LevelKind.EVEN_GROSS, LevelKind.PRICE, LevelKind.SIGNED_PERCENT]
    after = chance.choice(kinds)
    value = {LevelKind.PRICE: money(cents), LevelKind.SIGNED_PERCENT: -side.sign * Decimal("0.5")}
    return replace(
        plain,
        trail=_trail(chance, cents, side, tape, has_stop=has_stop) if chance.random() < 0.5 else None,
        break_even=_even(chance, cents, side, tape, has_stop=has_stop) if chance.random() < 0.4 else None,
        time_limit=_limit(chance, at_ms) if chance.random() < 0.4 else None,
        after_first=Level(after, value.get(after, Decimal(0))) if has_more and chance.random() < 0.5 else None,
    )


def random_change(chance: random.Random, side: Side, tape: Tape, at_ms: int) -> ExitChange:
    """Draw a change of a live trade's exits."""
    cents = cents_at(tape, at_ms)
    stop = Level(LevelKind.PRICE, money(cents - side.sign * share(chance, cents, tape, [5, 10, 20])))
    target = TargetWish(Level(LevelKind.PRICE, money(cents + side.sign * share(chance, cents, tape, [5, 10, 20]))))
    wants = chance.choice(["stop", "stop", "target", "both", "both", "even", "rules", "without"])
    match wants:
        case "even":
            return ExitChange(stop=Level(chance.choice([LevelKind.EVEN, LevelKind.EVEN_GROSS])), keeps_stop=False)
        case "rules":
            return ExitChange(
                trail=_trail(chance, cents, side, tape, has_stop=False),
                break_even=_even(chance, cents, side, tape, has_stop=False),
                time_limit=_limit(chance, at_ms),
                keeps_trail=chance.random() < 0.5,
                keeps_break_even=chance.random() < 0.5,
                keeps_time_limit=chance.random() < 0.5,
            )
        case "without":
            return ExitChange(keeps_trail=False, keeps_break_even=False, keeps_time_limit=False)
        case _:
            return ExitChange(
                stop=stop if wants != "target" else None,
                targets=(target,) if wants != "stop" else (),
                keeps_stop=wants == "target",
                keeps_targets=wants == "stop",
            )


def share(chance: random.Random, cents: int, tape: Tape, permille: Sequence[int]) -> int:
    """Return some thousandths of a price on the symbol's step, at least one step."""
    step = int(tape.instrument.price_step * 100)
    return max(cents * chance.choice(permille) // 1000 // step * step, step)


def cents_at(tape: Tape, at_ms: int) -> int:
    """Return the price of an instant in cents."""
    quote = tape.quote(at_ms)
    return 10_000 if quote is None else int(quote.last * 100)


def _plain(chance: random.Random, cents: int, side: Side, tape: Tape) -> ExitWish:
    if chance.random() < 0.25:
        percent, risks = Decimal(chance.choice([1, 2, 3])), Decimal(chance.choice([1, 2]))
        return ExitWish(Level(LevelKind.PERCENT, percent), (TargetWish(Level(LevelKind.RISK, risks)),))
    away = share(chance, cents, tape, [5, 10, 20, 40])
    near = share(chance, cents, tape, [5, 10, 20])
    wishes: Sequence[TargetWish] = [
        TargetWish(Level(LevelKind.PRICE, money(cents + side.sign * near * (n + 1))))
        for n in range(chance.choice([0, 1, 1, 2, 3]))
    ]
    if len(wishes) > 1 and chance.random() < 0.4:
        wishes = [TargetWish(wish.level, Decimal("0.3")) for wish in wishes]
    stop = Level(LevelKind.PRICE, money(cents - side.sign * away)) if chance.random() < 0.85 else None
    return ExitWish(stop, tuple(wishes))


def _ahead(chance: random.Random, cents: int, side: Side, tape: Tape, *, has_stop: bool) -> Level:
    """Draw a level on the winning side."""
    levels = [
        Level(LevelKind.PRICE, money(cents + side.sign * share(chance, cents, tape, [5, 10]))),
        Level(LevelKind.PERCENT, Decimal(1)),
        Level(LevelKind.SIGNED_PERCENT, side.sign * Decimal("1.5")),
    ]
    return chance.choice([*levels, *([Level(LevelKind.RISK, Decimal(1))] if has_stop else [])])


def _trail(chance: random.Random, cents: int, side: Side, tape: Tape, *, has_stop: bool) -> TrailWish:
    distances = [
        Level(LevelKind.PERCENT, Decimal(chance.choice(["0.5", "1", "2"]))),
        Level(LevelKind.PRICE, money(share(chance, cents, tape, [5, 10, 20]))),
    ]
    distance = chance.choice([*distances, *([Level(LevelKind.RISK, Decimal(1))] if has_stop else [])])
    return TrailWish(distance, _ahead(chance, cents, side, tape, has_stop=has_stop) if chance.random() < 0.4 else None)


def _even(chance: random.Random, cents: int, side: Side, tape: Tape, *, has_stop: bool) -> BreakEvenWish:
    return BreakEvenWish(_ahead(chance, cents, side, tape, has_stop=has_stop), is_gross=chance.random() < 0.3)


def _limit(chance: random.Random, at_ms: int) -> TimeLimitWish:
    if chance.random() < 0.6:
        return TimeLimitWish(after_ms=chance.choice([1_000, MINUTE_MS, 5 * MINUTE_MS, 12 * MINUTE_MS + 1_000]))
    return TimeLimitWish(at_ms=at_ms + chance.choice([1, MINUTE_MS, 4 * MINUTE_MS + 500, 15 * MINUTE_MS]))
