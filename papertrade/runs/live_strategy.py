"""A strategy that runs beside the watch: asked once after each final candle, its signals stored, then opened.

Two marks in the store make it survive anything: how far each symbol's candles were given, moved with the signals
in one transaction, and the first signal that was neither opened nor refused. The rule to keep: the tick has gone
before, and what fails here, the user's code above all, never holds up a stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from papertrade.engine.messages import Refused, SignalAdded
from papertrade.engine.signal import Signal
from papertrade.engine.values import dataclass, replace
from papertrade.errors import FeedError, PapertradeError, StalePrice, StrategyError, UnknownSymbol
from papertrade.feeds.candle_series import CandleSeries
from papertrade.runs.candle_stream import CandleStream, Fetched
from papertrade.runs.catch_up import Present, catch_up
from papertrade.runs.happenings import Happening, names_of, of_rows
from papertrade.runs.instruments import instrument_of
from papertrade.runs.lookahead import HISTORY_MOST, history_of
from papertrade.runs.opening import OpenRequest, book_of, open_one
from papertrade.runs.round import Round, forget_failure, go_round, remember_failure
from papertrade.runs.sighting import save_venue
from papertrade.runs.signals import Kept, differs, keep
from papertrade.runs.strategy import Strategy
from papertrade.runs.strategy_drive import signals_at
from papertrade.runs.world import World
from papertrade.store.rows import EventFilter, Recorded, SignalRow
from papertrade.store.store import Writer


@dataclass(slots=True)
class _Played:
    """What the candles of one round gave: signals, how far each symbol got, why the strategy ended if it did."""

    signals: list[Signal] = field(default_factory=list)
    reached: dict[str, int] = field(default_factory=dict)
    stopped: StrategyError | None = None


class LiveStrategy:
    """One strategy on some symbols, trading in one account; lives as long as the process."""

    def __init__(self, strategy: Strategy, symbols: Sequence[str], account: str, candle_ms: int) -> None:
        """Raises StrategyError for a warm-up that is longer than what a watch asks the venue for."""
        if strategy.warmup > HISTORY_MOST:
            raise StrategyError(
                f"WARMUP of `{strategy.path}` is {strategy.warmup}: a watch gives at most {HISTORY_MOST} candles",
                hint="let the strategy need less of the past, or watch longer candles (`watch.candle`)",
            )
        self._strategy = strategy
        self._symbols = tuple(dict.fromkeys(symbols))
        self._account = account
        self._history = history_of(strategy.warmup)
        self._stream = CandleStream(self._history, candle_ms)
        self._is_stopped = False
        self._handled: set[int] = set()

    def begin(self, world: World) -> None:
        """Check that the venue knows the symbols, and leave alone what was stored before. Raises UnknownSymbol."""
        for symbol in self._symbols:
            try:
                instrument_of(world, symbol)
            except UnknownSymbol:
                raise
            except FeedError:
                continue  # a venue that is away now may be back at the first tick
        name = self._signal_mark()

        def write(writer: Writer) -> None:
            if writer.cursor(name) == 0:
                writer.move_cursor(name, writer.next_signal_id())

        world.store.write(write)

    def go_round(self, world: World) -> Round:
        """Tick, then give the strategy its candles and open its signals. Raises what a tick raises."""
        with world.store.read() as reader:
            failed_before = reader.venue_state(world.feed.venue).failures
        done = go_round(world)
        if done.error is not None:
            return done
        with world.store.read() as reader:
            seq = reader.last_seq()
        failures: Mapping[str, PapertradeError] = {}
        in_a_row: Mapping[str, int] = {}
        stopped: StrategyError | None = None
        error: FeedError | None = None
        try:
            if not self._is_stopped:
                fetched = self._stream.fetch(world, {symbol: self._given(world, symbol) for symbol in self._symbols})
                played = self._play(fetched)
                in_a_row = self._keep(world, fetched, played)
                failures, stopped = fetched.failures, played.stopped
                self._is_stopped = stopped is not None
            self._open(world)
        except FeedError as failure:
            error = failure
        return self._told(world, done, seq, failed_before, _Also(failures, in_a_row, stopped, error))

    # -- candles to signals ----------------------------------------------------------------------------

    def _play(self, fetched: Fetched) -> _Played:
        """Give the strategy each new candle, in the order of time."""
        played = _Played(reached=dict(fetched.since))
        news = sorted(
            (int(series.open_ms[place]) + series.interval_ms, symbol, place)
            for symbol, series in fetched.series.items()
            for place in range(series.index_from(fetched.since[symbol]), len(series))
        )
        for end_ms, symbol, place in news:
            try:
                played.signals += self._ask(fetched.series[symbol], place)
            except StrategyError as error:
                played.stopped = error
                break
            played.reached[symbol] = end_ms
        return played

    def _ask(self, series: CandleSeries, place: int) -> tuple[Signal, ...]:
        """Show the strategy one candle, with as much of the past as it always gets."""
        first = max(place + 1 - self._history, 0)
        shown = series.between(int(series.open_ms[first]), int(series.open_ms[place]) + 1)
        return signals_at(self._strategy, series.symbol, shown, self._symbols)

    def _keep(self, world: World, fetched: Fetched, played: _Played) -> Mapping[str, int]:
        """Store the signals and how far their candles reach, at once; returns each symbol's failures in a row."""
        at_ms = fetched.market.at_ms
        if not played.reached and not fetched.failures:
            return {}

        def write(writer: Writer) -> Mapping[str, int]:
            account_id = book_of(writer, self._account).account_id
            for signal in played.signals:
                kept = keep(writer, signal)
                if not kept.is_same:
                    writer.record([Recorded(_refused(account_id, kept, differs(signal)), at_ms)])
                elif kept.is_new:
                    writer.record([Recorded(SignalAdded(signal_id=kept.id, signal=kept.signal), at_ms)])
            for symbol, end_ms in played.reached.items():
                writer.move_cursor(self._candle_mark(world, symbol), end_ms)
            save_venue(world, writer, fetched.market)
            return self._counted(writer, world, fetched)

        counts = world.store.write(write)
        self._stream.moved(fetched, played.reached)
        return counts

    def _counted(self, writer: Writer, world: World, fetched: Fetched) -> Mapping[str, int]:
        """Count how many rounds in a row each symbol has failed; also between the ticks of cron."""
        counts = {}
        for symbol in self._symbols:
            name = f"{self._candle_mark(world, symbol)}:failures"
            before = writer.cursor(name)
            if symbol in fetched.failures:
                counts[symbol] = before + 1
                writer.move_cursor(name, before + 1)
            elif before > 0:
                writer.move_cursor(name, 0)
        return counts

    # -- signals to trades -----------------------------------------------------------------------------

    def _open(self, world: World) -> None:
        """Open the stored signals that nobody has opened yet; one that is too old to trade on is refused.

        Raises FeedError; they are tried again at the next tick, until they are too old.
        """
        with world.store.read() as reader:
            account = reader.account_named(self._account)
            first = reader.cursor(self._signal_mark())
            rows = [] if account is None else reader.untraded_signals(account.id, 0, self._strategy.source)
        waiting = [row for row in rows if row.id >= first and row.id not in self._handled]
        if not waiting:
            return
        present = catch_up(world, sorted({row.signal.symbol for row in waiting}))
        left = [row for row in waiting if not self._handle(world, row, present)]
        self._handled |= {row.id for row in waiting} - {row.id for row in left}
        next_first = min((row.id for row in left), default=waiting[-1].id + 1)
        world.store.write(lambda writer: writer.move_cursor(self._signal_mark(), next_first))

    def _handle(self, world: World, row: SignalRow, present: Present) -> bool:
        """Open one signal or refuse it; returns false if its price could not be had and it is young enough to wait."""
        signal, limit_ms = row.signal, world.watching.max_age_ms
        age_ms = present.at_ms - signal.made_at_ms
        if age_ms > limit_ms:
            stale = StalePrice(
                f"signal `{signal.key}` is {age_ms // 1000} s old, more than {limit_ms // 1000} s: "
                "the price has moved on",
                code="stale_signal",
            )
            self._refuse(world, row, stale, present.at_ms)
            return True
        opened = open_one(world, self._account, OpenRequest(signal=signal, signal_id=row.id), present)
        return not isinstance(opened.error, FeedError | StalePrice)

    def _refuse(self, world: World, row: SignalRow, why: PapertradeError, at_ms: int) -> None:
        def write(writer: Writer) -> None:
            account_id = book_of(writer, self._account).account_id
            kept = Kept(row.id, row.signal, is_new=False)
            writer.record([Recorded(_refused(account_id, kept, why), at_ms)])

        world.store.write(write)

    # -- what to tell ----------------------------------------------------------------------------------

    def _told(self, world: World, done: Round, seq: int, failed_before: int, also: _Also) -> Round:
        """Return the round with what came of the strategy."""
        in_a_row = done.in_a_row
        if also.error is not None:
            in_a_row = remember_failure(world, also.error)
        elif done.live == 0 and failed_before > 0:
            forget_failure(world)
        report = replace(
            done.report,
            failures={**also.failures, **done.report.failures},
            in_a_row={**also.in_a_row, **done.report.in_a_row},
        )
        with world.store.read() as reader:
            rows = [row for row in reader.events(EventFilter(after_seq=seq)) if row.run_id == world.store.run_id]
            news: tuple[Happening, ...] = of_rows(reader, [r for r in rows if names_of(r.event)], report.at_ms)
            return replace(
                done,
                live=reader.live_count(),
                report=report,
                happenings=(*done.happenings, *news),
                error=also.error,
                in_a_row=in_a_row,
                stopped=also.stopped,
            )

    def _given(self, world: World, symbol: str) -> int:
        """Return the end of the last candle of a symbol that the strategy was given (UTC ms), 0 if none was."""
        with world.store.read() as reader:
            return reader.cursor(self._candle_mark(world, symbol))

    def _candle_mark(self, world: World, symbol: str) -> str:
        return candle_mark(self._strategy.source, world.feed.venue, symbol, world.watching.candle)

    def _signal_mark(self) -> str:
        return f"strategy:{self._strategy.source}:account:{self._account}"


@dataclass(frozen=True, slots=True)
class _Also:
    """What a round with a strategy has beside the tick's own."""

    failures: Mapping[str, PapertradeError]
    in_a_row: Mapping[str, int]
    stopped: StrategyError | None
    error: FeedError | None


def candle_mark(source: str, venue: str, symbol: str, interval: str) -> str:
    """Return the name of the cursor that says how far a strategy was given a symbol's candles."""
    return f"strategy:{source}:{venue}:{symbol}:{interval}"


def _refused(account_id: int, kept: Kept, why: PapertradeError) -> Refused:
    signal = kept.signal
    return Refused(
        account_id=account_id,
        code=why.error_code,
        message=why.message,
        symbol=signal.symbol,
        side=str(signal.side),
        signal_key=signal.key,
    )
