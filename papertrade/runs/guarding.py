"""What guards and caps know of a live account, asked of the store at the moment of an order.

One home for the facts that `open`, `watch --strategy` and `guards` go by; `backtest_guards.py` keeps the same ones for
a backtest. Times are effective ones, prices closes of final candles, never polls. The rule to keep: reads only, and
nothing is read that no guard and no cap asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import tzinfo

from papertrade.engine.caps import Restraint, Room, rooms_of
from papertrade.engine.exposure import Stake, exposure_of, source_of, stake_of
from papertrade.engine.guard_events import Figures, GuardActed, GuardsReset
from papertrade.engine.guards import AccountFacts, GuardRules, Trip, has_fallen, judge
from papertrade.engine.instants import start_of_day
from papertrade.engine.limits import GuardName
from papertrade.engine.money import CONTEXT, ZERO, exact
from papertrade.engine.signal import Signal
from papertrade.engine.step import Rules
from papertrade.engine.values import dataclass
from papertrade.reports.equity import EquityPoint, History, HoldingStep, MoneyStep, equity_at
from papertrade.reports.marks import Mark
from papertrade.reports.peaks import Peaks, with_equity
from papertrade.runs.guard_acts import local_minute_of
from papertrade.runs.guard_memory import GuardMemory
from papertrade.runs.reporting import as_it_was, curve, epoch_of
from papertrade.store.rows import AccountRow, EventFilter
from papertrade.store.store import Reader

REMEMBERING = (GuardName.DRAWDOWN, GuardName.COOLDOWN, GuardName.LOCKOUT)
"""The guards that a reset lets forget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """One account at one instant, as guards see it."""

    reader: Reader
    account: AccountRow
    rules: GuardRules
    zone: tzinfo
    at_ms: int
    memory: GuardMemory = field(default_factory=GuardMemory)

    def restraint(self, signal: Signal, rules: Rules) -> Restraint:
        """Return what holds back an order for a signal."""
        stands = () if self.rules.are_off else judge(self.rules, self.facts(signal.symbol), signal.symbol)
        rooms: tuple[Room, ...] = ()
        if not rules.caps.are_off:
            exposure = exposure_of(self.stakes(), signal.symbol, signal.side, source_of(signal.key))
            rooms = rooms_of(rules.caps, exposure, self.reader.account_book(self.account).balance)
        return Restraint(stands=stands, rooms=rooms, may_shrink=rules.caps.may_shrink)

    def facts(self, symbol: str = "", *, wants_all: bool = False) -> AccountFacts:
        """Return what the guards ask for, all of it with `wants_all`; losses are those of `symbol`."""
        weekday, minute = local_minute_of(self.at_ms, self.zone)
        rules = self.rules
        streak, streak_at_ms = 0, None
        if rules.cooldown:
            since_ms = self._forgot_ms(GuardName.COOLDOWN)
            streak, streak_at_ms = self.reader.losing_streak(self.account, since_ms, self.at_ms)
        losses: tuple[int, ...] = ()
        if rules.lockout and symbol:
            bounds = (self._forgot_ms(GuardName.LOCKOUT), self.at_ms)
            most = max(rule.losses for rule in rules.lockout)
            losses = self.reader.losses_of(self.account, symbol, bounds, most)
        facts = AccountFacts(
            at_ms=self.at_ms,
            weekday=weekday,
            minute=minute,
            live=self.reader.live_count_of(self.account) if rules.max_open or wants_all else 0,
            streak=streak,
            streak_at_ms=streak_at_ms,
            symbol_losses=losses,
        )
        if not (wants_all or rules.need_equity):
            return facts
        return self._valued(facts, wants_peak=bool(rules.drawdown) or wants_all)

    def locked_symbols(self) -> tuple[str, ...]:
        """Return the symbols that have lost since the lockouts began to count."""
        if not self.rules.lockout:
            return ()
        return self.reader.symbols_lost(self.account, self._forgot_ms(GuardName.LOCKOUT), self.at_ms)

    def figures(self) -> Figures:
        """Return how the account stands."""
        facts = self.facts(wants_all=True)
        wins, losses = self.reader.outcomes(self.account, self.at_ms)
        return Figures(
            equity=facts.equity,
            balance=self.reader.account_book(self.account).balance,
            peak=facts.peak,
            drawdown_percent=facts.drawdown_percent,
            day_profit=facts.day_profit,
            live=facts.live,
            wins=wins,
            losses=losses,
        )

    def _valued(self, facts: AccountFacts, *, wants_peak: bool) -> AccountFacts:
        now = self.now()
        day = as_it_was(self.reader, self.account, start_of_day(self.at_ms, self.zone))
        peaks = self._peaks() if wants_peak else Peaks()
        return with_equity(facts, now, day, peaks.judged(now), peaks.trips.values())

    def now(self) -> EquityPoint:
        """Value the account at the last closes of final candles."""
        book = self.reader.account_book(self.account)
        money = MoneyStep(
            at_ms=self.at_ms, cash=book.cash, reserved=book.reserved, realized=book.realized, flow=book.capital
        )
        holdings = [
            HoldingStep(
                at_ms=held.opened_at,
                trade_id=held.trade_id,
                venue=held.venue,
                symbol=held.symbol,
                side=held.side,
                quantity=held.quantity,
                entry_price=held.entry_price,
            )
            for held in self.reader.held_trades(self.account)
        ]
        return equity_at(History([money], holdings), _LastCloses(self.reader), self.at_ms)

    def _peaks(self) -> Peaks:
        """Return the peak of the curve since the last reset, and the trips since."""
        key = (self.account.id, self.rules.drawdowns)
        known = self.memory.peaks.get(key)
        if known is None:
            reset = self._resets().get(GuardName.DRAWDOWN)
            since_ms = None if reset is None else reset.at_ms
            drawn = curve(self.reader, self.account, epoch_of(self.reader, self.account), self.at_ms, since_ms)
            best = ZERO if reset is None else CONTEXT.subtract(reset.equity, reset.capital)
            known = Peaks(limits=self.rules.drawdowns, best=best)
            for point in drawn.points:
                known.see(point)
            known.add_trips(self._recorded_trips(-1 if since_ms is None else since_ms))
            self.memory.peaks[key] = known
        return known.copied()

    def _recorded_trips(self, since_ms: int) -> Iterator[Trip]:
        """Yield what refused orders have shown of a drawdown: they are judged between the points of the curve too."""
        for act in recorded_acts(self.reader, self.account):
            if act.guard is not GuardName.DRAWDOWN or act.at_ms <= since_ms:
                continue
            numbers = {number.name: number.value for number in act.numbers}
            for percent in self.rules.drawdowns:
                if has_fallen(numbers["equity"], numbers["peak"], percent):
                    yield Trip(percent, act.at_ms, numbers["equity"], numbers["peak"])

    def stakes(self) -> Iterator[Stake]:
        """Yield what each live trade puts at stake."""
        with exact():
            held = [
                Stake(one.symbol, one.side, one.source, one.quantity * one.entry_price)
                for one in self.reader.held_trades(self.account)
            ]
        yield from held
        yield from (stake_of(trade) for trade in self.reader.pending_trades(self.account))

    def _forgot_ms(self, guard: GuardName) -> int:
        """Return when a guard last forgot, -1 if it never did."""
        reset = self._resets().get(guard)
        return -1 if reset is None else reset.at_ms

    def _resets(self) -> Mapping[GuardName, GuardsReset]:
        """Return the last reset of each guard."""
        wanted = EventFilter(account_id=self.account.id, kinds=("guards_reset",), after_seq=self.account.epoch_seq)
        resets: dict[GuardName, GuardsReset] = {}
        for row in self.reader.events(wanted):
            if isinstance(row.event, GuardsReset):
                resets |= dict.fromkeys(row.event.guards, row.event)
        return resets


@dataclass(slots=True)
class _LastCloses:
    """The newest closes of final candles, as far as each instrument has been processed."""

    reader: Reader
    known: dict[tuple[str, str], Mark | None] = field(default_factory=dict)

    def at(self, venue: str, symbol: str, at_ms: int) -> Mark | None:  # noqa: ARG002 there is nothing newer
        """Return the newest close; None for an instrument that was never processed."""
        key = (venue, symbol)
        if key not in self.known:
            mark = self.reader.watermark(venue, symbol)
            self.known[key] = None if mark is None else Mark(mark.close, mark.end_ms - 1)
        return self.known[key]


def recorded_acts(reader: Reader, account: AccountRow) -> Iterator[GuardActed]:
    """Yield what guards and caps did in the account's present epoch, oldest first."""
    wanted = EventFilter(account_id=account.id, kinds=("guard_acted",), after_seq=account.epoch_seq)
    for row in reader.events(wanted):
        if isinstance(row.event, GuardActed):
            yield row.event
