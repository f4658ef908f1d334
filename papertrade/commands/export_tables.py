"""From the name of an export and its filters to rows under columns, read from one snapshot as they are written.

Says which filters mean something for which export. The rule to keep: a filter that cannot mean anything is
refused, so that no file holds more than its maker believes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Final, TypeVar, assert_never

from papertrade.bootstrap import Books
from papertrade.commands.filters import Words, trade_filter
from papertrade.engine.values import dataclass, replace
from papertrade.errors import UsageProblem
from papertrade.feeds.signal_rows import signal_rows
from papertrade.render import export_columns as columns
from papertrade.render.beancount import LedgerSource
from papertrade.render.export_columns import Figure, Owned, Sheetful, sheetful, signal_sheetful
from papertrade.reports.trade_view import TradeView
from papertrade.runs.reporting import Standpoint, curve, epoch_of
from papertrade.runs.views import trade_views
from papertrade.store.rows import AccountRow, TradeFilter
from papertrade.store.store import Reader
from papertrade.store.streams import RowFilter

T = TypeVar("T")

_BATCH: Final = 500


class What(StrEnum):
    """What can be exported."""

    TRADES = "trades"
    SIGNALS = "signals"
    FILLS = "fills"
    LEDGER = "ledger"
    EQUITY = "equity"
    EVENTS = "events"
    METRICS = "metrics"
    NOTES = "notes"


_EVERY: Final = ("--status", "--exit", "--symbol", "--side", "--source", "--tag", "--since", "--until", "--epoch")
FILTERS: Final[Mapping[What, tuple[str, ...]]] = {
    What.TRADES: (*_EVERY, "--all-accounts"),
    What.SIGNALS: ("--symbol", "--source", "--tag", "--since", "--until"),
    What.FILLS: ("--exit", "--symbol", "--source", "--tag", "--since", "--until", "--all-accounts"),
    What.LEDGER: ("--since", "--until", "--all-accounts"),
    What.EQUITY: ("--since", "--until", "--epoch"),
    What.EVENTS: ("--since", "--until"),
    What.METRICS: _EVERY,
    What.NOTES: ("--symbol", "--tag", "--since", "--until", "--all-accounts"),
}
"""The options that mean something for each export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWish:
    """What to export: the filters as typed, and whether of every account."""

    what: What
    words: Words
    has_all_accounts: bool = False


def refuse_pointless(wish: ExportWish, *, is_beancount: bool) -> None:
    """Raise UsageProblem for a filter that means nothing for this export."""
    words = wish.words
    given = {
        "--status": words.status,
        "--exit": words.exit_reason,
        "--symbol": words.symbol,
        "--side": words.side,
        "--source": words.source,
        "--tag": words.tag,
        "--since": words.since,
        "--until": words.until,
        "--epoch": words.epoch,
        "--all-accounts": wish.has_all_accounts or None,
    }
    allowed = ("--all-accounts",) if is_beancount else FILTERS[wish.what]
    for option, value in given.items():
        if value is not None and option not in allowed:
            name = f"{wish.what} --format beancount" if is_beancount else wish.what
            raise UsageProblem(f"`{option}` means nothing for `export {name}`", hint=f"it takes {', '.join(allowed)}")


def table_of(wish: ExportWish, books: Books, reader: Reader, view: Standpoint) -> Sheetful:
    """Return the rows of an export; they are read while they are written, inside the reader's snapshot."""
    picked = trade_filter(wish.words, books, view.now_ms)
    if wish.has_all_accounts:
        picked = replace(picked, account_id=None)
    rows = RowFilter(
        account_id=picked.account_id,
        symbol=picked.symbol,
        source=picked.source,
        tag=picked.tag,
        reasons=picked.exit_reasons,
        since_ms=picked.since_ms,
        until_ms=picked.until_ms,
    )
    accounts = {account.id: account for account in reader.accounts()}
    match wish.what:
        case What.TRADES:
            return sheetful(columns.TRADES, _views(reader, picked, view.now_ms, accounts))
        case What.SIGNALS:
            return signal_sheetful(signal_rows(row.signal for row in reader.each_signal(rows)))
        case What.FILLS:
            return sheetful(columns.FILLS, _owned(reader.each_fill(rows), accounts, lambda row: row.account_id))
        case What.LEDGER:
            return sheetful(columns.LEDGER, _owned(reader.each_posting(rows), accounts, lambda row: row.account_id))
        case What.NOTES:
            return sheetful(columns.NOTES, _owned(reader.each_note(rows), accounts, lambda row: row.account_id))
        case What.EVENTS:
            return sheetful(columns.EVENTS, reader.each_event(rows))
        case What.EQUITY:
            return _equity(reader, books.account, picked, view)
        case What.METRICS:
            return sheetful(columns.METRICS, _figures(reader, books.account, picked, view))
        case _:
            assert_never(wish.what)


def ledger_source(wish: ExportWish, books: Books, reader: Reader) -> LedgerSource:
    """Return what a beancount file is made from."""
    accounts = reader.accounts() if wish.has_all_accounts else (books.account,)
    rows = RowFilter(account_id=None if wish.has_all_accounts else books.account.id)
    return LedgerSource(
        accounts=accounts,
        postings=lambda: reader.each_posting(rows),
        trades=reader.trades,
        made_ms=books.call.clock.now_ms(),
    )


def _owned(rows: Iterable[T], accounts: Mapping[int, AccountRow], account_id: Callable[[T], int]) -> Iterator[Owned[T]]:
    return (Owned(row, accounts[account_id(row)]) for row in rows)


def _views(
    reader: Reader, wanted: TradeFilter, now_ms: int, accounts: Mapping[int, AccountRow]
) -> Iterator[Owned[TradeView]]:
    """Yield the trades with their marks, some hundred looked at together."""
    trades = reader.each_trade(wanted)
    while batch := list(islice(trades, _BATCH)):
        yield from (Owned(view, accounts[view.trade.order.account_id]) for view in trade_views(reader, batch, now_ms))


def _equity(reader: Reader, account: AccountRow, wanted: TradeFilter, view: Standpoint) -> Sheetful:
    until_ms = view.now_ms if wanted.until_ms is None else min(view.now_ms, wanted.until_ms - 1)
    since_ms = None if wanted.since_ms is None else wanted.since_ms - 1
    line = curve(reader, account, epoch_of(reader, account, wanted.epoch), until_ms, since_ms)
    return sheetful(columns.EQUITY, (Owned(point, account) for point in line.points))


def _figures(reader: Reader, account: AccountRow, wanted: TradeFilter, view: Standpoint) -> Iterator[Figure]:
    from papertrade.render.figures import figures
    from papertrade.runs.metrics_report import MetricsWish, metrics_of

    return figures(metrics_of(reader, account, MetricsWish(wanted=wanted), view))
