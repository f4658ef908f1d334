"""A trade as a row of its view and back, exactly.

The row is what SQLite holds (integers, text, two float hints), in the order of the table's columns, so that
the journal writes it, `check` compares it and the reader reads it without a second definition.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

from papertrade.engine.armed import reach
from papertrade.engine.codec import decode, decode_many, encode
from papertrade.engine.market import Side
from papertrade.engine.money import plain
from papertrade.engine.signal import EntryType, ExitWish
from papertrade.engine.trade import ExitReason, Flag, Order, Ruling, Status, Terms, Trade
from papertrade.store.columns import hint_at_least, hint_at_most, optional_plain, units
from papertrade.store.schema import TRADE_STATE
from papertrade.store.tables import TRADE, TradeTable

RawRow: TypeAlias = tuple[int | str | float | None, ...]

_COLUMNS: Final = tuple(c.name for c in TRADE.columns)

INSERT_TRADE: Final = f"INSERT INTO trade ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
UPDATE_TRADE: Final = (
    f"UPDATE trade SET {', '.join(f'{c} = ?' for c in TRADE_STATE)} "
    "WHERE id = ? AND status = ? AND open_quantity = ? AND rulings = ? AND tags = ? AND flags = ?"
)


def trade_row(trade: Trade) -> RawRow:
    """Return the whole row of a trade."""
    order = trade.order
    return (
        trade.id,
        order.account_id,
        order.epoch,
        order.signal_id,
        order.signal_key,
        order.signal_key.partition(":")[0],
        order.venue,
        order.symbol,
        order.side,
        order.entry_type,
        optional_plain(order.entry_price),
        plain(order.quantity),
        _exits_text(order.exits),
        _terms_text(order.terms),
        order.placed_at,
        order.whole_from,
        order.expires_at,
        optional_plain(order.confidence),
        order.reason,
        listed(order.tags),
        listed(order.flags),
        *state_row(trade),
    )


def state_row(trade: Trade) -> RawRow:
    """Return the part of a trade's row that events change, without its number."""
    hints = reach(trade)
    return (
        trade.status,
        plain(trade.quantity),
        plain(trade.open_quantity),
        units(trade.reserve),
        encode(trade.rulings),
        trade.applied_to,
        trade.whole_from,
        listed(trade.tags),
        listed(trade.flags),
        optional_plain(trade.entry_price),
        trade.opened_at,
        optional_plain(trade.initial_stop),
        optional_plain(trade.liquidation_price),
        units(trade.entry_fee),
        units(trade.entry_fee_left),
        units(trade.fees),
        units(trade.slippage),
        units(trade.gross),
        units(trade.realized),
        plain(trade.exit_value),
        trade.exit_reason,
        trade.closed_at,
        int(trade.is_ambiguous),
        None if hints.below is None else hint_at_least(hints.below),
        None if hints.above is None else hint_at_most(hints.above),
        hints.at,
    )


def guard_row(trade: Trade) -> RawRow:
    """Return what an update expects to find: every event changes at least one of these."""
    return (trade.status, plain(trade.open_quantity), encode(trade.rulings), listed(trade.tags), listed(trade.flags))


def read_trade(row: TradeTable) -> Trade:
    """Return the trade of a row. Raises ValueError or TypeError if it cannot be one."""
    order = Order(
        account_id=row.account_id,
        epoch=row.epoch,
        signal_id=row.signal_id,
        signal_key=row.signal_key,
        venue=row.venue,
        symbol=row.symbol,
        side=Side(row.side),
        entry_type=EntryType(row.entry_type),
        entry_price=row.order_price,
        quantity=row.order_quantity,
        exits=_exits(row.exits),
        terms=_terms(row.terms),
        placed_at=row.placed_ms,
        whole_from=row.order_whole_from_ms,
        expires_at=row.expires_ms,
        confidence=row.confidence,
        reason=row.reason,
        tags=words(row.order_tags),
        flags=flags(row.order_flags),
    )
    return Trade(
        id=row.id,
        order=order,
        status=Status(row.status),
        quantity=row.quantity,
        open_quantity=row.open_quantity,
        reserve=row.reserve_u,
        rulings=decode_many(Ruling, row.rulings),
        applied_to=row.applied_to_ms,
        whole_from=row.whole_from_ms,
        tags=words(row.tags),
        flags=flags(row.flags),
        entry_price=row.entry_price,
        opened_at=row.opened_ms,
        initial_stop=row.initial_stop,
        liquidation_price=row.liquidation_price,
        entry_fee=row.entry_fee_u,
        entry_fee_left=row.entry_fee_left_u,
        fees=row.fees_u,
        slippage=row.slippage_u,
        gross=row.gross_u,
        realized=row.realized_u,
        exit_value=row.exit_value,
        exit_reason=None if row.exit_reason is None else ExitReason(row.exit_reason),
        closed_at=row.closed_ms,
        is_ambiguous=bool(row.is_ambiguous),
    )


# Thousands of trades share a handful of terms, wishes and tags.


@lru_cache(maxsize=256)
def _terms_text(terms: Terms) -> str:
    return encode(terms)


@lru_cache(maxsize=256)
def _exits_text(exits: ExitWish) -> str:
    return encode(exits)


@lru_cache(maxsize=256)
def listed(words: tuple[str, ...]) -> str:
    """Return the text of a list of words or flags."""
    return encode(words)


@lru_cache(maxsize=256)
def _terms(text: str) -> Terms:
    return decode(Terms, text)


@lru_cache(maxsize=256)
def _exits(text: str) -> ExitWish:
    return decode(ExitWish, text)


@lru_cache(maxsize=256)
def words(text: str) -> tuple[str, ...]:
    """Read a stored list of words."""
    return decode_many(str, text)


@lru_cache(maxsize=256)
def flags(text: str) -> tuple[Flag, ...]:
    """Read a stored list of flags."""
    return decode_many(Flag, text)
