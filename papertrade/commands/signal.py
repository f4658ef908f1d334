"""`signal add · import · list · show · cancel`: ideas written down, before or without trading them.

Asks no venue, except where `import --open` trades at once. What a signal looks like is in `signal_text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from papertrade.bootstrap import Books, Desk, open_books, open_world
from papertrade.commands.answer import Answer, say
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.open import open_rows, untraded
from papertrade.commands.options import (
    AfterFirst,
    Before,
    BreakEven,
    Confidence,
    Csv,
    Expires,
    ExternalId,
    Limit,
    LimitPrice,
    NoCatchUp,
    Notional,
    Percent,
    PresetName,
    Reason,
    Risk,
    SignalArgument,
    Size,
    SourceFilter,
    SourceName,
    StopLoss,
    StopPrice,
    SymbolArgument,
    SymbolFilter,
    Tags,
    TakeProfits,
    TimeLimit,
    Trail,
    invocation,
)
from papertrade.commands.records import find_signal
from papertrade.commands.signal_text import show_signal, show_signals, signal_json, signal_sheet, summary
from papertrade.commands.symbols import symbol_of
from papertrade.commands.wishes import (
    AboutWords,
    LevelWords,
    SizeWords,
    Words,
    defaults_of,
    find_preset,
    guards_of,
    read_signal,
)
from papertrade.engine.guards import GuardRules
from papertrade.engine.signal import Defaults
from papertrade.errors import FeedError, UsageProblem
from papertrade.feeds.signal_files import BYTES_MAX, SignalFile, load_signal_file, load_signals
from papertrade.invocation import Invocation
from papertrade.render.json import encode, listing
from papertrade.render.text import safe
from papertrade.runs.signals import (
    Kept,
    SignalStatus,
    SignalView,
    add_signals,
    cancel_signal,
    differs,
    signal_views,
    signals_with,
)
from papertrade.store.rows import SignalFilter

SideArgument = Annotated[str, typer.Argument(metavar="SIDE", help="long or short.")]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="CSV, JSON, NDJSON or YAML; - reads stdin.")]
OpenToo = Annotated[bool, typer.Option("--open", help="Trade the file's untraded signals at once.")]
StateFilter = Annotated[
    str | None, typer.Option("--status", metavar="STATE", help="new, live, traded, cancelled, expired or all.")
]


def add(
    ctx: typer.Context,
    symbol: SymbolArgument,
    side: SideArgument,
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
    preset: PresetName = None,
    expires: Expires = None,
    tag: Tags = None,
    reason: Reason = None,
    confidence: Confidence = None,
    source: SourceName = None,
    external_id: ExternalId = None,
) -> Answer:
    """Store one signal without trading it; `papertrade open` trades it later. Asks no venue.

    papertrade signal add BTCUSDT long --limit 58000 --sl 2% --tp 2R --expires 1d
    """
    words = Words(
        command="signal add",
        symbol=symbol,
        side=side,
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
        sizes=SizeWords(size=size, notional=notional, percent=percent, risk=risk),
        about=AboutWords(tags=tag, reason=reason, confidence=confidence, source=source, external_id=external_id),
    )
    call = invocation(ctx)
    with open_books(call) as books:
        at_ms = _now_ms(books)
        (kept,) = add_signals(books.store, [read_signal(words, books.settings, at_ms)], at_ms)
        if not kept.is_same:
            raise differs(kept.signal)
        (view,) = _views(books, [kept.id], at_ms)
    what = "added" if kept.is_new else "is known already"
    return Answer(
        data={"new": int(kept.is_new), "known": int(not kept.is_new), "signal": signal_json(view)},
        show=lambda screen: screen.line(f"signal {kept.id} {what}: {summary(view.row.signal)}"),
    )


def import_file(
    ctx: typer.Context,
    file: FileArgument,
    open_too: OpenToo = False,
    source: SourceName = None,
    preset: PresetName = None,
    no_catch_up: NoCatchUp = False,
) -> Answer:
    """Store the signals of a file: all of them, or none and a list of every bad row. Importing twice adds nothing.

    Rows without a source get the file's name as source; rows without an id get one from their content. A preset
    fills in the exits and the size that a row leaves blank.

    papertrade signal import ideas.csv

    scanner | papertrade signal import - --source scanner --open
    """
    call = invocation(ctx)
    if open_too:
        with open_world(call) as desk:
            kept = _import(call, desk.books, file, source, preset)
            guards = guards_of(desk.books.settings, preset)
            return _open_imported(desk, kept, guards, forced=no_catch_up)
    with open_books(call) as books:
        kept = _import(call, books, file, source, preset)
    counts = _counts(kept)
    return Answer(data={**counts, "signals": [k.id for k in kept]}, show=lambda screen: screen.line(_counts_text(kept)))


def list_signals(
    ctx: typer.Context,
    status: StateFilter = None,
    symbol: SymbolFilter = None,
    source: SourceFilter = None,
    limit: Limit = 50,
    before: Before = None,
    csv: Csv = False,  # noqa: ARG001 read by the shell
) -> Answer:
    """List stored signals, newest first, and what became of each in this account. Asks no venue."""
    call = invocation(ctx)
    statuses = _statuses(status)
    wanted = SignalFilter(
        source=source,
        symbol=None if symbol is None else symbol_of(symbol),
        before=before,
        limit=None if limit == 0 else limit,
    )
    with open_books(call) as books:
        zone = books.settings.display.zone
        with books.store.read() as reader:
            now = standpoint(books, reader)
            views, total = signals_with(reader, wanted, books.account.id, now.now_ms, statuses)
            lag = lag_of(books, reader, now)
        say_lag(books, lag, now)
    if len(views) < total and before is None:
        say(call, f"{len(views)} of {total} shown; --limit 0 shows all, --before {views[-1].row.id} the next page")
    return Answer(
        data=listing([signal_json(view) for view in views], total),
        show=partial(show_signals, views, zone),
        sheet=signal_sheet(views),
    )


def show(ctx: typer.Context, signal: SignalArgument) -> Answer:
    """Show one signal in full: levels as written, its trades in this account, notes. Asks no venue."""
    call = invocation(ctx)
    with open_books(call) as books, books.store.read() as reader:
        row = find_signal(reader, signal)
        now_ms = standpoint(books, reader).now_ms
        (view,) = signal_views(reader, [row], books.account.id, now_ms)
        notes = reader.notes(account_id=books.account.id, signal_id=row.id)
        zone = books.settings.display.zone
    return Answer(data=signal_json(view, notes), show=partial(show_signal, view, notes, zone))


def cancel(ctx: typer.Context, signal: SignalArgument) -> Answer:
    """Withdraw a signal: `open --new` leaves it alone from now on. Refused while it has a live trade."""
    call = invocation(ctx)
    with open_books(call) as books:
        with books.store.read() as reader:
            row = find_signal(reader, signal)
        at_ms = _now_ms(books)
        was_changed = cancel_signal(books.store, row.id, at_ms)
        (view,) = _views(books, [row.id], at_ms)
    what = "cancelled" if was_changed else "was cancelled already"
    return Answer(
        data=signal_json(view), show=lambda screen: screen.line(f"signal {row.id} {what}: {summary(row.signal)}")
    )


def _import(call: Invocation, books: Books, file: str, source: str | None, preset: str | None) -> tuple[Kept, ...]:
    """Read and store a file's signals. Raises InputFileError with every bad row."""
    at_ms = _now_ms(books)
    if source is not None and (not source.strip() or ":" in source):
        raise UsageProblem(f"--source `{safe(source)}` must not be blank or contain a colon")
    defaults = None if preset is None else defaults_of(find_preset(books.settings, preset))
    found = _load(call, file, source, at_ms, defaults)
    kept = add_signals(books.store, found.signals, at_ms)
    others = [k.signal for k in kept if not k.is_same]
    if others:
        raise found.refusal(others)
    return kept


