"""Caps: the most notional in live trades, per symbol, side and source and in total; and what all of it leaves.

`Restraint` is what an order meets on its way to a size: the guards that act, and the room that each cap leaves. The
rule to keep: it can only refuse an order or make it smaller; without guards and caps it is `FREE` and costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from papertrade.engine.guards import Stand
from papertrade.engine.instants import to_iso
from papertrade.engine.limits import Action, GuardName, Limit
from papertrade.engine.messages import Refusal
from papertrade.engine.money import CONTEXT, ONE, ZERO, floor_to, plain
from papertrade.engine.sized import Cut, CutBy
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most notional that live trades may have, each as an amount or percent of the balance; None is no cap."""

    symbol: Limit | None = None
    side: Limit | None = None
    source: Limit | None = None
    total: Limit | None = None
    may_shrink: bool = False

    @property
    def are_off(self) -> bool:
        """Whether there is no cap at all."""
        return self.symbol is None and self.side is None and self.source is None and self.total is None


NO_CAPS: Final = Caps()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The notional of the live trades of an account that share something with an order, and of all of them."""

    symbol: Decimal = ZERO
    side: Decimal = ZERO
    source: Decimal = ZERO
    total: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Room:
    """What one cap leaves: its limit in account money, and what live trades use of it."""

    cap: GuardName
    limit: Decimal
    used: Decimal

    @property
    def left(self) -> Decimal:
        """The notional that may still be placed; never below 0."""
        return max(CONTEXT.subtract(self.limit, self.used), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restraint:
    """What holds an order back: guards that act (`stands`), rooms of caps, and whether a cap may make it smaller."""

    stands: tuple[Stand, ...] = ()
    rooms: tuple[Room, ...] = ()
    may_shrink: bool = False

    @property
    def halt(self) -> Stand | None:
        """The first guard that refuses the order."""
        return next((stand for stand in self.stands if stand.response.action is Action.HALT), None)

    @property
    def factor(self) -> Decimal:
        """What the guards together multiply the size by, at most 1."""
        factor = ONE
        for stand in self.stands:
            factor = CONTEXT.multiply(factor, stand.factor)
        return factor

    @property
    def tightest(self) -> Room | None:
        """The cap that leaves least, the first of equals."""
        return min(self.rooms, key=lambda room: room.left, default=None)


FREE: Final = Restraint()


def rooms_of(caps: Caps, exposure: Exposure, balance: Decimal) -> tuple[Room, ...]:
    """Return what each cap leaves; percents are of `balance`."""

    def each() -> Iterator[tuple[GuardName, Limit | None, Decimal]]:
        yield GuardName.CAP_SYMBOL, caps.symbol, exposure.symbol
        yield GuardName.CAP_SIDE, caps.side, exposure.side
        yield GuardName.CAP_SOURCE, caps.source, exposure.source
        yield GuardName.CAP_TOTAL, caps.total, exposure.total

    return tuple(Room(cap, limit.of(balance), used) for cap, limit, used in each() if limit is not None)


def halted(restraint: Restraint) -> Refusal | None:
    """Return the refusal of the first guard that halts, None if none does."""
    halt = restraint.halt
    if halt is None:
        return None
    numbers = {number.name: plain(number.value) for number in halt.numbers}
    return Refusal(
        "guard",
        f"guard {halt.guard}: {halt.message}",
        "papertrade guards",
        {"guard": str(halt.guard), **numbers, "until": None if halt.until_ms is None else to_iso(halt.until_ms)},
    )


def held_back(quantity: Decimal, price: Decimal, grid: Decimal, restraint: Restraint) -> tuple[Cut, ...] | Room:
    """Return how guards and caps cut a quantity on its grid; the room of a cap that refuses it.

    Guards come first, all their factors at once, so their order does not matter; then the tightest cap. To be called
    inside `exact()`.
    """
    if restraint is FREE:
        return ()
    factor = restraint.factor
    wanted = quantity if factor == 1 else floor_to(quantity * factor, grid)
    cuts = (Cut(CutBy.GUARD, factor, wanted),) if wanted < quantity else ()
    room = restraint.tightest
    if room is None or wanted * price <= room.left:
        return cuts
    most = floor_to(room.left / price, grid)
    if not restraint.may_shrink or most <= 0:
        return room
    return (*cuts, Cut(CutBy.CAP, room.left, most))


def room_text(room: Room) -> str:
    """Say how full a cap is."""
    what = room.cap.removeprefix("cap_")
    whole = "all live trades" if room.cap is GuardName.CAP_TOTAL else f"this {what}"
    return f"{whole} may have `{plain(room.limit)}`, `{plain(room.used)}` is used, `{plain(room.left)}` is left"
