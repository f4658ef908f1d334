"""`long` and `short`: a trade made on the spot, in as few words as can be."""

from __future__ import annotations

import typer

from papertrade.bootstrap import open_world
from papertrade.commands.answer import Answer
from papertrade.commands.leverage import at_leverage
from papertrade.commands.options import (
    AfterFirst,
    Again,
    BreakEven,
    Confidence,
    DryRun,
    Expires,
    ExternalId,
    Leverage,
    LimitPrice,
    NoCatchUp,
    Notional,
    Percent,
    PresetName,
    Reason,
    Risk,
    Size,
    SourceName,
    StopLoss,
    StopPrice,
    SymbolArgument,
    Tags,
    TakeProfits,
    TimeLimit,
    Trail,
    invocation,
)
from papertrade.commands.results import action_answer, caught_up, level_hint, opened_items
from papertrade.commands.wishes import MANUAL, AboutWords, LevelWords, SizeWords, Words, guards_of, made_at, read_signal
from papertrade.engine.market import Side
from papertrade.errors import PapertradeError
from papertrade.invocation import Invocation
from papertrade.runs.catch_up import venue_now
from papertrade.runs.opening import OpenRequest, open_one


def long(
    ctx: typer.Context,
    symbol: SymbolArgument,
    sl: StopLoss = None,
    tp: TakeProfits = None,
    trail: Trail = None,
    break_even: BreakEven = None,
    time_limit: TimeLimit = None,
    after_tp1: AfterFirst = None,
    limit: LimitPrice = None,
    stop: StopPrice = None,
    size: Size = None,
    notional: Notional = None,
    percent: Percent = None,
    risk: Risk = None,
    leverage: Leverage = None,
    preset: PresetName = None,
    expires: Expires = None,
    tag: Tags = None,
    reason: Reason = None,
    confidence: Confidence = None,
    source: SourceName = None,
    external_id: ExternalId = None,
    again: Again = False,
    dry_run: DryRun = False,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Buy now, or at a price, with a stop and targets; says what it costs, risks and may win.

    papertrade long BTCUSDT --sl 2% --tp 2R

    papertrade long ETHUSDT --limit 2950 --sl 2900 --tp 3050:0.5 --tp 3200:0.5 --risk 1%

    papertrade long BTCUSDT --sl 2% --trail 1R@2R --break-even 1R --time-limit 4h
    """
    words = Words(
        command="long",
        symbol=symbol,
        side="long",
        levels=LevelWords(
            sl=sl,
            tp=tp,
            limit=limit,
            stop=stop,
            trail=trail,
            break_even=break_even,
            time_limit=time_limit,
            after_tp1=after_tp1,
            preset=preset,
            expires=expires,
        ),
        sizes=SizeWords(size=size, notional=notional, percent=percent, risk=risk, leverage=leverage),
        about=AboutWords(tags=tag, reason=reason, confidence=confidence, source=source, external_id=external_id),
    )
    return trade_on_the_spot(invocation(ctx), words, is_dry=dry_run, is_again=again, forced=no_catch_up)


def short(
    ctx: typer.Context,
    symbol: SymbolArgument,
    sl: StopLoss = None,
    tp: TakeProfits = None,
    trail: Trail = None,
    break_even: BreakEven = None,
    time_limit: TimeLimit = None,
    after_tp1: AfterFirst = None,
    limit: LimitPrice = None,
    stop: StopPrice = None,
    size: Size = None,
    notional: Notional = None,
    percent: Percent = None,
    risk: Risk = None,
    leverage: Leverage = None,
    preset: PresetName = None,
    expires: Expires = None,
    tag: Tags = None,
    reason: Reason = None,
    confidence: Confidence = None,
    source: SourceName = None,
    external_id: ExternalId = None,
    again: Again = False,
    dry_run: DryRun = False,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Sell first and buy back later; gains when the price falls. The stop lies above, the targets below.

    papertrade short BTCUSDT --sl 2% --tp 2R

    papertrade short ETHUSDT --stop 2900 --sl 2950 --tp 2700 --expires 4h
    """
    words = Words(
        command="short",
        symbol=symbol,
        side="short",
        levels=LevelWords(
            sl=sl,
            tp=tp,
            limit=limit,
            stop=stop,
            trail=trail,
            break_even=break_even,
            time_limit=time_limit,
            after_tp1=after_tp1,
            preset=preset,
            expires=expires,
        ),
        sizes=SizeWords(size=size, notional=notional, percent=percent, risk=risk, leverage=leverage),
        about=AboutWords(tags=tag, reason=reason, confidence=confidence, source=source, external_id=external_id),
    )
    return trade_on_the_spot(invocation(ctx), words, is_dry=dry_run, is_again=again, forced=no_catch_up)


def trade_on_the_spot(
    call: Invocation, words: Words, *, is_dry: bool, is_again: bool, forced: bool, default_source: str = MANUAL
) -> Answer:
    """Make a signal of the words and trade it, after catching up; its time is the venue's."""
    with open_world(call) as usual:
        desk = at_leverage(usual, words.sizes.leverage)
        signal = read_signal(words, desk.books.settings, venue_now(desk.world), default_source)
        present = caught_up(desk, [signal.symbol], forced=forced)
        guards = guards_of(desk.books.settings, words.levels.preset)
        request = OpenRequest(signal=made_at(signal, present.at_ms), is_dry=is_dry, is_again=is_again, guards=guards)
        opened = open_one(desk.world, desk.books.account.name, request, present)
        if opened.error is not None:
            level_hint(opened.error, _other_way(words.command, signal.side))
            _size_hint(opened.error, words.sizes.size_option)
        return action_answer(opened_items(desk, [opened], present))


def _size_hint(error: PapertradeError, option: str) -> None:
    """Call the size in a hint what the command calls it: `buy` has no --size."""
    if error.hint is not None:
        error.hint = error.hint.replace("use --size ", f"use {option} ")


def _other_way(command: str, side: Side) -> str:
    """Return how the command trades the other side."""
    other = Side.SHORT if side is Side.LONG else Side.LONG
    return f"use --side {other}" if command == "open" else f"papertrade {other}"
