"""What people and programs ask for, decided: open a trade, move cash. Pure, like the rule.

Each function takes the state it needs and returns events, or a Refusal with the numbers that would have
been enough. Changes of a trade that exists are in `changes.py`, what the market does to it in `touch.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from papertrade.engine.account import AccountBook
from papertrade.engine.conventions import CONSERVATIVE, Convention, EntryAt
from papertrade.engine.entries import enter_at_once
from papertrade.engine.exit_wish import ExitWish
from papertrade.engine.fills import fee_of, fee_rate, filled_price, reserve_of
from papertrade.engine.instants import to_iso
from papertrade.engine.instrument import Instrument
from papertrade.engine.levels import Entered, check_rules, check_sides, resolve, with_rules
from papertrade.engine.market import MINUTE_MS, Candle, Quote, Side, first_whole_open
from papertrade.engine.messages import (
    CashMoved,
    Cause,
    EntryFilled,
    Liquidity,
    Refusal,
    TradePlaced,
)
from papertrade.engine.money import ONE, ZERO, ceil_to, exact, floor_to, plain
from papertrade.engine.signal import EntryType, Signal, Size
from papertrade.engine.sizing import Ask, Sized, SizingRules, size_up
from papertrade.engine.trade import Flag, Levels, Order, Terms, Trade


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

    `quote` is the price of now. A backtest has none and shows the candle at whose open the signal is placed, or
    at whose close (`entry: close`): a market entry fills there, limit and stop entries wait whatever the price.
    """

    trade_id: int
    signal_id: int
    signal: Signal
    account: AccountBook
    instrument: Instrument
    at_ms: int
    quote: Quote | None
    candle: Candle | None = None
    size: Size | None = None
    live: Trade | None = None
    flags: tuple[Flag, ...] = ()


def open_trade(opening: Opening, rules: Rules) -> TradePlaced | EntryFilled | Refusal:
    """Decide a request to open: entered at once, waiting, or refused."""
    with exact():
        refusal = _may_open(opening, rules)
        if refusal is not None:
            return refusal
        stepped = _entry_on_step(opening)
        if isinstance(stepped, Refusal):
            return stepped
        opening, signal = stepped, stepped.signal
        quote, candle = opening.quote, opening.candle
        if candle is not None and signal.entry_type is EntryType.MARKET:
            return _enter_now(opening, rules, _at_the_candle(candle, rules.convention))
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
        raw = quote.entry_price(signal.side)
        cause = Cause(rule="4.4 entered at once", raw_price=raw, level=signal.entry_price, quote=quote)
        return _enter_now(opening, rules, cause)


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
        expired = to_iso(signal.expires_at_ms)
        return Refusal("signal_expired", f"signal `{signal.key}` has expired", None, {"expired": expired})
    if not instrument.is_trading:
        return Refusal("not_trading", f"{instrument.venue} does not trade {instrument.symbol} now")
    return None


def _entry_on_step(opening: Opening) -> Opening | Refusal:
    """Round the price that an entry waits for to the price step: the harder way to reach it."""
    signal, step = opening.signal, opening.instrument.price_step
    if signal.entry_price is None:
        return opening
    round_to = floor_to if signal.entry_type.waits_below(signal.side) else ceil_to
    price = round_to(signal.entry_price, step)
    if price <= 0:
        return Refusal(
            "invalid_level",
            f"entry `{plain(signal.entry_price)}` is under the price step of {signal.symbol}, `{plain(step)}`",
            None,
            {"entry": plain(signal.entry_price), "step": plain(step)},
        )
    return replace(opening, signal=replace(signal, entry_price=price))


def _is_passed(signal: Signal, quote: Quote) -> bool:
    """Whether an entry can be filled at the quote at once: every market entry, a limit or stop that is reached."""
    if signal.entry_price is None:
        return True
    price = quote.entry_price(signal.side)
    if signal.entry_type.waits_below(signal.side):
        return price <= signal.entry_price
    return price >= signal.entry_price


def _at_the_candle(candle: Candle, convention: Convention) -> Cause:
    """Return where a backtest's market entry is filled."""
    if convention.entry is EntryAt.CLOSE:
        return Cause(rule="4.4 market entry at the close", raw_price=candle.close, candle=candle)
    return Cause(rule="4.4 market entry at the open", raw_price=candle.open, candle=candle)


