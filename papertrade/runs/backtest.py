"""Signals over candles on one account, in memory: the engine of the watch, driven from arrays.

Signals are placed in time order; what the market then does to a trade does not depend on the account, so each
life is replayed at once and its events are booked when their time comes. No store, no network, no clock. The
rule to keep: opening is `engine.step`, everything after it is `engine.touch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import UTC, tzinfo
from decimal import Decimal
from functools import partial
from heapq import heappop, heappush
from operator import attrgetter
from typing import Final, TypeAlias

from papertrade.engine.account import AccountBook, posted
from papertrade.engine.caps import FREE, NO_CAPS
from papertrade.engine.conventions import EntryAt
from papertrade.engine.guard_events import GuardActed
from papertrade.engine.guards import NO_GUARDS
from papertrade.engine.instants import to_iso
from papertrade.engine.instrument import Instrument, unknown_instrument
from papertrade.engine.messages import CashMoved, EntryFilled, ExitFilled, Refusal, TradeEnded, TradeEvent, effective_ms
from papertrade.engine.money import exact
from papertrade.engine.own_costs import OwnCosts, without_fees
from papertrade.engine.signal import Signal
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass, replace
from papertrade.errors import Refused
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.backtest_guards import GuardKeeper
from papertrade.runs.collector import uncollected
from papertrade.runs.guard_acts import acts_of
from papertrade.runs.replay import Track, replay

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many of how many signals are done."""

SIGNALS_MAX: Final = 200_000
"""What one backtest takes: a trade with all its events is about 8 KB, so these fit into 2 GiB."""

VENUE: Final = "backtest"
ACCOUNT_ID: Final = 1

_PROGRESS_EVERY: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What to run: signals in any order, and for each of their symbols a series of candles.

    `detail` are finer candles that order touches; `instruments` those whose steps and minimums are known.
    `from_ms` and `to_ms` (UTC ms, the end not included) cut the candles and leave out the signals made outside
    them. `max_open` is how many trades may be live at once, None for any number. `zone` is whose days and hours the
    guards of `rules` count by.
    """

    signals: Sequence[Signal]
    candles: Mapping[str, CandleSeries]
    rules: Rules = field(default_factory=Rules)
    cash: Decimal = Decimal(10_000)
    currency: str = "USDT"
    detail: Mapping[str, CandleSeries] = field(default_factory=dict)
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    from_ms: int | None = None
    to_ms: int | None = None
    max_open: int | None = None
    zone: tzinfo = UTC
    progress: Progress | None = None

    def unrestrained(self) -> BacktestRequest:
        """Return the same backtest without guards, caps, `max_open`, funding and borrowing: what a ranking follows."""
        rules = replace(
            self.rules,
            guards=NO_GUARDS,
            caps=NO_CAPS,
            funding=None,
            borrow=None,
            venue_costs=_without_carry(self.rules.venue_costs),
            symbol_costs=_without_carry(self.rules.symbol_costs),
        )
        return replace(self, rules=rules, max_open=None)


@dataclass(frozen=True, slots=True)
class RefusedSignal:
    """A signal that was not traded, why, and when it was asked for (UTC ms)."""

    signal: Signal
    refusal: Refusal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Booked:
    """An event of one trade, when it happened (UTC ms), and the account's books after it."""

    at_ms: int
    event: TradeEvent
    book: AccountBook


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """What came of it: every trade by its number, also those still live at the end, and every event in time order.

    `opening` is the account before the first event, `book` after the last. `series` are the candles as cut (those
    of no candle left out) and `instruments` what is known of each; `begins_ms` and `ends_ms` are the span of them
    all (0 without any). `left_out` counts the signals made outside the span that was asked for.
    `acts` are what guards and caps did, in time order.
    """

    opening: AccountBook
    book: AccountBook
    trades: tuple[Trade, ...]
    refused: tuple[RefusedSignal, ...]
    booked: tuple[Booked, ...]
    series: Mapping[str, CandleSeries]
    instruments: Mapping[str, Instrument]
    begins_ms: int
    ends_ms: int
    left_out: int = 0
    acts: tuple[GuardActed, ...] = ()


