"""One trade's life as text: the line on top, its facts, and what happened with times.

The rule to keep: the newest levels are shown with the distance that the price still has to go.
"""

from __future__ import annotations

from datetime import tzinfo
from decimal import Decimal

from papertrade.engine.follow import NEW_PEAK
from papertrade.engine.market import MINUTE_MS
from papertrade.engine.messages import StopMoved
from papertrade.engine.money import HUNDRED, ONE, exact, plain
from papertrade.engine.trade import ExitReason, Status
from papertrade.render.console import Screen
from papertrade.render.cost_facts import cost_facts
from papertrade.render.exit_facts import exit_facts
from papertrade.render.facts import Fact, dated, show_facts
from papertrade.render.lived_facts import lived_facts
from papertrade.render.numbers import (
    age,
    duration,
    exact_number,
    local_minute,
    local_second,
    money,
    percent,
    r_multiple,
    signed_money,
    signed_percent,
    toned,
)
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_lines import REASONS, change_line
from papertrade.render.trade_table import state_cell
from papertrade.reports.trade_view import TradeView
from papertrade.runs.lives import Life, Moment
from papertrade.runs.reporting import Standpoint
from papertrade.store.rows import NoteRow


def headline(view: TradeView) -> list[Cell]:
    """Return the line on top: number, side, quantity, symbol, state, net and R."""
    trade = view.trade
    cells = [
        Cell(f"#{trade.id} {trade.side} {plain(trade.quantity)} {trade.order.symbol}", Tone.STRONG),
        Cell("  "),
        state_cell(view),
    ]
    if view.net is not None:
        parts = [signed_percent(view.net_percent)] if view.net_percent is not None else []
        parts += [r_multiple(view.r_multiple)] if view.r_multiple is not None else []
        inside = f" ({', '.join(parts)})" if parts else ""
        cells += [Cell("  net "), toned(view.net, f"{signed_money(view.net)}{inside}")]
    return cells


def show_life(life: Life, now: Standpoint, screen: Screen) -> None:
    """Write everything about one trade."""
    screen.line(*headline(life.view))
    show_facts(screen, _facts(life, now), indent=2)
    screen.blank()
    screen.line(Cell(f"What happened ({now.zone})", Tone.STRONG))
    facts = [dated(_stamp(moment.at_ms, now), _told(moment, now, raised)) for moment, raised in _without_trailing(life)]
    facts += [dated(_stamp(note.at_ms, now), [Cell(_note(note))]) for note in life.notes]
    show_facts(screen, facts, indent=2)


def _stamp(at_ms: int, now: Standpoint) -> str:
    return local_second(at_ms, now.zone)[:19]


def _without_trailing(life: Life) -> list[tuple[Moment, int]]:
    """Return what happened without the moves of a trail that another followed, with how many came before each."""
    kept: list[tuple[Moment, int]] = []
    for moment in life.moments:
        before = kept[-1] if kept and _is_trailing(moment) and _is_trailing(kept[-1][0]) else None
        if before is not None:
            kept.pop()
        kept.append((moment, 0 if before is None else before[1] + 1))
    return kept


def _is_trailing(moment: Moment) -> bool:
    event = moment.stamp.event
    return isinstance(event, StopMoved) and event.cause.rule == NEW_PEAK


def _told(moment: Moment, now: Standpoint, raised: int) -> list[Cell]:
    cells = change_line(moment.stamp.event, moment.after, None)
    if raised > 0:
        cells.append(Cell(f", after {_counted(raised, 'other')} since the line above"))
    late_ms = moment.stamp.recorded_ms + now.offset_ms - moment.at_ms
    return [*cells, Cell(f" (noticed {duration(late_ms)} later)")] if late_ms >= MINUTE_MS else cells


def _note(note: NoteRow) -> str:
    tags = "".join(f" #{tag}" for tag in note.tags)
    sure = "" if note.confidence is None else f" (confidence {plain(note.confidence)})"
    return f"note: {note.text}{tags}{sure}"


