"""`papertrade portfolio`: what an account holds, at market."""

from __future__ import annotations

from functools import partial

import typer

from papertrade.commands.answer import Answer
from papertrade.commands.filters import Words, trade_filter
from papertrade.commands.freshness import Seen, caught_up, oldest_mark_ms, seen_of
from papertrade.commands.options import (
    Csv,
    Offline,
    SideFilter,
    SourceFilter,
    SymbolFilter,
    TagFilter,
    invocation,
)
from papertrade.engine.money import plain
from papertrade.render.console import Screen
from papertrade.render.facts import show_facts
from papertrade.render.numbers import (
    age,
    exact_number,
    money,
    percent,
    signed_money,
    signed_percent,
    toned,
)
from papertrade.render.portfolio_json import portfolio_json, portfolio_sheet
from papertrade.render.sums import summary_facts
from papertrade.render.tables import Column, number
from papertrade.render.text import Cell
from papertrade.reports.portfolio import Holding, Portfolio
from papertrade.runs.reporting import portfolio_of
from papertrade.store.rows import AccountRow

_COLUMNS = (
    Column("Symbol"),
    Column("Side"),
    number("Quantity"),
    number("Avg price"),
    number("Mark"),
    number("Value"),
    number("P/L"),
    number("%"),
    number("Share"),
    number("Age", drop=1),
)


def portfolio(
    ctx: typer.Context,
    symbol: SymbolFilter = None,
    side: SideFilter = None,
    source: SourceFilter = None,
    tag: TagFilter = None,
    offline: Offline = False,
    csv: Csv = False,  # noqa: ARG001 (the shell looks at it)
) -> Answer:
    """Show holdings at market, what is free, tied up and at risk.

    Catches up first, for at most two seconds; if that fails, or with --offline, the last stored marks are shown
    with their age. Filters pick the holdings listed; the sums are always of the whole account.

    papertrade portfolio --offline
    """
    words = Words(symbol=symbol, side=side, source=source, tag=tag)
    with caught_up(invocation(ctx), is_offline=offline) as look:
        books = look.books
        with books.store.read() as reader:
            seen = seen_of(look, reader)
            wanted = trade_filter(words, books, seen.now.now_ms)
            held = portfolio_of(reader, books.account, seen.now, None if words == Words() else wanted)
        account = books.account
    return Answer(
        data={**portfolio_json(held, account.name, account.currency, seen.now), "prices": seen.json(oldest_of(held))},
        show=partial(_show, held, account, seen),
        sheet=portfolio_sheet(held),
    )


def _show(held: Portfolio, account: AccountRow, seen: Seen, screen: Screen) -> None:
    if held.holdings:
        screen.table(_COLUMNS, [_row(holding, seen.now.now_ms) for holding in held.holdings])
        screen.blank()
    else:
        screen.line("nothing is held")
    facts = summary_facts(held.summary, account.currency, seen.now.zone)
    level = held.summary.margin_level_percent
    facts += [] if level is None else [("margin", f"level {percent(level)} (equity / tied up)")]
    facts += [("liquidation", text) for text in liquidation_texts(held)]
    show_facts(screen, [*facts, ("prices", seen.cell(oldest_of(held)))])


def liquidation_texts(held: Portfolio) -> list[str]:
    """Say where each holding is liquidated first, and how far that is."""
    texts = []
    for holding in held.holdings:
        ruin = holding.liquidation
        if ruin is not None:
            gap = ruin.distance_percent
            far = "" if gap is None else f", {percent(abs(gap))} {'above' if gap >= 0 else 'below'} the mark"
            texts.append(f"{holding.symbol} {holding.side} at {plain(ruin.price)}{far} (trade {ruin.trade_id})")
    return texts


def oldest_of(held: Portfolio) -> int | None:
    """Return when the oldest mark among the holdings was seen."""
    return oldest_mark_ms([holding.marked_at for holding in held.holdings])


def _row(holding: Holding, now_ms: int) -> tuple[str | Cell, ...]:
    return (
        holding.symbol,
        holding.side,
        exact_number(holding.quantity),
        exact_number(holding.avg_price),
        exact_number(holding.current_price),
        money(holding.value),
        toned(holding.unrealized_pnl, signed_money(holding.unrealized_pnl)),
        toned(holding.unrealized_pnl, signed_percent(holding.pnl_percent)),
        percent(holding.allocation_percent),
        age(holding.marked_at, now_ms),
    )
