"""The equity curve: what an account was worth at each full UTC hour and at each fill, in exact money.

Points come from steps in effective time (money that moved, open quantities that changed) and from closes of
final candles, never from polls. The rule to keep: at every point
equity = cash + reserved + unrealized = deposits - withdrawals + realized + unrealized, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from decimal import Decimal
from operator import attrgetter

from papertrade.engine.account import Book, Posting
from papertrade.engine.market import HOUR_MS, Side, first_whole_open
from papertrade.engine.money import CONTEXT, GRID, ZERO, exact
from papertrade.engine.trade import Trade
from papertrade.engine.values import dataclass
from papertrade.reports.marks import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyStep:
    """What one ledger transaction changed, in account money; `at_ms` is its effective time.

    `realized` is the change of -(RealizedPnL + Fees + Funding), `flow` a deposit (above 0) or withdrawal.
    """

    at_ms: int
    cash: Decimal = ZERO
    reserved: Decimal = ZERO
    realized: Decimal = ZERO
    flow: Decimal = ZERO

    def __post_init__(self) -> None:
        if CONTEXT.add(self.cash, self.reserved) != CONTEXT.add(self.realized, self.flow):
            raise ValueError(
                f"step at {self.at_ms} does not balance: cash `{self.cash}` + reserved `{self.reserved}` "
                f"must equal realized `{self.realized}` + flow `{self.flow}`"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingStep:
    """A fill: what is open of a trade after it (0 when it ended); `at_ms` is the fill's effective time."""

    at_ms: int
    trade_id: int
    venue: str
    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal


def money_step(at_ms: int, lines: Iterable[Posting]) -> MoneyStep:
    """Sum the postings of one event. Raises ValueError when they do not sum to zero."""
    sums = dict.fromkeys(Book, ZERO)
    with exact():
        for line in lines:
            sums[line.book] += line.amount
        return MoneyStep(
            at_ms=at_ms,
            cash=sums[Book.CASH],
            reserved=sums[Book.RESERVED],
            realized=-(sums[Book.REALIZED_PNL] + sums[Book.FEES] + sums[Book.FUNDING]),
            flow=-sums[Book.CAPITAL],
        )


def holding_step(at_ms: int, trade: Trade) -> HoldingStep:
    """Take what is open of a trade as it stands after the fill at `at_ms`. Raises ValueError before its entry."""
    return HoldingStep(
        at_ms=at_ms,
        trade_id=trade.id,
        venue=trade.order.venue,
        symbol=trade.order.symbol,
        side=trade.side,
        quantity=trade.open_quantity,
        entry_price=trade.entered_price,
    )


