"""One trade through many candles: finds the next candle that reaches its armed prices and lets the rule decide.

In-memory half of catch-up. The finder may offer too much, never too little; what happens is decided by
`engine.touch` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from papertrade.engine.armed import Armed, reach
from papertrade.engine.conventions import DecidedBy
from papertrade.engine.market import Candle, Quote
from papertrade.engine.messages import TradeEvent
from papertrade.engine.touch import has_ambiguous_exit, touch
from papertrade.engine.trade import Trade


@dataclass(frozen=True, slots=True)
class Decided:
    """A trade after some candles, what happened, and candles in which finer ones would tell an order."""

    trade: Trade
    events: tuple[TradeEvent, ...]
    open_questions: tuple[Candle, ...] = ()


def through_candles(
    trade: Trade, candles: Sequence[Candle], finer: Mapping[int, Sequence[Candle]], since_ms: int = 0
) -> Decided:
    """Take a trade through candles in time order; those that end at or before `since_ms` are left out.

    `finer` maps a candle's open time to the finer candles inside it: empty where the venue has none. A
    candle that is not in it and that touched both sides is an open question. A trade that quotes decide stays as it is.
    """
    if trade.order.terms.convention.decides is DecidedBy.QUOTES:
        return Decided(trade, ())
    events: list[TradeEvent] = []
    questions: list[Candle] = []
    prices = reach(trade)
    for candle in candles:
        if candle.end_ms <= since_ms or not _reaches(prices, candle):
            continue
        trade, happened = touch(trade, candle, finer.get(candle.open_ms, ()))
        if not happened:
            continue
        events.extend(happened)
        if has_ambiguous_exit(happened) and candle.open_ms not in finer:
            questions.append(candle)
        if not trade.status.is_live:
            break
        prices = reach(trade)
    return Decided(trade, tuple(events), tuple(questions))


def through_quote(trade: Trade, quote: Quote) -> Decided:
    """Take a trade through a quote: of a blind stretch, or of any look where quotes decide."""
    after, events = touch(trade, quote)
    return Decided(after, events)


def _reaches(prices: Armed, candle: Candle) -> bool:
    return (
        (prices.below is not None and candle.low <= prices.below)
        or (prices.above is not None and candle.high >= prices.above)
        or (prices.at is not None and candle.open_ms >= prices.at)
    )