def backtest(request: BacktestRequest) -> BacktestResult:
    """Run it. O((signals + touches) · log candles), whatever the trades' holding times.

    Raises Refused for more than `SIGNALS_MAX` signals.
    """
    if len(request.signals) > SIGNALS_MAX:
        raise Refused(
            f"`{len(request.signals)}` signals are more than one backtest takes, `{SIGNALS_MAX}`",
            hint="split them by time",
            code="too_many_signals",
        )
    cuts = {symbol: whole.between(request.from_ms, request.to_ms) for symbol, whole in request.candles.items()}
    series = {symbol: cut for symbol, cut in cuts.items() if len(cut) > 0}
    wanted = [signal for signal in request.signals if _is_inside(signal.made_at_ms, request)]
    drive = _Drive(request, series)
    with uncollected(), exact():
        drive.run(wanted)
    return BacktestResult(
        opening=drive.opening,
        book=drive.book,
        trades=tuple(drive.trades),
        refused=tuple(drive.refused),
        booked=tuple(drive.booked),
        series=series,
        instruments=drive.instruments,
        begins_ms=min((cut.first_ms for cut in series.values()), default=0),
        ends_ms=max((cut.end_ms for cut in series.values()), default=0),
        left_out=len(request.signals) - len(wanted),
        acts=tuple(drive.acts),
    )


@dataclass(frozen=True, slots=True)
class _Placing:
    """A signal with the candle at which it is placed, and the instant of that."""

    signal: Signal
    candle: int
    at_ms: int


