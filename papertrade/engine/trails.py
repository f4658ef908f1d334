"""New peaks for many trades at once: moves of trails pooled into one event of the journal, and taken apart again.

A tick that raises ten thousand trails writes an event for each instrument and not for each trade. What a move does
to a trade is `state.py`, which sees each one as the `StopMoved` that it was. The rule to keep: pooling loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias

from papertrade.engine.follow import NEW_PEAK
from papertrade.engine.market import Candle, Quote
from papertrade.engine.messages import Cause, NewPeak, StopMoved, TradeEvent, TrailLed, TrailsMoved

_Key: TypeAlias = tuple[int, Candle | Quote | None, Decimal]


def is_new_peak(event: TradeEvent) -> bool:
    """Whether all that happened is that a better price led a trail: what can be pooled."""
    return isinstance(event, StopMoved) and event.cause.rule == NEW_PEAK


def pooled(venue: str, symbol: str, moves: Sequence[StopMoved]) -> TrailsMoved:
    """Return one event for the new peaks of an instrument's trades; those of one trade stay in their order."""
    turns: dict[int, int] = {}
    peaks: dict[_Key, list[StopMoved]] = {}
    for move in moves:
        turn = turns[move.trade_id] = turns.get(move.trade_id, -1) + 1
        peaks.setdefault((turn, move.cause.candle or move.cause.quote, move.cause.raw_price), []).append(move)
    return TrailsMoved(
        venue=venue,
        symbol=symbol,
        peaks=tuple(
            NewPeak(
                price=price,
                candle=seen if isinstance(seen, Candle) else None,
                quote=seen if isinstance(seen, Quote) else None,
                led=tuple(_led(move) for move in led),
            )
            for (_, seen, price), led in sorted(peaks.items(), key=lambda item: item[0][0])
        ),
        at_ms=max(move.at_ms for move in moves),
    )


def moves_of(event: TrailsMoved, trade_id: int | None = None) -> Iterator[StopMoved]:
    """Yield the moves that were pooled, those of one trade in their order; `trade_id` asks for that trade's only."""
    for peak in event.peaks:
        from_ms, at_ms, applied_to = _instants(peak)
        for led in peak.led:
            if trade_id is not None and led.trade_id != trade_id:
                continue
            stop = led.trail_stop if led.stop is None else led.stop
            yield StopMoved(
                trade_id=led.trade_id,
                stop=stop,
                reason=led.reason,
                peak=peak.price,
                trail_stop=led.trail_stop,
                is_even=led.is_even,
                is_after_first=False,
                from_ms=from_ms,
                cause=Cause(rule=NEW_PEAK, raw_price=peak.price, level=stop, candle=peak.candle, quote=peak.quote),
                at_ms=at_ms,
                applied_to=applied_to,
            )


def _led(move: StopMoved) -> TrailLed:
    trail_stop = move.stop if move.trail_stop is None else move.trail_stop
    return TrailLed(
        trade_id=move.trade_id,
        trail_stop=trail_stop,
        stop=None if move.stop == trail_stop else move.stop,
        reason=move.reason,
        is_even=move.is_even,
    )


def _instants(peak: NewPeak) -> tuple[int, int, int]:
    """Return whose exits moved, when, and to where the trade is applied then: those of what showed the peak."""
    if peak.candle is not None:
        return peak.candle.open_ms, peak.candle.last_ms, peak.candle.end_ms
    if peak.quote is None:
        raise ValueError(f"new peak {peak.price} was shown by nothing")
    return peak.quote.at_ms, peak.quote.at_ms, peak.quote.at_ms
