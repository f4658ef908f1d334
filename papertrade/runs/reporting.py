"""The inputs of every report, filled from the store: histories, prices, marks, the day so far.

One home for what `board`, `portfolio`, `metrics`, `equity`, `account` and `export` compute from, so that they
never show two different numbers. Reads only, and imports nothing of weight until metrics are asked for. The
rule to keep: what is shown of an account is what its present epoch made, unless an older one is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import tzinfo
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

from papertrade.engine.account import AccountBook, Posting
from papertrade.engine.instants import start_of_day
from papertrade.engine.money import ZERO, exact
from papertrade.engine.trade import Status, Trade
from papertrade.engine.values import dataclass, replace
from papertrade.errors import NotFound
from papertrade.reports.equity import EquityPoint, History, HoldingStep, equity_at, equity_curve, money_step
from papertrade.reports.marks import Closes, HoldingKey, Mark, StoredCloses, marks_of
from papertrade.reports.metric import Metric
from papertrade.reports.portfolio import Portfolio, Today, portfolio
from papertrade.store.rows import AccountRow, EventFilter, FillRow, TradeFilter
from papertrade.store.store import Reader


@dataclass(frozen=True, slots=True)
class Standpoint:
    """From when and where a report looks: the venue's time, and the zone whose days count.

    `offset_ms` is how far that time is ahead of the local clock, which stamps what is recorded.
    """

    now_ms: int
    zone: tzinfo
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of an account: the events after `after_seq`, up to `until_seq` (None: the newest)."""

    number: int
    after_seq: int
    until_seq: int | None = None

    def has(self, seq: int) -> bool:
        """Whether an event belongs to the epoch."""
        return seq > self.after_seq and (self.until_seq is None or seq <= self.until_seq)


@dataclass(frozen=True, slots=True)
class Curve:
    """Equity points, and the account just before the first of them when the curve begins later than it."""

    points: tuple[EquityPoint, ...]
    opening: EquityPoint | None = None

    @property
    def whole(self) -> tuple[EquityPoint, ...]:
        """The points with the opening before them."""
        return self.points if self.opening is None else (self.opening, *self.points)

    @property
    def base(self) -> Decimal:
        """What the curve began with: the equity before it, or of one from the beginning on the first capital."""
        if self.opening is not None:
            return self.opening.equity
        return self.points[0].capital if self.points else ZERO

    @property
    def gain(self) -> Decimal:
        """How the equity changed to the last point, without deposits and withdrawals; 0 without any.

        A curve from the beginning counts from there: the first point is after the first fill has been paid for.
        """
        if not self.whole:
            return ZERO
        last = self.whole[-1]
        with exact():
            before = ZERO if self.opening is None else self.opening.equity - self.opening.capital
            return (last.equity - last.capital) - before


@dataclass(frozen=True, slots=True)
class Lag:
    """Live instruments that are not caught up: how many, since when (UTC ms; None if never looked at)."""

    instruments: int
    since_ms: int | None
    broken: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """One account with what it is worth; `counts` and `drawdown` (None: not asked for) are of its present epoch."""

    account: AccountRow
    book: AccountBook
    portfolio: Portfolio
    counts: Mapping[Status, int]
    drawdown: Metric | None = None


def present_ms(reader: Reader, venue: str, local_ms: int) -> int:
    """Return the venue's time: the local clock with the offset measured last."""
    offset_ms = reader.venue_state(venue).clock_offset_ms
    return local_ms if offset_ms is None else local_ms + offset_ms


def epoch_of(reader: Reader, account: AccountRow, number: int | None = None) -> Epoch:
    """Return an epoch by its number, the present one for None. Raises NotFound."""
    if number is None or number == account.epoch:
        return Epoch(account.epoch, account.epoch_seq)
    if not 1 <= number < account.epoch:
        raise NotFound(
            f"account `{account.name}` has no epoch `{number}`",
            hint=f"it has epochs 1 to {account.epoch}"
            if account.epoch > 1
            else "it was never reset: leave --epoch out",
        )
    begun = reader.events(EventFilter(account_id=account.id, kinds=("epoch_started",)))
    starts = [0, *(row.seq for row in begun)]
    return Epoch(number, starts[number - 1], _last_of_epoch(reader, account, starts[number]))


