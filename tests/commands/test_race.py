"""Many processes open one signal at once: one trade, and everybody else is told which."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from papertrade.engine.market import MINUTE_MS
from tests.cli import NOW_MS
from tests.commands.trading_desk import TradingDesk

_ROOT = Path(__file__).resolve().parents[2]


def started(desk: TradingDesk, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "papertrade", *args, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env={**os.environ, **desk.environment},
    )


ON_THE_SPOT = ("long", "BTCUSDT", "--size", "1", "--source", "s", "--id", "b")


@pytest.mark.parametrize(
    ("words", "count"),
    [(("open", "s:a"), 12), (ON_THE_SPOT, 4), pytest.param(("open", "s:a"), 24, marks=pytest.mark.slow)],
)
def test_one_signal_gives_one_trade(desk: TradingDesk, words: tuple[str, ...], count: int) -> None:
    desk.text("signal", "add", "BTCUSDT", "long", "--size", "1", "--source", "s", "--id", "a")
    desk.server.now_ms = NOW_MS + MINUTE_MS // 2
    processes = [started(desk, *words) for _ in range(count)]
    answers = [process.communicate(timeout=120)[0] for process in processes]
    assert Counter(process.returncode for process in processes) == {0: 1, 7: count - 1}
    refused = [json.loads(answer)["error"] for answer in answers if not json.loads(answer)["success"]]
    assert [error["details"] for error in refused] == [{"trade_id": 1, "status": "open", "entry_price": "100"}] * (
        count - 1
    )
    assert desk.data("trades", "-q")["total"] == 1
    assert desk("check").code == 0


@pytest.mark.parametrize(
    "words", [("long", "BTCUSDT", "--size", "1", "--sl", "2%"), ("buy", "BTCUSDT", "--notional", "50")]
)
def test_a_script_that_says_it_several_times_at_once_trades_once(desk: TradingDesk, words: tuple[str, ...]) -> None:
    desk.server.now_ms = NOW_MS + MINUTE_MS // 2
    processes = [started(desk, *words) for _ in range(4)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert Counter(process.returncode for process in processes) == {0: 1, 7: 3}
    refused = [answer["error"] for answer in answers if not answer["success"]]
    assert {(error["code"], error["hint"]) for error in refused} == {("duplicate_trade", "--again trades it once more")}
    assert {error["details"]["trade_id"] for error in refused} == {1}
    assert desk.data("trades", "-q")["total"] == 1
    assert desk.text(*words, "--again").startswith("#2 open")


def test_of_several_that_take_a_trade_back_at_once_one_does(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--sl", "90")
    desk.server.now_ms = NOW_MS + MINUTE_MS // 2
    processes = [started(desk, "void", "1", "--reason", "slip") for _ in range(4)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert Counter(process.returncode for process in processes) == {0: 1, 6: 3}
    codes = {answer["error"]["code"] for answer in answers if not answer["success"]}
    assert codes <= {"already_void", "already_ended"}
    assert desk.data("account", "show")["cash"] == "10000"
    assert desk("check").code == 0
