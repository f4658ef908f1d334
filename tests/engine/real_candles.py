"""Recorded minutes of a real venue for tests, from the folder that `PAPERTRADE_TEST_DATA` names."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from papertrade.engine.market import HOUR_MS, MINUTE_MS, Candle
from papertrade.engine.money import parse_decimal

_DEFAULT = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FOLDER = Path(os.environ.get("PAPERTRADE_TEST_DATA", _DEFAULT)) / "candles"

needs_data = pytest.mark.skipif(not FOLDER.is_dir(), reason="the recorded candles are not at hand")


def to_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


@cache
def hours(symbol: str, starts: tuple[str, ...]) -> dict[str, tuple[Candle, ...]]:
    """Return the recorded minutes of the hours that begin at `starts` (`2018-12-08T22:40Z`), in one reading."""
    spans = {start: (to_ms(start), to_ms(start) + HOUR_MS) for start in starts}
    days = {start[:10] for start in starts} | {_next_day(start) for start in starts}
    with gzip.open(FOLDER / f"bitfinex_{symbol}_1m.csv.gz", "rt", newline="") as file:
        near = [_candle(row) for row in csv.reader(file) if row[0][:10] in days]
    return {start: tuple(c for c in near if low <= c.open_ms < high) for start, (low, high) in spans.items()}


def _next_day(start: str) -> str:
    return datetime.fromtimestamp(to_ms(start) / 1000 + 86_400, tz=datetime.fromisoformat(start).tzinfo).isoformat()[
        :10
    ]


def _candle(row: Sequence[str]) -> Candle:
    prices = [parse_decimal(text) for text in row[1:5]]
    return Candle(
        open_ms=to_ms(row[0]), interval_ms=MINUTE_MS, open=prices[0], high=prices[1], low=prices[2], close=prices[3]
    )
