"""The inputs of `metrics`, filled from the store: closed trades, the equity curve, ambiguous exits, prices to compare.

What the figures mean is in the reports. The rule to keep: a figure of the whole account (drawdown, Sharpe) is not
shown for a part of its trades.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from papertrade.engine.messages import ExitFilled
from papertrade.engine.trade import Flag, Status, Trade
from papertrade.engine.values import dataclass, replace
from papertrade.reports.ambiguity import AmbiguousExit, ambiguous_exit
from papertrade.reports.calendar_periods import performance
from papertrade.reports.closed_trade import ClosedTrade, closed_trade
from papertrade.reports.coverage import is_unverified
from papertrade.reports.drawdown import Drawdown
from papertrade.reports.excursion_statistics import PriceMoves, moves_of
from papertrade.reports.metric import undefined
from papertrade.reports.metrics import MetricsReport, MetricsRequest, PriceSpan, ReportWish, Risk, metrics
from papertrade.reports.ratios import periods_per_year
from papertrade.reports.returns import series_of
from papertrade.runs.lived import lived
from papertrade.runs.reporting import Curve, Standpoint, books_of, curve, epoch_of, history
from papertrade.store.rows import AccountRow, EventFilter, TradeFilter
from papertrade.store.store import Reader

_PART: Final = "only for the whole account: leave out all filters but --since, --until and --epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsWish:
    """What `metrics` was asked for: which trades, intervals or not, and what to compare with (None: own symbols).

    With `is_verified_only` trades that more than final candles shaped are left out.
    """

    wanted: TradeFilter
    has_intervals: bool = False
    versus: str | None = None
    is_verified_only: bool = False

    @property
    def is_part(self) -> bool:
        """Whether other filters than the time are set."""
        wanted = self.wanted
        named = (wanted.symbol, wanted.source, wanted.tag, wanted.side, wanted.signal_id)
        is_named = any(value is not None for value in named) or bool(wanted.exit_reasons) or bool(wanted.statuses)
        return is_named or wanted.or_void or self.is_verified_only


def metrics_of(reader: Reader, account: AccountRow, wish: MetricsWish, view: Standpoint) -> MetricsReport:
    """Compute every figure of one epoch of an account; the filters' limit and paging are not looked at."""
    wanted = wish.wanted
    epoch = epoch_of(reader, account, wanted.epoch)
    until_ms = view.now_ms if wanted.until_ms is None else min(view.now_ms, wanted.until_ms - 1)
    entered = _entered(reader, account, replace(wanted, epoch=epoch.number))
    trades = [trade for trade in entered if Flag.VOID not in trade.flags]
    past = _Past(reader, [trade for trade in trades if trade.status is Status.CLOSED], view.now_ms)
    unverified = sum(trade.is_unverified for trade in past.closed if _is_in_time(trade.closed_at, wanted))
    every = [t for t in past.closed if not (wish.is_verified_only and t.is_unverified)]
    closed = [trade for trade in every if _is_in_time(trade.closed_at, wanted)]
    shown = {trade.trade_id for trade in closed}
    is_present = epoch.until_seq is None
    points = Curve(()) if wish.is_part else curve(reader, account, epoch, until_ms, wanted.since_ms)
    report = metrics(
        MetricsRequest(
            book=reader.account_book(account)
            if is_present
            else books_of(history(reader, account, epoch), account, epoch),
            closed_trades=closed,
            open_trades=[trade for trade in trades if trade.status is Status.OPEN],
            series=series_of(points.points, points.opening),
            now_ms=view.now_ms,
            zone=view.zone,
            periods=periods_per_year(_hours(reader, trades)),
            ambiguous_exits=_ambiguous_exits(reader, [trade for trade in trades if trade.id in shown]),
            held_instead=_held_instead(reader, trades, wish.versus, until_ms),
            random=ReportWish(has_intervals=wish.has_intervals).random,
            until_ms=until_ms,
            moves=past.moves(closed),
            unverified=unverified,
            voided=sum(_is_in_time(t.closed_at or 0, wanted) for t in entered if Flag.VOID in t.flags),
        )
    )
    report = replace(report, performance=performance(every, view.now_ms, view.zone))
    return replace(report, risk=_no_risk(report.risk)) if wish.is_part else report


