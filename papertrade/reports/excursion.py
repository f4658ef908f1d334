"""How far the price went against a trade and for it while it lived, and how much of the best its exit kept.

Maximum adverse and favourable excursion (docs/semantics.md, section 9). The rule to keep: only prices that the
trade certainly lived through count, so a figure may be understated and never overstated.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Protocol

from papertrade.engine.market import Candle, Side
from papertrade.engine.money import HUNDRED, ZERO, canonical, exact, to_grid
from papertrade.engine.trade import Status, Trade
from papertrade.engine.values import dataclass
from papertrade.reports.metric import Metric, ratio, undefined

NOT_OBSERVED: Final = "not observed"
NO_STOP: Final = "it had no initial stop"
STILL_OPEN: Final = "it is still open"
NEVER_AHEAD: Final = "the price never moved in its favour"
_WORST_EFFICIENCY: Final = Decimal(-1)


@dataclass(frozen=True, slots=True)
class Between:
    """The extremes of the candles of a stretch, None without any; `is_whole` if no part of it is unknown."""

    low: Decimal | None
    high: Decimal | None
    is_whole: bool


class CandlesSeen(Protocol):
    """The final candles of one instrument that were seen."""

    def candle_at(self, at_ms: int) -> Candle | None:
        """Return the candle that contains an instant; None where there is none, or none is known."""
        ...

    def between(self, from_ms: int, to_ms: int) -> Between:
        """Return what the candles that open at or after `from_ms` and end by `to_ms` reached.

        What the venue has no candles for is known, and nothing.
        """
        ...

    def last_end(self, at_ms: int) -> int:
        """Return where the newest candle that can have ended by an instant ends."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A trade's time in the market: entered at `opened_at`, left at `until_ms` or, if still open, seen until then.

    `certain` are prices it met whatever the candles say: those of its exits, and those that its stops followed.
    """

    entry_price: Decimal
    opened_at: int
    until_ms: int
    is_over: bool
    certain: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """The lowest and the highest price of a stay, the entry among them."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Excursion:
    """What a trade went through: money before fees for its whole quantity, percent of the entry, and R.

    `mae` figures are 0 or below, `mfe` figures 0 or above. `efficiency` is the realised move as a share of the
    best one, 1 for an exit at the best price, never below -1.
    """

    mae: Metric
    mae_percent: Metric
    mae_r: Metric
    mfe: Metric
    mfe_percent: Metric
    mfe_r: Metric
    efficiency: Metric

    @property
    def named(self) -> Mapping[str, Metric]:
        """The figures by the names that scripts know them by."""
        return {
            "mae": self.mae,
            "mae_percent": self.mae_percent,
            "mae_r": self.mae_r,
            "mfe": self.mfe,
            "mfe_percent": self.mfe_percent,
            "mfe_r": self.mfe_r,
            "exit_efficiency": self.efficiency,
        }


def stay_of(trade: Trade, exit_prices: tuple[Decimal, ...], until_ms: int) -> Stay | None:
    """Return a trade's time in the market, None if it was never entered; `until_ms` is how far an open one was seen."""
    if trade.entry_price is None or trade.opened_at is None:
        return None
    return Stay(
        entry_price=trade.entry_price,
        opened_at=trade.opened_at,
        until_ms=until_ms if trade.closed_at is None else trade.closed_at,
        is_over=trade.closed_at is not None,
        certain=(*exit_prices, *followed_prices(trade)),
    )


def followed_prices(trade: Trade) -> tuple[Decimal, ...]:
    """Return the prices that a trade's stops have followed: peaks of its trails, triggers that were reached."""
    found: list[Decimal] = []
    for ruling in trade.rulings:
        levels = ruling.levels
        if levels is None or not levels.has_moving_stop:
            continue
        if levels.trail is not None and levels.trail.peak is not None:
            found.append(levels.trail.peak)
        if levels.break_even is not None and levels.break_even.is_armed:
            found.append(levels.break_even.trigger)
    return tuple(found)


def reached(stay: Stay, seen: CandlesSeen) -> Reached | None:
    """Return the extremes that a stay certainly met; None where a stretch of it is not known.

    Of the candle in which it was entered, after its open, only the close counts; of the one in which it ended, its
    open if the trade was there by then. What it lived through whole counts whole.
    """
    prices = [stay.entry_price, *stay.certain]
    start, end = stay.opened_at, stay.until_ms
    first = seen.candle_at(stay.opened_at)
    if first is not None and first.open_ms != stay.opened_at:
        start = first.end_ms
        if stay.until_ms > first.last_ms:
            prices.append(first.close)
    last = seen.candle_at(stay.until_ms) if stay.is_over else None
    if last is not None:
        end = last.open_ms
        if stay.until_ms == last.last_ms and last.open_ms >= start:
            prices.append(last.open)
    else:
        end = seen.last_end(stay.until_ms)
    if start < end:
        lived = seen.between(start, end)
        if not lived.is_whole:
            return None
        prices += [price for price in (lived.low, lived.high) if price is not None]
    return Reached(min(prices), max(prices))


def excursion(trade: Trade, met: Reached | None) -> Excursion | None:
    """Return the figures of a trade, None if it was never entered; undefined ones say why."""
    if trade.entry_price is None:
        return None
    if met is None:
        none = undefined(NOT_OBSERVED)
        return Excursion(
            mae=none, mae_percent=none, mae_r=none, mfe=none, mfe_percent=none, mfe_r=none, efficiency=none
        )
    entry = trade.entry_price
    with exact():
        against, ahead = met.low - entry, met.high - entry
        if trade.side is Side.SHORT:
            against, ahead = -ahead, -against
        risk = ZERO if trade.initial_stop is None else abs(entry - trade.initial_stop)
        return Excursion(
            mae=_money(against * trade.quantity),
            mae_percent=ratio(against * HUNDRED, entry, NOT_OBSERVED),
            mae_r=ratio(against, risk, NO_STOP),
            mfe=_money(ahead * trade.quantity),
            mfe_percent=ratio(ahead * HUNDRED, entry, NOT_OBSERVED),
            mfe_r=ratio(ahead, risk, NO_STOP),
            efficiency=_efficiency(trade, ahead),
        )


def _efficiency(trade: Trade, ahead: Decimal) -> Metric:
    if trade.status is not Status.CLOSED:
        return undefined(STILL_OPEN)
    realised = (trade.exit_value - trade.entered_price * trade.quantity) * trade.side.sign
    share = ratio(realised, ahead * trade.quantity, NEVER_AHEAD)
    return share if share.value is None or share.value >= _WORST_EFFICIENCY else Metric(_WORST_EFFICIENCY)


def _money(amount: Decimal) -> Metric:
    return Metric(canonical(to_grid(amount)))
