"""A user who does anything at all, one command after the other, and what must hold whatever they did.

The steps are commands as a person types them, on a real database with a real server behind them whose clock moves
only when a step says so. After each step the journal is replayed, and `portfolio`, `metrics` and the exports are
compared with an account of fractions that believes only in deposits and fills.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from papertrade.engine.market import MINUTE_MS, Candle
from tests.cli import NOW_MS, FixedClock, Result, run
from tests.reference import ReferenceAccount, Row, differences, number
from tests.venue_server import VenueServer

SYMBOLS = ("AAAUSDT", "BBBUSDT")
IDS = tuple(f"i{n}" for n in range(6))
EXPECTED = frozenset({0, 5, 6, 7, 8, 9, 10})
"""How a command may end whatever was asked: done, or refused by a rule."""

_CASH = 10_000
_STEP = Decimal("0.5")

sides = st.sampled_from(["long", "short"])
symbols = st.sampled_from(SYMBOLS)
ids = st.sampled_from(IDS)
percents = st.integers(1, 8)
sizes = st.sampled_from(["0.5", "1", "3", "40"])
trades = st.integers(1, 12)
extras = st.sampled_from(
    [
        (),
        ("--trail", "2%"),
        ("--trail", "1R@1R"),
        ("--break-even", "1R"),
        ("--time-limit", "3m"),
        ("--expires", "4m"),
        ("--tp", "1R:0.5", "--tp", "3R:0.5", "--after-tp1", "be"),
    ]
)
moves = st.lists(st.tuples(st.integers(-8, 8), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=6)


class Commands(RuleBasedStateMachine):
    """The machine; one database and one venue a run."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="papertrade-stateful-"))
        self.candles = {symbol: [flat(minute) for minute in range(-4, 0)] for symbol in SYMBOLS}
        self.server = VenueServer.of(self.candles, NOW_MS)
        self.server.__enter__()
        self.clock = FixedClock()
        self.capital = Fraction(_CASH)
        self.minute = 0
        self.live: dict[str, int] = {}

    def teardown(self) -> None:
        self.server.__exit__(None, None, None)
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- steps -----------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        self.say("account", "show")

    @rule(side=sides, symbol=symbols, key=ids, stop=percents, size=sizes, extra=extras)
    def market(self, side: str, symbol: str, key: str, stop: int, size: str, extra: tuple[str, ...]) -> None:
        done = self.say(side, symbol, "--sl", f"{stop}%", "--size", size, "--source", "s", "--id", key, *extra)
        self._duplicate_exactly(done, f"s:{key}")

    @rule(side=sides, symbol=symbols, key=ids, away=percents, size=sizes, kind=st.sampled_from(["limit", "stop"]))
    def waiting(self, side: str, symbol: str, key: str, away: int, size: str, kind: str) -> None:
        is_below = (kind == "limit") == (side == "long")
        price = self.price(symbol) * (100 - away if is_below else 100 + away) / 100
        words = [f"--{kind}", str(price.quantize(Decimal("0.01"))), "--sl", "3%", "--tp", "2R"]
        done = self.say(side, symbol, *words, "--size", size, "--source", "s", "--id", key)
        self._duplicate_exactly(done, f"s:{key}")

    @rule(symbol=symbols, quantity=sizes)
    def buy(self, symbol: str, quantity: str) -> None:
        self.clock.pause(61)
        self.say("buy", symbol, "--quantity", quantity)

    @rule(symbol=symbols, quantity=sizes)
    def sell(self, symbol: str, quantity: str) -> None:
        self.say("sell", symbol, "--quantity", quantity)

    @rule(number=trades, fraction=st.sampled_from(["1", "0.5", "0.3"]))
    def close(self, number: int, fraction: str) -> None:
        self.say("close", str(number), "--fraction", fraction)

    @rule(number=trades)
    def cancel(self, number: int) -> None:
        self.say("cancel", str(number))

    @rule(number=trades)
    def void(self, number: int) -> None:
        self.say("void", str(number), "--reason", "a slip")

    @rule(number=trades, change=st.sampled_from([("--sl", "be"), ("--sl", "4%"), ("--trail", "1%"), ("--tp", "none")]))
    def modify(self, number: int, change: tuple[str, str]) -> None:
        self.say("modify", str(number), *change)

    @rule(amount=st.sampled_from([50, 1_000, -50, -9_000, -100_000]))
    def move_cash(self, amount: int) -> None:
        done = self.say("account", "deposit" if amount > 0 else "withdraw", str(abs(amount)))
        if done.code == 0:
            self.capital += amount

    @rule(moved=moves, is_watched=st.booleans())
    def pass_time(self, moved: Sequence[tuple[int, int, int]], is_watched: bool) -> None:
        for move, over, under in moved:
            for symbol, candles in self.candles.items():
                candles.append(
                    candle(self.minute, candles[-1].close, move if symbol == SYMBOLS[0] else -move, over, under)
                )
            self.minute += 1
        self.server.now_ms = NOW_MS + self.minute * MINUTE_MS
        if is_watched:
            assert self.say("watch", "--once", "-q").code == 0

    @rule(by_ms=st.sampled_from([-3_600_000, 3_600_000, 86_400_000]))
    def local_clock_jumps(self, by_ms: int) -> None:
        self.clock.at_ms += by_ms

    @rule(symbol=symbols, side=sides)
    def import_twice(self, symbol: str, side: str) -> None:
        path = self.folder / "signals.csv"
        path.write_text(f"id,source,symbol,side,stop_loss\n{symbol}{side},file,{symbol},{side},5%\n", encoding="utf-8")
        first, again = self.say("signal", "import", str(path)), self.say("signal", "import", str(path))
        assert again.code == first.code

    @precondition(lambda self: self.minute > 2)
    @rule()
    def rebuild(self) -> None:
        before = self.say("export", "trades").out
        assert self.say("check", "--rebuild").code == 0
        assert self.say("export", "trades").out == before

    # -- what must hold --------------------------------------------------------------------------------

    @invariant()
    def books_are_sound(self) -> None:
        done = self.say("check", "-q")
        assert (done.code, done.out) == (0, ""), done.out + done.err

    @invariant()
    def what_is_printed_is_what_the_reference_says(self) -> None:
        account = ReferenceAccount()
        account.moved(self.capital)
        trades = self.items("trades")
        void = {t["id"] for t in trades if "void" in cast("Sequence[str]", t["flags"])}
        for row in self.items("fills"):
            if row["trade_id"] not in void:
                account.filled(row, Fraction(1))
        for trade in trades:
            if trade["status"] == "pending":
                account.waits(number(trade["reserve"]))
        ledger = self.items("ledger")
        cash = sum((number(row["amount"]) for row in ledger if row["book"] == "cash"), Fraction(0))
        found = differences(account, self.data("portfolio", "--offline"), self.data("metrics"), trades, cash)
        assert found == [], found
        assert number(self.data("account", "show")["capital"]) == self.capital
        assert number(self.data("account", "show")["equity"]) == account.cash + account.reserved + account.unrealized(
            self.marks()
        )
        figures = cast("Mapping[str, object]", self.data("metrics")["trading_statistics"])
        assert figures["voided_trades"] == sum(t["opened_at"] is not None for t in trades if t["id"] in void)
        self.live = {signal_key(t): int(str(t["id"])) for t in trades if t["status"] in ("open", "pending")}
        assert len(self.live) == sum(t["status"] in ("open", "pending") for t in trades)

    # -- how ------------------------------------------------------------------------------------------

    def say(self, *words: str) -> Result:
        """Run a command; it ends as a command may."""
        self.clock.at_ms += 1
        done = run(words, self.environment, clock=self.clock)
        assert done.code in EXPECTED, (words, done.code, done.out, done.err)
        assert "Traceback" not in done.err
        return done

    def data(self, *words: str) -> Row:
        done = self.say(*words, "--json", "-q")
        assert done.code == 0, done.out
        return cast("Row", done.envelope["data"])

    def items(self, table: str) -> list[Row]:
        return cast("list[Row]", json.loads(self.say("export", table, "--format", "json", "-q").out))

    def marks(self) -> Mapping[tuple[str, int], Fraction]:
        holdings = cast("Sequence[Row]", self.data("portfolio", "--offline")["holdings"])
        return {(str(h["symbol"]), 1 if h["side"] == "long" else -1): number(h["current_price"]) for h in holdings}

    def price(self, symbol: str) -> Decimal:
        return self.candles[symbol][-1].close

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PAPERTRADE_DB": str(self.folder / "book.db"),
            "PAPERTRADE_CONFIG": "",
            "PAPERTRADE_FEEDS__BINANCE__BASE_URL": self.server.base_url,
            "PAPERTRADE_ACCOUNT__CASH": str(_CASH),
            "PAPERTRADE_WATCH__SETTLE": "none",
        }

    def _duplicate_exactly(self, done: Result, key: str) -> None:
        """A second trade is refused only where there was a first; after a catch-up it may have ended."""
        assert done.code != 7 or key in self.live


def signal_key(trade: Row) -> str:
    return f"{trade['source']}:{trade['external_id']}"


def flat(minute: int) -> Candle:
    return candle(minute, Decimal(100), 0, 1, 1)


def candle(minute: int, opened: Decimal, move: int, over: int, under: int) -> Candle:
    close = max(opened + move * _STEP, Decimal(5))
    return Candle(
        open_ms=NOW_MS + minute * MINUTE_MS,
        interval_ms=MINUTE_MS,
        open=opened,
        high=max(opened, close) + over * _STEP,
        low=max(min(opened, close) - under * _STEP, Decimal(1)),
        close=close,
    )
