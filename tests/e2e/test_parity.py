"""Promise 1 end to end: a tape is watched through the commands, then `parity` asks the venue again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import cast

import pytest

from papertrade.engine.market import HOUR_MS, MINUTE_MS, Candle
from tests.cli import NOW_MS
from tests.e2e.served import Desk, environment
from tests.e2e.test_served_tapes import walk
from tests.engine.real_candles import hours, needs_data, to_ms
from tests.venue_market import Market
from tests.venue_server import VenueServer

START_MS = NOW_MS
SYMBOLS = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
OPENED_MS = START_MS + 30_000


def wandering(seed: int, minutes: int = 240) -> list[Candle]:
    """Return minutes that walk a few percent up and down around 100, some of them missing."""
    chance = Random(seed)
    price = Decimal(100)
    candles = []
    for number in range(minutes):
        moves = [Decimal(chance.randint(-60, 60)) / 100 for _ in range(3)]
        close = price + moves[0]
        high, low = max(price, close) + abs(moves[1]), min(price, close) - abs(moves[2])
        open_ms = START_MS + number * MINUTE_MS
        candle = Candle(open_ms=open_ms, interval_ms=MINUTE_MS, open=price, high=high, low=low, close=close)
        if number == 0 or chance.random() > 0.02:
            candles.append(candle)
        price = close
    return candles


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk over three symbols that wander."""
    market = Market({symbol: wandering(seed) for seed, symbol in enumerate(SYMBOLS)})
    with VenueServer(market, OPENED_MS) as server:
        yield Desk(server, environment(tmp_path, server.base_url))


def meddle(desk: Desk, *commands: Sequence[str]) -> None:
    """Do something by hand; whether it can still be done depends on the tape."""
    for command in commands:
        assert desk(*command).code in (0, 6, 10), command


def open_many(desk: Desk) -> None:
    """Open market, limit and stop entries on both sides, with one target or several."""
    for symbol in SYMBOLS:
        meddle(
            desk,
            ["long", symbol, "--sl", "1.5%", "--tp", "2%", "--size", "2"],
            ["short", symbol, "--sl", "2%", "--tp", "1%:0.5", "--tp", "3%:0.5", "--size", "3"],
            ["long", symbol, "--limit", "99.2", "--sl", "97.9", "--tp", "2R", "--size", "1"],
            ["short", symbol, "--limit", "100.7", "--sl", "1%", "--tp", "1R", "--tp", "2R", "--size", "1.5"],
            ["long", symbol, "--stop", "100.9", "--sl", "1%", "--tp", "1%", "--size", "1"],
            ["short", symbol, "--stop", "98.8", "--sl", "0.5%", "--size", "1", "--expires", "50m"],
        )


def kill_a_loop(desk: Desk, seconds: float) -> None:
    """Let a loop live for a moment and kill it."""
    living = subprocess.Popen(
        [sys.executable, "-m", "papertrade", "watch", "--interval", "1", "-q"],
        env={**os.environ, **desk.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    living.send_signal(signal.SIGKILL)
    living.wait()


def watch_with_everything(desk: Desk) -> None:
    """Live four hours: polls, hands, kills, cron once an hour."""
    open_many(desk)
    walk(desk, START_MS, [70_000, 150_000, 150_000, 500_000])
    desk.server.now_ms = START_MS + 12 * MINUTE_MS + 20_000
    meddle(desk, ["close", "1", "--fraction", "0.3"], ["modify", "2", "--sl", "101.9"], ["cancel", "3"])
    for kill in range(3):
        desk.server.now_ms = START_MS + (20 + kill) * MINUTE_MS + 17_000
        kill_a_loop(desk, 0.5 + 0.3 * kill)
    desk.server.now_ms = START_MS + 31 * MINUTE_MS + 40_000
    meddle(desk, ["modify", "7", "--tp", "104:0.6"], ["close", "8"], ["modify", "10", "--sl", "103"], ["close", "13"])
    walk(desk, START_MS, [HOUR_MS, 2 * HOUR_MS + 5_000])
    open_many(desk)
    walk(desk, START_MS, [3 * HOUR_MS, 4 * HOUR_MS])


def test_a_watch_with_hands_kills_and_cron_is_told_the_same_again(desk: Desk) -> None:
    watch_with_everything(desk)
    trades = desk.trades()
    result = desk("parity")
    line = f"{len(trades)} trades compared over 3 symbols: no difference\n"
    assert (result.code, result.out, result.err) == (0, line, "")
    outcomes = {str(trade["status"]) for trade in trades.values()}
    assert {"closed", "cancelled", "expired"} <= outcomes
    reasons = {str(trade["exit_reason"]) for trade in trades.values()}
    assert {"take_profit", "stop_loss", "manual"} <= reasons


def test_a_candle_that_the_venue_corrected_is_found(desk: Desk) -> None:
    watch_with_everything(desk)
    tapes = cast("dict[str, list[Candle]]", desk.server.market.candles)
    stopped = next(t for t in desk.trades().values() if t["exit_reason"] == "stop_loss" and not t["ambiguous"])
    symbol, at = str(stopped["symbol"]), str(stopped["closed_at"])
    tape = tapes[symbol]
    index = next(i for i, c in enumerate(tape) if to_ms(at) // MINUTE_MS == c.open_ms // MINUTE_MS)
    old = tape[index]
    flat = old.close
    tape[index] = Candle(open_ms=old.open_ms, interval_ms=MINUTE_MS, open=flat, high=flat, low=flat, close=flat)
    result = desk("parity", "--symbol", symbol, "--json")
    assert result.code == 13
    data = cast("dict[str, list[dict[str, object]]]", result.envelope["data"])
    found = [d for d in data["differences"] if d["trade_id"] == stopped["id"]]
    assert {"status", "closed_at"} & {str(d["field"]) for d in found}
    assert {(d["class"], str(d["candle"])[:16]) for d in found} == {("candle_corrected", at[:16])}
    assert desk("parity", "--symbol", next(s for s in SYMBOLS if s != symbol)).code == 0


@needs_data
def test_real_minutes_with_trades_on_both_sides(tmp_path: Path) -> None:
    start = "2017-12-22T07:10Z"
    candles, start_ms = hours("XRPUSD", (start,))[start], to_ms(start)
    with VenueServer(Market({"XRPUSDT": candles}), start_ms + 30_000) as server:
        desk = Desk(server, environment(tmp_path, server.base_url))
        for side in ("long", "short"):
            for stop, target in (("0.5", "0.5"), ("1", "2"), ("4", "2"), ("3", "6")):
                desk.data(side, "XRPUSDT", "--sl", f"{stop}%", "--tp", f"{target}%", "--size", "100")
        walk(desk, start_ms, [7 * MINUTE_MS + 3_000, 40 * MINUTE_MS, HOUR_MS])
        result = desk("parity")
    assert (result.code, result.out) == (0, "8 trades compared over 1 symbol: no difference\n")
