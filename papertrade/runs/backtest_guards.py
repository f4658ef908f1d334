"""What guards and caps know of a backtest's account, kept event by event in the order of time.

Only a backtest with guards or caps makes a keeper; without one nothing of this runs. The rule to keep: facts at an
instant come from what was booked up to it and from candles that had ended by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import field
from datetime import tzinfo
from decimal import Decimal

import numpy as np

from papertrade.engine.account import AccountBook, postings
from papertrade.engine.caps import Restraint, Room, rooms_of
from papertrade.engine.exposure import Stake, exposure_of, source_of, stake_of
from papertrade.engine.guard_events import Figures
from papertrade.engine.guards import AccountFacts, judge
from papertrade.engine.instants import start_of_day
from papertrade.engine.market import HOUR_MS, first_whole_open
from papertrade.engine.messages import EntryFilled, ExitFilled, TradeEvent
from papertrade.engine.money import CONTEXT
from papertrade.engine.signal import Signal
from papertrade.engine.state import evolve
from papertrade.engine.step import Rules
from papertrade.engine.trade import Status, Trade
from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import CandleSeries
from papertrade.reports.equity import EquityPoint, History, MoneyStep, Valuation, holding_step, money_step
from papertrade.reports.marks import Mark
from papertrade.reports.peaks import Peaks, with_equity
from papertrade.runs.guard_acts import local_minute_of


@dataclass(frozen=True, slots=True)
class SeriesPrices:
    """Closes of whole series, by symbol whatever the venue."""

    series: Mapping[str, CandleSeries]

    def at(self, venue: str, symbol: str, at_ms: int) -> Mark | None:  # noqa: ARG002 a backtest has one venue
        """Return the newest close at or before the instant; None before the first candle's end."""
        one = self.series[symbol]
        index = int(np.searchsorted(one.open_ms, at_ms - one.interval_ms + 2)) - 1
        if index < 0:
            return None
        return Mark(one.price(one.close, index), int(one.open_ms[index]) + one.interval_ms - 1)


@dataclass(slots=True)
class _Losses:
    """The results of closed trades so far: the streak, and the losses of each symbol, the newest so many."""

    kept: int
    wins: int = 0
    losses: int = 0
    streak: int = 0
    streak_at_ms: int | None = None
    of_symbol: dict[str, deque[int]] = field(default_factory=dict)

    def take(self, trade: Trade, at_ms: int) -> None:
        """Take in a trade that closed; a break-even one ends a streak and is no loss."""
        if trade.realized >= 0:
            self.wins += trade.realized > 0
            self.streak, self.streak_at_ms = 0, None
            return
        self.losses += 1
        self.streak += 1
        self.streak_at_ms = at_ms
        self.of_symbol.setdefault(trade.order.symbol, deque(maxlen=self.kept)).append(at_ms)


class GuardKeeper:
    """The facts about one account on its way through time."""

    def __init__(self, rules: Rules, zone: tzinfo, opening: AccountBook, series: Mapping[str, CandleSeries]) -> None:
        self._rules, self._zone = rules, zone
        begins_ms = min((one.first_ms for one in series.values()), default=0)
        paid_in = MoneyStep(at_ms=begins_ms, cash=opening.cash, flow=opening.capital)
        self._values = Valuation(History([paid_in], []), SeriesPrices(series))
        self._peaks = Peaks(limits=rules.guards.drawdowns)
        self._seen_ms = begins_ms
        self._fills: deque[int] = deque()
        self._day_ms: int | None = None
        self._day: EquityPoint | None = None
        self._trades: dict[int, Trade] = {}
        self._stakes: dict[int, Stake] = {}
        self._results = _Losses(kept=max((rule.losses for rule in rules.guards.lockout), default=1))

    def booked(self, at_ms: int, event: TradeEvent) -> None:
        """Take in an event that was booked."""
        number = event.trade_id
        trade = evolve(self._trades.get(number), event)
        if trade.status.is_live:
            self._trades[number], self._stakes[number] = trade, stake_of(trade)
        else:
            self._trades.pop(number, None)
            self._stakes.pop(number, None)
        lines = postings(event)
        has_fill = isinstance(event, EntryFilled | ExitFilled)
        money = money_step(at_ms, lines) if lines else None
        self._values.add(money, holding_step(at_ms, trade) if has_fill else None)
        if has_fill:
            self._fills.append(at_ms)
        if trade.status is Status.CLOSED:
            self._results.take(trade, at_ms)

    def restraint(self, signal: Signal, at_ms: int, balance: Decimal) -> Restraint:
        """Return what holds back an order for a signal at an instant, which nothing booked lies after."""
        rules = self._rules
        stands = () if rules.guards.are_off else judge(rules.guards, self._facts(signal.symbol, at_ms), signal.symbol)
        rooms: tuple[Room, ...] = ()
        if not rules.caps.are_off:
            exposure = exposure_of(self._stakes.values(), signal.symbol, signal.side, source_of(signal.key))
            rooms = rooms_of(rules.caps, exposure, balance)
        return Restraint(stands=stands, rooms=rooms, may_shrink=rules.caps.may_shrink)

    def figures(self, at_ms: int) -> Figures:
        """Return how the account stands at an instant."""
        facts = self._facts("", at_ms, wants_all=True)
        now = self._values.advance(at_ms)
        return Figures(
            equity=facts.equity,
            balance=CONTEXT.add(now.capital, now.realized),
            peak=facts.peak,
            drawdown_percent=facts.drawdown_percent,
            day_profit=facts.day_profit,
            live=facts.live,
            wins=self._results.wins,
            losses=self._results.losses,
        )

    def _facts(self, symbol: str, at_ms: int, *, wants_all: bool = False) -> AccountFacts:
        weekday, minute = local_minute_of(at_ms, self._zone)
        results = self._results
        facts = AccountFacts(
            at_ms=at_ms,
            weekday=weekday,
            minute=minute,
            live=len(self._trades),
            streak=results.streak,
            streak_at_ms=results.streak_at_ms,
            symbol_losses=tuple(results.of_symbol.get(symbol, ())),
        )
        return self._valued(facts, at_ms) if wants_all or self._rules.guards.need_equity else facts

    def _valued(self, facts: AccountFacts, at_ms: int) -> AccountFacts:
        day = self._day_opening(at_ms)
        self._see(at_ms)
        now = self._values.advance(at_ms)
        peak = self._peaks.judged(now)
        return with_equity(facts, now, day, peak, self._peaks.trips.values())

    def _day_opening(self, at_ms: int) -> EquityPoint:
        """Return the account just before the day of an instant began."""
        start_ms = start_of_day(at_ms, self._zone)
        if self._day is None or self._day_ms != start_ms:
            self._see(start_ms - 1)
            self._day_ms, self._day = start_ms, self._values.advance(start_ms - 1)
        return self._day

    def _see(self, until_ms: int) -> None:
        """Take the points of the curve in up to an instant: each full UTC hour and each fill."""
        if until_ms < self._seen_ms:
            return
        hours = range(first_whole_open(self._seen_ms, HOUR_MS), until_ms + 1, HOUR_MS)
        fills = []
        while self._fills and self._fills[0] <= until_ms:
            fills.append(self._fills.popleft())
        for instant in sorted({*hours, *fills}):
            self._peaks.see(self._values.advance(instant))
        self._seen_ms = until_ms + 1