class _Drive:
    """One account on its way through time."""

    def __init__(self, request: BacktestRequest, series: Mapping[str, CandleSeries]) -> None:
        self._request = request
        self._tracks = {symbol: Track(cut, request.detail.get(symbol)) for symbol, cut in series.items()}
        self.instruments = {
            symbol: request.instruments.get(symbol) or unknown_instrument(VENUE, symbol, request.currency)
            for symbol in series
        }
        self._at_close = request.rules.convention.entry is EntryAt.CLOSE
        begun = AccountBook(account_id=ACCOUNT_ID, name=VENUE, currency=request.currency)
        self.opening = posted(begun, CashMoved(account_id=ACCOUNT_ID, amount=request.cash))
        self.book = self.opening
        self.trades: list[Trade] = []
        self.refused: list[RefusedSignal] = []
        self.booked: list[Booked] = []
        self.acts: list[GuardActed] = []
        is_free = request.rules.guards.are_off and request.rules.caps.are_off
        self._guards = None if is_free else GuardKeeper(request.rules, request.zone, self.opening, series)
        # Sorted by the instant, exits before entries, then the number of the trade, then the order of its own events.
        self._coming: list[tuple[int, bool, int, int, TradeEvent]] = []
        self._live: dict[str, int] = {}

    def run(self, signals: Sequence[Signal]) -> None:
        """Place the signals in time order and book everything that follows."""
        placings = self._placings(signals)
        tell = self._request.progress
        for done, placing in enumerate(placings):
            if tell is not None and done % _PROGRESS_EVERY == 0:
                tell(done, len(placings))
            self._book_until(placing.at_ms)
            self._place(placing)
        self._book_until(None)
        if tell is not None:
            tell(len(placings), len(placings))

    def _placings(self, signals: Sequence[Signal]) -> list[_Placing]:
        """Find where each signal is placed; those that have no such candle are refused here."""
        found = []
        indexes = self._indexes(signals)
        for signal in signals:
            track = self._tracks.get(signal.symbol)
            if track is None:
                refusal = Refusal("no_candles", f"there are no candles of {signal.symbol}")
                self._refuse(signal, refusal, signal.made_at_ms)
                continue
            series, index = track.series, next(indexes[signal.symbol])
            refusal_outside = _outside(signal, series, index)
            if refusal_outside is not None:
                self._refuse(signal, refusal_outside, signal.made_at_ms)
                continue
            open_ms = series.open_ms.item(index)
            found.append(_Placing(signal, index, open_ms + series.interval_ms - 1 if self._at_close else open_ms))
        return sorted(found, key=attrgetter("at_ms", "signal.made_at_ms"))

    def _indexes(self, signals: Sequence[Signal]) -> dict[str, Iterator[int]]:
        """Find the candle at which each signal would be placed, all those of a symbol at once."""
        made: dict[str, list[int]] = {symbol: [] for symbol in self._tracks}
        for signal in signals:
            if signal.symbol in made:
                made[signal.symbol].append(signal.made_at_ms)
        found = {}
        for symbol, at_ms in made.items():
            series = self._tracks[symbol].series
            found[symbol] = iter(series.indexes_from(at_ms, series.interval_ms if self._at_close else 0))
        return found

    def _place(self, placing: _Placing) -> None:
        """Open one signal as the engine decides, and look ahead at what the market will do to its trade."""
        signal = placing.signal
        track = self._tracks[signal.symbol]
        refusal = self._full()
        if refusal is not None:
            self._refuse(signal, refusal, placing.at_ms)
            return
        number = len(self.trades) + 1
        opening = Opening(
            trade_id=number,
            signal_id=number,
            signal=signal,
            account=self.book,
            instrument=self.instruments[signal.symbol],
            at_ms=placing.at_ms,
            quote=None,
            candle=track.series.candle(placing.candle),
            live=self._live_trade(signal),
            restraint=FREE
            if self._guards is None
            else self._guards.restraint(signal, placing.at_ms, self.book.balance),
        )
        event = open_trade(opening, self._request.rules)
        if self._guards is not None:
            figures = partial(self._guards.figures, placing.at_ms)
            self.acts.extend(acts_of(opening, event, self._request.rules, figures))
        if isinstance(event, Refusal):
            self._refuse(signal, event, placing.at_ms)
            return
        self._live[signal.key] = number
        self._book(placing.at_ms, event)
        life = replay(evolve(None, event), track)
        self.trades.append(life.trade)
        self._expect(number, life.events)

    def _expect(self, number: int, events: Sequence[TradeEvent]) -> None:
        """Queue what will happen to a trade: at one instant exits come before entries, but not before their own."""
        last_ms, is_late = -1, False
        for order, event in enumerate(events):
            at_ms = effective_ms(event)
            is_late = isinstance(event, EntryFilled) or (is_late and at_ms == last_ms)
            last_ms = at_ms
            heappush(self._coming, (at_ms, is_late, number, order, event))

    def _full(self) -> Refusal | None:
        allowed = self._request.max_open
        if allowed is None or len(self._live) < allowed:
            return None
        return Refusal(
            "max_open",
            f"`{len(self._live)}` trades are live, no more than `{allowed}` may be",
            None,
            {"live": len(self._live), "max_open": allowed},
        )

    def _live_trade(self, signal: Signal) -> Trade | None:
        """Return the trade that this very signal has now, as it stands now."""
        number = self._live.get(signal.key)
        if number is None:
            return None
        trade: Trade | None = None
        for booked in self.booked:
            if booked.event.trade_id == number:
                trade = evolve(trade, booked.event)
        return trade

    def _book_until(self, at_ms: int | None) -> None:
        """Book what happened up to and including an instant; None books all there is."""
        while self._coming and (at_ms is None or self._coming[0][0] <= at_ms):
            happened_ms, _, number, _, event = heappop(self._coming)
            self._book(happened_ms, event)
            if isinstance(event, TradeEnded) or (isinstance(event, ExitFilled) and event.is_final):
                del self._live[self.trades[number - 1].order.signal_key]

    def _book(self, at_ms: int, event: TradeEvent) -> None:
        self.book = posted(self.book, event)
        self.booked.append(Booked(at_ms, event, self.book))
        if self._guards is not None:
            self._guards.booked(at_ms, event)

    def _refuse(self, signal: Signal, refusal: Refusal, at_ms: int) -> None:
        self.refused.append(RefusedSignal(signal, refusal, at_ms))


def _without_carry(own: Sequence[OwnCosts]) -> tuple[OwnCosts, ...]:
    return without_fees(own, maker=False, taker=False, slippage=False, funding=True, borrow=True)


def _is_inside(made_at_ms: int, request: BacktestRequest) -> bool:
    is_late_enough = request.from_ms is None or made_at_ms >= request.from_ms
    return is_late_enough and (request.to_ms is None or made_at_ms < request.to_ms)


def _outside(signal: Signal, series: CandleSeries, index: int) -> Refusal | None:
    """Return why a signal has no candle to be placed at; one made long before the first says nothing about it."""
    if index < len(series) and signal.made_at_ms > series.first_ms - series.interval_ms:
        return None
    is_late = index == len(series)
    made = to_iso(signal.made_at_ms)
    message = f"the candles of {signal.symbol} {'end before' if is_late else 'begin after'} `{made}`"
    edge = to_iso(series.end_ms if is_late else series.first_ms)
    return Refusal("no_candle_then", message, None, {"made_at": made, "ends" if is_late else "begins": edge})
