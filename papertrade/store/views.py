"""How events become rows of the views: the one projection, live, in `check` and in `rebuild` alike.

Folds events over trades with the engine's `evolve` and `postings`, collects the rows, and writes them with
one statement per table. The rule to keep: nothing flows into a view that does not come from the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from sqlalchemy import Connection, Table

from papertrade.engine.account import Book, Posting, postings
from papertrade.engine.codec import encode
from papertrade.engine.guard_events import GuardActed, GuardsReset
from papertrade.engine.market import Side
from papertrade.engine.messages import (
    AccountCreated,
    CashMoved,
    EntryFilled,
    EpochStarted,
    Event,
    ExitFilled,
    NoteAdded,
    Refused,
    SignalAdded,
    SignalCancelled,
    TrailsMoved,
)
from papertrade.engine.money import exact, plain, to_grid
from papertrade.engine.signal import Signal
from papertrade.engine.state import evolve
from papertrade.engine.trade import Status, Trade
from papertrade.engine.trails import moves_of
from papertrade.engine.values import dataclass
from papertrade.store.columns import optional_plain, units
from papertrade.store.tables import ACCOUNT, FILL, LEDGER, NOTE, SIGNAL, TRAIL_MOVE
from papertrade.store.trade_rows import (
    INSERT_TRADE,
    UPDATE_TRADE,
    UPDATE_TRAIL,
    RawRow,
    guard_row,
    has_own_trail,
    listed,
    state_row,
    trade_row,
    trail_row,
)


class InvariantBroken(AssertionError):
    """A bug of ours: something that cannot be, seen before it was committed."""


def invariant(holds: bool, what: str) -> None:
    """Stop with InvariantBroken unless `holds`; unlike `assert`, never optimised away."""
    if not holds:
        raise InvariantBroken(what)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about: numbers of an account, a trade, a signal."""

    account_id: int | None = None
    trade_id: int | None = None
    signal_id: int | None = None


def _insert(table: Table) -> str:
    names = [c.name for c in table.columns]
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


_FILL_COLUMNS: Final = [c.name for c in FILL.columns]
_INSERT_FILL: Final = (
    f"INSERT INTO fill (n, {', '.join(c for c in _FILL_COLUMNS if c != 'n')}) "
    "VALUES ((SELECT COALESCE(MAX(n), 0) + 1 FROM fill WHERE trade_id = ?), "
    f"{', '.join('?' * (len(_FILL_COLUMNS) - 1))})"
)
_STATEMENTS: Final[dict[str, str]] = {
    "account": _insert(ACCOUNT),
    "epoch": "UPDATE account SET epoch = ?, epoch_seq = ? WHERE id = ?",
    "signal": _insert(SIGNAL),
    "cancelled": "UPDATE signal SET status = 'cancelled' WHERE id = ?",
    "trade": INSERT_TRADE,
    "trade_state": UPDATE_TRADE,
    "trade_trail": UPDATE_TRAIL,
    "fill": _INSERT_FILL,
    "ledger": _insert(LEDGER),
    "trail_move": _insert(TRAIL_MOVE),
    "note": _insert(NOTE),
}
"""In the order in which they run: parents before children."""


@dataclass(slots=True)
class Moves:
    """What was posted to an account, in units by book, and how far its cash fell below where it began."""

    total: dict[Book, int] = field(default_factory=dict)
    cash_lowest: int = 0

    def add(self, book: Book, amount: int) -> None:
        """Add one posting."""
        self.total[book] = self.total.get(book, 0) + amount
        self.cash_lowest = min(self.cash_lowest, self.total.get(Book.CASH, 0))


