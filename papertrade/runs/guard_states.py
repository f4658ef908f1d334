"""How guards and caps stand, what they did, and the account's figures beside it: what the `guards` command shows.

Everything is derived: adjustments and resets from the journal, day ends from the equity curve. The rule to keep: no
figure is stored twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import tzinfo
from decimal import Decimal
from typing import NamedTuple

from papertrade.engine.caps import Caps, Exposure, Room, rooms_of
from papertrade.engine.exposure import Stake, exposure_of
from papertrade.engine.guard_events import Figures, GuardsReset
from papertrade.engine.guards import Response, Stand, drawdown_percent, stands
from papertrade.engine.instants import start_of_day
from papertrade.engine.limits import GuardName
from papertrade.engine.market import DAY_MS, HOUR_MS, Side
from papertrade.engine.money import CONTEXT, ZERO
from papertrade.engine.values import dataclass
from papertrade.reports.equity import EquityPoint, Valuation, equity_curve
from papertrade.reports.peaks import Peaks
from papertrade.runs.guarding import Guarded, recorded_acts
from papertrade.runs.reporting import epoch_of, history, stored_closes
from papertrade.store.guard_reads import Lifespan
from papertrade.store.rows import AccountRow, Recorded
from papertrade.store.store import Reader, Writer


@dataclass(frozen=True, slots=True)
class CapState:
    """One cap, of one symbol, side or source (None: of all) that has live trades."""

    room: Room
    of: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An account's figures at an instant: at a day's end, or when a guard or cap `acted`."""

    at_ms: int
    figures: Figures
    acted: tuple[GuardName, ...] = ()


def guard_states(guarded: Guarded) -> tuple[Stand, ...]:
    """Return how every guard stands; a lockout of each symbol that has lost."""
    general = stands(guarded.rules, guarded.facts())
    locked = [
        stand
        for symbol in guarded.locked_symbols()
        for stand in stands(guarded.rules, guarded.facts(symbol), symbol)
        if stand.guard is GuardName.LOCKOUT
    ]
    if guarded.rules.lockout and not locked:
        locked = [_unlocked(rule.response) for rule in guarded.rules.lockout]
    return (*general, *locked)


def _unlocked(response: Response) -> Stand:
    return Stand(guard=GuardName.LOCKOUT, response=response, is_acting=False, message="no symbol has lost", numbers=())


def cap_states(guarded: Guarded, caps: Caps) -> tuple[CapState, ...]:
    """Return how full each cap is."""
    if caps.are_off:
        return ()
    balance = guarded.reader.account_book(guarded.account).balance
    stakes = list(guarded.stakes())
    return tuple(_cap_states(stakes, caps, balance))


def _cap_states(stakes: list[Stake], caps: Caps, balance: Decimal) -> Iterator[CapState]:
    def of(cap: GuardName, exposure: Exposure, name: str | None) -> Iterator[CapState]:
        for room in rooms_of(caps, exposure, balance):
            if room.cap is cap:
                yield CapState(room, name)

    for symbol in sorted({stake.symbol for stake in stakes}):
        yield from of(GuardName.CAP_SYMBOL, exposure_of(stakes, symbol, Side.LONG, ""), symbol)
    for side in Side:
        yield from of(GuardName.CAP_SIDE, exposure_of(stakes, "", side, ""), str(side))
    for source in sorted({stake.source for stake in stakes}):
        yield from of(GuardName.CAP_SOURCE, exposure_of(stakes, "", Side.LONG, source), source)
    yield from of(GuardName.CAP_TOTAL, exposure_of(stakes, "", Side.LONG, ""), None)


def reset_guards(writer: Writer, guarded: Guarded, guards: tuple[GuardName, ...], reason: str) -> GuardsReset:
    """Record that guards forget what was before now."""
    now = guarded.now()
    event = GuardsReset(
        account_id=guarded.account.id,
        guards=guards,
        equity=now.equity,
        capital=now.capital,
        at_ms=guarded.at_ms,
        reason=reason,
    )
    writer.record([Recorded(event, guarded.at_ms)])
    return event


