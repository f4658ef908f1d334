"""Small true stories for the store's tests: accounts, signals and trades made by the engine's own rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
    EpochStarted,
    LevelsChanged,
    NoteAdded,
    Refused,
    SignalAdded,
    SignalCancelled,
    StopMoved,
    TagsChanged,
    TradeEnded,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
)
from papertrade.engine.signal import EntryType, ExitWish, Signal, TrailWish, parse_level, parse_target
from papertrade.engine.touch import touch
from papertrade.engine.trade import Flag, Funding, Levels, Order, Ruling, Status, Terms, Trade
from papertrade.engine.trails import pooled
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


def doing(*changes: Callable[[Writer], object]) -> Callable[[Writer], None]:
    """Return one change that makes several."""

    def all_of_them(writer: Writer) -> None:
        for change in changes:
            change(writer)

    return all_of_them


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
    return a_signal(external_id, entry_type=EntryType.LIMIT, entry_price=Decimal(price), **more)  # type: ignore[arg-type]


def a_candle(open_ms: int, low: str, high: str, open_: str = "100", close: str = "100") -> Candle:
    return Candle(
        open_ms=open_ms,
        interval_ms=MINUTE_MS,
        open=Decimal(open_),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
    )


def touched_by(trade: Trade, candle: Candle) -> tuple[TradeEvent, ...]:
    """Return what a candle does to a trade."""
    return touch(trade, candle)[1]


def shown(writer: Writer, number: int, candle: Candle) -> None:
    """Show a candle to a trade and record what happens."""
    trade = writer.trades([number])[number]
    record(writer, *touched_by(trade, candle), before=trade)


def led(writer: Writer, numbers: Sequence[int], candle: Candle) -> None:
    """Show a candle that only makes a new peak to trades of one instrument, and record that as one event."""
    trades = writer.trades(numbers)
    moves = [event for trade in trades.values() for event in touched_by(trade, candle) if isinstance(event, StopMoved)]
    order = trades[numbers[0]].order
    writer.record([Recorded(pooled(order.venue, order.symbol, moves), candle.last_ms)], trades)


def trailing(distance: str) -> ExitWish:
    """Return a stop at 2 %, a target far away, and a trail that follows at a distance."""
    return ExitWish(parse_level("2%"), (parse_target("50%"),), trail=TrailWish(parse_level(distance)))


def led_trails(writer: Writer) -> None:
    """Let new peaks lead the trails of several trades at once, of two accounts, and one trail alone."""
    later = START_MS + MINUTE_MS
    near = entered(writer, a_signal("near trail", symbol="SOLUSDT", exits=trailing("1%")))
    far = entered(writer, a_signal("far trail", symbol="SOLUSDT", exits=trailing("5%")))
    other = entered(writer, a_signal("other trail", symbol="SOLUSDT", exits=trailing("3%")), account_id=2)
    led(writer, [near, far, other], a_candle(later, "99.5", "100.4"))
    levels = writer.trades([near])[near].ruling.levels
    ruling = Ruling(later + 3 * MINUTE_MS, trailing("1%"), levels)
    changed = LevelsChanged(trade_id=near, ruling=ruling, at_ms=later + MINUTE_MS, reason="the same once more")
    record(writer, changed, before=writer.trades([near])[near])
    led(writer, [near, far], a_candle(later + 2 * MINUTE_MS, "99.6", "100.5"))
    led(writer, [other], a_candle(later + 2 * MINUTE_MS, "99.6", "100.5"))
    shown(writer, far, a_candle(later + 3 * MINUTE_MS, "97", "99", "98.5", "98.5"))


def whole_book(writer: Writer) -> None:
    """Make a book with every kind of event and a trade in every state."""
    later = START_MS + MINUTE_MS
    main, second = founded(writer), founded(writer, "second", "500")
    stopped = entered(writer, a_signal("stopped", tags=("slow",), confidence=Decimal("0.8")))
    shown(writer, stopped, a_candle(later, "97", "101"))
    targeted = entered(writer, a_signal("both targets"))
    shown(writer, targeted, a_candle(later, "100", "104.5"))
    shown(writer, targeted, a_candle(later + MINUTE_MS, "100", "109", close="108"))
    partly = entered(writer, a_signal("one target", side=Side.SHORT, symbol="ETHUSDT"))
    shown(writer, partly, a_candle(later, "95.5", "100"))
    missed = placed(writer, a_limit("cancelled"), expires_at=later + MINUTE_MS)
    waiting = writer.trades([missed])[missed]
    ended = TradeEnded(
        trade_id=missed, status=Status.CANCELLED, released=waiting.reserve, why="by hand", at_ms=later, applied_to=later
    )
    record(writer, ended, before=waiting)
    late = placed(writer, a_limit("expired"), expires_at=later)
    shown(writer, late, a_candle(later, "99", "101"))
    placed(writer, a_limit("waiting", side=Side.SHORT, exits=ExitWish(), source="other"), account_id=second)
    filled = placed(writer, a_limit("filled"))
    shown(writer, filled, a_candle(later, "97.5", "101"))
    opened_trade = writer.trades([filled])[filled]
    ruling = Ruling(later + MINUTE_MS, ExitWish(), Levels(Decimal("90"), (), Decimal("0.5")))
    record(
        writer,
        LevelsChanged(trade_id=filled, ruling=ruling, at_ms=later, reason="wider"),
        TradeFlagged(trade_id=filled, flags=(Flag.UNVERIFIED,), at_ms=later),
        TagsChanged(trade_id=filled, tags=("kept", "swing")),
        before=opened_trade,
    )
    spare = stored(writer, a_signal("spare", source="other", expires_at_ms=later))
    writer.record(
        [
            Recorded(SignalCancelled(signal_id=spare), later),
            Recorded(
                NoteAdded(note_id=writer.next_note_id(), account_id=main, text="a bad day", tags=("mood",)), later
            ),
            Recorded(
                NoteAdded(
                    note_id=writer.next_note_id(),
                    account_id=main,
                    text="stopped too early",
                    trade_id=stopped,
                    signal_id=1,
                    symbol="BTCUSDT",
                    confidence=Decimal("0.25"),
                ),
                later,
            ),
            Recorded(
                Refused(
                    account_id=second,
                    code="insufficient_funds",
                    message="too little cash",
                    symbol="BTCUSDT",
                    side="long",
                    signal_key="scanner:spare",
                ),
                later,
            ),
            Recorded(EpochStarted(account_id=second, epoch=2), later),
        ]
    )


def held_at_a_cost(writer: Writer) -> None:
    """Hold a short trade that receives funding and pays interest, and end it by its stop."""
    terms = Terms(funding=Funding(Decimal("0.01"), 3 * MINUTE_MS), borrow=Decimal("0.05"), leverage=Decimal(5))
    exits = ExitWish(parse_level("10%"), (parse_target("2%:0.5"),))
    number = entered(writer, a_signal("held", side=Side.SHORT, symbol="ADAUSDT", exits=exits), terms=terms)
    for minute in range(1, 4):
        shown(writer, number, a_candle(START_MS + minute * MINUTE_MS, "99", "101"))
    shown(writer, number, a_candle(START_MS + 4 * MINUTE_MS, "97", "101"))
    shown(writer, number, a_candle(START_MS + 5 * MINUTE_MS, "99", "111"))
