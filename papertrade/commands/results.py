"""What a trading command hands back: what was done, what was refused, and the exit code that follows.

`{"trades": […], "refused": […]}` for all of them. The rule to keep: one refused item is its own error; several
that were refused for one reason end with that reason's code; everything else that is not all done ends with 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import partial

from papertrade.bootstrap import Desk
from papertrade.commands.answer import Answer
from papertrade.engine.account import AccountBook
from papertrade.engine.changes import TooSmall
from papertrade.engine.limits import Action
from papertrade.engine.market import Side
from papertrade.engine.messages import EntryFilled, ExitFilled, LevelsChanged
from papertrade.engine.money import plain
from papertrade.engine.outlook import Outlook, outlook
from papertrade.engine.state import evolve
from papertrade.engine.trade import ExitReason, Flag, Status, Trade
from papertrade.engine.values import dataclass
from papertrade.errors import DatabaseBusy, DatabaseUnusable, FeedError, PapertradeError, PartialFailure, StalePrice
from papertrade.render.console import Screen
from papertrade.render.exit_facts import exit_facts
from papertrade.render.guard_lines import act_json, act_text
from papertrade.render.json import Encodable, encode
from papertrade.render.numbers import local_minute, money, signed_money
from papertrade.render.text import Cell
from papertrade.render.trade_json import trade_json
from papertrade.render.trade_lines import change_line
from papertrade.reports.trade_view import TradeView
from papertrade.runs.catch_up import Present, catch_up
from papertrade.runs.closing import Done
from papertrade.runs.opening import Opened
from papertrade.runs.signals import NEW_ID
from papertrade.runs.views import trade_views
from papertrade.runs.world import Change

_INDENT = "   "
_TOUCHED = {
    ExitReason.STOP_LOSS: "stop",
    ExitReason.TRAILING_STOP: "trailing stop",
    ExitReason.BREAK_EVEN: "break-even stop",
    ExitReason.TAKE_PROFIT: "target",
    ExitReason.LIQUIDATION: "liquidation price",
    ExitReason.TIME_LIMIT: "time limit",
    ExitReason.MANUAL: "close by hand",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that was asked for: done (`change` with the trade's `view`) or refused (`error`).

    `signal` is the key of its signal, None if it has none yet; `what` names it for a person; `extra` are
    fields beside the trade's own, `remarks` lines under its line.
    """

    what: str
    signal: str | None
    trade_id: int | None = None
    change: Change | None = None
    view: TradeView | None = None
    account: AccountBook | None = None
    error: PapertradeError | None = None
    extra: Mapping[str, Encodable] | None = None
    remarks: tuple[str, ...] = ()


def caught_up(desk: Desk, symbols: Sequence[str], *, forced: bool) -> Present:
    """Catch up before acting, and tell on stderr what that changed. Raises FeedError unless `forced`."""
    try:
        present = catch_up(desk.world, sorted(set(symbols)), forced=forced)
    except FeedError as error:
        if error.data is None:
            error.data = encode(_data([]))
        raise
    books = desk.books
    zone = books.settings.display.zone
    with books.store.read() as reader:
        names = {account.id: account.name for account in reader.accounts()} if present.changes else {}
    for change in present.changes:
        account_id = change.after.order.account_id
        where = "" if account_id == books.account.id else f", in account {names[account_id]}"
        for line in _news(change, zone):
            books.say(f"meanwhile {line}{where}")
    return present


def opened_items(desk: Desk, opened: Sequence[Opened], present: Present) -> list[Item]:
    """Return what became of requests to open, with what each trade may lose and win."""
    views = _views(desk, [o.change for o in opened], present)
    for act in (act for o in opened for act in o.acts if act.action is Action.WARN):
        desk.books.say(f"{act.side} {act.symbol}: {act_text(act)}")
    return [_opened_item(desk, o, views) for o in opened]


def done_items(desk: Desk, done: Sequence[Done], present: Present, labels: Mapping[int, str]) -> list[Item]:
    """Return what became of trades that were to be changed; `labels` are the keys of their signals."""
    views = _views(desk, [d.change for d in done], present)
    zone = desk.books.settings.display.zone
    return [
        Item(
            what=f"trade {d.trade_id}",
            signal=labels.get(d.trade_id),
            trade_id=d.trade_id,
            change=d.change,
            view=views.get(d.trade_id),
            account=d.account,
            error=d.error,
            extra={"forming_touch": _touch_data(d.touched), "closed_all": _too_small_data(d.too_small)},
            remarks=_done_remarks(d, zone),
        )
        for d in done
    ]


def changed_items(desk: Desk, changes: Sequence[Change], account: AccountBook, present: Present) -> list[Item]:
    """Return the trades that one order changed, all of them done."""
    views = _views(desk, changes, present)
    zone = desk.books.settings.display.zone
    return [
        Item(
            what=f"trade {change.after.id}",
            signal=change.after.order.signal_key,
            trade_id=change.after.id,
            change=change,
            view=views[change.after.id],
            account=account,
            remarks=_rules_from(change, zone),
        )
        for change in changes
    ]


