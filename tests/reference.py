"""A second account, kept with fractions and nothing of the program's: what the commands print must be its numbers.

It is told what was deposited and which fills there were, and works out cash, equity, holdings and the statistics
from them alone. The rule to keep: it imports nothing from papertrade.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

UNIT = Fraction(1, 10**8)
Row = Mapping[str, object]


@dataclass
class Position:
    """One trade: what was bought or sold first, and what has left since."""

    symbol: str
    sign: int
    entry: Fraction
    quantity: Fraction
    reserve: Fraction
    entry_fee: Fraction
    left: Fraction = field(init=False)
    reserve_left: Fraction = field(init=False)
    fee_left: Fraction = field(init=False)
    fees: Fraction = Fraction(0)
    realized: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        self.left, self.reserve_left, self.fee_left = self.quantity, self.reserve, self.entry_fee
        self.fees = self.entry_fee

    @property
    def is_closed(self) -> bool:
        return self.left == 0

    def leaves(self, quantity: Fraction, price: Fraction, fee: Fraction) -> Fraction:
        """Close a part and return what comes back as cash."""
        is_last = quantity == self.left
        share = self.reserve_left if is_last else half_even(self.reserve_left * quantity / self.left)
        part = self.fee_left if is_last else half_even(self.fee_left * quantity / self.left)
        gross = max(half_even((price - self.entry) * self.sign * quantity), fee - share)
        self.left -= quantity
        self.reserve_left -= share
        self.fee_left -= part
        self.fees += fee
        self.realized += gross - fee - part
        return share + gross - fee


@dataclass
class ReferenceAccount:
    """An account that believes only in deposits and fills; waiting orders tie up what they are told to."""

    capital: Fraction = Fraction(0)
    cash: Fraction = Fraction(0)
    waiting: Fraction = Fraction(0)
    positions: dict[int, Position] = field(default_factory=dict)

    def moved(self, amount: Fraction) -> None:
        """Deposit, or withdraw with an amount below 0."""
        self.capital += amount
        self.cash += amount

    def waits(self, tied_up: Fraction) -> None:
        """Tie up cash for an order that waits now."""
        self.waiting += tied_up
        self.cash -= tied_up

    def filled(self, row: Row, leverage: Fraction) -> None:
        """Apply a row of the exported fills."""
        trade, price, quantity = int(str(row["trade_id"])), number(row["price"]), number(row["quantity"])
        fee = ceil_unit(price * quantity * number(row["fee_rate"]))
        if row["leg"] == "entry":
            sign = 1 if row["side"] == "buy" else -1
            reserve = half_even(price * quantity / leverage)
            self.positions[trade] = Position(str(row["symbol"]), sign, price, quantity, reserve, fee)
            self.cash -= reserve + fee
            return
        self.cash += self.positions[trade].leaves(quantity, price, fee)

    @property
    def reserved(self) -> Fraction:
        return sum((p.reserve_left for p in self.positions.values()), self.waiting)

    def unrealized(self, marks: Mapping[tuple[str, int], Fraction]) -> Fraction:
        """Return the gross profit of what is open, by symbol and side."""
        return sum(
            (half_even((marks[p.symbol, p.sign] - p.entry) * p.sign * p.left) for p in self.open_positions()),
            Fraction(0),
        )

    def open_positions(self) -> list[Position]:
        return [p for p in self.positions.values() if not p.is_closed]

    def closed_positions(self) -> list[Position]:
        return [p for p in self.positions.values() if p.is_closed]

    def holdings(self) -> dict[tuple[str, int], tuple[Fraction, Fraction]]:
        """Return quantity and average entry by symbol and side."""
        sums: dict[tuple[str, int], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
        for p in self.open_positions():
            sums[p.symbol, p.sign][0] += p.left
            sums[p.symbol, p.sign][1] += p.left * p.entry
        return {key: (quantity, cost / quantity) for key, (quantity, cost) in sums.items()}

    def statistics(self) -> dict[str, Fraction | int | None]:
        """Return the counts and sums of semantics 9 over the closed trades; None is undefined."""
        results = [p.realized for p in self.closed_positions()]
        wins, losses = [r for r in results if r > 0], [r for r in results if r < 0]
        decided = len(wins) + len(losses)
        return {
            "total_trades": len(results),
            "winning_trades": len(wins),
            "losing_trades": len(losses),
            "break_even_trades": len(results) - decided,
            "net_profit": sum(results, Fraction(0)),
            "gross_profit": sum(wins, Fraction(0)),
            "gross_loss": -sum(losses, Fraction(0)),
            "win_rate": Fraction(len(wins), decided) if decided else None,
            "profit_factor": sum(wins, Fraction(0)) / -sum(losses, Fraction(0)) if losses else None,
            "expectancy": sum(results, Fraction(0)) / len(results) if results else None,
        }


def differences(
    account: ReferenceAccount, portfolio: Row, metrics: Row, trades: Sequence[Row], cash: Fraction
) -> list[str]:
    """Return where what was printed is not what the account says; `cash` is the sum of the exported ledger."""
    wallet, summary = section(portfolio, "wallet"), section(portfolio, "summary")
    holdings = rows(portfolio, "holdings")
    marks = {(str(h["symbol"]), sign_of(h)): number(h["current_price"]) for h in holdings}
    unrealized = account.unrealized(marks)
    equity = account.cash + account.reserved + unrealized
    pairs: list[tuple[str, object, Fraction]] = [
        ("ledger cash", cash, account.cash),
        ("total_cash", summary["total_cash"], account.cash),
        ("reserved", wallet["reserved"], account.reserved),
        ("total_unrealized_pnl", summary["total_unrealized_pnl"], unrealized),
        ("total_portfolio_value", summary["total_portfolio_value"], equity),
        ("cash_balance", section(metrics, "account_summary")["cash_balance"], account.cash),
        ("equity identity", equity, account.capital + number(wallet["balance"]) - account.capital + unrealized),
    ]
    found = [f"{name}: printed {said}, is {float(is_)}" for name, said, is_ in pairs if number(said) != is_]
    found += _holdings_that_differ(account, holdings)
    found += _statistics_that_differ(account, section(metrics, "trading_statistics"))
    for trade in trades:
        position = account.positions.get(int(str(trade["id"])))
        if position is not None and number(trade["realized_pnl"]) != position.realized:
            found.append(f"trade {trade['id']}: printed {trade['realized_pnl']}, is {float(position.realized)}")
    return found


def _holdings_that_differ(account: ReferenceAccount, holdings: Sequence[Row]) -> list[str]:
    printed = {(str(h["symbol"]), sign_of(h)): (number(h["quantity"]), number(h["avg_price"])) for h in holdings}
    expected = account.holdings()
    if printed.keys() != expected.keys():
        return [f"holdings: printed {sorted(printed)}, are {sorted(expected)}"]
    return [
        f"holding {key}: printed {printed[key]}, is {expected[key]}"
        for key, (quantity, average) in expected.items()
        if printed[key][0] != quantity or not is_near(printed[key][1], average)
    ]


def _statistics_that_differ(account: ReferenceAccount, printed: Row) -> list[str]:
    found = []
    for name, expected in account.statistics().items():
        said = printed[name]
        if expected is None or said is None:
            if said is not expected:
                found.append(f"{name}: printed {said}, is {expected}")
        elif not is_near(number(said), Fraction(expected)):
            found.append(f"{name}: printed {said}, is {float(expected)}")
    return found


def number(value: object) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(str(value))


def is_near(one: Fraction, other: Fraction) -> bool:
    """Whether two numbers agree to nine digits, or to the 1e-8 that amounts are rounded to."""
    return abs(one - other) <= max(abs(other) * Fraction(1, 10**9), Fraction(1, 2 * 10**8))


def sign_of(row: Row) -> int:
    return 1 if row["side"] == "long" else -1


def section(row: Row, name: str) -> Row:
    found = row[name]
    assert isinstance(found, Mapping)
    return found


def rows(row: Row, name: str) -> Sequence[Row]:
    found = row[name]
    assert isinstance(found, Sequence)
    return found


def half_even(value: Fraction) -> Fraction:
    return round(value / UNIT) * UNIT


def ceil_unit(value: Fraction) -> Fraction:
    return math.ceil(value / UNIT) * UNIT
