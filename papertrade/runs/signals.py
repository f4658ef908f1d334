"""Keeping signals: give them numbers and names, store them, all or none, withdraw them, tell what became of them.

Trading them is in `opening.py`. The rule to keep: source and id stand for one idea for ever; the same pair with
other content is told to the caller and never written.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from papertrade.engine.messages import SignalAdded, SignalCancelled
from papertrade.engine.signal import Signal
from papertrade.engine.trade import Status, Trade
from papertrade.engine.values import dataclass, replace
from papertrade.errors import NotFound, Refused
from papertrade.store.rows import Recorded, SignalFilter, SignalRow
from papertrade.store.store import Reader, Store, Writer

NEW_ID = "\x00"
"""The id of a signal made on the spot: it becomes the signal's number when it is stored. Nobody can type it."""


class SignalStatus(StrEnum):
    """What became of a signal in one account; the first that holds."""

    LIVE = "live"
    CANCELLED = "cancelled"
    TRADED = "traded"
    EXPIRED = "expired"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Kept:
    """A signal with its number; one that was known may say something else than it says now."""

    id: int
    signal: Signal
    is_new: bool
    is_same: bool = True


@dataclass(frozen=True, slots=True)
class SignalView:
    """A stored signal with its trades of one account, oldest first."""

    row: SignalRow
    trades: tuple[tuple[int, Status], ...]
    status: SignalStatus


def keep(writer: Writer, signal: Signal) -> Kept:
    """Return the signal with the number and the id that it has or would get; nothing is written."""
    if signal.external_id != NEW_ID:
        known = writer.signal_known_as(signal.source, signal.external_id)
        if known is not None:
            return Kept(known.id, signal, is_new=False, is_same=signal.is_same_idea(known.signal))
    number = writer.next_signal_id()
    return Kept(number, _named(writer, signal, number), is_new=True)


def add_signals(store: Store, signals: Sequence[Signal], at_ms: int) -> tuple[Kept, ...]:
    """Store signals in one transaction; if one of them is known with other content, none is stored."""

    def write(writer: Writer) -> tuple[Kept, ...]:
        kept = tuple(keep(writer, signal) for signal in signals)
        if all(k.is_same for k in kept):
            new = (SignalAdded(signal_id=k.id, signal=k.signal) for k in kept if k.is_new)
            writer.record([Recorded(event, at_ms) for event in new])
        return kept

    return store.write(write)


def differs(signal: Signal) -> Refused:
    """Return the refusal of an id that already stands for another idea."""
    return Refused(
        f"signal `{signal.key}` already exists with other content",
        code="signal_differs",
        hint=f"papertrade signal show {signal.key}, or use another --id",
        details={"signal": signal.key},
    )


def cancel_signal(store: Store, signal_id: int, at_ms: int) -> bool:
    """Withdraw a signal; returns whether it was not withdrawn before. Raises Refused while it has a live trade."""

    def write(writer: Writer) -> bool:
        row = writer.signal(signal_id)
        if row is None:
            raise NotFound(f"signal `{signal_id}` does not exist", hint="papertrade signal list")
        for account in writer.accounts():
            trade = writer.live_trade_of(account.id, signal_id)
            if trade is not None:
                raise _still_live(row, trade, account.name)
        if not row.is_cancelled:
            writer.record([Recorded(SignalCancelled(signal_id=signal_id), at_ms)])
        return not row.is_cancelled

    return store.write(write)


def signal_views(reader: Reader, rows: Sequence[SignalRow], account_id: int, now_ms: int) -> tuple[SignalView, ...]:
    """Return signals with what became of them in an account; `now_ms` is the venue's time."""
    trades = reader.trades_of_signals(account_id, [row.id for row in rows])
    return tuple(SignalView(row, own := trades.get(row.id, ()), _status(row, own, now_ms)) for row in rows)


def signals_with(
    reader: Reader, wanted: SignalFilter, account_id: int, now_ms: int, statuses: frozenset[SignalStatus]
) -> tuple[tuple[SignalView, ...], int]:
    """Return the signals that match, newest first, and how many match without limit and page; no status is all."""
    if not statuses:
        page = reader.signals(wanted)
        return signal_views(reader, page.signals, account_id, now_ms), page.total
    everything = reader.signals(replace(wanted, before=None, limit=None)).signals
    matching = [v for v in signal_views(reader, everything, account_id, now_ms) if v.status in statuses]
    shown = [v for v in matching if wanted.before is None or v.row.id < wanted.before]
    return tuple(shown[: wanted.limit]), len(matching)


def _named(writer: Writer, signal: Signal, number: int) -> Signal:
    """Name a signal without an id by its number, or if somebody took that name, by the next one free."""
    if signal.external_id != NEW_ID:
        return signal
    name, tries = str(number), 1
    while writer.signal_known_as(signal.source, name) is not None:
        tries += 1
        name = f"{number}-{tries}"
    return replace(signal, external_id=name)


def _still_live(row: SignalRow, trade: Trade, account: str) -> Refused:
    action = "cancel" if trade.status is Status.PENDING else "close"
    return Refused(
        f"signal `{row.signal.key}` has trade `{trade.id}`, {trade.status}, in account `{account}`",
        code="still_live",
        hint=f"papertrade {action} {trade.id} --account {account}",
        details={"trade_id": trade.id, "status": str(trade.status)},
    )


def _status(row: SignalRow, trades: Sequence[tuple[int, Status]], now_ms: int) -> SignalStatus:
    expires_ms = row.signal.expires_at_ms
    if any(status.is_live for _, status in trades):
        return SignalStatus.LIVE
    if row.is_cancelled:
        return SignalStatus.CANCELLED
    if trades:
        return SignalStatus.TRADED
    return SignalStatus.EXPIRED if expires_ms is not None and expires_ms <= now_ms else SignalStatus.NEW
