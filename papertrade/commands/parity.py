"""`papertrade parity`: proves over the account's own trades that the watch and a backtest follow the same rules."""

from __future__ import annotations

from datetime import tzinfo
from functools import partial

import typer

from papertrade.bootstrap import Desk, open_world
from papertrade.commands.answer import Answer
from papertrade.commands.backtest_options import DetailOption
from papertrade.commands.filters import Words, trade_filter
from papertrade.commands.options import SinceFilter, SymbolFilter, invocation
from papertrade.commands.retold import CandleFiles, Given, given_files, missing, series_of, tracks_of
from papertrade.commands.strategy_options import StrategyOption
from papertrade.errors import DifferenceFound, PapertradeError
from papertrade.invocation import Invocation
from papertrade.render.console import Screen
from papertrade.render.parity import counted, parity_json, show_parity, show_signals
from papertrade.runs.parity import ParityReport, compared, spans_of, told_again
from papertrade.runs.recorded_trades import recorded_trades
from papertrade.runs.reporting import present_ms
from papertrade.runs.stories import Tracks
from papertrade.runs.strategy import Strategy, load_strategy
from papertrade.runs.strategy_parity import SignalParity, candles_wanted, compare_signals, stored_signals
from papertrade.store.rows import TradeFilter


def parity(
    ctx: typer.Context,
    since: SinceFilter = None,
    symbol: SymbolFilter = None,
    candles: CandleFiles = None,
    detail: DetailOption = None,
    strategy: StrategyOption = None,
) -> Answer:
    """Ask the venue again for what was watched, and tell every trade anew by the rules of a backtest.

    What you did stands as recorded, what the market did is decided afresh; each field that differs is listed with
    the candle that explains it, and the exit code is 13. --since goes by when a trade was placed. --strategy also
    asks a strategy again for the signals that it made beside the watch.

    papertrade parity

    papertrade parity --since 30d --candles BTCUSDT=btcusdt-1m.csv.gz
    """
    call = invocation(ctx)
    given = given_files(candles, detail)
    loaded = None if strategy is None else load_strategy(strategy)
    with open_world(call) as desk:
        words = Words(since=since, symbol=symbol)
        report = _report(call, desk, words, given)
        signals = None if loaded is None else _signals(call, desk, words, given, loaded)
        zone = desk.books.settings.display.zone
    return Answer(
        data=parity_json(report, signals),
        show=partial(_show, report, signals, zone, is_quiet=call.is_quiet),
        failure=_failure(report, signals),
    )


def _report(call: Invocation, desk: Desk, words: Words, given: Given) -> ParityReport:
    books, world = desk.books, desk.world
    with books.store.read() as reader:
        wanted: TradeFilter = trade_filter(words, books, present_ms(reader, world.feed.venue, call.clock.now_ms()))
        trades = recorded_trades(reader, books.account, wanted, world.watching.candle_ms)
    spans = spans_of(trades)
    tracks, asked = tracks_of(call, desk, spans, given) if spans else (Tracks(tracks={}), None)
    told = told_again(trades, tracks, asked)
    with books.store.read() as reader:
        return compared(reader, trades, tracks, told)


def _signals(call: Invocation, desk: Desk, words: Words, given: Given, strategy: Strategy) -> SignalParity:
    """Ask a strategy again for its signals."""
    books, world = desk.books, desk.world
    venue, interval = world.feed.venue, world.watching.candle
    with books.store.read() as reader:
        wanted = trade_filter(words, books, present_ms(reader, venue, call.clock.now_ms()))
        symbols = () if wanted.symbol is None else (wanted.symbol,)
        stored = stored_signals(reader, strategy, venue, interval, wanted.since_ms, symbols)
    if not stored.signals:
        return SignalParity(strategy.source, 0, ())
    series = series_of(call, desk, candles_wanted(stored, strategy, venue, interval), given)
    return compare_signals(stored, strategy, series)


def _show(report: ParityReport, signals: SignalParity | None, zone: tzinfo, screen: Screen, *, is_quiet: bool) -> None:
    show_parity(report, zone, screen, is_quiet=is_quiet)
    if signals is not None:
        show_signals(signals, zone, screen, is_quiet=is_quiet)


def _failure(report: ParityReport, signals: SignalParity | None) -> PapertradeError | None:
    numbers = report.differing
    if numbers:
        verb = "differs" if len(numbers) == 1 else "differ"
        return DifferenceFound(
            f"{len(numbers)} of {counted(report.compared, 'trade')} {verb} from what is recorded",
            hint=f"`papertrade explain {numbers[0]}` shows how it was decided then",
            details={"trades": list(numbers), "differences": len(report.differences)},
        )
    if signals is not None and signals.differences:
        count = len({difference.signal_key for difference in signals.differences})
        return DifferenceFound(
            f"{count} of {counted(signals.compared, 'signal')} of `{signals.source}` "
            f"{'differs' if count == 1 else 'differ'} from what is stored",
            hint="was the file changed? `papertrade backtest --check-lookahead` tells what else its signals depend on",
            details={"signals": count, "differences": len(signals.differences)},
        )
    return missing(report.failures)
