"""The arithmetic behind each fill of a trade, taken apart: rule, what was seen, price, fee, gross, shares, net.

Works from the events of the journal, so what is explained is what was booked. The rule to keep: every number of a
fill can be computed again from the numbers beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from papertrade.engine.carry import YEAR_MS
from papertrade.engine.fills import filled_price
from papertrade.engine.guard_events import GuardActed
from papertrade.engine.market import Side
from papertrade.engine.messages import (
    Cause,
    CostCharged,
    CostKind,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    Liquidity,
    Refused,
    StopMoved,
    TradeEnded,
    TradeEvent,
    TradePlaced,
    TradeVoided,
)
from papertrade.engine.money import ONE, exact, to_grid
from papertrade.engine.signal import EntryType
from papertrade.engine.state import evolve, levels_at
from papertrade.engine.trade import ExitReason, Flag, Levels, Status, Trade
from papertrade.engine.values import dataclass
from papertrade.reports.explain_part import Part, explain_part
from papertrade.reports.explain_price import Charged, Priced, charged_of, price_jumped_to, priced_of
from papertrade.reports.explain_stops import StopExplained, explain_stop


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event of one trade as the journal has it: its number, and when it was recorded (UTC ms)."""

    seq: int
    recorded_ms: int
    event: TradeEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryExplained:
    """An entry. `tied_up` is what it waited with and `released` what of that it did not need, None without waiting.

    `price_seen` is the one that the market had jumped to, None where it did not jump.
    """

    stamp: Stamped
    at_ms: int
    cause: Cause
    liquidity: Liquidity
    quantity: Decimal
    priced: Priced
    charged: Charged
    slippage: Decimal
    leverage: Decimal
    reserve: Decimal
    tied_up: Decimal | None
    released: Decimal | None
    levels: Levels | None
    liquidation_price: Decimal | None
    flags: tuple[Flag, ...]
    price_seen: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitExplained:
    """An exit of `quantity` out of `open_before`.

    `move` is the price's change in the trade's favour; `gross` = move · quantity, but never below fee − share
    (`is_gross_cut`). The shares are what belongs to this part of the reserve and of the entry fee still held;
    `cash_back` = share of the reserve + gross − fee, `net` = gross − fee − share of the entry fee − share of what
    holding the trade has cost. `price_seen` is the one that the market had jumped to, None where it did not jump;
    `is_due` says that the trade's time was over.
    """

    stamp: Stamped
    at_ms: int
    reason: ExitReason
    cause: Cause
    liquidity: Liquidity
    quantity: Decimal
    open_before: Decimal
    entry_price: Decimal
    priced: Priced
    charged: Charged
    slippage: Decimal
    move: Decimal
    gross: Decimal
    is_gross_cut: bool
    reserve_before: Decimal
    reserve_share: Decimal
    entry_fee_before: Decimal
    entry_fee_share: Decimal
    funding_before: Decimal
    funding_share: Decimal
    cash_back: Decimal
    net: Decimal
    target: Decimal | None
    is_final: bool
    is_ambiguous: bool
    flags: tuple[Flag, ...]
    why: str
    price_seen: Decimal | None
    is_due: bool
    part: Part


@dataclass(frozen=True, slots=True)
class ChangeExplained:
    """Exits that were changed by hand, and the trade right after it."""

    stamp: Stamped
    event: LevelsChanged
    after: Trade


@dataclass(frozen=True, slots=True)
class EndExplained:
    """Why an order was never filled; `event.cause` is what the market showed, None where it was ended by hand."""

    stamp: Stamped
    event: TradeEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeExplained:
    """What holding the trade cost once: `event.notional` · rate (of interest: · time / year) = `unrounded`.

    A long's interest is on `borrowed_share` of quantity · price, None elsewhere. `pays_positive` says whether this
    side pays for a rate above 0.
    """

    stamp: Stamped
    event: CostCharged
    leverage: Decimal
    borrowed_share: Decimal | None
    pays_positive: bool
    year_ms: int
    unrounded: Decimal
    reserve_before: Decimal
    reserve_after: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What an order waits for and what is tied up meanwhile: `reserve` + `charged.fee` (at the taker rate).

    Both are of `charged.notional`: a limit's own price, a stop's with its slippage.
    """

    entry_type: EntryType
    price: Decimal
    is_below: bool
    expires_at: int | None
    quantity: Decimal
    leverage: Decimal
    reserve: Decimal
    charged: Charged


@dataclass(frozen=True, slots=True)
class RefusedOnce:
    """A refusal that the trade's signal had met with; `at_ms` is when it happened."""

    at_ms: int
    refused: Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything `explain` shows of one trade; `ended` is why it never was entered, `acts` what held it back."""

    trade: Trade
    placed: Waiting | None
    entry: EntryExplained | None
    exits: tuple[ExitExplained, ...]
    ended: EndExplained | None
    refusals: tuple[RefusedOnce, ...]
    stop_moves: tuple[StopExplained, ...] = ()
    charges: tuple[ChargeExplained, ...] = ()
    changes: tuple[ChangeExplained, ...] = ()
    acts: tuple[GuardActed, ...] = ()
    voided: TradeVoided | None = None

    @property
    def r_multiple(self) -> Decimal | None:
        """Realised profit in initial risks, to 1e-8; None without an initial stop."""
        multiple = self.trade.r_multiple
        return None if multiple is None else to_grid(multiple)

    @property
    def is_waiting(self) -> bool:
        """Whether the order still waits."""
        return self.trade.status is Status.PENDING


def explain(events: Sequence[Stamped], refusals: Iterable[RefusedOnce] = ()) -> Explanation:
    """Take a trade's events apart, in the order of the journal. Raises ValueError without any."""
    trade: Trade | None = None
    placed: Waiting | None = None
    entry: EntryExplained | None = None
    exits: list[ExitExplained] = []
    moves: list[StopExplained] = []
    charges: list[ChargeExplained] = []
    changes: list[ChangeExplained] = []
    ended: EndExplained | None = None
    voided: TradeVoided | None = None
    with exact():
        for stamp in events:
            before = trade
            trade = evolve(before, stamp.event)
            match stamp.event:
                case TradePlaced() as event:
                    placed = _waiting(event)
                case EntryFilled() as event:
                    entry = _entry(stamp, event, trade, before)
                case ExitFilled() as event if before is not None:
                    exits.append(_exit(stamp, event, before))
                case CostCharged() as event if before is not None:
                    charges.append(_charge(stamp, event, before, trade))
                case StopMoved() as event if before is not None:
                    moves.append(explain_stop((stamp.seq, stamp.recorded_ms), event, before, trade))
                case LevelsChanged() as event:
                    changes.append(ChangeExplained(stamp, event, trade))
                case TradeEnded() as event:
                    ended = EndExplained(stamp, event)
                case TradeVoided() as event:
                    voided = event
                case _:
                    pass
    if trade is None:
        raise ValueError("a trade without an event")
    return Explanation(
        trade=trade,
        placed=placed,
        entry=entry,
        exits=tuple(exits),
        ended=ended,
        refusals=tuple(refusals),
        stop_moves=tuple(moves),
        charges=tuple(charges),
        changes=tuple(changes),
        voided=voided,
    )


