"""What people and programs ask for, decided: open a trade. Pure, like the rule.

Each function takes the state it needs and returns events, or a Refusal with the numbers that would have
been enough. Changes of a trade that exists are in `changes.py`, what the market does to it in `touch.py`.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from typing import Final

from papertrade.engine.account import AccountBook
from papertrade.engine.book_fills import depth_of, filled_of, walked
from papertrade.engine.caps import FREE, NO_CAPS, Caps, Restraint, halted
from papertrade.engine.conventions import CONSERVATIVE, Convention, EntryAt
from papertrade.engine.entries import enter_at_once
from papertrade.engine.exit_wish import ExitWish
from papertrade.engine.fills import (
    fee_of,
    fee_rate,
    filled_price,
    is_ruined,
    liquidation_price,
    paid_price,
    reserve_of,
)
from papertrade.engine.guards import NO_GUARDS, GuardRules
from papertrade.engine.instants import to_iso
from papertrade.engine.instrument import Instrument
from papertrade.engine.levels import Entered, check_rules, check_sides, resolve, with_rules
from papertrade.engine.market import LONG, MINUTE_MS, Candle, Quote, Side, first_whole_open
from papertrade.engine.messages import (
    TAKER,
    Cause,
    EntryFilled,
    Liquidity,
    Refusal,
    TradePlaced,
)
from papertrade.engine.money import ONE, ZERO, ceil_to, exact, floor_to, plain
from papertrade.engine.order_book import OrderBook
from papertrade.engine.own_costs import OwnCosts, with_own_costs
from papertrade.engine.signal import EntryType, Signal, Size
from papertrade.engine.sized import CutBy
from papertrade.engine.sizing import Ask, Sized, SizingRules, size_up
from papertrade.engine.trade import Flag, Funding, Levels, Order, Terms, Trade
from papertrade.engine.values import dataclass, replace

_AT_CLOSE: Final = EntryAt.CLOSE
_MARKS: Final = {
    CutBy.DEFAULT_CAP: Flag.SIZE_CAPPED,
    CutBy.GUARD: Flag.GUARDED,
    CutBy.CAP: Flag.AT_CAP,
    CutBy.CASH: Flag.SHRUNK,
    CutBy.BOOK: Flag.THIN_BOOK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings that decide: costs, convention, sizes, leverage, which currencies count as one.

    `guards` and `caps` decide nothing by themselves: what they leave of an order is its `Opening.restraint`. Venues and
    symbols may have costs of their own. With `walks_book` an order at once walks the order book it is shown.
    """

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    slippage_bps: Decimal = ZERO
    leverage: Decimal = ONE
    maintenance: Decimal = ZERO
    funding: Funding | None = None
    borrow: Decimal | None = None
    convention: Convention = CONSERVATIVE
    sizing: SizingRules = field(default_factory=SizingRules)
    same_currency: tuple[frozenset[str], ...] = ()
    candle_ms: int = MINUTE_MS
    venue_costs: tuple[OwnCosts, ...] = ()
    symbol_costs: tuple[OwnCosts, ...] = ()
    walks_book: bool = False
    refuses_thin_book: bool = False
    guards: GuardRules = NO_GUARDS
    caps: Caps = NO_CAPS

    @property
    def has_carry(self) -> bool:
        """Whether holding any trade costs something by itself."""
        rates = [(self.funding, self.borrow)]
        rates += [(own.funding, own.borrow) for own in self.venue_costs + self.symbol_costs]
        return any(funding is not None or borrow is not None for funding, borrow in rates)

    def terms(self, instrument: Instrument) -> Terms:
        """Return the terms of a trade placed under these rules."""
        terms = Terms(
            maker=self.maker,
            taker=self.taker,
            slippage_bps=self.slippage_bps,
            leverage=self.leverage,
            price_step=instrument.price_step,
            quantity_step=instrument.quantity_step,
            quantity_min=instrument.quantity_min,
            notional_min=instrument.notional_min,
            convention=self.convention,
            funding=self.funding,
            borrow=self.borrow,
            maintenance=self.maintenance,
        )
        if not self.venue_costs and not self.symbol_costs:
            return terms
        return with_own_costs(terms, instrument, self.venue_costs, self.symbol_costs)


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
    book: OrderBook | None = None
    live: Trade | None = None
    flags: tuple[Flag, ...] = ()
    restraint: Restraint = FREE


def open_trade(opening: Opening, rules: Rules) -> TradePlaced | EntryFilled | Refusal:
    """Decide a request to open: entered at once, waiting, or refused."""
    with exact():
        refusal = _may_open(opening, rules) or halted(opening.restraint)
        if refusal is not None:
            return refusal
        stepped = _entry_on_step(opening)
        if isinstance(stepped, Refusal):
            return stepped
        opening, signal = stepped, stepped.signal
        quote, candle = opening.quote, opening.candle
        if candle is not None and signal.entry_price is None:
            return _enter_now(opening, rules, _at_the_candle(candle, rules.convention))
        if quote is None or not is_passed(signal, quote):
            return _place(opening, rules)
        if signal.entry_type is EntryType.STOP:
            price = quote.entry_price(signal.side)
            return Refusal(
                "entry_passed",
                f"stop entry `{plain(signal.entry_price or ZERO)}` is already passed: the price is `{plain(price)}`",
                "enter at market, or set the stop entry beyond the price",
                {"entry": plain(signal.entry_price or ZERO), "price": plain(price)},
            )
        raw, limit = quote.entry_price(signal.side), signal.entry_price
        cause = Cause(rule="4.4 entered at once", raw_price=raw, level=limit, quote=quote, limit=limit)
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