def _load(call: Invocation, file: str, source: str | None, at_ms: int, defaults: Defaults | None) -> SignalFile:
    if file != "-":
        return load_signal_file(Path(file), now_ms=at_ms, default_source=source, defaults=defaults)
    raw = call.stdin.buffer.read(BYTES_MAX + 1)
    name = "stdin" if source is None else source
    return load_signals(raw, "stdin", now_ms=at_ms, default_source=name, defaults=defaults)


def _open_imported(desk: Desk, kept: Sequence[Kept], guards: GuardRules, *, forced: bool) -> Answer:
    """Open what the file brought and was never traded: also what an interrupted import had left."""
    brought = {k.id for k in kept}
    rows = [row for row in untraded(desk) if row.id in brought]
    try:
        return open_rows(
            desk, rows, forced=forced, leaves_expired=True, head=_counts_text(kept), guards=guards, more=_counts(kept)
        )
    except FeedError as error:
        desk.books.say(f"imported: {_counts_text(kept)}; nothing was opened")
        error.data = encode({**_counts(kept), "trades": [], "refused": []})
        raise


def _views(books: Books, numbers: Sequence[int], now_ms: int) -> tuple[SignalView, ...]:
    with books.store.read() as reader:
        rows = [row for row in (reader.signal(number) for number in numbers) if row is not None]
        return signal_views(reader, rows, books.account.id, now_ms)


def _now_ms(books: Books) -> int:
    with books.store.read() as reader:
        return standpoint(books, reader).now_ms


def _counts(kept: Sequence[Kept]) -> dict[str, int]:
    new = sum(k.is_new for k in kept)
    return {"new": new, "known": len(kept) - new}


def _counts_text(kept: Sequence[Kept]) -> str:
    counts = _counts(kept)
    return f"{counts['new']} new, {counts['known']} known"


def _statuses(word: str | None) -> frozenset[SignalStatus]:
    """Read the states to list; no state is all of them."""
    if word is None or word.strip().lower() == "all":
        return frozenset()
    try:
        return frozenset(SignalStatus(part.strip().lower()) for part in word.split(","))
    except ValueError:
        names = ", ".join(SignalStatus)
        raise UsageProblem(f"--status `{safe(word)}` is not known", hint=f"one of {names}, all") from None
