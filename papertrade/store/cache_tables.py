"""The tables that are no function of the journal: what is known of the market, of runs, of deliveries.

Their names begin with what they hold (docs/semantics.md, section 1, Journal). The rule to keep: no money,
no trade and no signal lives only here; losing a cache costs time, never a number.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from papertrade.store.columns import DecimalText
from papertrade.store.tables import Stored, table_of

_STRICT: Final = {"sqlite_strict": True}
_STRICT_KEYED: Final = {"sqlite_strict": True, "sqlite_with_rowid": False}


class InstrumentTable(Stored, table=True):
    """What a venue said of an instrument; `content` is the engine's Instrument."""

    __tablename__ = "instrument"
    __table_args__ = (_STRICT_KEYED,)

    venue: str = Field(primary_key=True, sa_type=Text)
    symbol: str = Field(primary_key=True, sa_type=Text)
    content: str = Field(sa_type=Text)
    fetched_ms: int


class WatermarkTable(Stored, table=True):
    """The end and the close of the last final candle processed of an instrument."""

    __tablename__ = "watermark"
    __table_args__ = (_STRICT_KEYED,)

    venue: str = Field(primary_key=True, sa_type=Text)
    symbol: str = Field(primary_key=True, sa_type=Text)
    end_ms: int
    close: Decimal = Field(sa_type=DecimalText)


class WatermarkAsideTable(Stored, table=True):
    """Trades that broke and are caught up from their own mark."""

    __tablename__ = "watermark_aside"
    __table_args__ = (_STRICT,)

    trade_id: int = Field(primary_key=True)
    from_ms: int
    error: str = Field(sa_type=Text)
    ticks: int


class QuoteTable(Stored, table=True):
    """The last quote seen of an instrument."""

    __tablename__ = "quote"
    __table_args__ = (_STRICT_KEYED,)

    venue: str = Field(primary_key=True, sa_type=Text)
    symbol: str = Field(primary_key=True, sa_type=Text)
    last: Decimal = Field(sa_type=DecimalText)
    bid: Decimal | None = Field(sa_type=DecimalText)
    ask: Decimal | None = Field(sa_type=DecimalText)
    at_ms: int


class PriceTable(Stored, table=True):
    """Prices that equity is computed from: closes at full hours, the market at fills."""

    __tablename__ = "price"
    __table_args__ = (_STRICT_KEYED,)

    venue: str = Field(primary_key=True, sa_type=Text)
    symbol: str = Field(primary_key=True, sa_type=Text)
    at_ms: int = Field(primary_key=True)
    price: Decimal = Field(sa_type=DecimalText)


class CoverageTable(Stored, table=True):
    """Stretches without candles."""

    __tablename__ = "coverage"
    __table_args__ = (CheckConstraint("kind IN ('hole', 'blind')", name="kind_known"), _STRICT_KEYED)

    venue: str = Field(primary_key=True, sa_type=Text)
    symbol: str = Field(primary_key=True, sa_type=Text)
    from_ms: int = Field(primary_key=True)
    to_ms: int
    kind: str = Field(sa_type=Text)
    is_bridged: int


class CandleLookTable(Stored, table=True):
    """The final candles that one tick went through, as JSON by symbol; folded into hours after a while."""

    __tablename__ = "candle_look"
    __table_args__ = (_STRICT,)

    id: int = Field(primary_key=True)
    venue: str = Field(sa_type=Text)
    content: str = Field(sa_type=Text)


class CandleHourTable(Stored, table=True):
    """What the final candles of an hour reached; `candles` are JSON, kept where the single ones matter."""

    __tablename__ = "candle_hour"
    __table_args__ = (_STRICT_KEYED,)

    venue: str = Field(primary_key=True, sa_type=Text)
    symbol: str = Field(primary_key=True, sa_type=Text)
    hour_ms: int = Field(primary_key=True)
    first_ms: int
    end_ms: int
    seen_ms: int
    low: Decimal = Field(sa_type=DecimalText)
    high: Decimal = Field(sa_type=DecimalText)
    candles: str | None = Field(sa_type=Text)