def _may_open(opening: Opening, rules: Rules) -> Refusal | None:
    """Check what does not depend on the price: duplicates, currency, expiry, whether the venue trades it."""
    signal, instrument, account = opening.signal, opening.instrument, opening.account
    if opening.live is not None:
        return duplicate_refusal(opening.live)
    quote, currency = instrument.quote, account.currency
    if quote != currency and not any(quote in same and currency in same for same in rules.same_currency):
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


def is_passed(signal: Signal, quote: Quote) -> bool:
    """Return whether an entry is reached by the quote: every market entry, a limit or stop that the price passed."""
    if signal.entry_price is None:
        return True
    price = quote.entry_price(signal.side)
    if signal.entry_type.waits_below(signal.side):
        return price <= signal.entry_price
    return price >= signal.entry_price


def _at_the_candle(candle: Candle, convention: Convention) -> Cause:
    """Return where a backtest's market entry is filled."""
    if convention.entry is _AT_CLOSE:
        return Cause(rule="4.4 market entry at the close", raw_price=candle.close, candle=candle)
    return Cause(rule="4.4 market entry at the open", raw_price=candle.open, candle=candle)


def _enter_now(opening: Opening, rules: Rules, cause: Cause) -> EntryFilled | Refusal:
    terms = rules.terms(opening.instrument)
    if opening.book is not None:
        return _walk_in(opening, rules, terms, cause, opening.book)
    price = paid_price(cause, opening.signal.side is LONG, TAKER, terms)
    sized = _sized(opening, rules, terms, price, TAKER)
    if isinstance(sized, Refusal):
        return sized
    size, levels = sized
    return enter_at_once(opening.trade_id, _order(opening, rules, terms, size), cause, opening.at_ms, levels)


def _walk_in(opening: Opening, rules: Rules, terms: Terms, cause: Cause, book: OrderBook) -> EntryFilled | Refusal:
    """Enter at what the order book gives: sized at its best price, and once more at the price of that size.

    The second size is not the larger one and pays no worse price, so what it may lose is not more than was meant.
    """
    signal, is_buying = opening.signal, opening.signal.side is Side.LONG
    depth = depth_of(book, is_buying, signal.entry_price, is_refusing=rules.refuses_thin_book)
    price = depth.levels[0].price if depth.levels else cause.raw_price
    first = _sized(opening, rules, terms, price, Liquidity.TAKER)
    if isinstance(first, Refusal):
        return first
    quantity = filled_of(first[0].quantity, depth, terms, signal.symbol)
    if isinstance(quantity, Refusal):
        return quantity
    price = paid_price(walked(cause, quantity, depth), is_buying, Liquidity.TAKER, terms)
    second = _sized(opening, rules, terms, price, Liquidity.TAKER)
    if isinstance(second, Refusal):
        return second
    size = second[0].cut(CutBy.BOOK, quantity) if quantity < first[0].quantity else second[0]
    order = _order(opening, rules, terms, size)
    return enter_at_once(opening.trade_id, order, walked(cause, size.quantity, depth), opening.at_ms)


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
    if is_ruined(signal.side, price, terms):
        return _over_leveraged(signal.side, price, terms)
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
        restraint=opening.restraint,
    )
    wished = opening.size if opening.size is not None else signal.size
    size = size_up(wished, ask, opening.account.balance, opening.account.cash, rules.sizing)
    if isinstance(size, Refusal):
        if size.code == "insufficient_funds":
            return replace(size, details={**size.details, "reserved": plain(opening.account.reserved)})
        return size
    levels = Levels(levels.stop, levels.targets, size.quantity)
    if signal.exits.is_plain:
        return size, levels
    fee = fee_of(price, size.quantity, fee_rate(liquidity, terms))
    ruled = _ruled(levels, signal.exits, opening, terms, price, size.quantity, fee)
    return ruled if isinstance(ruled, Refusal) else (size, ruled)


def _over_leveraged(side: Side, price: Decimal, terms: Terms) -> Refusal:
    ruin = liquidation_price(side, price, terms) or ZERO
    return Refusal(
        "over_leveraged",
        f"at leverage `{plain(terms.leverage)}` the liquidation price `{plain(ruin)}` of a {side} trade is no farther "
        f"than its entry `{plain(price)}`",
        "take less leverage, or a lower maintenance_rate",
        {
            "leverage": plain(terms.leverage),
            "maintenance_rate": plain(terms.maintenance),
            "liquidation_price": plain(ruin),
            "entry": plain(price),
        },
    )


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
    sizing, marks = sized.sizing, opening.flags
    if sizing.cuts:
        marks += tuple(_MARKS[cut.by] for cut in sizing.cuts)
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
        tags=tuple(sorted(set(signal.tags))) if signal.tags else (),
        flags=tuple(sorted(marks)) if marks else (),
        sizing=None if sizing.is_as_asked(sized.quantity) else sizing,
    )


def _whole_from(opening: Opening, rules: Rules) -> int:
    """Return the open of the first candle that lies wholly after the order: a backtest's own, if placed at its open."""
    candle = opening.candle
    if candle is None:
        return first_whole_open(opening.at_ms, rules.candle_ms)
    return candle.open_ms if opening.at_ms <= candle.open_ms else candle.end_ms