def _facts(life: Life, now: Standpoint) -> list[Fact]:
    view = life.view
    trade, order = view.trade, view.trade.order
    source, _, external_id = order.signal_key.partition(":")
    return [
        ("entry", _entry(view, now.zone)),
        ("exit", _exit(view, now.zone)),
        ("mark", "" if view.mark is None else f"{plain(view.mark.price)}, {age(view.mark.at_ms, now.now_ms)} old"),
        ("stop", _stop(view)),
        *(("target", text) for text in _targets(view)),
        ("liquidation", _liquidation(view)),
        *exit_facts(trade, now.zone),
        ("levels", _levels_from(view, now)),
        ("tied up", "" if trade.reserve == 0 else money(trade.reserve)),
        *cost_facts(life.costs, view),
        ("signal", f"{source}:{external_id} (signal {order.signal_id}), account {view.account}"),
        ("reason", order.reason),
        ("confidence", "" if order.confidence is None else plain(order.confidence)),
        ("tags", ", ".join(trade.tags)),
        ("flags", ", ".join(str(flag).replace("_", " ") for flag in trade.flags)),
        *lived_facts(view, now.zone),
    ]


def _entry(view: TradeView, zone: tzinfo) -> str:
    trade, order = view.trade, view.trade.order
    if trade.entry_price is not None:
        kind = "" if order.entry_price is None else f", {order.entry_type} {plain(order.entry_price)}"
        return f"{plain(trade.entry_price)} at {local_minute(trade.opened_at, zone)}{kind}"
    until = "" if order.expires_at is None else f", until {local_minute(order.expires_at, zone)}"
    waits = "waits for" if trade.status is Status.PENDING else "waited for"
    price = f"{order.entry_type} {exact_number(order.entry_price)}"
    return f"{waits} {price} since {local_minute(order.placed_at, zone)}{until}"


def _exit(view: TradeView, zone: tzinfo) -> str:
    trade = view.trade
    if trade.exit_price is None:
        return "" if trade.closed_at is None else f"none, ended {local_minute(trade.closed_at, zone)}"
    if trade.closed_at is not None:
        return f"{plain(trade.exit_price)}, last part at {local_minute(trade.closed_at, zone)}"
    return f"{plain(trade.exit_price)} for {plain(trade.exit_quantity)}, {plain(trade.open_quantity)} still open"


def _stop(view: TradeView) -> str:
    trade, stop = view.trade, view.levels.stop
    if stop is None:
        return "none: nothing limits the loss" if trade.status is Status.OPEN else ""
    moved = "" if trade.initial_stop in (None, stop) else f", was {exact_number(trade.initial_stop)} at first"
    reason = view.levels.reason
    kind = "" if reason is ExitReason.STOP_LOSS else f" ({REASONS[reason]})"
    return f"{plain(stop)}{kind}{distance_text(view, stop)}{moved}"


def _targets(view: TradeView) -> list[str]:
    texts = []
    for target in view.levels.targets:
        share = "" if target.fraction == ONE else f" for {percent(target.fraction * HUNDRED, 0)}"
        away = ", taken" if target.is_filled else distance_text(view, target.price)
        texts.append(f"{plain(target.price)}{share}{away}")
    return texts


def distance_text(view: TradeView, level: Decimal) -> str:
    """Say how far a level is from the mark, in percent of the mark: `, 5.80% below`; empty without a mark."""
    gap = distance_percent(view, level)
    if gap is None:
        return ""
    return f", {percent(abs(gap))} {'above' if gap >= 0 else 'below'} the mark"


def distance_percent(view: TradeView, level: Decimal | None) -> Decimal | None:
    """Return how far the mark has to go to a level, in percent of the mark and signed; None without either."""
    if view.mark is None or level is None:
        return None
    with exact():
        return (level - view.mark.price) * HUNDRED / view.mark.price


def _levels_from(view: TradeView, now: Standpoint) -> str:
    from_ms = max(view.trade.ruling.from_ms, view.trade.whole_from)
    is_live = view.trade.status.is_live
    return f"rule from {local_minute(from_ms, now.zone)} on" if is_live and from_ms > now.now_ms else ""


def _liquidation(view: TradeView) -> str:
    trade, price = view.trade, view.trade.liquidation_price
    if price is None:
        return ""
    rate = trade.order.terms.maintenance
    kept = "" if rate == 0 else f", maintenance {exact_number(rate * HUNDRED)}%"
    return f"{plain(price)}{distance_text(view, price)}{kept}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
