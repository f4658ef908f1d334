"""The board as text: the account in a few lines, the watch, the news, live trades with what is left to their levels.

The rule to keep: it can be read at a glance at 100 columns, the most important thing first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from papertrade.engine.market import Quote
from papertrade.engine.money import HUNDRED, exact, plain
from papertrade.engine.trade import ExitReason, Flag, Status
from papertrade.engine.values import dataclass
from papertrade.render.console import Screen
from papertrade.render.facts import Fact, dated, show_facts
from papertrade.render.life import distance_percent
from papertrade.render.numbers import (
    UNKNOWN,
    age,
    duration,
    exact_number,
    local_minute,
    money,
    r_multiple,
    short_minute,
    signed_money,
    signed_percent,
    toned,
)
from papertrade.render.sums import summary_facts
from papertrade.render.tables import Column, number, words
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_lines import change_line
from papertrade.reports.trade_view import TradeView
from papertrade.runs.lives import trade_event
from papertrade.runs.news import News
from papertrade.runs.reporting import Overview, Standpoint
from papertrade.runs.watch_state import WatchState

FIRST_STEPS: Final = (
    ("papertrade long BTCUSDT --sl 2% --tp 2R", "a trade on the spot, stop and target included"),
    ("papertrade signal import ideas.csv --open", "a file of ideas, traded"),
    ("papertrade watch", "follow the market until Ctrl-C"),
    ("papertrade demo", "all of it on a recorded market"),
)
"""What a new user can do first."""

_LIVE: Final = (
    number("#"),
    Column("Side"),
    number("Quantity", drop=2),
    Column("Symbol"),
    number("Entry"),
    number("Mark"),
    number("P/L"),
    number("R"),
    number("To stop"),
    number("To target"),
    number("Age", drop=1),
)
_WAITING: Final = (
    number("#"),
    Column("Side"),
    number("Quantity"),
    Column("Symbol"),
    Column("Waits for"),
    number("Price"),
    number("Away"),
    number("Tied up"),
    number("Age", drop=1),
    Column("Until", drop=2),
)
_STOPS: Final = {ExitReason.TRAILING_STOP: "trail", ExitReason.BREAK_EVEN: "break-even"}
_WARNED: Final = (Flag.HALTED, Flag.UNVERIFIED, Flag.OBSERVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything on the board; `quotes` are the last ones of each (venue, symbol), `prices` says how old they are."""

    overview: Overview
    views: Sequence[TradeView]
    quotes: Mapping[tuple[str, str], Quote]
    news: News
    watch: WatchState
    now: Standpoint
    prices: Cell
    is_new: bool


def show_board(board: Board, screen: Screen) -> None:
    """Write the board."""
    account = board.overview.account
    epoch = "" if account.epoch == 1 else f", epoch {account.epoch}"
    name = Cell(f"{account.name}{epoch}", Tone.STRONG)
    screen.line(name, Cell(f"  {local_minute(board.now.now_ms, board.now.zone)}", Tone.DIM))
    summary = board.overview.portfolio.summary
    facts: list[Fact] = summary_facts(summary, account.currency, board.now.zone)
    facts += [("watch", _watch(board)), ("prices", board.prices if board.views else "")]
    show_facts(screen, facts, indent=2)
    _show_news(board, screen)
    _show_open([view for view in board.views if view.trade.status is Status.OPEN], board, screen)
    _show_waiting([view for view in board.views if view.trade.status is Status.PENDING], board, screen)
    if board.is_new:
        screen.blank()
        screen.line(Cell("Nothing traded yet. To begin:", Tone.STRONG))
        show_facts(screen, [(command, what) for command, what in FIRST_STEPS], indent=2)
    elif not board.views:
        screen.blank()
        screen.line("no live trades; papertrade trades shows the past ones")