def snapshots_of(reader: Reader, account: AccountRow, now_ms: int, zone: tzinfo) -> tuple[Snapshot, ...]:
    """Return the account's figures at each day's end in the zone and at each adjustment, oldest first.

    What several guards and caps did to one order at once is one adjustment.
    """
    acted: dict[_Adjusted, tuple[GuardName, ...]] = {}
    for act in recorded_acts(reader, account):
        order = _Adjusted(act.at_ms, act.signal_key, act.trade_id, act.figures)
        acted[order] = tuple(dict.fromkeys((*acted.get(order, ()), act.guard)))
    adjusted = [Snapshot(order.at_ms, order.figures, names) for order, names in acted.items()]
    return tuple(sorted([*_day_ends(reader, account, now_ms, zone), *adjusted], key=lambda one: one.at_ms))


class _Adjusted(NamedTuple):
    """An order at the instant at which guards and caps looked at it, and the account as it stood then."""

    at_ms: int
    signal_key: str
    trade_id: int | None
    figures: Figures


def _day_ends(reader: Reader, account: AccountRow, now_ms: int, zone: tzinfo) -> Iterator[Snapshot]:
    steps = history(reader, account, epoch_of(reader, account))
    if not steps.money:
        return
    prices = stored_closes(reader, steps, now_ms)
    points = equity_curve(steps, prices, now_ms)
    values, peaks, counts = Valuation(steps, prices), Peaks(), _Counts(reader.lifespans(account))
    seen, before = 0, None
    for end_ms in _ends(min(step.at_ms for step in steps.money), now_ms, zone):
        while seen < len(points) and points[seen].at_ms <= end_ms:
            peaks.see(points[seen])
            seen += 1
        point = values.advance(end_ms)
        peaks.see(point)
        yield Snapshot(end_ms, _figures(point, before, peaks, counts))
        before = point


def _ends(first_ms: int, now_ms: int, zone: tzinfo) -> Iterator[int]:
    """Yield the last millisecond of each day that is over."""
    start_ms = start_of_day(first_ms, zone)
    while True:
        # A day of a zone has 23 to 25 hours.
        start_ms = start_of_day(start_ms + DAY_MS + 2 * HOUR_MS, zone)
        if start_ms > now_ms:
            return
        yield start_ms - 1


class _Counts:
    """How many trades were live at an instant, and how many had won and lost by then. O(log n) each."""

    def __init__(self, lifespans: tuple[Lifespan, ...]) -> None:
        ended = [(life.ended_ms, life.net_units or 0) for life in lifespans if life.ended_ms is not None]
        self._placed = sorted(life.placed_ms for life in lifespans)
        self._ended = sorted(at_ms for at_ms, _ in ended)
        self._won = sorted(at_ms for at_ms, net in ended if net > 0)
        self._lost = sorted(at_ms for at_ms, net in ended if net < 0)

    def at(self, at_ms: int) -> tuple[int, int, int]:
        """Return live, won and lost trades."""
        placed, ended, won, lost = (
            bisect_right(instants, at_ms) for instants in (self._placed, self._ended, self._won, self._lost)
        )
        return placed - ended, won, lost


def _figures(point: EquityPoint, before: EquityPoint | None, peaks: Peaks, counts: _Counts) -> Figures:
    live, wins, losses = counts.at(point.at_ms)
    peak = peaks.peak(point)
    gain = CONTEXT.subtract(point.equity, point.capital)
    earlier = ZERO if before is None else CONTEXT.subtract(before.equity, before.capital)
    return Figures(
        equity=point.equity,
        balance=CONTEXT.add(point.capital, point.realized),
        peak=peak,
        drawdown_percent=drawdown_percent(point.equity, peak),
        day_profit=CONTEXT.subtract(gain, earlier),
        live=live,
        wins=wins,
        losses=losses,
    )
