"""Where each signal of a sweep is entered: placed and filled by the exact engine, once, before any exit is tried.

An entry does not depend on the exits, so one backtest without exits finds them all. Every signal is taken, with
a size that no result changes. The rule to keep: nothing here knows a target or a stop that is swept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import IntEnum
from typing import Final

from papertrade.engine.fills import filled_price
from papertrade.engine.market import Side
from papertrade.engine.messages import EntryFilled, Liquidity, TradePlaced
from papertrade.engine.money import CONTEXT, ZERO, exact, to_grid
from papertrade.engine.signal import EntryType, ExitWish, Signal, Size, SizeKind
from papertrade.engine.trade import Order, Trade
from papertrade.engine.values import dataclass, replace
from papertrade.runs.backtest import BacktestRequest, BacktestResult, RefusedSignal, backtest

SHARE_OF_CASH: Final = Decimal("0.1")
"""The notional of a signal whose size is no fixed one, as a part of the starting cash."""

_PLENTY: Final = Decimal(10) ** 15
_SOURCE: Final = "sweep"
_FIXED: Final = (SizeKind.QUANTITY, SizeKind.NOTIONAL)


class Beginning(IntEnum):
    """How much of the candle of its entry a trade sees."""

    WHOLE = 0
    """All of it: entered at its open."""
    CLOSE = 1
    """Its close alone: placed or entered inside it."""
    AFTER_LIMIT = 2
    """What comes after a limit that it swept over."""
    AFTER_STOP = 3
    """What comes after a stop entry that it swept over."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A signal's entry: the trade as it was filled, before anything ended it.

    `candle_open_ms` is the candle of the entry; `placed_price` what a waiting entry was placed for, None at market.
    """

    number: int
    signal: Signal
    order: Order
    fill: EntryFilled
    candle_open_ms: int
    beginning: Beginning
    placed_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """All entries, oldest first, the backtest that found them, and the signals that had none.

    `fixed` are all signals with the sizes of the model.
    `tied_up` is more than all trades together can ever hold or lose. `resized` counts the entries that got the
    fixed `notional`.
    """

    entries: tuple[Entry, ...]
    fixed: tuple[Signal, ...]
    result: BacktestResult
    refused: tuple[RefusedSignal, ...]
    never_filled: int
    tied_up: Decimal
    resized: int
    notional: Decimal


def find_entries(base: BacktestRequest) -> Entries:
    """Place every signal with its fixed size and no exits."""
    notional = fixed_notional(base.cash)
    fixed = tuple(fixed_signal(signal, number, notional) for number, signal in enumerate(base.signals))
    bare = [replace(signal, exits=ExitWish()) for signal in fixed]
    result = backtest(replace(base.unrestrained(), signals=bare, cash=_PLENTY, detail={}))
    trades = {trade.id: trade for trade in result.trades}
    entries = tuple(_entries(base.signals, result, trades))
    return Entries(
        entries=entries,
        fixed=fixed,
        result=result,
        refused=result.refused,
        never_filled=len(trades) - len(entries),
        tied_up=_tied_up(result),
        resized=sum(not is_fixed(entry.signal.size) for entry in entries),
        notional=notional,
    )


def fixed_notional(cash: Decimal) -> Decimal:
    """Return the notional of signals whose size is no fixed one."""
    return to_grid(CONTEXT.multiply(cash, SHARE_OF_CASH))


def is_fixed(size: Size | None) -> bool:
    """Whether a size needs no balance to be worked out."""
    return size is not None and size.kind in _FIXED


def fixed_signal(signal: Signal, number: int, notional: Decimal) -> Signal:
    """Give a signal a size that no result changes, and an identity that no other has."""
    size = signal.size if is_fixed(signal.size) else Size(SizeKind.NOTIONAL, notional)
    return replace(signal, source=_SOURCE, external_id=str(number), size=size)


def _entries(signals: Sequence[Signal], result: BacktestResult, trades: Mapping[int, Trade]) -> Iterator[Entry]:
    for booked in result.booked:
        fill = booked.event
        if not isinstance(fill, EntryFilled) or fill.cause.candle is None:
            continue
        order = trades[fill.trade_id].order
        number = int(order.signal_key.partition(":")[2])
        open_ms = fill.cause.candle.open_ms
        yield Entry(number, signals[number], order, fill, open_ms, _beginning(order, fill, open_ms), _placed(order))


def _beginning(order: Order, fill: EntryFilled, open_ms: int) -> Beginning:
    if open_ms < order.whole_from:
        return Beginning.CLOSE
    if fill.at_ms == open_ms:
        return Beginning.WHOLE
    return Beginning.AFTER_LIMIT if order.entry_type is EntryType.LIMIT else Beginning.AFTER_STOP


def _placed(order: Order) -> Decimal | None:
    """Return the price that a waiting order's levels were checked against when it was placed."""
    if order.entry_price is None:
        return None
    liquidity = Liquidity.MAKER if order.entry_type is EntryType.LIMIT else Liquidity.TAKER
    with exact():
        return filled_price(order.entry_price, order.side is Side.LONG, liquidity, order.terms)


def _tied_up(result: BacktestResult) -> Decimal:
    total = ZERO
    for booked in result.booked:
        match booked.event:
            case TradePlaced(reserve=reserve, fee=fee):
                total = CONTEXT.add(total, CONTEXT.add(reserve, fee))
            case EntryFilled(reserve=reserve, fee=fee):
                total = CONTEXT.add(total, CONTEXT.add(reserve, fee))
            case _:
                pass
    return total
