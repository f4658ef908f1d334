"""Promises 1 and 2: trades end as the document says, however and however seldom the market was looked at."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.market import HOUR_MS, MINUTE_MS, Candle
from papertrade.render.numbers import iso_z
from tests.e2e.served import IDEAS, Desk, expected, open_all, outcome, served
from tests.engine.real_candles import hours, needs_data, to_ms

TAPES = (
    ("BTCUSD", "2018-12-08T22:40Z"),
    ("ETHUSD", "2018-12-08T22:40Z"),
    ("XRPUSD", "2017-12-22T07:10Z"),
    ("BTCUSD", "2018-04-28T08:45Z"),
)
OPENED_AFTER_MS = 30_000


def tape(symbol: str, start: str) -> tuple[str, Sequence[Candle], int]:
    return f"{symbol}T", hours(symbol, (start,))[start], to_ms(start)


def walk(desk: Desk, start_ms: int, offsets: Sequence[int]) -> None:
    """Move the venue's clock to each offset and run one tick there."""
    for offset in offsets:
        desk.server.now_ms = start_ms + offset
        result = desk("watch", "--once", "-q")
        assert result.code == 0, result.err


def check_is_clean(desk: Desk) -> None:
    result = desk("check", "-q")
    assert (result.code, result.out) == (0, "")


@needs_data
@pytest.mark.parametrize(("symbol", "start"), TAPES)
def test_every_trade_ends_as_the_oracle_says(symbol: str, start: str, tmp_path: Path) -> None:
    name, candles, start_ms = tape(symbol, start)
    opened_ms = start_ms + OPENED_AFTER_MS
    with served(tmp_path, name, candles, opened_ms) as desk:
        price = desk.server.market.price(name, opened_ms)
        open_all(desk, name)
        walk(desk, start_ms, range(60_000, HOUR_MS + 1, 30_000 if symbol == "XRPUSD" else 60_000))
        check_is_clean(desk)
        trades = desk.trades()
    for number, idea in enumerate(IDEAS, start=1):
        trade = trades[number]
        assert Decimal(str(trade["entry_price"])) == price
        happened = expected(idea, price, opened_ms, candles)
        seen = [(trade["exit_reason"], str(trade["exit_price"]), trade["closed_at"], trade["ambiguous"])]
        told = [
            (h.reason, str(Decimal(h.price.numerator) / h.price.denominator), iso_z(h.stamp), h.ambiguous)
            for h in happened
            if h.reason not in {"entry"}
        ]
        if trade["status"] == "open":
            assert told == []
        else:
            assert [(r, Decimal(p), at, flag) for r, p, at, flag in seen] == [
                (r, Decimal(p), at, flag) for r, p, at, flag in told
            ]


@needs_data
@pytest.mark.parametrize(
    "offsets",
    [
        pytest.param([57 * MINUTE_MS, HOUR_MS], id="asleep for 57 minutes"),
        pytest.param([*sorted(random.Random(7).sample(range(31_000, HOUR_MS), 17)), HOUR_MS], id="odd ticks"),
        pytest.param([20 * MINUTE_MS] * 3 + [40 * MINUTE_MS] * 3 + [HOUR_MS] * 3, id="repeated ticks"),
    ],
)
def test_the_result_does_not_depend_on_how_the_tape_was_polled(offsets: list[int], tmp_path: Path) -> None:
    name, candles, start_ms = tape(*TAPES[2])
    results: list[Mapping[int, tuple[object, ...]]] = []
    for folder, ticks in (("steady", list(range(60_000, HOUR_MS + 1, 60_000))), ("odd", offsets)):
        with served(tmp_path / folder, name, candles, start_ms + OPENED_AFTER_MS) as desk:
            open_all(desk, name)
            walk(desk, start_ms, ticks)
            check_is_clean(desk)
            results.append({number: outcome(trade) for number, trade in desk.trades().items()})
    assert results[0] == results[1]


@needs_data
def test_thirty_kills_of_the_living_loop_change_nothing(tmp_path: Path) -> None:
    name, candles, start_ms = tape(*TAPES[2])
    chance = random.Random(11)
    with served(tmp_path / "killed", name, candles, start_ms + OPENED_AFTER_MS) as desk:
        open_all(desk, name)
        for kill in range(1, 31):
            desk.server.now_ms = start_ms + OPENED_AFTER_MS + kill * 110_000
            living = subprocess.Popen(
                [sys.executable, "-m", "papertrade", "watch", "--interval", "1", "-q"],
                env={**os.environ, **desk.environment},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(0.35 + chance.random() * 0.9)
            living.send_signal(signal.SIGKILL)
            living.wait()
        walk(desk, start_ms, [HOUR_MS])
        check_is_clean(desk)
        killed = {number: outcome(trade) for number, trade in desk.trades().items()}
    with served(tmp_path / "steady", name, candles, start_ms + OPENED_AFTER_MS) as desk:
        open_all(desk, name)
        walk(desk, start_ms, [HOUR_MS])
        steady = {number: outcome(trade) for number, trade in desk.trades().items()}
    assert killed == steady


@needs_data
def test_a_close_by_hand_after_an_unseen_stop_is_refused(tmp_path: Path) -> None:
    name, candles, start_ms = tape(*TAPES[2])
    with served(tmp_path, name, candles, start_ms + OPENED_AFTER_MS) as desk:
        open_all(desk, name, IDEAS[:1])
        desk.server.now_ms = start_ms + HOUR_MS
        result = desk("close", "1", "--json")
        assert result.code == 6
        assert result.error["code"] == "already_ended"
        assert "already ended: " in str(result.error["message"])
        check_is_clean(desk)
