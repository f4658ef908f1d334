"""`watch`: the loop, or one tick for cron. Parses, opens the world, and hands over to `runs`.

The rule to keep: what is printed while the loop runs is the voice's business, what happens is the watch's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from typing import Annotated, TypeAlias

import typer

from papertrade.bootstrap import Desk, notify_targets, open_world, process_id
from papertrade.commands.answer import Answer, say, screen
from papertrade.commands.moments import span_ms
from papertrade.commands.options import invocation
from papertrade.commands.strategy_options import StrategyOption, StrategySymbols, strategy_symbols
from papertrade.commands.voice import EventVoice, LineVoice
from papertrade.engine.values import replace
from papertrade.errors import PapertradeError, UsageProblem, WatchRunning
from papertrade.invocation import Invocation
from papertrade.render.console import Screen
from papertrade.render.happening_json import letter_json
from papertrade.render.json import Encodable
from papertrade.render.text import safe
from papertrade.render.watch_events import Setting, round_json, strategy_json
from papertrade.render.watch_lines import happening_line, round_summary, touched_line
from papertrade.runs.notify import Sent, serve
from papertrade.runs.once import is_lasting, round_failure, watch_once
from papertrade.runs.round import GoRound, Round, go_round
from papertrade.runs.stop_signals import Stopping, stopped_by_signals
from papertrade.runs.watch import LOOP, ONCE, Rhythm, Watch, run_watch, watch_lock
from papertrade.runs.world import TickReport

_SECONDS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?", re.ASCII)

OnceOption: TypeAlias = Annotated[bool, typer.Option("--once", help="Do one tick and end: for cron.")]
IntervalOption: TypeAlias = Annotated[
    str | None, typer.Option("--interval", metavar="N", help="Seconds from tick to tick, 1 to 3600; 30 by default.")
]
ForOption: TypeAlias = Annotated[
    str | None, typer.Option("--for", metavar="SPAN", help="End after this time: 90s, 45m, 2h.")
]


def watch(
    ctx: typer.Context,
    once: OnceOption = False,
    interval: IntervalOption = None,
    span: ForOption = None,
    strategy: StrategyOption = None,
    symbol: StrategySymbols = None,
) -> Answer | None:
    """Follow the market: fill waiting orders, close on stops and targets, catch up what was missed.

    Ends with Ctrl-C, SIGTERM or `papertrade stop`, after the tick that is under way. One watch serves all
    accounts of a database; a second one exits with 14.

        papertrade watch --for 8h

        papertrade watch --once -q     (from cron: speaks only when there is news)

        papertrade watch --strategy examples/ma_cross.py --symbol BTCUSDT
    """
    call = invocation(ctx)
    if once and (interval is not None or span is not None):
        raise UsageProblem("`--once` takes no `--interval` and no `--for`", hint="leave them out, or leave out --once")
    symbols = strategy_symbols(strategy, symbol)
    if once:
        return _once(call, strategy, symbols)
    flags = {} if interval is None else {"watch.interval": _interval(interval)}
    for_ms = None if span is None else span_ms(span, "--for")
    if for_ms == 0:
        raise UsageProblem("`--for 0` ends before it begins", hint="papertrade watch --once does one tick")
    with open_world(call, flags) as desk:
        _loop(desk, for_ms, _rounds(desk, strategy, symbols))
    return None


def server(desk: Desk) -> partial[list[Sent]]:
    """Return what sends the notifications that are due."""
    targets = notify_targets(desk.books.settings, desk.books.call.environment)
    return partial(serve, desk.world, targets, letter_json)


def _rounds(desk: Desk, words: str | None, symbols: Sequence[str]) -> GoRound:
    """Return what to do at each tick; with a strategy, loaded here, its part too. Raises StrategyError."""
    if words is None:
        return go_round
    from papertrade.runs.live_strategy import LiveStrategy
    from papertrade.runs.strategy import load_strategy

    strategy = load_strategy(words)
    live = LiveStrategy(strategy, symbols, desk.books.account.name, desk.world.watching.candle_ms)
    live.begin(desk.world)
    if not desk.books.call.wants_json:
        desk.books.say(f"strategy `{strategy.label}` follows {', '.join(symbols)} as source `{strategy.source}`")
    return live.go_round


def _rounds_at_once(desk: Desk, words: str | None, symbols: Sequence[str]) -> GoRound:
    """Return what to do in the one tick for cron, where a strategy that cannot begin must not keep a stop waiting."""
    try:
        return _rounds(desk, words, symbols)
    except PapertradeError as error:
        failure = error
    return lambda world: replace(go_round(world), stopped=failure)


def _loop(desk: Desk, for_ms: int | None, go: GoRound) -> None:
    books, world = desk.books, desk.world
    call = books.call
    interval_ms = books.settings.watch.interval_ms
    zone = books.settings.display.zone
    setting = Setting(world.feed.venue, interval_ms)
    voice = EventVoice(call, zone, setting) if call.wants_json else LineVoice(call, zone)
    stopping = Stopping()
    with watch_lock(world, LOOP, process_id()), stopped_by_signals(stopping):
        rhythm = Rhythm(interval_ms=interval_ms, for_ms=for_ms)
        try:
            run_watch(Watch(world, rhythm, voice, stopping, server(desk), go), process_id(), call.clock.pause)
        finally:
            voice.close()


def _once(call: Invocation, strategy: str | None, symbols: Sequence[str]) -> Answer:
    with open_world(call) as desk:
        zone = desk.books.settings.display.zone
        try:
            with watch_lock(desk.world, ONCE, process_id()), stopped_by_signals(Stopping()):
                done = watch_once(desk.world, process_id(), server(desk), _rounds_at_once(desk, strategy, symbols))
        except WatchRunning as running:
            say(call, f"{running.message}; nothing to do here")
            nothing = Round(checked=0, live=0, report=TickReport(at_ms=call.clock.now_ms(), symbols=()))
            return Answer(data=_data(nothing, strategy), show=lambda _: None)
    failure = round_failure(done)
    if not call.wants_json:
        _remark(call, done, zone)
        if failure is not None and call.is_quiet and not is_lasting(done):
            _show(done, screen(call))
            raise typer.Exit(failure.exit_code)
    return Answer(data=_data(done, strategy), show=partial(_show, done), failure=failure)


def _data(done: Round, strategy: str | None) -> dict[str, Encodable]:
    return round_json(done) if strategy is None else {**round_json(done), **strategy_json(done)}


def _remark(call: Invocation, done: Round, zone: tzinfo) -> None:
    """Say on stderr what is no news: what fails, what a forming minute touches, that nothing happened."""
    for symbol, error in sorted(done.report.failures.items()) if done.error is None else ():
        say(call, f"warning: {symbol}: {error.message}")
    for symbol, broken in done.broken:
        say(call, f"warning: {symbol}: trade `{broken.trade_id}` cannot be decided: {broken.error}")
    for touched in done.touched:
        say(call, "".join(cell.text for cell in touched_line(touched, zone)))
    if not done.happenings and done.error is None:
        say(call, round_summary(done))


def _show(done: Round, out: Screen) -> None:
    for happening in done.happenings:
        out.line(*happening_line(happening))


def _interval(text: str) -> str:
    """Check the seconds of `--interval` here, so that a slip of the finger is a usage error."""
    if _SECONDS.fullmatch(text) is None or not 1 <= Decimal(text) <= 3600:
        raise UsageProblem(f"--interval `{safe(text)}` is not a number of seconds from 1 to 3600")
    return text
