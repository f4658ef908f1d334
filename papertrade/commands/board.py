"""The board: what `papertrade` shows when nothing else is asked. Catches up, then tells how the account stands."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import typer

from papertrade.bootstrap import Books
from papertrade.commands.answer import Answer
from papertrade.commands.freshness import Look, Seen, caught_up, oldest_mark_ms, seen_of
from papertrade.commands.options import Offline, invocation
from papertrade.commands.status import status_json
from papertrade.engine.codec import KIND_OF
from papertrade.errors import PapertradeError
from papertrade.render.board import Board, show_board
from papertrade.render.json import Encodable, listing
from papertrade.render.numbers import iso_z
from papertrade.render.portfolio_json import summary_json
from papertrade.render.trade_json import trade_json
from papertrade.render.trade_lines import change_line
from papertrade.reports.trade_view import TradeView
from papertrade.runs.lives import trade_event
from papertrade.runs.news import News, mark_seen, news_of
from papertrade.runs.reporting import overview
from papertrade.runs.views import trade_views
from papertrade.runs.watch_state import watch_state
from papertrade.store.rows import SignalFilter

_NEWS_SHOWN = 8


def board(ctx: typer.Context, offline: Offline = False) -> Answer:
    """Show the board: equity, today, the watch, what happened since you last looked, and every live trade.

    Catches up first, for at most two seconds; if that fails, or with --offline, the last stored marks are shown
    with their age.

    papertrade --offline
    """
    call = invocation(ctx)
    with caught_up(call, is_offline=offline) as look:
        shown, seen = _look(look)
        if not call.wants_json:
            _mark_seen(look.books, shown.news)
    return Answer(data=_json(shown, seen), show=partial(show_board, shown))


def _look(look: Look) -> tuple[Board, Seen]:
    books = look.books
    state = watch_state(books.store, books.settings.feed.value)
    with books.store.read() as reader:
        seen = seen_of(look, reader)
        views = trade_views(reader, reader.live_trades(account_id=books.account.id), seen.now.now_ms)
        told = overview(reader, books.account, seen.now)
        shown = Board(
            overview=told,
            views=views,
            quotes={(stored.venue, stored.symbol): stored.quote for stored in reader.quotes()},
            news=news_of(reader, books.account, _NEWS_SHOWN),
            watch=state,
            now=seen.now,
            prices=seen.cell(_oldest(views)),
            is_new=not told.counts and reader.signals(SignalFilter(limit=1)).total == 0,
        )
    return shown, seen


def _mark_seen(books: Books, news: News) -> None:
    """Move the cursor; a database that cannot be written can still be looked at."""
    with suppress(PapertradeError):
        mark_seen(books.store, books.account, news)


def _oldest(views: tuple[TradeView, ...]) -> int | None:
    return oldest_mark_ms([None if view.mark is None else view.mark.at_ms for view in views])


def _json(shown: Board, seen: Seen) -> dict[str, Encodable]:
    account = shown.overview.account
    views = tuple(shown.views)
    return {
        "account": account.name,
        "epoch": account.epoch,
        "currency": account.currency,
        "zone": str(shown.now.zone),
        "summary": summary_json(shown.overview.portfolio.summary),
        "watch": status_json(shown.watch),
        "prices": seen.json(_oldest(views)),
        "news": _news_json(shown.news),
        "live": listing([trade_json(view) for view in views], len(views)),
    }


def _news_json(news: News) -> dict[str, Encodable]:
    """Return what was not seen yet; looking with `--json` leaves it unseen."""
    items: list[Encodable] = []
    for row, after in news.events:
        event = trade_event(row.event)
        if event is not None:
            text = "".join(cell.text for cell in change_line(event, after, None))
            kind = KIND_OF[type(event)]
            items.append(
                {"seq": row.seq, "at": iso_z(row.effective_ms), "kind": kind, "trade_id": after.id, "text": text}
            )
    return {"items": items, "total": news.total}