@dataclass(frozen=True, slots=True)
class History:
    """All steps of one account and epoch; steps of one instant are in journal order."""

    money: Sequence[MoneyStep]
    holdings: Sequence[HoldingStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """The account at one instant; `capital` is deposits - withdrawals so far.

    `unpriced` counts open trades valued at their entry because no close since then is known. `equity` is cash +
    reserved + unrealized.
    """

    at_ms: int
    cash: Decimal
    reserved: Decimal
    capital: Decimal
    realized: Decimal
    unrealized: Decimal
    unpriced: int = 0
    equity: Decimal = field(init=False)

    def __post_init__(self) -> None:
        equity = CONTEXT.add(CONTEXT.add(self.cash, self.reserved), self.unrealized)
        object.__setattr__(self, "equity", equity)


def equity_curve(
    history: History, prices: Prices, until_ms: int, from_ms: int | None = None
) -> tuple[EquityPoint, ...]:
    """Return the points from `from_ms` (None: the beginning) up to and including `until_ms`, oldest first.

    Fills of one millisecond share a point. Each point costs one price look-up per instrument held and a few
    operations per open trade; a later call can continue where an earlier one stopped.
    """
    replay = Valuation(history, prices)
    return tuple(replay.advance(at_ms) for at_ms in _instants(history, from_ms, until_ms))


def equity_at(history: History, prices: Prices, at_ms: int) -> EquityPoint:
    """Return the account at any instant, such as a local midnight; all zero before its first step."""
    return Valuation(history, prices).advance(at_ms)


def _instants(history: History, from_ms: int | None, until_ms: int) -> list[int]:
    starts = [*(step.at_ms for step in history.money), *(step.at_ms for step in history.holdings)]
    if not starts:
        return []
    first = min(starts) if from_ms is None else max(min(starts), from_ms)
    hours = range(first_whole_open(first, HOUR_MS), until_ms + 1, HOUR_MS)
    fills = (step.at_ms for step in history.holdings if first <= step.at_ms <= until_ms)
    return sorted({*hours, *fills})


@dataclass(slots=True)
class _Open:
    """An open trade during the replay."""

    side: Side
    quantity: Decimal
    entry_price: Decimal
    opened_at: int


class Valuation:
    """Applies steps in time order and values what is open; instants must not decrease.

    Steps may be added while it goes on, none before an instant that it has reached.
    """

    def __init__(self, history: History, prices: Prices) -> None:
        self._money = sorted(history.money, key=attrgetter("at_ms"))
        self._fills = sorted(history.holdings, key=attrgetter("at_ms"))
        self._prices = prices
        self._money_done = self._fills_done = 0
        self._cash = self._reserved = self._realized = self._capital = ZERO
        self._open: dict[tuple[str, str], dict[int, _Open]] = {}

    def add(self, money: MoneyStep | None, holding: HoldingStep | None) -> None:
        """Add what an event did; not before the steps that are there."""
        if money is not None:
            self._money.append(money)
        if holding is not None:
            self._fills.append(holding)

    def advance(self, at_ms: int) -> EquityPoint:
        """Apply every step up to and including the instant and return the account then."""
        with exact():
            self._move_money(at_ms)
            self._change_holdings(at_ms)
            unrealized, unpriced = self._value(at_ms)
        return EquityPoint(
            at_ms=at_ms,
            cash=self._cash,
            reserved=self._reserved,
            capital=self._capital,
            realized=self._realized,
            unrealized=unrealized,
            unpriced=unpriced,
        )

    def _move_money(self, at_ms: int) -> None:
        while self._money_done < len(self._money) and self._money[self._money_done].at_ms <= at_ms:
            step = self._money[self._money_done]
            self._cash += step.cash
            self._reserved += step.reserved
            self._realized += step.realized
            self._capital += step.flow
            self._money_done += 1

    def _change_holdings(self, at_ms: int) -> None:
        while self._fills_done < len(self._fills) and self._fills[self._fills_done].at_ms <= at_ms:
            step = self._fills[self._fills_done]
            self._fills_done += 1
            trades = self._open.setdefault((step.venue, step.symbol), {})
            before = trades.pop(step.trade_id, None)
            opened_at = step.at_ms if before is None else before.opened_at
            if step.quantity > 0:
                trades[step.trade_id] = _Open(step.side, step.quantity, step.entry_price, opened_at)
            if not trades:
                del self._open[step.venue, step.symbol]

    def _value(self, at_ms: int) -> tuple[Decimal, int]:
        """Return Σ unrealized, each trade rounded to the money grid as `Trade.unrealized` does, and how many
        trades had no close.

        A close from before a trade's entry says less about it than the entry itself, so such a trade counts
        with 0 instead of the jump between the two.
        """
        total = ZERO
        unpriced = 0
        for (venue, symbol), trades in self._open.items():
            mark = self._prices.at(venue, symbol, at_ms)
            for held in trades.values():
                if mark is None or mark.at_ms < held.opened_at:
                    unpriced += at_ms > held.opened_at
                    continue
                gain = ((mark.price - held.entry_price) * held.quantity).quantize(GRID)
                total += gain if held.side is Side.LONG else -gain
        return total, unpriced
