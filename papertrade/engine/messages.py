"""Everything that can happen, as values: the events of the journal, and the refusal that is none of them.

An event states what happened with every number that follows from it, so that the views (`state.py`) and
the postings (`account.py`) are functions of events alone. Adding a field needs a default: old journals
are read for ever. The rule to keep: an event is named in the past tense and never holds a float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from papertrade.engine.guard_events import GuardActed, GuardsReset
from papertrade.engine.later import LATER
from papertrade.engine.market import Candle, Quote
from papertrade.engine.money import ZERO, exact
from papertrade.engine.order_book import BookLevel
from papertrade.engine.signal import Signal
from papertrade.engine.trade import ExitReason, Flag, Order, Ruling, Status
from papertrade.engine.values import dataclass


class Liquidity(StrEnum):
    """Whether a fill waited in the book (maker) or took from it (taker)."""

    MAKER = "maker"
    TAKER = "taker"


MAKER: Final = Liquidity.MAKER
TAKER: Final = Liquidity.TAKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a fill happened and at which price: the rule (section of docs/semantics.md) and what was seen.

    `raw_price` is the level or the market's price before slippage (`slippage` a unit, never negative) and
    before rounding to the step. Exactly one of candle and quote is set, none for a price named by the user.
    `walked` are the levels of the order book that the fill took, where it walked one: `raw_price` is the best.
    `limit` is what a limit order that fills at once pays at worst, whatever slippage says.
    """

    rule: str
    raw_price: Decimal
    level: Decimal | None = None
    candle: Candle | None = None
    quote: Quote | None = None
    walked: tuple[BookLevel, ...] = field(default=(), metadata=LATER)
    limit: Decimal | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCreated:
    """An account began to exist, without money."""

    account_id: int
    name: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMoved:
    """A deposit (amount above 0) or a withdrawal (below 0)."""

    account_id: int
    amount: Decimal
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochStarted:
    """The account was reset: what follows counts anew, what came before stays readable."""

    account_id: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalAdded:
    """A signal was stored."""

    signal_id: int
    signal: Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCancelled:
    """A signal will not be traded any more by `open --new`."""

    signal_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePlaced:
    """A limit or stop entry began to wait; `reserve` and `fee` (at the taker rate) are tied up."""

    trade_id: int
    order: Order
    reserve: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilled:
    """A trade was entered; `order` is set when it did not wait before.

    `released` is what a waiting trade had tied up and the fill did not need. `applied_to` is the end of the
    candle, or the instant of the quote, that filled it; None when a command did.
    """

    trade_id: int
    order: Order | None
    quantity: Decimal
    price: Decimal
    liquidity: Liquidity
    fee_rate: Decimal
    fee: Decimal
    slippage: Decimal
    reserve: Decimal
    released: Decimal
    rulings: tuple[Ruling, ...]
    liquidation_price: Decimal | None
    cause: Cause
    at_ms: int
    applied_to: int | None = None
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitFilled:
    """A part of a trade, or all that was left (`is_final`), was closed.

    `gross` is before fees and never below `fee − reserve_released`; `realized` = gross − fee − entry_fee_share −
    funding_share, which is this part of what holding the trade has cost. `target` is the price of the target taken,
    `why` what a person said who closed it by hand. Such a person asked for a `fraction` of what was open, or for a
    quantity (`asked`: what a plain sell order still wanted); both are None in older journals.
    """

    trade_id: int
    quantity: Decimal
    price: Decimal
    reason: ExitReason
    liquidity: Liquidity
    fee_rate: Decimal
    fee: Decimal
    slippage: Decimal
    gross: Decimal
    reserve_released: Decimal
    entry_fee_share: Decimal
    realized: Decimal
    is_final: bool
    cause: Cause
    at_ms: int
    target: Decimal | None = None
    is_ambiguous: bool = False
    applied_to: int | None = None
    flags: tuple[Flag, ...] = ()
    funding_share: Decimal = field(default=ZERO, metadata=LATER)
    why: str = field(default="", metadata=LATER)
    fraction: Decimal | None = field(default=None, metadata=LATER)
    asked: Decimal | None = field(default=None, metadata=LATER)