def action_answer(items: Sequence[Item], *, head: str = "", more: Mapping[str, Encodable] | None = None) -> Answer:
    """Return the answer of an action, `more` fields beside the trades, under a `head` line for a person.

    Raises the error of a single item that was refused.
    """
    data = {**_data(items), **({} if more is None else more)}
    if len(items) == 1 and items[0].error is not None and more is None:
        raise with_data(items[0].error, data)
    return Answer(data=data, show=partial(_show, items, head), failure=_failure(items))


def level_hint(error: PapertradeError, other_side: str | None = None) -> None:
    """Say of a level on the wrong side where it must lie; `other_side` is how to trade that side instead."""
    needed, reference, side = (error.details.get(name) for name in ("needed", "reference", "side"))
    if error.error_code != "wrong_side" or None in (needed, reference, side):
        return
    what = error.details.get("what", "stop" if (needed == "below") == (side == Side.LONG) else "target")
    instead = "" if other_side is None else f", or {other_side}"
    error.hint = f"the {what} of a {side} trade must be {needed} `{reference}`{instead}"


def with_data(error: PapertradeError, data: Encodable) -> PapertradeError:
    """Put what was achieved beside an error of the feed: exits 8 and 9 always carry it."""
    if isinstance(error, FeedError | StalePrice) and error.data is None:
        error.data = encode(data)
    return error


def _failure(items: Sequence[Item]) -> PapertradeError | None:
    refused = [item for item in items if item.error is not None]
    errors = [item.error for item in refused if item.error is not None]
    if not errors:
        return None
    first = errors[0]
    if len(items) == 1:
        return first
    details = {"refused": encode([_refused_data(item) for item in refused])}
    if len(errors) == len(items) and len({error.error_code for error in errors}) == 1:
        message = f"all {len(errors)} were refused: {first.message}"
        return type(first)(message, code=first.error_code, hint=first.hint, details=details)
    return PartialFailure(f"{len(items) - len(errors)} done, {len(errors)} refused", details=details)


def _data(items: Sequence[Item]) -> dict[str, Encodable]:
    return {
        "trades": [
            {**trade_json(item.view), **({} if item.extra is None else item.extra)}
            for item in items
            if item.view is not None
        ],
        "refused": [_refused_data(item) for item in items if item.error is not None],
    }


def _refused_data(item: Item) -> Mapping[str, Encodable]:
    error = item.error
    return {
        "signal": item.signal,
        "trade_id": item.trade_id,
        "code": None if error is None else error.error_code,
        "message": None if error is None else error.message,
        "details": {} if error is None else error.details,
    }


def _show(items: Sequence[Item], head: str, screen: Screen) -> None:
    if head:
        screen.line(head)
    for item in items:
        if item.error is not None:
            number = "" if item.trade_id is None else f"#{item.trade_id} "
            screen.flow(f"{number}refused {item.what}: {item.error.message}")
        if item.change is not None:
            dry = "" if item.view is None or item.extra is None or not item.extra.get("dry_run") else "dry run: "
            screen.flow(dry, *change_line(item.change.deed, item.change.after, item.account))
        for remark in item.remarks:
            screen.flow(Cell(f"{_INDENT}{remark}"))


def _views(desk: Desk, changes: Sequence[Change | None], present: Present) -> dict[int, TradeView]:
    """Read the trades again as they are shown; a disk that fails only now must not hide what was done."""
    trades = [change.after for change in changes if change is not None]
    try:
        with desk.books.store.read() as reader:
            return {v.trade.id: v for v in trade_views(reader, trades, present.at_ms)}
    except (DatabaseBusy, DatabaseUnusable) as error:
        if trades:
            numbers = ", ".join(f"`{trade.id}`" for trade in trades)
            error.message += f"; what was asked for was done before that: trade {numbers}"
        raise


def _opened_item(desk: Desk, opened: Opened, views: Mapping[int, TradeView]) -> Item:
    signal = opened.request.signal
    change = opened.change
    named = None if signal.external_id == NEW_ID else signal.key
    what = f"{signal.side} {signal.symbol}" + ("" if named is None else f" {named}")
    if change is None:
        return Item(what=what, signal=named, account=opened.account, error=opened.error)
    after = change.after
    ahead = outlook(after)
    is_dry = opened.request.is_dry
    unstored: dict[str, Encodable] = {"id": None, "signal": _unstored_signal(opened), "dry_run": True} if is_dry else {}
    return Item(
        what=what,
        signal=after.order.signal_key,
        trade_id=after.id,
        change=change,
        view=views[after.id],
        account=opened.account,
        extra={
            **unstored,
            "outlook": _outlook_data(ahead, opened),
            **({"guards": [act_json(act) for act in opened.acts]} if opened.acts else {}),
        },
        remarks=_opened_remarks(desk, opened, ahead),
    )


