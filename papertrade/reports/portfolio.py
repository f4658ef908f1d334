"""What an account holds now: wallet, holdings at market, totals, and what its stops put at risk.

A holding is derived: per instrument and side, never netted across sides. An open trade whose mark is not
known is valued at its entry in every sum and counted in `unpriced_count`; its holding shows None. The rule to
keep: total_portfolio_value = cash + reserved + Σ unrealized, the same number as the equity curve's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from papertrade.engine.account import AccountBook
from papertrade.engine.fills import fee_of, filled_price
from papertrade.engine.messages import Liquidity
from papertrade.engine.money import ONE, ZERO, canonical, exact, to_grid
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.reports.marks import HoldingKey, Mark
from papertrade.reports.metric import percent


@dataclass(frozen=True, slots=True)
class Wallet:
    """`balance` is deposits - withdrawals + realized; `reserved` is tied up by live trades."""

    balance: Decimal
    reserved: Decimal


@dataclass(frozen=True, slots=True)
class Liquidation:
    """Where a trade is liquidated, and how far the mark has to go there: signed percent of it, None without one."""

    trade_id: int
    price: Decimal
    distance_percent: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The open trades of one instrument and side, in account money.

    `avg_price` and `cost_basis` are without fees; `market_value` is exposure at the mark, `value` is reserve +
    unrealized (at entry without a mark); `pnl_percent` is of the cost, `allocation_percent` of the equity.
    `liquidation` is that of the trade to be liquidated first, None where none can be.
    """

    venue: str
    symbol: str
    side: str
    quantity: Decimal
    avg_price: Decimal
    current_price: Decimal | None
    marked_at: int | None
    market_value: Decimal | None
    value: Decimal
    cost_basis: Decimal
    unrealized_pnl: Decimal | None
    pnl_percent: Decimal | None
    allocation_percent: Decimal | None
    trade_ids: tuple[int, ...]
    liquidation: Liquidation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The account in one line; money in account currency.

    `total_cash` is free, `total_reserved` tied up by open and pending trades. `today_pnl` is the net of the
    trades that closed today, `today_equity_change` the equity's change since the day began, without deposits
    and withdrawals (None when that is not known). `at_risk_to_stops` is what the equity would fall by if every
    stop filled now, with costs; the `without_stop_count` open trades that have none are not in it.
    `margin_level_percent` is the equity in percent of what is tied up, None where nothing is.
    """

    total_cash: Decimal
    total_reserved: Decimal
    total_holdings_value: Decimal
    total_portfolio_value: Decimal
    total_unrealized_pnl: Decimal
    today_pnl: Decimal
    today_equity_change: Decimal | None
    holdings_count: int
    unpriced_count: int
    at_risk_to_stops: Decimal
    without_stop_count: int
    margin_level_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Everything `portfolio` shows of one account."""

    wallet: Wallet
    holdings: tuple[Holding, ...]
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What happened since the day began in the display zone.

    `pnl` is Σ net of the trades closed since, `flow` deposits - withdrawals since; `opening_equity` is None when
    unknown, 0 for an account that did not exist yet.
    """

    pnl: Decimal = ZERO
    flow: Decimal = ZERO
    opening_equity: Decimal | None = None


def portfolio(
    book: AccountBook,
    live_trades: Sequence[Trade],
    marks: Mapping[HoldingKey, Mark],
    today: Today,
    shown: Sequence[Trade] | None = None,
) -> Portfolio:
    """Value one account; trades without an open quantity are ignored. Holdings are sorted by venue and symbol.

    The summary is of all live trades; with `shown` only the holdings of those trades are listed.
    """
    open_trades = [trade for trade in live_trades if trade.open_quantity > 0]
    with exact():
        unrealized = sum((_unrealized(trade, marks) or ZERO for trade in open_trades), ZERO)
        equity = book.cash + book.reserved + unrealized
        risks = [_risk_to_stop(trade, marks) for trade in open_trades]
        opening = today.opening_equity
        summary = Summary(
            total_cash=book.cash,
            total_reserved=book.reserved,
            total_holdings_value=sum((trade.reserve for trade in open_trades), ZERO) + unrealized,
            total_portfolio_value=equity,
            total_unrealized_pnl=unrealized,
            today_pnl=today.pnl,
            today_equity_change=None if opening is None else equity - opening - today.flow,
            holdings_count=holdings_count(open_trades),
            unpriced_count=sum(_key(trade) not in marks for trade in open_trades),
            at_risk_to_stops=sum((risk for risk in risks if risk is not None), ZERO),
            without_stop_count=risks.count(None),
            margin_level_percent=percent(equity, book.reserved),
        )
        holdings = _holdings(open_trades if shown is None else shown, marks, equity)
        return Portfolio(Wallet(book.capital + book.realized, book.reserved), holdings, summary)


def holdings_count(live_trades: Sequence[Trade]) -> int:
    """Count the instrument-and-side pairs of which something is open."""
    return len({_key(trade) for trade in live_trades if trade.open_quantity > 0})


def _holdings(trades: Sequence[Trade], marks: Mapping[HoldingKey, Mark], equity: Decimal) -> tuple[Holding, ...]:
    groups: dict[HoldingKey, list[Trade]] = {}
    for trade in trades:
        if trade.open_quantity > 0:
            groups.setdefault(_key(trade), []).append(trade)
    return tuple(_holding(key, groups[key], marks.get(key), equity) for key in sorted(groups))


def _key(trade: Trade) -> HoldingKey:
    return HoldingKey(trade.order.venue, trade.order.symbol, trade.side)


def _unrealized(trade: Trade, marks: Mapping[HoldingKey, Mark]) -> Decimal | None:
    mark = marks.get(_key(trade))
    return None if mark is None else trade.unrealized(mark.price)


def _holding(key: HoldingKey, trades: Sequence[Trade], mark: Mark | None, equity: Decimal) -> Holding:
    quantity = sum((trade.open_quantity for trade in trades), ZERO)
    paid = sum((trade.open_quantity * trade.entered_price for trade in trades), ZERO)
    cost = to_grid(paid)
    gain = None if mark is None else sum((trade.unrealized(mark.price) for trade in trades), ZERO)
    value = sum((trade.reserve for trade in trades), ZERO) + (ZERO if gain is None else gain)
    return Holding(
        venue=key.venue,
        symbol=key.symbol,
        side=key.side,
        quantity=quantity,
        avg_price=_average(paid, quantity, trades),
        current_price=None if mark is None else mark.price,
        marked_at=None if mark is None else mark.at_ms,
        market_value=None if mark is None else to_grid(quantity * mark.price),
        value=value,
        cost_basis=cost,
        unrealized_pnl=gain,
        pnl_percent=None if gain is None else percent(gain, cost),
        allocation_percent=percent(value, equity),
        trade_ids=tuple(sorted(trade.id for trade in trades)),
        liquidation=_liquidation(trades, mark),
    )


def _liquidation(trades: Sequence[Trade], mark: Mark | None) -> Liquidation | None:
    """Return the nearest liquidation of trades of one side: the highest of longs, the lowest of shorts."""
    found = [
        (trade.liquidation_price * trade.side.sign, trade) for trade in trades if trade.liquidation_price is not None
    ]
    if not found:
        return None
    trade = max(found, key=lambda one: (one[0], -one[1].id))[1]
    price = trade.liquidation_price or ZERO
    return Liquidation(trade.id, price, None if mark is None else percent(price - mark.price, mark.price))


def _average(paid: Decimal, quantity: Decimal, trades: Sequence[Trade]) -> Decimal:
    """Round to 1e-8, or finer where an entry price is: one trade's average is its entry price exactly."""
    digits = max(8, *(-int(trade.entered_price.as_tuple().exponent) for trade in trades))
    return canonical((paid / quantity).quantize(ONE.scaleb(-digits)))


def _risk_to_stop(trade: Trade, marks: Mapping[HoldingKey, Mark]) -> Decimal | None:
    """Return what the equity loses, from the mark (or the entry) to a fill at the stop with slippage and fee.

    None without a stop. Never below 0, nor beyond what the trade is worth: no exit costs more than its reserve.
    """
    levels = trade.ruling.levels
    if levels is None or levels.stop is None:
        return None
    terms = trade.order.terms
    price = filled_price(levels.stop, trade.side.sign < 0, Liquidity.TAKER, terms)
    fee = fee_of(price, trade.open_quantity, terms.taker)
    now = _unrealized(trade, marks) or ZERO
    at_stop = max(trade.unrealized(price) - fee, -trade.reserve)
    return max(now - at_stop, ZERO)
