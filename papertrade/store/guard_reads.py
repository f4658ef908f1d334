"""What guards and caps ask of an account: how much is live, what was lost lately. Asked of the database, not replayed.

All of it is of the account's present epoch and counts by effective time; void trades are left out.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sqlalchemy import select

from papertrade.engine.codec import parse_long_decimal
from papertrade.engine.market import Side
from papertrade.engine.trade import Status, Trade
from papertrade.engine.values import dataclass
from papertrade.store.rows import AccountRow
from papertrade.store.snapshot import Snapshot
from papertrade.store.tables import LIVE, TRADE
from papertrade.store.trade_rows import read_trade

_CLOSED: Final = (
    "FROM trade WHERE account_id = ? AND epoch = ? AND status = 'closed' AND is_void = 0 "
    "AND closed_ms > ? AND closed_ms <= ?"
)
_NEWEST_FIRST: Final = "ORDER BY closed_ms DESC, id DESC"
_STREAK: Final = f"SELECT realized_u, closed_ms {_CLOSED} {_NEWEST_FIRST}"
_LOSSES: Final = f"SELECT closed_ms {_CLOSED} AND symbol = ? AND realized_u < 0 {_NEWEST_FIRST} LIMIT ?"
_LOST: Final = f"SELECT DISTINCT symbol {_CLOSED} AND realized_u < 0 ORDER BY symbol"
_OUTCOMES: Final = f"SELECT COALESCE(SUM(realized_u > 0), 0), COALESCE(SUM(realized_u < 0), 0) {_CLOSED}"
_LIFESPANS: Final = (
    "SELECT placed_ms, closed_ms, status, realized_u FROM trade WHERE account_id = ? AND epoch = ? AND is_void = 0"
)
_HELD: Final = (
    "SELECT id, venue, symbol, side, source, open_quantity, entry_price, opened_ms FROM trade "
    "WHERE account_id = ? AND status = 'open' ORDER BY id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTrade:
    """What is open of a trade, without the rest of it."""

    trade_id: int
    venue: str
    symbol: str
    side: Side
    source: str
    quantity: Decimal
    entry_price: Decimal
    opened_at: int


@dataclass(frozen=True, slots=True)
class Lifespan:
    """When a trade was placed and ended (UTC ms, None while it lives), and its net in units if it closed."""

    placed_ms: int
    ended_ms: int | None
    net_units: int | None


class GuardReads(Snapshot):
    """Reading what guards judge by; `after_ms` (not included) and `until_ms` (included) bound when trades closed."""

    def live_count_of(self, account: AccountRow) -> int:
        """Return how many trades of an account are pending or open."""
        return self._number(f"SELECT COUNT(*) FROM trade WHERE account_id = ? AND {LIVE}", (account.id,))

    def held_trades(self, account: AccountRow) -> tuple[HeldTrade, ...]:
        """Return what is open of the account's trades, oldest first."""
        rows = self._connection.exec_driver_sql(_HELD, (account.id,)).all()
        return tuple(
            HeldTrade(
                trade_id=int(number),
                venue=str(venue),
                symbol=str(symbol),
                side=Side(side),
                source=str(source),
                quantity=parse_long_decimal(quantity),
                entry_price=parse_long_decimal(price),
                opened_at=int(opened_ms),
            )
            for number, venue, symbol, side, source, quantity, price, opened_ms in rows
        )

    def pending_trades(self, account: AccountRow) -> tuple[Trade, ...]:
        """Return the account's trades that wait for their entry, oldest first."""
        query = select(TRADE).where(TRADE.c.account_id == account.id, TRADE.c.status == Status.PENDING)
        return self._values(query.order_by(TRADE.c.id), read_trade)

    def losing_streak(self, account: AccountRow, after_ms: int, until_ms: int) -> tuple[int, int | None]:
        """Return how many losses in a row the closed trades end with, and when the last of them closed."""
        count, last_ms = 0, None
        rows = self._connection.exec_driver_sql(_STREAK, (account.id, account.epoch, after_ms, until_ms))
        for realized, closed_ms in rows:
            if realized >= 0:
                break
            count += 1
            last_ms = int(closed_ms) if last_ms is None else last_ms
        rows.close()
        return count, last_ms

    def losses_of(self, account: AccountRow, symbol: str, bounds_ms: tuple[int, int], count: int) -> tuple[int, ...]:
        """Return when the newest losses of a symbol closed, at most so many, oldest first."""
        parameters = (account.id, account.epoch, *bounds_ms, symbol, count)
        rows = self._connection.exec_driver_sql(_LOSSES, parameters).all()
        return tuple(int(closed_ms) for (closed_ms,) in reversed(rows))

    def symbols_lost(self, account: AccountRow, after_ms: int, until_ms: int) -> tuple[str, ...]:
        """Return the symbols that lost."""
        rows = self._connection.exec_driver_sql(_LOST, (account.id, account.epoch, after_ms, until_ms)).all()
        return tuple(str(symbol) for (symbol,) in rows)

    def outcomes(self, account: AccountRow, until_ms: int) -> tuple[int, int]:
        """Return how many trades won and how many lost."""
        parameters = (account.id, account.epoch, -1, until_ms)
        wins, losses = self._connection.exec_driver_sql(_OUTCOMES, parameters).one()
        return int(wins), int(losses)

    def lifespans(self, account: AccountRow) -> tuple[Lifespan, ...]:
        """Return when each trade was placed and ended, and what a closed one made."""
        rows = self._connection.exec_driver_sql(_LIFESPANS, (account.id, account.epoch)).all()
        return tuple(
            Lifespan(int(placed), None if ended is None else int(ended), int(net) if status == "closed" else None)
            for placed, ended, status, net in rows
        )
