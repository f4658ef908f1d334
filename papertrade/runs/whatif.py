"""What the account's own entries would have come to with other exits, costs or conventions, over the same candles.

Entries stand as recorded: instant, price, quantity. Other exits leave out what was done by hand, for it was done
to the exits that there were. The rule to keep: with nothing changed the actual result comes back exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import tzinfo
from decimal import Decimal
from operator import itemgetter

from papertrade.engine.account import AccountBook, posted
from papertrade.engine.changes import ExitChange
from papertrade.engine.conventions import Convention
from papertrade.engine.entries import enter_at_once
from papertrade.engine.fills import fee_of, filled_price, paid_price, reserve_of
from papertrade.engine.instrument import unknown_instrument
from papertrade.engine.levels import Entered, check_rules, check_sides, resolve, with_rules
from papertrade.engine.market import Side
from papertrade.engine.messages import (
    EntryFilled,
    Liquidity,
    Refusal,
    TagsChanged,
    TradeEvent,
    TradeFlagged,
    TradePlaced,
    effective_ms,
)
from papertrade.engine.money import ZERO, exact, from_units
from papertrade.engine.signal import EntryType, ExitWish, Level
from papertrade.engine.trade import Order, Terms, Trade
from papertrade.engine.values import dataclass, replace
from papertrade.errors import PapertradeError
from papertrade.feeds.candle_series import CandleSeries
from papertrade.reports.metrics import MetricsReport
from papertrade.runs.backtest import BacktestResult, Booked
from papertrade.runs.backtest_report import equity_of, report_of
from papertrade.runs.candles_again import Span
from papertrade.runs.parity import NotComparable, why_not
from papertrade.runs.recorded_trades import Place, RecordedTrade
from papertrade.runs.replay import Replayed
from papertrade.runs.retell import Beginning
from papertrade.runs.stories import Story, Tracks, ambiguous_candles, tell
from papertrade.runs.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What is asked to be otherwise; None stays as it was. `fee_rate` is both maker's and taker's (0.001 = 0.1 %).

    `after_first`, where the stop goes once the first target is taken, counts where it is not kept; None takes it away.
    """

    exits: ExitChange | None = None
    after_first: Level | None = None
    keeps_after_first: bool = True
    fee_rate: Decimal | None = None
    slippage_bps: Decimal | None = None
    convention: Convention | None = None

    @property
    def is_none(self) -> bool:
        """Whether nothing is asked to be otherwise."""
        return not self.changes_exits and not self.changes_terms

    @property
    def changes_exits(self) -> bool:
        """Whether exits are."""
        return self.exits is not None or not self.keeps_after_first

    @property
    def changes_terms(self) -> bool:
        """Whether costs or the convention are."""
        return self.fee_rate is not None or self.slippage_bps is not None or self.convention is not None

    def terms(self, terms: Terms) -> Terms:
        """Return a trade's terms with what is otherwise."""
        return replace(
            terms,
            maker=terms.maker if self.fee_rate is None else self.fee_rate,
            taker=terms.taker if self.fee_rate is None else self.fee_rate,
            slippage_bps=terms.slippage_bps if self.slippage_bps is None else self.slippage_bps,
            convention=terms.convention if self.convention is None else self.convention,
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """One trade as it was and as it would have been."""

    actual: Trade
    other: Trade

    @property
    def differs(self) -> bool:
        """Whether its result is another."""
        return _result(self.actual) != _result(self.other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What trades came to: every figure, and what the open ones are worth at the last close."""

    report: MetricsReport
    unrealized: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """Both results over the same trades. `hand_made` counts the deeds by hand that other exits leave out.

    `failures` are the symbols whose candles could not be had.
    """

    pairs: tuple[Pair, ...]
    actual: Result
    other: Result
    left_out: tuple[NotComparable, ...] = ()
    hand_made: int = 0
    failures: Mapping[str, PapertradeError] = field(default_factory=dict)


def entered(trades: Sequence[RecordedTrade]) -> tuple[RecordedTrade, ...]:
    """Return the trades that have an entry."""
    return tuple(trade for trade in trades if trade.trade.entry_price is not None)


def spans_to_tell(trades: Sequence[RecordedTrade], alternative: Alternative, now_ms: int) -> dict[Place, list[Span]]:
    """Return the stretches of candles that are needed; other exits may last until now (the venue's, UTC ms)."""
    spans: dict[Place, list[Span]] = {}
    for trade in trades:
        if trade.no_promise is None:
            end = trade.until_ms if alternative.is_none else _horizon(trade, now_ms)
            spans.setdefault(trade.place, []).append((trade.from_ms, end))
    return spans


def whatif(
    trades: Sequence[RecordedTrade],
    alternative: Alternative,
    tracks: Tracks,
    world: World | None,
    account: AccountBook,
    zone: tzinfo,
) -> WhatIf:
    """Tell the entered trades otherwise, and compute every figure of both results in one way.

    `account` says what the account was opened with. Raises FeedError if finer candles cannot be asked for.
    """
    stories: dict[int, Story] = {}
    left_out = []
    for trade in trades:
        reason = why_not(trade, tracks)
        story = None if reason is not None else _story(trade, alternative, tracks)
        if isinstance(story, Story):
            stories[trade.trade.id] = story
        else:
            left_out.append(NotComparable(trade.trade.id, trade.trade.order.symbol, reason or story or ""))
    told = tell(stories, tracks, world)
    kept = [trade for trade in trades if trade.trade.id in told]
    series = {place.symbol: track.series for place, track in tracks.tracks.items() if len(track.series) > 0}
    actual = {trade.trade.id: Replayed(trade.trade, trade.events) for trade in kept}
    return WhatIf(
        pairs=tuple(Pair(trade.trade, told[trade.trade.id].trade) for trade in kept),
        actual=_result_of(actual, series, account, zone),
        other=_result_of(told, series, account, zone),
        left_out=tuple(left_out),
        hand_made=sum(_hand_made(trade) for trade in kept) if alternative.changes_exits else 0,
        failures={place.symbol: error for place, error in tracks.failures.items()},
    )


def _horizon(trade: RecordedTrade, now_ms: int) -> int:
    return now_ms if trade.horizon_ms is None else max(trade.horizon_ms, trade.until_ms)


def _hand_made(trade: RecordedTrade) -> int:
    return sum(not isinstance(deed, TradeFlagged | TagsChanged) for deed in trade.deeds)


def _story(trade: RecordedTrade, alternative: Alternative, tracks: Tracks) -> Story | str:
    """Return how to tell a trade otherwise, or why it cannot be entered so."""
    begin: Beginning | str = trade.begin if alternative.is_none else _begun(trade.begin, alternative)
    if isinstance(begin, str):
        return begin
    deeds = trade.deeds
    if alternative.changes_exits:
        deeds = tuple(deed for deed in deeds if isinstance(deed, TradeFlagged | TagsChanged))
    series = tracks.tracks[trade.place].series
    end_ms = series.end_ms if len(series) > 0 else trade.until_ms
    return Story(
        begin=begin,
        deeds=deeds,
        place=trade.place,
        until_ms=trade.until_ms if alternative.is_none else _horizon(trade, end_ms),
        unsettled=frozenset(candle.open_ms for candle in ambiguous_candles(trade.events)),
    )


def _begun(begin: Beginning, alternative: Alternative) -> Beginning | str:
    """Return the beginning of a trade with other exits and terms, or why they do not suit its entry."""
    order = begin.order
    if order is None:
        raise ValueError(f"trade {begin.trade_id} has no order")
    try:
        wish = _wished(order.exits, alternative)
    except ValueError as error:  # what is kept and what is new contradict each other: 2R and no stop
        return str(error)
    order = replace(order, exits=wish, terms=alternative.terms(order.terms))
    with exact():
        if isinstance(begin, EntryFilled):
            price = paid_price(begin.cause, order.side is Side.LONG, Liquidity.TAKER, order.terms)
            wrong = _wrong(order, price)
            return (
                wrong.message if wrong is not None else enter_at_once(begin.trade_id, order, begin.cause, begin.at_ms)
            )
        wrong = _wrong(order, order.waiting_price)
        if wrong is not None:
            return wrong.message
        return _placed(begin, order) if alternative.changes_terms else replace(begin, order=order)


def _placed(begin: TradePlaced, order: Order) -> TradePlaced:
    """Tie up what the same quantity takes at other costs."""
    liquidity = Liquidity.MAKER if order.entry_type is EntryType.LIMIT else Liquidity.TAKER
    price = filled_price(order.waiting_price, order.side is Side.LONG, liquidity, order.terms)
    return TradePlaced(
        trade_id=begin.trade_id,
        order=order,
        reserve=reserve_of(price, order.quantity, order.terms),
        fee=fee_of(price, order.quantity, order.terms.taker),
    )


def _wished(old: ExitWish, alternative: Alternative) -> ExitWish:
    change = ExitChange() if alternative.exits is None else alternative.exits
    return replace(
        old,
        stop=old.stop if change.keeps_stop else change.stop,
        targets=old.targets if change.keeps_targets else change.targets,
        trail=old.trail if change.keeps_trail else change.trail,
        break_even=old.break_even if change.keeps_break_even else change.break_even,
        time_limit=old.time_limit if change.keeps_time_limit else change.time_limit,
        after_first=old.after_first if alternative.keeps_after_first else alternative.after_first,
    )


def _wrong(order: Order, price: Decimal) -> Refusal | None:
    """Return why the exits do not suit an entry at a price."""
    levels = resolve(order.exits, order.side, price, order.terms.price_grid, order.quantity)
    wrong = check_sides(levels, order.side, price, "entry")
    if wrong is not None or order.exits.is_plain:
        return wrong
    entered = Entered(
        side=order.side,
        price=price,
        quantity=order.quantity,
        fee=fee_of(price, order.quantity, order.terms.taker),
        terms=order.terms,
        opened_at=order.placed_at,
        stop=levels.stop,
    )
    return check_rules(with_rules(levels, order.exits, entered), order.side, price, "entry", order.placed_at)


def _result(trade: Trade) -> tuple[object, ...]:
    return (trade.status, trade.exit_reason, trade.exit_price, trade.closed_at, trade.open_quantity, trade.realized)


def _result_of(
    told: Mapping[int, Replayed], series: Mapping[str, CandleSeries], account: AccountBook, zone: tzinfo
) -> Result:
    """Book all events in time order on an account of their own, and compute its figures."""
    booked = []
    book = account
    for at_ms, event in _in_time(told):
        book = posted(book, event)
        booked.append(Booked(at_ms, event, book))
    begins = [item.at_ms for item in booked[:1]] + [one.first_ms for one in series.values()]
    result = BacktestResult(
        opening=account,
        book=book,
        trades=tuple(again.trade for again in told.values()),
        refused=(),
        booked=tuple(booked),
        series=series,
        instruments={symbol: unknown_instrument(account.name, symbol, account.currency) for symbol in series},
        begins_ms=min(begins, default=0),
        ends_ms=max((one.end_ms for one in series.values()), default=0),
    )
    equity = equity_of(result)
    return Result(
        report=report_of(result, equity, zone=zone),
        unrealized=from_units(int(equity.unrealized[-1])) if len(equity.at_ms) > 0 else ZERO,
    )


def _in_time(told: Mapping[int, Replayed]) -> list[tuple[int, TradeEvent]]:
    """Return all events with their instants: at one instant exits first, then by trade, then in their own order.

    What happens to a trade in the candle of its own entry comes after that entry, and what its candle's open brings
    after what was done by hand within that candle.
    """
    dated: list[tuple[int, bool, int, int, TradeEvent]] = []
    for number, again in told.items():
        last_ms, is_late = 0, False
        for place, event in enumerate(again.events):
            at_ms = max(effective_ms(event, last_ms), last_ms)
            is_late = isinstance(event, TradePlaced | EntryFilled) or (is_late and at_ms == last_ms)
            last_ms = at_ms
            dated.append((at_ms, is_late, number, place, event))
    return [(at_ms, event) for at_ms, _, _, _, event in sorted(dated, key=itemgetter(0, 1, 2, 3))]
