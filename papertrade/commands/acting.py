"""Acting on live trades by hand: find them, catch up, act on each, answer. Shared by close, cancel, modify and void.

The rule to keep: a trade is found before the catch-up and acted on after it, so that one which has ended
meanwhile is refused with what happened to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from papertrade.bootstrap import Desk
from papertrade.commands.answer import Answer
from papertrade.commands.records import find_trade
from papertrade.commands.results import action_answer, caught_up, done_items, level_hint
from papertrade.commands.symbols import symbol_of
from papertrade.engine.trade import Status, Trade
from papertrade.errors import FeedError, UsageProblem
from papertrade.runs.catch_up import Present
from papertrade.runs.closing import Done, refusal_of_ended, void_one
from papertrade.runs.opening import refusal_error


def one_or_all(trade: str | None, has_all: bool, symbol: str | None) -> None:
    """Check that either TRADE or --all was given, and --symbol only with --all. Raises UsageProblem."""
    if (trade is None) != has_all:
        what = "TRADE and --all exclude each other" if has_all else "no trade named"
        raise UsageProblem(what, hint="name a trade by its number or its symbol, or write --all")
    if symbol is not None and not has_all:
        raise UsageProblem("--symbol goes with --all", hint="name the trade by its symbol alone")


def act_on(
    desk: Desk,
    word: str | None,
    symbol: str | None,
    status: Status,
    act: Callable[[int, Present], Done],
    *,
    forced: bool,
) -> Answer:
    """Act on the trade that `word` names, or without a word on all of the account in `status`, after catching up."""
    trades = _chosen(desk, word, symbol, status)
    if not trades:
        desk.books.say(f"no {status} trades" if symbol is None else f"no {status} trades of {symbol_of(symbol)}")
        return action_answer([])
    present = _present(desk, trades, forced=forced)
    done = [_hinted(act(trade.id, present)) for trade in trades]
    return action_answer(done_items(desk, done, present, {trade.id: trade.order.signal_key for trade in trades}))


def void_that(desk: Desk, word: str, reason: str, *, forced: bool) -> Answer:
    """Take back the trade that `word` names; one that lives is caught up first, one that has ended needs no price."""
    with desk.books.store.read() as reader:
        trade = find_trade(reader, desk.books.account, word)
    present = _present(desk, [trade] if trade.status.is_live else [], forced=forced)
    done = [_hinted(void_one(desk.world, trade.id, present, reason))]
    return action_answer(done_items(desk, done, present, {trade.id: trade.order.signal_key}))


def _present(desk: Desk, trades: Sequence[Trade], *, forced: bool) -> Present:
    """Catch up, with prices of the trades that are acted on. Raises FeedError with the way around it."""
    try:
        return caught_up(desk, [trade.order.symbol for trade in trades], forced=forced)
    except FeedError as error:
        error.hint = f"{'' if error.hint is None else f'{error.hint}; '}--no-catch-up acts on what is stored"
        raise


def _chosen(desk: Desk, word: str | None, symbol: str | None, status: Status) -> Sequence[Trade]:
    """Return the trades to act on; one that has ended before is refused at once, for that cannot change."""
    account = desk.books.account
    with desk.books.store.read() as reader:
        if word is not None:
            trade = find_trade(reader, account, word)
            if not trade.status.is_live:
                raise refusal_error(refusal_of_ended(reader, trade))
            return [trade]
        wanted = None if symbol is None else symbol_of(symbol)
        return [t for t in reader.live_trades(account_id=account.id, symbol=wanted) if t.status is status]


def _hinted(done: Done) -> Done:
    """Say how to go on: without the venue, where that stood in the way, and where a level must lie."""
    if done.error is not None:
        level_hint(done.error)
    if isinstance(done.error, FeedError) and done.error.hint is None:
        done.error.hint = "--no-catch-up acts on what is stored"
    return done