def _waiting(event: TradePlaced) -> Waiting:
    order = event.order
    liquidity = Liquidity.MAKER if order.entry_type is EntryType.LIMIT else Liquidity.TAKER
    paid = filled_price(order.waiting_price, order.side.sign > 0, liquidity, order.terms)
    return Waiting(
        entry_type=order.entry_type,
        price=order.waiting_price,
        is_below=order.entry_type.waits_below(order.side),
        expires_at=order.expires_at,
        quantity=order.quantity,
        leverage=order.terms.leverage,
        reserve=event.reserve,
        charged=charged_of(paid, order.quantity, order.terms.taker, event.fee),
    )


def _entry(stamp: Stamped, event: EntryFilled, after: Trade, before: Trade | None) -> EntryExplained:
    order = after.order
    return EntryExplained(
        stamp=stamp,
        at_ms=event.at_ms,
        cause=event.cause,
        liquidity=event.liquidity,
        quantity=event.quantity,
        priced=priced_of(event.cause, event.price, event.liquidity, order, is_buying=order.side.sign > 0),
        charged=charged_of(event.price, event.quantity, event.fee_rate, event.fee),
        slippage=event.slippage,
        leverage=order.terms.leverage,
        reserve=event.reserve,
        tied_up=None if before is None else before.reserve,
        released=None if before is None else event.released,
        levels=event.rulings[-1].levels,
        liquidation_price=event.liquidation_price,
        flags=event.flags,
        price_seen=price_jumped_to(event.cause, event.at_ms, order.side, is_entry=True),
    )


def _exit(stamp: Stamped, event: ExitFilled, before: Trade) -> ExitExplained:
    order, levels = before.order, levels_at(before, _seen_from(event))
    limit = levels.time_limit
    move = (event.price - before.entered_price) * order.side.sign
    return ExitExplained(
        stamp=stamp,
        at_ms=event.at_ms,
        reason=event.reason,
        cause=event.cause,
        liquidity=event.liquidity,
        quantity=event.quantity,
        open_before=before.open_quantity,
        entry_price=before.entered_price,
        priced=priced_of(event.cause, event.price, event.liquidity, order, is_buying=order.side.sign < 0),
        charged=charged_of(event.price, event.quantity, event.fee_rate, event.fee),
        slippage=event.slippage,
        move=move,
        gross=event.gross,
        is_gross_cut=event.gross != to_grid(move * event.quantity),
        reserve_before=before.reserve,
        reserve_share=event.reserve_released,
        entry_fee_before=before.entry_fee_left,
        entry_fee_share=event.entry_fee_share,
        funding_before=before.funding_left,
        funding_share=event.funding_share,
        cash_back=event.reserve_released + event.gross - event.fee,
        net=event.realized,
        target=event.target,
        is_final=event.is_final,
        is_ambiguous=event.is_ambiguous,
        flags=event.flags,
        why=event.why,
        price_seen=price_jumped_to(event.cause, event.at_ms, order.side, is_entry=False),
        is_due=limit is not None and event.at_ms >= limit,
        part=explain_part(event, before, levels),
    )


def _seen_from(event: ExitFilled) -> int:
    """Return the open of the candle, or the instant of the quote, whose exits an exit met."""
    return event.at_ms if event.cause.candle is None else event.cause.candle.open_ms


def _charge(stamp: Stamped, event: CostCharged, before: Trade, after: Trade) -> ChargeExplained:
    leverage, is_long = before.order.terms.leverage, before.side is Side.LONG
    is_funding = event.kind is CostKind.FUNDING
    if is_funding:
        unrounded = event.notional * event.rate * before.side.sign
    else:
        unrounded = event.notional * event.rate * (event.to_ms - event.from_ms) / YEAR_MS
    return ChargeExplained(
        stamp=stamp,
        event=event,
        leverage=leverage,
        borrowed_share=None if is_funding or not is_long else (leverage - ONE) / leverage,
        pays_positive=is_long or not is_funding,
        year_ms=YEAR_MS,
        unrounded=unrounded,
        reserve_before=before.reserve,
        reserve_after=after.reserve,
    )