class CostKind(StrEnum):
    """What holding a trade costs: funding at its instants, interest on what is borrowed."""

    FUNDING = "funding"
    BORROW = "borrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostCharged:
    """Holding a trade cost `amount`, taken from its reserve, or brought it (below 0), given to free cash.

    `owed` is notional · rate (of interest: for `from_ms` to `to_ms` out of a year), rounded up at 1e-8; no more than
    the reserve is taken. `notional` is that of `quantity` at `price`, of interest the part that is borrowed. Funding
    is for the instant `to_ms`. `liquidation_price` is that of the reserve then left.
    """

    trade_id: int
    kind: CostKind
    amount: Decimal
    owed: Decimal
    rate: Decimal
    quantity: Decimal
    price: Decimal
    notional: Decimal
    from_ms: int
    to_ms: int
    liquidation_price: Decimal | None
    cause: Cause
    at_ms: int
    applied_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMoved:
    """The rule moved a stop: a better price led a trail or reached a break-even, or the first target was taken.

    All is as it is afterwards: `stop` and `reason` of the stop in force, `peak` and `trail_stop` of a trail that
    has begun, whether the break-even stands, whether this is the move after the first target. `from_ms` is the
    open of the candle, or the instant of the quote, whose exits these are; `cause.raw_price` is the better price.
    """

    trade_id: int
    stop: Decimal
    reason: ExitReason
    peak: Decimal | None
    trail_stop: Decimal | None
    is_even: bool
    is_after_first: bool
    from_ms: int
    cause: Cause
    at_ms: int
    applied_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailLed:
    """One trade whose trail a new peak led to `trail_stop`.

    `stop` is the stop in force where that is another one, `reason` what it ends for; `is_even` says whether a
    break-even stands beside it.
    """

    trade_id: int
    trail_stop: Decimal
    stop: Decimal | None = field(default=None, metadata=LATER)
    reason: ExitReason = field(default=ExitReason.TRAILING_STOP, metadata=LATER)
    is_even: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPeak:
    """A better price, the candle or quote that showed it, and the trades whose trails it led."""

    price: Decimal
    led: tuple[TrailLed, ...]
    candle: Candle | None = field(default=None, metadata=LATER)
    quote: Quote | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailsMoved:
    """New peaks of an instrument led the trails of its trades: the `StopMoved` of many trades in one (`trails.py`)."""

    venue: str
    symbol: str
    peaks: tuple[NewPeak, ...]
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeEnded:
    """A waiting trade ended without an entry: cancelled, expired or rejected; `released` is free again.

    `cause` is what the market showed, None where it was ended by hand (and in older journals).
    """

    trade_id: int
    status: Status
    released: Decimal
    why: str
    at_ms: int
    applied_to: int | None = None
    flags: tuple[Flag, ...] = field(default=(), metadata=LATER)
    cause: Cause | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeVoided:
    """A trade was taken back as if it had never been; what it had posted so far is posted the other way round.

    `reserve` is what it still tied up, `fees`, `gross` and `funding` what it had paid and gained by then.
    """

    trade_id: int
    reserve: Decimal
    fees: Decimal
    gross: Decimal
    reason: str
    at_ms: int
    funding: Decimal = field(default=ZERO, metadata=LATER)

    @property
    def cash_back(self) -> Decimal:
        """What returns to free cash; below 0 where the trade had gained more than it tied up and paid."""
        with exact():
            return self.reserve + self.fees + self.funding - self.gross


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsChanged:
    """The exits of a live trade were changed by hand; they rule from `ruling.from_ms` on."""

    trade_id: int
    ruling: Ruling
    at_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFlagged:
    """A trade got marks that its reader must know."""

    trade_id: int
    flags: tuple[Flag, ...]
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsChanged:
    """The tags of a trade are now these, sorted."""

    trade_id: int
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded:
    """Somebody wrote something down, on a trade, a signal, a symbol or on nothing in particular."""

    note_id: int
    account_id: int
    text: str
    trade_id: int | None = None
    signal_id: int | None = None
    symbol: str | None = None
    tags: tuple[str, ...] = ()
    confidence: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A rule said no to opening a trade; nothing else changed."""

    account_id: int
    code: str
    message: str
    symbol: str
    side: str
    signal_key: str


TradeEvent: TypeAlias = (
    TradePlaced
    | EntryFilled
    | ExitFilled
    | CostCharged
    | StopMoved
    | TradeEnded
    | TradeVoided
    | LevelsChanged
    | TradeFlagged
    | TagsChanged
)
Event: TypeAlias = (
    AccountCreated
    | CashMoved
    | EpochStarted
    | SignalAdded
    | SignalCancelled
    | TradeEvent
    | TrailsMoved
    | NoteAdded
    | Refused
    | GuardActed
    | GuardsReset
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule's no, with the numbers that would have been enough (decimals as strings in `details`)."""

    code: str
    message: str
    hint: str | None = None
    details: Mapping[str, str | int | None] = field(default_factory=dict)


def effective_ms(event: TradeEvent, otherwise: int = 0) -> int:
    """Return when a trade's event happened by the venue's clock; `otherwise` for one that carries no time."""
    match event:
        case TradePlaced():
            return event.order.placed_at
        case TagsChanged():
            return otherwise
        case _:
            return event.at_ms