class CursorTable(Stored, table=True):
    """How far a reader of the journal has come."""

    __tablename__ = "cursor"
    __table_args__ = (_STRICT_KEYED,)

    name: str = Field(primary_key=True, sa_type=Text)
    seq: int


class DeliveryTable(Stored, table=True):
    """Notifications, sent and waiting."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("target", "event_seq", name="one_delivery"),
        Index("delivery_waiting", "next_ms", sqlite_where=text("delivered_ms IS NULL")),
        _STRICT,
    )

    id: int = Field(primary_key=True)
    target: str = Field(sa_type=Text)
    event_seq: int
    attempts: int
    last_error: str = Field(sa_type=Text)
    delivered_ms: int | None
    next_ms: int


class VenueTable(Stored, table=True):
    """Bans, clock offsets and failures of a venue."""

    __tablename__ = "venue"
    __table_args__ = (_STRICT_KEYED,)

    venue: str = Field(primary_key=True, sa_type=Text)
    closed_until_ms: int | None
    closed_reason: str = Field(sa_type=Text)
    clock_offset_ms: int | None
    measured_ms: int | None
    failures: int
    last_error: str = Field(sa_type=Text)


class VenueSymbolTable(Stored, table=True):
    """Symbols that could not be priced, ticks in a row."""

    __tablename__ = "venue_symbol"
    __table_args__ = (_STRICT_KEYED,)

    venue: str = Field(primary_key=True, sa_type=Text)
    symbol: str = Field(primary_key=True, sa_type=Text)
    failures: int
    last_error: str = Field(sa_type=Text)
    since_ms: int


class RunTable(Stored, table=True):
    """Drives of the engine and their heartbeat."""

    __tablename__ = "run"
    __table_args__ = (Index("run_started", "kind", "started_ms"), _STRICT_KEYED)

    id: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    pid: int
    started_ms: int
    ended_ms: int | None
    last_tick_ms: int | None
    next_tick_ms: int | None
    ticks: int
    skipped: int
    failed: int
    stop_requested: str | None = Field(sa_type=Text)
    note: str = Field(sa_type=Text)


class RunSavedTable(Stored, table=True):
    """Saved backtests; `content` is the engine's SavedRun, `figures` those that a list shows."""

    __tablename__ = "run_saved"
    __table_args__ = (UniqueConstraint("name", name="one_run_of_a_name"), _STRICT)

    id: int = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    made_ms: int
    version: str = Field(sa_type=Text)
    trades: int
    figures: str = Field(sa_type=Text)
    content: str = Field(sa_type=Text)


class SettingTable(Stored, table=True):
    """Choices that belong to the database, such as the default account."""

    __tablename__ = "setting"
    __table_args__ = (_STRICT_KEYED,)

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)


class MigrationTable(Stored, table=True):
    """Which schema versions this file has had, and since when."""

    __tablename__ = "migration"
    __table_args__ = (_STRICT,)

    version: int = Field(primary_key=True)
    at_ms: int


INSTRUMENT: Final = table_of(InstrumentTable)
WATERMARK: Final = table_of(WatermarkTable)
WATERMARK_ASIDE: Final = table_of(WatermarkAsideTable)
QUOTE: Final = table_of(QuoteTable)
PRICE: Final = table_of(PriceTable)
COVERAGE: Final = table_of(CoverageTable)
CURSOR: Final = table_of(CursorTable)
DELIVERY: Final = table_of(DeliveryTable)
VENUE: Final = table_of(VenueTable)
VENUE_SYMBOL: Final = table_of(VenueSymbolTable)
RUN: Final = table_of(RunTable)
RUN_SAVED: Final = table_of(RunSavedTable)
SETTING: Final = table_of(SettingTable)
MIGRATION: Final = table_of(MigrationTable)
