"""What came of a backtest as the reports need it: its equity curve and every figure of `metrics`.

Only carries over; each figure is computed in `reports/`, the same that a live account's are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Final

import numpy as np

from papertrade.engine.messages import EntryFilled, ExitFilled
from papertrade.engine.money import to_units
from papertrade.engine.trade import Status, Trade
from papertrade.feeds.candle_series import CandleSeries
from papertrade.reports.ambiguity import AmbiguousExit, ambiguous_exit
from papertrade.reports.closed_trade import closed_trade
from papertrade.reports.coverage import Gap, is_unverified
from papertrade.reports.equity_columns import (
    CloseColumns,
    EquityColumns,
    Held,
    MoneyColumns,
    equity_columns,
    units_column,
)
from papertrade.reports.metrics import MetricsReport, MetricsRequest, PriceSpan, ReportWish, metrics
from papertrade.reports.ratios import periods_per_year
from papertrade.runs.backtest import BacktestResult
from papertrade.runs.backtest_excursions import gaps_in, moves_in, observed_in
from papertrade.runs.collector import uncollected

PLAIN: Final = ReportWish()


def equity_of(result: BacktestResult) -> EquityColumns:
    """Return the equity curve: a point at each full UTC hour, at each fill, and at the end of the candles."""
    with uncollected():
        return _equity(result)


def _equity(result: BacktestResult) -> EquityColumns:
    books = [result.opening, *(booked.book for booked in result.booked)]
    money = MoneyColumns(
        at_ms=np.array([result.begins_ms, *(booked.at_ms for booked in result.booked)], np.int64),
        cash=units_column([to_units(book.cash) for book in books]),
        reserved=units_column([to_units(book.reserved) for book in books]),
        capital=units_column([to_units(book.capital) for book in books]),
        realized=units_column([to_units(book.realized) for book in books]),
    )
    closes = {symbol: _closes(series) for symbol, series in result.series.items()}
    return equity_columns(money, list(_held(result)), closes, result.ends_ms)


def report_of(
    result: BacktestResult, equity: EquityColumns, *, zone: tzinfo = UTC, wish: ReportWish = PLAIN
) -> MetricsReport:
    """Compute every figure as of the end of the candles."""
    with uncollected():
        return _report(result, equity, zone, wish)


def _report(result: BacktestResult, equity: EquityColumns, zone: tzinfo, wish: ReportWish) -> MetricsReport:
    closed = [trade for trade in result.trades if trade.status is Status.CLOSED]
    gaps = gaps_in(result)
    return metrics(
        MetricsRequest(
            book=result.book,
            closed_trades=[closed_trade(trade, is_unverified=_is_unverified(trade, gaps, result)) for trade in closed],
            open_trades=[trade for trade in result.trades if trade.status is Status.OPEN],
            series=equity.series(),
            now_ms=result.ends_ms,
            zone=zone,
            periods=periods_per_year(instrument.hours for instrument in result.instruments.values()),
            ambiguous_exits=list(_ambiguous_exits(result)),
            held_instead=list(_held_instead(result, wish.versus)),
            random=wish.random,
            moves=moves_in(result, closed),
        )
    )


def _is_unverified(trade: Trade, gaps: Mapping[str, Sequence[Gap]], result: BacktestResult) -> bool:
    """Whether candles of a trade's life are missing; nothing but candles decides here."""
    own = gaps.get(trade.order.symbol)
    return bool(own) and is_unverified(trade, observed_in(trade, gaps, result.ends_ms))


def _closes(series: CandleSeries) -> CloseColumns:
    return CloseColumns(series.open_ms + (series.interval_ms - 1), series.close, series.decimals)


def _held(result: BacktestResult) -> Iterator[Held]:
    """Yield what each trade had open between its fills."""
    trades = {trade.id: trade for trade in result.trades}
    open_since: dict[int, tuple[int, Decimal]] = {}
    for booked in result.booked:
        event = booked.event
        match event:
            case EntryFilled():
                open_since[event.trade_id] = (booked.at_ms, event.quantity)
            case ExitFilled():
                since_ms, quantity = open_since.pop(event.trade_id)
                yield _span(trades[event.trade_id], quantity, since_ms, booked.at_ms)
                if not event.is_final:
                    open_since[event.trade_id] = (booked.at_ms, quantity - event.quantity)
            case _:
                pass
    for number, (since_ms, quantity) in open_since.items():
        yield _span(trades[number], quantity, since_ms, result.ends_ms + 1)


def _span(trade: Trade, quantity: Decimal, from_ms: int, to_ms: int) -> Held:
    return Held(
        symbol=trade.order.symbol,
        side=trade.side,
        quantity=quantity,
        entry_price=trade.entered_price,
        opened_at=from_ms if trade.opened_at is None else trade.opened_at,
        from_ms=from_ms,
        to_ms=to_ms,
    )


def _ambiguous_exits(result: BacktestResult) -> Iterator[AmbiguousExit]:
    trades = {trade.id: trade for trade in result.trades}
    for booked in result.booked:
        if isinstance(booked.event, ExitFilled) and booked.event.is_ambiguous:
            yield ambiguous_exit(trades[booked.event.trade_id], booked.event)


def _held_instead(result: BacktestResult, versus: str | None) -> Iterator[PriceSpan]:
    """Yield what each traded instrument, or the one to compare with, did from the first entry of all on."""
    entered = [(trade.opened_at, trade.order.symbol) for trade in result.trades if trade.opened_at is not None]
    if not entered:
        return
    first_ms = min(at_ms for at_ms, _ in entered)
    symbols = {symbol for _, symbol in entered} if versus is None else {versus} & result.series.keys()
    for symbol in sorted(symbols):
        series = result.series[symbol]
        yield PriceSpan(symbol, _price_at(series, first_ms), series.price(series.close, -1))


def _price_at(series: CandleSeries, at_ms: int) -> Decimal:
    """Return the open of the candle that begins then (or of the first), else the close of the last that ended."""
    begins = series.index_from(at_ms)
    if begins == 0 or (begins < len(series) and series.open_ms.item(begins) == at_ms):
        return series.price(series.open, begins)
    ended = series.index_from(at_ms - series.interval_ms + 2) - 1
    return series.price(series.close, max(ended, 0))
