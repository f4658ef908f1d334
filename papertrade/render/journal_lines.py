"""The journal as sentences: what happened, to which trade, at what price; one line for every kind of event.

Trades' events read like the lines of the watch. The rule to keep: every event of the journal has a sentence,
and adding a kind without one does not type-check.
"""

from __future__ import annotations

from typing import Final, assert_never

from papertrade.engine.guard_events import GuardActed, GuardsReset
from papertrade.engine.messages import (
    AccountCreated,
    CashMoved,
    CostCharged,
    EntryFilled,
    EpochStarted,
    ExitFilled,
    LevelsChanged,
    NewPeak,
    NoteAdded,
    Refused,
    SignalAdded,
    SignalCancelled,
    StopMoved,
    TagsChanged,
    TradeEnded,
    TradeFlagged,
    TradePlaced,
    TradeVoided,
    TrailsMoved,
)
from papertrade.engine.money import plain
from papertrade.engine.trade import Trade
from papertrade.engine.trails import moves_of
from papertrade.render.guard_lines import act_line, reset_text
from papertrade.render.numbers import signed_money
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_lines import change_line
from papertrade.store.rows import JournalRow

_LED_MAX: Final = 5


def journal_line(row: JournalRow, trade: Trade | None, account: str) -> list[Cell]:
    """Return the sentence of an event; `trade` is its trade right after it, `account` the name of its account."""
    event = row.event
    match event:
        case AccountCreated():
            return [Cell(f"account {event.name} created in {event.currency}")]
        case CashMoved():
            what = "deposited into" if event.amount > 0 else "withdrawn from"
            note = f": {event.note}" if event.note else ""
            return [Cell(f"{signed_money(event.amount)} {what} {account}{note}")]
        case EpochStarted():
            return [Cell(f"account {account} was reset, epoch {event.epoch} begins")]
        case SignalAdded():
            signal = event.signal
            price = (
                "at the market" if signal.entry_price is None else f"{signal.entry_type} {plain(signal.entry_price)}"
            )
            return [Cell(f"signal {event.signal_id} ({signal.key}): {signal.side} {signal.symbol} {price}")]
        case SignalCancelled():
            return [Cell(f"signal {event.signal_id} cancelled")]
        case NoteAdded():
            return [Cell(f"note {event.note_id}{_about(event)}: {event.text}")]
        case TrailsMoved():
            if trade is not None:
                *_, newest = moves_of(event)
                return change_line(newest, trade, None)
            return [Cell(f"{event.symbol} {'; '.join(_led(peak) for peak in event.peaks)}")]
        case GuardActed():
            return act_line(event)
        case GuardsReset():
            return [Cell(reset_text(event))]
        case Refused():
            return [Cell(f"refused {event.side} {event.symbol}"), Cell(f" {event.message}", Tone.WARNING)]
        case (
            TradePlaced()
            | EntryFilled()
            | ExitFilled()
            | CostCharged()
            | StopMoved()
            | TradeEnded()
            | TradeVoided()
            | LevelsChanged()
            | TradeFlagged()
            | TagsChanged()
        ):
            if trade is None:
                return [Cell(f"#{event.trade_id} {row.kind.replace('_', ' ')}")]
            return change_line(event, trade, None)
        case _:
            assert_never(event)


def _led(peak: NewPeak) -> str:
    """Say where a new peak led trails, of many the first few."""
    told = [f"#{led.trade_id} to {plain(led.trail_stop)}" for led in peak.led[:_LED_MAX]]
    more = [f"{len(peak.led) - _LED_MAX} more"] if len(peak.led) > _LED_MAX else []
    return f"new peak {plain(peak.price)} led the trail{'s'[: len(peak.led) - 1]} of {', '.join([*told, *more])}"


def _about(event: NoteAdded) -> str:
    if event.trade_id is not None:
        return f" on trade {event.trade_id}"
    if event.signal_id is not None:
        return f" on signal {event.signal_id}"
    return "" if event.symbol is None else f" on {event.symbol}"
