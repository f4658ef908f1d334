"""The notices of a watch as lines for a person, each marked as news (stdout) or remark (stderr).

Knows no stream; `commands.voice` writes. The rule to keep: what changed a trade is news and nothing else is,
so that the output of a watch can be kept as a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from enum import Enum, auto
from typing import assert_never

from papertrade.engine.guard_events import GuardActed
from papertrade.engine.messages import ExitFilled, Refused
from papertrade.engine.money import plain
from papertrade.engine.values import dataclass
from papertrade.render.guard_lines import act_line
from papertrade.render.numbers import duration, local_second
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_lines import REASONS, change_line
from papertrade.runs.happenings import Happening
from papertrade.runs.round import Round, Touched
from papertrade.runs.watch import (
    Ended,
    Failed,
    Happened,
    Jumped,
    Notice,
    NotTold,
    Recovered,
    Started,
    Ticked,
)

_PRICES_SHOWN = 3


class Rank(Enum):
    """Where a line belongs: news on stdout; remarks on stderr, silent with `-q`; warnings on stderr always."""

    NEWS = auto()
    REMARK = auto()
    WARNING = auto()


@dataclass(frozen=True, slots=True)
class Told:
    """One line."""

    rank: Rank
    cells: Sequence[Cell]


def notice_lines(notice: Notice, zone: tzinfo) -> Iterator[Told]:
    """Yield the lines of a notice; most rounds have none."""
    match notice:
        case Started():
            yield from _started(notice, zone)
        case Happened():
            yield Told(Rank.NEWS, happening_line(notice.happening))
        case Ticked():
            yield from _ticked(notice, zone)
        case Failed():
            again = f"still failing, {notice.in_a_row} rounds in a row: " if notice.is_reminder else ""
            yield _warning(f"{again}{notice.error.message}; trying again at the next tick")
        case Recovered():
            yield _remark(f"working again after {_counted(notice.rounds, 'failed round')}")
        case Jumped():
            way = "forward" if notice.by_ms > 0 else "back"
            yield _warning(f"the clock jumped {way} by {duration(abs(notice.by_ms))}: it was set, or the machine slept")
        case NotTold():
            sent = notice.sent
            yield _warning(f"notification target `{sent.target}` failed: {sent.error}; it is tried again later")
        case Ended():
            counts = f"{_counted(notice.ticks, 'tick')}, {notice.skipped} skipped, {notice.failed} failed"
            yield _remark(f"watch ended ({notice.note}): {counts}")
        case _:
            assert_never(notice)


def happening_line(happening: Happening) -> list[Cell]:
    """Return the one line of a changed trade, of a refused opening, or of a guard that made one smaller or warned."""
    event = happening.event
    if isinstance(event, Refused):
        return [Cell(f"refused {event.side} {event.symbol}"), Cell(f" {event.message}", Tone.WARNING)]
    if isinstance(event, GuardActed):
        return act_line(event)
    if happening.view is None:
        raise ValueError(f"{type(event).__name__} without its trade")
    return change_line(event, happening.view.trade, happening.book)


def touched_line(touched: Touched, zone: tzinfo) -> list[Cell]:
    """Return the line of a trade whose level the forming minute has reached."""
    trade, event = touched.trade, touched.event
    quantity = trade.open_quantity if trade.open_quantity > 0 else trade.quantity
    level = event.cause.raw_price if event.cause.level is None else event.cause.level
    what = f"{REASONS[event.reason] if isinstance(event, ExitFilled) else 'entry'} {plain(level)}"
    clock = local_second(touched.settles_ms, zone)[11:16]
    text = f"#{trade.id} touched {trade.side} {plain(quantity)} {trade.order.symbol} {what}, settles at {clock}"
    return [Cell(text)]


def status_line(notice: Ticked, zone: tzinfo) -> str:
    """Return the line that a terminal shows between rounds."""
    done = notice.round
    prices = [] if done.market is None else sorted(done.market.quotes.items())
    shown = [f"{symbol} {plain(quote.last)}" for symbol, quote in prices[:_PRICES_SHOWN]]
    if len(prices) > _PRICES_SHOWN:
        shown.append(f"+{len(prices) - _PRICES_SHOWN}")
    parts = [local_second(done.report.at_ms, zone)[11:19], _counted(done.live, "live trade"), *shown]
    if done.error is not None:
        parts.append(f"venue failing, {done.in_a_row} in a row")
    elif done.report.failures:
        parts.append(f"{_counted(len(done.report.failures), 'symbol')} failing")
    parts.append(f"next {local_second(notice.next_ms, zone)[11:19]}")
    return "  ".join(parts)


def round_summary(done: Round) -> str:
    """Return one sentence on a round in which nothing changed."""
    if done.live == 0:
        return "no live trades"
    symbols = _counted(len(done.report.symbols), "symbol")
    return f"checked {_counted(done.checked, 'live trade')} of {symbols}, nothing changed"


def _started(notice: Started, zone: tzinfo) -> Iterator[Told]:
    if notice.killed is not None:
        last = notice.killed.last_tick_ms
        when = "before its first tick" if last is None else f"after its tick of {local_second(last, zone)}"
        yield _remark(f"the watch before this one was killed {when}; what it missed is caught up now")
    yield _remark(f"watching {_counted(notice.live, 'live trade')}; Ctrl-C or `papertrade stop` ends it")


def _ticked(notice: Ticked, zone: tzinfo) -> Iterator[Told]:
    report = notice.round.report
    for symbol in notice.failed_anew:
        yield _warning(f"{symbol}: {report.failures[symbol].message}")
    for symbol in notice.recovered:
        yield _remark(f"{symbol}: priced again")
    for symbol, broken in notice.broken_anew:
        yield _warning(f"{symbol}: trade `{broken.trade_id}` is set aside, it cannot be decided: {broken.error}")
    if notice.round.stopped is not None:
        yield _warning(f"{notice.round.stopped.message}; it makes no more signals, stops and targets are watched on")
    for touched in notice.touched_anew:
        yield Told(Rank.REMARK, touched_line(touched, zone))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _remark(text: str) -> Told:
    return Told(Rank.REMARK, [Cell(text)])


def _warning(text: str) -> Told:
    return Told(Rank.WARNING, [Cell(f"warning: {text}", Tone.WARNING)])
