"""`papertrade whatif`: the account's own entries with other exits or costs, beside what really came of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from papertrade.bootstrap import Desk, open_world
from papertrade.commands.answer import Answer
from papertrade.commands.backtest_options import (
    ConventionOption,
    DetailOption,
    FeeRateOption,
    SlippageOption,
    setting_value,
)
from papertrade.commands.convention_words import convention_of
from papertrade.commands.filters import Words, trade_filter
from papertrade.commands.options import (
    SideFilter,
    SinceFilter,
    SourceFilter,
    SymbolFilter,
    TagFilter,
    UntilFilter,
    invocation,
)
from papertrade.commands.retold import CandleFiles, Given, given_files, missing, tracks_of
from papertrade.commands.wishes import ExitWords, read_after_first, read_exit_change
from papertrade.config import schema
from papertrade.engine.account import AccountBook
from papertrade.engine.changes import ExitChange
from papertrade.invocation import Invocation
from papertrade.render.whatif import show_whatif, whatif_json
from papertrade.runs.recorded_trades import recorded_trades
from papertrade.runs.reporting import present_ms
from papertrade.runs.stories import Tracks
from papertrade.runs.whatif import Alternative, WhatIf, entered, spans_to_tell
from papertrade.runs.whatif import whatif as tell_otherwise

OtherStop = Annotated[
    str | None, typer.Option("--sl", metavar="LEVEL", help="Another stop: 95 or 2%; `none`: no stop.")
]
OtherTargets = Annotated[
    list[str] | None,
    typer.Option("--tp", metavar="LEVEL[:FRACTION]", help="Other targets: 4%, 2R or 110:0.5; `none`: no target."),
]

OtherTrail = Annotated[
    str | None, typer.Option("--trail", metavar="DISTANCE", help="A stop that follows: 2%, 150, 1.5R, 2%@+4%; `none`.")
]
OtherBreakEven = Annotated[
    str | None, typer.Option("--break-even", metavar="LEVEL", help="The stop to break-even from here on: 1R; `none`.")
]
OtherTimeLimit = Annotated[
    str | None, typer.Option("--time-limit", metavar="TIME", help="Out so long after the entry: 4h; `none`.")
]
OtherAfterFirst = Annotated[
    str | None, typer.Option("--after-tp1", metavar="LEVEL", help="The stop after the first target: be, 101; `none`.")
]
OtherRule = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="OPTION=VALUE", help="One fill rule: same_candle=nearest; may be repeated."),
]


def whatif(
    ctx: typer.Context,
    tp: OtherTargets = None,
    sl: OtherStop = None,
    trail: OtherTrail = None,
    break_even: OtherBreakEven = None,
    time_limit: OtherTimeLimit = None,
    after_tp1: OtherAfterFirst = None,
    fee_rate: FeeRateOption = None,
    slippage_bps: SlippageOption = None,
    convention: ConventionOption = None,
    options: OtherRule = None,
    symbol: SymbolFilter = None,
    side: SideFilter = None,
    source: SourceFilter = None,
    tag: TagFilter = None,
    since: SinceFilter = None,
    until: UntilFilter = None,
    candles: CandleFiles = None,
    detail: DetailOption = None,
) -> Answer:
    """Tell your own entries again with other exits or costs, over the same candles, beside what really came of them.

    Entries keep their instant, price and quantity. With other exits, what you closed or changed by hand is left
    out; without any option the actual result comes back. Cash is not looked at: every entry is kept.

    papertrade whatif --tp 3R --trail 2%

    papertrade whatif --sl 1% --tp 2R:0.5 --tp 4R --source scanner --since 30d
    """
    call = invocation(ctx)
    given = given_files(candles, detail)
    exits = _exits(sl, tp, trail, break_even, time_limit)
    after_first = None if after_tp1 is None else read_after_first(after_tp1, "whatif")
    asked = [
        *_as_asked(("--sl", sl), *(("--tp", word) for word in tp or ())),
        *_as_asked(("--trail", trail), ("--break-even", break_even), ("--time-limit", time_limit)),
        *_as_asked(("--after-tp1", after_tp1)),
        *_as_asked(("--fee-rate", fee_rate), ("--slippage-bps", slippage_bps), ("--convention", convention)),
        *_as_asked(*(("--set", word) for word in options or ())),
    ]
    words = Words(symbol=symbol, side=side, source=source, tag=tag, since=since, until=until)
    with open_world(call) as desk:
        settings = desk.books.settings
        alternative = Alternative(
            exits=exits,
            after_first=after_first,
            keeps_after_first=after_tp1 is None,
            fee_rate=None if fee_rate is None else setting_value(schema.TAKER, "--fee-rate", fee_rate),
            slippage_bps=None
            if slippage_bps is None
            else setting_value(schema.SLIPPAGE, "--slippage-bps", slippage_bps),
            convention=None
            if convention is None and not options
            else convention_of(convention, options or (), settings)[1],
        )
        found = _found(call, desk, words, alternative, given)
        zone = desk.books.settings.display.zone
    show = partial(show_whatif, found, asked, zone)
    return Answer(data=whatif_json(found, asked), show=show, failure=missing(found.failures))


def _found(call: Invocation, desk: Desk, words: Words, alternative: Alternative, given: Given) -> WhatIf:
    books, world = desk.books, desk.world
    with books.store.read() as reader:
        now_ms = present_ms(reader, world.feed.venue, call.clock.now_ms())
        wanted = trade_filter(words, books, now_ms)
        trades = entered(recorded_trades(reader, books.account, wanted, world.watching.candle_ms))
        capital = reader.account_book(books.account).capital
    spans = spans_to_tell(trades, alternative, now_ms)
    tracks, asked = tracks_of(call, desk, spans, given) if spans else (Tracks(tracks={}), None)
    account = books.account
    opening = AccountBook(
        account_id=account.id,
        name=account.name,
        currency=account.currency,
        epoch=account.epoch,
        cash=capital,
        capital=capital,
    )
    return tell_otherwise(trades, alternative, tracks, asked, opening, books.settings.display.zone)


def _exits(
    sl: str | None, tp: Sequence[str] | None, trail: str | None, break_even: str | None, time_limit: str | None
) -> ExitChange | None:
    """Read other exits; `none` takes one away, what is not given stays; None without any. Raises UsageProblem."""
    words = ExitWords(command="whatif", sl=sl, tp=tp, trail=trail, break_even=break_even, time_limit=time_limit)
    is_given = any(word is not None for word in (sl, trail, break_even, time_limit)) or tp
    return read_exit_change(words) if is_given else None


def _as_asked(*each: tuple[str, str | None]) -> list[str]:
    """Return the options that were given, as they were written."""
    return [f"{option} {word}" for option, word in each if word is not None]