def _enter_now(opening: Opening, rules: Rules, cause: Cause) -> EntryFilled | Refusal:
    terms = rules.terms(opening.instrument)
    price = filled_price(cause.raw_price, opening.signal.side is Side.LONG, Liquidity.TAKER, terms)
    sized = _sized(opening, rules, terms, price, Liquidity.TAKER)
    if isinstance(sized, Refusal):
        return sized
    size, levels = sized
    return enter_at_once(opening.trade_id, _order(opening, rules, terms, size), cause, opening.at_ms, levels)


def _place(opening: Opening, rules: Rules) -> TradePlaced | Refusal:
    signal = opening.signal
    terms = rules.terms(opening.instrument)
    if signal.entry_price is None:
        raise ValueError("a market entry cannot wait")
    liquidity = Liquidity.MAKER if signal.entry_type is EntryType.LIMIT else Liquidity.TAKER
    price = filled_price(signal.entry_price, signal.side is Side.LONG, liquidity, terms)
    sized = _sized(opening, rules, terms, price, liquidity)
    if isinstance(sized, Refusal):
        return sized
    size, _ = sized
    return TradePlaced(
        trade_id=opening.trade_id,
        order=_order(opening, rules, terms, size),
        reserve=reserve_of(price, size.quantity, terms),
        fee=fee_of(price, size.quantity, terms.taker),
    )


def _sized(
    opening: Opening, rules: Rules, terms: Terms, price: Decimal, liquidity: Liquidity
) -> tuple[Sized, Levels] | Refusal:
    """Return the size, and the exit prices of that size, or why there is none."""
    signal = opening.signal
    levels = resolve(signal.exits, signal.side, price, terms.price_grid, ONE)
    wrong = check_sides(levels, signal.side, price, "entry")
    if wrong is not None:
        return wrong
    # What a break-even costs depends on the size, and the size on the stop: so first all that needs no size.
    sizeless = signal.exits if signal.exits.is_plain else replace(signal.exits, break_even=None, after_first=None)
    of_one = _ruled(levels, sizeless, opening, terms, price, ONE, ZERO)
    if isinstance(of_one, Refusal):
        return of_one
    ask = Ask(
        side=signal.side,
        price=price,
        stop=of_one.first_stop,
        liquidity=liquidity,
        instrument=opening.instrument,
        terms=terms,
    )
    wished = opening.size if opening.size is not None else signal.size
    size = size_up(wished, ask, opening.account.balance, opening.account.cash, rules.sizing)
    if isinstance(size, Refusal):
        if size.code == "insufficient_funds":
            return replace(size, details={**size.details, "reserved": plain(opening.account.reserved)})
        return size
    levels = Levels(levels.stop, levels.targets, size.quantity)
    fee = fee_of(price, size.quantity, fee_rate(liquidity, terms))
    ruled = _ruled(levels, signal.exits, opening, terms, price, size.quantity, fee)
    return ruled if isinstance(ruled, Refusal) else (size, ruled)


def _ruled(
    levels: Levels, wish: ExitWish, opening: Opening, terms: Terms, price: Decimal, quantity: Decimal, fee: Decimal
) -> Levels | Refusal:
    """Add what moves the stop and limits the time, checked against the expected entry."""
    if wish.is_plain:
        return levels
    side = opening.signal.side
    entered = Entered(
        side=side,
        price=price,
        quantity=quantity,
        fee=fee,
        terms=terms,
        opened_at=opening.at_ms,
        stop=levels.stop,
    )
    ruled = with_rules(levels, wish, entered)
    return check_rules(ruled, side, price, "entry", opening.at_ms) or ruled


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
        whole_from=_whole_from(opening, rules),
        expires_at=signal.expires_at_ms,
        confidence=signal.confidence,
        reason=signal.reason,
        tags=tuple(sorted(set(signal.tags))),
        flags=tuple(sorted(marks)),
    )


def _whole_from(opening: Opening, rules: Rules) -> int:
    """Return the open of the first candle that lies wholly after the order: a backtest's own, if placed at its open."""
    candle = opening.candle
    if candle is None:
        return first_whole_open(opening.at_ms, rules.candle_ms)
    return candle.open_ms if opening.at_ms <= candle.open_ms else candle.end_ms
