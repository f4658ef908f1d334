"""A trade as a row of its view and back, exactly.

The row is what SQLite holds (integers, text, two float hints), in the order of the table's columns, so that
the journal writes it, `check` compares it and the reader reads it without a second definition. Where a trail stands
has columns of its own beside the text of the exits, so that a new peak changes six cells and no text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

from papertrade.engine.armed import reach
from papertrade.engine.codec import decode, decode_many, encode
from papertrade.engine.market import Side
from papertrade.engine.money import plain
from papertrade.engine.signal import EntryType, ExitWish
from papertrade.engine.trade import ExitReason, Flag, Levels, Order, Ruling, Status, Terms, Trade, Trail
from papertrade.store.columns import hint_at_least, hint_at_most, optional_plain, units
from papertrade.store.schema import TRADE_STATE
from papertrade.store.tables import TRADE, TradeTable

RawRow: TypeAlias = tuple[int | str | float | None, ...]

_COLUMNS: Final = tuple(c.name for c in TRADE.columns)

INSERT_TRADE: Final = f"INSERT INTO trade ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
UPDATE_TRADE: Final = (
    f"UPDATE trade SET {', '.join(f'{c} = ?' for c in TRADE_STATE)} "
    "WHERE id = ? AND status = ? AND open_quantity = ? AND rulings = ? AND trail_peak IS ? AND tags = ? AND flags = ? "
    "AND funded_to_ms IS ? AND borrowed_to_ms IS ?"
)
_TRAIL_STATE: Final = (
    "applied_to_ms",
    "whole_from_ms",
    "armed_below",
    "armed_above",
    "armed_at",
    "trail_peak",
    "trail_stop",
)
UPDATE_TRAIL: Final = (
    f"UPDATE trade SET {', '.join(f'{c} = ?' for c in _TRAIL_STATE)} WHERE id = ? AND status = 'open' "
    f"AND {' AND '.join(f'{c} IS ?' for c in _TRAIL_STATE)}"
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
    rulings, trail = _resting(trade)
    return (
        trade.status,
        plain(trade.quantity),
        plain(trade.open_quantity),
        units(trade.reserve),
        encode(rulings),
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
        int(Flag.VOID in trade.flags),
        *_hints(trade),
        *_trail_cells(trail),
        units(trade.funding),
        units(trade.borrow_cost),
        units(trade.funding_left),
        trade.funded_to,
        trade.borrowed_to,
    )


def guard_row(trade: Trade) -> RawRow:
    """Return what an update expects to find: every event changes at least one of these."""
    rulings, trail = _resting(trade)
    peak = None if trail is None else optional_plain(trail.peak)
    state = (trade.status, plain(trade.open_quantity), encode(rulings), peak)
    return (*state, listed(trade.tags), listed(trade.flags), trade.funded_to, trade.borrowed_to)


def has_own_trail(trade: Trade) -> bool:
    """Whether a new peak changes no more of the trade's row than `trail_row` has: it has but one set of exits."""
    return _moving_trail(trade) is not None


def trail_row(trade: Trade) -> RawRow:
    """Return the part of a trade's row that a new peak changes, in the order of `UPDATE_TRAIL`."""
    return (trade.applied_to, trade.whole_from, *_hints(trade), *_trail_cells(_moving_trail(trade)))


def _hints(trade: Trade) -> tuple[float | None, float | None, int | None]:
    """Return the armed prices as the floats that the index searches by, and the armed instant."""
    prices = reach(trade)
    below = None if prices.below is None else hint_at_least(prices.below)
    above = None if prices.above is None else hint_at_most(prices.above)
    return below, above, prices.at


def _moving_trail(trade: Trade) -> Trail | None:
    """Return the trail that has columns of its own: it has begun, and no other exits may rule yet."""
    levels = trade.rulings[0].levels if len(trade.rulings) == 1 else None
    trail = None if levels is None else levels.trail
    return None if trail is None or trail.peak is None else trail


def _resting(trade: Trade) -> tuple[tuple[Ruling, ...], Trail | None]:
    """Return the exits with the trail as it was before it began, and where the trail stands."""
    trail, levels = _moving_trail(trade), trade.rulings[0].levels
    if trail is None or levels is None:
        return trade.rulings, None
    resting = Trail(trail.distance, trail.is_percent, trail.activation)
    return _with_trail(trade.rulings[0], levels, resting, trade.side), trail


def _with_trail(ruling: Ruling, levels: Levels, trail: Trail, side: Side) -> tuple[Ruling, ...]:
    moved = levels.with_stops(levels.own_stop, trail, levels.break_even, levels.after_first, side)
    return (Ruling(ruling.from_ms, ruling.wish, moved),)


def _trail_cells(trail: Trail | None) -> tuple[str | None, str | None]:
    return (None, None) if trail is None else (optional_plain(trail.peak), optional_plain(trail.stop))


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
        rulings=_rulings(row),
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
        funding=row.funding_u,
        borrow_cost=row.borrow_cost_u,
        funding_left=row.funding_left_u,
        funded_to=row.funded_to_ms,
        borrowed_to=row.borrowed_to_ms,
    )


def _rulings(row: TradeTable) -> tuple[Ruling, ...]:
    if row.trail_peak is None:
        return decode_many(Ruling, row.rulings)
    rulings = _resting_rulings(row.rulings)
    levels = rulings[0].levels if len(rulings) == 1 else None
    if levels is None or levels.trail is None:
        raise ValueError("a trail stands where there is none")
    resting = levels.trail
    trail = Trail(resting.distance, resting.is_percent, resting.activation, row.trail_peak, row.trail_stop)
    return _with_trail(rulings[0], levels, trail, Side(row.side))


@lru_cache(maxsize=16_384)  # what a watch reads at every new peak of a trade, and no new peak changes
def _resting_rulings(text: str) -> tuple[Ruling, ...]:
    return decode_many(Ruling, text)


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
