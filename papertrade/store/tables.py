"""The tables of the journal and of its views, as SQLModel classes: names, types, keys and checks.

`event` is the truth. `account`, `signal`, `trade`, `fill`, `ledger`, `trail_move` and `note` are functions of its
rows and of nothing else; what is no function of events belongs into `cache_tables.py`. The rule to keep: a changed
table is a new migration, and its triggers stand in `schema.py`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sqlalchemy import REAL, CheckConstraint, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from papertrade.engine.account import Book
from papertrade.engine.market import Side
from papertrade.engine.messages import Liquidity
from papertrade.engine.signal import EntryType
from papertrade.engine.trade import ExitReason, Status
from papertrade.store.columns import DecimalText, MoneyUnits

LIVE: Final = "status IN ('pending', 'open')"
"""The condition of the partial indexes, and of every query that wants to use them."""

QUOTED: Final = f"""{LIVE} AND instr(terms, '"decides":"quotes"') > 0"""
"""The condition of the index of live trades that quotes decide, as the codec writes their convention."""


class Stored(SQLModel, registry=registry()):
    """The base of every table; its metadata is the whole schema."""


def table_of(model: type[Stored]) -> Table:
    """Return the Core table of a table class."""
    return Stored.metadata.tables[str(model.__tablename__)]


def one_of(column: str, values: type[Book | Side | Liquidity | EntryType | ExitReason | Status]) -> CheckConstraint:
    """Check that a column holds one of the values of an enumeration."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(v)) for v in values)})", name=f"{column}_known")


def is_decimal(*columns: str) -> list[CheckConstraint]:
    """Check that columns look like plain positive decimals, without exponent and sign."""
    return [CheckConstraint(f"{c} GLOB '[0-9]*' AND {c} NOT GLOB '*[^0-9.]*'", name=f"{c}_is_decimal") for c in columns]


class EventTable(Stored, table=True):
    """The journal. `hash` covers every other column; `body` is the event in the engine's codec."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_of_trade", "trade_id", "seq", sqlite_where=text("trade_id IS NOT NULL")),
        CheckConstraint("length(hash) = 64", name="hash_is_sha256"),
        {"sqlite_strict": True},
    )

    seq: int = Field(primary_key=True)
    recorded_ms: int
    wall_ms: int
    effective_ms: int
    run_id: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    account_id: int | None
    trade_id: int | None
    signal_id: int | None
    body: str = Field(sa_type=Text)
    prev: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text)


class AccountTable(Stored, table=True):
    """The accounts; their money is a sum over the ledger."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 64", name="name_length"),
        CheckConstraint("epoch >= 1", name="epoch_positive"),
        {"sqlite_strict": True},
    )

    id: int = Field(primary_key=True)
    name: str = Field(sa_type=Text, unique=True)
    currency: str = Field(sa_type=Text)
    epoch: int
    epoch_seq: int = Field(foreign_key="event.seq")
    created_ms: int


class SignalTable(Stored, table=True):
    """The signals; `content` is the engine's Signal, the other columns serve to find it."""

    __tablename__ = "signal"
    __table_args__ = (
        UniqueConstraint("source", "external_id", name="one_signal"),
        CheckConstraint("status IN ('stored', 'cancelled')", name="status_known"),
        {"sqlite_strict": True},
    )

    id: int = Field(primary_key=True)
    source: str = Field(sa_type=Text)
    external_id: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    side: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    made_ms: int
    expires_ms: int | None
    content: str = Field(sa_type=Text)
    added_ms: int
    event_seq: int = Field(foreign_key="event.seq")


