"""Trades, books and histories for the tests of this package, made with the engine's own arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from papertrade.engine.account import AccountBook, postings
from papertrade.engine.fills import Decision, exit_fill, fee_of, reserve_of
from papertrade.engine.market import Side
from papertrade.engine.messages import CashMoved, Cause, EntryFilled, ExitFilled, Liquidity
from papertrade.engine.money import ZERO, exact
from papertrade.engine.signal import EntryType, ExitWish
from papertrade.engine.state import evolve
from papertrade.engine.trade import ExitReason, Levels, Order, Ruling, Target, Terms, Trade
from papertrade.reports.closed_trade import ClosedTrade
from papertrade.reports.equity import History, HoldingStep, MoneyStep, holding_step, money_step

DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000


def a_closed_trade(
    trade_id: int = 1,
    net: str = "1",
    closed_at: int = 10 * DAY,
    *,
    opened_at: int | None = None,
    risk: str | None = None,
    symbol: str = "BTCUSDT",
    side: Side = Side.LONG,
    source: str = "scan",
    tags: tuple[str, ...] = (),
    reason: ExitReason = ExitReason.TAKE_PROFIT,
    fees: str = "0",
    slippage: str = "0",
    notional: str = "100",
) -> ClosedTrade:
    return ClosedTrade(
        trade_id=trade_id,
        venue="binance",
        symbol=symbol,
        side=side,
        source=source,
        exit_reason=reason,
        opened_at=closed_at - HOUR if opened_at is None else opened_at,
        closed_at=closed_at,
        entry_notional=Decimal(notional),
        exit_notional=Decimal(notional),
        net=Decimal(net),
        fees=Decimal(fees),
        slippage=Decimal(slippage),
        risk=None if risk is None else Decimal(risk),
        tags=tags,
    )


def entered(
    trade_id: int,
    side: Side,
    price: Decimal,
    quantity: Decimal,
    at_ms: int,
    *,
    symbol: str = "BTCUSDT",
    stop: Decimal | None = None,
    targets: tuple[Target, ...] = (),
    terms: Terms | None = None,
) -> EntryFilled:
    """Return the event that enters a trade at once, its fee and reserve computed by the engine."""
    known_terms = Terms() if terms is None else terms
    order = Order(
        account_id=1,
        epoch=1,
        signal_id=trade_id,
        signal_key=f"scan:{trade_id}",
        venue="binance",
        symbol=symbol,
        side=side,
        entry_type=EntryType.MARKET,
        entry_price=None,
        quantity=quantity,
        exits=ExitWish(),
        terms=known_terms,
        placed_at=at_ms,
        whole_from=at_ms,
    )
    with exact():
        return EntryFilled(
            trade_id=trade_id,
            order=order,
            quantity=quantity,
            price=price,
            liquidity=Liquidity.TAKER,
            fee_rate=known_terms.taker,
            fee=fee_of(price, quantity, known_terms.taker),
            slippage=ZERO,
            reserve=reserve_of(price, quantity, known_terms),
            released=ZERO,
            rulings=(Ruling(at_ms, ExitWish(), Levels(stop, targets, quantity)),),
            liquidation_price=None,
            cause=Cause(rule="test", raw_price=price),
            at_ms=at_ms,
        )


def left(
    trade: Trade, price: Decimal, quantity: Decimal, at_ms: int, reason: ExitReason = ExitReason.MANUAL
) -> ExitFilled:
    """Return the event that closes a quantity of an open trade at a price."""
    with exact():
        return exit_fill(
            trade,
            quantity,
            Decision(cause=Cause(rule="test", raw_price=price), reason=reason, liquidity=Liquidity.TAKER, at_ms=at_ms),
        )


def an_open_trade(
    trade_id: int = 1,
    side: Side = Side.LONG,
    price: str = "100",
    quantity: str = "1",
    at_ms: int = 0,
    *,
    symbol: str = "BTCUSDT",
    stop: str | None = None,
    terms: Terms | None = None,
) -> Trade:
    levels_stop = None if stop is None else Decimal(stop)
    event = entered(
        trade_id, side, Decimal(price), Decimal(quantity), at_ms, symbol=symbol, stop=levels_stop, terms=terms
    )
    return evolve(None, event)


@dataclass
class Ledger:
    """Plays cash movements and fills of one account into the steps that the equity curve reads."""

    money: list[MoneyStep] = field(default_factory=list)
    holdings: list[HoldingStep] = field(default_factory=list)
    trades: dict[int, Trade] = field(default_factory=dict)

    def move_cash(self, at_ms: int, amount: str | Decimal) -> None:
        self.money.append(money_step(at_ms, postings(CashMoved(account_id=1, amount=Decimal(amount)))))

    def record(self, event: EntryFilled | ExitFilled) -> Trade:
        trade = evolve(self.trades.get(event.trade_id), event)
        self.trades[event.trade_id] = trade
        self.money.append(money_step(event.at_ms, postings(event)))
        self.holdings.append(holding_step(event.at_ms, trade))
        return trade

    def history(self) -> History:
        return History(self.money, self.holdings)

    def book(self) -> AccountBook:
        with exact():
            return AccountBook(
                account_id=1,
                name="main",
                currency="USDT",
                cash=sum((step.cash for step in self.money), ZERO),
                reserved=sum((step.reserved for step in self.money), ZERO),
                capital=sum((step.flow for step in self.money), ZERO),
                realized=sum((step.realized for step in self.money), ZERO),
            )
