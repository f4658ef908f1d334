"""`open`: trades from stored signals, all that were never traded, or one written out as for a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from papertrade.bootstrap import Desk, open_world
from papertrade.commands.answer import Answer
from papertrade.commands.leverage import at_leverage
from papertrade.commands.long_short import trade_on_the_spot
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
    SignalsArgument,
    Size,
    SourceName,
    StopLoss,
    StopPrice,
    Tags,
    TakeProfits,
    TimeLimit,
    Trail,
    invocation,
)
from papertrade.commands.records import find_signal
from papertrade.commands.results import Item, action_answer, caught_up, opened_items
from papertrade.commands.wishes import AboutWords, LevelWords, SizeWords, Words
from papertrade.engine.guards import NO_GUARDS, GuardRules
from papertrade.engine.signal import Size as SizeWish
from papertrade.errors import NotFound, UsageProblem
from papertrade.render.json import Encodable
from papertrade.render.text import safe
from papertrade.runs.instruments import refresh_instruments
from papertrade.runs.opening import OpenRequest, open_one
from papertrade.store.rows import SignalRow

NewOnly = Annotated[bool, typer.Option("--new", help="Open every signal that was never traded.")]
TradeSymbol = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Trade this, without a signal.")]
TradeSide = Annotated[str | None, typer.Option("--side", metavar="SIDE", help="long or short, with --symbol.")]


def open_trades(
    ctx: typer.Context,
    signals: SignalsArgument = None,
    new: NewOnly = False,
    symbol: TradeSymbol = None,
    side: TradeSide = None,
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
    """Open trades from stored signals; a size given here beats the signal's. Several are tried one by one.

    papertrade open 3 scanner:42, papertrade open --new --source scanner

    papertrade open --symbol BTCUSDT --side long --sl 2% --tp 2R
    """
    _check_form(signals, new, symbol, side)
    levels = LevelWords(
        sl=sl, tp=tp, limit=limit, stop=stop, trail=trail, break_even=break_even, time_limit=time_limit,
        after_tp1=after_tp1, preset=preset, expires=expires,
    )  # fmt: skip
    sizes = SizeWords(size=size, notional=notional, percent=percent, risk=risk, leverage=leverage)
    about = AboutWords(tags=tag, reason=reason, confidence=confidence, source=source, external_id=external_id)
    if symbol is not None and side is not None:
        words = Words(command="open", symbol=symbol, side=side, levels=levels, sizes=sizes, about=about)
        return trade_on_the_spot(invocation(ctx), words, is_dry=dry_run, is_again=again, forced=no_catch_up)
    _check_only_size(levels, about, source if new else None)
    size_wish = sizes.read()
    with open_world(invocation(ctx)) as usual:
        desk = at_leverage(usual, leverage)
        found, missing = (untraded(desk, source), []) if new else _look_up(desk, signals or [])
        return open_rows(desk, found, missing, size=size_wish, is_dry=dry_run, forced=no_catch_up, leaves_expired=new)


def open_rows(
    desk: Desk,
    rows: Sequence[SignalRow],
    missing: Sequence[Item] = (),
    *,
    size: SizeWish | None = None,
    is_dry: bool = False,
    forced: bool = False,
    leaves_expired: bool = False,
    head: str = "",
    guards: GuardRules = NO_GUARDS,
    more: Mapping[str, Encodable] | None = None,
) -> Answer:
    """Open stored signals one by one after one look at the venue; `missing` are refused already.

    With `leaves_expired` those whose time has run out by the venue's clock are passed over without a word. `guards`
    are asked beside those of the configuration.
    """
    if not rows:
        return _nothing_to_open(desk, missing, head, more)
    symbols = sorted({row.signal.symbol for row in rows})
    present = caught_up(desk, symbols, forced=forced)
    if leaves_expired:
        rows = [row for row in rows if not _has_expired(row, present.at_ms)]
        if not rows:
            return _nothing_to_open(desk, missing, head, more)
    refresh_instruments(desk.world, symbols)
    account = desk.books.account.name
    requests = [
        OpenRequest(signal=row.signal, signal_id=row.id, size=size, is_dry=is_dry, guards=guards) for row in rows
    ]
    opened = [open_one(desk.world, account, request, present) for request in requests]
    return action_answer([*missing, *opened_items(desk, opened, present)], head=head, more=more)


def _check_form(signals: Sequence[str] | None, new: bool, symbol: str | None, side: str | None) -> None:
    """Check that exactly one of the three forms was written."""
    forms = [name for name, is_given in (("SIGNAL", signals), ("--new", new), ("--symbol", symbol)) if is_given]
    if len(forms) > 1:
        raise UsageProblem(f"{forms[0]} and {forms[1]} exclude each other", hint="papertrade open --help")
    if not forms:
        raise UsageProblem("nothing to open", hint="papertrade open --new, or name signals: papertrade signal list")
    if (symbol is None) != (side is None):
        missing = "--side" if side is None else "--symbol"
        raise UsageProblem(
            f"{missing} is missing: --symbol and --side go together",
            hint="papertrade open --symbol BTCUSDT --side long --sl 2%",
        )


def _check_only_size(levels: LevelWords, about: AboutWords, source: str | None) -> None:
    """Check that stored signals are given no levels; with --new a source may choose them."""
    if levels != LevelWords() or about != AboutWords(source=source):
        raise UsageProblem(
            "stored signals say themselves where and why: only a size can be given beside them",
            hint="papertrade open --symbol BTCUSDT --side long --sl 2%",
        )


def _nothing_to_open(desk: Desk, missing: Sequence[Item], head: str, more: Mapping[str, Encodable] | None) -> Answer:
    if not missing:
        desk.books.say("nothing new to open")
    return action_answer(missing, head=head, more=more)


def untraded(desk: Desk, source: str | None = None) -> Sequence[SignalRow]:
    """Return what may be new; while the venue's clock was never read, expired signals come along."""
    with desk.books.store.read() as reader:
        offset_ms = reader.venue_state(desk.world.feed.venue).clock_offset_ms
        now_ms = 0 if offset_ms is None else desk.world.clock.now_ms() + offset_ms
        return reader.untraded_signals(desk.books.account.id, now_ms, source)


def _has_expired(row: SignalRow, at_ms: int) -> bool:
    expires_ms = row.signal.expires_at_ms
    return expires_ms is not None and expires_ms <= at_ms


def _look_up(desk: Desk, words: Sequence[str]) -> tuple[Sequence[SignalRow], list[Item]]:
    """Find the signals named, each once; one that does not exist is refused beside the others."""
    found: dict[int, SignalRow] = {}
    missing: list[Item] = []
    with desk.books.store.read() as reader:
        for word in words:
            try:
                row = find_signal(reader, word)
            except NotFound as error:
                missing.append(Item(what=f"signal {safe(word)}", signal=word, error=error))
            else:
                found[row.id] = row
    return list(found.values()), missing