def _watch(board: Board) -> Cell:
    state, now_ms = board.watch, board.now.now_ms
    loop, once = state.loop, state.once
    if state.is_running:
        last = None if loop is None else loop.last_tick_ms
        following = None if loop is None else loop.next_tick_ms
        parts = ["running", "no tick yet" if last is None else f"last tick {age(last, now_ms)} ago"]
        if following is not None:
            parts.append(f"next in {duration(max(following - now_ms, 0))}")
        return Cell(", ".join(parts), Tone.GAIN)
    ended = None if loop is None else loop.ended_ms
    text = "not running"
    if state.was_killed:
        text = "not running, the last one was killed"
    elif ended is not None:
        text = f"not running, ended {age(ended, now_ms)} ago"
    if once is not None and once.last_tick_ms is not None:
        text += f"; one tick {age(once.last_tick_ms, now_ms)} ago"
    if board.views:
        return Cell(f"{text}: stops are noticed only when something catches up", Tone.WARNING)
    return Cell(text)


def _show_news(board: Board, screen: Screen) -> None:
    news = board.news
    if not news.events:
        return
    screen.blank()
    screen.line(Cell("So far" if news.is_first else "Since you last looked", Tone.STRONG))
    hidden = news.total - len(news.events)
    if hidden > 0:
        screen.line(Cell(f"  {hidden} earlier: papertrade log", Tone.DIM))
    told = [(row.effective_ms, trade_event(row.event), after) for row, after in news.events]
    facts = [
        dated(short_minute(at_ms, board.now.zone), change_line(event, after, None))
        for at_ms, event, after in told
        if event is not None
    ]
    show_facts(screen, facts, indent=2)


def _show_open(views: Sequence[TradeView], board: Board, screen: Screen) -> None:
    if not views:
        return
    screen.blank()
    columns: Sequence[Column] = _LIVE
    rows = [_open_row(view, board.now) for view in views]
    remarks = [_remark(view, board.now) for view in views]
    if any(remarks):
        columns = (*_LIVE, words("Remark", drop=3))
        rows = [(*row, remark) for row, remark in zip(rows, remarks, strict=True)]
    screen.table(columns, rows)


def _open_row(view: TradeView, now: Standpoint) -> tuple[str | Cell, ...]:
    trade = view.trade
    target = view.levels.next_target()
    in_risks = UNKNOWN if view.r_multiple is None else r_multiple(view.r_multiple).removesuffix("R")
    return (
        str(trade.id),
        str(trade.side),
        plain(trade.open_quantity),
        trade.order.symbol,
        exact_number(trade.entry_price),
        UNKNOWN if view.mark is None else plain(view.mark.price),
        toned(view.net, signed_money(view.net)),
        toned(view.net, in_risks),
        Cell("no stop", Tone.WARNING)
        if view.levels.stop is None
        else signed_percent(distance_percent(view, view.levels.stop)),
        UNKNOWN if target is None else signed_percent(distance_percent(view, target.price)),
        age(trade.opened_at, now.now_ms),
    )


def _remark(view: TradeView, now: Standpoint) -> str:
    marks = [str(flag) for flag in view.trade.flags if flag in _WARNED]
    if view.trade.is_ambiguous:
        marks.append("in doubt")
    if view.levels.stop is not None and view.levels.reason is not ExitReason.STOP_LOSS:
        marks.append(_STOPS[view.levels.reason])
    if view.levels.time_limit is not None:
        marks.append(f"{duration(max(view.levels.time_limit - now.now_ms, 0))} left")
    return ", ".join(marks)


def _show_waiting(views: Sequence[TradeView], board: Board, screen: Screen) -> None:
    if not views:
        return
    screen.blank()
    screen.table(_WAITING, [_waiting_row(view, board) for view in views])


def _waiting_row(view: TradeView, board: Board) -> tuple[str | Cell, ...]:
    trade, order = view.trade, view.trade.order
    quote = board.quotes.get((order.venue, order.symbol))
    price = None if quote is None else quote.entry_price(trade.side)
    return (
        str(trade.id),
        str(trade.side),
        plain(trade.quantity),
        order.symbol,
        f"{order.entry_type} {exact_number(order.entry_price)}",
        exact_number(price),
        signed_percent(_away(order.entry_price, price)),
        money(trade.reserve),
        age(order.placed_at, board.now.now_ms),
        short_minute(order.expires_at, board.now.zone),
    )


def _away(level: Decimal | None, price: Decimal | None) -> Decimal | None:
    if level is None or price is None:
        return None
    with exact():
        return (level - price) * HUNDRED / price