def _last_of_epoch(reader: Reader, account: AccountRow, next_start: int) -> int:
    """Return the last event before a reset; that it took all cash out to begin anew is no part of the past."""
    wanted = EventFilter(account_id=account.id, after_seq=next_start - 2, kinds=("cash_moved",), limit=1)
    emptied = any(row.seq == next_start - 1 for row in reader.events(wanted))
    return next_start - 2 if emptied else next_start - 1


def history(reader: Reader, account: AccountRow, epoch: Epoch) -> History:
    """Return every step of one epoch: money that moved, and what each fill left open; void trades never were."""
    void = frozenset(reader.void_trades(account, epoch.number))
    rows = [
        row
        for row in reader.ledger(account_id=account.id, after_seq=epoch.after_seq)
        if epoch.has(row.event_seq) and row.trade_id not in void
    ]
    money = [
        money_step(effective_ms, [Posting(row.book, row.amount) for row in lines])
        for (_, effective_ms), lines in groupby(rows, key=attrgetter("event_seq", "effective_ms"))
    ]
    if money:
        # The opening balance is written before the venue's clock is known; nothing of the epoch happened before it.
        money[0] = replace(money[0], at_ms=min(step.at_ms for step in money))
    fills = reader.fills(account_id=account.id, after_seq=epoch.after_seq)
    return History(
        money, holding_steps(fill for fill in fills if epoch.has(fill.event_seq) and fill.trade_id not in void)
    )


def holding_steps(fills: Iterable[FillRow]) -> list[HoldingStep]:
    """Return what is open of its trade after each fill; all fills of a trade, from its entry on, in journal order.

    A candle may end at its open what was closed in part by hand within it: such a step stands at the later instant.
    """
    entries: dict[int, Decimal] = {}
    left: dict[int, Decimal] = {}
    latest: dict[int, int] = {}
    steps = []
    with exact():
        for fill in fills:
            if fill.leg == "entry":
                entries[fill.trade_id], left[fill.trade_id] = fill.price, fill.quantity
            else:
                left[fill.trade_id] -= fill.quantity
            latest[fill.trade_id] = max(fill.at_ms, latest.get(fill.trade_id, fill.at_ms))
            steps.append(
                HoldingStep(
                    at_ms=latest[fill.trade_id],
                    trade_id=fill.trade_id,
                    venue=fill.venue,
                    symbol=fill.symbol,
                    side=fill.trade_side,
                    quantity=left[fill.trade_id],
                    entry_price=entries[fill.trade_id],
                )
            )
    return steps


def stored_closes(reader: Reader, steps: History, until_ms: int) -> StoredCloses:
    """Return the stored prices of every instrument that was held, from its first fill on."""
    first: dict[tuple[str, str], int] = {}
    for step in steps.holdings:
        place = (step.venue, step.symbol)
        first[place] = min(first.get(place, step.at_ms), step.at_ms)
    series = {}
    for (venue, symbol), since_ms in first.items():
        points = reader.prices(venue, symbol, since_ms, until_ms + 1)
        series[venue, symbol] = Closes([p.at_ms for p in points], [p.price for p in points])
    return StoredCloses(series)


def curve(reader: Reader, account: AccountRow, epoch: Epoch, until_ms: int, since_ms: int | None = None) -> Curve:
    """Return the equity curve of an epoch from `since_ms` (not included) on, or from its beginning."""
    steps = history(reader, account, epoch)
    if epoch.until_seq is not None and steps.money:
        until_ms = min(until_ms, max(step.at_ms for step in steps.money))
    prices = stored_closes(reader, steps, until_ms)
    begins = min((step.at_ms for step in steps.money), default=until_ms)
    if since_ms is None or since_ms <= begins:
        return Curve(equity_curve(steps, prices, until_ms))
    return Curve(equity_curve(steps, prices, until_ms, since_ms + 1), equity_at(steps, prices, since_ms))


def today(reader: Reader, account: AccountRow, view: Standpoint) -> Today:
    """Return what happened since the day began; the past is summed by the database, not replayed."""
    start_ms = start_of_day(view.now_ms, view.zone)
    _, profit = reader.closed_profit(account, start_ms, view.now_ms)
    opening = as_it_was(reader, account, start_ms)
    book = reader.account_book(account)
    with exact():
        return Today(
            pnl=profit,
            flow=book.capital - opening.capital,
            opening_equity=opening.equity if opening.unpriced == 0 else None,
        )


