"""What the store hands out and takes in, as values: what is stored but is no value of the engine.

No table class and no connection leaves the room; these do. Times are integer UTC milliseconds, money and
prices are exact decimals. The rule to keep: plain values, no behaviour that needs a database.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from papertrade.engine.account import Book
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Quote, Side
from papertrade.engine.messages import Event, Liquidity
from papertrade.engine.signal import Signal
from papertrade.engine.trade import ExitReason, Flag, Status, Trade
from papertrade.engine.values import dataclass

# -- the journal and its views -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event to be recorded, and when it happened by the venue's clock (which may lie in the past)."""

    event: Event
    effective_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One event of the journal. `recorded_ms` never decreases; `wall_ms` is what the local clock said."""

    seq: int
    recorded_ms: int
    wall_ms: int
    effective_ms: int
    run_id: str
    kind: str
    account_id: int | None
    trade_id: int | None
    signal_id: int | None
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events to list; what is None or empty does not restrict.

    `since_ms` and `until_ms` (not included) hold for when an event was recorded. With `last` only that many
    of the newest come, with `limit` only that many of the oldest; in the order of the journal always.
    """

    after_seq: int = 0
    account_id: int | None = None
    trade_id: int | None = None
    signal_id: int | None = None
    kinds: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account without its money; `epoch_seq` is the event that began its present epoch."""

    id: int
    name: str
    currency: str
    epoch: int
    epoch_seq: int
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A stored signal."""

    id: int
    signal: Signal
    is_cancelled: bool
    added_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRow:
    """One fill: leg `entry` or `exit`, the n-th of its trade.

    `slippage` is money; `gross`, `funding`, `realized` and `reason` are None for entries. `level` is the price that
    was touched, `raw_price` the price before slippage and rounding.
    """

    event_seq: int
    trade_id: int
    account_id: int
    n: int
    leg: str
    is_buy: bool
    venue: str
    symbol: str
    trade_side: Side
    quantity: Decimal
    price: Decimal
    raw_price: Decimal
    level: Decimal | None
    notional: Decimal
    fee_rate: Decimal
    fee: Decimal
    slippage: Decimal
    gross: Decimal | None
    realized: Decimal | None
    liquidity: Liquidity
    reason: ExitReason | None
    rule: str
    is_ambiguous: bool
    flags: tuple[Flag, ...]
    at_ms: int
    funding: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One posting with the times of its event."""

    event_seq: int
    account_id: int
    trade_id: int | None
    book: Book
    amount: Decimal
    kind: str
    effective_ms: int
    recorded_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """Something that somebody wrote down."""

    id: int
    account_id: int
    text: str
    trade_id: int | None
    signal_id: int | None
    symbol: str | None
    tags: tuple[str, ...]
    confidence: Decimal | None
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFilter:
    """Which trades to list; what is None or empty does not restrict.

    `exit_reasons` match any fill of a trade. With `or_void` trades that were taken back match whatever their status,
    and without `statuses` only they do. `since_ms` and `until_ms` (not included) hold for when the trade
    closed, or else opened, or else was placed. `before` is a trade number: only older ones.
    """

    account_id: int | None = None
    epoch: int | None = None
    statuses: tuple[Status, ...] = ()
    exit_reasons: tuple[ExitReason, ...] = ()
    or_void: bool = False
    symbol: str | None = None
    source: str | None = None
    tag: str | None = None
    side: Side | None = None
    signal_id: int | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    before: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class TradePage:
    """Trades, newest first, and how many the filter matches without `limit` and `before`."""

    trades: tuple[Trade, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFilter:
    """Which signals to list; what is None does not restrict. `before` is a signal number."""

    source: str | None = None
    symbol: str | None = None
    is_cancelled: bool | None = None
    before: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class SignalPage:
    """Signals, newest first, and how many the filter matches without `limit` and `before`."""

    signals: tuple[SignalRow, ...]
    total: int


# -- what is known of the market (caches) --------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a tick saw of one instrument: the extremes of all candles, and the last one's open time."""

    venue: str
    symbol: str
    low: Decimal
    high: Decimal
    last_open_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far an instrument has been processed: the end of the last final candle, and its close."""

    venue: str
    symbol: str
    end_ms: int
    close: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A trade that broke: candles from `from_ms` on still have to reach it. `ticks` counts failures in a row."""

    trade_id: int
    from_ms: int
    error: str
    ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveInstrument:
    """An instrument with live trades; `watermark` is None before its first candle."""

    venue: str
    symbol: str
    instrument: Instrument | None
    watermark: Watermark | None
    set_aside: tuple[SetAside, ...]


@dataclass(frozen=True, slots=True)
class StoredInstrument:
    """What a venue said of an instrument, and when."""

    instrument: Instrument
    fetched_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQuote:
    """The last quote seen of an instrument."""

    venue: str
    symbol: str
    quote: Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePoint:
    """A price that equity is computed from: a close at a full hour, or the market at a fill."""

    venue: str
    symbol: str
    at_ms: int
    price: Decimal


class CoverageKind(StrEnum):
    """Why a stretch has no candles: the venue left a hole, or has none at all (blind)."""

    HOLE = "hole"
    BLIND = "blind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A stretch of time without candles; bridged once they turned up before quotes decided anything."""

    venue: str
    symbol: str
    from_ms: int
    to_ms: int
    kind: CoverageKind
    is_bridged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueState:
    """What we know of a venue between processes: a ban, its clock, failures in a row."""

    venue: str
    closed_until_ms: int | None = None
    closed_reason: str = ""
    clock_offset_ms: int | None = None
    measured_ms: int | None = None
    failures: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFailures:
    """A symbol that could not be priced, how many ticks in a row, and since when."""

    venue: str
    symbol: str
    failures: int
    last_error: str
    since_ms: int


# -- runs, the outbox, settings (caches) ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One drive of the engine. `ended_ms` is None while it runs, or if it was killed."""

    id: str
    kind: str
    pid: int
    started_ms: int
    ended_ms: int | None = None
    last_tick_ms: int | None = None
    next_tick_ms: int | None = None
    ticks: int = 0
    skipped: int = 0
    failed: int = 0
    stop_requested: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A notification to be sent: one event for one target."""

    target: str
    event_seq: int
    next_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A notification: waiting while `delivered_ms` is None, and not tried again before `next_ms`."""

    id: int
    target: str
    event_seq: int
    attempts: int
    last_error: str
    delivered_ms: int | None
    next_ms: int


# -- check, backup -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """Two things that must agree and do not: which rule, which record, what was expected, what is there."""

    invariant: str
    record: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.record}: expected {self.expected}, found {self.actual}"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check` found; sound if there are no differences."""

    differences: tuple[Difference, ...]
    events: int
    trades: int
    postings: int

    @property
    def is_sound(self) -> bool:
        """Whether everything agrees."""
        return not self.differences
