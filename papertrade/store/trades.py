"""Trades and their fills, as read from the views."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select

from papertrade.engine.market import Side
from papertrade.engine.messages import Liquidity
from papertrade.engine.trade import ExitReason, Flag, Status, Trade
from papertrade.engine.values import dataclass
from papertrade.store.rows import FillRow, TradeFilter, TradePage
from papertrade.store.snapshot import NUMBERS, Snapshot, among
from papertrade.store.tables import FILL, LIVE, QUOTED, TRADE, FillTable
from papertrade.store.trade_rows import flags, read_trade

_NUMBERED = select(TRADE).where(TRADE.c.id.in_(NUMBERS)).order_by(TRADE.c.id)
_MARKS = (
    select(FILL.c.trade_id, FILL.c.leg, FILL.c.price, FILL.c.at_ms, FILL.c.flags)
    .where(FILL.c.trade_id.in_(NUMBERS))
    .order_by(FILL.c.trade_id, FILL.c.n)
)
_RECENT = 1_000
_LIVE = TRADE.c.status.in_((Status.PENDING, Status.OPEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class FillMark:
    """A fill in brief: whether an exit, at which price and when, and whether a quote decided it (`observed`)."""

    is_exit: bool
    price: Decimal
    at_ms: int
    is_observed: bool


class TradeReads(Snapshot):
    """Reading trades and fills."""

    def trade(self, trade_id: int) -> Trade | None:
        """Return a trade by its number, None if there is none."""
        return self._one(select(TRADE).where(TRADE.c.id == trade_id), read_trade)

    def trades(self, trade_ids: Iterable[int]) -> dict[int, Trade]:
        """Return trades by their numbers, in the order of the numbers; those that do not exist are left out."""
        return {trade.id: trade for trade in self._values(_NUMBERED, read_trade, {"numbers": among(trade_ids)})}

    def live_trades(
        self, *, account_id: int | None = None, venue: str | None = None, symbol: str | None = None
    ) -> tuple[Trade, ...]:
        """Return the pending and open trades, oldest first; what is None does not restrict."""
        query = select(TRADE).where(_LIVE).order_by(TRADE.c.id)
        for column, value in (("account_id", account_id), ("venue", venue), ("symbol", symbol)):
            if value is not None:
                query = query.where(TRADE.c[column] == value)
        return self._values(query, read_trade)

    def live_numbers(self, venue: str, symbol: str) -> tuple[int, ...]:
        """Return the numbers of an instrument's live trades, also of those whose rows cannot be read."""
        query = f"SELECT id FROM trade INDEXED BY live_below WHERE venue = ? AND symbol = ? AND {LIVE} ORDER BY id"
        return tuple(number for (number,) in self._connection.exec_driver_sql(query, (venue, symbol)))

    def live_count(self) -> int:
        """Return how many trades are pending or open, counted in the index of live trades alone."""
        return self._number(f"SELECT COUNT(*) FROM trade INDEXED BY live_below WHERE {LIVE}")

    def quoted_symbols(self, venue: str) -> frozenset[str]:
        """Return the symbols that have live trades which quotes decide; next to nothing where there are none."""
        query = f"SELECT DISTINCT symbol FROM trade INDEXED BY live_quoted WHERE venue = ? AND {QUOTED}"
        return frozenset(str(symbol) for (symbol,) in self._connection.exec_driver_sql(query, (venue,)))

    def live_trade_of(self, account_id: int, signal_id: int) -> Trade | None:
        """Return the pending or open trade of a signal in an account, None if there is none."""
        query = select(TRADE).where(_LIVE, TRADE.c.account_id == account_id, TRADE.c.signal_id == signal_id)
        return self._one(query, read_trade)

    def trades_placed_since(self, account_id: int, symbol: str, since_ms: int) -> tuple[Trade, ...]:
        """Return an account's trades of a symbol placed at or after an instant, newest first; of the last thousand."""
        newest = select(func.max(TRADE.c.id)).scalar_subquery()
        query = select(TRADE).where(
            TRADE.c.id > newest - _RECENT,
            TRADE.c.account_id == account_id,
            TRADE.c.symbol == symbol,
            TRADE.c.placed_ms >= since_ms,
        )
        return self._values(query.order_by(TRADE.c.id.desc()), read_trade)

    def trades_page(self, wanted: TradeFilter) -> TradePage:
        """Return the trades that match, newest first."""
        matching = trade_conditions(wanted)
        total = self._connection.execute(select(func.count()).select_from(TRADE).where(*matching)).scalar_one()
        query = select(TRADE).where(*matching).order_by(TRADE.c.id.desc()).limit(wanted.limit)
        if wanted.before is not None:
            query = query.where(TRADE.c.id < wanted.before)
        return TradePage(self._values(query, read_trade), total)

    def fills(
        self,
        *,
        trade_id: int | None = None,
        account_id: int | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        after_seq: int = 0,
    ) -> tuple[FillRow, ...]:
        """Return fills in the order of the journal; `until_ms` is not included, what is None does not restrict."""
        query = select(FILL).where(FILL.c.event_seq > after_seq).order_by(FILL.c.event_seq)
        if trade_id is not None:
            query = query.where(FILL.c.trade_id == trade_id)
        if account_id is not None:
            query = query.where(FILL.c.account_id == account_id)
        if since_ms is not None:
            query = query.where(FILL.c.at_ms >= since_ms)
        if until_ms is not None:
            query = query.where(FILL.c.at_ms < until_ms)
        return self._values(query, read_fill)

    def fill_instants(self, from_ms: int, to_ms: int) -> tuple[int, ...]:
        """Return when there were fills from one instant to another (both included), of all accounts, each once."""
        query = select(FILL.c.at_ms).where(FILL.c.at_ms >= from_ms, FILL.c.at_ms <= to_ms).distinct()
        return tuple(self._connection.execute(query.order_by(FILL.c.at_ms)).scalars())

    def fill_marks(self, trade_ids: Iterable[int]) -> dict[int, tuple[FillMark, ...]]:
        """Return the fills of each trade in brief, oldest first; trades without one are left out."""
        found: dict[int, list[FillMark]] = {}
        for trade_id, mark in self._values(_MARKS, _mark, {"numbers": among(trade_ids)}):
            found.setdefault(trade_id, []).append(mark)
        return {trade_id: tuple(marks) for trade_id, marks in found.items()}


