"""Every number of every trade of a busy run comes out again from `explain --json` alone, to the last digit."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import cast

import pytest

from papertrade.engine.carry import DAY_MS
from papertrade.engine.market import MINUTE_MS, Candle
from tests.cli import NOW_MS
from tests.e2e.busy_run import CASH, BusyRun, Node, busy_run
from tests.e2e.recompute import Again, again
from tests.engine.real_candles import FOLDER, needs_data, to_ms
from tests.venue_market import read_candles

SUMS = ("entry_price", "exit_price", "open_quantity", "reserve", "fees", "slippage", "funding", "borrow_cost")
RESULTS = (*SUMS, "realized_pnl", "r_multiple")


def random_walk(minutes: int, seed: int) -> list[Candle]:
    """Make minutes that jump now and then, from `NOW_MS` on."""
    dice, price, made = random.Random(seed), 3500.0, []
    for minute in range(minutes):
        opened = price * (1 + (dice.gauss(0, 0.01) if dice.random() < 0.01 else 0))
        path = [opened]
        for _ in range(4):
            path.append(path[-1] * (1 + dice.gauss(0, 0.0006)))
        price = path[-1]
        prices = [Decimal(f"{each:.2f}") for each in (opened, max(path), min(path), price)]
        made.append(
            Candle(
                open_ms=NOW_MS + minute * MINUTE_MS,
                interval_ms=MINUTE_MS,
                open=prices[0],
                high=prices[1],
                low=prices[2],
                close=prices[3],
                volume=Decimal(1),
            )
        )
    return made


def told_again(run: BusyRun) -> dict[int, Again]:
    """Work every trade out again; what is told differently must be nothing."""
    made = {}
    for trade in run.trades():
        number = cast(int, trade["id"])
        one = again(run.data("explain", str(number)))
        assert one.wrong == [], (number, one.wrong)
        assert {name: cast(Node, one.told["trade"])[name] for name in RESULTS} == {
            name: trade[name] for name in RESULTS
        }
        made[number] = one
    return made


def check_fills(run: BusyRun, trades: Mapping[int, Again]) -> int:
    """Compare every row of `export fills` with the fill worked out; return how many there are."""
    rows = list(csv.DictReader(io.StringIO(run("export", "fills", "-q").out)))
    seen: Counter[int] = Counter()
    for row in rows:
        number = int(row["trade_id"])
        fill = trades[number].fills[seen[number]]
        seen[number] += 1
        assert {name: Fraction(row[name]) for name in fill} == fill, row
    assert seen == {number: len(one.fills) for number, one in trades.items() if one.fills}
    return len(rows)


def check_books(run: BusyRun, trades: Mapping[int, Again]) -> None:
    """Compare what all trades moved with the books: free cash, what is tied up, profit, fees and funding."""
    books: dict[str, Fraction] = defaultdict(Fraction)
    for row in csv.DictReader(io.StringIO(run("export", "ledger", "-q").out)):
        books[row["book"]] += Fraction(row["amount"])
    every = trades.values()
    assert books == {
        "cash": sum((one.cash for one in every), Fraction(CASH)),
        "reserved": sum(one.reserve for one in every),
        "realized_pnl": -sum(one.gross for one in every),
        "fees": sum(one.fees for one in every),
        "funding": sum(one.funding for one in every),
        "capital": -Fraction(CASH),
    }


def kinds_of(trades: Mapping[int, Again]) -> Counter[str]:
    """Count what happened, so that a run in which nothing happens is noticed."""
    seen: Counter[str] = Counter()
    for one in trades.values():
        told = one.told
        exits = cast("Sequence[Node]", told["exits"])
        fills = [*([told["entry"]] if told["entry"] else []), *exits]
        seen.update(str(left["reason"]) for left in exits)
        seen.update(f"for {cast(Node, left['part'])['because']}" for left in exits)
        seen.update(str(charge["kind"]) for charge in cast("Sequence[Node]", told["charges"]))
        seen["walked"] += sum(len(cast("Sequence[Node]", cast(Node, fill)["walked"])) > 1 for fill in fills)
        seen["parts"] += len(exits) > 1
        seen["cut"] += sum(left["gross_cut_to_reserve"] is True for left in exits)
        seen["void"] += told["voided"] is not None
        seen["waited"] += told["placed"] is not None and told["entry"] is not None
        seen["never"] += told["ended"] is not None
        seen["moved"] += told["stop_moves"] != []
        seen["sized"] += told["sizing"] is not None
    return +seen


_OF_BOTH = ("price", "raw_price", "notional", "fee", "fee_before_rounding", "price_before_rounding", "slippage")
_OF_EXITS = ("move", "gross", "reserve_share", "entry_fee_share", "funding_share", "cash_back", "realized_pnl")
OUTCOMES = {"entry": (*_OF_BOTH, "reserve", "spread_cost"), "exits": (*_OF_BOTH, *_OF_EXITS, "open_before", "quantity")}
EVERYTHING = {
    *("stop_loss", "take_profit", "trailing_stop", "break_even", "time_limit", "manual", "liquidation"),
    *("funding", "borrow", "walked", "parts", "cut", "void", "waited", "never", "moved", "sized"),
    *("for asked", "for last_target", "for everything"),
}


def check_all(run: BusyRun) -> tuple[Mapping[int, Again], int]:
    """Work all trades of a run out and compare; return them, and the number of their fills."""
    trades = told_again(run)
    check_books(run, trades)
    return trades, check_fills(run, trades)


def test_every_number_of_a_made_run(tmp_path: Path) -> None:
    with busy_run(tmp_path, random_walk(3000, 7), NOW_MS + 90 * MINUTE_MS, seed=7) as run:
        run.play(100, per_round=20, gap_minutes=400)
        trades, fills = check_all(run)
    assert fills > len(trades) >= 100
    assert set(kinds_of(trades)) >= EVERYTHING


def test_a_number_that_is_off_by_the_last_digit_is_noticed(tmp_path: Path) -> None:
    with busy_run(tmp_path, random_walk(600, 3), NOW_MS + 90 * MINUTE_MS, seed=3) as run:
        run("long", "CENTUSDT", "--size", "0.12345", "--sl", "1%", "-q", settings={"COSTS__SLIPPAGE_BPS": "3"})
        run("close", "1", "--fraction", "0.4", "-q")
        told = run.data("explain", "1")
    assert again(told).wrong == []
    for fill in ("entry", "exits"):
        for name in OUTCOMES[fill]:
            off = json.loads(json.dumps(told))
            node = off["entry"] if fill == "entry" else off["exits"][0]
            node[name] = str(Decimal(node[name]) + Decimal("0.00000001"))
            assert again(off).wrong != [], (fill, name)


@needs_data
@pytest.mark.parametrize(
    ("count", "per_round"), [(120, 20), pytest.param(1000, 75, marks=pytest.mark.slow)], ids=("some", "a thousand")
)
def test_every_number_of_a_run_over_a_recorded_tape(count: int, per_round: int, tmp_path: Path) -> None:
    start_ms = to_ms("2018-12-08T00:00Z")
    candles = read_candles(FOLDER / "bitfinex_BTCUSD_1m.csv.gz", MINUTE_MS, start_ms, start_ms + 5 * DAY_MS)
    with busy_run(tmp_path, candles, start_ms + 90 * MINUTE_MS, seed=2018) as run:
        run.play(count, per_round, gap_minutes=420)
        trades, fills = check_all(run)
    assert fills > len(trades) >= count
    assert set(kinds_of(trades)) >= EVERYTHING