@dataclass(slots=True)
class Projection:
    """The rows that a run of events makes: `stored` are the trades as the database has them, `trades` as they became.

    What the database has must be what the caller began with, or a write would undo another's: it is compared.
    """

    stored: dict[int, Trade]
    trades: dict[int, Trade]
    new: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    led: set[int] = field(default_factory=set)
    posted: dict[int, Moves] = field(default_factory=dict)
    rows: dict[str, list[RawRow]] = field(default_factory=lambda: {name: [] for name in _STATEMENTS})

    @classmethod
    def of(cls, trades: Mapping[int, Trade]) -> Projection:
        """Begin with the trades that the events are about."""
        return cls(dict(trades), dict(trades))

    def add(self, seq: int, effective_ms: int, event: Event) -> Subject:
        """Fold one event in. Raises ValueError for one that cannot follow, InvariantBroken for unbalanced money."""
        subject = self._view(seq, effective_ms, event)
        lines = postings(event)
        if lines and subject.account_id is not None:
            self._post(seq, subject.account_id, subject.trade_id, lines)
        return subject

    def write(self, connection: Connection) -> dict[int, Moves]:
        """Write the rows, one statement per table; returns what was posted by account, and begins anew."""
        for number in sorted(self.touched):
            trade = self.trades[number]
            _check_trade(trade)
            if number in self.new:
                self.rows["trade"].append(trade_row(trade))
            else:
                self.rows["trade_state"].append((*state_row(trade), number, *guard_row(self.stored[number])))
            self.stored[number] = trade
        for number in sorted(self.led - self.touched):
            trade = self.trades[number]
            self.rows["trade_trail"].append((*trail_row(trade), number, *trail_row(self.stored[number])))
            self.stored[number] = trade
        for name, statement in _STATEMENTS.items():
            rows = self.rows[name]
            if rows:
                written = connection.exec_driver_sql(statement, rows).rowcount
                invariant(written == len(rows), f"{len(rows)} rows of {name} were to be written, and {written} were")
                self.rows[name] = []
        posted, self.posted = self.posted, {}
        self.new.clear()
        self.touched.clear()
        self.led.clear()
        return posted

    def _view(self, seq: int, effective_ms: int, event: Event) -> Subject:
        """Collect the rows of one event, but its postings."""
        match event:
            case AccountCreated():
                row = (event.account_id, event.name, event.currency, 1, seq, effective_ms)
                self.rows["account"].append(row)
                return Subject(account_id=event.account_id)
            case EpochStarted():
                self.rows["epoch"].append((event.epoch, seq, event.account_id))
                return Subject(account_id=event.account_id)
            case CashMoved() | Refused() | GuardsReset():
                return Subject(account_id=event.account_id)
            case GuardActed():
                return Subject(account_id=event.account_id, trade_id=event.trade_id)
            case SignalAdded():
                self.rows["signal"].append(_signal_row(event.signal_id, event.signal, seq, effective_ms))
                return Subject(signal_id=event.signal_id)
            case SignalCancelled():
                self.rows["cancelled"].append((event.signal_id,))
                return Subject(signal_id=event.signal_id)
            case NoteAdded():
                self.rows["note"].append(_note_row(event, seq, effective_ms))
                return Subject(event.account_id, event.trade_id, event.signal_id)
            case TrailsMoved():
                return self._lead(event, seq)
            case _:
                before = self.trades.get(event.trade_id)
                trade = evolve(before, event)
                if before is None:
                    self.new.add(trade.id)
                self.trades[trade.id] = trade
                self.touched.add(trade.id)
                if isinstance(event, EntryFilled | ExitFilled):
                    self.rows["fill"].append(_fill_row(trade, event, seq))
                return Subject(trade.order.account_id, trade.id, trade.order.signal_id)

    def _lead(self, event: TrailsMoved, seq: int) -> Subject:
        """Move trails; an event of one trade is about it like any other, one of several is linked with each."""
        led: set[int] = set()
        for move in moves_of(event):
            before = self.trades.get(move.trade_id)
            trade = evolve(before, move)
            self.trades[trade.id] = trade
            led.add(trade.id)
            # What has several sets of exits holds its trails in their text, and so does a trail that just begins.
            is_text = not has_own_trail(trade) or not has_own_trail(self.stored.get(trade.id, trade))
            if is_text or (before is not None and before.flags != trade.flags):
                self.touched.add(trade.id)
        self.led |= led
        orders = [self.trades[number].order for number in sorted(led)]
        if len(led) == 1:
            return Subject(orders[0].account_id, led.pop(), orders[0].signal_id)
        self.rows["trail_move"] += [(number, seq) for number in sorted(led)]
        accounts = {order.account_id for order in orders}
        return Subject(account_id=accounts.pop() if len(accounts) == 1 else None)

    def _post(self, seq: int, account_id: int, trade_id: int | None, lines: Sequence[Posting]) -> None:
        total = 0
        moves = self.posted.setdefault(account_id, Moves())
        for line in lines:
            amount = units(line.amount)
            total += amount
            moves.add(line.book, amount)
            self.rows["ledger"].append((seq, line.book, account_id, trade_id, amount))
        invariant(total == 0, f"postings of event {seq} sum to {total} units instead of 0")


def _check_trade(trade: Trade) -> None:
    is_empty = trade.open_quantity == 0 and trade.reserve == 0
    match trade.status:
        case Status.OPEN:
            holds = trade.open_quantity > 0
        case Status.PENDING:
            holds = trade.open_quantity == 0
        case _:
            holds = is_empty and trade.entry_fee_left == trade.funding_left == 0
    invariant(holds and trade.reserve >= 0, f"trade {trade.id} is {trade.status} with something wrong left in it")


def _signal_row(number: int, signal: Signal, seq: int, effective_ms: int) -> RawRow:
    return (
        number,
        signal.source,
        signal.external_id,
        signal.symbol,
        signal.side,
        "stored",
        signal.made_at_ms,
        signal.expires_at_ms,
        encode(signal),
        effective_ms,
        seq,
    )


def _note_row(event: NoteAdded, seq: int, effective_ms: int) -> RawRow:
    return (
        event.note_id,
        event.account_id,
        event.trade_id,
        event.signal_id,
        event.symbol,
        event.text,
        listed(event.tags),
        optional_plain(event.confidence),
        effective_ms,
        seq,
    )


def _fill_row(trade: Trade, event: EntryFilled | ExitFilled, seq: int) -> RawRow:
    """Return a fill's row, led by the trade's number once more: `n` is counted by the statement."""
    order = trade.order
    with exact():
        notional = to_grid(event.price * event.quantity)
    is_exit = isinstance(event, ExitFilled)
    return (
        trade.id,
        seq,
        trade.id,
        order.account_id,
        "exit" if is_exit else "entry",
        "buy" if (order.side is Side.LONG) is not is_exit else "sell",
        order.side,
        order.venue,
        order.symbol,
        plain(event.quantity),
        plain(event.price),
        plain(event.cause.raw_price),
        optional_plain(event.cause.level),
        units(notional),
        plain(event.fee_rate),
        units(event.fee),
        units(event.slippage),
        units(event.gross) if isinstance(event, ExitFilled) else None,
        units(event.realized) if isinstance(event, ExitFilled) else None,
        event.liquidity,
        event.reason if isinstance(event, ExitFilled) else None,
        event.cause.rule,
        int(event.is_ambiguous) if isinstance(event, ExitFilled) else 0,
        listed(event.flags),
        event.at_ms,
        units(event.funding_share) if isinstance(event, ExitFilled) else None,
    )