def _mark(row: FillTable) -> tuple[int, FillMark]:
    is_observed = Flag.OBSERVED in flags(row.flags)
    return row.trade_id, FillMark(is_exit=row.leg == "exit", price=row.price, at_ms=row.at_ms, is_observed=is_observed)


def trade_conditions(wanted: TradeFilter) -> list[ColumnElement[bool]]:
    """Return what a trade must be like to match, without paging."""
    every: list[ColumnElement[bool]] = [
        TRADE.c[column] == value
        for column, value in (
            ("account_id", wanted.account_id),
            ("epoch", wanted.epoch),
            ("symbol", wanted.symbol),
            ("source", wanted.source),
            ("side", wanted.side),
            ("signal_id", wanted.signal_id),
        )
        if value is not None
    ]
    if wanted.statuses or wanted.or_void:
        in_state = TRADE.c.status.in_(wanted.statuses)
        every.append(in_state if not wanted.or_void else in_state | (TRADE.c.is_void == 1))
    if wanted.exit_reasons:
        exits = select(FILL.c.n).where(FILL.c.trade_id == TRADE.c.id, FILL.c.reason.in_(wanted.exit_reasons))
        every.append(exits.exists())
    if wanted.tag is not None:
        each = func.json_each(TRADE.c.tags).table_valued("value")
        every.append(select(each.c.value).where(each.c.value == wanted.tag).exists())
    last_ms = func.coalesce(TRADE.c.closed_ms, TRADE.c.opened_ms, TRADE.c.placed_ms)
    if wanted.since_ms is not None:
        every.append(last_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        every.append(last_ms < wanted.until_ms)
    return every


def read_fill(row: FillTable) -> FillRow:
    """Return the fill of a row. Raises ValueError or TypeError if it cannot be one."""
    return FillRow(
        event_seq=row.event_seq,
        trade_id=row.trade_id,
        account_id=row.account_id,
        n=row.n,
        leg=row.leg,
        is_buy=row.side == "buy",
        venue=row.venue,
        symbol=row.symbol,
        trade_side=Side(row.trade_side),
        quantity=row.quantity,
        price=row.price,
        raw_price=row.raw_price,
        level=row.level,
        notional=row.notional_u,
        fee_rate=row.fee_rate,
        fee=row.fee_u,
        slippage=row.slippage_u,
        gross=row.gross_u,
        realized=row.realized_u,
        liquidity=Liquidity(row.liquidity),
        reason=None if row.reason is None else ExitReason(row.reason),
        rule=row.rule,
        is_ambiguous=bool(row.is_ambiguous),
        flags=flags(row.flags),
        at_ms=row.at_ms,
        funding=row.funding_u,
    )