class _Past:
    """The closed trades as the statistics need them, with what they lived through."""

    def __init__(self, reader: Reader, trades: Sequence[Trade], now_ms: int) -> None:
        lives = lived(reader, trades, now_ms)
        self.closed = [
            closed_trade(trade, is_unverified=is_unverified(trade, life.observed))
            for trade, life in zip(trades, lives, strict=True)
        ]
        self._met = {t.id: (t.entered_price, life.reached) for t, life in zip(trades, lives, strict=True)}

    def moves(self, closed: Sequence[ClosedTrade]) -> PriceMoves:
        """Return how far prices went while these were in the market."""
        met = [self._met[trade.trade_id] for trade in closed]
        return moves_of(closed, [one for _, one in met], [entry for entry, _ in met])


def _entered(reader: Reader, account: AccountRow, wanted: TradeFilter) -> tuple[Trade, ...]:
    """Return the open and closed trades that match all filters but those of time; void ones if they were entered."""
    is_any = not wanted.statuses and not wanted.or_void
    statuses = tuple(s for s in (Status.OPEN, Status.CLOSED) if is_any or s in wanted.statuses)
    if not statuses and not wanted.or_void:
        return ()
    every = replace(
        wanted, account_id=account.id, statuses=statuses, since_ms=None, until_ms=None, before=None, limit=None
    )
    return tuple(trade for trade in reader.trades_page(every).trades if trade.entry_price is not None)


def _is_in_time(closed_at: int, wanted: TradeFilter) -> bool:
    is_after = wanted.since_ms is None or closed_at >= wanted.since_ms
    return is_after and (wanted.until_ms is None or closed_at < wanted.until_ms)


def _ambiguous_exits(reader: Reader, trades: Sequence[Trade]) -> list[AmbiguousExit]:
    found: list[AmbiguousExit] = []
    for trade in trades:
        if trade.is_ambiguous:
            rows = reader.events(EventFilter(trade_id=trade.id, kinds=("exit_filled",)))
            exits = [row.event for row in rows if isinstance(row.event, ExitFilled)]
            found += [ambiguous_exit(trade, fill) for fill in exits if fill.is_ambiguous]
    return found


def _hours(reader: Reader, trades: Sequence[Trade]) -> set[str]:
    places = {(trade.order.venue, trade.order.symbol) for trade in trades}
    known = (reader.instrument(*place) for place in places)
    return {stored.instrument.hours for stored in known if stored is not None}


def _held_instead(reader: Reader, trades: Sequence[Trade], versus: str | None, until_ms: int) -> list[PriceSpan]:
    """Return what each traded instrument, or the one to compare with, did from the first entry on."""
    entered = [(trade.opened_at, trade.order) for trade in trades if trade.opened_at is not None]
    if not entered:
        return []
    first_ms = min(at_ms for at_ms, _ in entered)
    places = {(order.venue, order.symbol) for _, order in entered}
    if versus is not None:
        places = {(venue, versus) for venue, _ in places}
    spans = []
    for venue, symbol in sorted(places):
        first = reader.price_at(venue, symbol, first_ms) or next(
            iter(reader.prices(venue, symbol, first_ms, until_ms + 1)), None
        )
        last = reader.price_at(venue, symbol, until_ms)
        if first is not None and last is not None:
            spans.append(PriceSpan(symbol, first.price, last.price))
    return spans


def _no_risk(risk: Risk) -> Risk:
    none = undefined(_PART)
    return replace(
        risk,
        sharpe=none,
        sortino=none,
        calmar=none,
        cagr=none,
        volatility=none,
        total_return=none,
        drawdown=Drawdown(max_drawdown=none),
    )