def _unstored_signal(opened: Opened) -> Mapping[str, Encodable]:
    """Return the signal of a dry run: one made on the spot has no number and no id yet."""
    signal = opened.request.signal
    external_id = None if signal.external_id == NEW_ID else signal.external_id
    return {"id": opened.request.signal_id, "source": signal.source, "external_id": external_id}


def _opened_remarks(desk: Desk, opened: Opened, ahead: Outlook) -> tuple[str, ...]:
    if opened.change is None or opened.account is None:
        return ()
    trade, currency = opened.change.after, opened.account.currency
    loses = "no stop"
    if ahead.worst is not None:
        word = _TOUCHED[ahead.worst.reason]
        loses = f"at {word} {plain(ahead.worst.cause.raw_price)}: {signed_money(ahead.loss)} {currency}"
    wins = "no target"
    if ahead.targets:
        prices = ", ".join(plain(fill.cause.raw_price) for fill in ahead.targets)
        word = "target" if len(ahead.targets) == 1 else "targets"
        wins = f"at {word} {prices}: {signed_money(ahead.win)}"
        wins += "" if ahead.left == 0 else f" with {plain(ahead.left)} left open"
    costs = ", costs included" if ahead.worst is not None or ahead.targets else ""
    lines = [f"{loses}, {wins}{costs}; {money(trade.reserve)} tied up"]
    lines += [f"{label}: {text}" for label, text in exit_facts(trade, desk.books.settings.display.zone)]
    if Flag.SIZE_CAPPED in trade.order.flags:
        most = plain(desk.books.settings.sizing.max_notional_percent)
        lines.append(f"size capped at {most}% of the balance (sizing.max_notional); a size of your own is not")
    lines += [act_text(act) for act in opened.acts if act.action is Action.SHRINK]
    if Flag.SHRUNK in trade.order.flags:
        lines.append("size shrunk to what the free cash pays for (on_short_cash: shrink)")
    return tuple(lines)


def _outlook_data(ahead: Outlook, opened: Opened) -> Mapping[str, Encodable]:
    return {
        "loss_at_stop": ahead.loss,
        "win_at_targets": ahead.win,
        "left_after_targets": ahead.left,
        "free_cash": None if opened.account is None else opened.account.cash,
    }


def _done_remarks(done: Done, zone: tzinfo) -> tuple[str, ...]:
    if done.change is None:
        return ()
    remarks = list(_rules_from(done.change, zone))
    if done.too_small is not None:
        remarks.append(_too_small_text(done.too_small, done.change.after))
    if done.touched is not None:
        word = "entry" if isinstance(done.touched, EntryFilled) else _TOUCHED[done.touched.reason]
        level = done.touched.cause.level
        text = f"the minute still forming had already touched the {word}{'' if level is None else f' {plain(level)}'}"
        if isinstance(done.change.deed, LevelsChanged):
            text += ": the older levels rule it"
        elif done.change.after.status is Status.OPEN:
            text += ": it will settle what is left"
        remarks.append(text)
    return tuple(remarks)


def _too_small_text(small: TooSmall, after: Trade) -> str:
    symbol = after.order.symbol
    what = "closed all of it" if after.status is Status.CLOSED else "all of it was to close"
    if small.is_rest:
        return f"{what}: the `{plain(small.left)}` left would be under the minimum of {symbol}"
    if small.asked == 0:
        return f"{what}: that part is less than one step of {symbol}"
    return f"{what}: `{plain(small.asked)}` alone is under the minimum of {symbol}"


def _too_small_data(small: TooSmall | None) -> Mapping[str, Encodable] | None:
    if small is None:
        return None
    return {"asked": small.asked, "left": small.left, "too_small": "left" if small.is_rest else "asked"}


def _rules_from(change: Change, zone: tzinfo) -> tuple[str, ...]:
    event = change.deed
    return (f"rules from {local_minute(event.ruling.from_ms, zone)} on",) if isinstance(event, LevelsChanged) else ()


def _touch_data(touched: EntryFilled | ExitFilled | None) -> Mapping[str, Encodable] | None:
    if touched is None:
        return None
    reason = touched.reason if isinstance(touched, ExitFilled) else None
    return {"level": touched.cause.level, "exit_reason": reason}


def _news(change: Change, zone: tzinfo) -> list[str]:
    """Return a line for each event of a change, with the state of the trade right after it."""
    lines: list[str] = []
    trade = change.before
    for event in change.events:
        trade = evolve(trade, event)
        at = f" at {local_minute(event.at_ms, zone)}" if isinstance(event, EntryFilled | ExitFilled) else ""
        lines.append("".join(cell.text for cell in change_line(event, trade, None)) + at)
    return lines