def as_it_was(reader: Reader, account: AccountRow, at_ms: int) -> EquityPoint:
    """Return an account just before an instant; the past is summed by the database, not replayed."""
    before = money_step(at_ms, reader.postings_before(account, at_ms))
    held = History([before], holding_steps(reader.fills_held_at(account, at_ms)))
    return equity_at(held, _Lookup(reader), at_ms)


def stored_marks(reader: Reader) -> dict[HoldingKey, Mark]:
    """Return the marks of both sides from the last quotes seen."""
    return marks_of({(stored.venue, stored.symbol): stored.quote for stored in reader.quotes()})


def portfolio_of(reader: Reader, account: AccountRow, view: Standpoint, shown: TradeFilter | None = None) -> Portfolio:
    """Value an account at the stored marks; `shown` picks whose holdings are listed, the sums are of all."""
    book = reader.account_book(account)
    live = reader.live_trades(account_id=account.id)
    picked = None if shown is None else [trade for trade in live if _is_wanted(trade, shown)]
    return portfolio(book, live, stored_marks(reader), today(reader, account, view), picked)


def overviews(reader: Reader, view: Standpoint) -> tuple[Overview, ...]:
    """Return every account with what it is worth and how far it fell, oldest first."""
    return tuple(overview(reader, account, view, with_drawdown=True) for account in reader.accounts())


def overview(reader: Reader, account: AccountRow, view: Standpoint, *, with_drawdown: bool = False) -> Overview:
    """Return one account with what it is worth, and on request with its deepest fall, which takes its whole past."""
    return Overview(
        account=account,
        book=reader.account_book(account),
        portfolio=portfolio_of(reader, account, view),
        counts=reader.trade_counts(account),
        drawdown=_deepest_fall(reader, account, view) if with_drawdown else None,
    )


def _deepest_fall(reader: Reader, account: AccountRow, view: Standpoint) -> Metric:
    """Return the maximum drawdown of the present epoch as `metrics` has it: a fraction, 0 or below."""
    from papertrade.reports.drawdown import drawdown
    from papertrade.reports.returns import series_of

    return drawdown(series_of(curve(reader, account, epoch_of(reader, account), view.now_ms).points)).max_drawdown


def live_lag(reader: Reader, now_ms: int, allowed_ms: int) -> Lag | None:
    """Return how far live trades are behind, None while all were caught up less than `allowed_ms` ago."""
    behind: list[int | None] = []
    broken: list[int] = []
    for live in reader.live_instruments():
        ends = [aside.from_ms for aside in live.set_aside]
        broken += [aside.trade_id for aside in live.set_aside if aside.error]
        if live.watermark is not None:
            ends.append(live.watermark.end_ms)
        oldest = min(ends, default=None)
        if oldest is None or now_ms - oldest > allowed_ms:
            behind.append(oldest)
    if not behind:
        return None
    known = [end for end in behind if end is not None]
    return Lag(len(behind), min(known, default=None), tuple(sorted(broken)))


def books_of(steps: History, account: AccountRow, epoch: Epoch) -> AccountBook:
    """Return what the books of an epoch added up to at its end."""
    with exact():
        return AccountBook(
            account_id=account.id,
            name=account.name,
            currency=account.currency,
            epoch=epoch.number,
            cash=sum((step.cash for step in steps.money), ZERO),
            reserved=sum((step.reserved for step in steps.money), ZERO),
            capital=sum((step.flow for step in steps.money), ZERO),
            realized=sum((step.realized for step in steps.money), ZERO),
        )


def _is_wanted(trade: Trade, wanted: TradeFilter) -> bool:
    """Whether a live trade passes the filters that name what it is about."""
    order = trade.order
    return (
        wanted.symbol in (None, order.symbol)
        and wanted.source in (None, order.signal_key.partition(":")[0])
        and (wanted.tag is None or wanted.tag in trade.tags)
        and wanted.side in (None, trade.side)
    )


@dataclass(slots=True)
class _Lookup:
    """`Prices` asked of the store one by one: for a few instruments at one instant."""

    reader: Reader
    known: dict[tuple[str, str, int], Mark | None] = field(default_factory=dict)

    def at(self, venue: str, symbol: str, at_ms: int) -> Mark | None:
        """Return the newest stored price at or before the instant; None when none is known."""
        key = (venue, symbol, at_ms)
        if key not in self.known:
            point = self.reader.price_at(venue, symbol, at_ms)
            self.known[key] = None if point is None else Mark(point.price, point.at_ms)
        return self.known[key]