class TradeTable(Stored, table=True):
    """The trades, flattened: the order (never changes), the state, and the hints of the live finder.

    `exits`, `terms`, `rulings`, `tags` and `flags` are JSON of the engine's codec.
    """

    __tablename__ = "trade"
    __table_args__ = (
        Index("one_live_trade", "account_id", "signal_id", unique=True, sqlite_where=text(LIVE)),
        Index("live_below", "venue", "symbol", "armed_below", sqlite_where=text(LIVE)),
        Index("live_above", "venue", "symbol", "armed_above", sqlite_where=text(LIVE)),
        Index("live_at", "venue", "symbol", "armed_at", sqlite_where=text(LIVE)),
        Index("live_quoted", "venue", "symbol", sqlite_where=text(QUOTED)),
        Index("trade_of_account", "account_id", "status"),
        Index("trade_of_signal", "signal_id"),
        Index("void_trade", "account_id", "id", sqlite_where=text("is_void = 1")),
        one_of("status", Status),
        one_of("side", Side),
        one_of("entry_type", EntryType),
        one_of("exit_reason", ExitReason),
        *is_decimal("order_quantity", "quantity", "open_quantity", "order_price", "entry_price"),
        *is_decimal("initial_stop", "liquidation_price", "exit_value", "trail_peak", "trail_stop"),
        CheckConstraint("(status IN ('pending', 'open')) = (closed_ms IS NULL)", name="ended_has_time"),
        CheckConstraint("(status = 'closed') = (exit_reason IS NOT NULL)", name="closed_has_reason"),
        CheckConstraint("(entry_price IS NULL) = (opened_ms IS NULL)", name="entered_has_time"),
        CheckConstraint("status NOT IN ('open', 'closed') OR opened_ms IS NOT NULL", name="open_was_entered"),
        CheckConstraint("(status = 'open') = (open_quantity <> '0')", name="open_has_quantity"),
        CheckConstraint("reserve_u >= 0 AND (reserve_u = 0 OR status IN ('pending', 'open'))", name="reserve_is_live"),
        CheckConstraint("fees_u >= 0 AND entry_fee_u >= 0 AND slippage_u >= 0", name="costs_not_negative"),
        CheckConstraint("is_ambiguous IN (0, 1)", name="ambiguous_is_boolean"),
        CheckConstraint("is_void IN (0, 1) AND (is_void = 0 OR realized_u = 0 AND fees_u = 0)", name="void_is_nothing"),
        {"sqlite_strict": True},
    )

    id: int = Field(primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    epoch: int
    signal_id: int = Field(foreign_key="signal.id")
    signal_key: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    venue: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    side: str = Field(sa_type=Text)
    entry_type: str = Field(sa_type=Text)
    order_price: Decimal | None = Field(sa_type=DecimalText)
    order_quantity: Decimal = Field(sa_type=DecimalText)
    exits: str = Field(sa_type=Text)
    terms: str = Field(sa_type=Text)
    placed_ms: int
    order_whole_from_ms: int
    expires_ms: int | None
    confidence: Decimal | None = Field(sa_type=DecimalText)
    reason: str = Field(sa_type=Text)
    order_tags: str = Field(sa_type=Text)
    order_flags: str = Field(sa_type=Text)

    status: str = Field(sa_type=Text)
    quantity: Decimal = Field(sa_type=DecimalText)
    open_quantity: Decimal = Field(sa_type=DecimalText)
    reserve_u: Decimal = Field(sa_type=MoneyUnits)
    rulings: str = Field(sa_type=Text)
    applied_to_ms: int
    whole_from_ms: int
    tags: str = Field(sa_type=Text)
    flags: str = Field(sa_type=Text)
    entry_price: Decimal | None = Field(sa_type=DecimalText)
    opened_ms: int | None
    initial_stop: Decimal | None = Field(sa_type=DecimalText)
    liquidation_price: Decimal | None = Field(sa_type=DecimalText)
    entry_fee_u: Decimal = Field(sa_type=MoneyUnits)
    entry_fee_left_u: Decimal = Field(sa_type=MoneyUnits)
    fees_u: Decimal = Field(sa_type=MoneyUnits)
    slippage_u: Decimal = Field(sa_type=MoneyUnits)
    gross_u: Decimal = Field(sa_type=MoneyUnits)
    realized_u: Decimal = Field(sa_type=MoneyUnits)
    exit_value: Decimal = Field(sa_type=DecimalText)
    exit_reason: str | None = Field(sa_type=Text)
    closed_ms: int | None
    is_ambiguous: int
    is_void: int
    armed_below: float | None = Field(sa_type=REAL)
    armed_above: float | None = Field(sa_type=REAL)
    armed_at: int | None
    trail_peak: Decimal | None = Field(sa_type=DecimalText)
    trail_stop: Decimal | None = Field(sa_type=DecimalText)
    funding_u: Decimal = Field(sa_type=MoneyUnits)
    borrow_cost_u: Decimal = Field(sa_type=MoneyUnits)
    funding_left_u: Decimal = Field(sa_type=MoneyUnits)
    funded_to_ms: int | None
    borrowed_to_ms: int | None


class TrailMoveTable(Stored, table=True):
    """Which events that a trade shares with others moved its trail."""

    __tablename__ = "trail_move"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    trade_id: int = Field(primary_key=True, foreign_key="trade.id")
    event_seq: int = Field(primary_key=True, foreign_key="event.seq")


class FillTable(Stored, table=True):
    """Every execution: one row per filled entry or exit, the n-th of its trade."""

    __tablename__ = "fill"
    __table_args__ = (
        UniqueConstraint("trade_id", "n", name="fill_of_trade"),
        CheckConstraint("leg IN ('entry', 'exit')", name="leg_known"),
        CheckConstraint("side IN ('buy', 'sell')", name="side_known"),
        one_of("liquidity", Liquidity),
        one_of("reason", ExitReason),
        *is_decimal("quantity", "price", "raw_price", "level", "fee_rate"),
        CheckConstraint("fee_u >= 0 AND notional_u >= 0 AND slippage_u >= 0", name="costs_not_negative"),
        CheckConstraint(
            "(leg = 'exit') = (reason IS NOT NULL) AND (leg = 'exit') = (gross_u IS NOT NULL) "
            "AND (leg = 'exit') = (realized_u IS NOT NULL) AND (leg = 'exit') = (funding_u IS NOT NULL)",
            name="exit_has_result",
        ),
        {"sqlite_strict": True},
    )

    event_seq: int = Field(primary_key=True, foreign_key="event.seq")
    trade_id: int = Field(foreign_key="trade.id")
    account_id: int = Field(foreign_key="account.id")
    n: int
    leg: str = Field(sa_type=Text)
    side: str = Field(sa_type=Text)
    trade_side: str = Field(sa_type=Text)
    venue: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    quantity: Decimal = Field(sa_type=DecimalText)
    price: Decimal = Field(sa_type=DecimalText)
    raw_price: Decimal = Field(sa_type=DecimalText)
    level: Decimal | None = Field(sa_type=DecimalText)
    notional_u: Decimal = Field(sa_type=MoneyUnits)
    fee_rate: Decimal = Field(sa_type=DecimalText)
    fee_u: Decimal = Field(sa_type=MoneyUnits)
    slippage_u: Decimal = Field(sa_type=MoneyUnits)
    gross_u: Decimal | None = Field(sa_type=MoneyUnits)
    realized_u: Decimal | None = Field(sa_type=MoneyUnits)
    liquidity: str = Field(sa_type=Text)
    reason: str | None = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    is_ambiguous: int
    flags: str = Field(sa_type=Text)
    at_ms: int
    funding_u: Decimal | None = Field(sa_type=MoneyUnits)


class LedgerTable(Stored, table=True):
    """The postings: each event's sum to zero, cash is the sum of its book."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("ledger_of_book", "account_id", "book", "event_seq", "amount_u"),
        one_of("book", Book),
        CheckConstraint("amount_u <> 0", name="amount_not_zero"),
        {"sqlite_strict": True, "sqlite_with_rowid": False},
    )

    event_seq: int = Field(primary_key=True, foreign_key="event.seq")
    book: str = Field(primary_key=True, sa_type=Text)
    account_id: int = Field(foreign_key="account.id")
    trade_id: int | None = Field(foreign_key="trade.id")
    amount_u: Decimal = Field(sa_type=MoneyUnits)


class NoteTable(Stored, table=True):
    """What people wrote down; never changes a number."""

    __tablename__ = "note"
    __table_args__ = ({"sqlite_strict": True},)

    id: int = Field(primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    trade_id: int | None = Field(foreign_key="trade.id")
    signal_id: int | None = Field(foreign_key="signal.id")
    symbol: str | None = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    tags: str = Field(sa_type=Text)
    confidence: Decimal | None = Field(sa_type=DecimalText)
    at_ms: int
    event_seq: int = Field(foreign_key="event.seq")


EVENT: Final = table_of(EventTable)
ACCOUNT: Final = table_of(AccountTable)
SIGNAL: Final = table_of(SignalTable)
TRADE: Final = table_of(TradeTable)
FILL: Final = table_of(FillTable)
LEDGER: Final = table_of(LedgerTable)
TRAIL_MOVE: Final = table_of(TrailMoveTable)
NOTE: Final = table_of(NoteTable)

VIEWS: Final = (ACCOUNT, SIGNAL, TRADE, FILL, LEDGER, TRAIL_MOVE, NOTE)
"""What can be rebuilt from the journal, parents first."""
