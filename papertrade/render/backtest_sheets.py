"""A backtest as tables for spreadsheets: trades, fills, equity under the columns of `export`, and the refusals.

The rule to keep: a column means here what it means in an export of a live account.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from papertrade.engine.market import Side
from papertrade.engine.messages import EntryFilled, ExitFilled
from papertrade.engine.money import CONTEXT, to_grid
from papertrade.engine.trade import Trade
from papertrade.render.csv import Sheet
from papertrade.render.export_columns import EQUITY, FILLS, TRADES, Owned, sheetful
from papertrade.render.export_formats import sheet_of
from papertrade.render.json import json_text
from papertrade.render.numbers import iso_z
from papertrade.runs.backtest import ACCOUNT_ID, VENUE
from papertrade.runs.backtest_outcome import BacktestOutcome
from papertrade.store.rows import AccountRow, FillRow

_REFUSED: Final = ("signal", "symbol", "side", "at", "code", "message", "details")


def trades_sheet(outcome: BacktestOutcome) -> Sheet:
    """Return every trade under the columns of `export trades`."""
    account = _account(outcome)
    return sheet_of(sheetful(TRADES, (Owned(view, account) for view in outcome.views())))


def fills_sheet(outcome: BacktestOutcome) -> Sheet:
    """Return every fill in the order of time; `event_seq` counts the backtest's own events."""
    account = _account(outcome)
    return sheet_of(sheetful(FILLS, (Owned(row, account) for row in _fills(outcome))))


def equity_sheet(outcome: BacktestOutcome) -> Sheet:
    """Return the curve under the columns of `export equity`."""
    account = _account(outcome)
    return sheet_of(sheetful(EQUITY, (Owned(point, account) for point in outcome.equity.points())))


def refused_sheet(outcome: BacktestOutcome) -> Sheet:
    """Return the signals that were not traded, with the numbers behind it as JSON."""
    rows = (
        (
            one.signal.key,
            one.signal.symbol,
            str(one.signal.side),
            iso_z(one.at_ms),
            one.refusal.code,
            one.refusal.message,
            json_text(dict(one.refusal.details)),
        )
        for one in outcome.result.refused
    )
    return Sheet(_REFUSED, rows)


def _account(outcome: BacktestOutcome) -> AccountRow:
    return AccountRow(
        id=ACCOUNT_ID,
        name=VENUE,
        currency=outcome.inputs.plan.currency,
        epoch=1,
        epoch_seq=1,
        created_ms=outcome.result.begins_ms,
    )


def _fills(outcome: BacktestOutcome) -> Iterator[FillRow]:
    trades = {trade.id: trade for trade in outcome.result.trades}
    counts: dict[int, int] = {}
    for seq, booked in enumerate(outcome.result.booked, 1):
        event = booked.event
        if isinstance(event, EntryFilled | ExitFilled):
            counts[event.trade_id] = counts.get(event.trade_id, 0) + 1
            yield _fill(trades[event.trade_id], event, seq, counts[event.trade_id])


def _fill(trade: Trade, event: EntryFilled | ExitFilled, seq: int, n: int) -> FillRow:
    order = trade.order
    exited = event if isinstance(event, ExitFilled) else None
    return FillRow(
        event_seq=seq,
        trade_id=trade.id,
        account_id=order.account_id,
        n=n,
        leg="entry" if exited is None else "exit",
        is_buy=(order.side is Side.LONG) is (exited is None),
        venue=order.venue,
        symbol=order.symbol,
        trade_side=order.side,
        quantity=event.quantity,
        price=event.price,
        raw_price=event.cause.raw_price,
        level=event.cause.level,
        notional=to_grid(CONTEXT.multiply(event.price, event.quantity)),
        fee_rate=event.fee_rate,
        fee=event.fee,
        slippage=event.slippage,
        gross=None if exited is None else exited.gross,
        realized=None if exited is None else exited.realized,
        liquidity=event.liquidity,
        reason=None if exited is None else exited.reason,
        rule=event.cause.rule,
        is_ambiguous=exited is not None and exited.is_ambiguous,
        flags=event.flags,
        at_ms=event.at_ms,
        funding=None if exited is None else exited.funding_share,
    )
