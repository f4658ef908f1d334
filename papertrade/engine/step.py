"""What people and programs ask for, decided: open, close, cancel, modify, move cash. Pure, like the rule.

Each function takes the state it needs and returns events, or a Refusal with the numbers that would have
been enough. What the market does to a trade is decided in `touch.py`, never here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from papertrade.engine.account import AccountBook
from papertrade.engine.conventions import CONSERVATIVE, Convention
from papertrade.engine.entries import enter_at_once
from papertrade.engine.fills import Decision, exit_fill, fee_of, filled_price, part_to_close, reserve_of
from papertrade.engine.instrument import Instrument
from papertrade.engine.levels import check_sides, resolve
from papertrade.engine.market import MINUTE_MS, Quote, Side, first_whole_open
from papertrade.engine.messages import (
    CashMoved,
    Cause,
    EntryFilled,
    ExitFilled,
    LevelsChanged,
    Liquidity,
    Refusal,
    TradeEnded,
    TradePlaced,
)
from papertrade.engine.money import ONE, ZERO, exact, plain
from papertrade.engine.signal import EntryType, ExitWish, Level, LevelKind, Signal, Size, TargetWish
from papertrade.engine.sizing import Ask, Sized, SizingRules, size_up
from papertrade.engine.state import levels_at
from papertrade.engine.trade import ExitReason, Flag, Levels, Order, Ruling, Status, Terms, Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings that decide: costs, convention, sizes, leverage, which currencies count as one."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    slippage_bps: Decimal = ZERO
    leverage: Decimal = ONE
    convention: Convention = CONSERVATIVE
    sizing: SizingRules = field(default_factory=SizingRules)
    same_currency: tuple[frozenset[str], ...] = ()
    candle_ms: int = MINUTE_MS

    def terms(self, instrument: Instrument) -> Terms:
        """Return the terms of a trade placed under these rules."""
        return Terms(
            maker=self.maker,
            taker=self.taker,
            slippage_bps=self.slippage_bps,
            leverage=self.leverage,
            price_step=instrument.price_step,
            quantity_step=instrument.quantity_step,
            quantity_min=instrument.quantity_min,
            notional_min=instrument.notional_min,
            convention=self.convention,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A request to trade a signal: `size` beats the signal's, `live` is the trade the signal already has.

    `quote` is the price of now; None (a backtest) makes limit and stop entries wait whatever the price.
    """

    trade_id: int
    signal_id: int
    signal: Signal
    account: AccountBook
    instrument: Instrument
    at_ms: int
    quote: Quote | None
    size: Size | None = None
    live: Trade | None = None
    flags: tuple[Flag, ...] = ()


def open_trade(opening: Opening, rules: Rules) -> TradePlaced | EntryFilled | Refusal:
    """Decide a request to open: entered at once, waiting, or refused."""
    with exact():
        refusal = _may_open(opening, rules)
        if refusal is not None:
            return refusal
        signal = opening.signal
        quote = opening.quote
        if quote is None or not _is_passed(signal, quote):
            return _place(opening, rules)
        if signal.entry_type is EntryType.STOP:
            price = quote.entry_price(signal.side)
            return Refusal(
                "entry_passed",
                f"stop entry `{plain(signal.entry_price or ZERO)}` is already passed: the price is `{plain(price)}`",
                "enter at market, or set the stop entry beyond the price",
                {"entry": plain(signal.entry_price or ZERO), "price": plain(price)},
            )
        return _enter_now(opening, rules, quote)


def duplicate_refusal(trade: Trade) -> Refusal:
    """Return the refusal of a second trade for a signal that has a live one."""
    entry = trade.entry_price if trade.entry_price is not None else trade.order.entry_price
    at = f" from `{plain(entry)}`" if entry is not None else ""
    return Refusal(
        "duplicate_trade",
        f"signal `{trade.order.signal_key}` already has trade `{trade.id}`: {trade.status}{at}",
        f"papertrade show {trade.id}",
        {
            "trade_id": trade.id,
            "status": str(trade.status),
            "entry_price": None if entry is None else plain(entry),
        },
    )


def close_trade(
    trade: Trade, fraction: Decimal, raw_price: Decimal, quote: Quote | None, at_ms: int, flags: Sequence[Flag] = ()
) -> ExitFilled | Refusal:
    """Close a fraction (0…1] of what is open at `raw_price`; without a quote the price is the user's own."""
    if trade.status is not Status.OPEN:
        return ended_refusal(trade)
    with exact():
        cause = Cause(rule="5 closed by hand", raw_price=raw_price, quote=quote)
        quantity = trade.open_quantity
        if fraction < 1:
            quantity = part_to_close(trade, quantity * fraction, raw_price)
        decision = Decision(
            cause=cause,
            reason=ExitReason.MANUAL,
            liquidity=Liquidity.TAKER,
            at_ms=at_ms,
            flags=tuple(flags),
        )
        return exit_fill(trade, quantity, decision)


