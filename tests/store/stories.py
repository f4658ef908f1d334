"""Small true stories for the store's tests: accounts, signals and trades made by the engine's own rules."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from papertrade.engine.entries import enter_at_once
from papertrade.engine.market import MINUTE_MS, Candle, Quote, Side
from papertrade.engine.messages import (
    AccountCreated,
    CashMoved,
    Cause,
    EntryFilled,
    SignalAdded,
    TradeEvent,
    TradePlaced,
)
from papertrade.engine.signal import EntryType, ExitWish, Signal, parse_level, parse_target
from papertrade.engine.trade import Order, Terms, Trade
from papertrade.store.rows import Recorded
from papertrade.store.store import Store, Writer

START_MS = 1_700_000_040_000
"""A full minute."""


@dataclass
class ScriptedClock:
    """A clock that moves one millisecond each time it is read, and wherever a test puts it."""

    at_ms: int = START_MS
    pauses: list[float] = field(default_factory=list)

    def now_ms(self) -> int:
        self.at_ms += 1
        return self.at_ms

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        time.sleep(seconds)


def opened(path: Path, clock: ScriptedClock | None = None, run_id: str = "test") -> Store:
    clock = clock or ScriptedClock()
    return Store.open(path, now_ms=clock.now_ms, run_id=run_id, pause=clock.pause)


def a_signal(external_id: str = "1", *, source: str = "scanner", symbol: str = "BTCUSDT", **more: object) -> Signal:
    fields: dict[str, object] = {
        "side": Side.LONG,
        "made_at_ms": START_MS,
        "exits": ExitWish(parse_level("2%"), (parse_target("2R:0.5"), parse_target("4R:0.5"))),
        **more,
    }
    return Signal(source=source, external_id=external_id, symbol=symbol, **fields)  # type: ignore[arg-type]


def an_order(signal_id: int, signal: Signal, *, account_id: int = 1, **more: object) -> Order:
    fields: dict[str, object] = {
        "venue": "binance",
        "symbol": signal.symbol,
        "side": signal.side,
        "entry_type": signal.entry_type,
        "entry_price": signal.entry_price,
        "quantity": Decimal("0.5"),
        "exits": signal.exits,
        "terms": Terms(slippage_bps=Decimal(5), price_step=Decimal("0.01")),
        "placed_at": START_MS,
        "whole_from": START_MS + MINUTE_MS,
        "confidence": signal.confidence,
        "reason": signal.reason,
        "tags": signal.tags,
        **more,
    }
    return Order(account_id=account_id, epoch=1, signal_id=signal_id, signal_key=signal.key, **fields)  # type: ignore[arg-type]


def record(writer: Writer, *events: TradeEvent, before: Trade | None = None) -> None:
    """Record events of one trade at their own times."""
    known = {} if before is None else {before.id: before}
    writer.record([Recorded(event, getattr(event, "at_ms", START_MS)) for event in events], known)


def founded(writer: Writer, name: str = "main", cash: str = "10000") -> int:
    """Make an account with money; returns its number."""
    number = writer.next_account_id()
    made = AccountCreated(account_id=number, name=name, currency="USDT")
    paid = CashMoved(account_id=number, amount=Decimal(cash), note="opening")
    writer.record([Recorded(made, START_MS), Recorded(paid, START_MS)])
    return number


def stored(writer: Writer, signal: Signal) -> int:
    """Store a signal; returns its number."""
    number = writer.next_signal_id()
    writer.record([Recorded(SignalAdded(signal_id=number, signal=signal), START_MS)])
    return number


def entry(trade_id: int, order: Order, price: str = "100") -> EntryFilled:
    """Return the event of a trade entered at once."""
    quote = Quote(at_ms=order.placed_at, last=Decimal(price))
    event = enter_at_once(trade_id, order, Cause(rule="6 at once", raw_price=quote.last, quote=quote), quote.at_ms)
    assert isinstance(event, EntryFilled)
    return event


def entered(writer: Writer, signal: Signal, *, account_id: int = 1, price: str = "100", **more: object) -> int:
    """Store a signal and enter its trade; returns the trade's number."""
    signal_id, number = stored(writer, signal), writer.next_trade_id()
    record(writer, entry(number, an_order(signal_id, signal, account_id=account_id, **more), price))
    return number


def placed(writer: Writer, signal: Signal, *, account_id: int = 1, **more: object) -> int:
    """Store a signal with a limit or stop entry and place its trade; returns the trade's number."""
    signal_id, number = stored(writer, signal), writer.next_trade_id()
    order = an_order(signal_id, signal, account_id=account_id, **more)
    record(writer, TradePlaced(trade_id=number, order=order, reserve=Decimal("49"), fee=Decimal("0.049")))
    return number


def a_limit(external_id: str = "9", price: str = "98", **more: object) -> Signal:
    return a_signal(external_id, entry_type=EntryType.LIMIT, entry_price=Decimal(price), **more)


def a_candle(open_ms: int, low: str, high: str, open_: str = "100", close: str = "100") -> Candle:
    return Candle(
        open_ms=open_ms,
        interval_ms=MINUTE_MS,
        open=Decimal(open_),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
    )
