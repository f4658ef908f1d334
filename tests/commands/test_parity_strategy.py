"""`parity --strategy`: the signals that a strategy made beside the watch, made again over the venue's candles."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from papertrade.engine.market import Candle
from tests.cli import Result
from tests.commands.watching import Watched, tape, watched
from tests.runs.strategies import write

DIPS = """
    WARMUP = 3
    def strategy(candles):
        if candles.close[-1] < candles.close[-2]:
            return candles.signal("long", stop="10%", take_profit="10%", size=1)
"""
OTHER = DIPS.replace('"long", stop="10%"', '"long", stop="9%"')
SILENT = "\n    def strategy(candles):\n        return None\n"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    """AAAUSDT falls to 99 in minute 2 and to 98 in minute 5; a watch was there from 10:00:30 to 10:08."""
    falls = {2: "100 100 99 99", 3: "99 99 99 99", 4: "99 99 99 99"}
    rest = {n: "99 99 98 98" if n == 5 else "98 98 98 98" for n in range(5, 60)}
    with watched(tmp_path, tape({**falls, **rest})) as made:
        file = write(made.folder, DIPS)
        for seconds in (0, 180, 180, 120):
            made.pass_seconds(seconds)
            made.run("watch", "--once", "-q", "--strategy", file, "--symbol", "AAAUSDT")
        yield made


def told(venue: Watched, text: str) -> Result:
    return venue.run("parity", "--strategy", write(venue.folder, text))


def test_the_same_signals(venue: Watched) -> None:
    assert told(venue, DIPS) == Result(
        0,
        "2 trades compared over 1 symbol: no difference\n2 signals of `idea` compared: no difference\n",
        "",
    )


def test_a_file_that_was_changed(venue: Watched) -> None:
    result = told(venue, OTHER)
    assert result.code == 13
    assert result.err == (
        "error: 2 of 2 signals of `idea` differ from what is stored\n"
        "hint: was the file changed? `papertrade backtest --check-lookahead` tells what else its signals depend on\n"
    )
    assert "exits" in result.out


def test_signals_that_are_not_made_any_more(venue: Watched) -> None:
    data = venue.run("parity", "--json", "--strategy", write(venue.folder, SILENT))
    assert data.code == 13
    strategy = cast("dict[str, dict[str, object]]", data.envelope["data"])["strategy"]
    first = cast("list[dict[str, object]]", strategy["differences"])[0]
    assert first == {
        "signal": "idea:AAAUSDT-20261120T100300Z",
        "symbol": "AAAUSDT",
        "made_at": "2026-11-20T10:03:00.000Z",
        "field": "signal",
        "recorded": "long",
        "replayed": None,
    }


def test_a_candle_that_was_corrected_makes_another_signal(venue: Watched) -> None:
    tapes = cast("dict[str, list[Candle]]", venue.server.market.candles)
    candles = tapes["AAAUSDT"]
    before = candles[[c.close for c in candles].index(Decimal(98)) + 1]
    low = Candle(
        open_ms=before.open_ms,
        interval_ms=60_000,
        open=before.open,
        high=before.open,
        low=before.low - 1,
        close=before.low - 1,
    )
    tapes["AAAUSDT"] = [low if c.open_ms == low.open_ms else c for c in candles]
    result = told(venue, DIPS)
    assert result.code == 13
    assert result.err.startswith("error: 1 of 3 signals of `idea` differs from what is stored\n")


def test_no_signals_of_that_strategy(venue: Watched) -> None:
    file = write(venue.folder, DIPS, "another.py")
    assert venue.run("parity", "-q", "--strategy", file) == Result(0, "", "")
    assert venue.run("parity", "--strategy", file).out.endswith("no stored signals of `another` to compare\n")
    assert venue.run("parity", "--strategy", "nowhere.py").code == 4