def reduce_trade(trade: Trade, quantity: Decimal, quote: Quote, at_ms: int) -> ExitFilled | Refusal:
    """Close a quantity of what is open at the quote: what `sell` does to a plain order's trade."""
    return close_trade(trade, min(ONE, quantity / trade.open_quantity), quote.mark(trade.side), quote, at_ms)


def cancel_trade(trade: Trade, why: str, at_ms: int) -> TradeEnded | Refusal:
    """Cancel a waiting entry and release what it had tied up."""
    if trade.status is not Status.PENDING:
        refusal = ended_refusal(trade)
        if trade.status is Status.OPEN:
            return replace(
                refusal,
                code="not_pending",
                message=f"trade `{trade.id}` is open, there is nothing waiting to cancel",
                hint=f"papertrade close {trade.id}",
            )
        return refusal
    return TradeEnded(
        trade_id=trade.id, status=Status.CANCELLED, released=trade.reserve, why=why or "cancelled by hand", at_ms=at_ms
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitChange:
    """New exits for a live trade; what `keeps` says stays as it is."""

    stop: Level | None = None
    targets: tuple[TargetWish, ...] = ()
    keeps_stop: bool = True
    keeps_targets: bool = True


def modify_trade(trade: Trade, change: ExitChange, price: Decimal, at_ms: int, rules: Rules) -> LevelsChanged | Refusal:
    """Change a live trade's exits from the next whole candle on; they are checked against the price of now.

    Relative levels and risks count from the entry, as they did when the trade was opened. Raises ValueError
    for wishes that contradict each other (fractions over 1, a target in risks without a stop).
    """
    if not trade.status.is_live:
        return ended_refusal(trade)
    with exact():
        from_ms = max(first_whole_open(at_ms, rules.candle_ms), trade.whole_from)
        old = trade.ruling
        wish = ExitWish(
            old.wish.stop if change.keeps_stop else change.stop,
            old.wish.targets if change.keeps_targets else change.targets,
        )
        grid = trade.order.terms.price_grid
        if trade.status is Status.PENDING:
            entry = trade.order.waiting_price
            wrong = check_sides(resolve(wish, trade.side, entry, grid, trade.quantity), trade.side, entry, "entry")
            return wrong or LevelsChanged(trade_id=trade.id, ruling=Ruling(from_ms, wish), at_ms=at_ms)
        levels = _changed_levels(trade, change)
        wrong = check_sides(levels, trade.side, price, "the price")
        return wrong or LevelsChanged(trade_id=trade.id, ruling=Ruling(from_ms, _as_wish(levels), levels), at_ms=at_ms)


def _changed_levels(trade: Trade, change: ExitChange) -> Levels:
    """Resolve the new exits of an open trade; kept ones keep their prices and what was taken of them."""
    old = levels_at(trade, trade.ruling.from_ms)
    entry = trade.entered_price
    risk = None if trade.initial_stop is None else abs(entry - trade.initial_stop)
    grid = trade.order.terms.price_grid
    asked = ExitWish(change.stop if not change.keeps_stop else _as_wish(old).stop, change.targets)
    new = resolve(asked, trade.side, entry, grid, trade.open_quantity, risk)
    if change.keeps_targets:
        return replace(old, stop=new.stop)
    return new


def _as_wish(levels: Levels) -> ExitWish:
    """Return resolved exits as wishes in plain prices; targets that were taken are left out."""
    stop = None if levels.stop is None else Level(LevelKind.PRICE, levels.stop)
    open_targets = [t for t in levels.targets if not t.is_filled]
    return ExitWish(stop, tuple(TargetWish(Level(LevelKind.PRICE, t.price), t.fraction) for t in open_targets))


def withdraw(account: AccountBook, amount: Decimal, note: str) -> CashMoved | Refusal:
    """Take free cash out of an account."""
    if amount > account.cash:
        return Refusal(
            "insufficient_funds",
            f"cannot withdraw `{plain(amount)}` {account.currency}: `{plain(account.cash)}` is free",
            f"papertrade account withdraw {plain(account.cash)}",
            {"need": plain(amount), "have": plain(account.cash), "reserved": plain(account.reserved)},
        )
    return CashMoved(account_id=account.account_id, amount=-amount, note=note)


def ended_refusal(trade: Trade) -> Refusal:
    """Return the refusal of a change to a trade that is not there any more, with what happened to it."""
    what = f"{trade.status}"
    if trade.exit_reason is not None:
        what = f"{str(trade.exit_reason).replace('_', ' ')} `{plain(trade.exit_price or ZERO)}`"
    elif trade.status is Status.PENDING:
        return Refusal(
            "not_open",
            f"trade `{trade.id}` is not open yet: its entry waits at `{plain(trade.order.waiting_price)}`",
            f"papertrade cancel {trade.id}",
            {"trade_id": trade.id, "status": str(trade.status)},
        )
    return Refusal(
        "already_ended",
        f"trade `{trade.id}` already ended: {what}",
        f"papertrade show {trade.id}",
        {
            "trade_id": trade.id,
            "status": str(trade.status),
            "exit_reason": None if trade.exit_reason is None else str(trade.exit_reason),
            "exit_price": None if trade.exit_price is None else plain(trade.exit_price),
            "closed_at": trade.closed_at,
        },
    )


def _may_open(opening: Opening, rules: Rules) -> Refusal | None:
    """Check what does not depend on the price: duplicates, currency, expiry, whether the venue trades it."""
    signal, instrument, account = opening.signal, opening.instrument, opening.account
    if opening.live is not None:
        return duplicate_refusal(opening.live)
    currencies = {instrument.quote, account.currency}
    if len(currencies) > 1 and not any(currencies <= same for same in rules.same_currency):
        return Refusal(
            "currency_mismatch",
            f"{instrument.symbol} is priced in {instrument.quote}, account `{account.name}` is in {account.currency}",
            f"papertrade account create NAME --currency {instrument.quote}, or set same_currency",
            {"quote": instrument.quote, "currency": account.currency},
        )
    if signal.expires_at_ms is not None and signal.expires_at_ms <= opening.at_ms:
        return Refusal("signal_expired", f"signal `{signal.key}` has expired", None, {"expired": signal.expires_at_ms})
    if not instrument.is_trading:
        return Refusal("not_trading", f"{instrument.venue} does not trade {instrument.symbol} now")
    return None


def _is_passed(signal: Signal, quote: Quote) -> bool:
    """Whether an entry can be filled at the quote at once: every market entry, a limit or stop that is reached."""
    if signal.entry_price is None:
        return True
    price = quote.entry_price(signal.side)
    waits_below = (signal.side is Side.LONG) == (signal.entry_type is EntryType.LIMIT)
    return price <= signal.entry_price if waits_below else price >= signal.entry_price


def _enter_now(opening: Opening, rules: Rules, quote: Quote) -> EntryFilled | Refusal:
    signal = opening.signal
    terms = rules.terms(opening.instrument)
    raw = quote.entry_price(signal.side)
    price = filled_price(raw, signal.side is Side.LONG, Liquidity.TAKER, terms)
    sized = _sized(opening, rules, price, Liquidity.TAKER)
    if isinstance(sized, Refusal):
        return sized
    order = _order(opening, rules, terms, sized)
    cause = Cause(rule="4.4 entered at once", raw_price=raw, level=signal.entry_price, quote=quote)
    return enter_at_once(opening.trade_id, order, cause, opening.at_ms)


def _place(opening: Opening, rules: Rules) -> TradePlaced | Refusal:
    signal = opening.signal
    terms = rules.terms(opening.instrument)
    price = signal.entry_price
    if price is None:
        raise ValueError("a market entry cannot wait")
    liquidity = Liquidity.MAKER if signal.entry_type is EntryType.LIMIT else Liquidity.TAKER
    sized = _sized(opening, rules, filled_price(price, signal.side is Side.LONG, liquidity, terms), liquidity)
    if isinstance(sized, Refusal):
        return sized
    order = _order(opening, rules, terms, sized)
    return TradePlaced(
        trade_id=opening.trade_id,
        order=order,
        reserve=reserve_of(price, sized.quantity, terms),
        fee=fee_of(price, sized.quantity, terms.taker),
    )


def _sized(opening: Opening, rules: Rules, price: Decimal, liquidity: Liquidity) -> Sized | Refusal:
    signal = opening.signal
    terms = rules.terms(opening.instrument)
    levels = resolve(signal.exits, signal.side, price, terms.price_grid, ONE)
    wrong = check_sides(levels, signal.side, price, "entry")
    if wrong is not None:
        return wrong
    ask = Ask(
        side=signal.side,
        price=price,
        stop=levels.stop,
        liquidity=liquidity,
        instrument=opening.instrument,
        terms=terms,
    )
    size = opening.size if opening.size is not None else signal.size
    sized = size_up(size, ask, opening.account.balance, opening.account.cash, rules.sizing)
    if isinstance(sized, Refusal) and sized.code == "insufficient_funds":
        return replace(sized, details={**sized.details, "reserved": plain(opening.account.reserved)})
    return sized


def _order(opening: Opening, rules: Rules, terms: Terms, sized: Sized) -> Order:
    signal = opening.signal
    marks = (
        *opening.flags,
        *((Flag.SIZE_CAPPED,) if sized.is_capped else ()),
        *((Flag.SHRUNK,) if sized.is_shrunk else ()),
    )
    return Order(
        account_id=opening.account.account_id,
        epoch=opening.account.epoch,
        signal_id=opening.signal_id,
        signal_key=signal.key,
        venue=opening.instrument.venue,
        symbol=opening.instrument.symbol,
        side=signal.side,
        entry_type=signal.entry_type,
        entry_price=signal.entry_price,
        quantity=sized.quantity,
        exits=signal.exits,
        terms=terms,
        placed_at=opening.at_ms,
        whole_from=first_whole_open(opening.at_ms, rules.candle_ms),
        expires_at=signal.expires_at_ms,
        confidence=signal.confidence,
        reason=signal.reason,
        tags=tuple(sorted(set(signal.tags))),
        flags=tuple(sorted(marks)),
    )
